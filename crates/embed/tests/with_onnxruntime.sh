#!/usr/bin/env bash
# The tests of what runs models: those of this crate and those of `querist embed`, with the features `embed` and `tch`.
# onnxruntime is what ORT_DYLIB_PATH names, else it is installed with pip for as long as they run. QUERIST_TORCHSCRIPT names
# the library that runs TorchScript modules; crates/torchscript/test.sh builds it and calls this. Without either, tests that
# run a model say that they are left out.
#
# Crate and program are tested in one build, with the dependencies that `cargo test --release` has compiled, burn among them:
# under one set of features none is compiled again (tests/one_build.rs). Packages that are new are not optimised; one that
# burn depends on, in whatever version, must not be among those, or burn is compiled again.
set -euo pipefail
cd "$(dirname "$0")/../../.."
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
build=(--release -p querist -p querist-embed --features querist/tch)
for package in querist querist-embed tokenizers ort ort-sys daachorse fancy-regex itertools; do
    build+=(--config "profile.release.package.$package.opt-level=0")
done
tests=(embed library loader onnx picture pooling text torchscript)
cargo test "${build[@]}" --example lines "${tests[@]/#/--test=}"
# Of both crates' examples in comments, those of this one.
cargo test "${build[@]}" --doc -- crates/embed
