"""What there is to choose by."""

from __future__ import annotations

import json
import os
from typing import Any

from . import _querist


class Policy:
    """A learned query policy.

    It reads class probabilities, features and labels, and was trained on simulated labelling of other pools. Where its
    card says that it does not trust itself, it asks a hand-made strategy in its place (the warning says so).
    """

    def __init__(self, inner: _querist.Policy) -> None:
        self._inner = inner

    @staticmethod
    def load(name: str | os.PathLike[str]) -> Policy:
        """The policy called ``name``: one that comes with the package (``"universal"``), or the folder of one.

        Raises :class:`QueristError` if there is neither, or its files are damaged or do not fit this version.
        """
        return Policy(_querist.Policy.load(os.fspath(name)))

    @property
    def name(self) -> str:
        """What it was loaded by."""
        return self._inner.name

    @property
    def card(self) -> dict[str, Any]:
        """Where it comes from, what it was trained on, what it may not be used for, and what was measured."""
        card: dict[str, Any] = json.loads(self._inner.card_json())
        return card

    def __repr__(self) -> str:
        return f"Policy.load({self.name!r})"


def strategies() -> list[dict[str, Any]]:
    """All query strategies: name, summary, paper, family, needs, cost, example, parameters.

    ``needs`` lists the arguments of :func:`select` that it cannot do without; of each entry, one will do. Those with
    ``in_experiments_only`` need what only :func:`run` can provide. ``pandas.DataFrame(querist.strategies())`` is a table.
    """
    listed: list[dict[str, Any]] = json.loads(_querist.strategies())
    return listed


def policies() -> list[str]:
    """Names of the policies that come with the package."""
    return _querist.policies()
