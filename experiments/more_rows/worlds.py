"""The runs of `worlds.toml` side by side. Standard library only.

    python3 experiments/more_rows/worlds.py RUN ...

Differences of mean accuracy over all rounds, in points: the policy against margin and against the hand-made rule with the highest
mean over sets in that run, which is chosen afterwards and so flattered. Intervals hold 95 % of 2,000 draws of the sets, and
within each of the repetitions. Behind it what every strategy has over margin, set by set; where questions were rejected, the share of
those that were not; where fits had pseudo-labels, the share of these that were wrong.
"""

import collections
import json
import random
import re
import statistics
import sys

DRAWS = 2000


def read(folder):
    """Per set and strategy, by repetition: the mean accuracy; and remarks on strategies."""
    curves = collections.defaultdict(lambda: collections.defaultdict(list))
    wanted = collections.defaultdict(list)
    pseudo = collections.defaultdict(lambda: [0, 0])
    last = {}
    with open(f"{folder}/rows.jsonl", encoding="utf-8") as file:
        for row in map(json.loads, file):
            curves[row["task"], row["strategy"]][row["repetition"]].append(100 * row["accuracy"])
            if row.get("answers"):
                last[row["task"], row["strategy"], row["repetition"]] = row["answers"]
            if taught := re.search(r"trained on (\d+) pseudo-labels, (\d+) of them wrong", row.get("note") or ""):
                pseudo[row["strategy"]] = [a + int(b) for a, b in zip(pseudo[row["strategy"]], taught.groups())]
    for (_, name, _), answers in last.items():
        wanted[name].append(answers["answered"] / (answers["answered"] + answers["unanswerable"]))
    areas = {key: {r: statistics.fmean(of) for r, of in by.items()} for key, by in curves.items()}
    remarks = {name: f", {100 * statistics.fmean(of):.0f} % of its questions answered" for name, of in wanted.items()}
    remarks |= {name: f", {100 * wrong / all_:.1f} % of its pseudo-labels wrong" for name, (all_, wrong) in pseudo.items()}
    return areas, remarks


def differences(areas, tasks, name, reference):
    return [[areas[t, name][r] - areas[t, reference][r] for r in sorted(areas[t, name])] for t in tasks]


def interval(parts):
    """The mean over sets, and where 95 % of the means of resampled sets and repetitions lie."""
    draw = random.Random(1)
    means = sorted(
        statistics.fmean(statistics.fmean(draw.choices(part, k=len(part))) for part in draw.choices(parts, k=len(parts)))
        for _ in range(DRAWS)
    )
    mean = statistics.fmean(map(statistics.fmean, parts))
    return f"{mean:+.1f} [{means[DRAWS // 40]:+.1f}, {means[-DRAWS // 40]:+.1f}]"


def plain(part):
    return f"{statistics.fmean(part):+.1f} ± {statistics.stdev(part) / len(part) ** 0.5:.1f}"


def main(folders):
    print("| | policy − margin | best hand-made rule | it − margin | policy − it | worse than margin on |")
    print("|---|---|---|---|---|---|")
    details = []
    for folder in folders:
        areas, remarks = read(folder)
        tasks = sorted({task for task, _ in areas})
        names = sorted({name for _, name in areas})
        level = {name: statistics.fmean(statistics.fmean(areas[t, name].values()) for t in tasks) for name in names}
        best = max((name for name in names if name != "policy"), key=level.get)
        by_set = dict(zip(tasks, differences(areas, tasks, "policy", "margin")))
        worse = [
            f"{t} ({plain(part)})"
            for t, part in by_set.items()
            if statistics.fmean(part) < -2 * statistics.stdev(part) / len(part) ** 0.5
        ]
        world = folder.rstrip("/").split("/")[-1].removeprefix("worlds-")
        cells = [
            interval(list(by_set.values())),
            f"`{best}`",
            interval(differences(areas, tasks, best, "margin")),
            interval(differences(areas, tasks, "policy", best)),
            ", ".join(worse) or "none",
        ]
        print(f"| {world} | " + " | ".join(cells) + " |")
        repetitions = len(areas[tasks[0], "margin"])
        details.append(f"\n{world}, {repetitions} repetitions: over margin (margin {level['margin']:.1f})")
        for name in sorted(names, key=level.get, reverse=True):
            parts = differences(areas, tasks, name, "margin")
            sets = "; ".join(f"{t} {plain(part)}" for t, part in zip(tasks, parts))
            details.append(f"  {name}: {interval(parts)}{remarks.get(name, '')} ({sets})")
    print("\n".join(details))


if __name__ == "__main__":
    main(sys.argv[1:])
