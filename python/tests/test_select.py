"""One query: what is chosen, what is refused, and that nothing is copied."""

import threading
import time
import warnings

import numpy as np
import pytest

import querist
from querist import Policy, QueristError, Selector, select


def margin(probabilities, labelled):
    """Rows by the difference of the two largest probabilities, smallest first."""
    two = np.sort(probabilities, axis=1)[:, -2:]
    order = np.argsort(two[:, 1] - two[:, 0], kind="stable")
    return [row for row in order if row not in set(labelled)]


def test_margin_is_the_difference_of_the_two_largest(pool):
    picks, utilities = select("margin", **pool, batch=6, return_utilities=True)
    assert picks.tolist() == margin(pool["probabilities"], pool["labelled"])[:6]
    assert picks.dtype == np.int64
    assert len(utilities) == 6 and (np.diff(utilities) <= 0).all()


def test_a_mask_names_the_same_rows(pool):
    mask = np.zeros(40, dtype=bool)
    mask[pool["labelled"]] = True
    expected = select("margin", **pool, batch=4)
    assert (select("margin", **(pool | {"labelled": mask}), batch=4) == expected).all()
    with pytest.raises(QueristError, match="a mask of 3 rows, but X has 40"):
        select("margin", **(pool | {"labelled": mask[:3]}))


@pytest.mark.parametrize("convert", [np.float64, np.float16])
def test_other_types_and_orders_are_converted(pool, convert):
    fortran = pool | {"X": np.asfortranarray(pool["X"]), "probabilities": pool["probabilities"].tolist()}
    expected = select("margin", **pool, batch=4)
    assert (select("margin", **fortran, batch=4) == expected).all()
    assert (select("k_center", pool["X"].astype(convert), labelled=[0]) >= 0).all()


def test_a_policy_chooses_and_has_a_card(pool):
    policy = Policy.load("universal")
    picks, utilities = select(policy, **pool, batch=5, budget=20, return_utilities=True)
    assert len(set(picks.tolist())) == 5 and set(picks.tolist()).isdisjoint(range(9))
    assert len(utilities) == 5
    assert (select(policy, **pool, batch=5, budget=20) == picks).all()
    assert policy.card["policy"]["name"] == "universal"
    assert querist.policies() == ["universal"]
    with pytest.raises(QueristError) as caught:
        Policy.load("no/such")
    assert caught.value.kind == "NoPolicy" and caught.value.exit_code == 2


def test_strategies_say_what_they_need(pool):
    listed = {one["name"]: one for one in querist.strategies()}
    assert listed["margin"]["needs"] == [["probabilities"]] and listed["margin"]["score"]
    assert listed["greedy_oracle"]["in_experiments_only"]
    assert "external" in listed
    assert Selector("bald").needs() == [["passes"]]


def test_every_strategy_that_arrays_suffice_for_chooses(pool):
    signals = pool | {
        "passes": np.stack([pool["probabilities"]] * 3),
        "committee": [np.roll(pool["probabilities"], 1, axis=1)] * 2,
        "embeddings": pool["X"] * 2,
        "head": (np.eye(3, 4, dtype=np.float32), np.zeros(3, dtype=np.float32)),
        "temperature": 1.5,
        "classes": 3,
    }
    tried = 0
    for one in querist.strategies():
        if one["in_experiments_only"] or one["name"] == "external":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", querist.QueristWarning)
            # The network is over the pool's features, so that embeddings are not these.
            picks = select(one["example"], **signals, batch=3, seed=1)
        assert len(set(picks.tolist())) == 3 and set(picks.tolist()).isdisjoint(range(9)), one["name"]
        tried += 1
    assert tried > 30


def refused(**arguments):
    with pytest.raises(QueristError) as caught:
        select("margin", **arguments)
    return caught.value


def test_refusals_have_their_place_and_both_numbers(pool):
    spoilt = pool["probabilities"].copy()
    spoilt[11, 2] = np.nan
    error = refused(**(pool | {"probabilities": spoilt}))
    assert (error.kind, error.place, error.row, error.column) == ("NotFinite", "probabilities", 11, 2)
    assert np.isnan(error.found) and isinstance(error, ValueError)

    error = refused(**(pool | {"probabilities": pool["probabilities"][:30]}))
    assert (error.kind, error.place, error.found, error.expected) == ("Rows", "probabilities", 30, 40)

    error = refused(**(pool | {"labelled": [*range(8), 40]}))
    assert (error.kind, error.at, error.found, error.limit) == ("Outside", 8, 40, 39)
    error = refused(**(pool | {"labelled": [*range(8), -1]}))
    assert (error.kind, error.at, error.found) == ("Outside", 8, -1)
    error = refused(**(pool | {"labelled": [*range(8), 3]}))
    assert (error.kind, error.at, error.row) == ("Repeated", 8, 3)
    error = refused(**(pool | {"labels": [0, 1]}))
    assert (error.kind, error.place, error.found, error.expected) == ("Labels", "labels", 2, 9)
    error = refused(**(pool | {"labels": [-1] + [0] * 8}))
    assert (error.place, error.at, error.found) == ("labels", 0, -1)

    error = refused(**(pool | {"probabilities": pool["probabilities"] * 1.01}))
    assert (error.kind, error.row) == ("Rounded", 0) and "normalise=True" in error.hint
    error = refused(**(pool | {"probabilities": pool["probabilities"] * 3}))
    assert error.kind == "Probabilities" and error.hint in str(error)

    error = refused(X=pool["X"])
    assert error.kind == "Needs" and error.arguments == ["probabilities"]
    error = refused(**pool, budget=3)
    assert error.kind == "PolicyAlone" and "Policy.load" in error.hint


@pytest.mark.parametrize(
    ("changed", "kind", "place"),
    [
        ({"X": np.zeros((0, 4))}, "Empty", "X"),
        ({"X": np.zeros((40, 0))}, "Empty", "X"),
        ({"X": np.zeros(40)}, "Dimensions", "X"),
        ({"X": [["a", "b"]]}, "Array", "X"),
        ({"X": [[1.0, 2.0], [3.0]]}, "Array", "X"),
        ({"X": np.zeros((40, 4), dtype=complex)}, "Array", "X"),
        ({"labelled": [0.5]}, "Array", "labelled"),
        ({"labelled": ["a"]}, "Array", "labelled"),
        ({"labelled": [[0]]}, "Dimensions", "labelled"),
        ({"labelled": np.array([2**64 - 1], dtype=np.uint64)}, "Array", "labelled"),
        ({"labels": [float("nan")] * 9}, "Array", "labels"),
        ({"passes": np.zeros((40, 3))}, "Dimensions", "passes"),
        ({"head": (np.zeros((3, 4)),)}, "Head", "head"),
        ({"temperature": "warm"}, "Number", "temperature"),
        ({"batch": -1}, "Count", "batch"),
        ({"batch": 2.0}, "Count", "batch"),
        ({"seed": 2**64}, "Count", "seed"),
        ({"classes": 0}, "Count", "classes"),
    ],
)
def test_what_is_no_array_is_refused(pool, changed, kind, place):
    error = refused(**(pool | changed))
    assert (error.kind, error.place) == (kind, place), error


@pytest.mark.parametrize(
    ("who", "kind"),
    [("margni", "Unknown"), ("margin(", "Syntax"), ("margin(x=1)", "Parameter"), (3, "Strategy"), ("", "Syntax")],
)
def test_what_is_no_strategy_is_refused(pool, who, kind):
    with pytest.raises(QueristError) as caught:
        select(who, **pool)
    assert caught.value.kind == kind


def test_fewer_rows_than_asked_for_are_told(pool):
    with pytest.warns(querist.QueristWarning, match="100 asked for, 31 left"):
        assert len(select("margin", **pool, batch=100)) == 31
    with pytest.raises(QueristError) as caught:
        select("random", pool["X"], labelled=np.arange(40))
    assert caught.value.kind == "NothingLeft"


def test_float32_is_read_where_it_lies(pool):
    # Half a gigabyte; a copy of it would show.
    resource = pytest.importorskip("resource")
    X = np.zeros((1 << 20, 128), dtype=np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    select("random", X, batch=3)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 200_000, f"{(after - before) / 1e3:.0f} MB more"


def test_other_threads_run_meanwhile():
    X = np.random.default_rng(0).normal(size=(20_000, 64)).astype(np.float32)
    done = threading.Event()
    choosing = threading.Thread(target=lambda: (select("k_center", X, batch=2_000), done.set()))
    choosing.start()
    # With the interpreter's lock held, this thread would run before and after the choice alone.
    ticks = 0
    while not done.is_set():
        time.sleep(0.001)
        ticks += 1
    choosing.join()
    assert ticks > 5


def test_functions_of_ones_own_are_strategies(pool):
    seen = []

    def last(query):
        seen.append(query)
        return query.candidates[::-1][: query.batch]

    selector = Selector("last", own={"last": last})
    assert selector.select(**pool, batch=3).picks.tolist() == [39, 38, 37]
    (query,) = seen
    assert query.candidates.tolist() == list(range(9, 40)) and query.classes == 3
    assert (query.features == pool["X"][9:]).all() and (query.labelled_features == pool["X"][:9]).all()
    assert (query.probabilities == pool["probabilities"][9:]).all() and query.labels.tolist() == list(pool["labels"])

    rated = Selector("rated", own={"rated": lambda query: (query.candidates[:2], [2.0, 1.0])})
    assert rated.select(**pool, batch=2).utilities.tolist() == [2.0, 1.0]


def test_a_function_that_asks_its_own_selector_is_refused(pool):
    def again(query):
        return selector.select(**pool).picks

    selector = Selector("again", own={"again": again})
    with pytest.raises(QueristError, match="in the middle of another selection"):
        selector.select(**pool)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda query: [9], "1 picks, expected 2"),
        (lambda query: [9, 9], "pick 1: 9 was picked before"),
        (lambda query: [9, 0], "pick 1 is 0, which is no candidate"),
        (lambda query: [9.0, 10.0], "whole numbers"),
        (lambda query: (query.candidates[:2], [1.0, 2.0]), "utility 1 is 2"),
        (lambda query: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_functions_are_held_to_the_contract(pool, function, message):
    with pytest.raises(QueristError, match=message):
        Selector("mine", own={"mine": function}).select(**pool, batch=2)
    with pytest.raises(QueristError, match="registered already"):
        Selector("margin", own={"margin": function})
