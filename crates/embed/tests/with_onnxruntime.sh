#!/usr/bin/env bash
# The tests of what runs models: those of this crate and those of `querist embed`. onnxruntime is what ORT_DYLIB_PATH
# names, else it is installed with pip for as long as they run; without either, tests that run a model say that they are
# left out. `--features tch` adds TorchScript modules, for which LIBTORCH names libtorch (docs/embeddings.md).
#
# Nothing is optimised and burn is left out: it takes ten CPU-minutes to compile and has no part in this.
set -euo pipefail
cd "$(dirname "$0")/../../.."
crate=() program=embed
if [ "$*" = "--features tch" ]; then
    crate=(--features tch) program=tch
elif [ $# -gt 0 ]; then
    echo "usage: $0 [--features tch]" >&2
    exit 2
fi
if [ -z "${ORT_DYLIB_PATH:-}" ] && [ -z "${QUERIST_NO_PYTHON:-}" ]; then
    venv=$(mktemp -d)
    trap 'rm -rf "$venv"' EXIT
    if python3 -m venv "$venv" && timeout 300 "$venv/bin/pip" install --quiet onnxruntime; then
        ORT_DYLIB_PATH=$("$venv/bin/python" -c 'import glob, os, onnxruntime
print(glob.glob(os.path.dirname(onnxruntime.__file__) + "/capi/libonnxruntime.so*")[0])')
        export ORT_DYLIB_PATH
    else
        echo "WARNING: no Python with pip and its index here: no model is run"
    fi
fi
export CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0
cargo test -p querist-embed "${crate[@]}"
cargo test --no-default-features --features "$program" --test embed
