"""Arrays as the extension takes them: C-contiguous, ``float32`` or ``int64``; copied only where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import QueristError

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def floats(place: str, values: Any, dimensions: int) -> Floats:
    """``values`` with this number of dimensions."""
    if hasattr(values, "toarray"):
        hint = f"give {place}.toarray(), if it fits into memory"
        raise QueristError(f"{place}: a sparse matrix, expected an array", kind="Array", place=place, hint=hint)
    try:
        # Beyond the range of float32 lies infinity, which is refused with its place.
        with np.errstate(over="ignore"):
            array = np.asarray(values)
            if array.dtype.kind == "c":
                raise TypeError("complex numbers")
            if array.dtype.kind not in "fiub":
                array = array.astype(np.float64)
            array = np.ascontiguousarray(array, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise QueristError(f"{place}: no array of numbers ({error})", kind="Array", place=place) from error
    found: Floats = shaped(place, array, dimensions)
    return found


def integers(place: str, values: Any) -> Integers:
    """One-dimensional whole numbers."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise QueristError(f"{place}: no list of numbers ({error})", kind="Array", place=place) from error
    if array.size == 0:
        array = array.astype(np.int64)
    whole = array.dtype.kind in "iu"
    if array.dtype.kind == "f" and np.isfinite(array).all():
        whole = bool((array == np.floor(array)).all())
    if not whole:
        raise QueristError(
            f"{place}: numbers of type {array.dtype}, expected whole numbers", kind="Array", place=place
        )
    if array.dtype.kind == "u" and (array > np.iinfo(np.int64).max).any():
        raise QueristError(f"{place}: a number beyond 64 bits with a sign", kind="Array", place=place)
    found: Integers = shaped(place, np.ascontiguousarray(array, dtype=np.int64), 1)
    return found


def labelled_rows(values: Any, rows: int) -> Integers:
    """Row numbers; of a mask ``[n]`` of booleans, the rows where it is true."""
    array = np.asarray(values)
    if array.dtype.kind != "b":
        return integers("labelled", values)
    shaped("labelled", array, 1)
    if len(array) != rows:
        raise QueristError(
            f"labelled: a mask of {len(array)} rows, but X has {rows}",
            kind="Rows",
            place="labelled",
            found=len(array),
            expected=rows,
        )
    return np.flatnonzero(array).astype(np.int64)


def shaped(place: str, array: Any, dimensions: int) -> Any:
    if array.ndim != dimensions:
        raise QueristError(
            f"{place}: {array.ndim} dimensions, expected {dimensions}",
            kind="Dimensions",
            place=place,
            found=array.ndim,
            expected=dimensions,
        )
    return array


def count(place: str, value: Any, least: int = 0) -> int:
    """A whole number that is at least ``least``."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        raise QueristError(
            f"{place} is {value!r}, expected a whole number of at least {least}",
            kind="Count",
            place=place,
            found=value,
            expected=least,
        )
    if int(value) >= 1 << 64:
        raise QueristError(f"{place} is {value!r}, expected less than 2**64", kind="Count", place=place)
    return int(value)
