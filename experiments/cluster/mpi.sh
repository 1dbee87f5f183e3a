#!/bin/bash
#SBATCH --job-name=querist
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=32
#SBATCH --requeue
# A training as one MPI job: sbatch experiments/cluster/mpi.sh FILE [OPTIONS OF querist train]
#
# The program is built with `cargo build --release --features mpi`. A node that is lost ends the job; Slurm starts it again, and it goes on from
# the journal and the checkpoints in the run's folder, which all nodes see.
set -euo pipefail
srun --kill-on-bad-exit=1 "${QUERIST:-querist}" train "$@" --mpi --jobs "${SLURM_CPUS_PER_TASK:-1}" --quiet
