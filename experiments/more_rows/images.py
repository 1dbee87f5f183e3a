"""Tables of grey values as the IDX files that querist reads as images. Standard library only.

    python3 experiments/more_rows/images.py DATA OUT

Writes OUT/NAME_images (images-idx3-ubyte.gz, labels-idx1-ubyte.gz) for usps (16 x 16, grey values of 0 to 1) and optdigits (8 x 8, counts of
0 to 16), all rows in the order of the table.
"""

import csv
import gzip
import os
import struct
import sys

SETS = {"usps": (16, 255), "optdigits": (8, 255 / 16)}


def main(data, out):
    for name, (side, scale) in SETS.items():
        with gzip.open(f"{data}/{name}/{name}.csv.gz", "rt", newline="") as file:
            rows = list(csv.reader(file))[1:]
        folder = f"{out}/{name}_images"
        os.makedirs(folder, exist_ok=True)
        pixels = bytes(round(scale * float(value)) for row in rows for value in row[2:])
        assert len(pixels) == len(rows) * side * side
        for file, head, body in [
            ("images-idx3-ubyte.gz", struct.pack(">4B3I", 0, 0, 8, 3, len(rows), side, side), pixels),
            ("labels-idx1-ubyte.gz", struct.pack(">4BI", 0, 0, 8, 1, len(rows)), bytes(int(row[1]) for row in rows)),
        ]:
            with open(f"{folder}/{file}", "wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as packed:
                packed.write(head + body)


if __name__ == "__main__":
    main(*sys.argv[1:3])
