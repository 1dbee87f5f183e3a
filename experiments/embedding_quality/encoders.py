"""Encoders of graded quality: python3 encoders.py DATA_FOLDER OUT_FOLDER

DATA_FOLDER holds `trec6/` and `agnews_test/`, each with NAME.csv.gz (split, label, text) and minilm_f16.npy
(all-MiniLM-L6-v2, unit length). OUT_FOLDER becomes a data folder of its own: one set per text set and encoder,
every row of unit length, and `quality.json`: the test accuracy of a logistic regression on all training rows.

No encoder sees a label. The vocabulary, inverse document frequencies and singular vectors are those of all
texts, test texts included, as the sentence encoder's own training text is unknown, too.

Run with Python 3.11, NumPy 2.4.6 and scikit-learn 1.9.1."""
import csv, gzip, json, pathlib, shutil, sys
import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression

SETS = ["trec6", "agnews_test"]
BUCKETS = 512
# Standard deviations of the noise, in lengths of a vector: signal and noise of equal length at 1.
NOISE = [0.5, 1.0]
TEST = 0.3  # where a set has no test part
SEED = 1


def unit(vectors):
    """Every row scaled to length one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def encoders(texts, minilm):
    """Name and vectors of every encoder."""
    hashed = HashingVectorizer(ngram_range=(1, 2), n_features=BUCKETS, norm=None).transform(texts)
    yield "hashed", hashed.toarray()
    weighted = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit_transform(texts)
    for width in [16, 64, 256]:
        yield f"svd{width}", TruncatedSVD(width, random_state=SEED).fit_transform(weighted)
    draw = np.random.default_rng(SEED)
    for noise in NOISE:
        spread = noise / np.sqrt(minilm.shape[1])
        yield f"minilm_noise{noise:g}".replace(".", ""), minilm + spread * draw.standard_normal(minilm.shape)
    yield "minilm", minilm


def probe(vectors, labels, test):
    """Test accuracy of a logistic regression on all training rows."""
    model = LogisticRegression(C=10, max_iter=1000).fit(vectors[~test], labels[~test])
    return model.score(vectors[test], labels[test])


data, out = map(pathlib.Path, sys.argv[1:3])
quality = {}
for name in SETS:
    with gzip.open(data / name / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = np.array([int(row["label"]) for row in rows])
    test = np.array([row["split"] == "test" for row in rows])
    if not test.any():
        test = np.random.default_rng(SEED).random(len(rows)) < TEST
    minilm = np.load(data / name / "minilm_f16.npy").astype(np.float64)
    for encoder, vectors in encoders([row["text"] for row in rows], minilm):
        target = f"{name}-{encoder}"
        folder = out / target
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / name / f"{name}.csv.gz", folder / f"{target}.csv.gz")
        vectors = unit(vectors)
        np.save(folder / "vectors.npy", vectors.astype(np.float16))
        quality[target] = round(probe(vectors, labels, test), 4)
        print(target, vectors.shape[1], quality[target])
(out / "quality.json").write_text(json.dumps(quality, indent=1) + "\n")
