"""Steps per second of the Gymnasium environment, beside one in pure Python over scikit-learn, in one process.

Both begin with a label per class on digits (1,797 rows of 64 numbers), buy 20 labels one by one, fit a network of one hidden
layer of 16 units after each (Adam, 40 passes), score the held-out rows and show 32 candidates. What is shown by the one in
Python is the sorted class probabilities alone, which is less than the fourteen features of ours; its pool is as large.

    python benches/environment.py --seconds 10
"""

import argparse
import os
import time
import warnings

# One thread for everybody: small products gain nothing by more.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

import gymnasium  # noqa: E402
import numpy as np  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import querist.gym  # noqa: E402

BUDGET, CAP = 20, 32


class Pure(gymnasium.Env):
    """The same episode over scikit-learn."""

    def __init__(self, make, pool=500):
        self.make, self.pool = make, pool
        X, self.y = load_digits(return_X_y=True)
        self.X = StandardScaler().fit_transform(X)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        order = self.np_random.permutation(len(self.X))
        self.rows, self.held = order[: self.pool], order[self.pool : 2 * self.pool]
        classes = self.y[self.rows]
        self.labelled = [int(np.flatnonzero(classes == one)[0]) for one in range(10)]
        self.before, self.bought = self.fit(), 0
        return self.observe(), {}

    def fit(self):
        self.model = self.make()
        rows = self.rows[self.labelled]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.fit(self.X[rows], self.y[rows])
        return self.model.score(self.X[self.held], self.y[self.held])

    def observe(self):
        free = np.setdiff1d(np.arange(self.pool), self.labelled)
        self.shown = self.np_random.choice(free, CAP, replace=False)
        return np.sort(self.model.predict_proba(self.X[self.rows[self.shown]]), axis=1)

    def step(self, action):
        self.labelled.append(int(self.shown[action]))
        self.bought += 1
        after = self.fit()
        reward, self.before = after - self.before, after
        return self.observe(), reward, self.bought == BUDGET, False, {}


def steps_per_second(env, seconds):
    """Wall and processor seconds count; the first episode does not."""
    env.reset(seed=0)
    over = False
    while not over:
        over = env.step(0)[2]
    steps, wall, cores = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        env.reset()
        over = False
        while not over:
            over = env.step(0)[2]
            steps += 1
    return steps / (time.perf_counter() - wall), steps / (time.process_time() - cores)


def vector_steps_per_second(lanes, seconds):
    envs = gymnasium.make_vec(
        querist.gym.ID, num_envs=lanes, vectorization_mode="vector_entry_point", data="digits", budget=BUDGET, tasks=1
    )
    envs.reset(seed=0)
    actions = np.zeros(lanes, dtype=int)
    for _ in range(BUDGET + 1):
        envs.step(actions)
    steps, wall, cores = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        for _ in range(BUDGET + 1):
            envs.step(actions)
        # The step that begins new episodes buys nothing.
        steps += lanes * BUDGET
    return steps / (time.perf_counter() - wall), steps / (time.process_time() - cores)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="for each environment")
    seconds = parser.parse_args().seconds
    network = lambda: MLPClassifier((16,), learning_rate_init=0.01, batch_size=64, max_iter=40)  # noqa: E731
    ours = gymnasium.make(querist.gym.ID, data="digits", budget=BUDGET, tasks=1).unwrapped
    rows = [
        ("scikit-learn, MLPClassifier", *steps_per_second(Pure(network), seconds)),
        ("scikit-learn, LogisticRegression", *steps_per_second(Pure(lambda: LogisticRegression()), seconds)),
        ("querist, one episode", *steps_per_second(ours, seconds)),
        *((f"querist, {lanes} in lock-step", *vector_steps_per_second(lanes, seconds)) for lanes in (16, 64)),
    ]
    print("| environment | steps per second | per processor second |\n|---|---|---|")
    for name, wall, cores in rows:
        print(f"| {name} | {wall:.0f} | {cores:.0f} |")


if __name__ == "__main__":
    main()
