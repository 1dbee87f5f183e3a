"""Reference values for the metrics of `learner::Scores`, by scikit-learn.

    pip install numpy scikit-learn
    python tests/golden/metrics.py > tests/golden/metrics.json

The versions used are written into the JSON."""

import json
from importlib.metadata import version

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

rng = np.random.default_rng(20261)


def case(truth, predicted, classes):
    return {
        "classes": classes,
        "truth": [int(v) for v in truth],
        "predicted": [int(v) for v in predicted],
        "accuracy": float(accuracy_score(truth, predicted)),
        # Warns of classes that are predicted and have no row, which it leaves out.
        "balanced_accuracy": float(balanced_accuracy_score(truth, predicted)),
        # Over the labels of truth or prediction.
        "macro_f1": float(f1_score(truth, predicted, average="macro", zero_division=0)),
    }


cases = []
for classes, rows in [(2, 40), (3, 60), (7, 25), (10, 200), (26, 30)]:
    truth = rng.integers(0, classes, rows)
    predicted = np.where(rng.random(rows) < 0.7, truth, rng.integers(0, classes, rows))
    cases.append(case(truth, predicted, classes))
# The large class alone, as a classifier that never finds the small one predicts.
truth = np.zeros(180, int)
truth[:3] = 1
cases.append(case(truth, np.zeros(180, int), 2))
# Classes that only the truth has, only the predictions have, and neither.
cases.append(case([0, 0, 1, 1, 4], [0, 2, 1, 0, 0], 6))
cases.append(case([3], [3], 6))
cases.append(case([3], [2], 6))

packages = ["numpy", "scikit-learn"]
print(json.dumps({"versions": {p: version(p) for p in packages}, "cases": cases}, separators=(",", ":")))
