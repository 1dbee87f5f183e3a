"""Reference selections for tests/regression.rs.

    pip install scikit-activeml==1.0.1
    python tests/golden/regression.py > tests/golden/regression.json

One random pool of 40 rows, 6 of them labelled, and a regressor that predicts given numbers. Numbers are rounded to
binary32 first, so that both sides compute with the same ones; no two candidates tie.
"""

import json

import numpy as np
import skactiveml
from skactiveml.base import SkactivemlRegressor
from skactiveml.pool import GreedySamplingTarget, GreedySamplingX

N, LABELLED, WIDTH, BATCH = 40, 6, 3, 12

rng = np.random.default_rng(20261129)
x = rng.normal(size=(N, WIDTH)).astype(np.float32)
targets = rng.normal(scale=3, size=N).astype(np.float32)
predictions = (targets + rng.normal(size=N)).astype(np.float32)
y = np.full(N, np.nan)
y[:LABELLED] = targets[:LABELLED]


class Given(SkactivemlRegressor):
    """Predicts the given number of every row."""

    def fit(self, X, y, sample_weight=None):
        return self

    def predict(self, X):
        rows = {row.tobytes(): number for row, number in zip(x.astype(np.float64), predictions)}
        return np.array([rows[row.tobytes()] for row in np.asarray(X, dtype=np.float64)], dtype=np.float64)


def target(method):
    strategy = GreedySamplingTarget(method=method, random_state=0)
    return strategy.query(x.astype(np.float64), y, reg=Given(), fit_reg=False, batch_size=BATCH).tolist()


print(
    json.dumps(
        {
            "source": f"scikit-activeml {skactiveml.__version__}",
            "width": WIDTH,
            "labelled": LABELLED,
            "inputs": x.ravel().tolist(),
            "targets": targets.tolist(),
            "predictions": predictions.tolist(),
            "gsx": GreedySamplingX(random_state=0).query(x.astype(np.float64), y, batch_size=BATCH).tolist(),
            "gsy": target("GSy"),
            "igs": target("GSi"),
        }
    )
)
