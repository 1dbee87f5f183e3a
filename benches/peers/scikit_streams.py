"""Rows per second of scikit-activeml's stream rules beside Querist's, in turns, as ratios.

    pip install scikit-activeml==1.0.1
    python benches/peers/scikit_streams.py cargo bench --bench streams

Both sides are handed the confidence of every row, one by one, and for `density` two numbers of it: what a classifier costs is
in neither. The words behind the
script are the command that runs Querist's side; three turns, and the median of their ratios.
"""

import json
import statistics
import subprocess
import sys
import time

import numpy as np
from skactiveml.base import SkactivemlClassifier
from skactiveml.stream import PeriodicSampling, StreamDensityBasedAL, StreamRandomSampling
from skactiveml.stream.budgetmanager import (
    FixedUncertaintyBudgetManager,
    RandomVariableUncertaintyBudgetManager,
    SplitBudgetManager,
    VariableUncertaintyBudgetManager,
)

ROWS = 5_000
MANAGERS = {
    "fixed_uncertainty": lambda: FixedUncertaintyBudgetManager(classes=[0, 1], budget=0.1),
    "variable_uncertainty": lambda: VariableUncertaintyBudgetManager(budget=0.1),
    "random_variable_uncertainty": lambda: RandomVariableUncertaintyBudgetManager(budget=0.1, random_state=1),
    "split": lambda: SplitBudgetManager(budget=0.1, random_state=1),
}
SAMPLERS = {
    "random": lambda: StreamRandomSampling(budget=0.1, random_state=1, allow_exceeding_budget=False),
    "periodic": lambda: PeriodicSampling(budget=0.1),
}


class Told(SkactivemlClassifier):
    """A classifier that says what it was told."""

    def fit(self, X, y, sample_weight=None):
        return self

    def predict_proba(self, X):
        return self.told


def density():
    rule, clf = StreamDensityBasedAL(budget=0.1, random_state=1), Told(classes=[0, 1])
    places = [(at * 7919 % 1009) / 1009 for at in range(ROWS)]
    rows = [np.array([[place, (at * 31 % 97) / 97]]) for at, place in enumerate(places)]
    told = [np.array([[0.5 + 0.5 * place, 0.5 - 0.5 * place]]) for place in places]
    start = time.perf_counter()
    for row, clf.told in zip(rows, told):
        rule.update(row, rule.query(row, clf))
    return ROWS / (time.perf_counter() - start)


def theirs():
    rates = {}
    utilities = [np.array([0.5 - 0.5 * (at * 7919 % 1009) / 1009]) for at in range(ROWS)]
    row = np.array([[0.0]])
    for name, make in {**MANAGERS, **SAMPLERS}.items():
        rule = make()
        start = time.perf_counter()
        for utility in utilities:
            kept = rule.query_by_utility(utility) if name in MANAGERS else rule.query(row)
            rule.update(row, kept)
        rates[name] = ROWS / (time.perf_counter() - start)
    return {**rates, "density": density()}


def ours():
    out = subprocess.run(sys.argv[1:], check=True, capture_output=True, text=True).stdout
    return json.loads(out.strip().splitlines()[-1])


turns = [(ours(), theirs()) for _ in range(3)]
print(f"{'rule':30}{'querist':>14}{'scikit-activeml':>18}{'ratio':>10}")
for name in turns[0][1]:
    pairs = [(a[name], b[name]) for a, b in turns]
    ratio = statistics.median(a / b for a, b in pairs)
    a, b = (statistics.median(side) for side in zip(*pairs))
    print(f"{name:30}{a:14,.0f}{b:18,.0f}{ratio:10,.0f}")
