"""Strategies beside each other, with a classifier of one's own."""

import numpy as np
import pytest

import querist

sklearn = pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")


@pytest.fixture
def clusters():
    """Three clusters that overlap, and a class of seven rows, too few to be played with."""
    draw = np.random.default_rng(1)
    y = np.concatenate([draw.integers(3, size=400), np.full(7, 9)])
    return draw.normal(size=(407, 2)) + 1.7 * np.column_stack([y == 1, y == 2]), np.array([f"c{one}" for one in y])


def test_a_learner_of_ones_own_is_benched_with_a_verdict(clusters):
    from sklearn.linear_model import LogisticRegression

    seen = []
    options = {"repetitions": 3, "batch": 5, "rounds": 4}
    bench = querist.bench(
        LogisticRegression(), {"clusters": clusters}, ["random", "margin", querist.Policy.load("universal")],
        progress=lambda done, all_of_them: seen.append((done, all_of_them)), **options,
    )
    assert seen == [(at, 9) for at in range(1, 10)]
    rows = bench.to_pandas()
    assert len(rows) == 3 * 3 * 5 and set(rows["strategy"]) == {"random", "margin", "policy"}
    assert set(rows.groupby(["strategy", "repetition"])["labels"].agg(tuple)) == {(3, 8, 13, 18, 23)}
    # All strategies of a repetition begin with the same labels on the same split.
    first = rows[rows["round"] == 0].groupby("repetition")
    assert (first["accuracy"].nunique() == 1).all() and (first["reward_accuracy"].nunique() == 1).all()
    # Rows of the data, none twice, none of the class that is too small.
    for _, episode in rows.groupby(["strategy", "repetition"]):
        picks = [row for one in episode["picks"] for row in one]
        assert len(picks) == 20 == len(set(picks)) and max(picks) < 400
    entries = {entry["strategy"]: entry for entry in bench.verdict()}
    mean = rows[rows["strategy"] == "margin"].groupby("repetition")["accuracy"].mean().mean()
    assert len(entries) == 3 and mean > 0.6
    assert "policy" in bench.table() and "clusters" in str(bench)
    again = querist.bench(
        LogisticRegression(), {"clusters": clusters}, ["random", "margin", querist.Policy.load("universal")], **options
    )
    assert again.to_arrow().equals(bench.to_arrow())


def test_the_report_is_written_once(clusters, tmp_path):
    from sklearn.naive_bayes import GaussianNB

    bench = querist.bench(GaussianNB(), {"clusters": clusters}, ["margin"], repetitions=2, rounds=2)
    page = bench.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "GaussianNB" in page and "margin" in page and "<script src" not in page
    with pytest.raises(FileExistsError):
        bench.report(tmp_path / "report.html")


def test_figures_are_those_of_scikit_learn():
    from sklearn.metrics import balanced_accuracy_score, f1_score

    from querist._bench import _figures

    draw = np.random.default_rng(3)
    truth, said = draw.integers(4, size=50), draw.integers(5, size=50)
    found = _figures(said, truth)
    assert found["accuracy"] == pytest.approx((truth == said).mean())
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, said))
    assert found["macro_f1"] == pytest.approx(f1_score(truth, said, average="macro"))


def test_what_does_not_fit_is_refused(clusters):
    from sklearn.naive_bayes import GaussianNB

    x, y = clusters
    for data, strategies, match in [
        ({"one": (x, y[:-1])}, ["margin"], "one: 406 classes for 407 rows"),
        ({"one": (x, np.zeros(407))}, ["margin"], "one: 1 classes have 8 rows"),
        ({"one": (x, y)}, ["margin", "margin"], "'margin' stands twice"),
        ({"one": (x, y)}, [], "strategies: none"),
        ({"one": (x, y)}, ["no such strategy"], "no such strategy"),
    ]:
        with pytest.raises(querist.QueristError, match=match):
            querist.bench(GaussianNB(), data, strategies, repetitions=1)
