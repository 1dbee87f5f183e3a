"""Writes scikit-learn's 1,797 handwritten digits as PNG files, one folder for each class.

    pip install scikit-learn pillow
    python crates/embed/digits.py FOLDER
"""

import pathlib
import sys

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

folder = pathlib.Path(sys.argv[1])
digits = load_digits()
for at, (pixels, label) in enumerate(zip(digits.images, digits.target)):
    (folder / str(label)).mkdir(parents=True, exist_ok=True)
    # Black on white, sixteen times as large.
    picture = Image.fromarray((255 - pixels * 255 / 16).astype(np.uint8)).resize((128, 128), Image.BICUBIC)
    picture.save(folder / str(label) / f"{at:04}.png")
print(f"{len(digits.target)} pictures of {len(digits.target_names)} classes in {folder}")
