"""One comparison or one training through Ray, one shard per task:

    python experiments/cluster/ray_shards.py --shards 8 -- train experiments/policy/universal.toml

Where a cluster runs (`ray start`), RAY_ADDRESS names it; otherwise the tasks run on this machine. A task whose process or node is
lost is run again, up to three times; one that refuses its input (exit code 2) is not. The working folder must be one that
all machines see.
"""

import argparse
import os
import subprocess
import sys

import ray

BAD_INPUT = 2


class Lost(Exception):
    """A shard whose process did not come to its end."""


def run(program: list[str], arguments: list[str], folder: str, cpus: int, shard: str) -> int:
    command = [*program, *arguments, "--quiet", "--jobs", str(cpus), "--shard", shard]
    code = subprocess.run(command, cwd=folder).returncode
    if code not in (0, BAD_INPUT):
        raise Lost(f"shard {shard}: exit code {code}")
    return code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--cpus", type=int, default=1, help="threads of each shard")
    parser.add_argument("--querist", default=os.environ.get("QUERIST", "target/release/querist"))
    parser.add_argument("arguments", nargs="+", help="what querist is told, after --")
    args = parser.parse_args()
    ray.init()
    shard = ray.remote(num_cpus=args.cpus, max_retries=3, retry_exceptions=[Lost])(run)
    program = [os.path.abspath(args.querist)]
    tasks = [
        shard.remote(program, args.arguments, os.getcwd(), args.cpus, f"{number}/{args.shards}")
        for number in range(1, args.shards + 1)
    ]
    return max(ray.get(tasks))


if __name__ == "__main__":
    sys.exit(main())
