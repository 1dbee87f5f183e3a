"""The compiled part. What is public is in the package itself."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__version__: str

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

class Policy:
    @staticmethod
    def load(name: str) -> Policy: ...
    @property
    def name(self) -> str: ...
    def card_json(self) -> str: ...

class Selector:
    @staticmethod
    def of_strategy(specification: str, own: dict[str, Callable[..., Any]] | None) -> Selector: ...
    @staticmethod
    def of_policy(policy: Policy) -> Selector: ...
    def needs(self) -> list[list[str]]: ...
    def is_score(self) -> bool: ...
    def select(
        self,
        x: Floats,
        *,
        labelled: Integers,
        labels: Integers | None,
        probabilities: Floats | None,
        passes: Sequence[Floats],
        committee: Sequence[Floats],
        embeddings: Floats | None,
        head: tuple[Floats, Floats] | None,
        temperature: float | None,
        classes: int | None,
        budget: int | None,
        batch: int,
        seed: int,
        normalise: bool,
    ) -> tuple[Integers, npt.NDArray[np.float64] | None, str | None, int, int, float]: ...

class Pool:
    @staticmethod
    def of_arrays(x: Floats, y: Integers, classes: int, seed: int, most: int) -> Pool: ...
    @staticmethod
    def of_name(name: str, data_dir: str | None, seed: int, most: int) -> Pool: ...
    @staticmethod
    def of_family(index: int, seed: int, most: int) -> Pool: ...
    def shape(self) -> tuple[str, int, int, int]: ...

class Episodes:
    @staticmethod
    def reset(
        pools: Sequence[Pool],
        seeds: Sequence[int],
        *,
        budget: int,
        cap: int,
        hidden: Sequence[int],
        epochs: int,
    ) -> Episodes: ...
    def observe(self) -> tuple[Floats, Floats, npt.NDArray[np.int8], Integers]: ...
    def step(self, actions: Sequence[int]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]: ...
    def accuracies(self) -> npt.NDArray[np.float64]: ...

class Run:
    @property
    def dir(self) -> os.PathLike[str]: ...
    @property
    def report(self) -> os.PathLike[str]: ...
    @property
    def policy(self) -> os.PathLike[str] | None: ...
    @property
    def warnings(self) -> list[str]: ...
    @property
    def rows_digest(self) -> str: ...
    @property
    def failures(self) -> list[tuple[str, str]]: ...
    def parquet(self) -> bytes: ...
    def table(self, subject: str | None) -> str: ...
    def verdict_json(self) -> str: ...

def schema() -> tuple[list[str], list[str], int]: ...
def strategies() -> str: ...
def policies() -> list[str]: ...
def main(arguments: list[str]) -> int: ...
class Judged:
    def table(self) -> str: ...
    def verdict_json(self) -> str: ...
    def html(self, title: str) -> str: ...
    def parquet(self) -> bytes: ...

def judge(rows: str, subject: str, seed: int) -> Judged: ...
def run(
    plan: str | None,
    file: str | None,
    is_json: bool,
    *,
    sets: list[str],
    seed: int | None,
    data_dir: str | None,
    out: str | None,
    jobs: int | None,
    fresh: bool,
    progress: Callable[[str, int, int], Any] | None,
    strategies: dict[str, Callable[..., Any]] | None,
) -> Run: ...

class Session:
    @staticmethod
    def create(
        dir: str,
        pool: str,
        *,
        features: list[str],
        label: str | None,
        id: str | None,
        columns: list[str],
        ignore: list[str],
        separator: str | None,
        header: bool | None,
        decimal: str | None,
        inputs: str | None,
        channels: str | None,
        base: int | None,
        hash: int | None,
        svd: int | None,
        classes: list[str],
        policy: str,
        strategy: str | None,
        start: str | None,
        initial: int | None,
        batch: int,
        budget: int | None,
        lease: int | None,
        price: str | None,
        prices: dict[str, float] | None,
        spend: float | None,
        think: int,
        seed: int,
        task: str,
        label_separator: str | None,
    ) -> Session: ...
    @staticmethod
    def open(dir: str) -> Session: ...
    def ask(self, count: int | None, annotator: str | None) -> str: ...
    def tell(self, answers: list[tuple[int | None, str | None, str]], annotator: str | None) -> str: ...
    def release(self, rows: list[int] | None) -> int: ...
    def status(self) -> tuple[str, str]: ...
    def predict(self) -> bytes: ...
    def labels(self) -> bytes: ...
    def map(self, most: int) -> str: ...
    def content(self, row: int) -> str: ...
