"""Reference values for the verdict over tasks, in tests/statistics.rs.

    pip install numpy scipy
    python tests/golden/verdict.py > tests/golden/verdict.json

Written from the definitions, without a look at the program: accuracies of eight tasks, five strategies and ten
repetitions at four numbers of labels; areas, scores on the scale of each task, their interquartile mean and its
stratified interval (as rliable has them: runs resampled within tasks), the tests over the means of tasks, the two-level
bootstrap. The versions used are written into the JSON. Intervals of the bootstrap come from other random numbers than the program's,
and agree within their Monte Carlo error.
"""

import json
from importlib.metadata import version

import numpy as np
from scipy import stats
from scipy.integrate import trapezoid

rng = np.random.default_rng(20261)
LABELS = np.array([3, 5, 8, 12])
STRATEGIES = ["random", "margin", "badge", "policy", "greedy_oracle"]
LEADS = np.array([0.0, 0.020, 0.026, 0.034, 0.08])
TASKS, RUNS, DRAWS = 8, 10, 20_000


def floats(values):
    return [float(v) for v in np.ravel(values)]


# Tasks of all difficulties: raw areas differ far more between tasks than between strategies.
start = rng.uniform(0.2, 0.7, TASKS)
rise = rng.uniform(0.05, 0.25, TASKS)
ease = rng.uniform(0.3, 1.5, TASKS)
done = 1 - np.exp(-(LABELS - LABELS[0]) / 4)
accuracy = (
    start[:, None, None, None]
    + rise[:, None, None, None] * done
    + (LEADS[None, :] * ease[:, None] + rng.normal(0, 0.012, (TASKS, len(STRATEGIES))))[:, :, None, None]
    + rng.normal(0, 0.02, (TASKS, 1, RUNS, 1))
    + rng.normal(0, 0.01, (TASKS, len(STRATEGIES), RUNS, 1))
    + rng.normal(0, 0.004, (TASKS, len(STRATEGIES), RUNS, len(LABELS)))
)
accuracy = np.round(np.clip(accuracy, 0, 1), 4)
area = trapezoid(accuracy, LABELS, axis=-1) / (LABELS[-1] - LABELS[0])  # [task, strategy, run]

# 0 is random's mean area, 1 the highest mean accuracy of a ranked strategy at any number of labels.
ranked = [i for i, name in enumerate(STRATEGIES) if name != "greedy_oracle"]
zero = area[:, 0].mean(axis=1)
one = accuracy[:, ranked].mean(axis=2).max(axis=(1, 2))
score = (area - zero[:, None, None]) / (one - zero)[:, None, None]


def iqm(runs):
    return stats.trim_mean(np.ravel(runs), 0.25)


def stratified(runs):
    """Runs resampled within each task, `runs` is [task, run]."""
    picks = rng.integers(0, RUNS, (DRAWS, TASKS, RUNS))
    drawn = np.take_along_axis(np.broadcast_to(runs, (DRAWS, TASKS, RUNS)), picks, axis=2)
    return np.percentile([iqm(sample) for sample in drawn], [2.5, 97.5])


def two_level(differences, level=95.0):
    """Tasks resampled, then repetitions within each drawn task."""
    means = []
    for _ in range(DRAWS):
        tasks = differences[rng.integers(0, TASKS, TASKS)]
        picks = rng.integers(0, RUNS, (TASKS, RUNS))
        means.append(np.take_along_axis(tasks, picks, axis=1).mean())
    tail = 0.5 * (100.0 - level)
    return np.percentile(means, [tail, 100.0 - tail])


subject = area[:, STRATEGIES.index("policy")]
against = {}
for name in ("margin", "random", "badge"):
    differences = subject - area[:, STRATEGIES.index(name)]
    means = differences.mean(axis=1)
    against[name] = {
        "diff": float(means.mean()),
        "p": float(stats.wilcoxon(means, method="exact").pvalue),
        "interval": floats(two_level(differences)),
        # Two hand-made strategies to choose from: their upper ends hold together at 97.5 % each.
        "joint": floats(two_level(differences, 97.5)),
        "won": int((means > 0).sum()),
        "within_p": float(stats.wilcoxon(differences.ravel(), method="approx", correction=False).pvalue),
    }

task_means = area.mean(axis=2)[:, ranked]
friedman = stats.friedmanchisquare(*task_means.T)

print(
    json.dumps(
        {
            "versions": {name: version(name) for name in ("numpy", "scipy")},
            "labels": [int(l) for l in LABELS],
            "strategies": STRATEGIES,
            "accuracy": accuracy.tolist(),
            "scores": {
                STRATEGIES[i]: {"iqm": float(iqm(score[:, i])), "interval": floats(stratified(score[:, i]))}
                for i in ranked
            },
            "against": against,
            "ranks": floats(stats.rankdata(-task_means, axis=1).mean(axis=0)),
            "friedman": {"statistic": float(friedman.statistic), "p": float(friedman.pvalue)},
        },
        separators=(",", ":"),
    )
)
