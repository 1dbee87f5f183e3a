"""Query strategies for loops of scikit-activeml: ``pip install "querist[sklearn]"``.

>>> from skactiveml.classifier import SklearnClassifier
>>> from sklearn.linear_model import LogisticRegression
>>> import numpy as np
>>> X = np.random.default_rng(0).normal(size=(50, 2))
>>> y = np.full(50, np.nan)
>>> y[:4] = [0, 1, 0, 1]
>>> clf = SklearnClassifier(LogisticRegression(), classes=[0, 1], random_state=0)
>>> QueristStrategy("margin", random_state=0).query(X, y, clf, batch_size=3).shape
(3,)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from skactiveml.base import SingleAnnotatorPoolQueryStrategy, SkactivemlClassifier
from skactiveml.utils import MISSING_LABEL, check_scalar, check_type, is_labeled
from sklearn.base import clone

from ._errors import QueristError
from ._policy import Policy
from ._select import Selector


class QueristStrategy(SingleAnnotatorPoolQueryStrategy):  # type: ignore[misc]
    """A strategy of Querist, or a learned policy, as scikit-activeml has them.

    Parameters
    ----------
    strategy : str or Policy, default="margin"
        A specification (``"power(margin, beta=2)"``) or a policy. It may need features, labels and class probabilities
        alone: what needs passes or a committee is refused, with a hint.
    budget : int, default=None
        Labels that there are to be in the end, those that are there already included. For policies, which choose by
        how many are still to come.
    missing_label : scalar or str or None, default=np.nan
        What stands for no label.
    random_state : int or np.random.RandomState, default=None
        Decides among equals, and what is drawn at random.
    """

    def __init__(
        self,
        strategy: Any = "margin",
        budget: int | None = None,
        missing_label: Any = MISSING_LABEL,
        random_state: Any = None,
    ) -> None:
        super().__init__(missing_label=missing_label, random_state=random_state)
        self.strategy = strategy
        self.budget = budget

    def query(
        self,
        X: Any,
        y: Any,
        clf: Any,
        fit_clf: bool = True,
        sample_weight: Any = None,
        candidates: Any = None,
        batch_size: int = 1,
        return_utilities: bool = False,
    ) -> Any:
        """Determines for which candidates labels are to be queried.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            All rows of the pool, labelled and unlabelled.
        y : array-like of shape (n_samples,)
            Their labels; ``missing_label`` where there is none.
        clf : skactiveml.base.SkactivemlClassifier
            What says the class probabilities.
        fit_clf : bool, default=True
            Whether a copy of it is fitted to ``X`` and ``y`` first.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for that fit.
        candidates : None or array-like, default=None
            Rows that may be chosen: all without a label; those at these places of ``X``, shape (n_candidates,); or rows
            of their own, shape (n_candidates, n_features).
        batch_size : int, default=1
            Rows to choose.
        return_utilities : bool, default=False
            Also return what the rows are worth.

        Returns
        -------
        query_indices : numpy.ndarray of shape (batch_size,)
            Places in ``X``, or in ``candidates`` where these are rows of their own.
        utilities : numpy.ndarray of shape (batch_size, n_samples) or (batch_size, n_candidates)
            For each step of the batch, what the candidates that can still be chosen are worth, higher = earlier; NaN for
            all others. A strategy that chooses a batch as a whole says it for those that it chose; its other candidates
            are worth the same, which is less.
        """
        X, y, candidates, batch_size, return_utilities = self._validate_data(
            X, y, candidates, batch_size, return_utilities, reset=True
        )
        X_cand, mapping = self._transform_candidates(candidates, X, y)
        check_type(clf, "clf", SkactivemlClassifier)
        check_scalar(fit_clf, "fit_clf", bool)
        if fit_clf:
            fitted = clone(clf)
            clf = fitted.fit(X, y) if sample_weight is None else fitted.fit(X, y, sample_weight)
        if not isinstance(self.strategy, (str, Policy)):
            raise TypeError(f"`strategy` is {type(self.strategy).__name__}, expected str or querist.Policy")

        if self.budget is not None:
            check_scalar(self.budget, "budget", int, min_val=1)
        known = is_labeled(y, missing_label=self.missing_label)
        places = np.flatnonzero(known)
        classes = np.asarray(clf.classes_)
        numbers = np.searchsorted(classes, y[places]) if len(places) else np.empty(0, dtype=np.int64)
        # Candidates first, in their order, and then what is labelled.
        pool = np.vstack([X_cand, X[places]]) if len(places) else X_cand
        selector = Selector(self.strategy)
        try:
            selection = selector.select(
                pool,
                labelled=np.arange(len(X_cand), len(pool)),
                labels=numbers,
                probabilities=clf.predict_proba(pool),
                budget=None if self.budget is None else max(0, self.budget - len(places)),
                # Of what rates each candidate by itself, the rest of the pool comes after the batch.
                batch=len(X_cand) if return_utilities and selector.is_score() else batch_size,
                seed=int(self.random_state_.randint(2**31 - 1)),
                normalise=True,
            )
        except QueristError as error:
            if error.kind == "Needs":
                error.hint = "scikit-activeml provides features, labels and class probabilities alone"
            raise
        places = selection.picks if mapping is None else mapping[selection.picks]
        if not return_utilities:
            return places
        # What a strategy chooses as a whole has an order alone; so have rows that were scored one after the other, each as if those
        # before it were labelled, where a later one has the larger score.
        worth = selection.utilities
        if worth is None or (np.diff(worth) > 0).any():
            worth = np.arange(len(places), 0, -1, dtype=np.float64)
        told = np.full(len(X_cand) if mapping is None else len(X), np.nan)
        told[np.arange(len(X_cand)) if mapping is None else mapping] = min(0.0, worth[-1] - 1.0)
        told[places] = worth
        utilities = np.tile(told, (batch_size, 1))
        for step in range(1, batch_size):
            utilities[step, places[:step]] = np.nan
        return places[:batch_size], utilities


__all__ = ["QueristStrategy"]
