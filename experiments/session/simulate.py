"""Labels sets through the commands of `querist session`, with an annotator who knows the labels. Standard library only.

    python3 experiments/session/simulate.py --querist PROGRAM --data DIR --sets iris,digits --budget 60 -- OPTIONS OF NEW

Of every set, at most `--rows` rows are drawn. A third of them is held out: it stands in the pool, but the first answers say that
nobody can answer these rows (`?`), so that they are predicted and never asked for. After the first rows (two per class) and
after every batch, the accuracy on the held-out rows is a point of the curve; its area is the mean over the labels. Prints a
line per set and repetition and a table in the end: the mean, and its standard error over repetitions.
"""

import argparse
import csv
import gzip
import json
import random
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path


def read(data, name):
    """The rows of a set as lists of texts, and their labels."""
    for path in [Path(data) / name / f"{name}.csv.gz", Path(data) / f"{name}.csv.gz"]:
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
                lines = list(csv.DictReader(file))
            label = next(key for key in ("label", "class", "species", "target") if key in lines[0])
            names = [key for key in lines[0] if key not in ("split", label)]
            return names, [[line[key] for key in names] for line in lines], [line[label] for line in lines]
    raise SystemExit(f"no {name} in {data}")


def spent():
    """CPU seconds of the programs that were run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Session:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.seconds = []

    def __call__(self, command, *arguments):
        started = spent()
        done = subprocess.run(
            [self.program, "session", command, self.folder, *map(str, arguments)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        if command == "ask":
            self.seconds.append(spent() - started)
        return done.stdout

    def tell(self, answers):
        path = Path(self.folder).parent / "answers.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["row", "label"], *answers])
        self("tell", path)


def label(arguments, names, rows, labels, seed, options, folder):
    draw = random.Random(seed)
    kept = draw.sample(range(len(rows)), min(arguments.rows, len(rows)))
    rows, labels = [rows[at] for at in kept], [labels[at] for at in kept]
    held = set(draw.sample(range(len(rows)), len(rows) // 3))
    classes = sorted(set(labels))
    pool = Path(folder) / "pool.csv"
    with open(pool, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    session = Session(arguments.querist, str(Path(folder) / "session"))
    first = 2 * len(classes)
    session("new", "--pool", pool, "--classes", ",".join(classes), "--initial", first, "--seed", seed,
            "--budget", first + arguments.budget, *options)
    session.tell([[row, "?"] for row in sorted(held)])
    curve, known, batch = [], 0, first
    while True:
        asked = json.loads(session("ask", "--batch", batch, "--json"))["rows"]
        if not asked:
            break
        session.tell([[one["row"], labels[one["row"]]] for one in asked])
        known, batch = known + len(asked), arguments.batch
        out = Path(folder) / "predictions.csv"
        session("predict", "--out", out, "--force")
        with open(out, newline="", encoding="utf-8") as file:
            right = [line["predicted"] == labels[int(line["row"])] for line in csv.DictReader(file) if int(line["row"]) in held]
        curve.append((known, sum(right) / len(right)))
    status = json.loads(session("status", "--json"))
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in zip(curve, curve[1:])) / (curve[-1][0] - curve[0][0])
    return area, curve, status, session.seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--querist", default="querist")
    parser.add_argument("--data", required=True)
    parser.add_argument("--sets", required=True)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("options", nargs="*")
    arguments = parser.parse_args()
    table = []
    for name in arguments.sets.split(","):
        data = read(arguments.data, name)
        found = []
        for seed in range(arguments.repetitions):
            with tempfile.TemporaryDirectory() as folder:
                area, curve, status, seconds = label(arguments, *data, seed, arguments.options, folder)
            kind = status["accuracy"]["classifier"] if status["accuracy"] else "linear"
            print(f"{name} {seed}: area {100 * area:.2f}, at {curve[-1][0]} labels {100 * curve[-1][1]:.2f}, {kind}; "
                  f"a question took {statistics.median(seconds):.2f} CPU-s, at most {max(seconds):.2f}", flush=True)
            found.append((100 * area, 100 * curve[-1][1], statistics.median(seconds), max(seconds)))
        spread = lambda values: statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
        areas, ends, medians, longest = zip(*found)
        table.append(f"| {name} | {statistics.mean(areas):.1f} ± {spread(areas):.1f} | {statistics.mean(ends):.1f} ± {spread(ends):.1f} "
                     f"| {statistics.median(medians):.2f} | {max(longest):.2f} |")
    print("\n| set | area under the curve, % | at the end, % | CPU-seconds per question | of the longest |\n|---|---:|---:|---:|---:|")
    print("\n".join(table))


main()
