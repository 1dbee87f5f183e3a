//! What the policy that comes with the program serves: as many classes and labels as it is said to, without handing over.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use querist::Key;
use rand_distr::{Distribution, StandardNormal};
use serde_json::Value;
use std::fs;

const CLASSES: usize = 150;
const ROWS: usize = 4_500;
const WIDTH: usize = 24;

/// Clusters around a centre for each class.
fn table() -> String {
    let mut rng = Key::root(5).rng();
    let mut normal =
        |deviation: f64| -> f64 { deviation * Distribution::<f64>::sample(&StandardNormal, &mut rng) };
    let centres: Vec<Vec<f64>> = (0..CLASSES).map(|_| (0..WIDTH).map(|_| normal(1.0)).collect()).collect();
    let mut text: String = (0..WIDTH).map(|at| format!("x{at},")).collect();
    text.push_str("label\n");
    for row in 0..ROWS {
        let class = row * 7919 % CLASSES;
        text.extend(centres[class].iter().map(|middle| format!("{:.3},", middle + normal(0.5))));
        text.push_str(&format!("c{class}\n"));
    }
    text
}

#[test]
fn a_hundred_and_fifty_classes_and_four_hundred_labels_are_within_its_range() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("many.csv"), table()).unwrap();
    Command::new(cargo_bin("querist"))
        .current_dir(dir.path())
        .env_remove("QUERIST_DATA")
        .args([
            "transfer",
            "--policy",
            "universal",
            "--target",
            "many.csv",
            "--label",
            "label",
            "--query-size",
            "10",
        ])
        .args(["--budget", "250", "--repetitions", "1", "--out", "run", "--quiet"])
        .assert()
        .success();
    let rows = fs::read_to_string(dir.path().join("run/rows.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |strategy: &str| -> Vec<&Value> { rows.iter().filter(|row| row["strategy"] == strategy).collect() };
    let (policy, margin) = (of("policy"), of("margin"));
    assert_eq!(
        (policy.len(), policy[0]["labels"].as_u64(), policy[25]["labels"].as_u64()),
        (26, Some(150), Some(400))
    );
    // What it does not trust itself with it hands to margin, and says so in a note.
    assert!(
        policy.iter().all(|row| row["note"].is_null()),
        "{:?}",
        policy.iter().find(|row| !row["note"].is_null())
    );
    let differ =
        policy.iter().zip(&margin).filter(|(policy, margin)| policy["picks"] != margin["picks"]).count();
    assert!(differ > 20, "{differ} of 25 queries are another than margin's");
}
