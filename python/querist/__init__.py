"""Which rows of a pool to label next: query strategies, and policies that were learned on simulated labelling.

>>> import numpy as np, querist
>>> X = np.random.default_rng(0).normal(size=(100, 2))
>>> probabilities = np.full((100, 2), 0.5)
>>> picks = querist.select("margin", X, labelled=[0, 1], labels=[0, 1], probabilities=probabilities, batch=5)
>>> len(picks)
5

- :func:`select`: one query on arrays, by a strategy (``"margin"``, ``"power(margin, beta=2)"``) or a :class:`Policy`.
- :func:`strategies`, :func:`policies`: what there is to choose by.
- :func:`bench`: strategies and policies beside each other with any scikit-learn classifier, and the verdict.
- :func:`play`: a whole simulated labelling with any scikit-learn classifier.
- :class:`Session`: a labelling in earnest, in a folder.
- :func:`run`: an experiment, from a dictionary or a file to rows, verdict and report.
- :mod:`querist.sklearn`, :mod:`querist.smalltext`, :mod:`querist.modal`: query strategies of other packages.
- :mod:`querist.gym`: simulated labelling as a Gymnasium environment.

Bad input raises :class:`QueristError`, with the place and both numbers.
"""

from ._bench import Bench, bench
from ._errors import QueristError, QueristWarning
from ._play import Episode, play, probabilities
from ._policy import Policy, policies, strategies
from ._querist import __version__
from ._query import Query
from ._run import Run, run
from ._select import Selection, Selector, select
from ._session import Session

__all__ = [
    "Bench",
    "Episode",
    "Policy",
    "QueristError",
    "QueristWarning",
    "Query",
    "Run",
    "Selection",
    "Selector",
    "Session",
    "__version__",
    "bench",
    "play",
    "policies",
    "probabilities",
    "run",
    "select",
    "strategies",
]
