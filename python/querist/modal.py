"""Query strategies for loops of modAL: functions of a learner and a pool.

modAL itself is not imported. Its last release, 0.4.2.1, works with scikit-learn before 1.8 alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._policy import Policy
from ._select import Selector


def query_strategy(
    who: str | Policy, *, seed: int = 0
) -> Callable[..., Any]:
    """A ``query_strategy`` for ``modAL.models.ActiveLearner``: a function of ``(learner, X_pool, n_instances=1)``.

    The pool holds unlabelled rows alone, as modAL has it; what the learner was taught (``X_training``, ``y_training``)
    is what is labelled. Returns the places of the rows in ``X_pool``, shape ``[n_instances]``.
    """
    selector = Selector(who)
    queries = 0

    def strategy(learner: Any, X_pool: Any, n_instances: int = 1, **_: Any) -> Any:
        nonlocal queries
        unlabelled = np.asarray(X_pool)
        known, labels = getattr(learner, "X_training", None), getattr(learner, "y_training", None)
        classes = np.asarray(learner.estimator.classes_)
        if known is None or labels is None:
            known, labels = unlabelled[:0], classes[:0]
        pool = np.vstack([unlabelled, np.asarray(known)])
        queries += 1
        selection = selector.select(
            pool,
            labelled=np.arange(len(unlabelled), len(pool)),
            labels=np.searchsorted(classes, np.asarray(labels)),
            probabilities=learner.predict_proba(pool),
            batch=n_instances,
            seed=(seed << 20) + queries,
            normalise=True,
        )
        return selection.picks

    return strategy
