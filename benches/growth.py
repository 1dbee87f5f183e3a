"""How the cost of a query grows: processor time against pool, width, classes, labels and batch, with fitted exponents; and that
of whole episodes against seeds and threads.

    pip install numpy matplotlib
    python3 benches/growth.py target/release/querist --plot benches/growth.svg      # tables, and a plot
    python3 benches/growth.py target/release/querist --only badge,margin

One factor is varied at a time, the others stay at 20,000 rows, 64 columns, 10 classes, 100 labels and a batch of 100.
Arrays are random numbers of a fixed seed without structure: inputs, probabilities, twenty stochastic passes, five committee members and a
last layer. A time is the least of several runs of `querist select`, user and system time of the process, with the time of `random` on the
same arrays, which is reading, taken off. The exponent is the slope of the logarithms by least squares; times of less than five
hundredths of a second, which are mostly start-up, are left out of it. A strategy is not tried again once a selection has taken it longer
than `--limit` seconds. Strategies that need more than arrays (labels to simulate, a network) are named and left out.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BASE = {"rows": 20_000, "width": 64, "classes": 10, "labels": 100, "batch": 100}
FACTORS = {
    "rows": [10_000, 20_000, 40_000, 80_000],
    "width": [16, 64, 256],
    "classes": [2, 10, 50],
    "labels": [10, 100, 1_000],
    "batch": [10, 100, 1_000],
}
PASSES, MEMBERS = 20, 5
SEEDS = [8, 16, 32, 64]
THREADS = [1, 2]
# Below it a difference is start-up and reading.
LEAST = 0.05


def arrays(folder: Path, rows: int, width: int, classes: int, labels: int) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    name = f"{rows}-{width}-{classes}-{labels}"
    ends = {"pool": "npy", "proba": "npy", "passes": "npy", "committee": "npy", "head": "npz", "labelled": "csv"}
    paths = {f"--{part}": folder / f"{name}-{part}.{end}" for part, end in ends.items()}
    np.save(paths["--pool"], rng.standard_normal((rows, width), dtype=np.float32))
    logits = 2 * rng.standard_normal((rows, classes), dtype=np.float32)

    def draws(count: int) -> np.ndarray:
        weights = np.exp(logits + rng.standard_normal((count, rows, classes), dtype=np.float32))
        return weights / weights.sum(-1, keepdims=True)

    np.save(paths["--passes"], draws(PASSES))
    np.save(paths["--committee"], draws(MEMBERS))
    weights = np.exp(logits)
    np.save(paths["--proba"], weights / weights.sum(1, keepdims=True))
    head = {"W": rng.standard_normal((classes, width), dtype=np.float32), "b": np.zeros(classes, np.float32)}
    np.savez(paths["--head"], **head)
    lines = (f"{at * rows // labels},{at % classes}\n" for at in range(labels))
    paths["--labelled"].write_text("".join(lines))
    return paths


def processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def needed(needs: dict) -> list[str]:
    """The arrays that a strategy is given."""
    flags = ["--pool", "--labelled"]
    flags += ["--passes"] if needs["passes"] else []
    flags += ["--committee"] if needs["committee"] else []
    flags += ["--head"] if needs["head"] else []
    return flags + ["--proba"]


def seconds(program: str, strategy: str, paths: dict[str, Path], flags: list[str], batch: int, repeats: int) -> float | None:
    """Processor time of a selection; None where it is refused."""
    command = [program, "select", "--strategy", strategy, "--batch", str(batch), "--json", "-q"]
    command += [str(word) for flag in flags for word in (flag, paths[flag])]
    least = math.inf
    for _ in range(repeats):
        before = processor()
        if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            return None
        taken = processor() - before
        least = min(least, taken)
        if taken > 2:
            break
    return least


def exponent(values: list[int], times: list[float]) -> str:
    points = [(math.log(v), math.log(t)) for v, t in zip(values, times) if t >= LEAST]
    if len(points) < 2:
        return "–"
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return f"{slope:.2f}" + ("" if len(points) == len(values) else f" ({len(points)} points)")


def selections(program: str, only: list[str] | None, repeats: int, limit: float, folder: Path) -> dict:
    """Times by strategy and factor."""
    listed = json.loads(subprocess.run([program, "strategies", "--json"], check=True, capture_output=True).stdout)
    needs = {one["name"]: one["needs"] for one in listed if one["name"] not in ("random", "external")}
    chosen = [name for name in needs if only is None or name in only]
    found: dict[str, dict[str, list[float]]] = {}
    refused: set[str] = set()
    dear: set[str] = set()
    for factor, values in FACTORS.items():
        for value in values:
            setting = BASE | {factor: value}
            batch = setting.pop("batch")
            paths = arrays(folder, **setting)
            reading: dict[tuple[str, ...], float] = {}
            for name in chosen:
                times = found.setdefault(name, {}).setdefault(factor, [])
                if name in refused or name in dear:
                    continue
                flags = needed(needs[name])
                key = tuple(flags)
                if key not in reading:
                    reading[key] = seconds(program, "random", paths, flags, batch, repeats) or 0.0
                taken = seconds(program, name, paths, flags, batch, repeats)
                if taken is None:
                    refused.add(name)
                else:
                    times.append(max(taken - reading[key], 0.0))
                    dear |= {name} if taken > limit else set()
            for path in paths.values():
                path.unlink()
    if refused:
        print(f"Left out, since arrays alone are not enough for them: {', '.join(sorted(refused))}.\n")
    return {name: times for name, times in found.items() if name not in refused}


def episodes(program: str, folder: Path) -> dict[str, list[float]]:
    """Processor time of whole benches against seeds, and time by the clock against threads."""

    def bench(repetitions: int, jobs: int) -> tuple[float, float]:
        plan = folder / "plan.toml"
        plan.write_text(
            'episode = { query_size = 10, rounds = 20 }\n[transfer]\ntargets = ["digits"]\n'
            f'strategies = ["random", "margin"]\nrepetitions = {repetitions}\n'
        )
        before, start = processor(), time.perf_counter()
        out = folder / f"run-{repetitions}-{jobs}-{start}"
        command = [program, "bench", str(plan), "--jobs", str(jobs), "--out", str(out), "-q"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return processor() - before, time.perf_counter() - start

    seeds = [min(bench(count, 1)[0] for _ in range(3)) for count in SEEDS]
    threads = [min(bench(SEEDS[-1], jobs)[1] for _ in range(3)) for jobs in THREADS]
    return {"seeds": seeds, "threads": threads}


def plot(found: dict, to: str) -> None:
    """A panel per factor, a line per strategy that takes a tenth of a second somewhere; the ten dearest are named."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "growth"
    import matplotlib.pyplot as plt

    slow = {name for name, times in found.items() if max(max(times.get(f, []), default=0) for f in FACTORS) >= 0.1}
    dearest = sorted(slow, key=lambda name: -found[name]["rows"][1] if len(found[name]["rows"]) > 1 else 0)[:10]
    figure, panels = plt.subplots(1, len(FACTORS), figsize=(15, 4), sharey=True, layout="constrained")
    for panel, (factor, values) in zip(panels, FACTORS.items()):
        for name in sorted(slow):
            points = [(v, t) for v, t in zip(values, found[name].get(factor, [])) if t >= LEAST]
            colour = f"C{dearest.index(name)}" if name in dearest else "0.8"
            label = name if name in dearest else None
            panel.loglog([v for v, _ in points], [t for _, t in points], "o-", ms=3, color=colour, label=label)
        panel.set(xlabel=factor)
        panel.set_xticks(values, [f"{value:,}" for value in values], minor=False)
        panel.minorticks_off()
    panels[0].set(ylabel="processor seconds")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(to, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--limit", type=float, default=20.0)
    parser.add_argument("--plot")
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    with tempfile.TemporaryDirectory() as folder:
        found = selections(program, args.only, args.repeats, args.limit, Path(folder))
        whole = episodes(program, Path(folder))
    print("| strategy | " + " | ".join(f"{f}: {', '.join(f'{v:,}' for v in vs)}" for f, vs in FACTORS.items()) + " |")
    print("|---|" + "---|" * len(FACTORS))
    for strategy, times in found.items():
        cells = (
            f"{', '.join(f'{t:.2f}' for t in times.get(factor, []))}; **{exponent(values, times.get(factor, []))}**"
            for factor, values in FACTORS.items()
        )
        print(f"| {strategy} | " + " | ".join(cells) + " |")
    seeds, threads = whole["seeds"], whole["threads"]
    print(f"\nEpisodes: {SEEDS} seeds {[round(t, 2) for t in seeds]} processor seconds, exponent {exponent(SEEDS, seeds)};")
    print(f"{THREADS} threads {[round(t, 2) for t in threads]} s by the clock, exponent {exponent(THREADS, threads)}.")
    if args.plot:
        plot(found, args.plot)
    json.dump(found | {"episodes": whole}, sys.stderr)


if __name__ == "__main__":
    main()
