"""The policy that comes with the package under classifiers that it was not trained with.

It was trained on episodes of small networks. Here five classifiers of scikit-learn play with margin, with random and with the
policy, from the same first labels on the same splits (`querist.bench`); a figure is the mean accuracy over all fits of an episode (the
area under its learning curve). Of a set, at most 1,000 rows are the pool and 1,000 are tested on.

    python benches/learners.py --data-dir DATA --repetitions 10 --out FILE

The same command goes on where it was ended.
"""

import argparse
import csv
import gzip
import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import querist

LEARNERS = {
    "logistic regression": lambda: LogisticRegression(max_iter=300),
    "random forest": lambda: RandomForestClassifier(50, random_state=0, n_jobs=1),
    "gradient boosting": lambda: HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=2, random_state=0),
    "k-NN": lambda: Nearest(),
    "RBF SVM": lambda: Platt(),
}
SETS = (
    "australian", "diabetis", "german", "ionosphere", "letter", "optdigits", "satimage", "segment", "splice", "trec6", "vowel",
    "waveform",
)
STRATEGIES = ("random", "margin", "policy")


class Nearest(KNeighborsClassifier):
    """Five neighbours, or as many as there are."""

    def fit(self, X, y):
        self.n_neighbors = min(5, len(X))
        return super().fit(X, y)


class Platt:
    """A support-vector machine whose decision values are made probabilities by a softmax: scikit-learn's own calibration needs
    five rows of each class."""

    def __init__(self):
        self.machine = SVC(gamma="scale", C=10.0, decision_function_shape="ovr")

    def fit(self, X, y):
        self.machine.fit(X, y)
        self.classes_ = self.machine.classes_
        return self

    def predict_proba(self, X):
        values = self.machine.decision_function(X)
        if values.ndim == 1:
            values = np.stack([-values, values], axis=1)
        values = np.exp(values - values.max(axis=1, keepdims=True))
        return values / values.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.machine.predict(X)


def read(folder, name):
    """A table `NAME/NAME.csv.gz` with the columns `split` and `label`, and features after these; of one with a column `text`
    instead, the `.npy` file beside it."""
    with gzip.open(folder / name / f"{name}.csv.gz", "rt", newline="") as lines:
        header, *rows = csv.reader(lines)
    y = np.array([int(row[header.index("label")]) for row in rows])
    if "text" in header:
        (embedded,) = (folder / name).glob("*.npy")
        return np.load(embedded).astype(np.float64), y
    return np.array([row[2:] for row in rows], dtype=np.float64), y


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--learners", default=",".join(LEARNERS))
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--out", type=Path, help="figures as they come, a JSON object a line")
    parser.add_argument("--tell", action="store_true", help="play nothing, and make the table of what --out has")
    options = parser.parse_args()
    sets = options.sets.split(",")
    if options.out is None or (options.data_dir is None and not options.tell):
        parser.error("give --out, and --data-dir or --tell")
    if not options.tell:
        play(options, sets)
    tell_file(options.out, sets)


def play(options, sets):
    """Plays what the file does not have yet, and adds it."""
    strategies = [*STRATEGIES[:-1], querist.Policy.load("universal")]
    lines = options.out.read_text().splitlines() if options.out.exists() else []
    done = {(line["set"], line["learner"]) for line in map(json.loads, lines)}
    warnings.simplefilter("ignore")
    for name in sets:
        for learner in options.learners.split(","):
            if (name, learner) in done:
                continue
            bench = querist.bench(
                LEARNERS[learner](), {name: read(options.data_dir, name)}, strategies, repetitions=options.repetitions,
                batch=options.batch, rounds=options.rounds, max_pool=1000, max_test=1000,
            )
            figures = bench.to_pandas().groupby(["strategy", "repetition"])["accuracy"].mean()
            with options.out.open("a") as out:
                for (strategy, repetition), mean in figures.items():
                    line = {"set": name, "learner": learner, "strategy": strategy, "repetition": repetition}
                    out.write(json.dumps(line | {"mean_score": mean}) + "\n")


def tell_file(path, sets):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    played = {}
    for line in lines:
        played.setdefault((line["learner"], line["strategy"]), {}).setdefault(line["set"], []).append(line["mean_score"])
    # A set counts once everybody has played as often on it.
    whole = [name for name in sets if all(name in by_set for by_set in played.values())]
    least = min(len(by_set[name]) for by_set in played.values() for name in whole)
    tell({key: {name: by_set[name][:least] for name in whole} for key, by_set in played.items()}, whole)
    print(f"\n{least} repetitions, {len(whole)} sets: {', '.join(whole)}")


def tell(gains, sets):
    """Means over sets, and how the policy stands to the others: a set, whatever its repetitions, is one observation."""
    print("| classifier | random | margin | policy | policy - margin | sets won, lost | policy - random |")
    print("|---|---|---|---|---|---|---|")
    for learner in dict.fromkeys(learner for learner, _ in gains):
        mean = {s: np.array([np.mean(gains[learner, s][name]) for name in sets]) for s in STRATEGIES}
        cells = [f"{mean[s].mean():.4f}" for s in STRATEGIES]
        for other in ("margin", "random"):
            difference = mean["policy"] - mean[other]
            error = difference.std(ddof=1) / np.sqrt(len(sets)) if len(sets) > 1 else float("nan")
            cells.append(f"{difference.mean():+.4f} ± {error:.4f}")
            if other == "margin":
                cells.append(f"{(difference > 0).sum()}, {(difference < 0).sum()}")
        print(f"| {learner} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
