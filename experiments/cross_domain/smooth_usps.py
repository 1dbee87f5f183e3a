"""USPS with smoothed images: python3 smooth_usps.py FOLDER/usps/usps.csv.gz OUT/usps/usps.csv.gz [SIGMA]

Every image of 16 x 16 is convolved with a Gaussian of SIGMA pixels (0.75 unless told), the background going on
beyond its border; README.md says why. Needs NumPy (2.4 was used)."""
import gzip, pathlib, sys
import numpy as np

SIDE, REACH = 16, 4

source, target = map(pathlib.Path, sys.argv[1:3])
sigma = float(sys.argv[3]) if len(sys.argv) > 3 else 0.75
weights = np.exp(-0.5 * (np.arange(-REACH, REACH + 1) / sigma) ** 2)
band = np.zeros((SIDE, SIDE))
for offset, weight in zip(range(-REACH, REACH + 1), weights / weights.sum()):
    band += weight * np.eye(SIDE, k=offset)
target.parent.mkdir(parents=True, exist_ok=True)
with gzip.open(source, "rt") as rows, gzip.open(target, "wt", compresslevel=6) as out:
    out.write(next(rows))
    for row in rows:
        split, label, *pixels = row.rstrip("\n").split(",")
        image = np.array(pixels, float).reshape(SIDE, SIDE)
        smoothed = (band @ image @ band.T).ravel()
        out.write(",".join([split, label, *(f"{value:.4f}" for value in smoothed)]) + "\n")
