#!/usr/bin/env bash
# What simulated annotators reach through the commands of `querist session`: bash experiments/session/run.sh DATA [OUT]
set -euo pipefail
data="${1:?the folder with the data sets}" out="${2:-runs/session}" querist="${QUERIST:-querist}"
simulate() { python3 experiments/session/simulate.py --querist "$querist" "$@"; }
# Beside a transfer that starts as a session does, and has its linear classifier.
simulate --data data --sets iris,wine,digits --rows 2000 --budget 60 --batch 10 --repetitions 10
for set in iris wine digits; do
    "$querist" transfer --policy universal --target $set --initial 2 --query-size 10 --budget 60 --repetitions 10 \
        --strategies random,margin --set 'episode.initial="typiclust"' --set 'learner.hidden=[]' \
        --set 'learner.optimiser="lbfgs"' --quiet --out "$out/$set"
done
# Without and with a search for the classifier's network.
for search in "" "--search local"; do
    # shellcheck disable=SC2086
    simulate --data "$data" --sets vowel,segment,optdigits --budget 140 --batch 20 --repetitions 3 -- --strategy margin $search
done
