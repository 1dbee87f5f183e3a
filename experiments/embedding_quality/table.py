"""What an embedding_quality run showed: python3 table.py RUN_FOLDER QUALITY.json [README.md]

With a third argument it replaces what stands in that file below the mark. Figures are accuracy points: the mean
over the rounds of an episode (area), over rounds 2 to 4 (early: the initial pool and the two queries after it)
and over the last three (late). Intervals are 95 % percentile bootstraps over the repetitions, which all
strategies and starts share. Needs NumPy (2.4 was used)."""
import contextlib, io, json, pathlib, re, sys
import numpy as np

MARK = "<!-- Below: what table.py wrote. -->\n"
STRATEGIES = ["random", "margin", "entropy", "badge", "k_center", "typiclust", "drop_query"]
STARTS = ["random", "typiclust", "k_center"]
# Areas that differ by less than half of this many points are a tie.
TIE = 0.1
DRAWS = 5000


def parts(name):
    """The start and the strategy of a name in the run; no start where the strategy begins at once."""
    if switched := re.fullmatch(r"switch\((\w+),(\w+),.*\)", name):
        return switched.groups()
    return ("none", name) if name in ("margin", "policy") else (name, name)


def read(path):
    """Accuracy in points by (task, start, strategy): an array of repetitions x rounds."""
    curves = {}
    for line in path.open():
        row = json.loads(line)
        place = (row["task"], *parts(row["strategy"]))
        curves.setdefault(place, {}).setdefault(row["repetition"], []).append(100 * row["accuracy"])
    return {place: np.array([runs[k] for k in sorted(runs)]) for place, runs in curves.items()}


run, quality = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
curves = read(run / "rows.jsonl")
tasks = sorted({task for task, _, _ in curves}, key=lambda task: (task.split("-")[0], quality[task]))
area = {place: curve.mean(1) for place, curve in curves.items()}
early = {place: curve[:, 2:5].mean(1) for place, curve in curves.items()}
late = {place: curve[:, -3:].mean(1) for place, curve in curves.items()}
repetitions = len(next(iter(area.values())))
drawn = np.random.default_rng(1).integers(repetitions, size=(DRAWS, repetitions))


def interval(statistic):
    """The statistic of all repetitions and the bounds over resampled ones; it is given indices."""
    low, high = np.percentile([statistic(indices) for indices in drawn], [2.5, 97.5])
    return statistic(np.arange(repetitions)), low, high


def shown(found):
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*found)


def verdict(holds, fails):
    return "holds" if holds else "does not hold" if fails else "cannot be told"


def gain(measure, task, start):
    """By repetition, what a start gains on the random one, over the strategies after it."""
    gains = [measure[task, start, name] - measure[task, "random", name] for name in STRATEGIES]
    return np.mean(gains, axis=0)


def slope(gains):
    """Points of gain per point of quality, sets apart; `gains` by task."""
    top = bottom = 0.0
    for family in {task.split("-")[0] for task in tasks}:
        own = [task for task in tasks if task.startswith(family + "-")]
        x = np.array([100 * quality[task] for task in own])
        y = np.array([gains[task] for task in own])
        top, bottom = top + ((x - x.mean()) * (y - y.mean())).sum(), bottom + ((x - x.mean()) ** 2).sum()
    return top / bottom


def starts():
    print("\n### A diverse start\n")
    print("Gain of the start over a random one, over the seven strategies that follow it.\n")
    print("| set and encoder | quality | TypiClust, early | late | k-center, early | late |")
    print("|---" * 6 + "|")
    for task in tasks:
        cells = [shown(interval(lambda at: gain(measure, task, start)[at].mean()))
                 for start in STARTS[1:] for measure in (early, late)]
        print(f"| {task} | {100 * quality[task]:.1f} | " + " | ".join(cells) + " |")
    for start in STARTS[1:]:
        of = lambda measure: np.array([gain(measure, task, start) for task in tasks])
        first, last = of(early), of(late)
        by_time = interval(lambda at: (first - last)[:, at].mean())
        by_quality = interval(lambda at: slope(dict(zip(tasks, first[:, at].mean(1)))) * 10)
        overall = [shown(interval(lambda at: gains[:, at].mean())) for gains in (first, last)]
        print(f"\n- *{start}*: early {overall[0]}, late {overall[1]}, over all encoders. **More early than late: "
              f"{verdict(by_time[1] > 0, by_time[2] < 0)}** (difference {shown(by_time)}). **More with better "
              f"embeddings: {verdict(by_quality[1] > 0, by_quality[2] < 0)}** (early gain per ten points of "
              f"quality, sets apart: {shown(by_quality)}).")


def strategies():
    print("\n### Strategies after a random start: area\n")
    print("| set and encoder | quality | " + " | ".join(STRATEGIES) + " |")
    print("|---" * (len(STRATEGIES) + 2) + "|")
    means = np.array([[area[task, "random", name].mean() for name in STRATEGIES] for task in tasks])
    for task, row in zip(tasks, means):
        cells = [f"**{value:.1f}**" if value == row.max() else f"{value:.1f}" for value in row]
        print(f"| {task} | {100 * quality[task]:.1f} | " + " | ".join(cells) + " |")
    best = [STRATEGIES[place] for place in means.argmax(1)]
    count = {name: best.count(name) for name in STRATEGIES}
    # By repetition: how far each strategy is from the mean of all on its task.
    apart = np.array([[area[task, "random", name] for name in STRATEGIES] for task in tasks])
    apart = apart - apart.mean(1, keepdims=True)
    spread = lambda at: apart[:, :, at].mean(2).std(0, ddof=1)
    spreads = np.array([spread(indices) for indices in drawn])
    here = spread(np.arange(repetitions))
    print("\n| over the sets and encoders | " + " | ".join(STRATEGIES) + " |")
    print("|---" * (len(STRATEGIES) + 1) + "|")
    print("| best mean area | " + " | ".join(str(count[name]) for name in STRATEGIES) + " |")
    print("| standard deviation of its lead over the mean of all | "
          + " | ".join(f"{value:.2f}" for value in here) + " |")
    ahead = lambda task, name, other: interval(
        lambda at: (area[task, "random", name] - area[task, "random", other])[at].mean())
    peaks = [task for task in tasks
             if count["margin"] and best[tasks.index(task)] == "margin" and ahead(task, "margin", "random")[1] > 0]
    print(f"\n- **Margin peaks on some tasks: {verdict(0 < len(peaks) < len(tasks), not count['margin'])}**. Its mean "
          f"area is the largest on {count['margin']} of {len(tasks)}, and beyond noise ahead of random on {len(peaks)} "
          "of these.")
    badge = STRATEGIES.index("badge")
    others = [place for place in range(len(STRATEGIES)) if place != badge]
    least = (spreads[:, badge] <= spreads[:, others].min(1)).mean()
    rank = 1 + sum(here[place] < here[badge] for place in others)
    print(f"- **BADGE varies least: {verdict(least > 0.95, least < 0.05)}**. Its lead over the mean of all varies by "
          f"{here[badge]:.2f} points over sets and encoders, rank {rank} of {len(STRATEGIES)}, and is the least in "
          f"{100 * least:.0f} % of the resamples (whose noise widens every spread).")
    beaten = {name: [(task, other) for task in tasks for other in STRATEGIES
                     if other != name and ahead(task, other, name)[1] > 0] for name in STRATEGIES}
    everywhere = [name for name in STRATEGIES if not beaten[name]]
    print(f"- **No strategy wins everywhere: {verdict(not everywhere, False)}**. Sets and encoders on which some other "
          "strategy is ahead beyond noise (intervals not corrected for their number): "
          + ", ".join(f"{name} {len({task for task, _ in beaten[name]})}" for name in STRATEGIES)
          + f" of {len(tasks)}" + (f"; never behind: {', '.join(everywhere)}." if everywhere else "."))


def wins():
    print("\n### Wins, ties and losses\n")
    print(f"Pairs of one repetition, all sets and encoders, areas {TIE / 2:g} points apart or less being ties; the "
          "rate counts half of these.\n")
    sides = [(start, name) for start in STARTS for name in STRATEGIES] + [("none", "margin"), ("none", "policy")]
    print("| start | strategy | against random after random | rate | against margin after random | rate |")
    print("|---" * 6 + "|")
    for start, name in sides:
        cells = []
        for other in ["random", "margin"]:
            if (start, name) == ("random", other):
                cells += ["–", "–"]
                continue
            difference = np.array([area[task, start, name] - area[task, "random", other] for task in tasks])
            won, lost = difference > TIE / 2, difference < -TIE / 2
            rate = lambda at: 50 + 50 * (won[:, at].mean() - lost[:, at].mean())
            cells += [f"{won.sum()} / {(~won & ~lost).sum()} / {lost.sum()}",
                      "{:.0f} % [{:.0f}, {:.0f}]".format(*interval(rate))]
        print(f"| {start} | {name} | " + " | ".join(cells) + " |")


text = io.StringIO()
with contextlib.redirect_stdout(text):
    print(f"\n{repetitions} paired repetitions, {len(curves[next(iter(curves))][0])} rounds.")
    starts()
    strategies()
    wins()
if len(sys.argv) > 3:
    file = pathlib.Path(sys.argv[3])
    file.write_text(file.read_text().split(MARK)[0] + MARK + text.getvalue())
else:
    print(text.getvalue(), end="")
