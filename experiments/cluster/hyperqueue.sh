#!/bin/bash
# One comparison or one training through HyperQueue (it-4i.github.io/hyperqueue), one shard per task:
#
#     hq server start &                                  # on a login node
#     hq worker start &                                  # on each machine, or: hq alloc add slurm --time-limit 4h
#     experiments/cluster/hyperqueue.sh 8 train experiments/policy/universal.toml
#
# Tasks of lost workers are run again, up to --crash-limit times. For a training, all shards should run at once: the first
# one alone is enough for it to end, and the others help as they come. The folder must be one that all machines see.
set -euo pipefail
shards=${1:?the number of shards}
shift
exec hq submit --wait --name querist --array "1-$shards" --cpus "${CPUS:-2}" --crash-limit 3 -- \
    bash -c 'exec "${QUERIST:-target/release/querist}" "${@:2}" --quiet --jobs "$1" --shard "$HQ_TASK_ID/'"$shards"'"' \
    querist "${CPUS:-2}" "$@"
