"""Thirty public sets that took no part in the making of anything here, as a data folder. Standard library only.

    git clone https://github.com/renatopp/arff-datasets      # as of c59f172
    python3 experiments/policy/public.py arff-datasets FOLDER

Most are from the UCI repository: the sets of `classification`, and one each of `statlib` and `agridata`, with 200 rows or more, whose
last attribute is a nominal class, but those of which `unseen.toml` or this list has another version. Missing numbers become
their column's median, a nominal attribute becomes a column per level (one column if it has two), one of more than thirty levels
(names, dates) is left out, and so is a class of fewer than ten rows.

Prints the sets in two halves by the hash of their names: the first is for choosing between recipes, the second for one look at
what was chosen.
"""

import csv
import gzip
import hashlib
import os
import statistics
import sys

SETS = [
    "anneal", "arrhythmia", "audiology", "autos", "balance.scale", "breast.w", "car", "cmc", "colic", "column3C",
    "cylinder.bands", "dermatology", "ecoli", "eucalyptus", "glass", "haberman", "hypothyroid", "kr.vs.kp", "nursery",
    "page.blocks", "pendigits", "primary.tumor", "sick", "sonar", "soybean", "spambase", "tic-tac-toe", "vehicle",
    "vote", "authorship",
]
ELSEWHERE = {
    "eucalyptus": "agridata/eucalyptus.arff",
    "authorship": "statlib/nominal/analcatdata_authorship.arff",
}
# Two tables of the same patients.
TOGETHER = {"sick": "hypothyroid"}
MOST_LEVELS = 30
FEWEST_OF_A_CLASS = 10


def unquoted(text):
    return text.strip().strip("'\"").strip()


def attribute(line):
    """Name and levels of an attribute line; no levels for a number."""
    rest = line.split(None, 1)[1].strip()
    if rest[0] in "'\"":
        end = rest.index(rest[0], 1)
        name, kind = rest[1:end], rest[end + 1 :].strip()
    else:
        name, kind = rest.split(None, 1) if "{" not in rest.split(None, 1)[0] else rest.split("{", 1)
    if "{" not in kind:
        return name, None
    inside = kind[kind.index("{") + 1 : kind.rindex("}")]
    return name, [unquoted(level) for level in next(csv.reader([inside], quotechar="'", skipinitialspace=True))]


def read(path):
    attributes, rows, inside = [], [], False
    with open(path, encoding="latin-1") as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("%"):
                continue
            if inside:
                cells = next(csv.reader([line], quotechar="'", skipinitialspace=True))
                rows.append([unquoted(cell) for cell in cells[: len(attributes)]])
            elif line.lower().startswith("@attribute"):
                attributes.append(attribute(line))
            elif line.lower().startswith("@data"):
                inside = True
    return attributes, rows


def columns(attributes, rows):
    """Columns of numbers; the last attribute, the class, is not among them."""
    made = []
    for at, (_, levels) in enumerate(attributes[:-1]):
        cells = [row[at] for row in rows]
        if levels is None:
            known = [float(cell) for cell in cells if cell != "?"]
            middle = statistics.median(known) if known else 0.0
            made.append([middle if cell == "?" else float(cell) for cell in cells])
        elif len(levels) == 2:
            made.append([float(cell == levels[1]) for cell in cells])
        elif len(levels) <= MOST_LEVELS:
            made += [[float(cell == level) for cell in cells] for level in levels]
    return [column for column in made if len(set(column)) > 1]


def write(name, source, folder):
    attributes, rows = read(os.path.join(source, ELSEWHERE.get(name, f"classification/{name}.arff")))
    sizes = {level: sum(row[-1] == level for row in rows) for level in attributes[-1][1]}
    kept = [level for level in attributes[-1][1] if sizes[level] >= FEWEST_OF_A_CLASS]
    rows = [row for row in rows if row[-1] in kept]
    inputs = columns(attributes, rows)
    name = name.replace(".", "_")
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    with gzip.open(os.path.join(folder, name, f"{name}.csv.gz"), "wt", newline="") as file:
        out = csv.writer(file)
        out.writerow(["split", "label", *(f"x{i}" for i in range(len(inputs)))])
        for at, row in enumerate(rows):
            out.writerow(["none", kept.index(row[-1]), *(f"{column[at]:g}" for column in inputs)])
    print(f"{name}: {len(rows)} rows, {len(inputs)} columns, {len(kept)} classes", file=sys.stderr)


def main(source, folder):
    for name in SETS:
        write(name, source, folder)
    order = sorted(SETS, key=lambda name: hashlib.sha256(TOGETHER.get(name, name).encode()).hexdigest())
    half = len(order) // 2
    for part in (order[:half], order[half:]):
        print(", ".join(f'"{name.replace(".", "_")}"' for name in part))


if __name__ == "__main__":
    main(*sys.argv[1:])
