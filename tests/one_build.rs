//! Programs, tests and the Python package share what they are built of: under one set of features a dependency is compiled
//! once. Where they differ, `cargo run` after `cargo test` compiles burn again, which takes 10 to 24 CPU-minutes with all that needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every package that `cargo tree` lists under these arguments, with the sets of features that it is compiled with: more
/// than one where build scripts need others.
fn packages(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}|{f}"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = BTreeMap::<_, BTreeSet<String>>::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let Some((package, features)) = line.split_once('|') else { continue };
        // Name and version; a package that is listed again ends in an asterisk.
        let name = package.split(' ').take(2).collect::<Vec<_>>().join(" ");
        found.entry(name).or_default().insert(features.trim_end_matches(" (*)").to_owned());
    }
    found
}

#[test]
fn programs_tests_and_the_python_package_compile_the_same_dependencies() {
    let programs = packages(&["--edges", "normal,build"]);
    assert!(programs.len() > 200 && programs.keys().any(|name| name.starts_with("burn ")), "{programs:?}");
    for (others, arguments) in [
        ("tests", &["--edges", "normal,build,dev"][..]),
        ("models", &["--edges", "normal,build", "--features", "tch"]),
        ("`-p querist`", &["--edges", "normal,build", "--package", "querist"]),
        ("the Python package", &["--edges", "normal,build", "--package", "querist-python"]),
    ] {
        let of_others = packages(arguments);
        let shared = programs.iter().filter_map(|(name, own)| Some((name, own, of_others.get(name)?)));
        let drift: Vec<_> = shared
            // The package itself is compiled for every set of its features.
            .filter(|(name, own, other)| own != other && !name.starts_with("querist "))
            .map(|(name, own, other)| format!("{name}: {own:?} for programs, {other:?} for {others}"))
            .collect();
        assert!(
            drift.is_empty(),
            "name the missing features in [dependencies] of Cargo.toml:\n{}",
            drift.join("\n")
        );
    }
}

/// The library by itself: strategies, engine, trained policies, selection and benches.
#[test]
fn without_features_there_is_no_burn_and_no_command_line() {
    let library = packages(&["--no-default-features", "--package", "querist", "--edges", "normal,build"]);
    for name in ["burn", "gemm", "cubecl", "clap", "indicatif", "axum", "tokio", "tracing-subscriber"] {
        let found: Vec<_> = library.keys().filter(|package| package.starts_with(name)).collect();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    assert!(library.keys().any(|name| name.starts_with("querist-engine ")), "{library:?}");
}

/// Under the feature `burn` alone, burn and all below it have the features that they have beside the command line: whoever
/// builds one set of features after the other compiles burn once.
#[test]
fn burn_is_compiled_once_for_all_sets_of_features() {
    let below = packages(&["--package", "burn", "--edges", "normal,build"]);
    let programs = packages(&["--edges", "normal,build"]);
    let alone =
        ["--no-default-features", "--features", "burn", "--package", "querist", "--edges", "normal,build"];
    let alone = packages(&alone);
    assert!(below.len() > 100 && below.keys().any(|name| name.starts_with("burn-core ")), "{below:?}");
    let drift: Vec<_> = below
        .keys()
        .filter_map(|name| Some((name, alone.get(name)?, programs.get(name)?)))
        .filter(|(_, alone, programs)| alone != programs)
        .map(|(name, alone, programs)| {
            format!("{name}: {programs:?} for programs, {alone:?} under `burn` alone")
        })
        .collect();
    assert!(drift.is_empty(), "name the missing features under `burn` in Cargo.toml:\n{}", drift.join("\n"));
}
