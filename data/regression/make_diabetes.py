"""Writes data/regression/diabetes.csv from the file that scikit-learn 1.9.1 bundles, as it was measured.

    pip install scikit-learn==1.9.1
    python data/regression/make_diabetes.py > data/regression/diabetes.csv
"""

from sklearn.datasets import load_diabetes

data = load_diabetes(scaled=False)
print(",".join([*data.feature_names, "target"]))
for row, target in zip(data.data, data.target):
    print(",".join(f"{value:g}" for value in [*row, target]))
