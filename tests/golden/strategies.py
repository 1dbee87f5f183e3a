"""Reference selections and scores for src/query/golden/scores.rs.

    pip install scikit-activeml==1.0.1
    python tests/golden/strategies.py > tests/golden/strategies.json

One random pool of 40 rows, 6 of them labelled, 3 classes, 4 committee members. Numbers are rounded to
binary32 first, so that both sides compute with the same ones. Where scikit-activeml breaks ties at random,
the script takes the smaller row, as Querist does. Information density, the mean standard deviation over
passes, the variance of the predicted class, and dynamicAL's growth of the squared gradient norm are not in
scikit-activeml: these are NumPy, by their definitions.
"""

import json

import numpy as np
import skactiveml
from skactiveml.pool import MaxHerding, ProbCover, uncertainty_scores
from skactiveml.pool._badge import _d_2
from skactiveml.pool._bald import batch_bald
from skactiveml.pool._core_set import k_greedy_center
from skactiveml.pool._query_by_committee import average_kl_divergence, variation_ratios, vote_entropy
from skactiveml.pool._typi_clust import _typicality

N, LABELLED, CLASSES, MEMBERS, WIDTH = 40, 6, 3, 4, 4
DELTA = 0.75

rng = np.random.default_rng(20240601)
x = rng.normal(size=(N, WIDTH)).astype(np.float32)
x[::2] += 1.5
logits = rng.normal(scale=1.5, size=(MEMBERS, N - LABELLED, CLASSES))
members = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
members = members.astype(np.float32)
p = members[0].astype(np.float64)
labelled = np.arange(LABELLED)
candidates = np.arange(LABELLED, N)
y = np.full(N, np.nan)
y[labelled] = labelled % CLASSES
x64 = x.astype(np.float64)

k_center, _ = k_greedy_center(x64, y, batch_size=10, random_state=0, mapping=candidates)

residual = p - np.eye(CLASSES)[p.argmax(axis=1)]
gradient = (residual[:, :, None] * x64[candidates][:, None, :]).reshape(len(candidates), -1)
badge_first = int(np.argmax((gradient**2).sum(axis=1)))
badge_centres = [badge_first, 3, 20, 11]
badge = None
badge_minima = []
for centre in badge_centres:
    badge = _d_2(gradient, [centre], np.full(len(gradient), np.inf) if badge is None else badge)
    badge_minima.append(badge.tolist())

unit = x64 / np.linalg.norm(x64, axis=1, keepdims=True)
known = y.copy()
prob_cover = []
for _ in range(8):
    strategy = ProbCover(random_state=0, deltas=[DELTA], n_classes=CLASSES)
    open_rows = np.flatnonzero(np.isnan(known))
    _, utilities = strategy.query(unit, known, batch_size=1, return_utilities=True)
    pick = int(open_rows[np.argmax(utilities[0][open_rows])])
    if utilities[0][pick] == 0:
        break
    prob_cover.append(pick)
    known[pick] = 0

herding = MaxHerding(random_state=0, metric_dict={"gamma": 1.0})
max_herding, herding_utilities = herding.query(x64, y, batch_size=9, return_utilities=True)
best_two = np.sort(np.where(np.isnan(herding_utilities), -1, herding_utilities), axis=1)[:, -2:]
assert (best_two[:, 1] - best_two[:, 0]).min() > 1e-5, "no ties"

typicality = _typicality(x64, candidates, 5)[candidates]
votes = members.argmax(axis=2).T
joint = batch_bald(members.astype(np.float64).copy(), 5, n_MC_samples=100_000, random_state=0)

of_p = -(p * np.log(p)).sum(axis=1)
unit_candidates = unit[candidates]
density = np.array([np.mean((1 + unit_candidates @ row) / 2) for row in unit_candidates])
members64 = members.astype(np.float64)
top = p.argmax(axis=1)

# A network of one hidden layer; the gradient of the cross-entropy by all of its weights, written out.
HIDDEN = 3
shapes = [(WIDTH, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]
weights = [rng.normal(scale=0.7, size=shape).astype(np.float32) for shape in shapes]
w1, b1, w2, b2 = [w.astype(np.float64) for w in weights]


def full_gradient(row, label=None):
    h = np.maximum(row @ w1 + b1, 0)
    z = h @ w2 + b2
    r = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    r[z.argmax() if label is None else label] -= 1
    back = (w2 @ r) * (h > 0)
    return np.concatenate([np.outer(row, back).ravel(), back, np.outer(h, r).ravel(), r])


def growth(of):
    known_sum = sum(of(x64[i], int(y[i])) for i in labelled)
    return [float(((known_sum + of(x64[i])) ** 2).sum() - (known_sum**2).sum()) for i in candidates]


last = HIDDEN * CLASSES + CLASSES

print(
    json.dumps(
        {
            "source": f"scikit-activeml {skactiveml.__version__}",
            "width": WIDTH,
            "classes": CLASSES,
            "labelled": LABELLED,
            "inputs": [float(v) for v in x.ravel()],
            "members": [[float(v) for v in member.ravel()] for member in members],
            "least_confidence": uncertainty_scores(p, method="least_confident").tolist(),
            "margin": uncertainty_scores(p, method="margin_sampling").tolist(),
            "entropy": uncertainty_scores(p, method="entropy").tolist(),
            "vote_entropy": vote_entropy(votes, np.arange(CLASSES)).tolist(),
            "bald": average_kl_divergence(members.astype(np.float64).copy()).tolist(),
            "variation_ratio": variation_ratios(votes).tolist(),
            "batch_bald": [int(candidates[np.nanargmax(row)]) for row in joint],
            "k_center": [int(i) for i in k_center],
            "badge_centres": badge_centres,
            "badge_minima": badge_minima,
            "typicality": typicality.tolist(),
            "delta": DELTA,
            "prob_cover": prob_cover,
            "max_herding": [int(i) for i in max_herding],
            "information_density": (of_p * density).tolist(),
            "mean_std": members64.std(axis=0).mean(axis=1).tolist(),
            "pass_variance": members64.var(axis=0)[np.arange(len(p)), top].tolist(),
            "hidden": HIDDEN,
            "network": [float(v) for w in weights for v in w.ravel()],
            "dynamic_al": growth(full_gradient),
            "dynamic_al(layers=last)": growth(lambda row, label=None: full_gradient(row, label)[-last:]),
        }
    )
)
