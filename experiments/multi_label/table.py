"""Areas, mean ranks and differences to random of a run of multi_label.toml, from its results.csv.

    python experiments/multi_label/table.py runs/multi_label/results.csv accuracy
    python experiments/multi_label/table.py runs/multi_label/results.csv mean_average_precision

The second argument is the column: `accuracy` holds macro-F1 of labels. Per task and repetition, the area under its curve over the
labelled rows, divided by their range, in points; ranks are of the means over repetitions within a task, 1 = best. Differences
are paired by repetition, with the 95 % interval of their mean (Student's t; 2.045 at 30 repetitions).
"""

import csv
import sys
from collections import defaultdict
from statistics import mean, stdev

T = 2.045

curves = defaultdict(list)
with open(sys.argv[1], newline="") as file:
    for row in csv.DictReader(file):
        key = row["task"], row["strategy"], int(row["repetition"])
        curves[key].append((int(row["labels"]), float(row[sys.argv[2]])))

areas = defaultdict(dict)
for (task, strategy, repetition), points in curves.items():
    points.sort()
    pairs = list(zip(points, points[1:]))
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairs) / (points[-1][0] - points[0][0])
    areas[task, strategy][repetition] = 100 * area

tasks = sorted({task for task, _ in areas})
strategies = sorted({strategy for _, strategy in areas})
ranks = defaultdict(list)
for task in tasks:
    order = sorted(strategies, key=lambda strategy: -mean(areas[task, strategy].values()))
    for place, strategy in enumerate(order, 1):
        ranks[strategy].append(place)

print("| strategy | " + " | ".join(tasks) + " | mean rank |")
print("|---|" + "---|" * (len(tasks) + 1))
for strategy in sorted(strategies, key=lambda strategy: mean(ranks[strategy])):
    cells = []
    for task in tasks:
        own, random = areas[task, strategy], areas[task, "random"]
        cell = f"{mean(own.values()):.1f}"
        if strategy != "random":
            gains = [own[repetition] - random[repetition] for repetition in random]
            cell += f" ({mean(gains):+.1f} ± {T * stdev(gains) / len(gains) ** 0.5:.1f})"
        cells.append(cell)
    print(f"| {strategy} | {' | '.join(cells)} | {mean(ranks[strategy]):.2f} |")
