"""Simulated labelling as a Gymnasium environment: ``pip install "querist[gym]"``.

>>> import gymnasium, querist.gym
>>> env = gymnasium.make("querist/PoolAL-v0", data="iris", budget=5)
>>> observation, info = env.reset(seed=0)
>>> observation["candidates"].shape, observation["globals"].shape
((32, 14), (7,))

An episode begins with one label per class. An action is the place of a candidate among those that are shown, whose label is then
bought, and a small network is fitted anew; the reward is the gain in accuracy on rows that are held out. What is
shown of a candidate does not depend on the data set's size, width and classes (:func:`feature_names`), so that a policy
that was learned on some can be tried on others.

``make_vec("querist/PoolAL-v0", num_envs=16)`` plays episodes in lock-step, whose networks are fitted side by side. All end
together, and the step after the last is a reset (``AutoresetMode.NEXT_STEP``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from . import _querist
from ._arrays import count, floats, shaped
from ._errors import QueristError

#: The name that both environments are registered under.
ID = "querist/PoolAL-v0"
# What a feature can be at most: logarithms are cut at 3, quantiles lie within 1.
_LIMIT = 100.0


def feature_names() -> tuple[list[str], list[str]]:
    """What the columns of ``candidates`` and of ``globals`` are."""
    candidate, overall, _ = _querist.schema()
    return candidate, overall


class _Pools:
    """Pools to play on, made when they are first asked for."""

    def __init__(self, data: Any, first_task: int, tasks: int, max_pool: int, data_dir: Any) -> None:
        self.first, self.tasks = count("first_task", first_task), count("tasks", tasks, 1)
        self.max_pool = count("max_pool", max_pool, 2)
        self.data_dir = None if data_dir is None else os.fspath(data_dir)
        self.made: dict[int, _querist.Pool] = {}
        self.name: str | None = None
        if isinstance(data, (str, os.PathLike)):
            self.name = os.fspath(data)
            return
        X, y = data
        self.inputs = floats("X", X, 2)
        names = shaped("y", np.asarray(y), 1)
        self.classes, numbers = np.unique(names, return_inverse=True)
        self.labels = np.ascontiguousarray(numbers, dtype=np.int64)

    def drawn(self, draw: np.random.Generator) -> _querist.Pool:
        return self.get(self.first + int(draw.integers(self.tasks)))

    def get(self, index: int) -> _querist.Pool:
        if index not in self.made:
            if self.name == "synthetic":
                self.made[index] = _querist.Pool.of_family(index, 0, self.max_pool)
            elif self.name is not None:
                self.made[index] = _querist.Pool.of_name(self.name, self.data_dir, index, self.max_pool)
            else:
                self.made[index] = _querist.Pool.of_arrays(
                    self.inputs, self.labels, len(self.classes), index, self.max_pool
                )
        return self.made[index]


class _Environments:
    """Episodes in lock-step, as both environments step through them."""

    def __init__(
        self,
        num_envs: int,
        data: Any,
        budget: int,
        cap: int,
        hidden: Sequence[int],
        epochs: int,
        first_task: int,
        tasks: int,
        max_pool: int,
        data_dir: Any,
    ) -> None:
        self.count, self.budget, self.cap = num_envs, count("budget", budget, 1), count("cap", cap, 1)
        self.hidden, self.epochs = [count("hidden", width, 1) for width in hidden], count("epochs", epochs, 1)
        self.pools = _Pools(data, first_task, tasks, max_pool, data_dir)
        self.episodes: _querist.Episodes | None = None
        candidate, overall = feature_names()
        self.space = Dict(
            {
                "candidates": Box(-_LIMIT, _LIMIT, (self.cap, len(candidate)), np.float32),
                "globals": Box(-_LIMIT, _LIMIT, (len(overall),), np.float32),
            }
        )

    def reset(self, draw: np.random.Generator) -> None:
        pools = [self.pools.drawn(draw) for _ in range(self.count)]
        for pool in pools:
            name, rows, _, classes = pool.shape()
            if rows - classes - self.budget + 1 < self.cap:
                raise QueristError(
                    f"cap is {self.cap}, but the pool of {name} has {rows} rows, of which a budget of {self.budget} "
                    f"leaves {rows - classes - self.budget + 1} before the last query",
                    kind="Cap",
                    place="cap",
                    found=self.cap,
                    expected=rows - classes - self.budget + 1,
                )
        seeds = [int(seed) for seed in draw.integers(2**63 - 1, size=self.count)]
        self.episodes = _querist.Episodes.reset(
            pools, seeds, budget=self.budget, cap=self.cap, hidden=self.hidden, epochs=self.epochs
        )

    def observe(self) -> tuple[dict[str, Any], dict[str, Any]]:
        assert self.episodes is not None
        features, overall, mask, rows = self.episodes.observe()
        return {"candidates": features, "globals": overall}, {
            "action_mask": mask,
            "rows": rows,
            "accuracy": self.episodes.accuracies(),
        }

    def step(self, actions: Any) -> tuple[Any, Any]:
        if self.episodes is None:
            raise gymnasium.error.ResetNeeded("reset the environment before its first step")
        return self.episodes.step([int(action) for action in actions])


class PoolAL(gymnasium.Env[dict[str, Any], Any]):
    """One episode at a time.

    Parameters
    ----------
    data
        ``"synthetic"``, generated tasks as policies are trained on; the name or path of a data set (``"iris"``); or a pair
        ``(X, y)``.
    budget
        Labels to be bought: steps of an episode.
    cap
        Candidates that are shown, drawn anew at every step. There are always as many.
    hidden, epochs
        The network that is fitted: widths of its hidden layers, and passes over the labels at each fit.
    first_task, tasks
        Numbers of the generated tasks, or of the splits of the data set: ``tasks`` of them from ``first_task`` on. Each episode
        draws one.
    max_pool
        At most this many rows in a pool.
    data_dir
        Where data sets are found by name.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(
        self,
        data: Any = "synthetic",
        *,
        budget: int = 20,
        cap: int = 32,
        hidden: Sequence[int] = (16,),
        epochs: int = 40,
        first_task: int = 0,
        tasks: int = 16,
        max_pool: int = 500,
        data_dir: Any = None,
        render_mode: None = None,
    ) -> None:
        self.render_mode = render_mode
        self._environments = _Environments(1, data, budget, cap, hidden, epochs, first_task, tasks, max_pool, data_dir)
        self.observation_space = self._environments.space
        self.action_space = Discrete(self._environments.cap)
        self._over = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A new episode. ``info`` has ``action_mask [cap]``, the candidates' ``rows [cap]``, and the ``accuracy``."""
        super().reset(seed=seed)
        self._environments.reset(self.np_random)
        self._over = False
        return self._first(*self._environments.observe())

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Buys the label of the candidate at place ``action``."""
        if self._over:
            raise gymnasium.error.ResetNeeded("the episode is over: reset the environment")
        rewards, over = self._environments.step([action])
        self._over = bool(over[0])
        observation, info = self._first(*self._environments.observe())
        return observation, float(rewards[0]), self._over, False, info

    @staticmethod
    def _first(observation: dict[str, Any], info: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {key: value[0] for key, value in observation.items()}, {key: value[0] for key, value in info.items()}


class PoolALVector(VectorEnv[dict[str, Any], Any, Any]):
    """``num_envs`` episodes in lock-step; see :class:`PoolAL` for the other parameters."""

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        num_envs: int = 1,
        data: Any = "synthetic",
        *,
        budget: int = 20,
        cap: int = 32,
        hidden: Sequence[int] = (16,),
        epochs: int = 40,
        first_task: int = 0,
        tasks: int = 16,
        max_pool: int = 500,
        data_dir: Any = None,
        render_mode: None = None,
    ) -> None:
        self.num_envs = count("num_envs", num_envs, 1)
        self.render_mode = render_mode
        self._environments = _Environments(self.num_envs, data, budget, cap, hidden, epochs, first_task, tasks, max_pool, data_dir)
        self.single_observation_space = self._environments.space
        self.single_action_space = Discrete(self._environments.cap)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = MultiDiscrete([self._environments.cap] * self.num_envs)
        self._over = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """New episodes; ``info`` has arrays with a row per episode."""
        super().reset(seed=seed)
        self._environments.reset(self.np_random)
        self._over = False
        return self._observed()

    def step(self, actions: Any) -> tuple[dict[str, Any], Any, Any, Any, dict[str, Any]]:
        """Buys one label in every episode; after the last, begins new ones, whatever the actions."""
        none = np.zeros(self.num_envs, dtype=np.bool_)
        if self._over:
            self._environments.reset(self.np_random)
            self._over = False
            observation, info = self._observed()
            return observation, np.zeros(self.num_envs), none, none.copy(), info
        rewards, over = self._environments.step(actions)
        self._over = bool(over.all())
        observation, info = self._observed()
        return observation, rewards, over, none, info

    def _observed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        observation, info = self._environments.observe()
        there = np.ones(self.num_envs, dtype=np.bool_)
        return observation, info | {f"_{key}": there for key in info}


gymnasium.register(ID, entry_point="querist.gym:PoolAL", vector_entry_point="querist.gym:PoolALVector")
