#!/usr/bin/env bash
# Builds the library that runs TorchScript modules with the libtorch 2.13 that LIBTORCH names, or with LIBTORCH_USE_PYTORCH=1 that
# of Python (docs/embeddings.md), beside the program, and runs its tests and all that load it.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${LIBTORCH:-}${LIBTORCH_USE_PYTORCH:-}" ]; then
    echo "$0: LIBTORCH names no libtorch (docs/embeddings.md)" >&2
    exit 2
fi
own=(--release --locked --manifest-path crates/torchscript/Cargo.toml --target-dir target)
cargo fmt --manifest-path crates/torchscript/Cargo.toml --check
cargo clippy "${own[@]}" --all-targets -- -D warnings
cargo test "${own[@]}"
cargo build "${own[@]}"
export QUERIST_TORCHSCRIPT=$PWD/target/release/libquerist_torchscript.so
# The modules of the tests are those that the example traces, to the byte.
traced=$(mktemp -d)
trap 'rm -rf "$traced"' EXIT
cargo run "${own[@]}" --quiet --example models -- "$traced"
for module in "$traced"/*.pt; do
    cmp "$module" "crates/embed/tests/models/${module##*/}"
done
bash crates/embed/tests/with_onnxruntime.sh
