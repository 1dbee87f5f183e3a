#!/bin/bash
# The runs of ablation.toml, and one line for each:
#
#     experiments/policy/ablation.sh DATA_FOLDER [RUN_FOLDER]
#
# Each goes on where it stopped; what is done costs nothing. QUERIST names the binary, JOBS the threads.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:?the folder of the data sets}
runs=${2:-runs/ablation}
querist=${QUERIST:-target/release/querist}

# run NAME SETTINGS...
run() {
    local name=$1 sets=()
    shift
    for setting in "$@"; do sets+=(--set "$setting"); done
    "$querist" run "$here/ablation.toml" --quiet --jobs "${JOBS:-2}" --data-dir "$data" --out "$runs/$name" \
        "${sets[@]}" >/dev/null
    echo "$name: $(python3 "$here/table.py" "$runs/$name" | grep '^policy: .*above')"
}

for tasks in 63 252 1001; do run "tasks-$tasks" "sources.synthetic=$tasks"; done
for group in history neighbours coverage density "nearest label" classes uncertainty size; do
    run "without-${group// /-}" "train.imitation.without=[\"$group\"]"
done
run random-starts 'sources.randomise.initial=["per_class","per_class","random","typiclust"]' \
    "sources.randomise.initial_per_class=[0,1,1,1,2,4]"
run deep-sets 'train.network.kind="deep_sets"'
run attention 'train.network.kind="attention"'
run dagger train.imitation.episodes=2 train.dagger.rounds=1
run tasks-4004 sources.synthetic=4004
