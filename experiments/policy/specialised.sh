#!/bin/bash
# Does a policy for one use beat the one for all? Each is made like those of ablation.toml, by imitation on 1,001
# generated tasks, but with its use alone in sight, and plays beside one that has seen everything:
#
#     experiments/policy/specialised.sh DATA_FOLDER [RUN_FOLDER]
#
# QUERIST, JOBS and what a run is: common.sh.
set -euo pipefail
data=${1:?the folder of the data sets}
runs=${2:-runs/specialised}
. "$(dirname "$0")/common.sh"

# train NAME SETTINGS...: the policy in $runs/NAME/policy.
train() {
    querist train ablation "$@"
}
# play NAME LABEL FILE SETTINGS...: the policy for all and the special one, on the same seats.
play() {
    local name=$1 label=$2 file=$3 policy
    shift 3
    for policy in all "$name"; do
        querist bench "$file" "$label-by-$policy" "transfer.policy=$runs/$policy/policy" transfer.repetitions=20 \
            'transfer.strategies=["random","margin","policy"]' "$@"
        echo "$label, by $policy: $(gain "$label-by-$policy")"
    done
}

train all
train batches "sources.randomise.query_size=[5,10,20]" "sources.randomise.rounds=[0.15,0.3,0.6]"
play batches batches-of-5 batches
play batches batches-of-20 batches episode.query_size=20 episode.rounds=5
train short "sources.randomise.rounds=[0.15,0.3,0.5]"
play short ten-rounds unseen episode.rounds=10
train linear sources.randomise.linear=1
play linear linear-classifier unseen "learner.hidden=[]"
