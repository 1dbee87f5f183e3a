"""One query on arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from . import _querist
from ._arrays import Integers, count, floats, integers, labelled_rows, shaped
from ._errors import QueristError, QueristWarning
from ._policy import Policy
from ._query import Query


@dataclass(frozen=True)
class Selection:
    """What was chosen."""

    #: Rows of ``X``, shape ``[min(batch, candidates)]``, most wanted first.
    picks: Integers
    #: What each pick is worth, higher = asked first; ``None`` where a batch is chosen as a whole.
    utilities: npt.NDArray[np.float64] | None
    #: What there is to be told: what was left out of account, who asked in a policy's place.
    note: str | None
    #: Rows that could be chosen.
    candidates: int
    #: The number of classes; 1 where nothing tells it.
    classes: int
    #: Seconds that choosing took, without the checks.
    seconds: float


class Selector:
    """Who chooses: a strategy by its specification, or a :class:`Policy`.

    A strategy that learns from query to query (a bandit) keeps what it learned as long as the selector lives; otherwise
    :func:`select` does the same. ``own`` names functions of a :class:`Query` that the specification may use:
    ``Selector("power(mine)", own={"mine": function})``.
    """

    def __init__(
        self,
        who: str | Policy,
        *,
        own: Mapping[str, Callable[[Query], Any]] | None = None,
    ) -> None:
        if isinstance(who, Policy):
            self.name = who.name
            self._inner = _querist.Selector.of_policy(who._inner)
        elif isinstance(who, str):
            self.name = who
            self._inner = _querist.Selector.of_strategy(who, None if own is None else dict(own))
        else:
            raise QueristError(
                f"a strategy of type {type(who).__name__}, expected a specification or a Policy",
                kind="Strategy",
                hint='name a strategy, as in "margin", or load a policy: Policy.load("universal")',
            )

    def needs(self) -> list[list[str]]:
        """The arguments that cannot be left out: of each list, one has to be given. An empty list is what no argument gives."""
        return self._inner.needs()

    def is_score(self) -> bool:
        """Whether it rates each candidate by itself: a larger batch then begins with the smaller one."""
        return self._inner.is_score()

    def select(
        self,
        X: npt.ArrayLike,
        *,
        labelled: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
        probabilities: npt.ArrayLike | None = None,
        passes: Sequence[npt.ArrayLike] | npt.ArrayLike | None = None,
        committee: Sequence[npt.ArrayLike] | npt.ArrayLike | None = None,
        embeddings: npt.ArrayLike | None = None,
        head: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        temperature: float | None = None,
        classes: int | None = None,
        budget: int | None = None,
        batch: int = 1,
        seed: int = 0,
        normalise: bool = False,
    ) -> Selection:
        """Chooses ``min(batch, candidates)`` rows of ``X``; see :func:`select` for the arguments."""
        pool = floats("X", X, 2)
        rows = labelled_rows([] if labelled is None else labelled, len(pool))
        last = None
        if head is not None:
            if len(head) != 2:
                raise QueristError(
                    f"head: {len(head)} arrays, expected 2 (weights, biases)", kind="Head", place="head"
                )
            last = (floats("head", head[0], 2), floats("head", head[1], 1))
        picks, utilities, note, candidates, found, seconds = self._inner.select(
            pool,
            labelled=rows,
            labels=None if labels is None else integers("labels", labels),
            probabilities=None if probabilities is None else floats("probabilities", probabilities, 2),
            passes=_members("passes", passes),
            committee=_members("committee", committee),
            embeddings=None if embeddings is None else floats("embeddings", embeddings, 2),
            head=last,
            temperature=None if temperature is None else _number("temperature", temperature),
            classes=None if classes is None else count("classes", classes),
            budget=None if budget is None else count("budget", budget),
            batch=count("batch", batch),
            seed=count("seed", seed),
            normalise=bool(normalise),
        )
        return Selection(picks, utilities, note, candidates, found, seconds)


def _number(place: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise QueristError(f"{place} is {value!r}, expected a number", kind="Number", place=place) from error


def _members(place: str, members: Any) -> list[Any]:
    if members is None:
        return []
    if hasattr(members, "shape"):
        members = shaped(place, np.asarray(members), 3)
    return [floats(place, member, 2) for member in members]


@overload
def select(
    who: str | Policy,
    X: npt.ArrayLike,
    *,
    labelled: npt.ArrayLike | None = ...,
    labels: npt.ArrayLike | None = ...,
    probabilities: npt.ArrayLike | None = ...,
    passes: Sequence[npt.ArrayLike] | npt.ArrayLike | None = ...,
    committee: Sequence[npt.ArrayLike] | npt.ArrayLike | None = ...,
    embeddings: npt.ArrayLike | None = ...,
    head: tuple[npt.ArrayLike, npt.ArrayLike] | None = ...,
    temperature: float | None = ...,
    classes: int | None = ...,
    budget: int | None = ...,
    batch: int = ...,
    seed: int = ...,
    normalise: bool = ...,
    return_utilities: Literal[False] = ...,
) -> Integers: ...


@overload
def select(
    who: str | Policy,
    X: npt.ArrayLike,
    *,
    labelled: npt.ArrayLike | None = ...,
    labels: npt.ArrayLike | None = ...,
    probabilities: npt.ArrayLike | None = ...,
    passes: Sequence[npt.ArrayLike] | npt.ArrayLike | None = ...,
    committee: Sequence[npt.ArrayLike] | npt.ArrayLike | None = ...,
    embeddings: npt.ArrayLike | None = ...,
    head: tuple[npt.ArrayLike, npt.ArrayLike] | None = ...,
    temperature: float | None = ...,
    classes: int | None = ...,
    budget: int | None = ...,
    batch: int = ...,
    seed: int = ...,
    normalise: bool = ...,
    return_utilities: Literal[True],
) -> tuple[Integers, npt.NDArray[np.float64] | None]: ...


def select(
    who: str | Policy,
    X: npt.ArrayLike,
    *,
    labelled: npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    probabilities: npt.ArrayLike | None = None,
    passes: Sequence[npt.ArrayLike] | npt.ArrayLike | None = None,
    committee: Sequence[npt.ArrayLike] | npt.ArrayLike | None = None,
    embeddings: npt.ArrayLike | None = None,
    head: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    temperature: float | None = None,
    classes: int | None = None,
    budget: int | None = None,
    batch: int = 1,
    seed: int = 0,
    normalise: bool = False,
    return_utilities: bool = False,
) -> Any:
    """Chooses which rows of a pool to label next.

    Arrays of ``float32`` that are C-contiguous are read where they lie; others are converted first. The interpreter's lock is
    released meanwhile. What the strategy does not need may be left out, and is not looked at.

    Parameters
    ----------
    who
        A strategy (``"margin"``, ``"power(margin, beta=2)"``; :func:`strategies` lists them), or a :class:`Policy`.
    X
        Features of all rows of the pool, shape ``[n, d]``.
    labelled
        Numbers of the rows that are labelled, shape ``[l]``, in the order in which they were asked for; or a mask ``[n]``
        of booleans. All others are candidates.
    labels
        Their classes, shape ``[l]``, counted from zero. Of a mask, in the order of the rows.
    probabilities
        Class probabilities of all rows, shape ``[n, classes]``, each row summing to 1.
    passes, committee
        Class probabilities under several stochastic passes, or by several models: shape ``[k, n, classes]``.
    embeddings
        Vectors that stand for the rows, shape ``[n, e]``; ``X`` where none are given.
    head
        Weights ``[classes, e]`` and biases ``[classes]`` of the classifier's last layer.
    temperature
        What calibrates the probabilities, a positive number.
    classes
        The number of classes, where no probabilities tell it.
    budget
        New labels that are still to be asked for, this query's included. For policies.
    batch
        Rows to choose; where fewer are left, these are all chosen.
    seed
        Decides among equals, and what is drawn at random: the same seed, the same rows.
    normalise
        Divide each row of probabilities by its sum, where that is off by rounding.
    return_utilities
        Also return what each pick is worth.

    Returns
    -------
    Rows of ``X``, shape ``[min(batch, candidates)]``, most wanted first. With ``return_utilities``, a pair of them and of what
    each is worth, higher = asked first, or ``None`` where a batch is chosen as a whole.

    Raises
    ------
    QueristError
        Where something that is needed is missing, or arrays do not fit together: with its place and both numbers.

    Warns
    -----
    QueristWarning
        What there is to be told: fewer rows than were asked for, candidates that were left out of account.
    """
    selection = Selector(who).select(
        X,
        labelled=labelled,
        labels=labels,
        probabilities=probabilities,
        passes=passes,
        committee=committee,
        embeddings=embeddings,
        head=head,
        temperature=temperature,
        classes=classes,
        budget=budget,
        batch=batch,
        seed=seed,
        normalise=normalise,
    )
    if selection.note:
        warnings.warn(selection.note, QueristWarning, stacklevel=2)
    return (selection.picks, selection.utilities) if return_utilities else selection.picks
