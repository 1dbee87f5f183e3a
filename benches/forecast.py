"""Compares what `querist run --dry-run` forecasts with what the run takes, on four plans.

    cargo build --release && python3 benches/forecast.py [--querist target/release/querist] [PLAN ...]

PLANs are `smoke`, `quickstart`, `universal` and `own`; all four by default. Prints core seconds and the peak of the
resident memory, forecast and taken, and the ratio of the two (over one: too much was forecast). Standard library only.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile


def table(path, seed, rows, width, classes):
    """Gaussian clusters, one per class, as a CSV file."""
    draw = random.Random(seed)
    centres = [[draw.gauss(0, 1.5) for _ in range(width)] for _ in range(classes)]
    with open(path, "w") as file:
        file.write(",".join(f"x{i}" for i in range(width)) + ",label\n")
        for _ in range(rows):
            label = draw.randrange(classes)
            numbers = ",".join(f"{centre + draw.gauss(0, 1.2):.4f}" for centre in centres[label])
            file.write(f"{numbers},c{label}\n")


def own(folder):
    """A training of one's own: two files as sources, a third as the target."""
    for name, seed, rows, width, classes in [("one", 1, 600, 8, 3), ("two", 2, 900, 16, 4), ("three", 3, 1200, 10, 3)]:
        table(os.path.join(folder, f"{name}.csv"), seed, rows, width, classes)
    plan = os.path.join(folder, "own.toml")
    with open(plan, "w") as file:
        files = [f'{{ file = "{os.path.join(folder, name)}.csv" }}' for name in ("one", "two", "three")]
        file.write(f"[sources]\ndatasets = [{files[0]}, {files[1]}]\n[train]\n[transfer]\ntargets = [{files[2]}]\n")
    return plan


def taken(command):
    """Core seconds and peak megabytes of a command that succeeds."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: {errors.decode()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--querist", default="target/release/querist")
    parser.add_argument("plans", nargs="*", default=["smoke", "quickstart", "universal", "own"])
    args = parser.parse_args()
    print("| plan | core s, forecast | taken | ratio | MB, forecast | taken | ratio | measured for |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        plans = {
            "smoke": ["run", "experiments/smoke.toml"],
            "quickstart": ["run", "experiments/quickstart.toml"],
            "universal": ["train", "experiments/policy/universal.toml", "--set", "sources.synthetic=252", "--set", "train.evolution.iterations=0"],
            "own": ["run", own(folder)],
        }
        for name in args.plans:
            command = [args.querist, *plans[name]]
            forecast = json.loads(subprocess.run([*command, "--dry-run", "--json"], check=True, capture_output=True).stdout)
            seconds, megabytes = taken([*command, "--quiet", "--out", os.path.join(folder, name)])
            print(
                f"| {name} | {forecast['core_seconds']:.1f} | {seconds:.1f} | {forecast['core_seconds'] / seconds:.2f} "
                f"| {forecast['memory_mb']:.0f} | {megabytes:.0f} | {forecast['memory_mb'] / megabytes:.2f} "
                f"| {forecast['took']:.1f} s |",
                flush=True,
            )


main()
