"""Of a run of `lada.toml` or `info_stn.toml`: what looking ahead is worth; of one of `domains.toml`: CLUE. Standard library only.

    python3 experiments/more_rows/wins.py RUN

Per set and strategy the mean difference to `entropy` in the area under the learning curve, in accuracy points, with its standard error;
and per set the share of repetitions in which a strategy that looks ahead is above the one that asks by entropy and augments afterwards,
or CLUE above entropy, ties counting half, with the two-sided sign test over all sets.
"""

import collections
import json
import math
import statistics
import sys

PAIRS = [
    ("lada", "lada(look_ahead=false)"),
    ("lada(alpha=2)", "lada(look_ahead=false, alpha=2)"),
    ("lada(from=1, to=2)", "lada(look_ahead=false, from=1, to=2)"),
    ("info_stn", "info_stn(look_ahead=false)"),
    ("clue", "entropy"),
    ("clue(temperature=0.1)", "entropy"),
]


def sign_test(above, below):
    """The chance of a split as uneven as this one or more, if either side were as likely."""
    n, least = above + below, min(above, below)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(least + 1)) / 2**n)


def main(folder):
    curves = collections.defaultdict(list)
    with open(f"{folder}/rows.jsonl", encoding="utf-8") as file:
        for row in map(json.loads, file):
            curves[row["task"], row["strategy"], row["repetition"]].append(100 * row["accuracy"])
    areas = {key: statistics.fmean(curve) for key, curve in curves.items()}
    tasks, strategies, repetitions = (sorted({key[at] for key in areas}) for at in range(3))
    print("against entropy, " + ", ".join(tasks))
    for strategy in strategies:
        cells = []
        for task in tasks:
            found = [areas[task, strategy, at] - areas[task, "entropy", at] for at in repetitions]
            cells.append(f"{statistics.fmean(found):+.1f} ± {statistics.stdev(found) / len(found) ** 0.5:.1f}")
        print(f"{strategy:40} " + "   ".join(cells))
    print("\nthe first is above the second, of the repetitions of " + ", ".join(tasks))
    for ahead, after in PAIRS:
        if ahead not in strategies or after not in strategies:
            continue
        cells, above, below, gains = [], 0, 0, []
        for task in tasks:
            found = [areas[task, ahead, at] - areas[task, after, at] for at in repetitions]
            own, other = sum(x > 0 for x in found), sum(x < 0 for x in found)
            cells.append(f"{(own + (len(found) - own - other) / 2) / len(found):.2f} ({statistics.fmean(found):+.1f})")
            above, below, gains = above + own, below + other, gains + found
        p = sign_test(above, below)
        print(f"{ahead:22} {'   '.join(cells)}   all: {above} of {above + below}, {statistics.fmean(gains):+.2f}, p {p:.2g}")


if __name__ == "__main__":
    main(sys.argv[1])
