#!/bin/bash
# One benchmark as a Slurm array, one shard per task:
#
#     sbatch --array=1-8 experiments/slurm.sh experiments/cross_domain/splice.toml --data-dir DIR
#
# Submitted again, an array goes on where it stopped, also with more strategies or repetitions. Afterwards,
# for NAME as the file says:
#
#     querist report runs/NAME-bench-*of8 --out runs/NAME-bench
#
#SBATCH --job-name=querist
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
set -euo pipefail
exec "${QUERIST:-target/release/querist}" bench "$@" --quiet \
    --jobs "${SLURM_CPUS_PER_TASK:-1}" --shard "${SLURM_ARRAY_TASK_ID:?submit with --array=1-N}/${SLURM_ARRAY_TASK_COUNT}"
