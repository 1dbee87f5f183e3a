#!/bin/bash
# Leave one domain out: for each domain a policy is trained on the sets of all others, and plays on its own.
#
#     experiments/policy/lodo.sh DATA_FOLDER [RUN_FOLDER]
#
# Each run goes on where it stopped; what is done costs nothing. QUERIST names the binary, JOBS the threads,
# GENERATED other numbers of generated tasks. The last lines are the table over all domains.
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

for domain in "${domains[@]}"; do
    others=()
    for other in "${domains[@]}"; do
        [ "$other" = "$domain" ] || others+=($(sets_of "$other"))
    done
    querist run lodo "$domain" "sources.datasets=$(list "${others[@]}")" \
        "transfer.targets=$(list $(sets_of "$domain"))" "sources.synthetic=${GENERATED:-504}"
done
mkdir -p "$runs/all"
for file in rows selection; do
    for domain in "${domains[@]}"; do cat "$runs/$domain/$file.jsonl"; done >"$runs/all/$file.jsonl"
done
python3 "$here/table.py" "$runs/all"
