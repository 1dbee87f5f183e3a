#!/bin/bash
# A policy against margin in the four uses that recipes are chosen by (CHOICES.md): thirty rounds, 200 labels in batches of
# twenty, a hundred rounds, many classes.
#
#     experiments/policy/uses.sh DATA_FOLDER POLICY [RUN_FOLDER]
#
# DATA_FOLDER holds the sets of public.py and many_classes.py. TIMES multiplies the repetitions, SEED draws other replicates. QUERIST,
# JOBS and what a run is: common.sh. Two policies' runs are compared replicate by replicate by paired.py.
set -euo pipefail
data=${1:?the folder of the data sets}
policy=${2:?the folder of the policy, or a name}
runs=${3:-runs/uses}
. "$(dirname "$0")/common.sh"

both='transfer.strategies=["margin","policy"]'
larger='transfer.targets=["authorship","car","hypothyroid","sick","spambase","anneal","balance_scale","cmc","pendigits","page_blocks"]'
# play USE FILE REPETITIONS SETTINGS...
play() {
    local use=$1 file=$2 repetitions=$(($3 * ${TIMES:-1}))
    shift 3
    querist bench "$file" "$use" "transfer.policy=$policy" "$both" "transfer.repetitions=$repetitions" ${SEED:+"seed=$SEED"} "$@"
    echo "$use: $(gain "$use")"
}

play thirty choice 25
play batches choice 10 "$larger" episode.query_size=20 episode.rounds=10
play hundred choice 10 "$larger" episode.rounds=100
play many many 10
