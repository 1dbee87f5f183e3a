"""The tables of README.md from the folders that run.sh leaves: python3 table.py RUN_FOLDER [README.md]

With a second argument they replace what stands in that file below the mark.

AUC is the mean test accuracy over all steps, the first being the initial fit. The difference to the
published figure is in units of its standard error, by both standard deviations and numbers of runs."""
import contextlib, io, json, math, pathlib, statistics, sys

MARK = "<!-- Below: what table.py wrote. -->\n"

ORDER = ["greedy_oracle", "margin", "badge", "least_confidence", "entropy", "bald", "ensemble(bald)", "k_center",
         "typiclust", "random"]
SETS = ["splice", "dna", "usps", "diverging_sin", "three_clust"]
# AUC and standard deviation over 50 runs, in thousandths: the result tables of the benchmark's repository
# (Werner et al., NeurIPS 2024), by query size; the oracle has size 1 alone.
PUBLISHED = {
    1: {
        "greedy_oracle": [(803, 12), (825, 9), (866, 4), (957, 9), (783, 30)],
        "margin": [(769, 21), (806, 13), (858, 6), (941, 18), (704, 74)],
        "badge": [(767, 20), (780, 14), (830, 8), (941, 17), (690, 83)],
        "least_confidence": [(779, 19), (809, 10), (846, 9), (940, 16), (692, 94)],
        "entropy": [(768, 22), (812, 13), (830, 11), (942, 17), (696, 83)],
        "bald": [(780, 14), (784, 10), (819, 10), (928, 14), (698, 43)],
        "k_center": [(772, 16), (790, 12), (767, 16), (937, 14), (730, 31)],
        "typiclust": [(762, 16), (778, 10), (828, 7), (934, 18), (727, 33)],
        "random": [(760, 16), (774, 13), (823, 9), (933, 17), (721, 36)],
    },
    5: {
        "margin": [(765, 21), (794, 11), (855, 6), (923, 19), (697, 55)],
        "badge": [(768, 14), (785, 11), (846, 7), (924, 19), (720, 36)],
        "least_confidence": [(763, 23), (798, 13), (831, 14), (921, 19), (675, 72)],
        "entropy": [(765, 22), (798, 11), (823, 13), (924, 20), (689, 66)],
        "bald": [(775, 18), (801, 13), (840, 8), (893, 35), (673, 41)],
        "k_center": [(765, 17), (784, 14), (765, 15), (920, 17), (713, 35)],
        "typiclust": [(759, 14), (775, 10), (757, 20), (916, 20), (693, 45)],
        "random": [(758, 15), (771, 13), (820, 9), (921, 18), (713, 34)],
    },
    20: {
        "margin": [(759, 27), (779, 13), (847, 8)], "badge": [(767, 13), (776, 13), (845, 6)],
        "least_confidence": [(751, 20), (748, 25), (798, 27)], "entropy": [(759, 27), (773, 15), (803, 19)],
        "bald": [(768, 22), (784, 15), (822, 9)], "k_center": [(759, 16), (764, 15), (757, 15)],
        "typiclust": [(751, 12), (760, 16), (643, 26)], "random": [(755, 14), (763, 12), (818, 9)],
    },
    50: {
        "margin": [(747, 23), (751, 19), (828, 9)], "badge": [(758, 17), (754, 18), (831, 8)],
        "least_confidence": [(731, 25), (688, 41), (761, 37)], "entropy": [(747, 24), (748, 18), (778, 24)],
        "bald": [(760, 17), (756, 18), (796, 16)], "k_center": [(751, 16), (733, 19), (740, 17)],
        "typiclust": [(749, 16), (736, 16), (586, 38)], "random": [(746, 12), (745, 15), (806, 8)],
    },
    100: {
        "margin": [(733, 24), (711, 27), (799, 13)], "badge": [(743, 14), (714, 32), (804, 13)],
        "least_confidence": [(715, 33), (639, 50), (708, 34)], "entropy": [(733, 23), (713, 31), (743, 26)],
        "bald": [(744, 15), (718, 24), (765, 21)], "k_center": [(735, 19), (698, 26), (721, 21)],
        "typiclust": [(733, 16), (704, 25), (592, 42)], "random": [(733, 13), (713, 23), (789, 12)],
    },
}


def read(folder):
    """AUC by strategy and repetition, and seconds per episode."""
    curves, spent = {}, {}
    for line in (folder / "rows.jsonl").open():
        row = json.loads(line)
        name = row["strategy"].split("(passes")[0]
        curves.setdefault(name, {}).setdefault(row["repetition"], []).append(row["accuracy"])
    for line in (folder / "timings.jsonl").open():
        cell = json.loads(line)
        name, span = cell["cell"].split("/")[3:]
        first, last = map(int, span.split("-"))
        total = spent.setdefault(name.split("(passes")[0], [0.0, 0])
        total[0] += cell["seconds"]
        total[1] += last - first + 1
    auc = {name: {at: statistics.fmean(curve) for at, curve in runs.items()} for name, runs in curves.items()}
    return auc, {name: seconds / count for name, (seconds, count) in spent.items()}


def lines(folders, title, size=1):
    found = []
    for name in SETS:
        folder = folders(name)
        if not (folder / "rows.jsonl").exists():
            continue
        auc, seconds = read(folder)
        for strategy in sorted(auc, key=ORDER.index):
            runs = list(auc[strategy].values())
            mean = statistics.fmean(runs)
            sd = statistics.stdev(runs) if len(runs) > 1 else math.nan
            row = PUBLISHED[size].get(strategy.removeprefix("ensemble(").removesuffix(")"), [])
            place = SETS.index(name)
            published = "– | –"
            if place < len(row):
                theirs, spread = (number / 1000 for number in row[place])
                error = math.sqrt(sd**2 / len(runs) + spread**2 / 50)
                published = f"{theirs:.3f} ± {spread:.3f} | {(mean - theirs) / error:+.1f}"
            found.append(f"| {name} | {strategy} | {len(runs)} | {mean:.3f} ± {sd:.3f} | {published} "
                         f"| {seconds[strategy]:.2f} |")
    if found:
        print(f"\n### {title}\n")
        print("| set | strategy | runs | ours | published | difference / its SE | s per episode |")
        print("|---|---|---|---|---|---|---|")
        print("\n".join(found))


def ranks(root):
    """Mean ranks of the strategies that stand in every run, one being the largest AUC."""
    tables = {}
    for name in SETS:
        for size in [1, 5, 20, 50, 100]:
            folder = root / (name if size == 1 else f"{name}-q{size}")
            if (folder / "rows.jsonl").exists():
                tables[name, size] = read(folder)[0]
    if not tables:
        return
    names = [name for name in ORDER if all(name in auc for auc in tables.values())]
    mean = {place: dict.fromkeys(names, 0.0) for place in tables}
    for place, auc in tables.items():
        repetitions = set.intersection(*(set(auc[name]) for name in names))
        for at in repetitions:
            values = {name: auc[name][at] for name in names}
            for name in names:
                above = sum(other > values[name] for other in values.values())
                same = sum(other == values[name] for other in values.values())
                mean[place][name] += (above + (same + 1) / 2) / len(repetitions)
    sizes = sorted({size for _, size in tables})
    print("\n### Mean ranks over the sets, by query size\n")
    print("| strategy | " + " | ".join(map(str, sizes)) + " | all |")
    print("|---" * (len(sizes) + 2) + "|")
    over = lambda name, places: statistics.fmean(mean[place][name] for place in places)
    for name in sorted(names, key=lambda name: over(name, tables)):
        cells = [over(name, [place for place in tables if place[1] == size]) for size in sizes]
        print(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in [*cells, over(name, tables)]) + " |")


def tables(root):
    lines(lambda name: root / name, "Query size 1")
    lines(lambda name: root / f"{name}-bald", "BALD with dropout 0.3, as published")
    lines(lambda name: root / f"{name}-leaks", "With the leaks of the paper")
    lines(lambda name: root / f"{name}-paper", "With the settings that the paper prints")
    for size in [5, 20, 50, 100]:
        lines(lambda name: root / f"{name}-q{size}", f"Query size {size}", size)
    ranks(root)


text = io.StringIO()
with contextlib.redirect_stdout(text):
    tables(pathlib.Path(sys.argv[1]))
if len(sys.argv) > 2:
    file = pathlib.Path(sys.argv[2])
    file.write_text(file.read_text().split(MARK)[0] + MARK + text.getvalue())
else:
    print(text.getvalue(), end="")
