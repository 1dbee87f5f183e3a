"""Strategies beside each other, with a classifier of one's own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _querist
from ._arrays import count, floats, shaped
from ._errors import QueristError
from ._play import play
from ._policy import Policy
from ._rows import Rows, framed

#: Shares of a set that are tested on, and that stand in the column ``reward_accuracy``.
_TEST, _REWARD = 0.3, 0.1
#: Rows of a class without which it is left out: every part needs some.
_LEAST = 8


class Bench(Rows):
    """What :func:`bench` came to."""

    _inner: _querist.Judged

    def __init__(self, inner: _querist.Judged, title: str) -> None:
        self._inner, self._title = inner, title

    def table(self) -> str:
        """The verdict for people."""
        return self._inner.table()

    def verdict(self) -> list[dict[str, Any]]:
        """What the rows say of each strategy on each task."""
        verdict: list[dict[str, Any]] = json.loads(self._inner.verdict_json())
        return verdict

    def report(self, path: str | Path) -> Path:
        """Writes the report, a page without any other file; refuses to write over one that is there."""
        with open(path, "x", encoding="utf-8") as file:
            file.write(self._inner.html(self._title))
        return Path(path)

    def _repr_html_(self) -> str:
        return framed(self._inner.html(self._title))

    def __str__(self) -> str:
        return self.table()


def bench(
    learner: Any,
    data: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    strategies: Sequence[str | Policy],
    *,
    repetitions: int = 10,
    batch: int = 5,
    rounds: int = 20,
    max_pool: int = 2_000,
    max_test: int = 1_000,
    seed: int = 0,
    progress: Callable[[int, int], Any] | None = None,
) -> Bench:
    """Plays every strategy on every set with a classifier of one's own, in pairs, and judges them as ``querist bench`` does.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> iris = load_iris(return_X_y=True)
    >>> print(bench(LogisticRegression(), {"iris": iris}, ["random", "margin", Policy.load("universal")]))  # doctest: +SKIP

    Parameters
    ----------
    learner
        A classifier as scikit-learn has them (``fit``, ``predict``, ``predict_proba``, ``classes_``), of which every episode
        gets a copy; its ``random_state``, where it has one that is ``None``, is the number of the repetition.
    data
        Features ``[n, d]`` and classes ``[n]`` by the set's name. Each column is scaled to mean 0 and deviation 1 on the pool.
        Classes with fewer than eight rows are left out.
    strategies
        Names of strategies, and policies; the first policy is the one that the verdict's sentences are about.
    repetitions
        Each draws anew which rows are the pool (60 % of a set), which are tested on (30 %), and one label of each class to
        start with; all strategies get the same.
    batch, rounds
        ``rounds`` queries of ``batch`` rows each.
    max_pool, max_test
        Rows of the pool, and of the test, at most.
    seed
        What is drawn at random.
    progress
        Called with the number of episodes played and that of all.
    """
    batch, rounds = count("batch", batch, 1), count("rounds", rounds, 1)
    repetitions, seed = count("repetitions", repetitions, 1), count("seed", seed)
    named = _names(strategies)
    subject = next((name for name, who in named.items() if isinstance(who, Policy)), next(iter(named)))
    shape, lines = type(learner).__name__, []
    sets = {name: _set(name, X, y) for name, (X, y) in data.items()}
    episodes, played = len(sets) * repetitions * len(named), 0
    for name, (X, y) in sets.items():
        for repetition in range(repetitions):
            draw = np.random.default_rng([seed, repetition])
            pool, reward, test = _parts(X, y, draw, max_pool, max_test)
            start = int(draw.integers(1 << 31))
            for strategy, who in named.items():
                figures: list[dict[str, float]] = []

                def score(fitted: Any, X_test: Any, y_test: Any) -> float:
                    accuracy = float(np.mean(fitted.predict(reward[0]) == reward[1]))
                    figures.append(_figures(fitted.predict(X_test), y_test) | {"reward_accuracy": accuracy})
                    return figures[-1]["accuracy"]

                episode = play(
                    _copy(learner, repetition), pool[0], pool[1], who, X_test=test[0], y_test=test[1], batch=batch,
                    rounds=rounds, seed=start, score=score,
                )
                for at, (labels, figure) in enumerate(zip(episode.labels, figures, strict=True)):
                    picks = episode.picks[at] if at < len(episode.picks) else []
                    row = {
                        "task": name, "strategy": strategy, "architecture": shape, "repetition": repetition,
                        "round": at, "labels": labels, "steps": 0, "picks": [int(pool[2][one]) for one in picks],
                    }
                    lines.append(json.dumps(row | figure))
                played += 1
                if progress is not None:
                    progress(played, episodes)
    return Bench(_querist.judge("\n".join(lines), subject, seed), f"{shape}: {', '.join(sets)}")


def _names(strategies: Sequence[str | Policy]) -> dict[str, str | Policy]:
    """Strategies by the names of their rows."""
    named: dict[str, str | Policy] = {}
    policies = [one for one in strategies if isinstance(one, Policy)]
    for one in strategies:
        name = one
        if isinstance(one, Policy):
            name = "policy" if len(policies) == 1 else f"policy {policies.index(one) + 1}"
        if name in named:
            raise QueristError(
                f"strategies: {name!r} stands twice", kind="Strategies", place="strategies", found=str(name)
            )
        named[str(name)] = one
    if not named:
        raise QueristError("strategies: none, expected at least one", kind="Strategies", place="strategies", found=0)
    return named


def _set(name: str, X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Any, Any]:
    """The set's rows of the classes that have enough of them."""
    features, classes = floats(name, X, 2), shaped(name, np.asarray(y), 1)
    if len(features) != len(classes):
        raise QueristError(
            f"{name}: {len(classes)} classes for {len(features)} rows", kind="Rows", place=name, found=len(classes),
            expected=len(features),
        )
    known, sizes = np.unique(classes, return_counts=True)
    if (sizes >= _LEAST).sum() < 2:
        raise QueristError(
            f"{name}: {(sizes >= _LEAST).sum()} classes have {_LEAST} rows or more, expected at least 2", kind="Classes",
            place=name, found=int((sizes >= _LEAST).sum()), expected=2,
        )
    return features, classes


def _parts(X: Any, y: Any, draw: np.random.Generator, max_pool: int, max_test: int) -> Any:
    """Pool, reward and test rows, scaled by the pool; of the pool also the numbers of its rows."""
    known, sizes = np.unique(y, return_counts=True)
    kept = np.flatnonzero(np.isin(y, known[sizes >= _LEAST]))
    order = draw.permutation(kept)
    # One row of each class is in the pool whatever is drawn: a class without any can be neither asked for nor predicted.
    ahead = np.unique(y[order], return_index=True)[1]
    others = np.delete(order, ahead)
    held = int(_TEST * len(order)), int(_REWARD * len(order))
    test, reward, pool = np.split(others, np.cumsum(held))
    pool = np.concatenate([order[ahead], pool])
    pool, test, reward = pool[: max(max_pool, len(ahead))], test[:max_test], reward[:max_test]
    mean, deviation = X[pool].mean(axis=0), X[pool].std(axis=0)
    scaled = [(X[rows] - mean) / np.where(deviation > 0, deviation, 1) for rows in (pool, reward, test)]
    return (scaled[0], y[pool], pool), (scaled[1], y[reward]), (scaled[2], y[test])


def _figures(predicted: Any, truth: Any) -> dict[str, float]:
    """Accuracy, mean recall of the classes that have rows, and mean F1 of those that have rows or are predicted."""
    right = predicted == truth
    of_each = [(truth == one, predicted == one) for one in np.union1d(truth, predicted)]
    recalls = [float(right[own].mean()) for own, _ in of_each if own.any()]
    f1 = [2 * float((own & said).sum()) / float(own.sum() + said.sum()) for own, said in of_each]
    return {"accuracy": float(right.mean()), "balanced_accuracy": float(np.mean(recalls)), "macro_f1": float(np.mean(f1))}


def _copy(learner: Any, repetition: int) -> Any:
    """A copy of the learner that nothing has been taught."""
    own = copy.deepcopy(learner)
    if hasattr(own, "get_params") and own.get_params().get("random_state", 0) is None:
        own.set_params(random_state=repetition)
    return own
