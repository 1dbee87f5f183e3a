"""Four sets of many classes, as a data folder, from "One-hundred plant species leaves" (UCI). Standard library only.

    git clone https://github.com/acwhite211/MVMT_MapReduce      # as of 2026; or UCI's archive
    python3 experiments/policy/many_classes.py MVMT_MapReduce/100_leaves_plant_species FOLDER

Sixteen leaves of each of a hundred species (one less of a species in the third table), described by 64 numbers of their margin,
shape or texture: all species by margin and by texture, the first fifty by shape, the last forty by texture.
"""

import csv
import os
import sys


def read(folder, view):
    with open(os.path.join(folder, f"data_{view}_64.txt"), encoding="utf-8") as file:
        return [row for row in csv.reader(file) if row]


def write(folder, name, rows):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    with open(os.path.join(folder, name, f"{name}.csv"), "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["label"] + [f"x{column}" for column in range(len(rows[0]) - 1)])
        table.writerows(rows)


def main(source, folder):
    margin, shape, texture = (read(source, view) for view in ("Mar", "Sha", "Tex"))
    species = sorted({row[0] for row in texture})
    write(folder, "plants_margin", margin)
    write(folder, "plants_texture", texture)
    write(folder, "plants_shape50", [row for row in shape if row[0] in species[:50]])
    write(folder, "plants_texture40", [row for row in texture if row[0] in species[60:]])


if __name__ == "__main__":
    main(*sys.argv[1:])
