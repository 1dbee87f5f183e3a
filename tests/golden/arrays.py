"""Archives as NumPy itself writes them, for the reader's tests. No time stamps: the bytes are stable.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6
    venv/bin/python tests/golden/arrays.py
"""

import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent

x = np.arange(12).reshape(4, 3) / 8
y = np.array([1, 0, 1, 2])
split = np.array([False, False, True, False])
np.savez(HERE / "stored.npz", X=np.asfortranarray(x), y=y.astype(">i4"), split=split)
np.savez_compressed(HERE / "deflated.npz", X=x.astype(np.float16), y=y[:, None], split=split.astype(int))
