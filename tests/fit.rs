//! `querist fit` as a user meets it: what it prints, what it writes, and what it refuses.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn fit(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_DATA").arg("fit").args(args);
    command
}

const MLP: &str = r#"{"inputs": 4, "blocks": [{"dense": {"width": 16}}], "outputs": 3, "dropout": 0.0}"#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).unwrap());
    dir
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let output = fit(dir, args).arg("--json").assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn a_network_is_trained_measured_and_saved() {
    let dir = folder(&[("mlp.json", MLP)]);
    let args = ["mlp.json", "--target", "iris", "--out", "net.safetensors"];
    let found = json(dir.path(), &args);
    assert_eq!(found["architecture"], "4-16-3");
    assert_eq!(found["parameters"], 4 * 16 + 16 + 16 * 3 + 3);
    assert_eq!(found["multiply_adds"], 4 * 16 + 16 * 3);
    assert!(found["held_out_accuracy"].as_f64().unwrap() > 0.85, "{found}");
    assert_eq!(found["held_out_rows"], 45);
    let weights = fs::read(dir.path().join("net.safetensors")).unwrap();
    // What is there stays unless it may go; the same command then writes the same bytes.
    fit(dir.path(), &args).assert().code(2).stderr(predicate::str::contains("--force"));
    assert_eq!(json(dir.path(), &[&args[..], &["--force"]].concat()), found);
    assert_eq!(fs::read(dir.path().join("net.safetensors")).unwrap(), weights);
    let other = json(dir.path(), &["mlp.json", "--target", "iris", "--seed", "2", "--labels", "9"]);
    assert_eq!(other["rows"], 9);
    fit(dir.path(), &["mlp.json", "--target", "iris"])
        .assert()
        .success()
        .stdout(predicate::str::contains("held-out accuracy").and(predicate::str::contains("131")));
}

#[test]
fn a_file_of_ones_own_is_read() {
    let row = |i: usize| format!("{},{},{}\n", i % 7, 2 * (i % 2), ["no", "yes"][i % 2]);
    let table: String = (0..80).map(row).collect();
    let mlp = r#"{"inputs": 2, "blocks": [], "outputs": 2, "dropout": 0.0}"#;
    let dir = folder(&[("own.csv", &format!("a,b,y\n{table}")), ("linear.json", mlp)]);
    let found = json(dir.path(), &["linear.json", "--target", "own.csv", "--label", "y"]);
    assert_eq!(found["held_out_accuracy"], 1.0);
}

#[test]
fn the_architecture_that_a_run_found_is_fitted() {
    let dir = folder(&[(
        "x.toml",
        "[learner]\nepochs = 5\n[episode]\nrounds = 3\n[sources]\nsynthetic = 3\nmax_pool = 60\n\
         [search]\nbudget = 300\nsteps = 20\nmax_blocks = 2\nmax_stacks = 2\n",
    )]);
    let mut run = Command::new(cargo_bin("querist"));
    run.current_dir(dir.path()).args(["run", "x.toml", "--quiet"]).assert().success();
    let found = json(dir.path(), &["runs/x/arch.json", "--target", "wine"]);
    let architecture = found["architecture"].as_str().unwrap();
    assert!(architecture.starts_with("13-r32-") && architecture.ends_with("-3"), "{found}");
}

/// A small network for 8 x 8 images, trained by burn.
#[test]
fn a_network_for_images_is_fitted() {
    let cnn = r#"{"inputs": 64, "outputs": 10, "dropout": 0.0, "blocks": [
        {"stem": {"image": {"channels": 1, "height": 8, "width": 8}, "filters": 8, "pool": true}},
        {"convolution": {"filters": 8, "halve": false}}, "average"]}"#;
    let dir = folder(&[("cnn.json", cnn)]);
    let args = ["cnn.json", "--target", "digits", "--labels", "300", "--out", "cnn.safetensors"];
    let sets = ["--set", "learner.epochs=30", "--set", "learner.batch=32"];
    let found = json(dir.path(), &[&args[..], &sets].concat());
    assert_eq!(found["architecture"], "64-s8@1x8x8p-c8-a-10");
    assert_eq!(found["parameters"], (9 * 8 + 8) + 2 * (72 * 8 + 8) + (8 * 10 + 10));
    assert!(found["held_out_accuracy"].as_f64().unwrap() > 0.7, "{found}");
    assert!(dir.path().join("cnn.safetensors").exists());
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let huge = r#"{"inputs": 4, "blocks": [{"dense": {"width": 99999999}}], "outputs": 3, "dropout": 0.0}"#;
    let dir = folder(&[("mlp.json", MLP), ("huge.json", huge), ("text.json", "hello"), ("old.json", "{}")]);
    let refused = |args: &[&str], error: &str| {
        fit(dir.path(), args)
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::starts_with("error: ").and(predicate::str::contains(error)));
    };
    refused(&["huge.json", "--target", "iris"], "at most 200000000 are allowed");
    refused(&["text.json", "--target", "iris"], "text.json:1:1");
    refused(&["old.json", "--target", "iris"], "missing field `inputs`");
    refused(&["absent.json", "--target", "iris"], "absent.json: cannot be opened");
    refused(&["mlp.json", "--target", "wine"], "the network has 4 inputs, the data set 13");
    refused(
        &["mlp.json", "--target", "iris", "--labels", "1000"],
        "1000 labels, but the training part of iris",
    );
    refused(&["mlp.json", "--target", "nothing.csv", "--label", "y"], "nothing.csv");
    refused(&["mlp.json", "--target", "iris", "--set", "learner.epoch=3"], "unknown key `learner.epoch`");
    // What was accepted and decided nothing.
    for key in [
        "learner.hidden=[7]",
        "learner.warm_start=true",
        "learner.patience=3",
        "episode.rounds=3",
        "episode.augment.kind=noise",
        "episode.world.open_set=0.4",
        "transfer.repetitions=3",
        "sources.synthetic=3",
        "seed=9",
    ] {
        let words = format!("--set {}: decides nothing of `querist fit`", key.split('=').next().unwrap());
        refused(&["mlp.json", "--target", "iris", "--set", key], &words);
    }
    for key in ["episode.test=0.5", "episode.world.label_noise=0.3", "learner.learning_rate=0.1"] {
        assert_ne!(json(dir.path(), &["mlp.json", "--target", "iris"]), {
            json(dir.path(), &["mlp.json", "--target", "iris", "--set", key])
        });
    }
    // A generated set has the targets that it has.
    for kind in ["multi_label", "segmentation"] {
        refused(
            &["mlp.json", "--target", "friedman1", "--task", kind],
            "friedman1: a generated set has no columns or members to name, and its targets are numbers",
        );
    }
    let one = r#"{"inputs": 10, "blocks": [], "outputs": 1, "dropout": 0.0}"#;
    std::fs::write(dir.path().join("one.json"), one).unwrap();
    json(dir.path(), &["one.json", "--target", "friedman1", "--task", "regression"]);
}
