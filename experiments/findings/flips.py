"""How often few repetitions name another winner. Standard library only.

    python3 experiments/findings/flips.py RUN [REPETITIONS]

Of every set of a run, the strategy with the highest mean accuracy over all rounds and repetitions; and the share of 10,000 draws of
REPETITIONS (3 where none are said) of the repetitions in which it is another one, or in which one that is ahead of a second beyond two
standard errors over all repetitions is behind it. The oracle, random and the policy are left out: the question is about hand-made strategies.
"""

import collections
import itertools
import json
import random
import statistics
import sys

DRAWS = 10_000
LEFT_OUT = {"random", "policy", "greedy_oracle"}


def main(folder, few):
    curves = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(f"{folder}/rows.jsonl", encoding="utf-8") as file:
        for row in map(json.loads, file):
            if row["strategy"] not in LEFT_OUT:
                curves[row["task"], row["strategy"]][row["repetition"]].append(100 * row["accuracy"])
    areas = {key: [statistics.fmean(by[r]) for r in sorted(by)] for key, by in curves.items()}
    tasks = sorted({task for task, _ in areas})
    names = sorted({name for _, name in areas})
    print(f"{len(names)} strategies, {len(areas[tasks[0], names[0]])} repetitions, {few} drawn\n")
    print("| set | winner | its lead over the second | another winner in | clear pairs turned |\n|---|---|---|---|---|")
    draw = random.Random(1)
    for task in tasks:
        own = {name: areas[task, name] for name in names}
        total = len(own[names[0]])
        order = sorted(names, key=lambda name: -statistics.fmean(own[name]))
        apart = [a - b for a, b in zip(own[order[0]], own[order[1]])]
        pairs = []
        for a, b in itertools.combinations(order, 2):
            difference = [x - y for x, y in zip(own[a], own[b])]
            if statistics.fmean(difference) > 2 * statistics.stdev(difference) / total**0.5:
                pairs.append((a, b))
        other = turned = 0
        for _ in range(DRAWS):
            some = draw.sample(range(total), few)
            means = {name: sum(own[name][r] for r in some) for name in names}
            other += max(names, key=means.get) != order[0]
            turned += sum(means[a] < means[b] for a, b in pairs)
        share = f"{100 * turned / (DRAWS * len(pairs)):.0f} % of {len(pairs)}" if pairs else "none"
        lead = f"{statistics.fmean(apart):+.1f} ± {statistics.stdev(apart) / total**0.5:.1f}"
        print(f"| {task} | `{order[0]}` | {lead} | {100 * other / DRAWS:.0f} % | {share} |")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
