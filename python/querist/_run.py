"""Experiments."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import _querist
from ._arrays import count
from ._errors import QueristWarning
from ._query import Query
from ._rows import Rows, framed


class Run(Rows):
    """A run that came to its end."""

    _inner: _querist.Run

    def __init__(self, inner: _querist.Run) -> None:
        self._inner = inner

    @property
    def dir(self) -> Path:
        """Its folder."""
        return Path(self._inner.dir)

    @property
    def report(self) -> Path:
        """Its report, ``report.html``. In a notebook, the run itself shows it."""
        return Path(self._inner.report)

    @property
    def policy(self) -> Path | None:
        """The folder of the policy that was trained, if one was; ``Policy.load`` reads it."""
        found = self._inner.policy
        return None if found is None else Path(found)

    @property
    def rows_digest(self) -> str:
        """A digest of the results, without timings."""
        return self._inner.rows_digest

    @property
    def failures(self) -> list[tuple[str, str]]:
        """Cells that have no rows, and why: what failed does not end a run."""
        return self._inner.failures

    def table(self, subject: str | None = None) -> str:
        """The verdict for people: on the policy, or on the strategy ``subject``."""
        return self._inner.table(subject)

    def verdict(self) -> list[dict[str, Any]]:
        """What the rows say of each strategy on each task."""
        verdict: list[dict[str, Any]] = json.loads(self._inner.verdict_json())
        return verdict

    def _repr_html_(self) -> str:
        return framed(self.report.read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        return f"<querist.Run in {str(self.dir)!r}>"


def run(
    plan: Mapping[str, Any] | str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    set: Sequence[str] = (),
    seed: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    fresh: bool = False,
    progress: bool | Callable[[str, int, int], Any] = False,
    strategies: Mapping[str, Callable[[Query], Any]] | None = None,
) -> Run:
    """Runs an experiment: trains, searches and transfers what its plan says, and makes its report.

    Parameters
    ----------
    plan
        The path of an experiment file, or a dictionary that says what one would (``querist schema`` prints what it may say).
    out
        The run's folder, ``runs/NAME`` by default. A run that is there is continued.
    set
        Changes of single keys: ``["episode.rounds=20"]``.
    seed
        Another seed than the plan's.
    data_dir
        A folder in which data sets are found by name.
    jobs
        Threads; all cores by default. Results do not depend on it.
    fresh
        Remove the files of a run that is there, instead of continuing it.
    progress
        Called with what is being done, how much of it is done and how much there is; or ``True`` for a line on stderr.
    strategies
        Functions of a :class:`Query`, by the names under which the plan lists them. A run's folder does not know what is in
        them: after a change, give ``fresh=True``.

    Returns
    -------
    The run. Ctrl-C ends it with ``KeyboardInterrupt`` after the cells in flight, and the same call then continues it.

    Raises
    ------
    QueristError
        For a plan that is refused, with the key; nothing was written then.
    """
    text = file = None
    if isinstance(plan, Mapping):
        text = json.dumps(plan, default=_plain)
    else:
        file = os.fspath(plan)
    # Not `progress is True`, which would take NumPy's for a function.
    listener = progress if callable(progress) else _Line() if progress else None
    try:
        inner = _querist.run(
            text,
            file,
            text is not None,
            sets=list(set),
            seed=None if seed is None else count("seed", seed),
            data_dir=None if data_dir is None else os.fspath(data_dir),
            out=None if out is None else os.fspath(out),
            jobs=None if jobs is None else count("jobs", jobs, 1),
            fresh=bool(fresh),
            progress=listener,
            strategies=None if strategies is None else dict(strategies),
        )
    finally:
        if isinstance(listener, _Line):
            listener.end()
    for warning in inner.warnings:
        warnings.warn(warning, QueristWarning, stacklevel=2)
    if inner.failures:
        cell, reason = inner.failures[0]
        message = f"{len(inner.failures)} cells have no rows; the first, {cell}: {reason}"
        warnings.warn(message, QueristWarning, stacklevel=2)
    return Run(inner)


def _plain(value: Any) -> Any:
    """What JSON does not know: numbers and arrays of NumPy, paths."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"plan: {value!r} of type {type(value).__name__} has no place in an experiment file")


class _Line:
    """A line on stderr."""

    def __call__(self, what: str, done: int, total: int) -> None:
        sys.stderr.write(f"\r\x1b[K{what}: {done} of {total}")
        sys.stderr.flush()

    def end(self) -> None:
        sys.stderr.write("\r\x1b[K")
