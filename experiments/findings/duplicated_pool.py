"""Writes runs/plain.csv and runs/duplicated.csv: 400 handwritten digits to learn from, once and with forty
near copies of every tenth of them, and the same rows to test on in both.

    python experiments/findings/duplicated_pool.py      # needs scikit-learn
"""

import pathlib

import numpy as np
from sklearn.datasets import load_digits

rng = np.random.default_rng(1)
x, y = load_digits(return_X_y=True)
order = rng.permutation(len(x))
train, test = order[:400], order[400:1000]
repeated = np.concatenate([train, np.repeat(train[::10], 40)])
pathlib.Path("runs").mkdir(exist_ok=True)
for name, rows in [("plain", train), ("duplicated", repeated)]:
    noise = rng.normal(0, 0.05, size=(len(rows), x.shape[1]))
    both = np.concatenate([x[rows] + noise, x[test]])
    labels, split = np.concatenate([y[rows], y[test]]), ["train"] * len(rows) + ["test"] * len(test)
    with open(f"runs/{name}.csv", "w") as file:
        print(",".join([f"p{i}" for i in range(x.shape[1])] + ["label", "split"]), file=file)
        for values, label, part in zip(both, labels, split):
            print(",".join([f"{v:.4f}" for v in values] + [str(label), part]), file=file)
