#!/usr/bin/env bash
# Runs the tests that need onnxruntime, which it installs with pip into a folder of its own. Arguments are handed to cargo:
# `--release` for the gate's profile.
set -euo pipefail
cd "$(dirname "$0")/../../.."
venv=${QUERIST_EMBED_VENV:-$(mktemp -d)}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import onnxruntime' 2>/dev/null || "$venv/bin/pip" install --quiet onnxruntime
ORT_DYLIB_PATH=$("$venv/bin/python" -c 'import glob, os, onnxruntime
print(glob.glob(os.path.dirname(onnxruntime.__file__) + "/capi/libonnxruntime.so*")[0])')
export ORT_DYLIB_PATH
cargo test -p querist-embed "$@"
# Without burn, which has nothing to do here and takes ten CPU-minutes under other features.
cargo test --no-default-features --features embed --test embed "$@"
