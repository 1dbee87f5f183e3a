"""What a session's query takes, beside scikit-activeml's, at several sizes of the pool, in one run.

    pip install ./python scikit-activeml==1.0.1
    python benches/peers/session.py [--rows 10000,100000,1000000] [--strategies margin,typiclust,badge,universal]

A pool of 384 columns around ten centres in single precision, fifty labels, then batches of ten. A query of either is: fit the classifier
to the labels in hand (the session's own; scikit-learn's logistic regression, of two hundred steps at most), and choose. The first
query is the one after the fifty labels, the second the one after ten more: a session keeps what it knows of the pool between them.
Each side runs in a process of its own, on all cores, and may take LIMIT seconds and MEMORY gigabytes; peak memory is the
process's. The session runs right before and right after its peer, and the mean of both counts.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings

import numpy as np

WIDTH, CLASSES, LABELS, BATCH = 384, 10, 50, 10
PEERS = ("margin", "typiclust", "badge")


def pool(rows):
    """Rows around ten centres, and the centre of each."""
    draw = np.random.default_rng(7)
    centres = draw.normal(size=(CLASSES, WIDTH)).astype(np.float32)
    y = draw.integers(CLASSES, size=rows)
    x = draw.standard_normal((rows, WIDTH), dtype=np.float32)
    x *= 2.0
    for start in range(0, rows, 100_000):
        x[start : start + 100_000] += centres[y[start : start + 100_000]]
    return x, y


def first(y):
    """The same number of labels of each class."""
    return np.concatenate([np.flatnonzero(y == c)[: LABELS // CLASSES] for c in range(CLASSES)])


def ours(name, rows):
    import querist

    x, y = pool(rows)
    names = [f"c{c}" for c in range(CLASSES)]
    with tempfile.TemporaryDirectory() as folder:
        given = {"policy": name} if name == "universal" else {"strategy": name}
        session = querist.Session.create(f"{folder}/s", x, classes=names, batch=BATCH, **given)
        session.tell({int(row): names[y[row]] for row in first(y)})
        taken = []
        for _ in range(2):
            started = time.perf_counter()
            asked = session.ask()
            taken.append(time.perf_counter() - started)
            picks = [int(pick["row"]) for pick in asked["rows"]]
            assert len(picks) == BATCH, asked
            session.tell({row: names[y[row]] for row in picks})
    return taken


def theirs(name, rows):
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import Badge, TypiClust, UncertaintySampling
    from sklearn.linear_model import LogisticRegression

    x, y = pool(rows)
    labels = np.full(rows, np.nan)
    labels[first(y)] = y[first(y)]
    strategy = {
        "margin": lambda: UncertaintySampling(method="margin_sampling", random_state=0),
        "typiclust": lambda: TypiClust(random_state=0),
        "badge": lambda: Badge(random_state=0),
    }[name]()
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        classifier = SklearnClassifier(LogisticRegression(max_iter=200), classes=range(CLASSES), random_state=0)
        known = ~np.isnan(labels)
        classifier.fit(x[known], labels[known])
        more = {} if name == "typiclust" else {"clf": classifier, "fit_clf": False}
        picks = strategy.query(X=x, y=labels, batch_size=BATCH, **more)
        taken.append(time.perf_counter() - started)
        assert len(picks) == BATCH
        labels[picks] = y[picks]
    return taken


def measured(side, name, rows, pipe, memory):
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (memory << 30, memory << 30))
    try:
        taken = side(name, rows)
    except MemoryError:
        pipe.send(f"more than {memory} GB")
    else:
        pipe.send((taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6))


def run(side, name, rows, limit, memory):
    """Seconds of both queries and peak gigabytes, or why there are none."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=measured, args=(side, name, rows, send, memory))
    process.start()
    send.close()
    found = f"over {limit} s"
    if receive.poll(limit):
        try:
            found = receive.recv()
        except EOFError:
            found = f"ended without an answer (memory limit {memory} GB)"
    process.kill()
    process.join()
    return found


def cell(found, at):
    return found if isinstance(found, str) else f"{found[0][at]:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10000,100000,1000000")
    parser.add_argument("--strategies", default=",".join((*PEERS, "universal")))
    parser.add_argument("--limit", type=int, default=300, help="seconds a side")
    parser.add_argument("--memory", type=int, default=14, help="gigabytes of addresses a side")
    args = parser.parse_args()
    print("| rows | strategy | session: first query, s | next, s | GB | scikit-activeml: first, s | next, s | GB | next, ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for rows in map(int, args.rows.split(",")):
        for name in args.strategies.split(","):
            before = run(ours, name, rows, args.limit, args.memory)
            peer = run(theirs, name, rows, args.limit, args.memory) if name in PEERS else "–"
            after = run(ours, name, rows, args.limit, args.memory) if name in PEERS else before
            both = before
            if not isinstance(before, str) and not isinstance(after, str):
                both = (np.add(before[0], after[0]) / 2, max(before[1], after[1]))
            gigabytes = ["" if isinstance(one, str) else f"{one[1]:.1f}" for one in (both, peer)]
            whole = not isinstance(both, str) and not isinstance(peer, str)
            ratio = f"{peer[0][1] / both[0][1]:.1f}" if whole else ""
            print(
                f"| {rows:,} | {name} | {cell(both, 0)} | {cell(both, 1)} | {gigabytes[0]} | {cell(peer, 0)} "
                f"| {cell(peer, 1)} | {gigabytes[1]} | {ratio} |",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
