//! The examples run as they stand, in a folder of their own.

#[path = "../examples/own_parts.rs"]
mod own_parts;
#[path = "../examples/own_strategy.rs"]
mod own_strategy;
#[path = "../examples/run_file.rs"]
mod run_file;
#[path = "../examples/select_arrays.rs"]
mod select_arrays;
#[path = "../examples/train_policy.rs"]
mod train_policy;

use std::sync::OnceLock;

/// Makes a temporary folder the process's own, once, for the `runs` that examples leave.
fn folder() {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        std::env::set_current_dir(&folder).unwrap();
        folder
    });
}

#[test]
fn selects_on_arrays() {
    select_arrays::main().unwrap();
}

#[test]
fn benches_a_strategy_of_its_own() {
    folder();
    own_strategy::main().unwrap();
    let rows = std::fs::read_to_string("runs/own/rows.jsonl").unwrap();
    let of =
        |name: &str| rows.lines().filter(|row| row.contains(&format!("\"strategy\":\"{name}\""))).count();
    assert_eq!(of("ratio"), 6 * 9);
    assert_eq!(of("ratio"), of("margin"));
    assert_eq!(of("ratio"), of("policy"));
}

#[test]
fn runs_a_reader_a_search_and_a_learning_algorithm_of_its_own() {
    folder();
    own_parts::main().unwrap();
    let rows = std::fs::read_to_string("runs/own-parts/rows.jsonl").unwrap();
    for name in ["sharpness", "margin"] {
        let own = rows.lines().filter(|row| row.contains(&format!("\"strategy\":\"{name}\"")));
        assert_eq!(own.count(), 2 * 4, "{name}");
    }
    assert!(rows.contains("\"task\":\"moons\"") || rows.contains("\"task\":\"moons.dots\""), "{rows}");
    assert!(std::path::Path::new("runs/own-parts/policy/sharpness.safetensors").is_file());
    let plan = std::fs::read_to_string("runs/own-parts/plan.toml").unwrap();
    assert!(plan.contains("method = \"nearby\"") && plan.contains("[train.sharpness]"), "{plan}");
}

#[test]
fn trains_and_transfers_a_policy() {
    folder();
    train_policy::main().unwrap();
    assert!(std::path::Path::new("runs/train-policy/policy/policy.safetensors").is_file());
}

#[test]
fn runs_a_file() {
    folder();
    run_file::main().unwrap();
    assert!(std::path::Path::new("runs/smoke-from-code/report.html").is_file());
}
