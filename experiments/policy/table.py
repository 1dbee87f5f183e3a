"""The tables of this folder's README, from a run's folder. Standard library only.

    python3 experiments/policy/table.py runs/NAME [REFERENCE]

Per set and strategy the mean difference to REFERENCE (default margin) in accuracy points, with its standard
error over paired repetitions; the mean over sets with a Wilcoxon test (corrected for the strategies but the oracle); the same by rounds; mean ranks and the share of the random-to-oracle gap that is
closed, where those two ran (the oracle takes no rank); and the median milliseconds per query.
"""

import collections
import json
import statistics
import sys

ROUNDS = [(1, 10), (11, 20), (21, 30), (31, 45), (46, 70), (71, 100)]


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def area(curve, first=0, last=10**9):
    found = [100 * accuracy for round_, accuracy in curve if first <= round_ <= last]
    return statistics.fmean(found) if found else None


def difference(curves, reference, first=0, last=10**9):
    """Mean and standard error of the paired difference; none where a part of the rounds was not played."""
    found = []
    for repetition, curve in curves.items():
        a, b = area(curve, first, last), area(reference[repetition], first, last)
        if a is None or b is None:
            return None
        found.append(a - b)
    return statistics.fmean(found), statistics.stdev(found) / len(found) ** 0.5


def overall(parts):
    means, errors = zip(*parts)
    error = sum(e * e for e in errors) ** 0.5 / len(errors)
    return f"{statistics.fmean(means):+.2f} ± {error:.2f}, above on {sum(m > 0 for m in means)} of {len(means)}"


def wilcoxon(means):
    """One-sided p of the signed-rank test over sets that a strategy is above the reference: exact; ties as they come."""
    order = sorted((mean for mean in means if mean), key=abs)
    found = sum(rank for rank, mean in enumerate(order, 1) if mean > 0)
    ways = [1] + [0] * (len(order) * (len(order) + 1) // 2)
    for rank in range(1, len(order) + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    return sum(ways[found:]) / 2 ** len(order)


def holm(chances):
    """Names with their p, corrected for how many there are (Holm, 1979)."""
    corrected, last = {}, 0
    for left, (name, p) in zip(range(len(chances), 0, -1), sorted(chances.items(), key=lambda item: item[1])):
        last = corrected[name] = max(last, min(1, left * p))
    return corrected


def midrank(level, task, name, names):
    """1 for the highest level; equal levels share their mean rank."""
    own = level[task, name]
    above = sum(level[task, other] > own for other in names)
    equal = sum(level[task, other] == own for other in names)
    return 1 + above + (equal - 1) / 2


def curves_of(folder):
    """By task and strategy, and then by repetition, accuracies with their rounds."""
    curves = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in lines(f"{folder}/rows.jsonl"):
        curves[row["task"], row["strategy"]][row["repetition"]].append((row["round"], row["accuracy"]))
    return curves


def main(folder, reference):
    curves = curves_of(folder)
    tasks = sorted({task for task, _ in curves})
    names = sorted({name for _, name in curves})
    others = [name for name in names if name != reference]
    print(f"| set | {reference} | " + " | ".join(others) + " |")
    print("|" + "---|" * (len(others) + 2))
    parts = {name: [] for name in others}
    for task in tasks:
        level = statistics.fmean(area(curve) for curve in curves[task, reference].values())
        cells = []
        for name in others:
            part = difference(curves[task, name], curves[task, reference])
            parts[name].append(part)
            cells.append(f"{part[0]:+.1f} ± {part[1]:.1f}")
        print(f"| {task} | {level:.1f} | " + " | ".join(cells) + " |")
    chances = {name: wilcoxon([mean for mean, _ in parts[name]]) for name in others}
    corrected = holm({name: p for name, p in chances.items() if name != "greedy_oracle"})
    for name in others:
        print(f"\n{name}: {overall(parts[name])}")
        after = f", after Holm {corrected[name]:.2g}" if name in corrected else ""
        print(f"  above over sets by a one-sided Wilcoxon test: p = {chances[name]:.2g}{after}")
        clear = [(task, m) for task, (m, e) in zip(tasks, parts[name]) if abs(m) > 2 * e]
        worse = ", ".join(f"{task} {m:+.1f}" for task, m in clear if m < 0)
        better = sum(m > 0 for _, m in clear)
        print(f"  beyond two standard errors: better on {better}, worse on {len(clear) - better} ({worse})")
        for first, last in ROUNDS:
            of = [difference(curves[t, name], curves[t, reference], first, last) for t in tasks]
            if None not in of:
                print(f"  rounds {first} to {last}: {overall(of)}")
    level = {
        key: statistics.fmean(area(curve) for curve in of.values()) for key, of in curves.items()
    }
    ranked = [name for name in names if name != "greedy_oracle"]
    if len(ranked) > 2:
        print()
        for name in ranked:
            rank = statistics.fmean(midrank(level, task, name, ranked) for task in tasks)
            line = f"{name}: mean rank {rank:.2f} of {len(ranked)}"
            if {"greedy_oracle", "random"} <= set(names):
                gained = sum(level[t, name] - level[t, "random"] for t in tasks)
                gap = sum(level[t, "greedy_oracle"] - level[t, "random"] for t in tasks)
                line += f", {100 * gained / gap:.0f} % of the gap"
            print(line)
    times = collections.defaultdict(list)
    for row in lines(f"{folder}/selection.jsonl"):
        if row["round"] > 0 and row["seconds"] is not None:
            times[row["strategy"]].append(1e3 * row["seconds"])
    print()
    for name, found in sorted(times.items()):
        print(f"{name}: {statistics.median(found):.3f} ms per query after the first (median)")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "margin")
