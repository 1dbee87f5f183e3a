"""Loops of scikit-activeml, small-text and modAL, with our strategies in them."""

import unittest

import numpy as np
import pytest

import querist

pytest.importorskip("skactiveml")
from skactiveml.classifier import MixtureModelClassifier, SklearnClassifier  # noqa: E402
from skactiveml.pool import UncertaintySampling  # noqa: E402
from sklearn.datasets import load_iris, make_blobs  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

from querist.sklearn import QueristStrategy  # noqa: E402


def episode(strategy, batch=1, rounds=20):
    """Rows that are asked for on iris, after one label per class."""
    X, true = load_iris(return_X_y=True)
    y = np.full(len(X), np.nan)
    y[[0, 50, 100]] = [0, 1, 2]
    clf = SklearnClassifier(LogisticRegression(max_iter=1000), classes=[0, 1, 2], random_state=0)
    asked = []
    for _ in range(rounds):
        picks = strategy.query(X, y, clf, batch_size=batch)
        y[picks] = true[picks]
        asked += picks.tolist()
    return asked


def test_our_margin_asks_for_what_theirs_does():
    ours, theirs = QueristStrategy("margin"), UncertaintySampling(method="margin_sampling")
    assert episode(ours) == episode(theirs)


def test_candidates_utilities_and_words():
    X, true = load_iris(return_X_y=True)
    words = np.array(["setosa", "versicolor", "virginica"])[true].astype(object)
    y = np.full(len(X), None, dtype=object)
    y[[0, 50, 100]] = words[[0, 50, 100]]
    clf = SklearnClassifier(
        LogisticRegression(max_iter=1000), classes=["setosa", "versicolor", "virginica"], missing_label=None
    )
    for strategy in ("margin", "badge", "k_center", querist.Policy.load("universal")):
        ours = QueristStrategy(strategy, missing_label=None, random_state=1)
        picks, utilities = ours.query(X, y, clf, batch_size=4, return_utilities=True)
        assert utilities.shape == (4, 150) and np.isnan(utilities[:, [0, 50, 100]]).all()
        for step, row in enumerate(picks):
            assert np.nanargmax(utilities[step]) == row and np.isnan(utilities[step, picks[:step]]).all()
        some = ours.query(X, y, clf, candidates=[3, 60, 120, 140], batch_size=2)
        assert set(some) <= {3, 60, 120, 140}
        own, of_own = ours.query(X, y, clf, candidates=X[[3, 60, 120]], batch_size=2, return_utilities=True)
        assert set(own) <= {0, 1, 2} and of_own.shape == (2, 3)


def test_a_policy_is_told_what_is_still_to_come():
    policy = querist.Policy.load("universal")
    asked = episode(QueristStrategy(policy, budget=13, random_state=0), batch=5, rounds=2)
    assert len(set(asked)) == 10
    with pytest.raises(querist.QueristError, match="budget is 0 new labels"):
        episode(QueristStrategy(policy, budget=13, random_state=0), batch=5, rounds=3)
    with pytest.raises(querist.QueristError, match="for a policy"):
        episode(QueristStrategy("margin", budget=13))


def test_what_needs_more_is_refused_with_a_hint():
    with pytest.raises(querist.QueristError, match="scikit-activeml provides"):
        episode(QueristStrategy("bald"))


def test_small_text_loops_run():
    pytest.importorskip("small_text")
    from scipy.sparse import csr_matrix
    from small_text import ConfidenceEnhancedLinearSVC, PoolBasedActiveLearner, SklearnClassifierFactory, SklearnDataset

    from querist.smalltext import QueristStrategy as Strategy

    X, y = make_blobs(80, centers=3, n_features=5, random_state=0)
    data = SklearnDataset(csr_matrix(X.astype(np.float32)), y, target_labels=np.arange(3))
    factory = SklearnClassifierFactory(ConfidenceEnhancedLinearSVC(), 3)
    learner = PoolBasedActiveLearner(factory, Strategy("margin"), data)
    first = np.array([int(np.flatnonzero(y == one)[0]) for one in range(3)])
    learner.initialize_data(first, y[first])
    asked = set(first.tolist())
    for _ in range(3):
        picks = learner.query(num_samples=4)
        assert asked.isdisjoint(picks.tolist()) and len(set(picks.tolist())) == 4
        asked |= set(picks.tolist())
        learner.update(y[picks])


class Learner:
    """What modAL's ActiveLearner is to a query strategy."""

    def __init__(self, X, y):
        self.estimator = LogisticRegression(max_iter=1000)
        self.X_training, self.y_training = X, y
        self.estimator.fit(X, y)

    def predict_proba(self, X):
        return self.estimator.predict_proba(X)


def test_functions_for_modal_choose_from_the_pool():
    from querist.modal import query_strategy

    X, y = load_iris(return_X_y=True)
    learner = Learner(X[::10], y[::10])
    rest = np.delete(X, np.arange(0, 150, 10), axis=0)
    picks = query_strategy("margin")(learner, rest, n_instances=5)
    p = np.sort(learner.predict_proba(rest), axis=1)
    assert set(picks) == set(np.argsort(p[:, -1] - p[:, -2])[:5])


def test_modal_loops_run_where_modal_does():
    models = pytest.importorskip("modAL.models", reason="modAL is not installed")
    from querist.modal import query_strategy

    X, y = load_iris(return_X_y=True)
    try:
        learner = models.ActiveLearner(LogisticRegression(), query_strategy("margin"), X[::25], y[::25])
    except TypeError as error:
        pytest.skip(f"this modAL does not work with this scikit-learn: {error}")
    picks, _ = learner.query(X[1::2], n_instances=3)
    assert len(set(picks)) == 3


try:
    from skactiveml.tests.template_query_strategy import TemplateSingleAnnotatorPoolQueryStrategy as Template
except ImportError:
    # Releases come without it: it lies in a checkout of scikit-activeml.
    Template = None


@unittest.skipIf(Template is None, "scikit-activeml was installed without its tests")
class TestChecksOfScikitActiveml(*([Template] if Template else []), unittest.TestCase):
    """The suite that scikit-activeml holds its own strategies to."""

    def setUp(self):
        self.classes = [0, 1]
        X, y = make_blobs(20, centers=2, random_state=0)
        y = y.astype(float)
        y[8:] = np.nan
        clf = MixtureModelClassifier(classes=self.classes, random_state=0)
        super().setUp(
            qs_class=QueristStrategy,
            init_default_params={},
            query_default_params_clf={"X": X, "y": y, "clf": clf},
        )

    def test_init_param_strategy(self):
        cases = [(1, TypeError), (None, TypeError), ("no_such", ValueError), ("entropy", None)]
        self._test_param("init", "strategy", cases)

    def test_init_param_budget(self):
        self._test_param("init", "budget", [("1", TypeError), (-1, ValueError), (None, None)])

    def test_query_param_clf(self):
        self._test_param("query", "clf", [(LogisticRegression(), TypeError), (None, TypeError)])

    def test_query_param_return_utilities(self):
        super().test_query_param_return_utilities()

    def test_query(self):
        params = self.query_default_params_clf
        picks, utilities = self.qs_class(random_state=0).query(**params, batch_size=3, return_utilities=True)
        assert len(set(picks)) == 3 and utilities.shape == (3, 20)
