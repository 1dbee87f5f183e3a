"""What a function of one's own sees of a pool, where it is a strategy (``run(..., strategies={"mine": function})``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import Floats, Integers


@dataclass(frozen=True)
class Query:
    """One query.

    A strategy is a function of it that returns ``batch`` distinct ids of ``candidates``, most wanted first; or a pair of them
    and of what each is worth, higher = asked first. It should draw its random numbers from ``seed``: the same plan then
    gives the same rows.
    """

    #: Rows to choose.
    batch: int
    #: What random numbers are drawn from.
    seed: int
    #: The number of classes.
    classes: int
    #: Ids of the rows that may be asked for, shape ``[m]``, ascending.
    candidates: Integers
    #: Their features, shape ``[m, d]``.
    features: Floats
    #: Their class probabilities, shape ``[m, classes]``.
    probabilities: Floats
    #: Ids of the labelled rows, shape ``[l]``, in the order in which they were asked for.
    labelled: Integers
    #: Their classes, shape ``[l]``.
    labels: Integers
    #: Their features, shape ``[l, d]``.
    labelled_features: Floats


def answer(answered: Any) -> tuple[list[int], list[float] | None]:
    """What a function returned, as ids and what each is worth."""
    if isinstance(answered, tuple) and len(answered) == 2 and np.ndim(answered[0]) == 1:
        picks, utilities = answered
        return integers(picks), [float(value) for value in np.asarray(utilities, dtype=np.float64).ravel()]
    return integers(answered), None


def integers(picks: Any) -> list[int]:
    array = np.asarray(picks)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError(f"picks of type {array.dtype} and shape {array.shape}, expected whole numbers in one dimension")
    return [int(pick) for pick in array]
