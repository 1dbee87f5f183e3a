#!/bin/bash
# A policy against margin in the four uses that recipes are chosen by (CHOICES.md): thirty rounds, 200 labels in batches of
# twenty, a hundred rounds, many classes.
#
#     experiments/policy/uses.sh DATA_FOLDER POLICY [RUN_FOLDER]
#
# DATA_FOLDER holds the sets of public.py and many_classes.py. QUERIST, JOBS and what a run is: common.sh. Two policies' runs are
# compared replicate by replicate by paired.py.
set -euo pipefail
data=${1:?the folder of the data sets}
policy=${2:?the folder of the policy, or a name}
runs=${3:-runs/uses}
. "$(dirname "$0")/common.sh"

both='transfer.strategies=["margin","policy"]'
larger='transfer.targets=["authorship","car","hypothyroid","sick","spambase","anneal","balance_scale","cmc","pendigits","page_blocks"]'
play() {
    local use=$1 file=$2
    shift 2
    querist bench "$file" "$use" "transfer.policy=$policy" "$both" "$@"
    echo "$use: $(gain "$use")"
}

play thirty choice transfer.repetitions=25
play batches choice "$larger" transfer.repetitions=10 episode.query_size=20 episode.rounds=10
play hundred choice "$larger" transfer.repetitions=10 episode.rounds=100
play many many transfer.repetitions=10
