"""Labelling in earnest: a pool without labels, and people who answer."""

from __future__ import annotations

import html
import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from . import _querist
from ._arrays import count
from ._errors import QueristError
from ._tables import held

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
        pool: Any,
        *,
        features: Sequence[Any] = (),
        label: str | None = None,
        id: str | None = None,
        columns: Sequence[str] = (),
        ignore: Sequence[str] = (),
        separator: str | None = None,
        header: bool | None = None,
        decimal: str | None = None,
        inputs: str | None = None,
        channels: str | None = None,
        base: int | None = None,
        hash: int | None = None,
        svd: int | None = None,
        classes: Sequence[str] = (),
        policy: str = "universal",
        strategy: str | None = None,
        start: str | None = None,
        initial: int | None = None,
        batch: int = 10,
        budget: int | None = None,
        lease: int | None = None,
        price: str | Mapping[str, float] | None = None,
        spend: float | None = None,
        think: int = 1,
        seed: int = 0,
        task: str = "classification",
        label_separator: str | None = None,
    ) -> Session:
        """A new session in the folder ``dir`` on ``pool``: the path of a table, an array or a folder of pictures; or a table in
        memory, of pandas, polars, pyarrow or whatever else exports Arrow data; or a NumPy array ``[n, d]``. The session keeps
        a copy of its own.

        ``features`` are arrays ``[n, d]`` in place of the columns, or the paths of ``.npy`` files; ``label`` and ``id`` name
        columns. How the pool is read is found out, unless said as the options of ``querist session new`` say it: ``columns``
        and ``ignore`` (names or patterns), ``separator``, ``header``, ``decimal``, ``inputs``, ``channels``, ``base``,
        ``hash``, ``svd``. ``classes`` may be left out, and then appear with the answers. ``policy`` or ``strategy`` choose,
        once there are labels; until then ``start`` does, ``initial`` rows by features alone. ``lease`` is the seconds after
        which rows that were not answered may be asked of somebody else. ``price`` is the column with what an answer costs,
        or a price for every class; ``spend`` what answers may cost in all. ``think`` times as much is looked at in a query,
        for people who are slower than the machine. ``task`` says what is collected: ``"classification"``, ``"regression"``
        (answers are numbers, as text), ``"multi_label"`` (labels with ``label_separator`` between, ``";"`` unless said
        otherwise) or ``"segmentation"``.
        """
        with held() as memory:
            return Session(
                _querist.Session.create(
                    os.fspath(dir),
                    memory.path(pool, "pool"),
                    features=[memory.path(one, f"features_{at}") for at, one in enumerate(features)],
                    label=label,
                    id=id,
                    columns=list(columns),
                    ignore=list(ignore),
                    separator=separator,
                    header=header,
                    decimal=decimal,
                    inputs=inputs,
                    channels=channels,
                    base=None if base is None else count("base", base),
                    hash=None if hash is None else count("hash", hash),
                    svd=None if svd is None else count("svd", svd),
                    classes=list(classes),
                    policy=policy,
                    strategy=strategy,
                    start=start,
                    initial=None if initial is None else count("initial", initial),
                    batch=count("batch", batch),
                    budget=None if budget is None else count("budget", budget),
                    lease=None if lease is None else count("lease", lease),
                    price=price if isinstance(price, str) else None,
                    prices=None if price is None or isinstance(price, str) else dict(price),
                    spend=spend,
                    think=count("think", think, 1),
                    seed=count("seed", seed),
                    task=task,
                    label_separator=label_separator,
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
        """Takes answers: a class, or what else is collected, as text by row number or id, ``"-"`` for an abstention, ``"?"``
        for what nobody can answer.

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

    def _repr_html_(self) -> str:
        """How far it is, the learning curve, and the pool as a map, on which what has a label is filled."""
        status = self.status()
        names = [name for name, _ in status["counts"]["classes"]]
        pictures = _curve(status["curve"]) + _map(json.loads(self._inner.map(_MAP_ROWS)), names)
        return f"<pre>{html.escape(self.describe())}</pre>{pictures}"

    def predict(self) -> Any:
        """Class and calibrated probabilities of every row, or what else is collected, as a ``pyarrow.Table``."""
        return _table(self._inner.predict())

    def labels(self) -> Any:
        """What was answered, one label per row, as a ``pyarrow.Table``."""
        return _table(self._inner.labels())

    def content(self, row: int) -> dict[str, str]:
        """What people are shown of a row: its columns, by name."""
        return dict(json.loads(self._inner.content(count("row", row))))


#: Rows that the map draws without a label, at most.
_MAP_ROWS = 1500
_SIZE = 260
_COLOURS = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"]


def _svg(title: str, shapes: list[str]) -> str:
    head = f'<svg width="{_SIZE}" height="{_SIZE}" viewBox="-10 -10 {_SIZE + 20} {_SIZE + 20}" role="img"'
    return f'{head} style="margin:4px"><title>{html.escape(title)}</title>{"".join(shapes)}</svg>'


def _curve(points: list[dict[str, float]]) -> str:
    """Accuracy by labels."""
    if len(points) < 2:
        return ""
    last = points[-1]["labels"]
    places = " ".join(f"{_SIZE * p['labels'] / last:.1f},{_SIZE * (1 - p['accuracy']):.1f}" for p in points)
    frame = f'<rect width="{_SIZE}" height="{_SIZE}" fill="none" stroke="currentColor" stroke-opacity=".3"/>'
    line = f'<polyline points="{places}" fill="none" stroke="{_COLOURS[0]}" stroke-width="2"/>'
    said = f"accuracy out of fold from 0 to 100 %, to {last:.0f} labels"
    text = f'<text x="6" y="{_SIZE - 6}" font-size="11" fill="currentColor">{said}</text>'
    return _svg(f"{said}: {100 * points[-1]['accuracy']:.0f} % at the end", [frame, line, text])


def _map(found: dict[str, Any], names: list[str]) -> str:
    """The pool as points; what has a label is filled in the colour of its class."""

    def dot(place: list[float], style: str) -> str:
        return f'<circle cx="{_SIZE * place[0]:.1f}" cy="{_SIZE * (1 - place[1]):.1f}" {style}>'

    shapes = [dot(place, 'r="1.5" fill="currentColor" fill-opacity=".25"') + "</circle>" for _, place in found["rows"]]
    for row, place, label in found["labelled"]:
        colour = _COLOURS[label % len(_COLOURS)]
        # Numbers have no names.
        said = f"{row}: {names[label]}" if names else f"{row}"
        shapes.append(dot(place, f'r="3.5" fill="{colour}"') + f"<title>{html.escape(said)}</title></circle>")
    return _svg(f"the pool, {len(found['labelled'])} rows with a label", shapes)


def _table(parquet: bytes) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(io.BytesIO(parquet))
