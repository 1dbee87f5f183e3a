#!/usr/bin/env bash
# Tests of what runs models, with onnxruntime, which is installed with pip into a folder of its own unless ORT_DYLIB_PATH
# names it; without pip or its index, the tests that need it say that they are left out. `--features tch` adds
# TorchScript modules, for which LIBTORCH names libtorch (docs/embeddings.md).
#
# Nothing is optimised and burn is left out, which takes ten CPU-minutes and has nothing to do here.
set -euo pipefail
cd "$(dirname "$0")/../../.."
if [ -z "${ORT_DYLIB_PATH:-}" ]; then
    venv=${QUERIST_EMBED_VENV:-$(mktemp -d)}
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv" || true
    if "$venv/bin/python" -c 'import onnxruntime' 2>/dev/null || timeout 120 "$venv/bin/pip" install --quiet onnxruntime; then
        ORT_DYLIB_PATH=$("$venv/bin/python" -c 'import glob, os, onnxruntime
print(glob.glob(os.path.dirname(onnxruntime.__file__) + "/capi/libonnxruntime.so*")[0])')
        export ORT_DYLIB_PATH
    else
        echo "WARNING: no Python with pip and its index here: no model is run"
    fi
fi
export CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0
embed="" program=embed
if [ "$*" = "--features tch" ]; then
    embed="--features tch" program=tch
elif [ $# -gt 0 ]; then
    echo "usage: $0 [--features tch]" >&2
    exit 2
fi
cargo test -p querist-embed $embed
cargo test --no-default-features --features $program --test embed
