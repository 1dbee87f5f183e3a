"""Tables in memory, as files that the engine reads; they stay in memory."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._errors import QueristError


class Held:
    """Files in memory, each under a name of its own."""

    def __init__(self, folder: str, stack: contextlib.ExitStack) -> None:
        self._folder, self._stack = folder, stack

    def path(self, value: Any, name: str) -> str:
        """The path of what ``value`` holds: its own where it is a path, and otherwise that of a file in memory, ``NAME.npy``
        for an array and ``NAME.arrow`` for whatever exports Arrow data (``__arrow_c_stream__``: pandas, polars, pyarrow,
        DuckDB …)."""
        if isinstance(value, (str, os.PathLike)):
            return os.fspath(value)
        if hasattr(value, "__arrow_c_stream__"):
            import pyarrow

            table = pyarrow.table(value)
            # What pandas keeps of an index that is no column.
            kept = [column for column in table.column_names if not column.startswith("__index_level_")]
            table = table.select(kept)
            path, descriptor = self._file(f"{name}.arrow")
            with os.fdopen(descriptor, "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
            return path
        if isinstance(value, np.ndarray):
            path, descriptor = self._file(f"{name}.npy")
            with os.fdopen(descriptor, "wb") as file:
                np.save(file, value, allow_pickle=False)
            return path
        found = type(value).__name__
        raise QueristError(
            f"{name}: found a {found}, expected a path, a NumPy array, or a table of pandas, polars or Arrow", kind="Pool",
            place=name, found=found,
        )

    def _file(self, name: str) -> tuple[str, int]:
        """The path of a new file in memory, and a descriptor to write it by."""
        descriptor = os.memfd_create(name)
        self._stack.callback(os.close, descriptor)
        path = os.path.join(self._folder, name)
        os.symlink(f"/proc/self/fd/{descriptor}", path)
        return path, os.dup(descriptor)


@contextlib.contextmanager
def held() -> Iterator[Held]:
    """Files in memory that are gone with the block."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        yield Held(folder, stack)
