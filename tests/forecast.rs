//! What a dry run counts is what the finished run has done.

#![allow(clippy::disallowed_methods)]

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use querist::agent::{Algorithms, Frozen};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn querist(dir: &Path, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").args(args);
    command.assert().code(0).get_output().stdout.clone()
}

/// The forecast of `plan`, and the lines of the files of its run.
struct Both {
    _dir: tempfile::TempDir,
    run: std::path::PathBuf,
    forecast: Value,
}

impl Both {
    fn of(plan: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x.toml"), plan).unwrap();
        let args = ["run", "x.toml", "--jobs", "2"];
        let forecast = querist(dir.path(), &[&args[..], &["--dry-run", "--json"]].concat());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a dry run writes nothing");
        querist(dir.path(), &[&args[..], &["--out", "out", "--quiet"]].concat());
        let run = dir.path().join("out");
        Self { run, forecast: serde_json::from_slice(&forecast).unwrap(), _dir: dir }
    }

    fn stage(&self, name: &str) -> &Value {
        self.forecast["stages"].as_array().unwrap().iter().find(|stage| stage["stage"] == name).expect(name)
    }

    fn count(&self, what: &str) -> u64 {
        self.count_where(what, |_| true)
    }

    /// The same of one stage: policies are learned, and then compared, by one name.
    fn count_in(&self, stage: &str, what: &str) -> u64 {
        self.count_where(what, |kind| kind["stage"] == stage)
    }

    fn count_where(&self, what: &str, is: impl Fn(&Value) -> bool) -> u64 {
        let kinds = self.forecast["kinds"].as_array().unwrap();
        let kind =
            kinds.iter().find(|kind| kind["what"] == what && is(kind)).unwrap_or_else(|| panic!("no {what}"));
        assert!(kind["core_seconds"].as_f64().unwrap() >= 0.0, "{kind}");
        kind["count"].as_u64().unwrap()
    }

    fn lines(&self, file: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.run.join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn summary(&self) -> Value {
        serde_json::from_slice(&fs::read(self.run.join("summary.json")).unwrap()).unwrap()
    }

    /// Every stage has as many cells as the journal, as its timings say.
    fn cells_agree(&self) {
        let timings = self.lines("timings.jsonl");
        let mut all = 0;
        for stage in self.forecast["stages"].as_array().unwrap() {
            let name = stage["stage"].as_str().unwrap();
            let of = |cell: &&Value| cell["cell"].as_str().unwrap().split('/').next() == Some(name);
            let found = timings.iter().filter(of).count() as u64;
            assert_eq!(stage["cells"].as_u64().unwrap(), found, "{name}");
            all += found;
        }
        assert_eq!(all, timings.len() as u64, "no stage is left out");
    }
}

const EVERYTHING: &str = r#"
    [learner]
    hidden = [6]
    epochs = 5
    [episode]
    rounds = 5
    max_held = 40
    [sources]
    datasets = ["wine"]
    synthetic = 3
    validation_synthetic = 2
    max_pool = 60
    max_held = 40
    [train]
    imitation = { episodes = 2, states = 3, candidates = 3, epochs = 2 }
    dagger = { rounds = 2, episodes = 1 }
    evolution = { iterations = 3, pairs = 3, tasks_per_pair = 2, validate_every = 2 }
    policy_gradient = { iterations = 2, episodes = 8, validate_every = 1 }
    dataset_embedding = { iterations = 2, tasks = 2, episodes = 2, validate_every = 1 }
    dqn = { iterations = 4, warm_episodes = 6, episodes = 2, updates = 2, validate_every = 2 }
    architecture = { episodes = 1, states = 1, trainings = 1, epochs = 2 }
    validation_episodes = 2
    [search]
    budget = 2000
    steps = 40
    max_blocks = 2
    max_stacks = 2
    levels = 2
    [transfer]
    targets = ["iris"]
    strategies = ["random", "margin", "policy", "dqn", "dataset_embedding"]
    architectures = ["learner", "searched", "head"]
    repetitions = 3
    block = 2
"#;

#[test]
fn every_stage_counts_what_it_will_do() {
    let both = Both::of(EVERYTHING);
    both.cells_agree();
    let summary = both.summary();
    let policy = &summary["policy"];
    let states = both.count("look ahead") + both.count("look ahead on the policy's way");
    assert_eq!(policy["states"], states);
    assert_eq!(policy["episodes"], both.count("evolution") + both.count("policy gradient"));
    // The start of both searches is validated, and is no point of the curve; margin plays, too, and the course.
    let evaluations = policy["curve"].as_array().unwrap().len() as u64 + 2;
    assert_eq!(both.count("validation"), 2 * 2 * (evaluations + 2));
    let folder = both.run.join("policy");
    let learned = |name| {
        let entry = *Algorithms::builtin().find(name).unwrap();
        Frozen::load(&folder, entry.name, entry.usual().weights()).unwrap()
    };
    let dqn = learned("dqn");
    assert_eq!(dqn.provenance().figures["episodes"], both.count_in("train", "dqn") as f64);
    let embedding = learned("dataset_embedding");
    assert_eq!(embedding.provenance().figures["episodes"], both.count("dataset embedding") as f64);
    let log = summary["architecture"]["log"].as_array().unwrap();
    let searched: BTreeSet<&str> = log.iter().map(|visit| visit["task"].as_str().unwrap()).collect();
    assert_eq!(both.count("search"), 2 * searched.len() as u64, "at two numbers of labels");
    let rows = both.lines("rows.jsonl");
    for name in ["random", "margin+search", "policy+head", "dqn", "dataset_embedding+search"] {
        let own = rows.iter().filter(|row| row["strategy"] == name);
        let played: BTreeSet<u64> = own.map(|row| row["repetition"].as_u64().unwrap()).collect();
        assert_eq!(both.count_in("transfer", name), played.len() as u64, "{name}");
    }
    assert_eq!(both.count("full pool"), both.lines("full_pool.jsonl").len() as u64);
}

/// Trainings and gradient steps, too, where nothing ends early.
#[test]
fn steps_are_those_of_the_rows() {
    let plan = "[learner]\nsteps = 7\n[episode]\nquery_size = 4\nbudget = 18\n[transfer]\n\
                targets = [\"iris\", \"wine\"]\nstrategies = [\"random\", \"margin\", \"k_center\"]\nrepetitions = 5\nblock = 2\n";
    for plan in
        [plan.to_string(), plan.replace("steps = 7", "steps = 7\nwarm_start = true\nfit_per_label = true")]
    {
        let both = Both::of(&plan);
        both.cells_agree();
        let rows = both.lines("rows.jsonl");
        let queries = both.lines("selection.jsonl").len();
        assert_eq!(rows.len(), queries + 2 * 3 * 5, "a row before each query, and one at the end");
        let last = rows.iter().filter(|row| row["round"] == 5);
        let steps: f64 = last.map(|row| row["steps"].as_f64().unwrap()).sum();
        let transfer = both.stage("transfer");
        assert_eq!(transfer["steps"].as_f64().unwrap(), steps);
        assert_eq!(transfer["trainings"].as_f64().unwrap(), steps / 7.0);
    }
}

#[test]
fn comparisons_of_searches_are_counted() {
    let both = Both::of(
        "[learner]\nhidden = [6]\nsteps = 9\n[search]\nwidth = 4\nwidest = 4\nmax_blocks = 2\nmax_stacks = 1\n\
         [search_comparison]\ntargets = [\"iris\"]\nlabels = [12, 24]\nmethods = [\"grid\", \"hill_climbing\"]\nbudgets = [1, 3]\nrepetitions = 3\n",
    );
    both.cells_agree();
    let rows = both.lines("rows.jsonl");
    let trials: BTreeSet<u64> = rows.iter().map(|row| row["repetition"].as_u64().unwrap()).collect();
    assert_eq!(both.count("search comparison"), trials.len() as u64);
}

/// A forecast for people says what was counted and what was measured, and how the two meet.
#[test]
fn what_was_measured_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let plan = "[episode]\nrounds = 5\n[transfer]\ntargets = [\"iris\"]\nstrategies = [\"random\", \"greedy_oracle\"]\n";
    fs::write(dir.path().join("x.toml"), plan).unwrap();
    let text = String::from_utf8(querist(dir.path(), &["run", "x.toml", "--dry-run"])).unwrap();
    for part in [
        "counted and measured",
        "transfer: greedy_oracle",
        "20 episodes",
        " piece",
        "of one core",
        "at the peak",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
