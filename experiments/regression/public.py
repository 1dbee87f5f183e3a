"""Public sets of numbers that took no part in the making of anything here, as a data folder. Standard library only.

    git clone https://github.com/renatopp/arff-datasets      # as of c59f172
    python3 experiments/regression/public.py arff-datasets FOLDER

The sets of its folder `regression` with 180 rows or more, but one of two copies and `fried`, whose problem comes with the
program. The last attribute is the target; rows without one are left out, and attributes are read as
experiments/policy/public.py does.

Prints the sets in two halves by the hash of their names: the first is for choosing between recipes, the second for one look at
what was chosen.
"""

import csv
import gzip
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "policy"))
from public import columns, read  # noqa: E402

SETS = [
    "2dplanes", "abalone", "ailerons", "autohorse", "autompg", "bank32nh", "bank8FM", "bodyfat", "breasttumor", "cal.housing",
    "cholesterol", "cleveland", "cpu.act", "cpu.small", "delta.ailerons", "delta.elevators", "elevators", "house8L", "housing",
    "hungarian", "kin8nm", "lowbwt", "machine.cpu", "meta", "mv", "pbc", "pharynx", "pol", "puma32H", "puma8NH", "pwlinear",
    "quake", "sensory", "stock", "strike", "triazines", "wisconsin",
]
# Tables of the same rows, or of one simulation.
TOGETHER = {"cpu.small": "cpu.act", "bank32nh": "bank8FM", "puma32H": "puma8NH", "cholesterol": "cleveland"}


def write(name, source, folder):
    attributes, rows = read(os.path.join(source, "regression", f"{name}.arff"))
    # One set has blanks between its cells.
    rows = [row[0].split() if len(row) == 1 else row for row in rows]
    rows = [row for row in rows if row[-1] != "?"]
    inputs = columns(attributes, rows)
    name = name.replace(".", "_").lower()
    os.makedirs(folder, exist_ok=True)
    with gzip.open(os.path.join(folder, f"{name}.csv.gz"), "wt", newline="") as file:
        out = csv.writer(file)
        out.writerow(["target", *(f"x{i}" for i in range(len(inputs)))])
        for at, row in enumerate(rows):
            out.writerow([f"{float(row[-1]):.9g}", *(f"{column[at]:.9g}" for column in inputs)])
    print(f"{name}: {len(rows)} rows, {len(inputs)} columns", file=sys.stderr)


def main(source, folder):
    for name in SETS:
        write(name, source, folder)
    order = sorted(SETS, key=lambda name: hashlib.sha256(TOGETHER.get(name, name).encode()).hexdigest())
    half = len(order) // 2
    for part in (order[:half], order[half:]):
        print(", ".join(f'"{name.replace(".", "_").lower()}"' for name in part))


if __name__ == "__main__":
    main(*sys.argv[1:])
