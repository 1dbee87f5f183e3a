#!/usr/bin/env bash
# Builds the wheel, installs it into a fresh virtual environment, and runs the tests of the package. QUERIST_VENV names an
# environment that has what tests/requirements.txt lists.
#
#   bash python/test.sh [PROFILE]      release by default; `dev` for a target folder that was built without --release
#
# What CARGO_TARGET_DIR or ./target holds is used. It takes some minutes, and ten at most.
set -euo pipefail
cd "$(dirname "$0")"
profile="${1:-release}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$(cd .. && pwd)/target}"
unset PYTHONPATH

if [ -z "${QUERIST_VENV:-}" ]; then
    QUERIST_VENV="$work/venv"
    python3 -m venv "$QUERIST_VENV"
    "$QUERIST_VENV/bin/pip" install --quiet -r tests/requirements.txt
fi
# shellcheck disable=SC1091
source "$QUERIST_VENV/bin/activate"
maturin build --profile "$profile" --out "$work/wheels"
pip install --quiet --no-deps "$work"/wheels/querist-*.whl

# From elsewhere, so that what is tested is what was installed.
cp -r tests examples notebook.py ../docs/python.ipynb "$work"
cd "$work"
timeout 480 python -m pytest --quiet tests
python -m mypy --strict --ignore-missing-imports --no-error-summary -p querist
python examples/labelling.py > /dev/null
python notebook.py python.ipynb > /dev/null
python examples/ppo.py --seconds 2 --judged 1 > /dev/null
[ "$(querist --version)" = "querist $(python -c 'import querist; print(querist.__version__)')" ]
echo "the Python package passes its tests"
