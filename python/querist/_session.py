"""Labelling in earnest: a pool without labels, and people who answer."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from . import _querist
from ._arrays import count
from ._errors import QueristError

Path = str | os.PathLike[str]


class Session:
    """A labelling in a folder: the pool, what was asked, and what was answered.

    >>> session = Session.create("animals", "animals.csv", classes=["cat", "dog"])  # doctest: +SKIP
    >>> asked = session.ask(5)  # doctest: +SKIP
    >>> session.tell({row["row"]: "cat" for row in asked["rows"]})  # doctest: +SKIP

    Every answer that was taken survives a crash; the same session with the same answers asks for the same rows; several
    processes may use one folder at once. The program's ``querist session`` works on the same folders.
    """

    def __init__(self, inner: _querist.Session) -> None:
        self._inner = inner

    @staticmethod
    def create(
        dir: Path,
        pool: Path,
        *,
        features: Sequence[Path] = (),
        label: str | None = None,
        id: str | None = None,
        classes: Sequence[str] = (),
        policy: str = "universal",
        strategy: str | None = None,
        start: str | None = None,
        initial: int | None = None,
        batch: int = 10,
        budget: int | None = None,
        lease: int | None = None,
        price: str | None = None,
        seed: int = 0,
    ) -> Session:
        """A new session in the folder ``dir`` on the table, array or folder of pictures ``pool``.

        ``features`` are ``.npy`` files ``[n, d]`` in place of the columns; ``label`` and ``id`` name columns, ``price`` one
        with what an answer costs. ``classes`` may be left out, and then appear with the answers. ``policy`` or ``strategy``
        choose, once there are labels; until then ``start`` does, ``initial`` rows by features alone. ``lease`` is the
        seconds after which rows that were not answered may be asked of somebody else.
        """
        return Session(
            _querist.Session.create(
                os.fspath(dir),
                os.fspath(pool),
                features=[os.fspath(one) for one in features],
                label=label,
                id=id,
                classes=list(classes),
                policy=policy,
                strategy=strategy,
                start=start,
                initial=None if initial is None else count("initial", initial),
                batch=count("batch", batch),
                budget=None if budget is None else count("budget", budget),
                lease=None if lease is None else count("lease", lease),
                price=price,
                seed=count("seed", seed),
            )
        )

    @staticmethod
    def open(dir: Path) -> Session:
        """The session in the folder ``dir``."""
        return Session(_querist.Session.open(os.fspath(dir)))

    def ask(self, batch: int | None = None, *, annotator: str | None = None) -> dict[str, Any]:
        """Rows to label, most wanted first, each with its id, the reason, and what is predicted.

        Rows that were asked for before and not answered come first: asking twice gives the same rows.
        """
        number = None if batch is None else count("batch", batch)
        asked: dict[str, Any] = json.loads(self._inner.ask(number, annotator))
        return asked

    def tell(self, answers: Mapping[int | str, str], *, annotator: str | None = None) -> dict[str, int]:
        """Takes answers: a class by row number or id, ``"-"`` for an abstention, ``"?"`` for what nobody can answer.

        All of them, or where one is refused, none.
        """
        said: list[tuple[int | None, str | None, str]] = []
        for row, text in answers.items():
            if not isinstance(text, str):
                raise QueristError(
                    f"answers: {text!r} to row {row}, expected the name of a class", kind="Answer", place="answers",
                    found=text,
                )
            said.append((None, row, text) if isinstance(row, str) else (count("answers", row), None, text))
        taken: dict[str, int] = json.loads(self._inner.tell(said, annotator))
        return taken

    def release(self, rows: Sequence[int] | None = None) -> int:
        """Gives rows that were asked for and not answered free again, or all of them. Returns how many."""
        return self._inner.release(None if rows is None else [count("rows", row) for row in rows])

    def status(self) -> dict[str, Any]:
        """How far the labelling has come, what further labels are worth, whether to stop."""
        status: dict[str, Any] = json.loads(self._inner.status()[0])
        return status

    def describe(self) -> str:
        """The same in words."""
        return self._inner.status()[1]

    def predict(self) -> Any:
        """Class and calibrated probabilities of every row, as a ``pyarrow.Table``."""
        return _table(self._inner.predict())

    def labels(self) -> Any:
        """What was answered, one class per row, as a ``pyarrow.Table``."""
        return _table(self._inner.labels())

    def content(self, row: int) -> dict[str, str]:
        """What people are shown of a row: its columns, by name."""
        return dict(json.loads(self._inner.content(count("row", row))))


def _table(parquet: bytes) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(io.BytesIO(parquet))
