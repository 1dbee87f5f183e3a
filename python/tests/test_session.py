"""A labelling in earnest: asked, answered, predicted."""

import numpy as np
import pytest

import querist

pytest.importorskip("pyarrow")


@pytest.fixture
def pool(tmp_path):
    """A table of eighty rows, and the class of each."""
    draw = np.random.default_rng(0)
    truth = np.array(["cat", "dog"])[draw.integers(2, size=80)]
    x = draw.normal(size=(80, 2)) + 4 * (truth == "dog")[:, None]
    lines = [f"{a:.3f},{b:.3f}" for a, b in x]
    file = tmp_path / "pool.csv"
    file.write_text("a,b\n" + "\n".join(lines) + "\n")
    return file, truth


def label(session, truth, rounds):
    for _ in range(rounds):
        rows = [row["row"] for row in session.ask()["rows"]]
        session.tell({row: str(truth[row]) for row in rows})


def test_a_session_asks_is_told_and_predicts(pool, tmp_path):
    file, truth = pool
    session = querist.Session.create(tmp_path / "session", file, batch=5)
    first = [row["row"] for row in session.ask()["rows"]]
    assert [row["row"] for row in session.ask()["rows"]] == first and len(set(first)) == 5
    label(session, truth, 5)
    again = querist.Session.open(tmp_path / "session")
    assert again.status()["counts"]["labelled"] == 25
    assert "25" in again.describe()
    predicted = again.predict().to_pandas()
    assert (predicted["predicted"] == truth).mean() > 0.9
    assert len(again.labels()) == 25
    assert set(again.content(0)) == {"a", "b"}


def test_what_does_not_fit_is_refused_and_nothing_is_taken(pool, tmp_path):
    file, truth = pool
    session = querist.Session.create(tmp_path / "session", file, classes=["cat", "dog"], strategy="margin", batch=4)
    row = session.ask()["rows"][0]["row"]
    for answers in ({row: "cat", 999: "cat"}, {row: "cta"}, {row: 1}, {"no such id": "cat"}, {-1: "cat"}):
        with pytest.raises(querist.QueristError):
            session.tell(answers)
    assert session.status()["counts"]["labelled"] == 0
    assert session.release() == 4
    with pytest.raises(querist.QueristError):
        querist.Session.create(tmp_path / "session", file)
    with pytest.raises(querist.QueristError):
        querist.Session.open(tmp_path / "nowhere")


def test_it_shows_itself_with_its_map(pool, tmp_path):
    file, truth = pool
    session = querist.Session.create(tmp_path / "session", file, batch=5)
    assert "<svg" in session._repr_html_()
    label(session, truth, 6)
    shown = session._repr_html_()
    assert shown.count("<svg") == 2 and shown.count("<title>") == 2 + 30 and "cat</title>" in shown


def test_reading_prices_and_thought_are_heeded(tmp_path):
    lines = "".join(f"{row % 7};{row * row % 11};{row % 3}\n" for row in range(40))
    file = tmp_path / "pool.txt"
    file.write_text("a;b;c\n" + lines)
    make = lambda name, **options: querist.Session.create(tmp_path / name, file, **options)  # noqa: E731
    assert set(make("columns", columns=["a", "b"], separator=";").content(0)) == {"a", "b", "c"}
    bought = make("prices", classes=["x", "y"], price={"x": 1.0, "y": 2.0}, spend=9.0, think=2, batch=4)
    for _ in range(3):
        bought.tell({row["row"]: "xy"[row["row"] % 2] for row in bought.ask()["rows"]})
    assert 6 <= bought.status()["spent"] <= 12
    for options in ({"separator": "1"}, {"channels": "middle"}, {"base": 3}, {"spend": 3.0}, {"think": 0}, {"price": {"x": 1}}):
        with pytest.raises(querist.QueristError):
            make("refused", **options)


def test_tables_and_arrays_in_memory_are_as_good_as_files(pool, tmp_path):
    file, _ = pool
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(file)
    # An index that is no column, and no feature either.
    shuffled = frame.set_index(pandas.Index([f"row {at}" for at in range(len(frame))], name="key"))
    import pyarrow

    pools = {"file": file, "pandas": shuffled, "arrow": pyarrow.table(frame), "numpy": frame.to_numpy()}
    polars = pytest.importorskip("polars")
    pools["polars"] = polars.from_pandas(frame)
    asked = {}
    for name, one in pools.items():
        session = querist.Session.create(tmp_path / name, one, strategy="margin", initial=8, batch=8)
        asked[name] = [row["row"] for row in session.ask()["rows"]]
    assert len(asked["file"]) == 8
    assert all(rows == asked["file"] for rows in asked.values()), asked
    by_features = querist.Session.create(
        tmp_path / "features", frame, features=[frame.to_numpy()], strategy="margin", initial=8, batch=8
    )
    assert [row["row"] for row in by_features.ask()["rows"]] == asked["file"]
    with pytest.raises(querist.QueristError, match="pool: found a list"):
        querist.Session.create(tmp_path / "list", [[1.0, 2.0]])
    assert not (tmp_path / "list").exists()


def test_numbers_and_sets_of_labels_are_collected_too(pool, tmp_path):
    file, _ = pool
    number = lambda row: str((row * 7) % 11 / 2)  # noqa: E731
    session = querist.Session.create(tmp_path / "numbers", file, task="regression", batch=5)
    for _ in range(4):
        session.tell({row["row"]: number(row["row"]) for row in session.ask()["rows"]})
    status = session.status()
    assert status["task"] == "regression" and status["score"]["metric"] == "nrmse" and status["score"]["judged"] == 20
    assert session.predict().column_names[-1] == "predicted" and "<svg" in session._repr_html_()
    with pytest.raises(querist.QueristError, match="nan"):
        session.tell({0: "nan"})
    sets = querist.Session.create(
        tmp_path / "sets", file, task="multi_label", classes=["red", "round"], label_separator="|"
    )
    assert sets.tell({0: "red|round", 1: "|", 2: "round"})["new"] == 3
    assert sets.labels()["label"].to_pylist() == ["red|round", "|", "round"]
    with pytest.raises(querist.QueristError, match="task"):
        querist.Session.create(tmp_path / "none", file, task="numbers")
