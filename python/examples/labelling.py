"""Label a pool of digits with scikit-learn and Querist: what a labelling loop of one's own looks like.

The labels are looked up here; elsewhere, somebody is asked.

    python examples/labelling.py
"""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import querist

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0, stratify=y)

# Ten rows to begin with: spread over the pool, since nothing is known of it.
labelled = list(querist.select("k_center", X, batch=10))
policy = querist.Policy.load("universal")
model = LogisticRegression(max_iter=1000)

for query in range(10):
    model.fit(X[labelled], y[labelled])
    print(f"{len(labelled):3} labels: {model.score(X_test, y_test):.3f} of the test rows are right")
    picks = querist.select(
        policy,
        X,
        labelled=labelled,
        labels=y[labelled],
        # Classes that no label has shown yet get none of the probability.
        probabilities=querist.probabilities(model, X, classes=range(10)),
        budget=10 * (10 - query),
        batch=10,
    )
    labelled += list(picks)  # in a real labelling: show X[picks] to somebody
