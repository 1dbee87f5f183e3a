"""One line of the table that leads this folder's README, from the runs of a regime. Standard library only.

    python3 experiments/policy/regimes.py runs/NAME [runs/OTHER ...]

For every strategy the mean over sets of its difference to margin in accuracy points (AULC), with its 95 % interval over sets:
percentiles of 10,000 resamples of the sets' means. A strategy is read from the first run that has it, and is compared with margin at
the replicates of that run.
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


def main(folders):
    seen = {"margin"}
    print(f"== {os.path.basename(folders[0])}")
    for folder in folders:
        curves = curves_of(folder)
        tasks = sorted({task for task, _ in curves})
        for name in sorted({name for _, name in curves} - seen):
            seen.add(name)
            means = [difference(curves[task, name], curves[task, "margin"])[0] for task in tasks]
            low, high = interval(means)
            repetitions = len(curves[tasks[0], name])
            print(f"{name}: {statistics.fmean(means):+.2f} [{low:+.2f}, {high:+.2f}], {len(means)} sets, {repetitions} repetitions")


if __name__ == "__main__":
    main(sys.argv[1:])
