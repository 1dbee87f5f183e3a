"""A comparison and a training through HyperQueue's server and two of its workers on this machine: the results of one process.

    pip install hyperqueue==0.27.0
    python experiments/cluster/hyperqueue_shards.py target/release/querist

The package on PyPI brings server and workers as a library and no program `hq`, with which `hyperqueue.sh` submits the same tasks.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

SHARDS = 3
PLAN = """
name = "hq"
[learner]
hidden = [8]
[episode]
rounds = 6
[sources]
datasets = ["wine"]
synthetic = 8
validation_synthetic = 4
max_pool = 120
[train]
imitation = { episodes = 24, states = 4, candidates = 12, epochs = 3 }
dagger = { rounds = 1, episodes = 16 }
validation_episodes = 8
"""
COMPARISON = """
name = "hq"
[learner]
hidden = [8]
[episode]
rounds = 6
[transfer]
targets = ["iris", "wine"]
strategies = ["margin", "random", "k_center"]
repetitions = 6
"""


def together(client, folder, commands):
    """All of these commands as tasks of one job, to its end; what they print lies in the folder."""
    job = Job(default_workdir=folder)
    for command in commands:
        job.program([str(word) for word in command])
    client.wait_for_jobs([client.submit(job)])


def digest(querist, folder, *runs):
    """The digest of the joined rows of runs."""
    command = [str(word) for word in (querist, "report", *runs, "--out", folder, "--json")]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[0]["rows_digest"]


def main():
    querist = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "train.toml").write_text(PLAN)
        (folder / "bench.toml").write_text(COMPARISON)
        own = ["--quiet", "--jobs", "1"]
        with LocalCluster(server_dir=str(folder / "server")) as cluster:
            for _ in range(2):
                cluster.start_worker(WorkerConfig(cores=2))
            client = cluster.client()
            shard = [f"{at + 1}/{SHARDS}" for at in range(SHARDS)]
            bench = [querist, "bench", folder / "bench.toml", *own]
            together(client, folder, [[*bench, "--shard", one, "--out", folder / f"part-{one[0]}"] for one in shard])
            train = [querist, "train", folder / "train.toml", *own]
            together(client, folder, [[*train, "--shard", one, "--out", folder / "trained"] for one in shard])
        parts = [folder / f"part-{one[0]}" for one in shard]
        subprocess.run([*bench, "--out", folder / "whole"], check=True, capture_output=True)
        joined = digest(querist, folder / "joined", *parts)
        assert joined == digest(querist, folder / "again", folder / "whole"), "the rows of the shards are others"
        subprocess.run([*train, "--out", folder / "alone"], check=True, capture_output=True)
        policies = [(folder / run / "policy/policy.safetensors").read_bytes() for run in ("trained", "alone")]
        assert policies[0] == policies[1], "the policy of the shards is another"
        print(f"{SHARDS} shards of a comparison and of a training: rows {joined[:12]} and the policy of one process")


main()
