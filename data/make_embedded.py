"""Writes the embedded sets from the files that scikit-learn (1.9.1) bundles.

    python3 -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    venv/bin/python data/make_embedded.py

The bytes are the same on every run: no time stamp, no file name, fixed compression level.
"""

import gzip
import io
import pathlib

from sklearn import datasets

HERE = pathlib.Path(__file__).parent


def number(value):
    """The shortest text that reads back as the same double; integers without a fraction."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def write(name, bunch, columns=None, names=None):
    columns = columns or bunch.feature_names
    names = names if names is not None else bunch.target_names
    columns = [c.replace(" (cm)", "").replace(" ", "_").replace("/", "_per_") for c in columns]
    lines = [",".join(["label", *columns])]
    for row, label in zip(bunch.data, bunch.target):
        lines.append(",".join([str(names[label]), *map(number, row)]))
    text = "\n".join(lines) + "\n"
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as out:
        out.write(text.encode())
    path = HERE / f"{name}.csv.gz"
    path.write_bytes(buffer.getvalue())
    print(f"{name}: {bunch.data.shape[0]} x {bunch.data.shape[1]}, {path.stat().st_size} bytes")


digits = datasets.load_digits()
write("digits", digits, columns=[f"pixel_{y}_{x}" for y in range(8) for x in range(8)])
write("wine", datasets.load_wine(), names=["class_0", "class_1", "class_2"])
write("breast_cancer", datasets.load_breast_cancer())
write("iris", datasets.load_iris())
