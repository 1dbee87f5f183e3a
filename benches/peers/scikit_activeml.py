"""Times scikit-activeml on the arrays of `cargo bench --bench strategies -- --arrays DIR`.

    pip install scikit-activeml==1.0.1
    python benches/peers/scikit_activeml.py DIR [--batch 100] [--only k_center,badge,typiclust,prob_cover]

ProbCover keeps all pairwise distances (64 bits each): run it on arrays of 10,000 rows (`--rows 10000`).
The last line is JSON.
"""

import argparse
import json
import resource
import sys
import time
import warnings

import numpy as np
import skactiveml
from skactiveml.base import SkactivemlClassifier
from skactiveml.pool import Badge, CoreSet, ProbCover, TypiClust

LABELLED = 100


class Given(SkactivemlClassifier):
    """A classifier whose probabilities are known: only the selection is timed."""

    def __init__(self, proba=None, classes=None, missing_label=np.nan, cost_matrix=None, random_state=None):
        super().__init__(classes=classes, missing_label=missing_label, cost_matrix=cost_matrix, random_state=random_state)
        self.proba = proba

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.asarray(self.classes)
        return self

    def predict_proba(self, X):
        assert len(X) == len(self.proba)
        return self.proba


parser = argparse.ArgumentParser()
parser.add_argument("dir")
parser.add_argument("--batch", type=int, default=100)
parser.add_argument("--only", default="k_center,badge,typiclust,prob_cover")
args = parser.parse_args()
warnings.filterwarnings("ignore")
x = np.load(f"{args.dir}/pool.npy").astype(np.float32)
p = np.load(f"{args.dir}/proba.npy")
n, classes = p.shape
y = np.full(n, np.nan)
labelled = np.arange(LABELLED) * n // LABELLED
y[labelled] = np.arange(LABELLED) % classes
candidates = np.flatnonzero(np.isnan(y))
clf = Given(proba=p[candidates], classes=list(range(classes)), random_state=0).fit(x, y)
# ProbCover is given vectors of length one, which its paper and this crate cover.
unit = x / np.linalg.norm(x, axis=1, keepdims=True)
run = {
    "k_center": lambda: CoreSet(random_state=0).query(x, y, batch_size=args.batch),
    "badge": lambda: Badge(random_state=0).query(x, y, clf, fit_clf=False, batch_size=args.batch),
    "typiclust": lambda: TypiClust(random_state=0, k=20).query(x, y, batch_size=args.batch),
    "prob_cover": lambda: ProbCover(
        n_classes=classes, deltas=np.arange(2, 41) * 0.05, random_state=0
    ).query(unit, y, batch_size=args.batch),
}
results = []
for name in args.only.split(","):
    started = time.perf_counter()
    picks = run[name]()
    seconds = time.perf_counter() - started
    assert len(set(np.asarray(picks).tolist())) == args.batch
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    results.append({"strategy": name, "seconds": seconds, "peak_rss_mb": peak})
    print(f"{name:>12} {seconds:9.3f} s  {peak:8.0f} MB so far", file=sys.stderr)
print(json.dumps({"scikit_activeml": skactiveml.__version__, "rows": n, "batch": args.batch, "strategies": results}))
