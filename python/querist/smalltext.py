"""Query strategies for loops of small-text: ``pip install small-text``."""

from __future__ import annotations

from typing import Any

import numpy as np
from small_text import QueryStrategy

from ._policy import Policy
from ._select import Selector


class QueristStrategy(QueryStrategy):  # type: ignore[misc]
    """A strategy of Querist, or a learned policy, as small-text has them.

    Features are the data set's own where it holds vectors (``SklearnDataset``), made dense; else the classifier's
    embeddings (``embed``).
    """

    def __init__(self, who: str | Policy = "margin", *, seed: int = 0) -> None:
        self.who = who
        self.seed = seed
        self._selector = Selector(who)
        self._queries = 0

    def query(
        self, clf: Any, dataset: Any, indices_unlabeled: Any, indices_labeled: Any, y: Any, n: int = 10
    ) -> Any:
        """Chooses ``n`` of ``indices_unlabeled``; ``y`` are the classes of ``indices_labeled``."""
        self._validate_query_input(indices_unlabeled, n)
        unlabelled, labelled = np.asarray(indices_unlabeled), np.asarray(indices_labeled)
        rows = np.concatenate([unlabelled, labelled]).astype(np.int64)
        self._queries += 1
        selection = self._selector.select(
            self._features(clf, dataset)[rows],
            labelled=np.arange(len(unlabelled), len(rows)),
            labels=np.asarray(y),
            probabilities=np.asarray(clf.predict_proba(dataset))[rows],
            batch=n,
            seed=(self.seed << 20) + self._queries,
            normalise=True,
        )
        return unlabelled[selection.picks]

    def _features(self, clf: Any, dataset: Any) -> Any:
        features = dataset.x
        if hasattr(features, "toarray"):
            return features.toarray()
        if isinstance(features, np.ndarray) and features.ndim == 2:
            return features
        return np.asarray(clf.embed(dataset))

    def __str__(self) -> str:
        return f"QueristStrategy({self.who!r})"
