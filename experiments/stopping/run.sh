#!/usr/bin/env bash
# The table of rules to stop: bash experiments/stopping/run.sh DATA [OUT]
set -euo pipefail
data="${1:?the folder with the data sets}" out="${2:-runs}"
for plan in stopping small; do
    "${QUERIST:-querist}" run "experiments/stopping/$plan.toml" --data-dir "$data" --out "$out/stopping/$plan"
done
python3 experiments/stopping/table.py "$out"/stopping/{stopping,small}/results.csv
