#!/bin/bash
# All runs of worlds.toml: experiments/more_rows/worlds.sh DATA_FOLDER RUNS_FOLDER. The same command goes on where it stopped. QUERIST names
# the program, and OPTIONS are handed to it.
set -euo pipefail
data=$1 runs=$2
here=$(cd "$(dirname "$0")" && pwd)
querist=${QUERIST:-querist}

run() {
    name=$1
    shift
    # shellcheck disable=SC2086
    "$querist" bench "$here/worlds.toml" --data-dir "$data" --out "$runs/worlds-$name" --quiet ${OPTIONS:-} "$@" > "$runs/worlds-$name.txt"
}

mkdir -p "$runs"
run plain
run noise --set episode.world.label_noise=0.2
run tail --set episode.world.long_tail=20
run shift --set episode.world.covariate_shift=2
# waveform has two classes, all of which an open set leaves.
run open --set episode.world.open_set=0.4 --set 'transfer.targets=["usps", "satimage", "segment", "vowel"]'
for kind in autoencoder contrastive; do
    for seen in strategies all; do
        run "$kind-$seen" --set episode.encoder.dimensions=8 --set episode.encoder.kind=$kind --set episode.encoder.seen_by=$seen
    done
done
run ceal --set 'transfer.strategies=["random", "margin", "ceal(margin)", "ceal(typiclust)", "ceal(max_herding)", "ceal(uherding)", "policy"]'
