"""A whole simulated labelling with a classifier of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import Integers, count, floats, shaped
from ._errors import QueristError
from ._policy import Policy
from ._select import Selector


@dataclass
class Episode:
    """What :func:`play` came to."""

    #: Labels in hand at each fit, the initial ones included.
    labels: list[int] = field(default_factory=list)
    #: Score on the test rows at each fit.
    scores: list[float] = field(default_factory=list)
    #: Rows of ``X`` that were asked for at each query; one list less than there are fits.
    picks: list[list[int]] = field(default_factory=list)

    @property
    def mean_score(self) -> float:
        """The mean score over all fits: the area under the learning curve."""
        return float(np.mean(self.scores))


def play(
    learner: Any,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    who: str | Policy,
    *,
    X_test: npt.ArrayLike,
    y_test: npt.ArrayLike,
    initial: npt.ArrayLike | None = None,
    batch: int = 1,
    rounds: int = 30,
    seed: int = 0,
    score: Callable[[Any, Any, Any], float] | None = None,
) -> Episode:
    """Plays one episode: fit, predict, choose, look the labels up in ``y``, and again.

    Parameters
    ----------
    learner
        A classifier as scikit-learn has them: ``fit(X, y)``, ``predict_proba(X)``, ``classes_``. It is fitted anew at every
        round, to the labelled rows alone.
    X, y
        The pool, shape ``[n, d]``, and its classes ``[n]``, numbers or words; only what was asked for is looked at.
    who
        A strategy or a policy. A policy is told how many labels are still to come.
    X_test, y_test
        What each fit is scored on.
    initial
        The rows that are labelled first; by default, one of each class, drawn by ``seed``.
    batch, rounds
        ``rounds`` queries of ``batch`` rows each.
    seed
        What is drawn at random. The learner has a ``random_state`` of its own.
    score
        A function of learner, ``X_test`` and ``y_test``; ``learner.score`` by default.
    """
    pool, names = floats("X", X, 2), shaped("y", np.asarray(y), 1)
    if len(pool) != len(names):
        raise QueristError(
            f"y: {len(names)} classes for {len(pool)} rows", kind="Rows", place="y", found=len(names),
            expected=len(pool),
        )
    batch, rounds = count("batch", batch, 1), count("rounds", rounds, 1)
    classes, numbers = np.unique(names, return_inverse=True)
    labelled = _initial(numbers, len(classes), seed) if initial is None else [int(row) for row in np.asarray(initial)]
    budget = rounds * batch
    if len(labelled) + budget > len(pool):
        raise QueristError(
            f"rounds: {budget} labels to be asked for, but only {len(pool) - len(labelled)} rows are unlabelled",
            kind="Budget", place="rounds", found=budget, expected=len(pool) - len(labelled),
        )
    selector, episode = Selector(who), Episode()
    for query in range(rounds + 1):
        learner.fit(np.asarray(X)[labelled], names[labelled])
        episode.labels.append(len(labelled))
        episode.scores.append(float(score(learner, X_test, y_test) if score else learner.score(X_test, y_test)))
        if query == rounds:
            return episode
        selection = selector.select(
            pool,
            labelled=labelled,
            labels=numbers[labelled],
            probabilities=probabilities(learner, X, classes),
            budget=budget - query * batch if isinstance(who, Policy) else None,
            batch=batch,
            seed=(seed << 20) + query,
            normalise=True,
        )
        picks = [int(row) for row in selection.picks]
        episode.picks.append(picks)
        labelled = [*labelled, *picks]
    raise AssertionError("a round is the last")


def probabilities(learner: Any, X: Any, classes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """What ``learner.predict_proba(X)`` says of all ``classes``, shape ``[n, classes]``: zero for those it was not taught.

    ``classes`` are those that there are, in their order; classes of :func:`select` are their places.
    """
    found = np.asarray(learner.predict_proba(X), dtype=np.float64)
    classes = np.asarray(list(classes) if isinstance(classes, range) else classes)
    order = np.argsort(classes)
    at = np.minimum(np.searchsorted(classes, learner.classes_, sorter=order), len(classes) - 1)
    places = order[at]
    strange = np.flatnonzero(classes[places] != learner.classes_)
    if len(strange):
        unknown = learner.classes_[strange[0]]
        raise QueristError(
            f"classes: the learner knows {unknown!r}, which is none of them", kind="Classes", place="classes"
        )
    whole = np.zeros((len(found), len(classes)))
    whole[:, places] = found
    return whole


def _initial(numbers: Integers, classes: int, seed: int) -> list[int]:
    draw = np.random.default_rng(seed)
    return [int(draw.choice(np.flatnonzero(numbers == one))) for one in range(classes)]
