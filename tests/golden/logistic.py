"""Reference weights of ridge logistic regression, by scikit-learn: python tests/golden/logistic.py"""
import json, pathlib
import numpy as np
from sklearn.linear_model import LogisticRegression

cases = []
for n, width, classes, ridge in [(30, 3, 2, 1.0), (6, 4, 2, 1.0), (60, 5, 2, 0.1), (50, 4, 3, 1.0)]:
    x = np.sin(1.7 * np.arange(n * width)).astype(np.float32).reshape(n, width)
    sums = np.zeros(n, np.float32)
    for column in range(width):
        sums += x[:, column]
    value = np.sin(sums.astype(float) * 2.0 + np.arange(n) * 0.37) * classes
    y = np.abs(value).astype(np.uint32) % classes
    assert len(np.unique(y)) == classes
    x = x.astype(float)
    model = LogisticRegression(C=1 / ridge, tol=1e-12, max_iter=100_000, solver="lbfgs").fit(x, y)
    w, b = model.coef_, model.intercept_
    if classes == 2:
        w, b = np.vstack([-w / 2, w / 2]), np.array([-b[0] / 2, b[0] / 2])
    b = b - b.mean()
    loss = -model.predict_log_proba(x)[np.arange(n), y].mean()
    cases.append(dict(rows=n, width=width, classes=classes, ridge=ridge, loss=loss,
                      weights=[*w.T.ravel().tolist(), *b.tolist()]))
(pathlib.Path(__file__).parent / "logistic.json").write_text(json.dumps(dict(cases=cases), indent=1) + "\n")
