"""How long a table takes to be read and described, beside pandas and pyarrow.

    pip install pandas pyarrow
    python3 benches/reading.py                  # a table of a gigabyte as CSV, and the same as Parquet
    python3 benches/reading.py --rows 300000    # a smaller one

`querist data describe` reads the file, infers what its columns hold, takes a digest and looks for rows that repeat others;
pandas and pyarrow read it. Each runs as a process of its own, in turn; the fastest of `--repeats` counts. Seconds are those of
the processor (all threads), memory is the most that a process held."""
import argparse, multiprocessing, os, pathlib, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = 40


def write(folder, rows):
    import numpy as np, pandas as pd

    numbers = np.random.default_rng(0).standard_normal((rows, COLUMNS)).astype("f4")
    table = pd.DataFrame(numbers, columns=[f"x{at}" for at in range(COLUMNS)])
    table["label"] = np.where(numbers[:, 0] + numbers[:, 1] > 0, "yes", "no")
    table.to_csv(folder / "table.csv", index=False)
    table.to_parquet(folder / "table.parquet")


def measured(command):
    """Processor seconds and megabytes of one run."""
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command}: status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_300_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--querist", default=str(ROOT / "target/release/querist"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        # In a process of its own: what this one holds would count as the least that those it starts have held.
        writer = multiprocessing.get_context("spawn").Process(target=write, args=(folder, args.rows))
        writer.start()
        writer.join()
        if writer.exitcode != 0:
            sys.exit("the tables were not written")
        print("| file | MB | reader | processor seconds | ratio | MB held |\n|---|---|---|---|---|---|")
        for name, peers in {
            "table.csv": {"pandas": "import pandas; pandas.read_csv(r'{}')", "pyarrow": "import pyarrow.csv as c; c.read_csv(r'{}')"},
            "table.parquet": {"pandas": "import pandas; pandas.read_parquet(r'{}')", "pyarrow": "import pyarrow.parquet as p; p.read_table(r'{}')"},
        }.items():
            path = folder / name
            commands = {"querist": [args.querist, "data", "describe", str(path)]}
            commands |= {peer: [sys.executable, "-c", code.format(path)] for peer, code in peers.items()}
            best = {}
            for _ in range(args.repeats):
                for who, command in commands.items():
                    seconds, held = measured(command)
                    best[who] = min(best.get(who, (seconds, held)), (seconds, held))
            for who, (seconds, held) in best.items():
                ratio = best["querist"][0] / seconds
                print(f"| {name} | {path.stat().st_size / 1e6:.0f} | {who} | {seconds:.2f} | {ratio:.1f} | {held:.0f} |")


if __name__ == "__main__":
    main()
