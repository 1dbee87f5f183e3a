"""Experiments from a dictionary, and what is made of their rows."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import querist

PLAN = {
    "name": "python",
    "learner": {"hidden": [8]},
    "episode": {"query_size": np.int64(2), "rounds": 3},
    "transfer": {"policy": "universal", "targets": ["iris"], "strategies": ["random", "margin", "policy"], "repetitions": 4},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return querist.run(PLAN, out=tmp_path_factory.mktemp("run") / "run")


def test_a_dictionary_is_a_plan(finished):
    assert finished.report.is_file() and finished.dir.is_dir()
    assert "margin" in finished.table()
    assert finished.failures == [] and len(finished.rows_digest) == 64
    assert {entry["strategy"] for entry in finished.verdict()} == {"random", "margin", "policy"}
    assert finished.table("margin") != finished.table() and "margin" in finished.table("margin")
    shown = finished._repr_html_()
    assert shown.startswith("<iframe srcdoc=") and "&lt;html" in shown


def test_rows_are_a_table_in_one_line(finished):
    pandas = pytest.importorskip("pandas")
    rows = finished.to_pandas()
    # One target, three strategies, four repetitions, four fits.
    assert isinstance(rows, pandas.DataFrame) and len(rows) == 48
    assert set(rows.strategy) == {"random", "margin", "policy"}
    assert finished.to_arrow().num_rows == 48
    polars = pytest.importorskip("polars")
    assert isinstance(finished.to_polars(), polars.DataFrame)


def test_a_file_and_a_dictionary_give_the_same_rows(finished, tmp_path):
    text = """
        name = "python"
        [learner]
        hidden = [8]
        [episode]
        query_size = 2
        rounds = 3
        [transfer]
        policy = "universal"
        targets = ["iris"]
        strategies = ["random", "margin", "policy"]
        repetitions = 4
    """
    file = tmp_path / "plan.toml"
    file.write_text(text)
    told = []
    other = querist.run(file, out=tmp_path / "run", jobs=1, progress=lambda *line: told.append(line))
    assert other.rows_digest == finished.rows_digest
    assert told and all(done <= total for _, done, total in told)
    changed = querist.run(file, out=tmp_path / "changed", set=["episode.rounds=1"], seed=3)
    assert len(changed.to_arrow()) == 24


def test_functions_are_strategies_beside_the_others(tmp_path):
    def most_uncertain(query):
        two = np.sort(query.probabilities, axis=1)[:, -2:]
        order = np.argsort(two[:, 1] - two[:, 0], kind="stable")
        return query.candidates[order[: query.batch]]

    plan = PLAN | {"transfer": PLAN["transfer"] | {"strategies": ["margin", "mine"]}}
    run = querist.run(plan, out=tmp_path / "run", strategies={"mine": most_uncertain})
    assert run.failures == []
    rows = run.to_pandas().set_index(["strategy", "repetition", "round"])
    # The same rule, but for equals.
    both = [rows.loc[name, "accuracy"].mean() for name in ("margin", "mine")]
    assert abs(both[0] - both[1]) < 0.05
    with pytest.raises(querist.QueristError, match="mine"):
        querist.run(plan, out=tmp_path / "other")


def test_what_a_function_raises_is_told(tmp_path):
    plan = PLAN | {"transfer": PLAN["transfer"] | {"strategies": ["margin", "mine"]}}
    with pytest.warns(querist.QueristWarning, match="KeyError"):
        run = querist.run(plan, out=tmp_path / "run", strategies={"mine": lambda query: {}["picks"]})
    assert run.failures


def test_bad_plans_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(querist.QueristError) as caught:
        querist.run(PLAN | {"transfr": {}}, out=tmp_path / "run")
    assert caught.value.exit_code == 2 and "transfr" in str(caught.value)
    with pytest.raises(TypeError, match="no place in an experiment file"):
        querist.run(PLAN | {"name": object()}, out=tmp_path / "run")
    with pytest.raises(TypeError):
        querist.run(PLAN | {"learner": None}, out=tmp_path / "run")
    with pytest.raises(querist.QueristError):
        querist.run(tmp_path / "nowhere.toml", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_ctrl_c_ends_a_run_that_then_goes_on(tmp_path):
    plan = PLAN | {"transfer": PLAN["transfer"] | {"repetitions": 400, "block": 1}}
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        querist.run(plan, out=tmp_path / "run", jobs=1)
        pytest.skip("the run was over within a second")
    assert time.monotonic() - started < 20
    run = querist.run(plan, out=tmp_path / "run")
    assert len(run.to_arrow()) == 3 * 400 * 4


def test_what_a_listener_raises_ends_the_run(tmp_path):
    def listener(what, done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        querist.run(PLAN, out=tmp_path / "run", progress=listener)
