"""How the cost of a query grows: processor time against pool, width, classes, labels and batch, with fitted exponents.

    python3 benches/growth.py target/release/querist                # a table
    python3 benches/growth.py target/release/querist --only badge

One factor is varied at a time, the others stay at 20,000 rows, 64 columns, 10 classes, 100 labels and a batch of 100.
Arrays are random numbers of a fixed seed without structure. A time is the least of several runs of `querist select`, user and system
time of the process, with the time of `random` on the same arrays, which is reading, taken off. The exponent is the slope of
the logarithms by least squares; times of less than five hundredths of a second, which are mostly start-up, are left out of it.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BASE = {"rows": 20_000, "width": 64, "classes": 10, "labels": 100, "batch": 100}
FACTORS = {
    "rows": [10_000, 20_000, 40_000, 80_000],
    "width": [16, 64, 256],
    "classes": [2, 10, 50],
    "labels": [10, 100, 1_000],
    "batch": [10, 100, 1_000],
}
STRATEGIES = ["margin", "k_center", "badge", "k_means", "typiclust", "prob_cover", "clue", "information_density"]
# Below it a difference is start-up and reading.
LEAST = 0.05


def arrays(folder: Path, rows: int, width: int, classes: int, labels: int) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    name = f"{rows}-{width}-{classes}-{labels}"
    paths = {
        "--pool": folder / f"{name}-pool.npy",
        "--proba": folder / f"{name}-proba.npy",
        "--labelled": folder / f"{name}.csv",
    }
    np.save(paths["--pool"], rng.standard_normal((rows, width), dtype=np.float32))
    weights = np.exp(2 * rng.standard_normal((rows, classes), dtype=np.float32))
    np.save(paths["--proba"], weights / weights.sum(1, keepdims=True))
    lines = (f"{at * rows // labels},{at % classes}\n" for at in range(labels))
    paths["--labelled"].write_text("".join(lines))
    return paths


def seconds(program: str, strategy: str, paths: dict[str, Path], batch: int, repeats: int) -> float:
    command = [program, "select", "--strategy", strategy, "--batch", str(batch), "--json", "-q"]
    command += [str(word) for pair in paths.items() for word in pair]
    least = math.inf
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least = min(least, taken)
        if taken > 2:
            break
    return least


def exponent(values: list[int], times: list[float]) -> str:
    points = [(math.log(v), math.log(t)) for v, t in zip(values, times) if t >= LEAST]
    if len(points) < 2:
        return "–"
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return f"{slope:.2f}" + ("" if len(points) == len(values) else f" ({len(points)} points)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--only", type=lambda text: text.split(","), default=STRATEGIES)
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    found: dict[str, dict[str, list[float]]] = {strategy: {} for strategy in args.only}
    with tempfile.TemporaryDirectory() as folder:
        for factor, values in FACTORS.items():
            for value in values:
                setting = BASE | {factor: value}
                batch = setting.pop("batch")
                paths = arrays(Path(folder), **setting)
                start = seconds(program, "random", paths, batch, args.repeats)
                for strategy in args.only:
                    taken = seconds(program, strategy, paths, batch, args.repeats) - start
                    found[strategy].setdefault(factor, []).append(max(taken, 0.0))
                for path in paths.values():
                    path.unlink()
    print("| strategy | " + " | ".join(f"{f}: {', '.join(map(str, v))}" for f, v in FACTORS.items()) + " |")
    print("|---|" + "---|" * len(FACTORS))
    for strategy, times in found.items():
        cells = (
            f"{', '.join(f'{t:.2f}' for t in times[factor])} s; **{exponent(values, times[factor])}**"
            for factor, values in FACTORS.items()
        )
        print(f"| {strategy} | " + " | ".join(cells) + " |")
    json.dump(found, sys.stderr)


if __name__ == "__main__":
    main()
