"""Reference figures of the embedded sets, taken from scikit-learn itself.

    python3 -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    venv/bin/python tests/golden/embedded.py > tests/golden/embedded.json
"""

import json

from sklearn import datasets

SETS = {
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "iris": datasets.load_iris,
}

golden = {}
for name, load in SETS.items():
    bunch = load()
    names = [str(n) for n in bunch.target_names]
    golden[name] = {
        "rows": bunch.data.shape[0],
        "width": bunch.data.shape[1],
        "classes": {n: int((bunch.target == k).sum()) for k, n in enumerate(names)},
        "column_sums": bunch.data.astype("float32").astype("float64").sum(axis=0).tolist(),
    }
print(json.dumps(golden, indent=1))
