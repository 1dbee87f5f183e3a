#!/bin/bash
# One comparison or one training as a Slurm array, one shard per task:
#
#     sbatch --array=1-8 experiments/cluster/slurm.sh bench experiments/cross_domain/splice.toml --data-dir DIR
#     sbatch --array=1-8 experiments/cluster/slurm.sh train experiments/policy/universal.toml
#
# Slurm itself runs the task of a lost node again, but not a task whose process was killed, as for want of memory. So a
# task that failed is put back into the queue, up to QUERIST_RESTARTS times (3); bad input (exit code 2), which would fail
# again, is not. A shard goes on where it stopped, and so does the same sbatch, also with more strategies or repetitions.
# The folder must be one that all nodes see. Afterwards, for NAME as the file says:
#
#     querist report runs/NAME-bench-*of8 --out runs/NAME-bench          # joins the shards of a comparison
#     querist train FILE                                                 # finds the training done, or what is wrong
#
#SBATCH --job-name=querist
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
status=0
"${QUERIST:-target/release/querist}" "$@" --quiet --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --shard "${SLURM_ARRAY_TASK_ID:?submit with --array=1-N}/${SLURM_ARRAY_TASK_COUNT}" || status=$?
if [ "$status" -ne 0 ] && [ "$status" -ne 2 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt "${QUERIST_RESTARTS:-3}" ]; then
    echo "exit code $status; back into the queue after ${SLURM_RESTART_COUNT:-0} restarts" >&2
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
