//! Trainings of several processes through the binary: the same bytes as one, whoever is killed.

#![allow(clippy::disallowed_methods)]

use assert_cmd::cargo::cargo_bin;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Imitation, DAgger, both searches: all that is spread, on a few small tasks.
const PLAN: &str = r#"
name = "x"
[learner]
hidden = [8]
epochs = 30
[episode]
rounds = 8
[sources]
datasets = ["wine"]
synthetic = 12
validation_synthetic = 4
max_pool = 120
[train]
imitation = { episodes = 24, states = 4, candidates = 12, epochs = 3 }
dagger = { rounds = 1, episodes = 16 }
evolution = { iterations = 4, pairs = 8, tasks_per_pair = 4, validate_every = 2 }
policy_gradient = { iterations = 2, episodes = 16, validate_every = 1 }
validation_episodes = 8
"#;

fn train(dir: &Path, out: &str, shard: Option<&str>) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env_remove("QUERIST_DATA").env("NO_COLOR", "1");
    command.args(["train", "x.toml", "-q", "--jobs", "1", "--json", "--out", out]);
    command.args(shard.iter().flat_map(|shard| ["--shard", shard]));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A shard that is killed when it is no longer looked after.
struct Shard(Option<Child>);

impl Shard {
    fn start(dir: &Path, out: &str, shard: &str) -> Self {
        Self(Some(train(dir, out, Some(shard)).spawn().unwrap()))
    }

    /// What it printed when it came to its end.
    fn finish(mut self) -> serde_json::Value {
        let output = self.0.take().unwrap().wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn running(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_none()
    }
}

impl Drop for Shard {
    /// `SIGKILL`.
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn wait_for(what: &str, mut found: impl FnMut() -> bool) {
    let start = Instant::now();
    while !found() {
        assert!(start.elapsed() < Duration::from_secs(300), "waited for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// All files of a run but its journal and its times, which hold seconds.
fn files(dir: &Path, out: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for folder in ["", "policy"] {
        for entry in fs::read_dir(dir.join(out).join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().into_string().unwrap());
            let timed = ["/journal", "/timings.jsonl", "/.lock", "/report.html", "/artefacts"];
            if entry.file_type().unwrap().is_file() && !timed.contains(&name.as_str()) {
                all.push((name, fs::read(entry.path()).unwrap()));
            }
        }
    }
    all.sort();
    all
}

/// The first shard has ordered pieces from number `shard` (from zero).
fn ordered_from(dir: &Path, out: &str, shard: usize) -> bool {
    let order = fs::read_to_string(dir.join(format!("{out}.exchange/order"))).unwrap_or_default();
    order.rsplit("\"shards\":[").next().is_some_and(|shards| shards.contains(&format!(",{shard}")))
}

#[test]
fn one_two_and_three_shards_train_the_same_policy_whoever_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("x.toml"), PLAN).unwrap();
    Shard(Some(train(dir, "one", None).spawn().unwrap())).finish();
    let expected = files(dir, "one");
    assert!(expected.iter().any(|(name, _)| name == "policy/policy.safetensors"), "{:?}", names(&expected));

    let second = Shard::start(dir, "two", "2/2");
    wait_for("a sign of the second", || dir.join("two.exchange/alive-1").exists());
    let first = Shard::start(dir, "two", "1/2");
    first.finish();
    let made = second.finish();
    assert!(made["pieces"].as_u64().unwrap() > 0, "{made}");
    assert!(files(dir, "two") == expected, "two shards: {:?}", names(&expected));

    // The second and the third begin; the second is killed and started again, and so is the first.
    let (second, mut third) = (Shard::start(dir, "three", "2/3"), Shard::start(dir, "three", "3/3"));
    wait_for("signs of both", || {
        [1, 2].iter().all(|i| dir.join(format!("three.exchange/alive-{i}")).exists())
    });
    let first = Shard::start(dir, "three", "1/3");
    wait_for("an order to both", || ordered_from(dir, "three", 1) && ordered_from(dir, "three", 2));
    drop(second);
    drop(first);
    let second = Shard::start(dir, "three", "2/3");
    let mut first = Shard::start(dir, "three", "1/3");
    wait_for("an order to the one that was killed", || ordered_from(dir, "three", 1) || !first.running());
    assert!(third.running() || !first.running());
    first.finish();
    second.finish();
    assert!(third.finish()["pieces"].as_u64().unwrap() > 0);
    assert!(files(dir, "three") == expected, "three shards");

    // Once more by itself, it finds all there and made by this training.
    Shard(Some(train(dir, "three", None).spawn().unwrap())).finish();
    assert!(files(dir, "three") == expected);
    // Whoever comes after the end goes at once.
    let late = Shard::start(dir, "three", "2/3").finish();
    assert_eq!(late["pieces"], 0);
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn what_helps_removes_nothing_and_numbers_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.toml"), PLAN).unwrap();
    let refused = |shard: &str, more: &[&str], said: &str| {
        let output = train(dir.path(), "r", Some(shard)).args(more).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(said), "{text}");
    };
    refused("2/2", &["--fresh"], "shard 2 of a training removes nothing");
    refused("3/2", &[], "not of the form I/N");
    refused("1/5000", &[], "expected at most 4096");
    assert!(!dir.path().join("r").exists() && !dir.path().join("r.exchange").exists());
}
