# What the scripts of this folder share; each sets `data`, `runs` and then reads this file.
#
# QUERIST names the binary, JOBS the threads. Every run goes on where it stopped; what is done costs nothing.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# querist COMMAND FILE OUT SETTINGS...: one run of a file of this folder in $runs/OUT, with settings of its own.
querist() {
    local command=$1 file=$2 out=$3 sets=()
    shift 3
    for setting in "$@"; do sets+=(--set "$setting"); done
    "${QUERIST:-target/release/querist}" "$command" "$here/$file.toml" --quiet --jobs "${JOBS:-2}" \
        --data-dir "$data" --out "$runs/$out" "${sets[@]}" >/dev/null
}

# gain OUT: by how much the policy of $runs/OUT is above margin, in a line.
gain() {
    python3 "$here/table.py" "$runs/$1" | grep '^policy: .*above'
}
