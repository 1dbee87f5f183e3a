"""Labels until 98 % of the whole pool's accuracy, as Markdown: python3 lal_rl.py RUN_FOLDER...

An episode's figure is the number of labels that were asked for until its last row, without the two that it
starts with, and its note says whether the target was reached. Episodes that did not reach it are counted as
censored, and take part in the mean with all labels that they asked for: a lower bound."""
import json, math, pathlib, re, statistics, sys

INITIAL = 2  # one label per class

# Mean of 120 episodes of the published code, re-measured; random and uncertainty. "all" is over the sets.
MEASURED = {
    "all": (24.6, 16.4), "australian": (None, 15.6), "breast_cancer": (None, 17.8), "diabetis": (None, 27.0),
    "flare_solar": (9.8, 12.1), "german": (None, 16.8), "heart": (None, 15.2), "mushrooms": (None, 21.8),
    "waveform": (None, 12.9), "wdbc": (None, 8.5),
}

episodes = {}
for folder in map(pathlib.Path, sys.argv[1:]):
    for line in (folder / "rows.jsonl").open():
        row = json.loads(line)
        outcome = re.search("target accuracy [0-9.]+ (not )?reached", row.get("note") or "")
        if outcome:
            reached = outcome.group(1) is None
            figures = episodes.setdefault((row["task"], row["strategy"]), {})
            figures[row["repetition"]] = (row["labels"] - INITIAL, reached)

names = ["random", "margin"]


def re_measured(task, strategy):
    return MEASURED[task][names.index(strategy)] if strategy in names else None


print("| set | strategy | episodes | labels asked for | median | censored | re-measured | difference / its SE |")
print("|---|---|---|---|---|---|---|---|")
for strategy in names + sorted({name for _, name in episodes} - set(names)):
    sets = sorted(task for task, name in episodes if name == strategy)
    means, errors = [], []
    for task in sets:
        figures = list(episodes[task, strategy].values())
        labels = [count for count, _ in figures]
        mean, error = statistics.fmean(labels), statistics.stdev(labels) / math.sqrt(len(labels))
        means.append(mean)
        errors.append(error)
        censored = sum(not reached for _, reached in figures)
        theirs = re_measured(task, strategy)
        # The re-measured episodes are taken to vary like ours.
        there = f"{theirs} | {(mean - theirs) / (error * math.sqrt(1 + len(labels) / 120)):+.1f}" if theirs else "– | –"
        print(f"| {task} | {strategy} | {len(labels)} | {mean:.1f} ± {error:.1f} | {statistics.median(labels):g} "
              f"| {censored} | {there} |")
    if len(sets) == 9:
        mean, error = statistics.fmean(means), math.sqrt(sum(e * e for e in errors)) / 9
        theirs = re_measured("all", strategy)
        there = f"{theirs} | {(mean - theirs) / (error * math.sqrt(2)):+.1f}" if theirs else "– | –"
        print(f"| all nine | {strategy} | | {mean:.1f} ± {error:.1f} | | | {there} |")

policies = sorted(task for task, name in episodes if name == "policy")
if policies:
    print("\nThe learned policy against margin, labels that it asks for more, paired by episode:\n")
    print("| set left out | policy - margin | its SE | fewer / as many / more |\n|---|---|---|---|")
    means, errors = [], []
    for task in policies:
        policy, margin = episodes[task, "policy"], episodes[task, "margin"]
        more = [policy[k][0] - margin[k][0] for k in sorted(policy.keys() & margin.keys())]
        means.append(statistics.fmean(more))
        errors.append(statistics.stdev(more) / math.sqrt(len(more)))
        counts = [sum(m < 0 for m in more), sum(m == 0 for m in more), sum(m > 0 for m in more)]
        print(f"| {task} | {means[-1]:+.1f} | {errors[-1]:.1f} | {' / '.join(map(str, counts))} |")
    error = math.sqrt(sum(e * e for e in errors)) / len(errors)
    print(f"| mean of {len(means)} | {statistics.fmean(means):+.1f} | {error:.1f} | |")
