"""Prints our AUC beside the published one, as Markdown: python3 table.py RUN_FOLDER...

AUC is the mean test accuracy over all steps, the first being the initial fit. The difference is given in
units of its standard error, for which the published 50 runs are taken to vary like ours."""
import json, math, pathlib, statistics, sys

# Werner et al., NeurIPS 2024, query size 1, 50 runs.
NAMES = ["greedy_oracle", "margin", "badge", "least_confidence", "entropy", "ensemble(bald)", "k_center",
         "typiclust", "random"]
PUBLISHED = {
    "splice": [.803, .769, .767, .779, .768, .780, .772, .762, .760],
    "dna": [.825, .806, .780, .809, .812, .784, .790, .778, .774],
    "usps": [.866, .858, .830, .846, .830, .819, .767, .828, .823],
    "divergingsin": [.957, .941, .941, .940, .942, .928, .937, .934, .933],
    "threeclust": [.783, .704, .690, .692, .696, .698, .730, .727, .721],
}

print("| set | strategy | runs | ours | published | difference / its SE | s per episode |")
print("|---|---|---|---|---|---|---|")
for folder in map(pathlib.Path, sys.argv[1:]):
    curves = {}
    for line in (folder / "rows.jsonl").open():
        row = json.loads(line)
        place = (row["task"], row["strategy"], row["repetition"])
        curves.setdefault(place, []).append(row["accuracy"])
    seconds = {}
    for line in (folder / "timings.jsonl").open():
        cell = json.loads(line)
        if cell["cell"].startswith("transfer/"):
            strategy, span = cell["cell"].split("/")[3:]
            first, last = map(int, span.split("-"))
            total = seconds.setdefault(strategy, [0.0, 0])
            total[0] += cell["seconds"]
            total[1] += last - first + 1
    for name in NAMES:
        runs = [statistics.fmean(curve) for (_, strategy, _), curve in curves.items() if strategy == name]
        if len(runs) < 2:
            continue
        task = next(iter(curves))[0]
        mean, sd = statistics.fmean(runs), statistics.stdev(runs)
        published = PUBLISHED[task][NAMES.index(name)]
        z = (mean - published) / (sd * math.sqrt(1 / len(runs) + 1 / 50))
        per = seconds[name][0] / seconds[name][1]
        print(f"| {task} | {name} | {len(runs)} | {mean:.3f} ± {sd:.3f} | {published:.3f} | {z:+.1f} | {per:.2f} |")
