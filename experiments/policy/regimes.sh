#!/bin/bash
# The table that leads README.md: the policy in seven uses, beside margin, the best hand-made rules, random and the greedy oracle.
#
#     experiments/policy/regimes.sh DATA_FOLDER PUBLIC_FOLDER [RUN_FOLDER]
#
# DATA_FOLDER holds the 22 sets of unseen.toml, PUBLIC_FOLDER those of public.py and many_classes.py. What takes long to play
# (refine asks TypiClust, the oracle trains twenty networks per query) has fewer repetitions, the first ones of the others'.
# POLICY names another policy. QUERIST, JOBS and what a run is: common.sh.
set -euo pipefail
data=${1:?the folder of the data sets}
public=${2:?the folder of the public sets}
runs=${3:-runs/regimes}
. "$(dirname "$0")/common.sh"
real=$data

# play REGIME FILE MANY FEW SETTINGS...: the same seats with many repetitions and, for what takes long, with few.
play() {
    local regime=$1 file=$2 many=$3 few=$4
    shift 4
    querist bench "$file" "$regime" "transfer.repetitions=$many" ${POLICY:+"transfer.policy=$POLICY"} \
        'transfer.strategies=["random","margin","badge","max_herding","policy"]' "$@"
    querist bench "$file" "$regime-few" "transfer.repetitions=$few" \
        'transfer.strategies=["margin","refine(margin, typiclust)","greedy_oracle"]' "$@"
}

data=$public
play public public 50 20
play many many 10 10
data=$real
play unseen unseen 30 10
play batches-5 batches 20 10
play batches-10 batches 20 10 episode.query_size=10 episode.rounds=10
play batches-20 batches 20 10 episode.query_size=20 episode.rounds=5
play long long 12 4
for regime in public unseen batches-5 batches-10 batches-20 long many; do
    python3 "$here/regimes.py" "$runs/$regime" "$runs/$regime-few"
done
