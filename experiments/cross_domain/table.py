"""The tables of README.md from the folders that run.sh leaves: python3 table.py RUN_FOLDER [README.md]

With a second argument they replace what stands in that file below the mark.

AUC is the mean test accuracy over all steps, the first being the initial fit. The difference to the
published figure is in units of its standard error, by both standard deviations and numbers of runs."""
import contextlib, io, json, math, pathlib, statistics, sys

MARK = "<!-- Below: what table.py wrote. -->\n"

ORDER = ["greedy_oracle", "margin", "badge", "least_confidence", "entropy", "bald", "ensemble(bald)", "k_center",
         "typiclust", "random"]
SETS = ["splice", "dna", "usps", "diverging_sin", "three_clust"]
SIZES = [1, 5, 20, 50, 100]
# Mean rank that the paper prints: over its sets without encoders and all its query sizes, among twelve strategies.
RANKS = {"greedy_oracle": 1.0, "margin": 4.3, "badge": 4.5, "least_confidence": 6.4, "bald": 6.6, "entropy": 7.1,
         "random": 8.4, "k_center": 8.5, "typiclust": 10.5}
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
        if not cell["cell"].startswith("transfer/"):
            continue
        name, span = cell["cell"].split("/")[3:]
        first, last = map(int, span.split("-"))
        total = spent.setdefault(name.split("(passes")[0], [0.0, 0])
        total[0] += cell["seconds"]
        total[1] += last - first + 1
    auc = {name: {at: statistics.fmean(curve) for at, curve in runs.items()} for name, runs in curves.items()}
    return auc, {name: seconds / count for name, (seconds, count) in spent.items()}


def place_of(name):
    """A set's place in the published tables; `usps-smooth` is compared with USPS."""
    return SETS.index(name.removesuffix("-smooth"))


def published(size, name, strategy):
    """Mean and standard deviation, or None."""
    row = PUBLISHED[size].get(strategy.removeprefix("ensemble(").removesuffix(")"), [])
    place = place_of(name)
    return [number / 1000 for number in row[place]] if place < len(row) else None


def lines(folders, title, size=1, names=SETS):
    """One table; `folders` gives the run folders of a set, whose strategies are put together."""
    found = []
    for name in names:
        auc, seconds = together(folders(name))
        for strategy in sorted(auc, key=ORDER.index):
            runs = list(auc[strategy].values())
            mean = statistics.fmean(runs)
            sd = statistics.stdev(runs) if len(runs) > 1 else math.nan
            there = "– | –"
            if figures := published(size, name, strategy):
                theirs, spread = figures
                error = math.sqrt(sd**2 / len(runs) + spread**2 / 50)
                there = f"{theirs:.3f} ± {spread:.3f} | {(mean - theirs) / error:+.1f}"
            found.append(f"| {name} | {strategy} | {len(runs)} | {mean:.3f} ± {sd:.3f} | {there} "
                         f"| {seconds[strategy]:.2f} |")
    if found:
        print(f"\n### {title}\n")
        print("| set | strategy | runs | ours | published | difference / its SE | s per episode |")
        print("|---|---|---|---|---|---|---|")
        print("\n".join(found))


def folders_of(root, name):
    """The runs of a set at query size 1: where some strategies have fewer repetitions, they lie apart."""
    return [root / f"{name}{part}" for part in ["", "-slow"]]


def together(folders):
    """AUCs and seconds of all folders that are there; of what comes twice, the first."""
    auc, seconds = {}, {}
    for folder in folders:
        if (folder / "rows.jsonl").exists():
            more, times = read(folder)
            auc, seconds = more | auc, times | seconds
    return auc, seconds


def with_bald(root, name, size):
    """AUCs of one set at one query size; BALD is the one with dropout, where there is one."""
    suffix = "" if size == 1 else f"-q{size}"
    auc = together(folders_of(root, name) if size == 1 else [root / f"{name}{suffix}"])[0]
    committee = auc.pop("ensemble(bald)", None)
    alone = root / f"{name}-bald{suffix}"
    bald = read(alone)[0].get("bald") if (alone / "rows.jsonl").exists() else committee
    return auc | ({"bald": bald} if bald else {})


def ranks_of(values):
    """One is the largest; ties share the mean of their ranks."""
    above = lambda name: sum(other > values[name] for other in values.values())
    same = lambda name: sum(other == values[name] for other in values.values())
    return {name: above(name) + (same(name) + 1) / 2 for name in values}


def mean_ranks(tables):
    """For every set and size, the mean over repetitions of each strategy's rank."""
    means = {}
    for at, auc in tables.items():
        repetitions = set.intersection(*map(set, auc.values()))
        each = [ranks_of({name: runs[k] for name, runs in auc.items()}) for k in repetitions]
        means[at] = {name: statistics.fmean(ranks[name] for ranks in each) for name in auc}
    return means


def ranks(root):
    """Mean ranks at query size 1 beside the published ones, and by query size."""
    tables = {(name, size): with_bald(root, name, size) for name in SETS for size in SIZES}
    tables = {at: auc for at, auc in tables.items() if auc}
    first = {at: auc for at, auc in tables.items() if at[1] == 1}
    names = [name for name in ORDER if first and all(name in auc for auc in first.values())]
    if names:
        over = lambda table, name: statistics.fmean(ranks[name] for ranks in table)
        keep = {at: {name: auc[name] for name in names} for at, auc in first.items()}
        each = mean_ranks(keep).values()
        ours = [ranks_of({name: statistics.fmean(runs.values()) for name, runs in auc.items()})
                for auc in keep.values()]
        theirs = [ranks_of({name: published(1, at[0], name)[0] for name in names}) for at in keep]
        print(f"\n### Mean ranks at query size 1, over {', '.join(name for name, _ in keep)}\n")
        print(f"Among the {len(names)} strategies here. The paper's own mean rank is over other sets too, all query "
              "sizes, and twelve strategies.\n")
        print("| strategy | ours, each repetition ranked | ours, mean AUCs ranked | published mean AUCs ranked "
              "| the paper's mean rank |")
        print("|---" * 5 + "|")
        for name in sorted(names, key=lambda name: over(each, name)):
            print(f"| {name} | {over(each, name):.1f} | {over(ours, name):.1f} | {over(theirs, name):.1f} "
                  f"| {RANKS[name]} |")
    names = [name for name in ORDER if tables and all(name in auc for auc in tables.values())]
    if len(tables) > len(first) and names:
        means = mean_ranks({at: {name: auc[name] for name in names} for at, auc in tables.items()})
        sizes = sorted({size for _, size in tables})
        print("\n### Mean ranks over the sets, by query size\n")
        print(f"Among the {len(names)} strategies that stand in every run. "
              + "; ".join(f"{size}: {', '.join(name for name, at in tables if at == size)}" for size in sizes) + ".\n")
        print("| strategy | " + " | ".join(map(str, sizes)) + " | all |")
        print("|---" * (len(sizes) + 2) + "|")
        over = lambda name, places: statistics.fmean(means[at][name] for at in places)
        for name in sorted(names, key=lambda name: over(name, means)):
            cells = [over(name, [at for at in means if at[1] == size]) for size in sizes]
            print(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in [*cells, over(name, means)]) + " |")


def tables(root):
    lines(lambda name: folders_of(root, name), "Query size 1", names=[*SETS, "usps-smooth"])
    ranks(root)
    lines(lambda name: [root / f"{name}-bald"], "BALD with dropout 0.3, as published")
    lines(lambda name: [root / f"{name}-leaks"], "With the leaks of the paper")
    lines(lambda name: [root / f"{name}-paper"], "With the settings that the paper prints")
    for size in SIZES[1:]:
        lines(lambda name: [root / f"{name}-q{size}", root / f"{name}-bald-q{size}"], f"Query size {size}", size,
              [*SETS, "usps-smooth"])


text = io.StringIO()
with contextlib.redirect_stdout(text):
    tables(pathlib.Path(sys.argv[1]))
if len(sys.argv) > 2:
    file = pathlib.Path(sys.argv[2])
    file.write_text(file.read_text().split(MARK)[0] + MARK + text.getvalue())
else:
    print(text.getvalue(), end="")
