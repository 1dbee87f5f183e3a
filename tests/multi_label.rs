//! Sets of labels as targets, from a table to a verdict; what serves classes alone is refused.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use querist::arch::NetSpec;
use querist::data::target::{MAX_LABELS, has_label};
use querist::data::{
    DataError, Dataset, Matrix, Oracle, Pool, RowId, Shape, SplitPlan, TargetKind, Targets, Task,
};
use querist::data::{columns::ColumnOptions, readers::ReadError, readers::ReadOptions, readers::read};
use querist::episode::{EpisodePlan, Player, PreparedTask, Replicate, play};
use querist::learner::{
    Bank, Ensemble, LearnError, Learner, Loss, Metric, ModelData, Optimiser, Scores, Stop, TrainPlan,
};
use querist::query::registry::{Card, Entry};
use querist::query::{PoolView, QueryError, Registry, Signals};
use querist::simd::SimdPath;
use querist::testing::strategy_contract;
use querist::{Key, pipeline::Pipeline};
use std::fs;
use std::path::Path;
use std::sync::Arc;

const LABELS: usize = 3;

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env_remove("QUERIST_DATA").env("NO_COLOR", "1");
    command
}

/// Two inputs, and three labels: the first is positive, the second is above it, both are far from zero.
fn halves(n: usize, seed: u64) -> (Matrix, Vec<u32>) {
    use rand::RngExt;
    let mut rng = Key::root(seed).rng();
    let values: Vec<f32> = (0..2 * n).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    let set = |x: &[f32]| {
        let held = [x[0] > 0.0, x[1] > x[0], x[0].abs() > 0.4 && x[1].abs() > 0.4];
        held.into_iter().enumerate().fold(0, |set, (label, held)| set | u32::from(held) << label)
    };
    let sets = values.chunks(2).map(set).collect();
    (Matrix::new(values, n, 2), sets)
}

fn plan(optimiser: Optimiser, stop: Stop) -> TrainPlan {
    TrainPlan { loss: Loss::BinaryCrossEntropy, optimiser, learning_rate: 0.01, stop, ..TrainPlan::default() }
}

fn data<'a>(inputs: &'a Matrix, rows: &'a [u32], sets: &'a [u32]) -> ModelData<'a> {
    ModelData { inputs: inputs.view(), rows, labels: sets, validation: (&[], &[]), extra: None }
}

/// One step of plain gradient descent moves every weight against the derivative of the mean binary cross-entropy, which central
/// differences in 64 bits give; with networks one at a time and side by side.
#[test]
fn the_gradient_is_that_of_the_loss() {
    const RATE: f64 = 1e-2;
    let (inputs, sets) = halves(24, 1);
    let spec = NetSpec::mlp(2, &[5], LABELS).unwrap();
    let loss = |w: &[f64]| {
        let row = |at: usize| {
            let x = inputs.row(at);
            let hidden = |unit: usize| {
                (f64::from(x[0]) * w[unit] + f64::from(x[1]) * w[5 + unit] + w[10 + unit]).max(0.0)
            };
            let of = |label: usize| {
                let z = (0..5).map(|unit| hidden(unit) * w[15 + LABELS * unit + label]).sum::<f64>()
                    + w[15 + 5 * LABELS + label];
                let p = 1.0 / (1.0 + (-z).exp());
                -if has_label(sets[at], label) { p.ln() } else { (1.0 - p).ln() }
            };
            (0..LABELS).map(of).sum::<f64>() / LABELS as f64
        };
        (0..24).map(row).sum::<f64>() / 24.0
    };
    let rows: Vec<u32> = (0..24).collect();
    let step = TrainPlan {
        learning_rate: RATE as f32,
        weight_decay: 0.0,
        batch: 64,
        ..plan(Optimiser::Sgd { momentum: 0.0, nesterov: false }, Stop::Steps { steps: 1 })
    };
    for networks in [1, 16] {
        let mut bank = Bank::new(&spec, networks).unwrap();
        bank.init(0, Key::root(7).named("weights"));
        let start: Vec<f64> = bank.weights(0).into_iter().map(f64::from).collect();
        let all = vec![data(&inputs, &rows, &sets); networks];
        let report = bank.fit(&all, &step, &vec![Key::root(7); networks]).unwrap();
        assert!((f64::from(report[0].loss) - loss(&start)).abs() < 1e-5, "{report:?}");
        for (at, stepped) in bank.weights(0).into_iter().map(f64::from).enumerate() {
            let moved = |by: f64| {
                let mut weights = start.clone();
                weights[at] += by;
                loss(&weights)
            };
            let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            let found = (start[at] - stepped) / RATE;
            assert!(
                (found - slope).abs() < 2e-4 * (1.0 + slope.abs()),
                "weight {at}: {found}, expected {slope}"
            );
        }
    }
}

/// Networks side by side, alone, and under every instruction set are the same bits; and one learns its labels.
#[test]
fn a_network_does_not_depend_on_its_neighbours() {
    let spec = NetSpec::mlp(2, &[12], LABELS).unwrap();
    let pools: Vec<(Matrix, Vec<u32>)> = (0..19).map(|model| halves(60, model)).collect();
    let rows: Vec<u32> = (0..60).collect();
    let plan = plan(Optimiser::Adam, Stop::Epochs { epochs: 200 });
    let of = |at: usize| data(&pools[at].0, &rows[..40 + at], &pools[at].1[..40 + at]);
    let all: Vec<ModelData<'_>> = (0..19).map(of).collect();
    let keys: Vec<Key> = (0..19).map(|at| Key::root(3).at(at)).collect();
    let mut together = Bank::new(&spec, 19).unwrap();
    together.fit(&all, &plan, &keys).unwrap();
    for path in SimdPath::available() {
        let mut other = Bank::with_path(&spec, 19, path).unwrap();
        other.fit(&all, &plan, &keys).unwrap();
        assert!((0..19).all(|at| other.weights(at) == together.weights(at)), "{path:?}");
    }
    for at in [0, 7, 18] {
        let mut alone = Bank::new(&spec, 1).unwrap();
        alone.fit(&all[at..=at], &plan, &keys[at..=at]).unwrap();
        assert_eq!(alone.weights(0), together.weights(at), "model {at}");
    }
    let (inputs, sets) = &pools[18];
    let scores = TargetKind::MultiLabel.scores(&together, 18, inputs.view(), sets);
    assert!(scores.by(Metric::LabelMacroF1) > 0.9, "{scores:?}");
    assert!(scores.by(Metric::MeanAveragePrecision) > 0.95, "{scores:?}");
    assert!(scores.by(Metric::MacroF1).is_nan(), "a figure of classes");
    // An ensemble says the mean of its members' probabilities.
    let answers = |learner: &dyn Learner, model| {
        TargetKind::MultiLabel.answers(learner, model, inputs.view(), Some(&[3])).values().to_vec()
    };
    let members: Vec<Vec<f32>> = (0..3).map(|model| answers(&together, model)).collect();
    let mut three = Bank::new(&spec, 3).unwrap();
    (0..3).for_each(|model| three.set_weights(model, &together.weights(model)).unwrap());
    let ensemble = Ensemble::new(Box::new(three), 3);
    for (label, found) in answers(&ensemble, 0).into_iter().enumerate() {
        let mean = members.iter().map(|member| member[label]).sum::<f32>() / 3.0;
        assert!((found - mean).abs() < 1e-6, "label {label}: {found}, expected {mean}");
    }
}

#[test]
fn what_cannot_be_fitted_to_is_refused() {
    let (inputs, sets) = halves(4, 1);
    let rows = [0, 1, 2, 3];
    let adam = plan(Optimiser::Adam, Stop::Epochs { epochs: 1 });
    let refusal = |outputs: usize, sets: &[u32], plan: &TrainPlan| {
        let spec = NetSpec::mlp(2, &[4], outputs).unwrap();
        let all = [data(&inputs, &rows, sets)];
        Bank::new(&spec, 1).unwrap().fit(&all, plan, &[Key::root(1)]).unwrap_err().to_string()
    };
    assert!(
        refusal(3, &[1, 0b1000, 0, 1], &adam)
            .contains("row 1 are the bits 0b1000, the network has 3 outputs")
    );
    assert!(refusal(MAX_LABELS + 1, &sets, &adam).contains("the network has 32 outputs"));
    let lbfgs = TrainPlan { optimiser: Optimiser::Lbfgs { ridge: 1.0 }, ..adam };
    assert!(refusal(3, &sets, &lbfgs).contains("lbfgs"));
    // All of the labels that there can be.
    let spec = NetSpec::mlp(2, &[4], MAX_LABELS).unwrap();
    let every = [(1 << MAX_LABELS) - 1, 0, 1, 2];
    let mut bank = Bank::new(&spec, 1).unwrap();
    let report = bank.fit(&[data(&inputs, &rows, &every)], &adam, &[Key::root(1)]).unwrap();
    assert!(report[0].loss.is_finite() && report[0].diverged_at.is_none());
    let mut burnt =
        querist::learner::BurnNet::new(&spec, 1, querist::learner::DeviceKind::Flex.open().unwrap().unwrap())
            .unwrap();
    let error = burnt.fit(&[data(&inputs, &rows, &every)], &adam, &[Key::root(1)]).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(LearnError::Targets { .. })), "{error}");
}

/// The reference is made by `python tests/golden/multi_label.py > tests/golden/multi_label.json`.
#[test]
fn figures_are_those_of_scikit_learn() {
    let file: serde_json::Value = serde_json::from_str(include_str!("golden/multi_label.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let sets: Vec<u32> =
            case["sets"].as_array().unwrap().iter().map(|set| set.as_u64().unwrap() as u32).collect();
        let p: Vec<f32> =
            (case["probabilities"].as_array().unwrap().iter()).map(|p| p.as_f64().unwrap() as f32).collect();
        let probabilities = Matrix::new(p, sets.len(), case["labels"].as_u64().unwrap() as usize);
        let scores = Scores::of_labels(&probabilities, &sets);
        for metric in Metric::OF_LABELS {
            let (found, expected) = (scores.by(metric), case[metric.key()].as_f64().unwrap());
            assert!((found - expected).abs() < 1e-12, "{}: {found}, expected {expected}", metric.key());
        }
    }
}

/// Label 0: predicted 1, 0, 1, true 1, 1, 0: F1 of 2 / 4; from the top .9, .8, .4 are positive, not, positive: (1 + 2/3) / 2. Label 1:
/// predicted and true in row 2 alone: both 1.
#[test]
fn figures_by_hand() {
    let p = Matrix::new(vec![0.9, 0.1, 0.4, 0.2, 0.8, 0.7], 3, 2);
    let scores = Scores::of_labels(&p, &[0b01, 0b01, 0b10]);
    assert!((scores.by(Metric::LabelMacroF1) - 0.75).abs() < 1e-12);
    assert!((scores.by(Metric::MeanAveragePrecision) - (5.0 / 6.0 + 1.0) / 2.0).abs() < 1e-12);
    assert_eq!(Scores::of_labels(&Matrix::zeros(0, 2), &[]).by(Metric::LabelMacroF1), 0.0);
}

/// Sets `{0}` and `{}` are predicted of `(.9, .4)` and `(.2, .1)`: residuals `(-.1, .4)` and `(.2, .1)`, squared .17 and .05. With embeddings of
/// squared norm 1 and 4 the gradients are .17 and .2 long, squared: the second comes first.
#[test]
fn badge_takes_the_gradient_at_the_predicted_set() {
    let inputs = Matrix::zeros(2, 1);
    let signals = Signals {
        probabilities: Some(Matrix::new(vec![0.9, 0.4, 0.2, 0.1], 2, 2)),
        embeddings: Some(Matrix::new(vec![1.0, 0.0, 0.0, 2.0], 2, 2)),
        ..Signals::default()
    };
    let candidates = [RowId(0), RowId(1)];
    let view = PoolView::of_kind(TargetKind::MultiLabel, inputs.view(), &[], &[], &candidates, 2, &signals);
    let mut badge = Registry::builtin().build("badge").unwrap();
    assert_eq!(badge.select(&view, 1, Key::root(0)).unwrap(), [RowId(1)]);
}

/// The suite runs over the example of a strategy's card, whose arms serve classes too.
#[test]
fn tailor_keeps_the_contract_over_lifted_arms() {
    let builtin = Registry::builtin();
    let of = |name: &str| *builtin.find(name).unwrap();
    let tailor = of("tailor");
    let card = Card { example: "tailor(by_label(margin),k_center)", ..tailor.card };
    let registry = [of("margin"), of("by_label"), of("k_center"), Entry { card, ..tailor }]
        .into_iter()
        .try_fold(Registry::empty(), Registry::with)
        .unwrap();
    let kinds = registry.build(card.example).unwrap().kinds();
    assert!(kinds.serve(TargetKind::MultiLabel) && !kinds.serve(TargetKind::Class));
    strategy_contract(&registry, "tailor");
}

fn label_sets(sets: Vec<u32>, names: &[&str]) -> querist::Result<Dataset> {
    let rows = sets.len();
    let inputs = Matrix::new((0..rows).map(|row| row as f32).collect(), rows, 1);
    let names = names.iter().map(|name| name.to_string()).collect();
    Dataset::new("sets", Shape::Vector(1), inputs, Targets::MultiLabel { sets, names }, None)
}

#[test]
fn data_sets_of_label_sets() {
    let set = label_sets((0..40).map(|row| row % 4).collect(), &["a", "b"]).unwrap();
    assert_eq!((set.kind(), set.classes(), set.labels().len()), (TargetKind::MultiLabel, 2, 0));
    let other = label_sets((0..40).map(|row| row / 10).collect(), &["a", "b"]).unwrap();
    assert_ne!(set.content(), other.content());
    let renamed = label_sets((0..40).map(|row| row % 4).collect(), &["a", "c"]).unwrap();
    assert!(set.content() == renamed.content() && set.digest() != renamed.digest());
    let task = Arc::new(Task::split(&set, &SplitPlan::default(), Key::root(1)).unwrap());
    assert_eq!((task.kind(), task.classes(), task.separation().shared), (TargetKind::MultiLabel, 2, 0));
    // The oracle reveals the sets of the rows.
    let (mut pool, mut oracle) = (Pool::unlabelled(task.pool().rows()), Oracle::new(task.clone(), 2));
    pool.ask(&mut oracle, &[RowId(1), RowId(0)]).unwrap();
    for (row, &word) in pool.labelled().iter().zip(pool.labels()) {
        assert_eq!(word, set.targets().word(task.dataset_row(*row) as usize));
    }
    let many: Vec<String> = (0..=MAX_LABELS).map(|label| format!("l{label}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (refused, wanted) in [
        (
            label_sets(vec![0, 1, 4], &["a", "b"]),
            "sets: row 2: the labels are the bits 0b100, but there are 2 labels",
        ),
        (label_sets(vec![0, 1, 1], &["a", "b"]), "sets: none of 3 rows has the label \"b\""),
        (label_sets(vec![0, 1], &["a", "a"]), "sets: labels 0 and 1 are both called \"a\""),
        (label_sets(vec![0], &[]), "sets: there are no labels"),
        (label_sets(vec![0], &many), "32 labels"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let alike = label_sets([vec![1; 39], vec![2]].concat(), &["a", "b"]).unwrap();
    let error = (0..20)
        .filter_map(|seed| Task::split(&alike, &SplitPlan::default(), Key::root(seed)).err())
        .next()
        .unwrap();
    assert!(matches!(error.downcast_ref(), Some(DataError::OneSet { .. })), "{error}");
}

#[test]
fn tables_of_label_sets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    let of = |text: &str, label: &str, separator: Option<&str>| {
        fs::write(&path, text).unwrap();
        let columns = ColumnOptions {
            label: Some(label.into()),
            task: TargetKind::MultiLabel,
            label_separator: separator.map(str::to_string),
            ..ColumnOptions::default()
        };
        read(&path, &ReadOptions { columns, ..ReadOptions::default() })
    };
    let words = |set: &Dataset| (0..set.rows()).map(|row| set.targets().word(row)).collect::<Vec<u32>>();
    // Columns of 0 and 1, by name and by pattern; a row of which nothing is known is left out, one without labels is not.
    let table = "x,red,tag_a,tag_b\n1,1,0,true\n2,0,0,0\n3,,,\n4,1.0,1,FALSE\n";
    for label in ["red,tag_a,tag_b", "tag_*,red,tag_a", "1,2,-1"] {
        let set = of(table, label, None).unwrap();
        assert_eq!(set.class_names(), ["red", "tag_a", "tag_b"], "{label}");
        assert_eq!((words(&set), set.width()), (vec![0b101, 0, 0b011], 1));
        assert_eq!((set.preparation().unlabelled, set.source_row(2)), (1, 3));
        let said = |one: &querist::data::table::Decision| {
            one.what == "task" && one.reason.contains("3 labels, 1.33 per row")
        };
        assert!(set.preparation().decisions.iter().any(said), "{:?}", set.preparation().decisions);
    }
    // Lists of names; the separator alone is a row without labels, and an empty cell is not labelled.
    let lists = "x,tags\n1,red | round\n2,|\n3,round|round|\n4,\n5,blue\n6,  \n";
    let set = of(lists, "tags", Some("|")).unwrap();
    assert_eq!(set.class_names(), ["blue", "red", "round"]);
    assert_eq!(words(&set), [0b110, 0, 0b100, 0b001]);
    assert_eq!((set.preparation().unlabelled, set.source_row(3)), (2, 4));
    let wide: String = (0..40).map(|row| format!("{row},t{row}\n")).collect();
    for (text, label, separator, wanted) in [
        ("x,a,b\n1,0,1\n2,2,0\n", "a,b", None, "line 3, column a: \"2\" is neither 0 nor 1"),
        ("x,a,b\n1,0,yes\n", "a,b", None, "line 2, column b: \"yes\" is neither 0 nor 1"),
        ("x,a,b\n1,0,1\n2,1,\n", "a,b", None, "line 3, column b: nothing, but the row has values"),
        ("x,a,b\n1,0,1\n2,0,0\n", "a,b", None, "none of 2 rows has the label \"a\""),
        ("x,a,b\n1,,\n2,,\n", "a,b", None, "none of 2 rows has a label"),
        ("x,a,b\n1,0,1\n", "a,c", None, "no column is called \"c\""),
        ("x,a,b\n1,0,1\n2,1,0\n", "a,b,a", None, "--label names \"a\" twice"),
        ("x,tags\n1,\n2,\n", "tags", Some(";"), "none of 2 rows has a label"),
        ("x,tags\n1,;\n2,;\n", "tags", Some(";"), "there are no labels"),
        (
            "x,a,b\n1,0,1\n2,1,0\n",
            "a,b",
            Some(";"),
            "stands for several columns, and --label-separator parts",
        ),
        ("x,a,b\n1,0,1\n2,1,0\n", "a*", Some(";"), "stands for several columns, and --label-separator parts"),
        (&format!("x,tags\n{wide}"), "tags", Some(";"), "32 labels"),
        ("x,tags\n1,a\n2,b\n", "tags", Some(""), "--label-separator is given"),
    ] {
        let error = of(text, label, separator).unwrap_err();
        assert!(error.to_string().contains(wanted), "{text:?}: {error}");
    }
    let error = of("x,a,b\n1,0,1\n2,1,\n", "a,b", None).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(ReadError::LabelGap { line: 3, .. })), "{error}");
    // Parquet holds truth values as such.
    let parquet = dir.path().join("t.parquet");
    write_parquet(&parquet);
    let columns =
        ColumnOptions { label: Some("a,b".into()), task: TargetKind::MultiLabel, ..ColumnOptions::default() };
    let set = read(&parquet, &ReadOptions { columns, ..ReadOptions::default() }).unwrap();
    assert_eq!(words(&set), [0b01, 0b10, 0b11]);
}

/// Arrays of 0 and 1 as labels; the archives are made by `tests/golden/multi_label.py`. And lines of LIBSVM with several labels.
#[test]
fn arrays_and_sparse_files_of_label_sets() {
    let of = |path: &Path| {
        let columns = ColumnOptions { task: TargetKind::MultiLabel, ..ColumnOptions::default() };
        read(path, &ReadOptions { columns, ..ReadOptions::default() })
    };
    let words = |set: &Dataset| (0..set.rows()).map(|row| set.targets().word(row)).collect::<Vec<u32>>();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let set = of(&golden.join("multi_label.npz")).unwrap();
    assert_eq!(set.class_names(), ["red", "round", "small"]);
    assert_eq!((words(&set), set.width()), (vec![0b101, 0, 0b011, 0b100], 2));
    let error = of(&golden.join("multi_label_bad.npz")).unwrap_err().to_string();
    assert!(error.ends_with("row 2, column 1: 2 is neither 0 nor 1"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.svm");
    let sparse = |text: &str| {
        fs::write(&path, text).unwrap();
        of(&path)
    };
    let set = sparse("1,3 1:0.5\n2:1.5\n20 1:1\n3,3 2:2 # a comment\n").unwrap();
    assert_eq!(set.class_names(), ["1", "3", "20"]);
    assert_eq!((words(&set), set.width()), (vec![0b011, 0, 0b100, 0b010], 2));
    let many: String = (0..40).map(|label| format!("{label} 1:1\n")).collect();
    for (text, wanted) in [
        ("1,x 1:1\n", "line 1: \"x\" is no whole number"),
        (&many, "32 labels"),
        ("1:1\n2:1\n", "there are no labels"),
    ] {
        let error = sparse(text).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text:?}: {error}");
    }
}

fn write_parquet(path: &Path) {
    use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
    let columns: [(&str, ArrayRef); 3] = [
        ("x", Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5]))),
        ("a", Arc::new(BooleanArray::from(vec![true, false, true]))),
        ("b", Arc::new(Int64Array::from(vec![0, 1, 1]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A strategy that looks at classes cannot play on sets of labels, nor the other way round, also where no plan was checked.
#[test]
fn strategies_play_on_what_they_serve() {
    let (inputs, sets) = halves(60, 9);
    let names = (0..LABELS).map(|label| format!("l{label}")).collect();
    let targets = Targets::MultiLabel { sets, names };
    let set = Dataset::new("halves", Shape::Vector(2), inputs, targets, None).unwrap();
    let task = Task::split(&set, &SplitPlan::default(), Key::root(1)).unwrap();
    let iris = querist::data::embedded::load("iris").unwrap();
    let classes = Task::split(&iris, &SplitPlan::default(), Key::root(1)).unwrap();
    let (labels, classes) = (PreparedTask::new(task), PreparedTask::new(classes));
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
    for (spec, prepared) in [
        ("margin", &labels),
        ("igs", &labels),
        ("tailor(margin,k_center)", &labels),
        ("cvirs", &classes),
        ("by_label(margin)", &classes),
        ("tailor(by_label(margin),k_center)", &classes),
    ] {
        let error = played(spec, prepared).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::Kind { .. })), "{spec}: {error}");
    }
    let registry = Registry::builtin();
    let examples = registry.entries().iter().map(|entry| entry.card.example);
    let served: Vec<&str> = examples
        .filter(|example| registry.build(example).unwrap().kinds().serve(TargetKind::MultiLabel))
        .chain(["tailor(by_label(margin),badge)", "by_label(entropy,lift=max)", "by_label(qbc)"])
        .collect();
    assert!(served.contains(&"cvirs") && served.contains(&"badge"), "{served:?}");
    for spec in served {
        let rows = played(spec, &labels).unwrap().remove(0).rows;
        let bought: Vec<u32> = rows.iter().map(|row| row.labels).collect();
        assert_eq!(bought, [5, 7, 9, 11], "{spec}");
        for row in &rows {
            assert_eq!((row.metric, row.balanced_accuracy, row.macro_f1), (Metric::LabelMacroF1, None, None));
            let precision = row.mean_average_precision.unwrap();
            for figure in [row.accuracy, precision, row.reward_accuracy] {
                assert!((0.0..=1.0).contains(&figure), "{spec}: {figure}");
            }
        }
    }
}

#[test]
fn plans_are_checked_by_kind() {
    let parse = |text: &str| {
        let named = format!("name = \"labels\"\n{text}");
        Pipeline::parse(&named).map(|_| ()).map_err(|error| error.to_string())
    };
    let plan = Pipeline::parse("name = \"labels\"\n[transfer]\ntargets = [\"labels_rare\"]").unwrap();
    assert_eq!(plan.plan().episode().metric, Metric::LabelMacroF1);
    assert_eq!(plan.plan().transfer().unwrap().strategies, ["random", "by_label(margin)"]);
    // The resolved plan says it again.
    let again = Pipeline::parse(&plan.plan().to_toml()).unwrap();
    assert_eq!(again.plan(), &plan.plan().clone());
    let transfer = |more: &str| format!("[transfer]\ntargets = [\"labels_correlated\"]\n{more}");
    for (text, wanted) in [
        (transfer("strategies = [\"margin\"]"), "strategy `margin` does not serve multi_label"),
        (transfer("strategies = [\"tailor(margin,k_center)\"]"), "does not serve multi_label"),
        (
            transfer("policy = \"universal\"\nstrategies = [\"policy_adapted\"]"),
            "strategy `policy_adapted` does not serve multi_label",
        ),
        (
            "[transfer]\ntargets = [\"iris\"]\nstrategies = [\"cvirs\"]".into(),
            "strategy `cvirs` does not serve classification",
        ),
        (
            "[transfer]\ntargets = [\"friedman1\"]\nstrategies = [\"badge\"]".into(),
            "strategy `badge` does not serve regression",
        ),
        (transfer("[episode]\nmetric = \"macro_f1\""), "is \"macro_f1\", which is no figure of multi_label"),
        (transfer("[learner]\nloss = \"squared\""), "is a loss of classifiers"),
        (transfer("[learner]\nhidden = []\noptimiser = \"lbfgs\""), "the targets are sets of labels"),
        (transfer("[train]"), "trains policies"),
        (
            "[transfer]\ntargets = [\"labels_rare\", \"iris\"]".into(),
            "targets of multi_label and \"iris\", of classification",
        ),
        ("[train]\n[sources]\ndatasets = [\"labels_rare\"]".into(), "whose targets are sets of labels"),
        (transfer("[episode]\ninitial = \"prob_cover\""), "strategy `prob_cover` does not serve multi_label"),
    ] {
        let error = parse(&text).err().unwrap_or_else(|| panic!("taken: {text}"));
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

/// From a generated set and a table to rows, verdict and report, by one thread and by two, under either figure.
#[test]
fn a_benchmark_of_label_sets_runs_to_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let (inputs, sets) = halves(90, 5);
    let table: String = (0..90)
        .map(|row| {
            let held = |label| u32::from(has_label(sets[row], label));
            format!("{},{},{},{},{}\n", inputs.row(row)[0], inputs.row(row)[1], held(0), held(1), held(2))
        })
        .collect();
    fs::write(dir.path().join("t.csv"), format!("x,y,a,b,c\n{table}")).unwrap();
    let text = "[learner]\nhidden = [8]\nepochs = 10\n[episode]\ninitial_per_class = 8\nquery_size = 4\nrounds = 3\n\
         [transfer]\ntargets = [\"labels_correlated\", { file = \"t.csv\", label = \"a,b,c\", task = \"multi_label\" }]\n\
         strategies = [\"random\", \"by_label(margin)\", \"badge\", \"cvirs\", \"tailor(by_label(margin),k_center)\"]\n\
         repetitions = 3\n";
    fs::write(dir.path().join("x.toml"), text).unwrap();
    let rows = |out: &str, more: &[&str]| {
        querist(dir.path()).args(["bench", "x.toml", "-q", "--out", out]).args(more).assert().code(0);
        fs::read_to_string(dir.path().join(out).join("rows.jsonl")).unwrap()
    };
    let one = rows("one", &["--jobs", "1"]);
    assert_eq!(one, rows("two", &["--jobs", "2"]));
    assert_eq!(one.lines().count(), 2 * 5 * 3 * 4);
    let first: serde_json::Value = serde_json::from_str(one.lines().next().unwrap()).unwrap();
    assert_eq!(first["metric"], "label_macro_f1");
    assert!(first.get("macro_f1").is_none() && first["mean_average_precision"].is_f64(), "{first}");
    let forecast = querist(dir.path()).args(["bench", "x.toml", "--dry-run"]).assert().code(0);
    forecast.stdout(predicate::str::contains("cvirs"));
    let said = querist(dir.path()).args(["report", "one"]).assert().code(0);
    said.stdout(
        predicate::str::contains("tasks ran").and(predicate::str::contains("margin did not run").not()),
    );
    let csv = fs::read_to_string(dir.path().join("one/results.csv")).unwrap();
    assert!(csv.lines().next().unwrap().ends_with(",query_seconds,metric,mean_average_precision"), "{csv}");
    assert!(csv.lines().nth(1).unwrap().contains(",label_macro_f1,0."));
    let page = fs::read_to_string(dir.path().join("one/report.html")).unwrap();
    assert!(page.contains("final: macro-F1 | mAP") && !page.contains("balanced"), "what is measured is said");
    // Another figure judges, and changes nothing of what is played.
    assert_eq!(one, rows("map", &["--metric", "mean_average_precision"]));
    let page = fs::read_to_string(dir.path().join("map/report.html")).unwrap();
    assert!(page.contains("mean average precision points"), "the verdict is of it");
    let described = ["data", "describe", "t.csv", "--label", "a,b,c", "--task", "multi_label"];
    querist(dir.path()).args(described).assert().code(0).stdout(predicate::str::contains("labels      3, "));
    querist(dir.path()).args(described).arg("--quality").assert().code(2);
    let new = ["session", "new", "s", "--pool", "t.csv", "--label", "a,b,c", "--task", "multi_label"];
    querist(dir.path()).args(new).assert().code(2).stderr(predicate::str::contains("have labels already"));
    assert!(!dir.path().join("s").exists());
}

/// The example that the page begins with runs as it stands.
#[test]
fn the_page_says_what_runs() {
    let page = include_str!("../docs/multi-label.md");
    let block = |language: &str| {
        let fence = format!("```{language}\n");
        page.split_once(&fence).unwrap().1.split_once("```").unwrap().0
    };
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.csv"), block("csv")).unwrap();
    fs::write(dir.path().join("multi_label.toml"), block("toml")).unwrap();
    let command = ["bench", "multi_label.toml", "--set", "transfer.repetitions=2", "-q", "--out", "out"];
    querist(dir.path()).args(command).assert().code(0);
    let page = fs::read_to_string(dir.path().join("out/report.html")).unwrap();
    assert!(page.contains("labels_correlated") && page.contains("cvirs"));
    let describe = ["data", "describe", "notes.csv", "--task", "multi_label", "--label", "tags"];
    let said = querist(dir.path()).args(describe).args(["--label-separator", ";"]).assert().code(0);
    said.stdout(predicate::str::contains("labels      3, 1.20 per row, 1 rows without any"));
}

/// Half of the rows have labels, or numbers, that are drawn at random: where the first input is positive. A module learns where
/// losses are large, whatever the targets are: the ranks of predicted and true losses of unseen rows go together.
#[test]
fn learned_losses_are_of_any_kind_of_targets() {
    use querist::data::target::word_of;
    use querist::learner::{LossModule, LossPredictor};
    use rand::RngExt;
    let (n, seen) = (400u32, 200u32);
    let (inputs, sets) = halves(n as usize, 11);
    let mut rng = Key::root(12).rng();
    let noisy = |row: u32| inputs.row(row as usize)[0] > 0.0;
    let labels: Vec<u32> =
        (0..n).map(|row| if noisy(row) { rng.random_range(0..8) } else { sets[row as usize] }).collect();
    let numbers: Vec<u32> = (0..n)
        .map(|row| {
            word_of(inputs.row(row as usize)[1] + if noisy(row) { rng.random::<f32>() * 4.0 } else { 0.0 })
        })
        .collect();
    let rows: Vec<u32> = (0..n).collect();
    let (known, unseen) = rows.split_at(seen as usize);
    for (loss, outputs, words) in
        [(Loss::BinaryCrossEntropy, LABELS, labels), (Loss::SquaredError, 1, numbers)]
    {
        let spec = NetSpec::mlp(2, &[16], outputs).unwrap();
        let plan = TrainPlan { loss, ..plan(Optimiser::Adam, Stop::Epochs { epochs: 60 }) };
        let data = data(&inputs, known, &words[..seen as usize]);
        let predictor =
            LossPredictor::fit(&spec, None, data, &plan, &LossModule::default(), Key::root(1)).unwrap();
        let predicted = predictor.predicted(inputs.view(), unseen);
        let losses = predictor.losses(inputs.view(), unseen, &words[seen as usize..]);
        let ranks = |values: &[f64]| {
            let below = |value: f64| values.iter().filter(|&&other| other < value).count() as f64;
            values.iter().map(|&value| below(value) - 99.5).collect::<Vec<f64>>()
        };
        let (a, b) = (ranks(&predicted), ranks(&losses));
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let spearman = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
        assert!(spearman > 0.3, "{loss:?}: {spearman}");
    }
}
