//! `querist select`: arrays in, row numbers out; and what strategies' pseudo-labels do to an episode.

#![allow(clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "hostile_files/make.rs"]
mod make;

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use querist::Key;
use querist::arch::Block;
use querist::data::{RowId, SplitPlan, Task, embedded};
use querist::episode::{
    EpisodeError, EpisodePlan, Episodes, InitialPool, Measure, OracleOn, Player, PreparedTask, Replicate,
    StopOn, play,
};
use querist::learner::{DeviceKind, Loss, Metric, Optimiser, Start, Stop, TrainPlan};
use querist::query::Registry;
use std::fs;
use std::path::Path;

const ROWS: usize = 30;

fn npy(path: &Path, shape: &str, values: impl Iterator<Item = f32>) {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{header:<117}\n").bytes());
    values.for_each(|value| bytes.extend(value.to_le_bytes()));
    fs::write(path, bytes).unwrap();
}

/// Rows on a line, from left to right surer of class 0; row 15 is nearest to a toss-up, then 14, 16 and 13.
fn arrays() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let share = |row: usize| (row as f32 + 0.25) / ROWS as f32;
    npy(&dir.path().join("pool.npy"), "(30, 2)", (0..ROWS).flat_map(|row| [row as f32, 1.0]));
    npy(&dir.path().join("p.npy"), "(30, 2)", (0..ROWS).flat_map(|row| [share(row), 1.0 - share(row)]));
    npy(&dir.path().join("logits.npy"), "(30, 2)", (0..2 * ROWS).map(|value| value as f32));
    npy(&dir.path().join("short.npy"), "(29, 2)", (0..58).map(|_| 0.5));
    npy(&dir.path().join("nan.npy"), "(30, 2)", (0..60).map(|at| if at == 41 { f32::NAN } else { 0.5 }));
    npy(
        &dir.path().join("t.npy"),
        "(2, 30, 2)",
        (0..2 * ROWS).flat_map(|at| if at % ROWS == 7 && at > ROWS { [1.0, 0.0] } else { [0.0, 1.0] }),
    );
    // The rows' first column says the class, as in p.npy; b is too long, and W too wide, in two others.
    let head = |weights: usize, columns: usize, biases: usize| {
        let w: Vec<f32> = (0..weights * columns).map(|at| if at == 0 { 0.2 } else { 0.0 }).collect();
        let b: Vec<f32> = (0..biases).map(|at| if at == 0 { -3.0 } else { 0.0 }).collect();
        let w = make::npy("<f4", false, &format!("({weights}, {columns})"), &make::floats(&w));
        let b = make::npy("<f4", false, &format!("({biases},)"), &make::floats(&b));
        make::zip(&[make::member("W.npy", w), make::member("b.npy", b)])
    };
    fs::write(dir.path().join("head.npz"), head(2, 2, 2)).unwrap();
    fs::write(dir.path().join("wide.npz"), head(2, 5, 2)).unwrap();
    fs::write(dir.path().join("biases.npz"), head(2, 2, 4)).unwrap();
    fs::write(dir.path().join("three.npz"), head(3, 2, 3)).unwrap();
    let x = make::npy("<f4", false, "(2, 2)", &make::floats(&[0.0; 4]));
    fs::write(dir.path().join("other.npz"), make::zip(&[make::member("W.npy", x)])).unwrap();
    fs::write(dir.path().join("idx.csv"), "row,class\n0,0\n14,1\n").unwrap();
    fs::write(dir.path().join("rows.csv"), "0\n14\n").unwrap();
    fs::write(dir.path().join("twice.csv"), "3\n5\n3\n").unwrap();
    fs::write(dir.path().join("beyond.csv"), "3\n30\n").unwrap();
    fs::write(dir.path().join("turned.csv"), "class,row\n0,5\n1,6\n").unwrap();
    fs::write(dir.path().join("letter.csv"), "O5,0\n6,1\n").unwrap();
    fs::write(dir.path().join("three.csv"), "row,class\n5,0,9\n").unwrap();
    fs::write(dir.path().join("some.csv"), "5,0\n6\n").unwrap();
    dir
}

fn select(dir: &Path, line: &str) -> assert_cmd::assert::Assert {
    let words = ["select", "--pool", "pool.npy", "--strategy"].into_iter().chain(line.split(' '));
    Command::new(cargo_bin("querist")).current_dir(dir).env("NO_COLOR", "1").args(words).assert()
}

#[test]
fn rows_come_out_most_wanted_first() {
    let dir = arrays();
    select(dir.path(), "margin --proba p.npy --batch 2").success().stdout("15\n14\n");
    select(dir.path(), "margin --proba p.npy --batch 2 --labelled rows.csv").success().stdout("15\n16\n");
    select(dir.path(), "k_center --labelled idx.csv --batch 1").success().stdout("29\n");
    select(dir.path(), "bald --passes t.npy").success().stdout("7\n");
    select(dir.path(), "class_balanced(margin) --proba p.npy --labelled idx.csv").success();
}

#[test]
fn json_says_what_it_took() {
    let dir = arrays();
    let out = select(dir.path(), "margin --proba p.npy --labelled rows.csv --json").success();
    let json: serde_json::Value = serde_json::from_slice(&out.get_output().stdout).unwrap();
    assert_eq!(json["picks"], serde_json::json!([15]));
    assert_eq!((json["candidates"].as_u64(), json["classes"].as_u64()), (Some(28), Some(2)));
    assert!(json["seconds"]["selecting"].as_f64().is_some_and(|seconds| seconds >= 0.0));
}

#[test]
fn what_is_missing_is_named_with_its_option() {
    let dir = arrays();
    for (line, option) in [
        ("margin", "--proba"),
        ("bald", "--passes"),
        ("ensemble(margin)", "--committee"),
        ("scaled(margin) --proba p.npy", "--temperature"),
        ("prob_cover", "--classes"),
        ("class_balanced(margin) --proba p.npy", "--labelled"),
        ("dynamic_al --proba p.npy --labelled idx.csv", "--head"),
        ("greedy_oracle --proba p.npy", "querist run"),
    ] {
        select(dir.path(), line).code(2).stderr(predicate::str::contains(option));
    }
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    let dir = arrays();
    for (line, problem) in [
        ("margin --proba short.npy", "29 rows, but the pool has 30"),
        ("margin --proba logits.npy", "row 0: the sum 1, expected"),
        ("margin --proba nan.npy", "row 20, column 1: NaN"),
        ("margin --proba t.npy", "3 dimensions"),
        ("bald --passes p.npy", "2 dimensions"),
        ("margin --proba p.npy --classes 3", "2 classes, expected 3"),
        ("k_center --labelled twice.csv", "line 3: row 3 was named before"),
        ("k_center --labelled beyond.csv", "from 0 to 29"),
        ("k_center --labelled turned.csv", "line 1: \"class\" is not a row of the pool"),
        ("k_center --labelled letter.csv", "a heading that begins with `row` or `index`"),
        ("k_center --labelled three.csv", "line 2: \"9\" is not the end of the line"),
        ("k_center --labelled some.csv", "a class with every row, or with none"),
        ("k_center --labelled missing.csv", "missing.csv"),
        ("class_balanced(margin) --proba p.npy --labelled rows.csv", "line 1"),
        ("scaled(margin) --proba p.npy --temperature 0", "positive"),
        ("margn --proba p.npy", "unknown"),
        ("dynamic_al --proba p.npy --labelled idx.csv --head wide.npz", "5 columns of W, expected 2"),
        ("dynamic_al --proba p.npy --labelled idx.csv --head biases.npz", "4 entries of b, expected 2"),
        ("albl(margin,k_center) --proba p.npy --labelled idx.csv --head three.npz", "3 classes, expected 2"),
        ("dynamic_al --proba p.npy --labelled idx.csv --head other.npz", "np.savez(file, b=…)"),
        ("dynamic_al --proba p.npy --labelled idx.csv --head p.npy", "p.npy"),
        ("margin --proba short.npy --dry-run", "29 rows, but the pool has 30"),
        ("bald --passes p.npy --dry-run", "2 dimensions"),
        ("margin --proba p.npy --classes 3 --dry-run", "2 classes, expected 3"),
    ] {
        let problem = if line.contains("logits") { "expected non-negative" } else { problem };
        select(dir.path(), line).code(2).stderr(predicate::str::contains(problem));
    }
}

/// A file that is sorted by class, under the votes of few trees, was once asked for its first rows whatever the seed.
#[test]
fn the_seed_decides_among_equals() {
    let dir = arrays();
    let votes = [[0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]];
    npy(&dir.path().join("votes.npy"), "(30, 2)", (0..ROWS).flat_map(|row| votes[row % 4]));
    let ask = |strategy: &str, seed: usize| {
        let line = format!("{strategy} --proba votes.npy --batch 6 --seed {seed}");
        String::from_utf8(select(dir.path(), &line).success().get_output().stdout.clone()).unwrap()
    };
    for strategy in ["margin", "entropy", "least_confidence"] {
        let answers: Vec<String> = (0..20).map(|seed| ask(strategy, seed)).collect();
        assert_eq!(answers[3], ask(strategy, 3));
        let rows =
            || answers.iter().flat_map(|answer| answer.lines()).map(|row| row.parse::<usize>().unwrap());
        // All of them are toss-ups, and about half of them stand in the second half of the file.
        assert!(rows().all(|row| row % 2 == 0));
        let late = rows().filter(|&row| row >= ROWS / 2).count();
        assert!((35..85).contains(&late), "{strategy}: {late} of 120");
    }
}

#[test]
fn fewer_rows_than_asked_for_are_said() {
    let dir = arrays();
    let known: String = (3..ROWS).map(|row| format!("{row}\n")).collect();
    fs::write(dir.path().join("nearly.csv"), known).unwrap();
    select(dir.path(), "random --labelled nearly.csv --batch 10")
        .success()
        .stderr(predicate::str::contains("note: 10 asked for, 3 left"));
    let out = select(dir.path(), "random --labelled nearly.csv --batch 10 --json").success();
    let json: serde_json::Value = serde_json::from_slice(&out.get_output().stdout).unwrap();
    assert_eq!(json["note"], "10 asked for, 3 left");
    assert_eq!(json["picks"].as_array().unwrap().len(), 3);
    let out = select(dir.path(), "random --labelled nearly.csv --batch 3 --json").success();
    let json: serde_json::Value = serde_json::from_slice(&out.get_output().stdout).unwrap();
    assert_eq!(json["note"], serde_json::Value::Null);
}

#[test]
fn rounded_probabilities_can_be_normalised() {
    let dir = arrays();
    let third = |row: usize| if row == 4 { [0.34, 0.33, 0.33] } else { [0.66, 0.17, 0.16] };
    npy(&dir.path().join("rounded.npy"), "(30, 3)", (0..ROWS).flat_map(third));
    npy(&dir.path().join("members.npy"), "(1, 30, 3)", (0..ROWS).flat_map(third));
    npy(&dir.path().join("far.npy"), "(30, 2)", (0..ROWS).flat_map(|_| [0.6, 0.3]));
    select(dir.path(), "entropy --proba rounded.npy")
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains("row 0: the sum 0.99").and(predicate::str::contains("--normalise")))
        .stderr(predicate::str::contains("logits").not());
    let note = "rounded.npy: rows divided by their sums, which were off by 1.00e-2 at most";
    select(dir.path(), "entropy --proba rounded.npy --normalise")
        .success()
        .stdout("4\n")
        .stderr(predicate::str::contains(note));
    select(dir.path(), "ensemble(entropy) --committee members.npy --normalise").success().stdout("4\n");
    // What is further off is no rounding.
    for option in ["", " --normalise"] {
        select(dir.path(), &format!("entropy --proba far.npy{option}")).code(2).stderr(
            predicate::str::contains("expected non-negative").and(predicate::str::contains("logits")),
        );
    }
}

/// What needs the last layer works on plain arrays, and an archive that is deflated is as good.
#[test]
fn a_head_can_be_handed_in() {
    let dir = arrays();
    let rows = |line: &str| {
        let out = select(dir.path(), line).success();
        let text = String::from_utf8(out.get_output().stdout.clone()).unwrap();
        text.lines().map(|row| row.parse::<usize>().unwrap()).collect::<Vec<_>>()
    };
    for strategy in ["albl(margin,k_center)", "dynamic_al", "drop_query"] {
        let mut picks =
            rows(&format!("{strategy} --proba p.npy --labelled idx.csv --head head.npz --batch 5"));
        picks.sort_unstable();
        picks.dedup();
        assert_eq!(picks.len(), 5, "{strategy}");
        assert!(picks.iter().all(|&row| row < ROWS && row != 0 && row != 14), "{strategy}: {picks:?}");
    }
    // Only features that change the class of some: without noise the head says 1 up to row 15, then 0.
    let unstable = rows("drop_query(rate=0) --proba p.npy --head head.npz --batch 30");
    assert_eq!(unstable.len(), ROWS);
}

#[test]
fn a_dry_run_forecasts_and_chooses_nothing() {
    let dir = arrays();
    let out = select(dir.path(), "k_center --labelled idx.csv --batch 4 --dry-run --json").success();
    let json: serde_json::Value = serde_json::from_slice(&out.get_output().stdout).unwrap();
    assert_eq!((json["rows"].as_u64(), json["candidates"].as_u64()), (Some(30), Some(28)));
    assert!(json["picks"].is_null());
    assert!(json["forecast"]["peak_rss_mb"].as_f64().is_some_and(|mb| mb > 1.0));
    select(dir.path(), "margin --proba p.npy --dry-run")
        .success()
        .stdout(predicate::str::contains("peak memory"));
}

/// The forecast against the process's own peak, where arrays are large enough to matter.
#[test]
#[cfg(target_os = "linux")]
fn forecasts_hold() {
    let dir = tempfile::tempdir().unwrap();
    let (rows, width) = (60_000, 128);
    npy(
        &dir.path().join("pool.npy"),
        &format!("({rows}, {width})"),
        (0..rows * width).map(|at| ((at as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 1.6e7),
    );
    let share = |row: usize| (row as f32 + 0.5) / rows as f32;
    npy(
        &dir.path().join("p.npy"),
        &format!("({rows}, 2)"),
        (0..rows).flat_map(|row| [share(row), 1.0 - share(row)]),
    );
    for strategy in ["margin", "k_center", "badge", "information_density"] {
        let json = |more: &str| -> serde_json::Value {
            let line = format!("{strategy} --proba p.npy --batch 20 --json{more}");
            let out = select(dir.path(), &line).success();
            serde_json::from_slice(&out.get_output().stdout).unwrap()
        };
        let forecast = json(" --dry-run")["forecast"]["peak_rss_mb"].as_f64().unwrap();
        let measured = json("")["peak_rss_mb"].as_f64().unwrap();
        assert!(
            (forecast / measured - 1.0).abs() < 0.25,
            "{strategy}: {forecast} MB, measured {measured} MB"
        );
    }
}

/// What a cap left out is said, beside the picks.
#[test]
fn capped_selections_say_so() {
    let dir = arrays();
    let line = "capped(k_center,candidates=3) --batch 1 --labelled idx.csv";
    let said = "chosen among 10 of 28 candidates, drawn at random";
    select(dir.path(), line).success().stderr(predicate::str::contains(format!("note: {said}")));
    let out = select(dir.path(), &format!("{line} --json")).success();
    let json: serde_json::Value = serde_json::from_slice(&out.get_output().stdout).unwrap();
    assert_eq!(json["note"], said);
}

#[test]
fn one_card() {
    let mut command = Command::new(cargo_bin("querist"));
    command.args(["strategies", "badge"]).assert().success().stdout(predicate::str::contains("ICLR 2020"));
    let mut command = Command::new(cargo_bin("querist"));
    command.args(["strategies", "badg"]).assert().code(2).stderr(predicate::str::contains("badge"));
}

fn replicate() -> Replicate {
    let iris = embedded::load("iris").unwrap();
    let prepared = PreparedTask::new(Task::split(&iris, &SplitPlan::default(), Key::root(1)).unwrap());
    Replicate { prepared, key: Key::root(2) }
}

fn episode() -> EpisodePlan {
    EpisodePlan {
        blocks: vec![Block::Dense { width: 8 }],
        dropout: 0.0,
        train: TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.01,
            weight_decay: 1e-4,
            batch: 16,
            drop_last: false,
            stop: Stop::Epochs { epochs: 100 },
            start: Start::Scratch,
        },
        initial: InitialPool::default(),
        initial_per_class: 2,
        query_size: 2,
        budget: 6,
        metric: Metric::default(),
        target_accuracy: None,
        target_share: None,
        measure: Measure::RewardAndTest,
        oracle_on: OracleOn::default(),
        first_epochs: None,
        fit_per_label: false,
        device: DeviceKind::Cpu,
        stops: false,
        annotator: None,
        augment: None,
        consistency: None,
        ensemble: 1,
        price: querist::data::Price::default(),
        generator: None,
        rejected: querist::episode::Rejected::default(),
        stop_on: StopOn::default(),
    }
}

/// They take part in one fit and in no other, and cost nothing.
#[test]
fn pseudo_labels_last_for_one_fit() {
    let mut taught = Episodes::reset(&episode(), &[replicate()]).unwrap();
    let mut plain = Episodes::reset(&episode(), &[replicate()]).unwrap();
    let signals = taught.signals(0, Default::default(), Key::root(0));
    let candidates = taught.view(0, &signals).candidates().to_vec();
    let picks = vec![(0, candidates[..2].to_vec())];
    for episodes in [&mut taught, &mut plain] {
        episodes.ask(&picks).unwrap();
    }
    let wrong: Vec<(RowId, u32)> = candidates[2..42].iter().map(|&row| (row, 0)).collect();
    let refused = taught.believe(0, &[(candidates[0], 0)]).unwrap_err();
    assert!(matches!(refused.downcast_ref(), Some(EpisodeError::PseudoLabel { .. })), "{refused}");
    assert!(taught.believe(0, &[wrong[0], wrong[0]]).is_err());
    taught.believe(0, &wrong).unwrap();
    taught.refit().unwrap();
    plain.refit().unwrap();
    let believed = taught.state(0).pseudo_labels.unwrap();
    assert_eq!(believed.count, 40);
    assert!(believed.wrong > 10, "two thirds of iris are not of the first class: {believed:?}");
    assert_eq!(taught.state(0).labels, plain.state(0).labels);
    assert!(taught.state(0).steps > plain.state(0).steps);
    assert!(taught.state(0).reward_accuracy < plain.state(0).reward_accuracy);
    // The next fit knows nothing of them.
    let next = vec![(0, candidates[2..4].to_vec())];
    taught.step(&next).unwrap();
    plain.step(&next).unwrap();
    assert_eq!(taught.state(0).pseudo_labels, None);
    assert_eq!(taught.state(0).reward_accuracy, plain.state(0).reward_accuracy);
}

#[test]
fn ceal_notes_how_many_it_believed() {
    let player = |name: &str| Player {
        name: name.to_string(),
        strategy: Registry::builtin().build(name).unwrap(),
        replicate: replicate(),
        repetition: 0,
        architect: None,
    };
    let played = play(&episode(), vec![player("ceal(margin,threshold=0.5)"), player("margin")]).unwrap();
    let note = played[0].rows[1].note.as_deref().unwrap();
    assert!(note.starts_with("trained on ") && note.ends_with(" of them wrong"), "{note}");
    assert!(played[1].rows.iter().all(|row| row.note.is_none()));
    assert!(played[0].rows.iter().zip(&played[1].rows).all(|(a, b)| a.labels == b.labels));
}

fn select_by_policy(dir: &Path, line: &str) -> assert_cmd::assert::Assert {
    let words = ["select", "--pool", "pool.npy"].into_iter().chain(line.split(' '));
    Command::new(cargo_bin!("querist")).current_dir(dir).args(words).assert()
}

#[test]
fn a_policy_chooses_among_plain_arrays() {
    let dir = arrays();
    let line = "--policy universal --proba p.npy --labelled idx.csv --batch 4";
    let picks = |line: &str| -> Vec<usize> {
        let out = select_by_policy(dir.path(), line).success();
        let text = String::from_utf8(out.get_output().stdout.clone()).unwrap();
        text.lines().map(|row| row.parse().unwrap()).collect()
    };
    let found = picks(line);
    let mut rows = found.clone();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|&row| row < ROWS && row != 0 && row != 14), "{rows:?}");
    assert_eq!(picks(line), found, "nothing is drawn where all candidates are looked at");
    // How far the labelling has come may change the choice.
    assert_eq!(picks(&format!("{line} --budget 30")).len(), 4);
    // New labels are counted, not those in hand: what this query asks for is enough.
    assert_eq!(picks(&format!("{line} --budget 4")).len(), 4);
    select_by_policy(dir.path(), &format!("{line} --dry-run")).success();
}

#[test]
fn what_a_policy_cannot_work_with_is_refused() {
    let dir = arrays();
    for (line, problem) in [
        ("--policy universal --labelled idx.csv", "--proba FILE.npy"),
        ("--policy universal --proba p.npy", "--labelled FILE.csv"),
        ("--policy nobody --proba p.npy --labelled idx.csv", "nobody"),
        ("--policy universal --strategy margin --proba p.npy", "cannot be used with"),
        ("--strategy margin --proba p.npy --budget 9", "--policy"),
        ("--proba p.npy", "--strategy"),
        ("--policy universal --proba p.npy --labelled idx.csv --batch 3 --budget 2", "fewer than the 3 rows"),
        ("--policy universal --proba short.npy --labelled idx.csv", "29 rows"),
    ] {
        select_by_policy(dir.path(), line).code(2).stderr(predicate::str::contains(problem));
    }
}
