//! A search survives the end of its process at any moment: `kill -9`, resume, the same log and the same answer.
//!
//! The test executes itself: with `QUERIST_SEARCH_DIR` set, [`child`] is a search over trained networks whose
//! records go to the journal of that folder one by one.

#![allow(clippy::disallowed_methods)]

use querist::arch::{ArchSpace, FreeMlp, Space, Widths};
use querist::data::embedded;
use querist::learner::{Loss, Optimiser, Start, Stop, TrainPlan};
use querist::run::journal::Record as Line;
use querist::run::store::JOURNAL;
use querist::run::{Ledger, Manifest, Store};
use querist::search::{
    Banks, Evaluation, Evolution, HillClimbing, Local, Method, Record, Rule, ScoreCache, SearchPlan,
    open_study, search,
};
use querist::{Key, Result};
use rand::RngExt;
use serde_json::{json, to_value};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const PLAN: &str = "name = \"search\"\n";
const DIR: &str = "QUERIST_SEARCH_DIR";
const CASE: &str = "QUERIST_SEARCH_CASE";
/// Milliseconds that pass after each record, so that a kill finds the search at work.
const SLOW: &str = "QUERIST_SEARCH_SLOW";
/// What a search came to: its log, and its answer.
const FOUND: &str = "found.json";

fn training() -> TrainPlan {
    TrainPlan {
        loss: Loss::CrossEntropy,
        optimiser: Optimiser::Adam,
        learning_rate: 0.01,
        weight_decay: 0.0,
        batch: 8,
        drop_last: false,
        stop: Stop::Steps { steps: 1 },
        start: Start::Scratch,
    }
}

/// Evolution, whose path depends on every score before it, over stacks of blocks; and a walk through the free
/// space, with other activations and weight decays.
fn run(dir: &Path, case: &str, slow: Duration) -> Result<()> {
    let stacks = ArchSpace {
        max_blocks: 5,
        max_stacks: 3,
        widths: Widths { base: 8, ceiling: 16, ..Widths::default() },
        ..ArchSpace::default()
    };
    let free = FreeMlp { widths: vec![4, 8], ..FreeMlp::default() };
    let evolution = Evolution { population: 5, sample: 2, cycles: 40 };
    match case {
        "evolution" => go(dir, plan(evolution, stacks), slow),
        "local" => go(dir, plan(Local { moves: 9, rule: Rule::Best }, stacks), slow),
        _ => go(dir, plan(HillClimbing { restarts: 1 }, free), slow),
    }
}

fn plan<S: Space>(method: impl Method<S> + 'static, space: S) -> SearchPlan<S> {
    SearchPlan { method: Arc::new(method), space, start: None, steps: 6, folds: 3, budget: 30 * 18 }
}

fn go<S: Space>(dir: &Path, plan: SearchPlan<S>, slow: Duration) -> Result<()> {
    let iris = embedded::load("iris")?;
    let rows: Vec<u32> = (0..150).step_by(4).collect();
    let labels: Vec<u32> = rows.iter().map(|&row| iris.labels()[row as usize]).collect();
    let key = Key::root(7);
    let evaluation = Evaluation::new(iris.inputs(), &rows, &labels, 3, plan.folds, training(), key)?;
    let manifest = Manifest::new(PLAN, 1, BTreeMap::new())?;
    let (store, mut ledger) = Store::open(dir, &manifest, PLAN, false)?;
    let mut log = open_study(&plan, &evaluation, key, None)?.log();
    log.records = recorded::<S>(&ledger);
    let mut next = log.records.len();
    let (mut cache, trainer) = (ScoreCache::default(), &mut Banks);
    let (answer, log) = search(&plan, &evaluation, trainer, &mut cache, key, Some(&log), |record| {
        let output = to_value(record).expect("plain data");
        ledger.record(vec![Line::Done { key: next.to_string(), seconds: 0.0, output }])?;
        next += 1;
        std::thread::sleep(slow);
        Ok(())
    })?;
    let found = json!({ "log": log, "answer": [answer.spec.to_string(), answer.score, answer.charged] });
    store.write(FOUND, found.to_string().as_bytes())?;
    Ok(())
}

/// The records of the journal, in order.
fn recorded<S: Space>(ledger: &Ledger) -> Vec<Record<S::Point>> {
    let of = |at: usize| ledger.output(&at.to_string()).cloned();
    (0..).map_while(of).map(|value| serde_json::from_value(value).unwrap()).collect()
}

/// What the test starts and kills; by itself it does nothing.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let slow = std::env::var(SLOW).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    run(Path::new(&dir), &std::env::var(CASE).unwrap(), Duration::from_millis(slow)).unwrap();
}

fn command(dir: &Path, case: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--test-threads=1"]).env(DIR, dir).env(CASE, case);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Ends the search, and returns its journal and what it found.
fn finish(dir: &Path, case: &str) -> [Vec<u8>; 2] {
    let status = command(dir, case).status().unwrap();
    assert!(status.success(), "{case}: {status}");
    [JOURNAL, FOUND].map(|file| fs::read(dir.join(file)).unwrap())
}

#[test]
fn kills_within_a_search_change_nothing() {
    let mut rng = Key::root(9).rng();
    for case in ["evolution", "local", "free"] {
        let whole = tempfile::tempdir().unwrap();
        let expected = finish(whole.path(), case);
        let lines = expected[0].iter().filter(|&&byte| byte == b'\n').count();
        assert!(lines > 4, "{case}: {lines} lines of a journal");
        let mut within = 0;
        for round in 0..6 {
            let dir = tempfile::tempdir().unwrap();
            let sofar = || fs::read(dir.path().join(JOURNAL)).unwrap_or_default();
            let lines_of = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count();
            for _ in 0..3 {
                // Somewhere further on, or once it has ended.
                let stop_at = lines_of(&sofar()) + rng.random_range(0..lines.div_ceil(3));
                let mut child = command(dir.path(), case).env(SLOW, "3").spawn().unwrap();
                while lines_of(&sofar()) <= stop_at && child.try_wait().unwrap().is_none() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                child.kill().unwrap();
                child.wait().unwrap();
                let left = sofar();
                assert!(expected[0].starts_with(&left), "{case}, round {round}: another path");
                within += u32::from((2..lines).contains(&lines_of(&left)));
            }
            assert_eq!(finish(dir.path(), case), expected, "{case}, round {round}");
        }
        assert!(within >= 9, "{case}: {within} of 18 killed within the search");
    }
}
