#!/bin/bash
# All runs of domains.toml: experiments/more_rows/domains.sh DATA_FOLDER RUNS_FOLDER. The same command goes on where it stopped. QUERIST names
# the program, and OPTIONS are handed to it.
set -euo pipefail
data=$1 runs=$2
here=$(cd "$(dirname "$0")" && pwd)
querist=${QUERIST:-querist}

run() {
    name=$1
    shift
    # shellcheck disable=SC2086
    "$querist" bench "$here/domains.toml" --data-dir "$data" --out "$runs/domains-$name" --quiet ${OPTIONS:-} "$@" > "$runs/domains-$name.txt"
}

mkdir -p "$runs"
shift=episode.world.domains
run one_domain
run selected --set $shift.selection=2
run moved --set $shift.rotation=30 --set $shift.scale=1.5 --set $shift.translation=0.5
run labels --set $shift.label_shift=5
run concept --set $shift.concept_shift=0.4
