"""How far the policies of two runs over the same replicates are apart. Standard library only.

    python3 experiments/policy/paired.py runs/NAME runs/OTHER

The mean over sets of NAME's policy less OTHER's in accuracy points, with its standard error over paired repetitions.
"""

import sys

from table import curves_of, difference, overall


def main(folder, other):
    one, two = curves_of(folder), curves_of(other)
    tasks = sorted({task for task, _ in one})
    print(overall([difference(one[task, "policy"], two[task, "policy"]) for task in tasks]))


if __name__ == "__main__":
    main(*sys.argv[1:])
