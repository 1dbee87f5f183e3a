"""What other training changes, from two runs of `consistency.toml` or of `generator.toml`. Standard library only.

    python3 experiments/more_rows/consistency.py PLAIN TRAINED

Per set and strategy the mean area under the learning curve in accuracy points under either classifier and the paired
difference between them; of every strategy the difference to margin under either; and of the rows that the trained
classifier took for known, or that were made for it, the share that was wrong, by round.
"""

import collections
import json
import re
import statistics
import sys

TAUGHT = re.compile(r"trained on (\d+) (?:pseudo-labels|generated rows), (\d+) of them (?:wrong|of another class)")


def read(folder):
    """Accuracy points by set, strategy and repetition; counts of pseudo-labels and of wrong ones by set and round."""
    curves, taught = collections.defaultdict(list), collections.defaultdict(lambda: [0, 0])
    with open(f"{folder}/rows.jsonl", encoding="utf-8") as file:
        for row in map(json.loads, file):
            curves[row["task"], row["strategy"], row["repetition"]].append(100 * row["accuracy"])
            found = TAUGHT.search(row.get("note") or "")
            if found:
                sums = taught[row["task"], row["round"]]
                sums[0] += int(found[1])
                sums[1] += int(found[2])
    return {key: statistics.fmean(curve) for key, curve in curves.items()}, taught


def show(differences):
    return f"{statistics.fmean(differences):+.1f} ± {statistics.stdev(differences) / len(differences) ** 0.5:.1f}"


def main(plain, trained):
    (plain, _), (trained, taught) = read(plain), read(trained)
    tasks = sorted({task for task, _, _ in plain})
    strategies = sorted({strategy for _, strategy, _ in plain})
    repetitions = sorted({repetition for _, _, repetition in plain})
    print("set, strategy: plain, trained, trained - plain")
    for task in tasks:
        for strategy in strategies:
            one, two = ([areas[task, strategy, at] for at in repetitions] for areas in (plain, trained))
            change = show([b - a for a, b in zip(one, two)])
            print(f"{task:12} {strategy:10} {statistics.fmean(one):5.1f} {statistics.fmean(two):5.1f}  {change}")
    print("\nagainst margin, mean of all sets: plain, trained")
    for strategy in strategies:
        cells = []
        for areas in (plain, trained):
            lead = lambda at: statistics.fmean(
                areas[task, strategy, at] - areas[task, "margin", at] for task in tasks
            )
            cells.append(show([lead(at) for at in repetitions]))
        print(f"{strategy:10} {cells[0]:14} {cells[1]}")
    for task in tasks:
        cells = [
            show([areas[task, "policy", at] - areas[task, "margin", at] for at in repetitions])
            for areas in (plain, trained)
        ]
        print(f"policy on {task:12} {cells[0]:14} {cells[1]}")
    last = max(at for _, at in taught)
    rounds = (0, last // 2, last)
    print(f"\nrows taken for known or made in a fit, and the share of them that is wrong, after {rounds} queries")
    for task in tasks:
        fits = len(strategies) * len(repetitions)
        parts = [(taught[task, at][0] / fits, taught[task, at][1] / max(taught[task, at][0], 1)) for at in rounds]
        print(f"{task:12} " + "   ".join(f"{count:5.1f} rows, {100 * wrong:4.1f} %" for count, wrong in parts))


if __name__ == "__main__":
    main(*sys.argv[1:3])
