#!/bin/bash
# `lal_rl_policy.toml` with each of the nine sets left out in turn, and the table of all of them:
#
#     experiments/lal_rl_policy.sh DATA_FOLDER [RUN_FOLDER]
#
# Each run goes on where it stopped; what is done costs nothing. JOBS names threads, QUERIST the binary.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:?the folder of the data sets}
runs=${2:-runs/lal_rl_policy}
querist=${QUERIST:-target/release/querist}
all=(australian breast_cancer diabetis flare_solar german heart mushrooms waveform wdbc)

for target in "${all[@]}"; do
    # The set before it in the alphabet chooses between checkpoints; the other seven are learned from.
    chooser=${all[-1]}
    for set in "${all[@]}"; do [ "$set" = "$target" ] && break; chooser=$set; done
    sources=""
    for set in "${all[@]}"; do
        [ "$set" = "$target" ] || [ "$set" = "$chooser" ] || sources+="${sources:+, }\"$set\""
    done
    # flare_solar has 144 rows and so no pool of 100: see lal_rl.toml.
    small=()
    [ "$target" = flare_solar ] && small=(--set episode.max_pool=42 --set episode.rounds=40)
    "$querist" run "$here/lal_rl_policy.toml" --quiet --jobs "${JOBS:-1}" --data-dir "$data" \
        --out "$runs/$target" --set "sources.datasets=[$sources]" --set "sources.validation=[\"$chooser\"]" \
        --set "transfer.targets=[\"$target\"]" "${small[@]}" >/dev/null || echo "$target: not complete" >&2
done
python3 "$here/lal_rl.py" "$runs"/*
