"""The runs of `representation.toml` side by side. Standard library only.

    python3 experiments/findings/representation.py RUN ...

Mean accuracy over all rounds, in points, and its paired difference to the first run ± standard error over repetitions, mean of the sets.
"""

import collections
import json
import statistics
import sys


def read(folder):
    curves = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(f"{folder}/rows.jsonl", encoding="utf-8") as file:
        for row in map(json.loads, file):
            curves[row["strategy"], row["task"]][row["repetition"]].append(100 * row["accuracy"])
    return {key: [statistics.fmean(by[r]) for r in sorted(by)] for key, by in curves.items()}


def main(folders):
    runs = {folder.rstrip("/").split("/")[-1]: read(folder) for folder in folders}
    first = next(iter(runs.values()))
    tasks = sorted({task for _, task in first})
    print("| strategy | run | " + " | ".join(tasks) + " | mean | against the first run |\n|" + "---|" * (len(tasks) + 4))
    for strategy in sorted({strategy for strategy, _ in first}):
        for name, areas in runs.items():
            level = [statistics.fmean(areas[strategy, task]) for task in tasks]
            apart = [[b - a for a, b in zip(first[strategy, t], areas[strategy, t])] for t in tasks]
            error = sum(statistics.variance(part) / len(part) for part in apart) ** 0.5 / len(apart)
            gain = f"{statistics.fmean(map(statistics.fmean, apart)):+.1f} ± {error:.1f}"
            cells = [f"{mean:.1f}" for mean in [*level, statistics.fmean(level)]]
            print(f"| {strategy} | {name} | " + " | ".join(cells) + f" | {gain} |")


if __name__ == "__main__":
    main(sys.argv[1:])
