#!/bin/bash
# The runs of ablation.toml, and one line for each:
#
#     experiments/policy/ablation.sh DATA_FOLDER [RUN_FOLDER]
#
# QUERIST, JOBS and what a run is: common.sh.
set -euo pipefail
data=${1:?the folder of the data sets}
runs=${2:-runs/ablation}
. "$(dirname "$0")/common.sh"

# run NAME SETTINGS...
run() {
    querist run ablation "$@"
    echo "$1: $(gain "$1")"
}

for tasks in 63 252 1001; do run "tasks-$tasks" "sources.synthetic=$tasks"; done
for group in variance neighbours coverage classes uncertainty size; do
    run "without-$group" "train.imitation.without=[\"$group\"]"
done
run every-class 'sources.randomise.initial=["per_class"]' "sources.randomise.initial_per_class=[1,1,2,4]"
run small-queries "sources.randomise.query_size=[1,1,1,3]"
run mlp 'train.network.kind="mlp"'
run deep-sets 'train.network.kind="deep_sets"'
run attention 'train.network.kind="attention"'
run dagger train.imitation.episodes=2 train.dagger.rounds=1
run tasks-4004 sources.synthetic=4004
