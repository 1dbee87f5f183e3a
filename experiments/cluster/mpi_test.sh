#!/bin/bash
# Training as an MPI job on this machine, for real: one, two and three ranks, and a rank killed with -9, end with the same bytes; and how
# much faster two ranks of one thread are than one.
#
#     apt-get install --no-install-recommends openmpi-bin libopenmpi-dev libclang-dev
#     cargo build --release --features mpi
#     bash experiments/cluster/mpi_test.sh target/release/querist
set -euo pipefail
program=$(realpath "${1:?the program, built with the feature mpi}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > plan.toml <<'PLAN'
name = "mpi"
[learner]
hidden = [8]
epochs = 30
[episode]
rounds = 8
[sources]
datasets = ["wine"]
synthetic = 12
validation_synthetic = 4
max_pool = 120
[train]
imitation = { episodes = 24, states = 4, candidates = 12, epochs = 3 }
dagger = { rounds = 1, episodes = 16 }
evolution = { iterations = 4, pairs = 8, tasks_per_pair = 4, validate_every = 2 }
policy_gradient = { iterations = 2, episodes = 16, validate_every = 1 }
validation_episodes = 8
PLAN
# What takes long in a training: looking ahead.
sed 's/episodes = 24, states = 4, candidates = 12/episodes = 160, states = 6, candidates = 24/; /evolution/d; /policy_gradient/d' plan.toml > long.toml
train() { mpirun --allow-run-as-root --oversubscribe -n "$1" "$program" train "$2" --mpi --jobs 1 --quiet --out "$3" >/dev/null; }
same() { cmp one/policy/policy.safetensors "$1/policy/policy.safetensors" && echo "$1: the policy of one process"; }

"$program" train plan.toml --jobs 1 --quiet --out one >/dev/null
for ranks in 1 2 3; do train $ranks plan.toml ranks-$ranks; same ranks-$ranks; done

# A rank that is lost ends the job, with an error; started again it goes on.
mpirun --allow-run-as-root --oversubscribe -n 2 "$program" train plan.toml --mpi --jobs 1 --quiet --out killed >killed.out 2>&1 & job=$!
until [ -n "$(ls killed/checkpoints 2>/dev/null)" ]; do kill -0 $job; sleep 0.1; done
kill -9 "$(pgrep -f -n "^$program train plan.toml --mpi .* --out killed")"
if wait $job; then echo "the job ended well without one of its ranks" >&2; exit 1; fi
[ ! -e killed/policy ]
train 2 plan.toml killed; same killed

# Another plan on one of the ranks is refused.
sed 's/epochs = 3/epochs = 4/' plan.toml > other.toml
if mpirun --allow-run-as-root --oversubscribe -n 1 "$program" train plan.toml --mpi --jobs 1 --quiet --out mixed : \
    -n 1 "$program" train other.toml --mpi --jobs 1 --quiet --out mixed >mixed.out 2>&1; then
    echo "ranks of two plans trained together" >&2; exit 1
fi
grep -q "another plan, other data or another binary" mixed.out
start=$(date +%s.%N); train 1 long.toml long-1; middle=$(date +%s.%N); train 2 long.toml long-2; end=$(date +%s.%N)
cmp long-1/policy/policy.safetensors long-2/policy/policy.safetensors
python3 -c "a, b, c = $start, $middle, $end; print(f'one rank {b - a:.1f} s, two {c - b:.1f} s: {(b - a) / (c - b):.2f} times as fast')"
