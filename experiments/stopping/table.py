"""What rules to stop would have cost and saved, from the rows of a run. Standard library only.

    python3 experiments/stopping/table.py RESULTS.csv ...

A rule stops an episode at the first round that names it. Per set and rule: in how many repetitions it stopped before the
end, and over all repetitions (one that goes on to the end saves and gives up nothing) the labels that were bought, the
share of the budget that was saved, and the accuracy that was given up, in points, against the end of the budget.
"""

import collections
import csv
import statistics
import sys

RULES = ["stabilising predictions", "overall uncertainty", "learning curve", "cost against benefit"]


def mean(values):
    return statistics.fmean(values)


def outcome(rows, rule):
    """Whether the rule stopped before the end, labels bought, share saved, points given up."""
    first, last = rows[0], rows[-1]
    at = next((row for row in rows if rule in (row.get("stops") or "").split("; ")), last)
    bought, all_of_them = (int(row["labels"]) - int(first["labels"]) for row in (at, last))
    lost = 100 * (float(last["accuracy"]) - float(at["accuracy"]))
    return at is not last, bought, 1 - bought / all_of_them, lost


def main():
    episodes = collections.defaultdict(list)
    for path in sys.argv[1:]:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                episodes[row["task"], int(row["repetition"])].append(row)
    by_set = collections.defaultdict(list)
    for (task, _), rows in episodes.items():
        by_set[task].append(sorted(rows, key=lambda row: int(row["round"])))
    print("| set | " + " | ".join(f"{rule}: stopped | labels | saved % | given up" for rule in RULES) + " |")
    print("|---|" + "---:|" * 4 * len(RULES))
    overall = collections.defaultdict(list)
    for task, found in by_set.items():
        cells = []
        for rule in RULES:
            stopped, bought, saved, lost = zip(*(outcome(rows, rule) for rows in found))
            cells.append(f"{sum(stopped)}/{len(found)} | {mean(bought):.0f} | {100 * mean(saved):.0f} | {mean(lost):+.1f}")
            overall[rule].append((mean(stopped), mean(bought), mean(saved), mean(lost)))
        print(f"| {task} | " + " | ".join(cells) + " |")
    cells = []
    for rule in RULES:
        stopped, bought, saved, lost = (mean(values) for values in zip(*overall[rule]))
        cells.append(f"{100 * stopped:.0f} % | {bought:.0f} | {100 * saved:.0f} | {lost:+.1f}")
    print("| **mean over sets** | " + " | ".join(cells) + " |")


main()
