//! Numbers as targets, from a table to a verdict; what serves classes alone is refused.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use querist::arch::NetSpec;
use querist::data::target::{number_of, word_of};
use querist::data::{
    DataError, Dataset, Matrix, Oracle, Pool, RowId, Shape, SplitPlan, TargetKind, Targets, Task,
};
use querist::data::{columns::ColumnOptions, readers::ReadOptions, readers::read};
use querist::episode::{EpisodePlan, Player, PreparedTask, Replicate, play};
use querist::learner::{
    Bank, LearnError, Learner, Loss, Metric, ModelData, Optimiser, Scores, Start, Stop, TrainPlan,
};
use querist::query::{PoolView, QueryError, Registry, Signals};
use querist::{Key, pipeline::Pipeline};
use std::fs;
use std::path::Path;
use std::sync::Arc;

const DIABETES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/regression/diabetes.csv");

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env_remove("QUERIST_DATA").env("NO_COLOR", "1");
    command
}

/// Inputs and words of a plane with a bend, `n` rows of two inputs.
fn bend(n: usize, seed: u64, scale: f32, shift: f32) -> (Matrix, Vec<u32>) {
    use rand::RngExt;
    let mut rng = Key::root(seed).rng();
    let values: Vec<f32> = (0..2 * n).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    let target = |row: &[f32]| scale * (row[0] + (2.0 * row[1]).max(0.0)) + shift;
    let words = values.chunks(2).map(|row| word_of(target(row))).collect();
    (Matrix::new(values, n, 2), words)
}

fn plan(optimiser: Optimiser, stop: Stop) -> TrainPlan {
    TrainPlan { loss: Loss::SquaredError, optimiser, learning_rate: 0.01, stop, ..TrainPlan::default() }
}

fn fit(spec: &NetSpec, inputs: &Matrix, words: &[u32], plan: &TrainPlan, key: u64) -> Bank {
    let rows: Vec<u32> = (0..words.len() as u32).collect();
    let data =
        ModelData { inputs: inputs.view(), rows: &rows, labels: words, validation: (&[], &[]), extra: None };
    let mut bank = Bank::new(spec, 1).unwrap();
    bank.fit(&[data], plan, &[Key::root(key)]).unwrap();
    bank
}

/// One step of plain gradient descent moves every weight against the derivative of the mean of half the squared, standardised
/// misses, which central differences in 64 bits give.
#[test]
fn the_gradient_is_that_of_the_loss() {
    const RATE: f64 = 1e-3;
    let (inputs, words) = bend(24, 1, 5.0, 40.0);
    let spec = NetSpec::mlp(2, &[5], 1).unwrap();
    let numbers: Vec<f64> = words.iter().map(|&word| f64::from(number_of(word))).collect();
    let mean = numbers.iter().sum::<f64>() / 24.0;
    let deviation = (numbers.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 24.0).sqrt();
    let loss = |w: &[f64]| {
        let row = |at: usize| {
            let x = inputs.row(at);
            let hidden = |unit: usize| {
                (f64::from(x[0]) * w[unit] + f64::from(x[1]) * w[5 + unit] + w[10 + unit]).max(0.0)
            };
            let found = (0..5).map(|unit| hidden(unit) * w[15 + unit]).sum::<f64>() + w[20];
            0.5 * (found - (numbers[at] - mean) / deviation).powi(2)
        };
        (0..24).map(row).sum::<f64>() / 24.0
    };
    let mut fresh = Bank::new(&spec, 1).unwrap();
    fresh.init(0, Key::root(7).named("weights"));
    let start: Vec<f64> = fresh.weights(0).into_iter().map(f64::from).collect();
    let sgd = Optimiser::Sgd { momentum: 0.0, nesterov: false };
    let step = TrainPlan {
        learning_rate: RATE as f32,
        weight_decay: 0.0,
        batch: 64,
        ..plan(sgd, Stop::Steps { steps: 1 })
    };
    let mut stepped: Vec<f64> =
        fit(&spec, &inputs, &words, &step, 7).weights(0).into_iter().map(f64::from).collect();
    // Out of the units of the targets again.
    stepped[15..20].iter_mut().for_each(|weight| *weight /= deviation);
    stepped[20] = (stepped[20] - mean) / deviation;
    for at in 0..start.len() {
        let moved = |by: f64| {
            let mut weights = start.clone();
            weights[at] += by;
            loss(&weights)
        };
        let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        let found = (start[at] - stepped[at]) / RATE;
        assert!((found - slope).abs() < 2e-3 * (1.0 + slope.abs()), "weight {at}: {found}, expected {slope}");
    }
}

/// The same of β-NLL, the factor of whose loss is a constant; and where the noise is larger, so is the variance.
#[test]
fn the_gradient_is_that_of_the_loss_with_a_variance() {
    const RATE: f64 = 1e-3;
    let (inputs, words) = bend(24, 1, 5.0, 40.0);
    let spec = NetSpec::mlp(2, &[5], 2).unwrap();
    let numbers: Vec<f64> = words.iter().map(|&word| f64::from(number_of(word))).collect();
    let mean = numbers.iter().sum::<f64>() / 24.0;
    let deviation = (numbers.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 24.0).sqrt();
    let outputs = |w: &[f64], at: usize| {
        let x = inputs.row(at);
        let hidden =
            |unit: usize| (f64::from(x[0]) * w[unit] + f64::from(x[1]) * w[5 + unit] + w[10 + unit]).max(0.0);
        [0, 1].map(|out| (0..5).map(|unit| hidden(unit) * w[15 + 2 * unit + out]).sum::<f64>() + w[25 + out])
    };
    let mut fresh = Bank::new(&spec, 1).unwrap();
    fresh.init(0, Key::root(7).named("weights"));
    let start: Vec<f64> = fresh.weights(0).into_iter().map(f64::from).collect();
    let loss = |w: &[f64]| {
        let row = |at: usize| {
            let ([found, log], [_, before]) = (outputs(w, at), outputs(&start, at));
            let miss = found - (numbers[at] - mean) / deviation;
            (0.5 * before).exp() * 0.5 * (log + miss * miss / log.exp())
        };
        (0..24).map(row).sum::<f64>() / 24.0
    };
    let sgd = Optimiser::Sgd { momentum: 0.0, nesterov: false };
    let of = |optimiser, stop| TrainPlan { loss: Loss::BetaNll, ..plan(optimiser, stop) };
    let step = TrainPlan {
        learning_rate: RATE as f32,
        weight_decay: 0.0,
        batch: 64,
        ..of(sgd, Stop::Steps { steps: 1 })
    };
    let mut stepped: Vec<f64> =
        fit(&spec, &inputs, &words, &step, 7).weights(0).into_iter().map(f64::from).collect();
    // Out of the units of the targets again.
    stepped[15..25].iter_mut().step_by(2).for_each(|weight| *weight /= deviation);
    stepped[25] = (stepped[25] - mean) / deviation;
    stepped[26] -= 2.0 * deviation.ln();
    for at in 0..start.len() {
        let moved = |by: f64| {
            let mut weights = start.clone();
            weights[at] += by;
            loss(&weights)
        };
        let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        let found = (start[at] - stepped[at]) / RATE;
        assert!((found - slope).abs() < 2e-3 * (1.0 + slope.abs()), "weight {at}: {found}, expected {slope}");
    }

    use rand::RngExt;
    let mut rng = Key::root(3).rng();
    let (inputs, words) = bend(300, 2, 5.0, 40.0);
    let noisy: Vec<u32> = (0..300)
        .map(|row| {
            let wide = if inputs.row(row)[0] > 0.0 { 4.0 } else { 0.4 };
            word_of(number_of(words[row]) + wide * (rng.random::<f32>() - 0.5))
        })
        .collect();
    let fitted = fit(&spec, &inputs, &noisy, &of(Optimiser::Adam, Stop::Epochs { epochs: 200 }), 5);
    let logits = fitted.logits(0, inputs.view(), None);
    let mean_log = |right: bool| {
        let own = (0..300).filter(|&row| (inputs.row(row)[0] > 0.0) == right);
        let logs: Vec<f64> = own.map(|row| f64::from(logits.row(row)[1])).collect();
        logs.iter().sum::<f64>() / logs.len() as f64
    };
    // Variances of uniform noise: 16 / 12 and 0.16 / 12, 4.6 apart in their logarithms.
    assert!((mean_log(true) - (16.0f64 / 12.0).ln()).abs() < 1.0, "{}", mean_log(true));
    assert!(mean_log(true) - mean_log(false) > 2.0, "{} {}", mean_log(true), mean_log(false));
    let scores = TargetKind::Real.scores(&fitted, 0, inputs.view(), &words);
    assert!(scores.by(Metric::R2) > 0.9, "{scores:?}");
}

/// Networks side by side, alone, and under every instruction set are the same bits; and one is fitted to its numbers.
#[test]
fn a_network_does_not_depend_on_its_neighbours() {
    let spec = NetSpec::mlp(2, &[12], 1).unwrap();
    let pools: Vec<(Matrix, Vec<u32>)> = (0..19).map(|model| bend(60, model, 3.0, -8.0)).collect();
    let rows: Vec<u32> = (0..60).collect();
    let plan = plan(Optimiser::Adam, Stop::Epochs { epochs: 200 });
    let model = |(inputs, words): &(Matrix, Vec<u32>), rows: &[u32]| {
        (inputs.clone(), words[..rows.len()].to_vec(), rows.to_vec())
    };
    let owned: Vec<_> = pools.iter().enumerate().map(|(at, pool)| model(pool, &rows[..40 + at])).collect();
    let data: Vec<ModelData<'_>> = owned
        .iter()
        .map(|(inputs, labels, rows)| ModelData {
            inputs: inputs.view(),
            rows,
            labels,
            validation: (&[], &[]),
            extra: None,
        })
        .collect();
    let keys: Vec<Key> = (0..19).map(|at| Key::root(3).at(at)).collect();
    let mut together = Bank::new(&spec, 19).unwrap();
    together.fit(&data, &plan, &keys).unwrap();
    for at in [0, 7, 18] {
        let mut alone = Bank::new(&spec, 1).unwrap();
        alone.fit(&data[at..=at], &plan, &keys[at..=at]).unwrap();
        assert_eq!(alone.weights(0), together.weights(at), "model {at}");
    }
    let (inputs, words) = &pools[0];
    let scores = TargetKind::Real.scores(&together, 0, inputs.view(), words);
    assert!(scores.by(Metric::R2) > 0.98, "{scores:?}");
    assert!(scores.by(Metric::Accuracy).is_nan(), "a figure of classes");
}

/// Targets in another unit give the same network in that unit, up to rounding, also where a fit goes on from an earlier one.
#[test]
fn the_unit_of_the_targets_decides_nothing() {
    let spec = NetSpec::mlp(2, &[8], 1).unwrap();
    let of = |scale: f32, shift: f32| {
        let (inputs, words) = bend(50, 4, scale, shift);
        let rows: Vec<u32> = (0..50).collect();
        let mut bank = Bank::new(&spec, 1).unwrap();
        for (known, start) in [(10, Start::Scratch), (50, Start::Warm)] {
            let plan = TrainPlan { start, ..plan(Optimiser::Adam, Stop::Epochs { epochs: 20 }) };
            let labels = &words[..known];
            let data = ModelData {
                inputs: inputs.view(),
                rows: &rows[..known],
                labels,
                validation: (&[], &[]),
                extra: None,
            };
            bank.fit(&[data], &plan, &[Key::root(5)]).unwrap();
        }
        bank.predictions(0, inputs.view(), None)
    };
    let (plain, other) = (of(1.0, 0.0), of(1000.0, -5000.0));
    for (plain, other) in plain.into_iter().zip(other) {
        let found = (other + 5000.0) / 1000.0;
        assert!((found - plain).abs() < 5e-3, "{found}, expected {plain}");
    }
}

#[test]
fn what_cannot_be_fitted_to_is_refused() {
    let (inputs, words) = bend(4, 1, 1.0, 0.0);
    let refusal = |outputs: usize, words: &[u32], plan: &TrainPlan| {
        let spec = NetSpec::mlp(2, &[4], outputs).unwrap();
        let rows: Vec<u32> = (0..words.len() as u32).collect();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &rows,
            labels: words,
            validation: (&[], &[]),
            extra: None,
        };
        let error = Bank::new(&spec, 1).unwrap().fit(&[data], plan, &[Key::root(1)]).unwrap_err();
        error.to_string()
    };
    let adam = plan(Optimiser::Adam, Stop::Epochs { epochs: 1 });
    let bad = [words[0], word_of(f32::NAN)];
    assert!(refusal(1, &bad, &adam).contains("the target at row 1 is NaN"));
    assert!(refusal(2, &words, &adam).contains("a network of one output"));
    let nll = TrainPlan { loss: Loss::BetaNll, ..adam };
    assert!(refusal(1, &words, &nll).contains("a network of two outputs"));
    let lbfgs = TrainPlan { optimiser: Optimiser::Lbfgs { ridge: 1.0 }, ..adam };
    assert!(refusal(1, &words, &lbfgs).contains("lbfgs"));
    let spec = NetSpec::mlp(2, &[4], 1).unwrap();
    let data = ModelData {
        inputs: inputs.view(),
        rows: &[0],
        labels: &words[..1],
        validation: (&[], &[]),
        extra: None,
    };
    let mut burnt =
        querist::learner::BurnNet::new(&spec, 1, querist::learner::DeviceKind::Flex.open().unwrap().unwrap())
            .unwrap();
    let error = burnt.fit(&[data], &adam, &[Key::root(1)]).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(LearnError::Targets { .. })), "{error}");
    // A single row has no deviation: it is predicted as it is, in the end.
    let epochs = plan(Optimiser::Adam, Stop::Epochs { epochs: 300 });
    let one = fit(&spec, &inputs, &words[..1], &epochs, 1);
    let found = one.predictions(0, inputs.view(), Some(&[0]))[0];
    assert!((found - number_of(words[0])).abs() < 0.05, "{found} {}", number_of(words[0]));
}

/// Truth 1, 2, 3, 6 (mean 3, squares 4 + 1 + 0 + 9 = 14); misses 1, 1, 0, 0: 1 - sqrt(2 / 14), and R² of 1 - 2 / 14.
#[test]
fn figures_by_hand() {
    let truth: Vec<u32> = [1.0, 2.0, 3.0, 6.0].map(word_of).to_vec();
    let scores = Scores::of_numbers(&[2.0, 1.0, 3.0, 6.0], &truth);
    assert!((scores.by(Metric::Nrmse) - (1.0 - (2.0f64 / 14.0).sqrt())).abs() < 1e-12);
    assert!((scores.by(Metric::R2) - (1.0 - 2.0 / 14.0)).abs() < 1e-12);
    assert_eq!(Scores::of_numbers(&[3.0; 4], &truth).by(Metric::Nrmse), 0.0, "the mean everywhere");
    assert_eq!(Scores::of_numbers(&[5.0; 2], &truth[..2]).by(Metric::Nrmse), 1.0 - (25.0f64 / 0.5).sqrt());
    assert_eq!(Scores::of_numbers(&[5.0], &truth[..1]).by(Metric::R2), 0.0, "one row does not vary");
}

/// The reference is made by `tests/golden/regression.py`.
#[test]
fn greedy_sampling_is_that_of_scikit_activeml() {
    let file: serde_json::Value = serde_json::from_str(include_str!("golden/regression.json")).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        file[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
    };
    let count = |name: &str| file[name].as_u64().unwrap() as usize;
    let (inputs, labelled) = (floats("inputs"), count("labelled"));
    let inputs = Matrix::new(inputs.clone(), inputs.len() / count("width"), count("width"));
    let rows: Vec<RowId> = (0..inputs.rows() as u32).map(RowId).collect();
    let words: Vec<u32> = floats("targets")[..labelled].iter().map(|&target| word_of(target)).collect();
    let signals =
        Signals { predictions: Some(floats("predictions")[labelled..].to_vec()), ..Signals::default() };
    let (known, candidates) = rows.split_at(labelled);
    let view = PoolView::of_kind(TargetKind::Real, inputs.view(), known, &words, candidates, 0, &signals);
    for name in ["gsx", "gsy", "igs"] {
        let expected: Vec<RowId> =
            (file[name].as_array().unwrap().iter()).map(|row| RowId(row.as_u64().unwrap() as u32)).collect();
        let mut strategy = Registry::builtin().build(name).unwrap();
        assert_eq!(strategy.select(&view, expected.len(), Key::root(0)).unwrap(), expected, "{name}");
    }
}

/// Members say 1, 3 and 2, 2: variances 1 and 0. The embedding (3, 4) is √26 long with its bias; the network says 4 and 1: mean
/// misses 2 and 1.
#[test]
fn committees_by_hand() {
    let inputs = Matrix::zeros(2, 1);
    let member = |values: [f32; 2]| Matrix::new(values.to_vec(), 2, 1);
    let signals = Signals {
        predictions: Some(vec![4.0, 1.0]),
        embeddings: Some(Matrix::new(vec![3.0, 4.0, 0.0, 0.0], 2, 2)),
        committee: Some(querist::query::Passes { members: vec![member([1.0, 2.0]), member([3.0, 2.0])] }),
        ..Signals::default()
    };
    let candidates = [RowId(0), RowId(1)];
    let view = PoolView::of_kind(TargetKind::Real, inputs.view(), &[], &[], &candidates, 0, &signals);
    let scores = |name: &str| {
        let mut score = Registry::builtin().build_score(&name.parse().unwrap()).unwrap();
        score.score(&view, Key::root(0)).unwrap()
    };
    assert_eq!(scores("committee_variance"), [1.0, 0.0]);
    assert_eq!(scores("model_change"), [2.0 * 26f64.sqrt(), 1.0]);
}

fn numbers(values: Vec<f32>) -> Dataset {
    let rows = values.len();
    let inputs = Matrix::new((0..rows).map(|row| row as f32).collect(), rows, 1);
    Dataset::new("numbers", Shape::Vector(1), inputs, Targets::Real { values }, None).unwrap()
}

#[test]
fn data_sets_of_numbers() {
    let set = numbers((0..40).map(|row| row as f32 / 2.0).collect());
    assert_eq!(
        (set.kind(), set.classes(), set.labels().len(), set.values()[3]),
        (TargetKind::Real, 0, 0, 1.5)
    );
    let other = numbers((0..40).map(|row| row as f32 / 4.0).collect());
    assert_ne!(set.content(), other.content());
    let task = Arc::new(Task::split(&set, &SplitPlan::default(), Key::root(1)).unwrap());
    assert_eq!((task.kind(), task.separation().shared), (TargetKind::Real, 0));
    // The oracle reveals the numbers of the rows.
    let (mut pool, mut oracle) = (Pool::unlabelled(task.pool().rows()), Oracle::new(task.clone(), 2));
    pool.ask(&mut oracle, &[RowId(1), RowId(0)]).unwrap();
    for (row, &word) in pool.labelled().iter().zip(pool.labels()) {
        assert_eq!(number_of(word), set.values()[task.dataset_row(*row) as usize]);
    }
    let inputs = Matrix::zeros(2, 1);
    let bad =
        Dataset::new("n", Shape::Vector(1), inputs, Targets::Real { values: vec![1.0, f32::NAN] }, None);
    let error = bad.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(DataError::TargetNotFinite { row: 1, .. })), "{error}");
    let error = Task::split(&numbers(vec![4.5; 40]), &SplitPlan::default(), Key::root(1)).unwrap_err();
    let constant = matches!(
        error.downcast_ref(),
        Some(DataError::ConstantTarget { part: "pool", value: 4.5, rows: 20, .. })
    );
    assert!(constant, "{error}");
}

#[test]
fn tables_of_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    let options = |task| ReadOptions {
        columns: ColumnOptions { label: Some("y".into()), task, ..ColumnOptions::default() },
        ..ReadOptions::default()
    };
    let read = |text: &str, task| {
        fs::write(&path, text).unwrap();
        read(&path, &options(task))
    };
    let set = read("a;y\n3;1,5\n1;-2\n4;\n1;nan\n5;1.000,25\n", TargetKind::Real).unwrap();
    assert_eq!(set.values(), [1.5, -2.0, 1000.25]);
    let preparation = set.preparation();
    assert_eq!(preparation.unlabelled, 2);
    assert!(preparation.decisions.iter().any(|one| one.what == "task" && one.choice == "regression"));
    let warned = |warning: &String| warning.starts_with("2 of 5 rows have no label");
    assert!(preparation.warnings.iter().any(warned), "{:?}", preparation.warnings);
    for (text, wanted) in [
        ("a,y\n1,1.5\n2,many\n", "line 3, column y: \"many\" is not a finite number"),
        ("a,y\n1,1.5\n2,1e300\n", "line 3, column y"),
        ("a,y\n1,inf\n2,3\n", "line 2, column y: \"inf\" is not a finite number"),
        ("a,y\n3,\n1,\n", "none of 2 rows has a label"),
    ] {
        let error = read(text, TargetKind::Real).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text:?}: {error}");
    }
    let many: String = (0..60).map(|row| format!("{row},{}.5\n", row * 7)).collect();
    let error = read(&format!("a,y\n{many}"), TargetKind::Class).unwrap_err();
    assert!(error.to_string().contains("looks continuous"), "{error}");
    assert!(error.hint().unwrap().contains("--task regression"));
}

/// A strategy that looks at classes cannot play on numbers, nor the other way round, also where no plan was checked.
#[test]
fn strategies_play_on_what_they_serve() {
    let set = numbers((0..60).map(|row| (row as f32 / 9.0).sin()).collect());
    let task = Task::split(&set, &SplitPlan::default(), Key::root(1)).unwrap();
    let iris = querist::data::embedded::load("iris").unwrap();
    let classes = Task::split(&iris, &SplitPlan::default(), Key::root(1)).unwrap();
    let (numbers, classes) = (PreparedTask::new(task), PreparedTask::new(classes));
    let plan = EpisodePlan { initial_per_class: 5, ..EpisodePlan::default().hidden(&[8]).queries(3, 2) };
    let played = |spec: &str, prepared: &Arc<PreparedTask>| {
        let player = Player {
            name: spec.to_string(),
            strategy: Registry::builtin().build(spec).unwrap(),
            replicate: Replicate { prepared: prepared.clone(), key: Key::root(2) },
            repetition: 0,
            architect: None,
        };
        play(&plan, vec![player])
    };
    for (spec, prepared) in [("margin", &numbers), ("badge", &numbers), ("igs", &classes)] {
        let error = played(spec, prepared).unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(QueryError::Kind { strategy, .. }) if strategy == spec),
            "{error}"
        );
    }
    for entry in Registry::builtin().entries() {
        let kinds = Registry::builtin().build(entry.card.example).unwrap().kinds();
        if !kinds.serve(TargetKind::Real) {
            continue;
        }
        let rows = played(entry.card.example, &numbers).unwrap().remove(0).rows;
        let labels: Vec<u32> = rows.iter().map(|row| row.labels).collect();
        assert_eq!(labels, [5, 7, 9, 11], "{}", entry.card.name);
        for row in &rows {
            assert_eq!((row.metric, row.balanced_accuracy, row.macro_f1), (Metric::Nrmse, None, None));
            assert!(row.accuracy.is_finite() && row.accuracy <= 1.0 && row.reward_accuracy <= 1.0);
        }
    }
    let error = play(
        &plan,
        [&numbers, &classes]
            .map(|prepared| Player {
                name: "random".to_string(),
                strategy: Registry::builtin().build("random").unwrap(),
                replicate: Replicate { prepared: prepared.clone(), key: Key::root(2) },
                repetition: 0,
                architect: None,
            })
            .into(),
    );
    assert!(error.unwrap_err().to_string().contains("those of the episodes beside it"));
}

#[test]
fn plans_are_checked_by_kind() {
    let parse = |text: &str| {
        let named = format!("name = \"numbers\"\n{text}");
        Pipeline::parse(&named).map(|_| ()).map_err(|error| error.to_string())
    };
    let target = format!("{{ file = {DIABETES:?}, label = \"target\", task = \"regression\" }}");
    let plan =
        Pipeline::parse(&format!("name = \"numbers\"\n[transfer]\ntargets = [{target}, \"friedman1\"]"))
            .unwrap();
    assert_eq!(plan.plan().episode().metric, Metric::Nrmse);
    assert_eq!(plan.plan().transfer().unwrap().strategies, ["random", "igs"]);
    // The resolved plan says it again.
    let again = Pipeline::parse(&plan.plan().to_toml()).unwrap();
    assert_eq!(again.plan(), &plan.plan().clone());
    let learning =
        "name = \"numbers\"\n[train]\n[sources]\ntask = \"regression\"\ndatasets = [\"friedman1\"]\n";
    let learning = Pipeline::parse(learning).unwrap();
    assert_eq!(learning.plan().episode().metric, Metric::Nrmse);
    assert_eq!(Pipeline::parse(&learning.plan().to_toml()).unwrap().plan(), learning.plan());
    let transfer = |more: &str| format!("[transfer]\ntargets = [{target}]\n{more}");
    for (text, wanted) in [
        (transfer("strategies = [\"margin\"]"), "strategy `margin` does not serve regression"),
        (transfer("strategies = [\"random\", \"power(badge)\"]"), "power"),
        (
            transfer("policy = \"universal\"\nstrategies = [\"policy_adapted\"]"),
            "strategy `policy_adapted` does not serve regression",
        ),
        (
            "[transfer]\ntargets = [\"iris\"]\nstrategies = [\"igs\"]".into(),
            "strategy `igs` does not serve classification",
        ),
        (transfer("[episode]\nmetric = \"macro_f1\""), "is \"macro_f1\", which is no figure of regression"),
        (
            "[episode]\nmetric = \"r2\"\n[transfer]\ntargets = [\"iris\"]".into(),
            "is no figure of classification",
        ),
        (transfer("[learner]\nloss = \"squared\""), "is a loss of classifiers"),
        (
            "[learner]\nloss = \"beta_nll\"\n[transfer]\ntargets = [\"iris\"]".into(),
            "is a loss of numbers; the targets are classes",
        ),
        (transfer("[learner]\nhidden = []\noptimiser = \"lbfgs\""), "which fits a classifier"),
        (transfer("[train]"), "`sources.task` is \"classification\", and targets are numbers"),
        (
            "[train]\n[sources]\ntask = \"regression\"\n[transfer]\ntargets = [\"iris\"]".into(),
            "and targets are classes",
        ),
        ("[train]\n[sources]\ntask = \"regression\"\nvariants = 2".into(), "varies sets of classes"),
        ("[train]\n[sources]\ntask = \"regression\"\nmany_classes = 0.1".into(), "counts classes"),
        ("[train]\n[train.dqn]\niterations = 2\n[sources]\ntask = \"regression\"".into(), "train.dqn"),
        (
            "[train]\nevolution = { soft = 0.5 }\n[sources]\ntask = \"regression\"".into(),
            "`train.evolution.soft` is a part of returns",
        ),
        (
            "[train]\npolicy_gradient = { soft = 0.5 }\n[sources]\ntask = \"regression\"".into(),
            "`train.policy_gradient.soft` is a part of returns",
        ),
        (
            "[train]\n[sources]\ntask = \"regression\"\ndatasets = [\"iris\"]".into(),
            "whose targets are classes",
        ),
        (
            "[transfer]\ntargets = [\"friedman1\", \"iris\"]".into(),
            "targets of regression and \"iris\", of classification",
        ),
        ("[train]\n[sources]\ndatasets = [\"friedman2\"]".into(), "whose targets are numbers"),
        (transfer("[episode]\ninitial = \"prob_cover\""), "strategy `prob_cover` does not serve regression"),
    ] {
        let error = parse(&text).err().unwrap_or_else(|| panic!("taken: {text}"));
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

/// From tables to rows, verdict and report, by one thread and by two.
#[test]
fn a_benchmark_of_numbers_runs_to_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[learner]\nhidden = [8]\nepochs = 10\n[episode]\ninitial_per_class = 8\nquery_size = 4\nrounds = 3\n[transfer]\n\
         targets = [\"friedman1\", {{ file = {DIABETES:?}, label = \"target\", task = \"regression\" }}]\n\
         strategies = [\"random\", \"igs\", \"lcmd\", \"committee_variance\", \"lcmd(space=gradients,sketch=32)\", \"k_center(posterior=0.1)\"]\n\
         repetitions = 3\n"
    );
    fs::write(dir.path().join("x.toml"), text).unwrap();
    let rows = |out: &str, jobs: &str| {
        querist(dir.path()).args(["bench", "x.toml", "-q", "--out", out, "--jobs", jobs]).assert().code(0);
        fs::read_to_string(dir.path().join(out).join("rows.jsonl")).unwrap()
    };
    let one = rows("one", "1");
    assert_eq!(one, rows("two", "2"));
    assert_eq!(one.lines().count(), 2 * 6 * 3 * 4);
    let first: serde_json::Value = serde_json::from_str(one.lines().next().unwrap()).unwrap();
    assert_eq!(first["metric"], "nrmse");
    assert!(first.get("macro_f1").is_none() && first["accuracy"].as_f64().unwrap() <= 1.0, "{first}");
    // Nobody is told to compare with what asks for classes.
    let nll = ["--set", "learner.loss=beta_nll", "--set", "learner.ensemble=2", "--jobs", "1"];
    querist(dir.path()).args(["bench", "x.toml", "-q", "--out", "nll"]).args(nll).assert().code(0);
    let nll = fs::read_to_string(dir.path().join("nll/rows.jsonl")).unwrap();
    assert!(nll.lines().count() == one.lines().count() && nll != one);
    // What is forecast plays the strategies themselves.
    querist(dir.path()).args(["bench", "x.toml", "--dry-run"]).assert().code(0);
    let said = querist(dir.path()).args(["report", "one"]).assert().code(0);
    said.stdout(
        predicate::str::contains("tasks ran").and(predicate::str::contains("margin did not run").not()),
    );
    let csv = fs::read_to_string(dir.path().join("one/results.csv")).unwrap();
    assert!(csv.lines().next().unwrap().ends_with(",query_seconds,metric"), "{csv}");
    assert!(csv.lines().nth(1).unwrap().ends_with(",nrmse"));
    let page = fs::read_to_string(dir.path().join("one/report.html")).unwrap();
    assert!(
        page.contains("final: 1 − nRMSE | R²") && !page.contains("balanced"),
        "the report says what it measures"
    );
    let described = ["data", "describe", DIABETES, "--label", "target", "--task", "regression"];
    querist(dir.path()).args(described).assert().code(0).stdout(
        predicate::str::contains("numbers from 25 to 346").and(predicate::str::contains("regression")),
    );
    querist(dir.path()).args(described).arg("--quality").assert().code(2);
    for (args, wanted) in [
        (
            &["session", "new", "s", "--pool", DIABETES, "--label", "target", "--task", "regression"][..],
            "all 442 rows have labels already",
        ),
        (&["data", "describe", DIABETES, "--label", "target"], "--task regression"),
    ] {
        querist(dir.path()).args(args).assert().code(2).stderr(predicate::str::contains(wanted));
    }
}

/// A policy that has seen classes alone asks for numbers, and one is trained on numbers, by one thread and by two.
#[test]
fn policies_ask_for_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let transfer = "transfer --policy universal --target friedman1 --budget 6 --query-size 2 --initial 8 --repetitions 2 --out t -q";
    querist(dir.path()).args(transfer.split(' ')).assert().code(0);
    let rows = fs::read_to_string(dir.path().join("t/rows.jsonl")).unwrap();
    let asked = |name: &str| {
        let parsed = rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        parsed.filter(|row| row["strategy"] == name).map(|row| row["picks"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(asked("policy").len(), 2 * 4);
    assert!(asked("policy") != asked("igs") && asked("policy") != asked("random"));
    // It is the policy that asks, and not who stands in for it.
    assert!(!rows.contains("left the choice"), "{rows}");

    let text = "[learner]\nhidden = [8]\nepochs = 10\n[episode]\ninitial_per_class = 6\nrounds = 3\n\
         [sources]\ntask = \"regression\"\nsynthetic = 7\nvalidation_synthetic = 7\nmax_pool = 60\nmax_held = 40\nrandomise = false\n\
         [train]\nimitation = { episodes = 1, states = 2, candidates = 3 }\nvalidation_episodes = 2\n\
         policy_gradient = { iterations = 0 }\nnetwork = { kind = \"linear\" }\n\
         [transfer]\ntargets = [\"friedman3\"]\nrepetitions = 2\n";
    fs::write(dir.path().join("x.toml"), text).unwrap();
    let run = |out: &str, jobs: &str| {
        querist(dir.path()).args(["run", "x.toml", "-q", "--out", out, "--jobs", jobs]).assert().code(0);
        let file = |name: &str| fs::read(dir.path().join(out).join(name)).unwrap();
        (file("policy/policy.safetensors"), file("policy/card.toml"), file("rows.jsonl"))
    };
    let one = run("one", "1");
    assert_eq!(one, run("two", "2"));
    let (card, rows) = (String::from_utf8(one.1).unwrap(), String::from_utf8(one.2).unwrap());
    assert!(
        card.contains("Trained to ask for numbers.") && card.contains("k_center(space=inputs)"),
        "{card}"
    );
    for name in ["random", "igs", "policy"] {
        assert!(rows.contains(&format!("\"{name}\"")), "{rows}");
    }
}
