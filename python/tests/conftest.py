import numpy as np
import pytest


@pytest.fixture
def pool():
    """Forty rows of three classes, nine of them labelled, and probabilities for all."""
    draw = np.random.default_rng(7)
    y = np.arange(40) % 3
    X = (draw.normal(size=(40, 4)) + y[:, None]).astype(np.float32)
    probabilities = draw.dirichlet(np.ones(3), size=40).astype(np.float32)
    labelled = np.arange(9)
    return {"X": X, "labelled": labelled, "labels": y[:9], "probabilities": probabilities}
