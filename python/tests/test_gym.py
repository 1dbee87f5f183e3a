"""The environments, by Gymnasium's own checks and step by step."""

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.utils.env_checker import check_env  # noqa: E402

import querist  # noqa: E402
import querist.gym  # noqa: E402


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gymnasium_finds_nothing_wrong():
    for data in ("synthetic", "iris"):
        check_env(gymnasium.make(querist.gym.ID, data=data, budget=4).unwrapped)


def test_rewards_are_gains_and_add_up():
    env = gymnasium.make(querist.gym.ID, data="iris", budget=6)
    observation, info = env.reset(seed=3)
    before, total, seen = info["accuracy"], 0.0, []
    names = querist.gym.feature_names()
    assert observation["candidates"].shape == (32, len(names[0])) and observation["globals"].shape == (len(names[1]),)
    over = False
    while not over:
        assert info["action_mask"].all()
        seen.append(info["rows"][0])
        observation, reward, over, truncated, info = env.step(0)
        total += reward
        assert not truncated and observation in env.observation_space
    assert len(seen) == len(set(seen)) == 6
    assert total == pytest.approx(info["accuracy"] - before)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)


def test_the_same_seed_is_the_same_course():
    def course(seed):
        env = gymnasium.make(querist.gym.ID, budget=3, tasks=2)
        observation, _ = env.reset(seed=seed)
        rewards = [env.step(1)[1] for _ in range(3)]
        return observation["candidates"].tobytes(), rewards

    assert course(1) == course(1) != course(2)


def test_a_vector_plays_what_its_episodes_would():
    envs = gymnasium.make_vec(querist.gym.ID, num_envs=3, vectorization_mode="vector_entry_point", data="iris", budget=2)
    observation, info = envs.reset(seed=0)
    assert observation in envs.observation_space and info["_action_mask"].all()
    envs.step(np.array([0, 1, 2]))
    _, _, over, _, _ = envs.step(np.array([3, 4, 5]))
    assert over.all()
    observation, rewards, over, truncated, _ = envs.step(np.array([0, 0, 0]))
    assert not over.any() and not truncated.any() and (rewards == 0).all()
    with pytest.raises(ValueError, match="environment 1: action 32"):
        envs.step(np.array([0, 32, 0]))


def test_arrays_of_ones_own_and_too_small_pools():
    draw = np.random.default_rng(0)
    X, y = draw.normal(size=(200, 3)), np.array(["a", "b"])[draw.integers(2, size=200)]
    env = gymnasium.make(querist.gym.ID, data=(X, y), budget=4, cap=8)
    env.reset(seed=0)
    env.step(7)
    with pytest.raises(querist.QueristError, match="cap is 500"):
        gymnasium.make(querist.gym.ID, data=(X, y), cap=500).reset(seed=0)
    with pytest.raises(querist.QueristError):
        gymnasium.make(querist.gym.ID, data="no-such-set").reset(seed=0)
