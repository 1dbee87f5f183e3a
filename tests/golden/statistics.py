"""Reference values for tests/statistics.rs.

    pip install numpy scipy statsmodels scikit-posthocs rliable
    python tests/golden/statistics.py > tests/golden/statistics.json

The versions used are written into the JSON.
"""

import json
from importlib.metadata import version

import numpy as np
import scikit_posthocs as posthocs
from rliable import metrics
from scipy import stats
from scipy.integrate import trapezoid
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(20260)


def floats(values):
    return [float(v) for v in np.ravel(values)]


def rounded(n, scale, decimals, shift=0.0):
    """Differences with ties, as accuracies counted on a small test set have."""
    return np.round(rng.normal(shift, scale, n), decimals) + 0.0


def wilcoxon():
    cases = []
    # No ties, no zeros: SciPy's exact distribution.
    for n in (5, 6, 9, 20, 50):
        d = rng.normal(0.2, 1.0, n)
        p = stats.wilcoxon(d, zero_method="pratt", method="exact").pvalue
        cases.append({"kind": "exact", "differences": floats(d), "p": float(p)})
    # Ties and zeros: every sign pattern enumerated by SciPy.
    for n in (6, 8, 10, 12):
        d = rounded(n, 0.02, 2, 0.01)
        method = stats.PermutationMethod(n_resamples=np.inf)
        p = stats.wilcoxon(d, zero_method="pratt", method=method).pvalue
        cases.append({"kind": "enumerated", "differences": floats(d), "p": float(p)})
    # Many: the normal approximation, ties corrected, zeros after Pratt.
    for n, decimals in ((60, 8), (80, 2), (200, 1), (150, 2)):
        d = rounded(n, 0.05, decimals, 0.01)
        p = stats.wilcoxon(d, zero_method="pratt", method="approx", correction=False).pvalue
        cases.append({"kind": "approximate", "differences": floats(d), "p": float(p)})
    return cases


def bootstrap():
    cases = []
    for values in (rng.normal(0.01, 0.02, 20), rng.exponential(0.02, 12), rounded(30, 0.02, 2)):
        result = stats.bootstrap((values,), np.mean, n_resamples=299, method="BCa", rng=rng)
        reuse = dict(n_resamples=0, bootstrap_result=result)
        percentile = stats.bootstrap((values,), np.mean, method="percentile", **reuse)
        bca = stats.bootstrap((values,), np.mean, method="BCa", **reuse)
        cases.append(
            {
                "values": floats(values),
                "distribution": floats(np.sort(result.bootstrap_distribution)),
                "bca": floats(bca.confidence_interval),
                "percentile": floats(percentile.confidence_interval),
            }
        )
    return cases


def mean_interval():
    cases = []
    for n in (2, 5, 20, 50):
        values = rng.normal(0.7, 0.1, n)
        interval = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
        cases.append({"values": floats(values), "mean": float(values.mean()), "interval": floats(interval)})
    return cases


def holm():
    cases = []
    for p in ([0.01, 0.02, 0.04], [0.01, 0.03, 0.04], rng.uniform(0, 0.2, 9), [0.5, 0.5, 0.9]):
        adjusted = multipletests(p, method="holm")[1]
        cases.append({"p": floats(p), "adjusted": floats(adjusted)})
    return cases


def friedman_nemenyi():
    cases = []
    for blocks, strategies, decimals in ((20, 3, 8), (50, 5, 2), (12, 6, 1)):
        scores = np.round(rng.normal(0.7, 0.05, (blocks, strategies)) + 0.02 * np.arange(strategies), decimals)
        friedman = stats.friedmanchisquare(*scores.T)
        ranks = stats.rankdata(-scores, axis=1).mean(axis=0)
        case = {
            "scores": [floats(block) for block in scores],
            "ranks": floats(ranks),
            "statistic": float(friedman.statistic),
            "p": float(friedman.pvalue),
            "nemenyi_p": [floats(row) for row in posthocs.posthoc_nemenyi_friedman(scores).to_numpy()],
        }
        cases.append(case)
    return cases


def distributions():
    x = [-9.5, -6.0, -2.5, -0.3, 0.0, 0.7, 1.96, 3.1, 7.0]
    return {
        "x": x,
        "normal_cdf": floats(stats.norm.cdf(x)),
        "normal_two_sided": floats(2 * stats.norm.sf(np.abs(x))),
        "p": [1e-12, 1e-4, 0.025, 0.3, 0.5, 0.975, 0.9999],
        "normal_quantile": floats(stats.norm.ppf([1e-12, 1e-4, 0.025, 0.3, 0.5, 0.975, 0.9999])),
        "t": [[0.5, 1.0], [2.0, 4.0], [2.776, 4.0], [1.96, 100.0], [8.0, 19.0]],
        "t_two_sided": [float(2 * stats.t.sf(t, df)) for t, df in ([0.5, 1], [2, 4], [2.776, 4], [1.96, 100], [8, 19])],
        "df": [1, 2, 4, 19, 49, 1000],
        "t_critical": floats(stats.t.ppf(0.975, [1, 2, 4, 19, 49, 1000])),
        "chi_square": [[0.5, 1.0], [3.84, 1.0], [7.0, 4.0], [40.0, 9.0], [2.0, 20.0]],
        "chi_square_tail": [float(stats.chi2.sf(x, df)) for x, df in ([0.5, 1], [3.84, 1], [7, 4], [40, 9], [2, 20])],
        "range": [[1.0, 2.0], [3.314, 3.0], [4.0, 5.0], [2.0, 10.0], [6.0, 20.0]],
        "range_cdf": [
            float(stats.studentized_range.cdf(q, k, np.inf)) for q, k in ([1, 2], [3.314, 3], [4, 5], [2, 10], [6, 20])
        ],
        "groups": [2, 3, 4, 5, 6, 8, 10, 20],
        "nemenyi": floats(
            [stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2) for k in (2, 3, 4, 5, 6, 8, 10, 20)]
        ),
    }


def aggregates():
    runs, tasks = 20, 4
    x = rng.normal(0.72, 0.08, (runs, tasks))
    y = rng.normal(0.70, 0.08, (runs, tasks))
    x, y = np.round(x, 2), np.round(y, 2)
    taus = np.linspace(0.5, 0.9, 9)
    return {
        "x": [floats(task) for task in x.T],
        "y": [floats(task) for task in y.T],
        "iqm": float(metrics.aggregate_iqm(x)),
        "probability": float(metrics.probability_of_improvement(x, y)),
        "taus": floats(taus),
        "profile": [float(np.mean(x > tau)) for tau in taus],
    }


def areas():
    cases = []
    for n in (3, 12, 40):
        labels = np.cumsum(rng.integers(1, 9, n))
        accuracy = rng.uniform(0.3, 0.95, n)
        cases.append(
            {
                "labels": [int(l) for l in labels],
                "accuracy": floats(accuracy),
                "aulc": float(trapezoid(accuracy, labels) / (labels[-1] - labels[0])),
                "auc": float(accuracy.mean()),
            }
        )
    return cases


def penalty():
    """One task, matched by seed: scipy's paired t-test at every label count."""
    strategies, points, runs = 3, 6, 8
    base = rng.normal(0.6, 0.05, (1, 1, runs))
    scores = base + 0.03 * rng.normal(size=(strategies, points, runs)) + 0.02 * np.arange(strategies)[:, None, None]
    matrix = np.zeros((strategies, strategies))
    for i in range(strategies):
        for j in range(strategies):
            for point in range(points):
                if i != j:
                    test = stats.ttest_rel(scores[i, point], scores[j, point])
                    matrix[i, j] += (test.statistic > 0 and test.pvalue < 0.05) / points
    return {"scores": [[floats(p) for p in s] for s in scores], "matrix": [floats(row) for row in matrix]}


print(
    json.dumps(
        {
            "versions": {
                name: version(name) for name in ("numpy", "scipy", "scikit-posthocs", "statsmodels", "rliable")
            },
            "wilcoxon": wilcoxon(),
            "bootstrap": bootstrap(),
            "mean_interval": mean_interval(),
            "holm": holm(),
            "friedman": friedman_nemenyi(),
            "distributions": distributions(),
            "aggregates": aggregates(),
            "areas": areas(),
            "penalty": penalty(),
        },
        separators=(",", ":"),
    )
)
