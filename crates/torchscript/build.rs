//! Links the library so that it finds the libtorch that it was built with, and lets it say which one that is.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    let lib = PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is"));
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    println!("cargo::rerun-if-env-changed=LIBTORCH_INCLUDE");
    let folder = env::var_os("LIBTORCH_INCLUDE").map(PathBuf::from);
    let folder = folder.as_deref().or(lib.parent()).expect("libraries lie in a folder");
    let header = folder.join("include/torch/headeronly/version.h");
    println!("cargo::rustc-env=LIBTORCH_VERSION={}", version(&header));
    println!("cargo::rerun-if-changed={}", header.display());
}

/// The text behind `#define TORCH_VERSION`.
fn version(header: &Path) -> String {
    let text =
        std::fs::read_to_string(header).unwrap_or_else(|error| panic!("{}: {error}", header.display()));
    let defined = text.split_once("#define TORCH_VERSION ").and_then(|(_, rest)| rest.split('"').nth(1));
    defined.unwrap_or_else(|| panic!("{}: no TORCH_VERSION", header.display())).to_string()
}
