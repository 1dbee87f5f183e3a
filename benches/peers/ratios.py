"""How many times faster `querist select` chooses than scikit-activeml, and than plain NumPy, in one run.

    pip install scikit-activeml==1.0.1
    cargo build --release
    cargo bench --bench strategies -- --arrays DIR --only margin      # makes 50,000 x 384 arrays in DIR
    python benches/peers/ratios.py target/release/querist DIR [--batch 100] [--limit 900] [--memory 14]

Reads the same arrays, and counts the time of choosing alone. Each peer runs in a process of its own that may
take LIMIT seconds and MEMORY gigabytes; querist runs right before and right after it, three times each, and
its median counts. Beside seconds by the clock there are processor seconds, which other work on the machine
disturbs less; querist's include reading its arrays, so that their ratio is too small rather than too large. Where scikit-activeml does not finish, the number of rows is halved until it does
(with `--halve`), and the ratio is that at the size where it did. The last line is JSON.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

LABELLED = 100
CLASSES = 10


def load(folder, rows):
    x = np.load(f"{folder}/pool.npy")[:rows].astype(np.float32)
    p = np.load(f"{folder}/proba.npy")[:rows]
    labelled = np.arange(LABELLED) * rows // LABELLED
    return x, p, labelled


def clocks(who=resource.RUSAGE_SELF):
    """Seconds by the clock and of the processors."""
    usage = resource.getrusage(who)
    return np.array([time.perf_counter(), usage.ru_utime + usage.ru_stime])


def scikit_activeml(name, x, p, labelled, batch):
    from skactiveml.base import SkactivemlClassifier
    from skactiveml.pool import Badge, CoreSet, ProbCover, TypiClust

    class Given(SkactivemlClassifier):
        """A classifier whose probabilities are known: only the selection is timed."""

        def __init__(self, proba=None, classes=None, missing_label=np.nan, cost_matrix=None, random_state=None):
            super().__init__(
                classes=classes, missing_label=missing_label, cost_matrix=cost_matrix, random_state=random_state
            )
            self.proba = proba

        def fit(self, X, y, sample_weight=None):
            self.classes_ = np.asarray(self.classes)
            return self

        def predict_proba(self, X):
            return self.proba

    y = np.full(len(x), np.nan)
    y[labelled] = np.arange(len(labelled)) % CLASSES
    given = Given(proba=p[np.isnan(y)], classes=list(range(CLASSES)), random_state=0).fit(x, y)
    # ProbCover is given vectors of length one, which its paper and querist cover.
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    run = {
        "k_center": lambda: CoreSet(random_state=0).query(x, y, batch_size=batch),
        "badge": lambda: Badge(random_state=0).query(x, y, given, fit_clf=False, batch_size=batch),
        "typiclust": lambda: TypiClust(random_state=0, k=20).query(x, y, batch_size=batch),
        "prob_cover": lambda: ProbCover(
            n_classes=CLASSES, deltas=np.arange(2, 41) * 0.05, random_state=0
        ).query(unit, y, batch_size=batch),
    }[name]
    started = clocks()
    picks = run()
    return clocks() - started, len(set(np.asarray(picks).tolist()))


def plain_numpy(name, x, p, labelled, batch):
    """As one would write them down with NumPy, without an allocation of n x n."""
    rng = np.random.default_rng(0)
    started = clocks()
    candidates = np.setdiff1d(np.arange(len(x)), labelled)
    picks = globals()[f"numpy_{name}"](x, p, labelled, candidates, batch, rng)
    return clocks() - started, len(set(picks))


def squared_distances(a, b):
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * (a @ b.T)
    return np.maximum(squared, 0)


def numpy_k_center(x, p, labelled, candidates, batch, rng):
    own, picks = x[candidates], []
    squared = (own * own).sum(1)
    minima = np.full(len(own), np.inf, dtype=np.float32)
    for row in labelled:
        minima = np.minimum(minima, squared + x[row] @ x[row] - 2 * (own @ x[row]))
    for _ in range(batch):
        pick = int(minima.argmax())
        picks.append(int(candidates[pick]))
        minima = np.minimum(minima, squared + squared[pick] - 2 * (own @ own[pick]))
        minima[pick] = -np.inf
    return picks


def numpy_badge(x, p, labelled, candidates, batch, rng):
    h, r = x[candidates], p[candidates].copy()
    r[np.arange(len(r)), r.argmax(1)] -= 1
    norms = (r * r).sum(1) * (h * h).sum(1)
    pick = int(norms.argmax())
    minima, picks = np.full(len(h), np.inf), [int(candidates[pick])]
    while len(picks) < batch:
        minima = np.minimum(minima, np.maximum(norms + norms[pick] - 2 * (r @ r[pick]) * (h @ h[pick]), 0))
        minima[pick] = 0
        pick = int(rng.choice(len(h), p=minima / minima.sum()))
        picks.append(int(candidates[pick]))
    return picks


def numpy_lloyd(x, k, rng, steps=50):
    centres = x[rng.choice(len(x), k, replace=False)]
    of = np.full(len(x), -1)
    for _ in range(steps):
        now = np.concatenate(
            [squared_distances(x[i : i + 8192], centres).argmin(1) for i in range(0, len(x), 8192)]
        )
        if (now == of).all():
            break
        of = now
        for c in range(k):
            if (of == c).any():
                centres[c] = x[of == c].mean(0)
    return of


def numpy_typiclust(x, p, labelled, candidates, batch, rng):
    k = min(len(labelled) + batch, 500)
    of = numpy_lloyd(x, k, rng)
    free = np.zeros(len(x), bool)
    free[candidates] = True
    size = np.bincount(of, minlength=k)
    known = np.bincount(of[labelled], minlength=k)
    order = [c for c in sorted(range(k), key=lambda c: (known[c], -size[c])) if size[c] > 5]
    picks = []
    while len(picks) < batch:
        for c in order:
            rows = np.flatnonzero((of == c) & free)
            if len(rows) == 0 or len(picks) == batch:
                continue
            near = min(20, max(len(rows) // 2, 1))
            d = np.sqrt(np.partition(squared_distances(x[rows], x[rows]), near, axis=1)[:, : near + 1])
            pick = rows[(d.sum(1) / near).argmin()]
            free[pick] = False
            picks.append(int(pick))
    return picks


def numpy_prob_cover(x, p, labelled, candidates, batch, rng, most=20_000):
    """Over at most 20,000 candidates, as querist; the radius by purity against k-means clusters."""
    rows = np.sort(rng.choice(candidates, min(most, len(candidates)), replace=False))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    own, known = unit[rows], unit[labelled]
    of = numpy_lloyd(own, CLASSES, rng)
    sample = rng.choice(len(own), min(500, len(own)), replace=False)
    other = squared_distances(own[sample], own)
    other[of[sample][:, None] == of[None]] = np.inf
    pure = np.sqrt(other.min(1))
    delta = max([d for d in np.arange(2, 41) * 0.05 if (pure >= d).mean() >= 0.95], default=0.1)
    blocks = range(0, len(own), 2048)
    near = np.concatenate([squared_distances(own[i : i + 2048], own) < delta**2 for i in blocks])
    open_ = ~(squared_distances(own, known) < delta**2).any(1)
    degree = np.concatenate([near[i : i + 2048] @ open_.astype(np.float32) for i in blocks])
    picks = []
    while len(picks) < batch:
        pick = int(degree.argmax())
        picks.append(int(rows[pick]))
        covered = near[pick] & open_
        degree -= near[:, covered].sum(1)
        open_ &= ~covered
        degree[pick] = -np.inf
    return picks


def alone(work, name, folder, rows, batch, memory, out):
    warnings.filterwarnings("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (int(memory * 1e9),) * 2)
    try:
        (seconds, cpu), distinct = work(name, *load(folder, rows), batch)
        assert distinct == batch
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        out.put({"seconds": seconds, "cpu_seconds": cpu, "peak_rss_mb": peak})
    except MemoryError as error:
        out.put({"failed": f"memory: {error}"})
    except Exception as error:
        out.put({"failed": f"{type(error).__name__}: {error}"})


def peer(work, name, folder, rows, batch, limit, memory):
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    process = context.Process(target=alone, args=(work, name, folder, rows, batch, memory, out))
    process.start()
    try:
        found = out.get(timeout=limit)
    except Exception:
        found = {"failed": f"not done after {limit:.0f} s"}
    process.terminate()
    process.join()
    return found


def querist(binary, name, folder, batch):
    line = [binary, "select", "--strategy", name, "--pool", f"{folder}/pool.npy", "--proba", f"{folder}/proba.npy"]
    line += ["--labelled", f"{folder}/labelled.csv", "--batch", str(batch), "--json"]
    started = clocks(resource.RUSAGE_CHILDREN)
    found = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)
    return found["seconds"]["selecting"], (clocks(resource.RUSAGE_CHILDREN) - started)[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("dir")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--only", default="k_center,badge,typiclust,prob_cover")
    parser.add_argument("--limit", type=float, default=900, help="seconds per peer")
    parser.add_argument("--memory", type=float, default=14, help="gigabytes of address space per peer")
    parser.add_argument("--halve", action="store_true", help="halve the rows until scikit-activeml finishes")
    args = parser.parse_args()
    import sklearn
    import skactiveml

    versions = {
        "querist": subprocess.run([args.binary, "--version"], capture_output=True, text=True).stdout.strip(),
        "scikit-activeml": skactiveml.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(versions), file=sys.stderr)
    heads = ["strategy", "rows", "querist", "its CPU", "peer", "seconds", "CPU", "MB", "ratio", "of CPU"]
    row_format = "{:>12} {:>7} {:>8} {:>8} {:>16} {:>8} {:>8} {:>7} {:>7} {:>7}"
    print(row_format.format(*heads), file=sys.stderr)
    all_rows = len(np.load(f"{args.dir}/pool.npy", mmap_mode="r"))
    results = []
    for name in args.only.split(","):
        for which, work in [("scikit-activeml", scikit_activeml), ("numpy", plain_numpy)]:
            rows = all_rows
            while rows >= 1_000:
                with tempfile.TemporaryDirectory() as folder:
                    x, p, labelled = load(args.dir, rows)
                    np.save(f"{folder}/pool.npy", x)
                    np.save(f"{folder}/proba.npy", p)
                    with open(f"{folder}/labelled.csv", "w") as file:
                        file.writelines(f"{row},{at % CLASSES}\n" for at, row in enumerate(labelled))
                    del x, p
                    own = [querist(args.binary, name, folder, args.batch) for _ in range(3)]
                    found = peer(work, name, folder, rows, args.batch, args.limit, args.memory)
                    own += [querist(args.binary, name, folder, args.batch) for _ in range(3)]
                own, own_cpu = (statistics.median(column) for column in zip(*own))
                done = "seconds" in found
                ratio = found["seconds"] / own if done else None
                cpu_ratio = found["cpu_seconds"] / own_cpu if done else None
                results.append(
                    {"strategy": name, "rows": rows, "peer": which, "querist": own, "querist_cpu": own_cpu}
                    | {"ratio": ratio, "cpu_ratio": cpu_ratio} | found
                )
                theirs = [f"{found[k]:.1f}" for k in ["seconds", "cpu_seconds", "peak_rss_mb"]] if done else ["", "", ""]
                ratios = [f"{ratio:.1f}", f"{cpu_ratio:.1f}"] if done else [found["failed"], ""]
                line = row_format.format(name, rows, f"{own:.3f}", f"{own_cpu:.2f}", which, *theirs, *ratios)
                print(line, file=sys.stderr, flush=True)
                if ratio or not args.halve or which == "numpy":
                    break
                rows //= 2
    print(json.dumps({"versions": versions, "batch": args.batch, "results": results}))


if __name__ == "__main__":
    main()
