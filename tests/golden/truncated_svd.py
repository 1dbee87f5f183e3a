"""Reference values of the truncated singular value decomposition of sparse rows (src/data/readers/reduce.rs).

    pip install scikit-learn
    python3 tests/golden/truncated_svd.py > tests/golden/truncated_svd.json

The matrix is made of whole numbers by a rule that the test repeats. scikit-learn's decomposition is the exact one
(`arpack`); of every column the sign is taken by which its largest entry is positive."""
import json

import numpy, scipy, sklearn
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD

ROWS, WIDTH, RANK = 60, 90, 6


def value(row, column):
    """Topics of ten columns, some words of which occur in rows of any other."""
    own = column // 10 == row % 7 and (row + 3 * column) % 4 != 0
    stray = (5 * row + 11 * column) % 23 == 0
    return (2 + (row * column) % 5 + 2 * (row % 7) if own else 0) + (1 if stray else 0)


matrix = csr_matrix([[float(value(row, column)) for column in range(WIDTH)] for row in range(ROWS)])
found = TruncatedSVD(n_components=RANK, algorithm="arpack").fit_transform(matrix)
order = numpy.argsort(-numpy.linalg.norm(found, axis=0))
found = found[:, order]
found *= numpy.sign(found[numpy.abs(found).argmax(axis=0), numpy.arange(RANK)])
print(
    json.dumps(
        {
            "source": f"scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy {numpy.__version__}",
            "rows": ROWS,
            "width": WIDTH,
            "rank": RANK,
            "projected": [[round(float(value), 6) for value in row] for row in found],
        }
    )
)
