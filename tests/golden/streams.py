"""Reference decisions of stream rules, by scikit-activeml: see src/stream/rules/tests.rs.

    pip install scikit-activeml==1.0.1
    python tests/golden/streams.py > tests/golden/streams.json

Two streams of 300 rows of three numbers with their confidences (binary, and of three classes; a stretch of each is
constant) and the second largest probabilities, offered one by one. Random numbers that the reference draws are written
down, so that both sides decide by the same ones.
"""

import copy
import json

import numpy as np
import skactiveml
from skactiveml.base import SkactivemlClassifier
from skactiveml.stream import PeriodicSampling, StreamDensityBasedAL, StreamRandomSampling
from skactiveml.stream.budgetmanager import (
    FixedUncertaintyBudgetManager,
    RandomVariableUncertaintyBudgetManager,
    SplitBudgetManager,
    VariableUncertaintyBudgetManager,
)

N = 300
rng = np.random.default_rng(20140101)
streams = []
for classes in (2, 3):
    confidence = 1 / classes + (1 - 1 / classes) * rng.beta(2, 1.2, size=N)
    confidence[100:150] = confidence[100]
    streams.append((classes, [float(c) for c in confidence]))
# Rows in clumps that come and go, so that the window moves over dense and sparse parts.
rng = np.random.default_rng(2014)
centres = 4 * rng.standard_normal((6, 3))
rows = [(centres[i // 50] + rng.standard_normal(3)).astype(np.float32) for i in range(N)]
seconds = []
for classes, confidence in streams:
    rest = 1 - np.array(confidence)
    share = 1.0 if classes == 2 else rng.uniform(0.5, 1.0, size=N)
    seconds.append([float(s) for s in np.minimum(rest * share, confidence)])


class Told(SkactivemlClassifier):
    """A classifier that says what it was told."""

    def fit(self, X, y, sample_weight=None):
        return self

    def predict_proba(self, X):
        return np.array([self.told])


def dense(make):
    """The decisions of density-based sampling, and the number that its budget manager draws for a row."""

    def run(classes, confidence, budget):
        strategy = make(budget)
        clf = Told(classes=list(range(classes)))
        at = [c for c, _ in streams].index(classes)
        kept, draws = [], []
        for i, c in enumerate(confidence):
            second = seconds[at][i]
            clf.told = ([c, second] + [1 - c - second] * (classes - 2))[:classes]
            row = rows[i].astype(np.float64).reshape(1, -1)
            chosen = strategy.query(row, clf)
            state = copy.deepcopy(strategy.budget_manager_.random_state_)
            draws.append([state.normal(1, strategy.budget_manager_.delta)])
            kept.append(int(len(chosen) == 1))
            strategy.update(row, chosen)
        return kept, draws

    return run


def managed(make, draws_of):
    """The decisions of a budget manager, and the numbers that it drew for each."""

    def run(classes, confidence, budget):
        manager = make(classes, budget)
        kept, draws = [], []
        for c in confidence:
            utility = np.array([1 - c])
            manager._validate_data(utility)
            state = copy.deepcopy(getattr(manager, "random_state_", None))
            chosen = manager.query_by_utility(utility)
            draws.append(draws_of(state, manager))
            kept.append(int(len(chosen) == 1))
            manager.update(np.array([[c]]), chosen)
        return kept, draws

    return run


def sampled(make, drawn=True):
    def run(classes, confidence, budget):
        strategy = make(budget)
        kept, draws = [], []
        for c in confidence:
            row = np.array([[c]])
            chosen, utilities = strategy.query(row, return_utilities=True)
            draws.append([float(utilities[0])] if drawn else [])
            kept.append(int(len(chosen) == 1))
            strategy.update(row, chosen)
        return kept, draws

    return run


RULES = {
    "random": sampled(lambda b: StreamRandomSampling(budget=b, random_state=1, allow_exceeding_budget=False)),
    "random(exceeding=true)": sampled(lambda b: StreamRandomSampling(budget=b, random_state=2)),
    "periodic": sampled(lambda b: PeriodicSampling(budget=b), drawn=False),
    "fixed_uncertainty(exact=false)": managed(
        lambda classes, b: FixedUncertaintyBudgetManager(classes=list(range(classes)), budget=b), lambda state, m: []
    ),
    "variable_uncertainty(exact=false)": managed(
        lambda classes, b: VariableUncertaintyBudgetManager(budget=b), lambda state, m: []
    ),
    "variable_uncertainty(step=0.1, window=40, exact=false)": managed(
        lambda classes, b: VariableUncertaintyBudgetManager(budget=b, s=0.1, w=40), lambda state, m: []
    ),
    "random_variable_uncertainty(exact=false)": managed(
        lambda classes, b: RandomVariableUncertaintyBudgetManager(budget=b, random_state=3),
        lambda state, m: [state.normal(1, 1.0)],
    ),
    "split(exact=false)": managed(
        lambda classes, b: SplitBudgetManager(budget=b, random_state=4),
        lambda state, m: [state.random_sample(), state.random_sample()],
    ),
    "density(exact=false)": dense(lambda b: StreamDensityBasedAL(budget=b, random_state=5)),
    "density(window=20, exact=false)": dense(lambda b: StreamDensityBasedAL(budget=b, window_size=20, random_state=6)),
}

cases = []
for at, (classes, confidence) in enumerate(streams):
    for budget in (0.05, 0.3):
        for rule, run in RULES.items():
            kept, draws = run(classes, confidence, budget)
            places = [i for i, k in enumerate(kept) if k]
            cases.append(dict(rule=rule, stream=at, budget=budget, kept=places, draws=draws if draws[0] else []))
print(
    json.dumps(
        dict(
            scikit_activeml=skactiveml.__version__,
            rows=[[float(x) for x in row] for row in rows],
            streams=[dict(classes=c, confidence=s, second=t) for (c, s), t in zip(streams, seconds)],
            cases=cases,
        )
    )
)
