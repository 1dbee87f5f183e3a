//! The binary as a user meets it: exit codes, messages, what it writes and what it does not.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use std::fs;
use std::path::Path;
use std::process::Stdio;

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env("NO_COLOR", "1");
    command
}

fn experiment(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.toml"), text).unwrap();
    dir
}

const SMALL: &str = "[train]\n[search]\n[transfer]\ntargets = [\"digits\"]\n";

/// Refused with exit code 2, an `error:` line, a `hint:` line and an untouched folder.
fn refused(dir: &Path, args: &[&str], error: &str, hint: &str) {
    let before = fs::read_dir(dir).unwrap().count();
    querist(dir)
        .args(args)
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicate::str::starts_with("error: ").and(predicate::str::contains(error)))
        .stderr(predicate::str::contains(format!("\nhint: {hint}")));
    assert_eq!(fs::read_dir(dir).unwrap().count(), before, "something was written");
}

/// A device that is no device, and one that this build does not know how to use.
#[test]
fn devices_that_are_not_there_are_refused() {
    let dir = experiment("[train]\n[sources]\nsynthetic = 2\n");
    let args = ["train", "x.toml", "--device", "gpu"];
    refused(dir.path(), &args, "`learner.device` is \"gpu\"", "");
    #[cfg(not(feature = "cuda"))]
    refused(
        dir.path(),
        &["train", "x.toml", "--device", "cuda"],
        "device cuda: this program was built without the feature `cuda`",
        "build it with `cargo build --release --features cuda`",
    );
    let kept = ["--set", "learner.warm_start=true", "--set", "learner.keep_optimiser=true"];
    let args = [&["train", "x.toml", "--device", "flex"], &kept[..]].concat();
    refused(dir.path(), &args, "`learner.keep_optimiser` is not kept on the device flex", "leave it out");
}

/// The whole way of a training whose episodes are fitted on a device; another device is another run.
#[test]
fn a_policy_says_what_device_it_was_trained_on() {
    let dir = experiment(
        "[learner]\nhidden = [4]\nepochs = 3\n[episode]\nrounds = 2\n[sources]\nsynthetic = 2\nmax_pool = 60\n\
         [train.imitation]\nepisodes = 2\nstates = 1\ncandidates = 3\nepochs = 2\n\
         [train.evolution]\niterations = 1\npairs = 2\n[train.policy_gradient]\niterations = 0\n",
    );
    let train = |device: &str| {
        let mut command = querist(dir.path());
        command.args(["--quiet", "train", "x.toml", "--jobs", "1", "--out", "run", "--device", device]);
        command
    };
    train("flex").assert().code(0);
    let card = fs::read_to_string(dir.path().join("run/policy/card.toml")).unwrap();
    assert!(card.contains("Trained on the device flex"), "{card}");
    train("cpu").assert().code(2).stderr(predicate::str::contains("plan digest"));
    train("cpu").arg("--fresh").assert().code(0);
    let card = fs::read_to_string(dir.path().join("run/policy/card.toml")).unwrap();
    assert!(!card.contains("device"), "{card}");
}

/// Fault case 62 and typical mistakes.
#[test]
fn bad_experiments_are_refused_with_place_and_hint() {
    let dir = experiment("[learner]\nepoch = 3\n[train]\n");
    refused(
        dir.path(),
        &["run", "x.toml"],
        "x.toml:2:1: unknown key `learner.epoch`",
        "did you mean `learner.epochs`?",
    );
    let dir = experiment(SMALL);
    refused(
        dir.path(),
        &["run", "x.toml", "--set", "transfer.targets=[\"digit\"]"],
        "--set transfer.targets=[\"digit\"]: `transfer.targets[0]` is \"digit\"",
        "did you mean `digits`?",
    );
    refused(
        dir.path(),
        &["run", "x.toml", "--set", "rounds"],
        "--set rounds: not of the form key=value",
        "for example --set episode.rounds=20",
    );
}

#[test]
fn files_that_are_no_experiment_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.toml");
    let run = |wanted: &str| {
        querist(dir.path())
            .args(["run", "x.toml"])
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::starts_with("error: x.toml").and(predicate::str::contains(wanted)));
    };
    run("cannot read");
    fs::write(&path, b"name = \"\xff\"").unwrap();
    run("not UTF-8 at byte 8");
    fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    run("1048577 bytes, an experiment file has at most 1048576");
    fs::write(&path, "").unwrap();
    run("nothing to run");
    fs::write(&path, format!("a = {}", "[".repeat(100_000))).unwrap();
    run("x.toml:1:");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    run("cannot read");
}

#[test]
fn usage_errors_exit_with_2() {
    let dir = experiment(SMALL);
    for args in [
        &["run"][..],
        &["run", "x.toml", "--job", "3"],
        &["run", "x.toml", "--jobs", "0"],
        &["run", "x.toml", "--seed", "-1"],
        &["run", "x.toml", "--seed", "99999999999999999999"],
        &["frobnicate"],
        &["transfer", "--policy", "p"],
        &["transfer", "--policy", "p", "--target", "t", "--repetitions", "0"],
        &["report"],
        &["completions", "klingon"],
    ] {
        querist(dir.path()).args(args).assert().code(2).stdout("").stderr(predicate::str::contains("error:"));
    }
    querist(dir.path()).assert().code(2);
}

#[test]
fn help_and_version_go_to_stdout() {
    let dir = tempfile::tempdir().unwrap();
    let shows = |args: &[&str], text: &str| {
        querist(dir.path()).args(args).assert().code(0).stdout(predicate::str::contains(text)).stderr("");
    };
    shows(&["--help"], "Exit codes");
    shows(&["help", "run"], "--dry-run");
    shows(&["--version"], concat!("querist ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_dry_run_counts_and_writes_nothing() {
    let dir = experiment(SMALL);
    let args = ["run", "x.toml", "--dry-run", "--jobs", "2", "--set", "transfer.repetitions=10"];
    querist(dir.path())
        .args(args)
        .assert()
        .code(0)
        .stdout(predicate::str::contains("targets    digits"))
        // Three strategies, ten repetitions in blocks of four; thirty rounds after the first fit.
        .stdout(predicate::str::is_match("transfer +9 +930 ").unwrap())
        .stdout(predicate::str::contains("on 2 threads"))
        .stderr("");
    let json = querist(dir.path()).args(args).arg("--json").output().unwrap().stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["stages"][2]["trainings"], 930);
    assert_eq!(json["jobs"], 2);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// What would be refused before a run starts is refused by its forecast, too.
#[test]
fn a_dry_run_reads_the_data() {
    let dir = experiment(
        "[transfer]\ntargets = [{ file = \"a.csv\", label = \"y\" }]\nstrategies = [\"random\", \"margin\"]\n",
    );
    let args = ["bench", "x.toml", "--dry-run"];
    refused(dir.path(), &args, "a.csv", "");
    let rows: String = (0..40).map(|i| format!("{i},{},{}\n", i * i % 7, i % 2)).collect();
    std::fs::write(dir.path().join("a.csv"), format!("u,v,class\n{rows}")).unwrap();
    refused(dir.path(), &args, "no column is called y", "");
    std::fs::write(dir.path().join("a.csv"), format!("u,v,y\n{rows}")).unwrap();
    refused(
        dir.path(),
        &[&args[..], &["--set", "episode.rounds=100"]].concat(),
        "a budget of 100 labels",
        "",
    );
    querist(dir.path()).args(args).args(["--set", "episode.rounds=5"]).assert().code(0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing was written");
}

/// Fault case 56: a reader that goes away is no failure.
#[test]
fn a_closed_stdout_is_not_a_panic() {
    let dir = experiment(SMALL);
    for args in [&["completions", "bash"][..], &["run", "x.toml", "--dry-run"], &["--help"]] {
        let mut child = std::process::Command::new(cargo_bin("querist"))
            .args(args)
            .current_dir(dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn completions_know_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let assert = querist(dir.path()).args(["completions", shell]).assert().code(0);
        assert.stdout(predicate::str::contains("transfer"));
    }
}

#[test]
fn training_needs_its_section() {
    let dir = experiment("[transfer]\ntargets = [\"digits\"]\n");
    let assert = querist(dir.path()).args(["train", "x.toml"]).assert().code(2);
    assert.stderr("error: x.toml: no [train] section\n");
}

#[test]
fn a_report_of_nothing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let assert = querist(dir.path()).args(["report", "nowhere"]).assert().code(2);
    assert.stderr(predicate::str::contains("nowhere/summary.json: cannot read"));
}
