#!/bin/bash
# Does a policy for one use beat the one for all? Each is made like those of ablation.toml, by imitation on 1,001
# generated tasks, but with its use alone in sight, and plays beside one that has seen everything:
#
#     experiments/policy/specialised.sh DATA_FOLDER [RUN_FOLDER]
#
# Each run goes on where it stopped; QUERIST names the binary, JOBS the threads.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:?the folder of the data sets}
runs=${2:-runs/specialised}
querist=${QUERIST:-target/release/querist}

# train NAME SETTINGS...: the policy in $runs/NAME/policy.
train() {
    local name=$1 sets=()
    shift
    for setting in "$@"; do sets+=(--set "$setting"); done
    "$querist" train "$here/ablation.toml" --quiet --jobs "${JOBS:-2}" --data-dir "$data" \
        --out "$runs/$name" "${sets[@]}" >/dev/null
}
# play NAME LABEL FILE SETTINGS...: the policy for all and the special one, on the same seats.
play() {
    local name=$1 label=$2 file=$3 policy sets=()
    shift 3
    for setting in "$@"; do sets+=(--set "$setting"); done
    for policy in all "$name"; do
        local out="$runs/$label-by-$policy"
        "$querist" bench "$here/$file.toml" --quiet --jobs "${JOBS:-2}" --data-dir "$data" --out "$out" \
            --set "transfer.policy=$runs/$policy/policy" --set transfer.repetitions=20 \
            --set 'transfer.strategies=["random","margin","policy"]' "${sets[@]}" >/dev/null
        echo "$label, by $policy: $(python3 "$here/table.py" "$out" | grep '^policy: .*above')"
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
