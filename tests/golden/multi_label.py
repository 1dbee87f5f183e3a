"""Reference values for the figures of sets of labels, by scikit-learn.

    pip install numpy scikit-learn
    python tests/golden/multi_label.py > tests/golden/multi_label.json

It also writes two archives beside itself: `multi_label.npz`, four rows with three labels that have names, and
`multi_label_bad.npz`, the same with a 2 in row 2. The versions used are written into the JSON. Probabilities are rounded to a few digits, so that some tie, and to binary32
first, so that both sides compute with the same ones."""

import json
import pathlib
import warnings
from importlib.metadata import version

import numpy as np
from sklearn.metrics import average_precision_score, f1_score

warnings.simplefilter("ignore")  # of labels that no row has
rng = np.random.default_rng(20262)


def case(truth, probabilities):
    probabilities = probabilities.astype(np.float32)
    predicted = probabilities >= 0.5
    return {
        "labels": truth.shape[1],
        "sets": [int(sum(1 << label for label in np.flatnonzero(row))) for row in truth],
        "probabilities": [float(p) for p in probabilities.ravel()],
        "label_macro_f1": float(f1_score(truth, predicted, average="macro", zero_division=0)),
        "mean_average_precision": float(average_precision_score(truth, probabilities, average="macro")),
    }


cases = []
for labels, rows, digits in [(2, 40, 8), (5, 60, 2), (9, 25, 1), (31, 50, 3)]:
    truth = (rng.random((rows, labels)) < 0.3).astype(int)
    probabilities = np.clip(0.35 * truth + 0.65 * rng.random((rows, labels)), 0, 1).round(digits)
    cases.append(case(truth, probabilities))
# A label that no row has and none is predicted to have, one that all have, and one that is predicted everywhere.
truth = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 1], [0, 1, 0]])
cases.append(case(truth, np.array([[0.1, 0.9, 0.6], [0.2, 0.4, 0.7], [0.3, 0.8, 0.7], [0.1, 0.7, 0.5]])))
# No label anywhere.
cases.append(case(np.zeros((3, 2), int), np.array([[0.6, 0.1], [0.4, 0.2], [0.2, 0.3]])))

packages = ["numpy", "scikit-learn"]
print(json.dumps({"versions": {p: version(p) for p in packages}, "cases": cases}, separators=(",", ":")))

here = pathlib.Path(__file__).parent
inputs = np.arange(8, dtype=np.float32).reshape(4, 2)
truth = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0], [0, 0, 1]], dtype=np.uint8)
names = np.array(["red", "round", "small"])
np.savez(here / "multi_label.npz", X=inputs, y=truth, label_names=names)
truth[2, 1] = 2
np.savez(here / "multi_label_bad.npz", X=inputs, y=truth)
