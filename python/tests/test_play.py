"""Whole episodes with scikit-learn's classifiers."""

import numpy as np
import pytest

import querist

pytest.importorskip("sklearn")
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402


@pytest.fixture
def split():
    X, y = load_iris(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
    return {"X": X, "y": y, "X_test": X_test, "y_test": y_test}


def test_an_episode_asks_for_each_row_once(split):
    episode = querist.play(LogisticRegression(), who="margin", **split, batch=2, rounds=5)
    assert episode.labels == [3, 5, 7, 9, 11, 13]
    asked = [row for picks in episode.picks for row in picks]
    assert len(set(asked)) == 10
    assert len(episode.scores) == 6 and episode.scores[-1] > 0.8
    assert episode == querist.play(LogisticRegression(), who="margin", **split, batch=2, rounds=5)


def test_classes_may_be_words_that_the_first_labels_do_not_show(split):
    words = np.array(["setosa", "versicolor", "virginica"])
    named = split | {"y": words[split["y"]], "y_test": words[split["y_test"]]}
    first = [int(np.flatnonzero(split["y"] == one)[0]) for one in (0, 2)]
    episode = querist.play(LogisticRegression(), who="margin", **named, initial=first, rounds=8)
    assert episode.labels[0] == 2 and episode.scores[-1] > 0.6


def test_a_policy_plays_and_too_large_a_budget_is_refused(split):
    policy = querist.Policy.load("universal")
    assert querist.play(LogisticRegression(), who=policy, **split, rounds=6).scores[-1] > 0.7
    with pytest.raises(querist.QueristError, match="only 87 rows are unlabelled"):
        querist.play(LogisticRegression(), who=policy, **split, rounds=88)


def test_probabilities_have_a_column_for_every_class():
    model = LogisticRegression().fit([[0.0], [1.0], [2.0]], ["b", "c", "b"])
    p = querist.probabilities(model, [[0.5]], ["c", "a", "b"])
    assert p.shape == (1, 3) and p[0, 1] == 0 and p.sum() == pytest.approx(1)
    assert p[0, [2, 0]] == pytest.approx(model.predict_proba([[0.5]])[0])
    for classes in (["a", "b"], ["x", "y"]):
        with pytest.raises(querist.QueristError, match="none of them"):
            querist.probabilities(model, [[0.5]], classes)
