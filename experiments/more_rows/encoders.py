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
            played = [of for of, _ in runs.values() if (tasks[0], name) in of]
            cells = [overall([of[t, name] for t in tasks]) if of in played else "–" for of, _ in runs.values()]
            print(f"| {name} | " + " | ".join(cells) + " |")
        first = runs[folders[0]][0]
        for name in names:
            print(f"\n{name}: lead by set; what it gained over that of the first run")
            for folder, (of, _) in runs.items():
                if (tasks[0], name) not in of or (tasks[0], name) not in first:
                    continue
                gained = [[b - a for a, b in zip(first[t, name], of[t, name])] for t in tasks]
                up = sum(statistics.fmean(part) > 0 for part in gained)
                by_set = ", ".join(f"{t} {overall([of[t, name]])} ({overall([part])})" for t, part in zip(tasks, gained))
                print(f"  {folder}: {overall(gained)}, more on {up} of {len(tasks)}: {by_set}")


if __name__ == "__main__":
    main(sys.argv[1:])
