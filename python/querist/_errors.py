"""What is raised."""

from __future__ import annotations

from typing import Any


class QueristError(ValueError):
    """Something that was handed in does not fit, or the work itself failed.

    ``kind`` is the rule that was broken (``"NotFinite"``, ``"Rows"``, ``"Needs"``, ...), ``place`` the argument that
    broke it; ``row``, ``column`` and ``at`` (an entry of a list) count from zero; ``found`` and ``expected`` or ``limit``
    are the two numbers. What does not apply is ``None``. ``hint`` says what can be done, if anything is known, and
    ``exit_code`` is that of the program ``querist`` for the same fault: 1 failed, 2 bad input.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "",
        place: str | None = None,
        row: int | None = None,
        column: int | None = None,
        at: int | None = None,
        found: Any = None,
        expected: Any = None,
        limit: Any = None,
        strategy: str | None = None,
        arguments: list[str] | None = None,
        hint: str | None = None,
        exit_code: int = 2,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.place = place
        self.row = row
        self.column = column
        self.at = at
        self.found = found
        self.expected = expected
        self.limit = limit
        self.strategy = strategy
        self.arguments = arguments
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class QueristWarning(UserWarning):
    """Something to be told of a result: what was left out of account, or who chose in a policy's place."""
