"""One line of the table that leads this folder's README, from the runs of a regime. Standard library only.

    python3 experiments/policy/regimes.py runs/NAME [runs/OTHER ...]

For every strategy the mean over sets of its difference to margin in accuracy points (AULC), and of the policy's difference to it, with
95 % intervals over sets: percentiles of 10,000 resamples of the sets' means. All runs play the same replicates, some of them fewer, and
a strategy is read from the first that has it. The policy is in the first.
"""

import os
import random
import statistics
import sys

from table import curves_of, difference

RESAMPLES = 10_000


def interval(means):
    """The 95 % percentile interval of the mean when sets are drawn again."""
    draw = random.Random(0)
    found = sorted(statistics.fmean(draw.choices(means, k=len(means))) for _ in range(RESAMPLES))
    return found[round(0.025 * RESAMPLES)], found[round(0.975 * RESAMPLES) - 1]


def told(means):
    low, high = interval(means)
    return f"{statistics.fmean(means):+.2f} [{low:+.2f}, {high:+.2f}]"


def main(folders):
    first = curves_of(folders[0])
    tasks = sorted({task for task, _ in first})
    print(f"== {os.path.basename(folders[0])}, {len(tasks)} sets")
    seen = {"margin"}
    for folder in folders:
        curves = curves_of(folder)
        for name in sorted({name for _, name in curves} - seen):
            seen.add(name)
            own = [curves[task, name] for task in tasks]
            over_margin = [difference(one, first[task, "margin"])[0] for task, one in zip(tasks, own)]
            line = f"{name}: {told(over_margin)}, {len(own[0])} repetitions"
            if name != "policy":
                behind = [difference(one, first[task, "policy"])[0] for task, one in zip(tasks, own)]
                line += f"; the policy over it {told([-mean for mean in behind])}"
            print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
