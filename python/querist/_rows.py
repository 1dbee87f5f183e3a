"""Rows of results, as tables of other packages."""

from __future__ import annotations

import html
import io
from typing import Any, Protocol


class Parquet(Protocol):
    """What holds rows."""

    def parquet(self) -> bytes:
        """The rows as a Parquet file."""


class Rows:
    """What came to rows: one per task, strategy, repetition and round."""

    _inner: Parquet

    def to_arrow(self) -> Any:
        """The rows as a ``pyarrow.Table``: one per task, strategy, repetition and round."""
        import pyarrow.parquet

        return pyarrow.parquet.read_table(io.BytesIO(self._inner.parquet()))

    def to_pandas(self) -> Any:
        """The rows as a ``pandas.DataFrame``."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """The rows as a ``polars.DataFrame``."""
        import polars

        return polars.read_parquet(io.BytesIO(self._inner.parquet()))


def framed(page: str) -> str:
    """A report's page inside a notebook's cell."""
    return f'<iframe srcdoc="{html.escape(page)}" style="width:100%;height:80vh;border:0" sandbox="allow-scripts"></iframe>'
