"""Mean ranks and wins of a run of regression.toml, from its results.csv.

    python experiments/regression/table.py runs/regression/results.csv

Per task and repetition, the area under the curve of 1 - nRMSE over the labels, divided by their range; ranks are of the means over
repetitions within a task, 1 = best.
"""

import csv
import sys
from collections import defaultdict

curves = defaultdict(list)
with open(sys.argv[1], newline="") as file:
    for row in csv.DictReader(file):
        key = row["task"], row["strategy"], int(row["repetition"])
        curves[key].append((int(row["labels"]), float(row["accuracy"])))

areas = defaultdict(dict)
for (task, strategy, repetition), points in curves.items():
    points.sort()
    pairs = list(zip(points, points[1:]))
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairs) / (points[-1][0] - points[0][0])
    areas[task, strategy][repetition] = area

tasks = sorted({task for task, _ in areas})
strategies = sorted({strategy for _, strategy in areas})
mean = {key: sum(own.values()) / len(own) for key, own in areas.items()}
ranks = defaultdict(list)
for task in tasks:
    order = sorted(strategies, key=lambda strategy: -mean[task, strategy])
    for place, strategy in enumerate(order, 1):
        ranks[strategy].append(place)

print("strategy | " + " | ".join(tasks) + " | mean rank | no worse than random: tasks, repetitions")
for strategy in sorted(strategies, key=lambda strategy: sum(ranks[strategy])):
    own = [f"{100 * mean[task, strategy]:.1f}" for task in tasks]
    better = sum(mean[task, strategy] >= mean[task, "random"] for task in tasks)
    pairs = [
        areas[task, strategy][repetition] >= area
        for task in tasks
        for repetition, area in areas[task, "random"].items()
    ]
    rank = sum(ranks[strategy]) / len(tasks)
    print(f"{strategy} | {' | '.join(own)} | {rank:.2f} | {better}/{len(tasks)}, {sum(pairs)}/{len(pairs)}")
