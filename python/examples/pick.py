"""A program as a query strategy: `querist select --strategy 'external(command="python3 pick.py")'`.

It asks for the candidates that are farthest from what is labelled, and draws nothing at random.
"""

import json
import sys


def distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b))


for line in sys.stdin:
    query = json.loads(line)
    known, picks = list(query["labelled_features"]), []
    rows = dict(zip(query["candidates"], query["features"]))
    for _ in range(query["batch"]):
        farthest = max(rows, key=lambda row: min((distance(rows[row], other) for other in known), default=0.0))
        picks.append(farthest)
        known.append(rows.pop(farthest))
    # One line per question, and at once.
    print(json.dumps({"picks": picks}), flush=True)
