#!/bin/bash
# Every run that README.md tabulates, cheap and telling ones first:
#
#     experiments/cross_domain/run.sh DATA_FOLDER [RUN_FOLDER]
#
# Each goes on where it stopped; what is done costs nothing. SETS names fewer sets, JOBS threads, QUERIST the
# binary, SMOOTH a data folder with the set that smooth_usps.py made. Then, for the tables:
#
#     python3 experiments/cross_domain/table.py RUN_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:?the folder of the data sets}
runs=${2:-runs/cross_domain}
querist=${QUERIST:-target/release/querist}

# bench NAME FILE SETTINGS...: one run, or what is missing of it.
bench() {
    local name=$1 file=$2 sets=()
    shift 2
    for setting in "$@"; do sets+=(--set "$setting"); done
    "$querist" bench "$here/$file.toml" --quiet --jobs "${JOBS:-1}" --data-dir "$data" \
        --out "$runs/$name" "${sets[@]}" >/dev/null || echo "$name: not complete" >&2
}

sets=${SETS:-splice dna usps three_clust diverging_sin}
# TypiClust, committees and the oracle take long on USPS, and come last there.
quick() { for set in $sets; do [ "$set" = usps ] || echo "$set"; done; }
cheap='"random", "margin", "entropy", "least_confidence", "badge", "k_center"'
leaks=(episode.test_by_itself=true episode.oracle_on=test)
# BALD as published: five passes with dropout, which the other strategies' classifiers do not have. (The
# linear classifier of USPS would need it on its inputs: no such run.)
bald=(learner.dropout=0.3 'transfer.strategies=["bald(passes=5)"]')

for set in $sets; do bench "$set" "$set" "transfer.strategies=[$cheap]"; done
for set in $(quick); do bench "$set-bald" "$set" "${bald[@]}"; done
for set in $(quick); do bench "$set" "$set"; done
judged="transfer.strategies=[$cheap, \"greedy_oracle\"]"
for set in $(quick); do bench "$set-leaks" "$set" "${leaks[@]}" "$judged"; done
printed=("transfer.strategies=[$cheap]" transfer.repetitions=20)
for set in $sets; do
    case $set in dna | usps) bench "$set-paper" "${set}_paper" "${printed[@]}" ;; esac
done

# Query sizes: the same budgets in larger steps. Where it fine-tunes, the reference fits after every label of a
# batch; "from_scratch", which the generated sets have, it fits once. What remains of a budget that a size does
# not divide is not asked for; sizes that leave fewer than three queries are left out. BALD has its dropout
# where the classifier has hidden layers.
rounds() { case $1 in splice | usps) echo $((400 / $2)) ;; dna) echo $((300 / $2)) ;; *) echo $((60 / $2)) ;; esac; }
for size in 5 20 50 100; do
    for set in $sets; do
        count=$(rounds "$set" "$size")
        [ "$count" -ge 3 ] || continue
        batch=("episode.query_size=$size" "episode.rounds=$count")
        case $set in splice | dna | usps) batch+=(learner.fit_per_label=true) ;; esac
        others='"typiclust"'
        [ "$set" = usps ] && batch+=(transfer.repetitions=20) && others='"ensemble(bald)"'
        bench "$set-q$size" "$set" "${batch[@]}" "transfer.strategies=[$cheap, $others]"
        [ "$set" = usps ] || bench "$set-bald-q$size" "$set" "${batch[@]}" "${bald[@]}"
    done
done

# On USPS the slow strategies have fewer repetitions, in a folder of their own.
slow='"random", "greedy_oracle", "ensemble(bald)", "typiclust"'
case " $sets " in *" usps "*)
    bench usps-slow usps "transfer.strategies=[$slow]" transfer.repetitions=10
    bench usps-leaks usps "${leaks[@]}" "$judged" transfer.repetitions=5
    if [ -n "${SMOOTH:-}" ]; then
        data=$SMOOTH bench usps-smooth usps "transfer.strategies=[$cheap]"
        for size in 5 20 50 100; do
            batch=(learner.fit_per_label=true "episode.query_size=$size" "episode.rounds=$((400 / size))")
            data=$SMOOTH bench "usps-smooth-q$size" usps "${batch[@]}" "transfer.strategies=[$cheap, \"typiclust\"]" \
                transfer.repetitions=20
        done
        data=$SMOOTH bench usps-smooth-slow usps "transfer.strategies=[$slow]" transfer.repetitions=10
    fi
    ;;
esac
