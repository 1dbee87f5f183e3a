"""Leads over random, run by run, of `encoders.toml`. Standard library only.

    python3 experiments/more_rows/encoders.py RUN_WITHOUT RUN_WITH ...

Accuracy points on the test rows, mean of the sets ± standard error over paired repetitions: after the first query (about one
label per class), and as the mean of all queries. Behind it, per set, and what the lead gained over that of the first run.
"""

import collections
import json
import statistics
import sys


def leads(folder, rounds):
    """Per set and strategy, by repetition: accuracy less random's."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(f"{folder}/rows.jsonl", encoding="utf-8") as file:
        for row in map(json.loads, file):
            if row["round"] in rounds:
                found[row["task"], row["strategy"]][row["repetition"]].append(100 * row["accuracy"])
    mean = {key: {r: statistics.fmean(of) for r, of in by.items()} for key, by in found.items()}
    return {
        (task, name): [by[r] - mean[task, "random"][r] for r in sorted(by)] for (task, name), by in mean.items()
    }, {task: statistics.fmean(by.values()) for (task, name), by in mean.items() if name == "random"}


def overall(parts):
    errors = [statistics.stdev(part) / len(part) ** 0.5 for part in parts]
    mean = statistics.fmean(statistics.fmean(part) for part in parts)
    return f"{mean:+.1f} ± {sum(e * e for e in errors) ** 0.5 / len(errors):.1f}"


def main(folders):
    for title, rounds in [("after the first query", [1]), ("mean of all queries", range(1, 1000))]:
        runs = {folder: leads(folder, rounds) for folder in folders}
        tasks = sorted({task for of, _ in runs.values() for task, _ in of})
        names = sorted({name for of, _ in runs.values() for _, name in of} - {"random"})
        print(f"\n## {title}\n\n| | " + " | ".join(folder.rstrip("/").split("/")[-1] for folder in folders) + " |")
        print("|" + "---|" * (len(folders) + 1))
        level = [f"{statistics.fmean(base.values()):.1f}" for _, base in runs.values()]
        print("| random, accuracy | " + " | ".join(level) + " |")
        for name in names:
            cells = [overall([of[task, name] for task in tasks]) for of, _ in runs.values()]
            print(f"| {name} | " + " | ".join(cells) + " |")
        first = runs[folders[0]][0]
        for name in names:
            print(f"\n{name}, by set: lead (what it gained)")
            for task in tasks:
                cells = []
                for of, _ in runs.values():
                    gained = [b - a for a, b in zip(first[task, name], of[task, name])]
                    cells.append(f"{overall([of[task, name]])} ({overall([gained])})" if any(gained) else overall([of[task, name]]))
                print(f"  {task}: " + "; ".join(cells))
            for folder, (of, _) in list(runs.items())[1:]:
                gained = [[b - a for a, b in zip(first[t, name], of[t, name])] for t in tasks]
                up = sum(statistics.fmean(part) > 0 for part in gained)
                print(f"  {folder}: gained {overall(gained)}, on {up} of {len(tasks)}")


if __name__ == "__main__":
    main(sys.argv[1:])
