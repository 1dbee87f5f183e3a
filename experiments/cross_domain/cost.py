"""Seconds of processor time per episode at query size 1: python3 cost.py DATA_FOLDER [QUERIST]

By set and strategy, as Markdown, with what the whole table takes. Every strategy is run in a folder of its own
on one thread. Random's runs of one and of more repetitions tell what an episode takes and what start, reading
and report take; the latter is taken off the others' times. Processor time, so that other jobs on the machine
count for little."""
import pathlib, resource, subprocess, sys, tempfile

SETS = ["splice", "dna", "usps", "diverging_sin", "three_clust"]
STRATEGIES = ["random", "margin", "entropy", "least_confidence", "badge", "k_center", "ensemble(bald)", "typiclust",
              "greedy_oracle"]
SLOW = ["typiclust", "greedy_oracle", "ensemble(bald)"]
REPETITIONS = 50
FEW = 4

data = sys.argv[1]
querist = sys.argv[2] if len(sys.argv) > 2 else "target/release/querist"
here = pathlib.Path(__file__).parent


def seconds(name, strategy, repetitions):
    """Processor time of one run."""
    with tempfile.TemporaryDirectory() as folder:
        settings = [f'transfer.strategies=["{strategy}"]', f"transfer.repetitions={repetitions}", "transfer.block=1"]
        given = [part for setting in settings for part in ("--set", setting)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([querist, "bench", here / f"{name}.toml", "--quiet", "--jobs", "1", "--data-dir", data,
                        "--out", pathlib.Path(folder) / "run", *given],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


table = {}
for name in SETS:
    once = seconds(name, "random", 1)
    episode = (seconds(name, "random", FEW) - once) / (FEW - 1)
    table[name, "random"], start = episode, once - episode
    for strategy in STRATEGIES[1:]:
        repetitions = 1 if strategy in SLOW else FEW
        table[name, strategy] = (seconds(name, strategy, repetitions) - start) / repetitions
        print(name, strategy, f"{table[name, strategy]:.2f}", file=sys.stderr, flush=True)
print("| strategy | " + " | ".join(SETS) + " |")
print("|---" * (len(SETS) + 1) + "|")
for strategy in STRATEGIES:
    print(f"| {strategy} | " + " | ".join(f"{table[name, strategy]:.2f}" for name in SETS) + " |")
totals = [REPETITIONS * sum(table[name, strategy] for strategy in STRATEGIES) / 60 for name in SETS]
print(f"| minutes for {REPETITIONS} repetitions | " + " | ".join(f"{total:.1f}" for total in totals) + " |")
print(f"\nAll together {sum(totals):.0f} minutes of one core.")
