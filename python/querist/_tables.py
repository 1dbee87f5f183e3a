"""Tables in memory, as files that the engine reads."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ._errors import QueristError


def written(value: Any, folder: str, name: str) -> str:
    """The path of a file that holds ``value``: its own where it is a path, and otherwise one in ``folder``, ``NAME.npy`` for an
    array and ``NAME.arrow`` for whatever exports Arrow data (``__arrow_c_stream__``: pandas, polars, pyarrow, DuckDB …)."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if hasattr(value, "__arrow_c_stream__"):
        import pyarrow

        table = pyarrow.table(value)
        # What pandas keeps of an index that is no column.
        table = table.drop_columns([column for column in table.column_names if column.startswith("__index_level_")])
        path = os.path.join(folder, f"{name}.arrow")
        with pyarrow.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
        return path
    if isinstance(value, np.ndarray):
        path = os.path.join(folder, f"{name}.npy")
        np.save(path, value, allow_pickle=False)
        return path
    found = type(value).__name__
    raise QueristError(
        f"{name}: found a {found}, expected a path, a NumPy array, or a table of pandas, polars or Arrow", kind="Pool",
        place=name, found=found,
    )
