"""Reference values for one class per row from several annotators: Dawid and Skene's estimate by crowd-kit.

    pip install crowd-kit==1.4.2
    python tests/golden/annotators.py > tests/golden/annotators.json
"""

import json

import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene

rng = np.random.default_rng(1979)
CLASSES, ROWS, ACCURACY = 3, 60, [0.9, 0.75, 0.6, 0.5]
truth = rng.integers(0, CLASSES, ROWS)
votes = []
for row in range(ROWS):
    for who, accuracy in enumerate(ACCURACY):
        if rng.random() < 0.2 and who != row % 4:
            continue  # not everybody has answered every row
        said = truth[row] if rng.random() < accuracy else (truth[row] + 1 + rng.integers(0, 2)) % CLASSES
        votes.append((int(row), int(who), int(said)))
table = pd.DataFrame(votes, columns=["task", "worker", "label"])
model = DawidSkene(n_iter=100, tol=-1.0).fit(table)
probabilities = model.probas_[list(range(CLASSES))].sort_index().to_numpy()
print(
    json.dumps(
        {
            "classes": CLASSES,
            "annotators": len(ACCURACY),
            "votes": votes,
            "class": probabilities.argmax(1).tolist(),
            "probability": [round(float(p), 9) for p in probabilities.max(1)],
        }
    )
)
