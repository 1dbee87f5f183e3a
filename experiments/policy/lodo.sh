#!/bin/bash
# Leave one domain out: for each domain a policy is trained on the sets of all others, and plays on its own; first as it was
# trained, with thirty queries of one row, then in every other use.
#
#     experiments/policy/lodo.sh DATA_FOLDER [RUN_FOLDER]
#
# Each run goes on where it stopped; what is done costs nothing. QUERIST names the binary, JOBS the threads,
# GENERATED other numbers of generated tasks. Printed are the tables over all domains, use by use.
set -euo pipefail
data=${1:?the folder of the data sets}
runs=${2:-runs/lodo}
. "$(dirname "$0")/common.sh"

domains=(images genomics text medicine records signals)
sets_of() {
    case $1 in
    images) echo usps mnist_t10k optdigits fashion_mnist_900 letter ;;
    genomics) echo dna splice ;;
    text) echo trec6 agnews_test ;;
    medicine) echo breast_cancer wdbc diabetis heart ;;
    records) echo german australian mushrooms flare_solar ;;
    signals) echo ionosphere waveform satimage segment vowel ;;
    esac
}
list() { printf '"%s",' "$@" | sed 's/.*/[&]/'; }

# gather USE: what was played in one use, all domains together, in $runs/USE.
gather() {
    mkdir -p "$runs/$1"
    for file in rows selection; do
        cat "$runs/$1-"*"/$file.jsonl" >"$runs/$1/$file.jsonl"
    done
    echo
    echo "== $1"
}
# play USE FILE SETTINGS...: each domain's policy on those of its sets that the file names.
play() {
    local use=$1 file=$2 mine
    shift 2
    for domain in "${domains[@]}"; do
        mine=$(python3 -c '
import json, sys, tomllib
named = tomllib.load(open(sys.argv[1], "rb"))["transfer"]["targets"]
print(json.dumps([name for name in sys.argv[2:] if name in named]))' "$here/$file.toml" $(sets_of "$domain"))
        [ "$mine" = "[]" ] ||
            querist bench "$file" "$use-$domain" "transfer.policy=$runs/thirty-$domain/policy" "transfer.targets=$mine" "$@"
    done
    gather "$use"
}

for domain in "${domains[@]}"; do
    others=()
    for other in "${domains[@]}"; do
        [ "$other" = "$domain" ] || others+=($(sets_of "$other"))
    done
    querist run lodo "thirty-$domain" "sources.datasets=$(list "${others[@]}")" \
        "transfer.targets=$(list $(sets_of "$domain"))" "sources.synthetic=${GENERATED:-504}"
done
gather thirty
python3 "$here/table.py" "$runs/thirty"
play long long transfer.repetitions=12 'transfer.strategies=["margin","policy"]'
python3 "$here/table.py" "$runs/long"
for rows in 5 20; do
    play "batches-$rows" batches "episode.query_size=$rows" "episode.rounds=$((100 / rows))"
    python3 "$here/table.py" "$runs/batches-$rows"
    python3 "$here/table.py" "$runs/batches-$rows" badge
done
three='transfer.strategies=["random","margin","policy"]'
play lal-rl ../lal_rl "$three"
querist bench ../lal_rl flare-by-lal-rl "transfer.policy=$runs/thirty-records/policy" "$three" \
    'transfer.targets=["flare_solar"]' episode.max_pool=42 episode.rounds=40
python3 "$here/../lal_rl.py" "$runs/lal-rl" "$runs/flare-by-lal-rl"
# The cross-domain benchmark's protocol, by a policy that has seen none of the domains it draws its real sets from.
querist train lodo without-images-genomics "sources.synthetic=${GENERATED:-504}" \
    "sources.datasets=$(list $(sets_of text) $(sets_of medicine) $(sets_of records) $(sets_of signals))"
for set in three_clust diverging_sin splice dna usps; do
    querist bench "../cross_domain/$set" "cross-$set" "transfer.policy=$runs/without-images-genomics/policy" \
        transfer.repetitions=50 "$three"
    echo
    echo "== $set: $(gain "cross-$set")"
done
