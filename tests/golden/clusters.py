"""Reference selections for src/query/golden/clusters.rs: strategies that cluster.

    pip install scikit-activeml==1.0.1
    python tests/golden/clusters.py > tests/golden/clusters.json

130 rows of length one around five directions, so that k-means has one clear optimum; 3 classes. CLUE,
TypiClust and the first DropQuery come from scikit-activeml; its DropQuery keeps at least a batch of
candidates where the paper lowers its threshold, so the second one is the paper's rule in NumPy. It has no
Cluster-Margin: that is SciPy's average linkage, and the paper's round robin in NumPy. Numbers are rounded to
binary32 first. Every choice of a nearest or densest row is checked to be clear.
"""

import json

import numpy as np
import scipy
import skactiveml
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans
from skactiveml.base import SkactivemlClassifier
from skactiveml.utils import check_random_state
from skactiveml.pool import Clue, DropQuery, TypiClust, uncertainty_scores

SIZES, WIDTH, CLASSES = [40, 30, 25, 20, 15], 6, 3
LABELLED = [95, 115]  # one in each of the two smallest groups
NEIGHBOURS, RADIUS, RATE, PASSES = 4, 0.11, 0.75, 3
BATCH, MARGINS_PER_PICK = 16, 4


class Fixed(SkactivemlClassifier):
    """Answers with arrays that were computed beforehand, looked up by row."""

    def __init__(self, rows=None, proba=None, head=None, classes=None, missing_label=np.nan):
        super().__init__(classes=classes, missing_label=missing_label)
        self.rows, self.proba, self.head = rows, proba, head

    def fit(self, X, y, sample_weight=None):
        return self

    def predict_proba(self, X):
        at = [int(np.flatnonzero((self.rows == row).all(axis=1))[0]) for row in X]
        return self.proba[at]

    def predict(self, X):
        return (X @ self.head.T).argmax(axis=1)


def clear(distances, place=None):
    """The place of the least, which must be less than the next by a ten-thousandth."""
    order = np.argsort(distances)
    assert distances[order[1]] - distances[order[0]] > 1e-4 * distances[order[1]], "not clear"
    assert place is None or order[0] == place
    return int(order[0])


rng = np.random.default_rng(20240602)
n = sum(SIZES)
group = np.repeat(np.arange(len(SIZES)), SIZES)
x = np.eye(WIDTH)[group] + rng.normal(scale=0.03, size=(n, WIDTH))
x /= np.linalg.norm(x, axis=1, keepdims=True)
x32 = x.astype(np.float32)
x = x32.astype(np.float64)
logits = rng.normal(scale=1.5, size=(n, CLASSES))
p32 = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
p = p32.astype(np.float64)
head32 = rng.normal(size=(CLASSES, WIDTH)).astype(np.float32)
head = head32.astype(np.float64)
y = np.full(n, np.nan)
y[LABELLED] = 0
candidates = np.flatnonzero(np.isnan(y))
fixed = Fixed(rows=x, proba=p, head=head, classes=np.arange(CLASSES))
kmeans = {"n_init": 20, "random_state": 0}

clue = Clue(cluster_algo_dict=kmeans, random_state=0, method="entropy").query(
    x, y, fixed, fit_estimator=False, batch_size=5
)
entropy = uncertainty_scores(p[candidates], method="entropy")
centres = KMeans(n_clusters=5, **kmeans).fit(x[candidates], sample_weight=entropy).cluster_centers_
assert sorted(candidates[clear(np.linalg.norm(x[candidates] - c, axis=1))] for c in centres) == sorted(clue)

typiclust = TypiClust(cluster_algo_dict={"n_init": 20}, k=NEIGHBOURS, random_state=0).query(
    x, y, batch_size=3
)
assert [int(group[i]) for i in typiclust] == [0, 1, 2], "uncovered groups, largest first"

# Two groups only, so that any part of them has one clear pair of clusters.
two = np.flatnonzero(group < 2)
# The generator that scikit-activeml makes of the seed: it depends on the number of candidates.
random = check_random_state(np.random.RandomState(3), len(two) + 1)
masks = np.array([random.choice([True, False], size=(len(two), WIDTH), p=[RATE, 1 - RATE]) for _ in range(PASSES)])
usual = fixed.predict(x[two])
changes = sum((fixed.predict(np.where(mask, 0.0, x[two])) != usual).astype(int) for mask in masks)


def kept_by_the_paper(batch):
    threshold = PASSES // 2
    while threshold > 0 and (changes > threshold).sum() < 25 * batch:
        threshold -= 1
    return two[changes > threshold]


drop_query = {}
for batch in [1, 2]:
    kept = kept_by_the_paper(batch)
    centres = KMeans(n_clusters=batch, **kmeans).fit(x[kept]).cluster_centers_
    drop_query[batch] = sorted(int(kept[clear(np.linalg.norm(x[kept] - c, axis=1))]) for c in centres)
assert len(kept_by_the_paper(1)) >= 25, "the threshold stays for one pick"
assert len(kept_by_the_paper(2)) > len(kept_by_the_paper(1)), "and is lowered for two"
known = np.zeros(n)
known[two] = np.nan
theirs = DropQuery(
    cluster_algo_dict=kmeans, dropout_rate=RATE, n_dropout_samples=PASSES, random_state=np.random.RandomState(3)
).query(x, known, fixed, fit_clf=False, batch_size=1)
assert [int(i) for i in theirs] == drop_query[1], "scikit-activeml agrees where the threshold stays"

clusters = fcluster(linkage(x, method="average"), t=RADIUS, criterion="distance")
margins = np.sort(p, axis=1)[:, -1] - np.sort(p, axis=1)[:, -2]
smallest = candidates[np.argsort(margins[candidates], kind="stable")[: BATCH * MARGINS_PER_PICK]]
groups = [sorted(int(i) for i in smallest if clusters[i] == c) for c in np.unique(clusters[smallest])]
groups.sort(key=lambda rows: (len(rows), rows[0]))
left, turns = [len(rows) for rows in groups], []
while len(turns) < BATCH:
    for at in range(len(groups)):
        if left[at] > 0 and len(turns) < BATCH:
            turns.append(groups[at])
            left[at] -= 1

print(
    json.dumps(
        {
            "source": f"scikit-activeml {skactiveml.__version__}, SciPy {scipy.__version__}",
            "width": WIDTH,
            "classes": CLASSES,
            "labelled": LABELLED,
            "rows": [float(v) for v in x32.ravel()],
            "probabilities": [float(v) for v in p32.ravel()],
            "head": [float(v) for v in head32.ravel()],
            "clue": sorted(int(i) for i in clue),
            "neighbours": NEIGHBOURS,
            "typiclust": [int(i) for i in typiclust],
            "drop_query_candidates": [int(i) for i in two],
            "passes": PASSES,
            "masks": ["".join("1" if v else "0" for v in mask.ravel()) for mask in masks],
            "changes": changes.tolist(),
            "drop_query": {str(batch): {"kept": kept_by_the_paper(batch).tolist(), "picks": picks} for batch, picks in drop_query.items()},
            "radius": RADIUS,
            "clusters": clusters.tolist(),
            "batch": BATCH,
            "margins_per_pick": MARGINS_PER_PICK,
            "cluster_margin": turns,
        }
    )
)
