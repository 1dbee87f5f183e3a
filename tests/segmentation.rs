//! Masks as targets, from images to a verdict; what serves other targets alone is refused.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use querist::Key;
use querist::arch::{Block, Image, NetSpec};
use querist::data::mask::mask_of;
use querist::data::synthetic::Glands;
use querist::data::{
    Dataset, Matrix, RowId, Shape, SplitPlan, TargetKind, Targets, Task, columns::ColumnOptions,
    readers::ReadOptions, readers::read,
};
use querist::episode::{EpisodePlan, Player, PreparedTask, Replicate, play};
use querist::learner::{Fcn, Learner, Loss, LossModule, LossPredictor, Metric, ModelData, Stop, TrainPlan};
use querist::pipeline::Pipeline;
use querist::query::{Passes, PoolView, QueryError, Registry, Signals};
use std::fs;
use std::path::Path;

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env_remove("QUERIST_DATA").env("NO_COLOR", "1");
    command
}

fn task(seed: u64) -> Task {
    let set = Glands::Plain.draw(Key::root(seed)).unwrap();
    let split = SplitPlan { max_pool: 60, max_held: 20, ..SplitPlan::default() };
    Task::split(&set, &split, Key::root(1)).unwrap()
}

fn plan(epochs: u32) -> TrainPlan {
    TrainPlan {
        loss: Loss::CrossEntropyDice,
        batch: 8,
        stop: Stop::Epochs { epochs },
        ..TrainPlan::default()
    }
}

/// Forty images are enough to find glands in others; the same call gives the same weights, and a second network beside the first changes
/// nothing of it.
#[test]
fn a_network_learns_masks_and_repeats_itself() {
    let set = Glands::Plain.draw(Key::root(3)).unwrap();
    let Targets::Mask(masks) = set.targets() else { panic!("masks") };
    let (known, unseen): (Vec<u32>, Vec<u32>) = ((0..40).collect(), (40..80).collect());
    let in_full = |rows: &[u32]| -> Vec<u32> {
        rows.iter().flat_map(|&row| masks.mask(row as usize)).copied().collect()
    };
    let image = Image { channels: 1, height: 32, width: 32 };
    let spec = NetSpec::new(1024, vec![Block::EncoderDecoder { image, filters: 8 }], 1024, 0.0).unwrap();
    assert_eq!(spec.parameters(), 14_561);
    let words = in_full(&known);
    let data =
        ModelData { inputs: set.inputs(), rows: &known, labels: &words, validation: (&[], &[]), extra: None };
    let mut network = Fcn::new(&spec, 1).unwrap();
    network.fit(&[data], &plan(20), &[Key::root(1)]).unwrap();
    let inputs = Matrix::new(
        unseen.iter().flat_map(|&row| set.inputs().row(row as usize)).copied().collect(),
        unseen.len(),
        1024,
    );
    let scores = TargetKind::Mask.scores(&network, 0, inputs.view(), &in_full(&unseen));
    assert!(scores.by(Metric::Dice) > 0.6 && scores.by(Metric::Iou) < scores.by(Metric::Dice), "{scores:?}");
    let mut two = Fcn::new(&spec, 2).unwrap();
    two.fit(&[data, data], &plan(20), &[Key::root(1), Key::root(2)]).unwrap();
    assert_eq!(two.weights(0), network.weights(0));
    assert_ne!(two.weights(1), network.weights(0));
}

/// What is asked for in an episode: every strategy that serves masks plays, and no other one does.
#[test]
fn every_strategy_that_serves_masks_plays_and_no_other() {
    let prepared = PreparedTask::new(task(1));
    let episode =
        EpisodePlan { initial_per_class: 4, train: plan(1), ..EpisodePlan::default().queries(1, 3) };
    let played = |spec: &str| {
        let player = Player {
            name: spec.to_string(),
            strategy: Registry::builtin().build(spec).unwrap(),
            replicate: Replicate { prepared: prepared.clone(), key: Key::root(2) },
            repetition: 0,
            architect: None,
        };
        play(&episode, vec![player])
    };
    for spec in ["margin", "igs", "by_label(margin)", "suggestive", "greedy_oracle", "bald"] {
        let error = played(spec).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::Kind { .. })), "{spec}: {error}");
    }
    let registry = Registry::builtin();
    let examples = registry.entries().iter().map(|entry| entry.card.example);
    let served: Vec<&str> = examples
        .filter(|example| registry.build(example).unwrap().kinds().serve(TargetKind::Mask))
        .chain([
            "by_pixel(entropy,lift=top_tenth)",
            "by_pixel(qbc)",
            "suggestive(committee_variance(members=2,bootstrap=true))",
            "suggestive(by_pixel(margin))",
        ])
        .collect();
    assert!(
        served.contains(&"badge") && served.contains(&"llal") && served.contains(&"k_center"),
        "{served:?}"
    );
    for spec in served {
        let rows = played(spec).unwrap().remove(0).rows;
        let labels: Vec<u32> = rows.iter().map(|row| row.labels).collect();
        assert_eq!((labels, rows[0].picks.len()), (vec![4, 7], 3), "{spec}");
        for row in &rows {
            assert_eq!((row.metric, row.macro_f1, row.mean_average_precision), (Metric::Dice, None, None));
            for figure in [row.accuracy, row.iou.unwrap(), row.reward_accuracy] {
                assert!((0.0..=1.0).contains(&figure), "{spec}: {figure}");
            }
            assert!(row.iou.unwrap() <= row.accuracy, "{spec}");
        }
    }
}

/// Four candidates of two pixels under two members: variances .01, .04, .09 and 0 on the mean over pixels. The two of the largest variance are kept,
/// and of them the one whose direction the others share comes first, by the mean of the members' embeddings and not by the network's own.
#[test]
fn suggestive_keeps_the_most_varied_and_covers_by_the_committees_embeddings() {
    let members = vec![
        Matrix::new(vec![0.5, 0.7, 0.3, 0.5, 0.2, 0.4, 0.5, 0.5], 4, 2),
        Matrix::new(vec![0.7, 0.5, 0.7, 0.9, 0.8, 1.0, 0.5, 0.5], 4, 2),
    ];
    let candidates: Vec<RowId> = (0..4).map(RowId).collect();
    let descriptors = Matrix::new(vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0, 1.0, 0.2], 4, 2);
    let signals = Signals {
        committee: Some(Passes { members }),
        embeddings: Some(Matrix::new(vec![0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0], 4, 2)),
        descriptors: Some(descriptors),
        ..Signals::default()
    };
    let inputs = Matrix::zeros(4, 2);
    let view = PoolView::of_kind(TargetKind::Mask, inputs.view(), &[], &[], &candidates, 2, &signals);
    let ask = |spec: &str, batch: usize| {
        let mut strategy = Registry::builtin().build(spec).unwrap();
        strategy.select(&view, batch, Key::root(0)).unwrap()
    };
    let published = "suggestive(committee_variance(members=2,bootstrap=true))";
    assert_eq!(ask("committee_variance", 4), [2, 1, 0, 3].map(RowId));
    assert_eq!(ask(published, 1), [RowId(1)], "of two that are kept");
    assert_eq!(ask(&published.replace("))", "),keep=1)"), 2), [1, 2].map(RowId));
    let needs = Registry::builtin().build(published).unwrap().needs();
    assert!(needs.descriptors && !needs.embeddings && needs.bootstrap == Some(true) && needs.committee == 2);
}

/// Rows in a square, of which those on the right have a class, or a number, that is drawn at random.
fn half_noisy(loss: Loss, rows: usize) -> (Matrix, Vec<u32>) {
    use querist::data::target::word_of;
    use rand::RngExt;
    let mut rng = Key::root(12).rng();
    let values: Vec<f32> = (0..2 * rows).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    let word = |x: &[f32]| {
        let noise = if x[0] > 0.0 { rng.random::<f32>() * 4.0 - 2.0 } else { 0.0 };
        match loss {
            Loss::CrossEntropy => u32::from(x[1] + noise > 0.0),
            _ => word_of(x[1] + noise),
        }
    };
    let words = values.chunks(2).map(word).collect();
    (Matrix::new(values, rows, 2), words)
}

/// A module learns where losses are large, whatever the targets are: the ranks of predicted and true losses of unseen rows, or images, go together
/// on classes, numbers and masks.
#[test]
fn learned_losses_are_of_classes_numbers_and_masks() {
    let set = Glands::Plain.draw(Key::root(5)).unwrap();
    let Targets::Mask(masks) = set.targets() else { panic!("masks") };
    let scaled: Vec<f32> = set.inputs().values().iter().map(|value| (value - 0.6) / 0.25).collect();
    let image = Image { channels: 1, height: 32, width: 32 };
    let pixels = NetSpec::new(1024, vec![Block::EncoderDecoder { image, filters: 8 }], 1024, 0.0).unwrap();
    let vectors = |outputs| NetSpec::mlp(2, &[16], outputs).unwrap();
    let epochs = |loss, epochs| TrainPlan { loss, ..plan(epochs) };
    for (loss, spec, words, train) in [
        (Loss::CrossEntropy, vectors(2), 1, epochs(Loss::CrossEntropy, 40)),
        (Loss::SquaredError, vectors(1), 1, epochs(Loss::SquaredError, 40)),
        (Loss::CrossEntropyDice, pixels, 32, epochs(Loss::CrossEntropyDice, 20)),
    ] {
        let (inputs, targets) = match loss {
            Loss::CrossEntropyDice => (Matrix::new(scaled.clone(), 240, 1024), masks.words().to_vec()),
            _ => half_noisy(loss, 240),
        };
        let (known, unseen): (Vec<u32>, Vec<u32>) = ((0..120).collect(), (120..240).collect());
        let (first, last) = targets.split_at(120 * words);
        let data = ModelData {
            inputs: inputs.view(),
            rows: &known,
            labels: first,
            validation: (&[], &[]),
            extra: None,
        };
        let module = LossModule::default();
        let predictor = LossPredictor::fit(&spec, None, data, &train, &module, Key::root(1)).unwrap();
        let predicted = predictor.predicted(inputs.view(), &unseen);
        let losses = predictor.losses(inputs.view(), &unseen, last);
        let ranks = |values: &[f64]| {
            let below = |value: f64| values.iter().filter(|&&other| other < value).count() as f64;
            values.iter().map(|&value| below(value) - 59.5).collect::<Vec<f64>>()
        };
        let (a, b) = (ranks(&predicted), ranks(&losses));
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let spearman = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
        println!("{loss:?}: rank correlation {spearman:.2}");
        assert!(spearman > 0.2, "{loss:?}: {spearman}");
    }
}

#[test]
fn plans_are_checked_by_kind() {
    let plan = Pipeline::parse("name = \"m\"\n[transfer]\ntargets = [\"glands_plain\"]").unwrap();
    assert_eq!(plan.plan().episode().metric, Metric::Dice);
    assert_eq!(plan.plan().transfer().unwrap().strategies, ["random", "by_pixel(margin)"]);
    let transfer = |more: &str| format!("name = \"m\"\n[transfer]\ntargets = [\"glands_dense\"]\n{more}");
    for (text, wanted) in [
        (transfer("strategies = [\"margin\"]"), "strategy `margin` does not serve segmentation"),
        (transfer("strategies = [\"suggestive\"]"), "strategy `suggestive` does not serve segmentation"),
        (
            transfer("policy = \"universal\"\nstrategies = [\"policy_adapted\"]"),
            "does not serve segmentation",
        ),
        (transfer("[episode]\nmetric = \"accuracy\""), "is no figure of segmentation"),
        (transfer("[learner]\nloss = \"squared\""), "is a loss of classifiers"),
        (transfer("[train]"), "trains policies"),
        (transfer("[learner]\nhidden = [64]"), "masks have one network over pixels"),
        (transfer("[learner]\ndropout = 0.2"), "masks have one network over pixels"),
        (
            transfer("[learner]\nwarm_start = true\nkeep_optimiser = true"),
            "masks have one network over pixels",
        ),
        (transfer("[episode.encoder]\nseen_by = \"all\""), "masks have one network over pixels"),
        (transfer("[learner]\nhidden = []\noptimiser = \"lbfgs\""), "the targets are masks"),
        (transfer("[episode]\ninitial = \"prob_cover\""), "does not serve segmentation"),
        ("name = \"m\"\n[train]\n[sources]\ndatasets = [\"glands_faint\"]".into(), "whose targets are masks"),
        (
            "name = \"m\"\n[transfer]\ntargets = [\"iris\"]\nstrategies = [\"by_pixel(margin)\"]".into(),
            "does not serve classification",
        ),
    ] {
        let error = Pipeline::parse(&text).map(|_| ()).map_err(|error| error.to_string());
        let error = error.err().unwrap_or_else(|| panic!("taken: {text}"));
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

fn golden(name: &str) -> String {
    format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn masked(columns: ColumnOptions) -> ReadOptions {
    ReadOptions { columns: ColumnOptions { task: TargetKind::Mask, ..columns }, ..ReadOptions::default() }
}

fn read_masks(path: &str) -> querist::Result<Dataset> {
    read(Path::new(path), &masked(ColumnOptions::default()))
}

#[test]
fn archives_of_masks_are_read_or_refused_with_place() {
    let set = read_masks(&golden("segmentation.npz")).unwrap();
    assert_eq!((set.rows(), set.kind()), (40, TargetKind::Mask));
    assert_eq!(set.shape(), Shape::Image { channels: 1, height: 6, width: 5 });
    let Targets::Mask(masks) = set.targets() else { panic!("masks") };
    for row in 0..40 {
        let expected: Vec<bool> = set.inputs().row(row).iter().map(|&value| value > 3.0).collect();
        assert_eq!(masks.mask(row), mask_of(&expected));
    }
    for (name, wanted) in [
        ("segmentation_size.npz", "masks of 6x4 pixels for examples of shape 1x6x5"),
        ("segmentation_value.npz", "row 3, channel 0, y 2, x 1: 2 is neither background"),
        ("segmentation_rows.npz", "39 rows"),
    ] {
        let error = read_masks(&golden(name)).unwrap_err().to_string();
        assert!(error.contains(wanted), "{name}: {error}");
    }
    // Without a word about masks, an array of them is no column of labels.
    assert!(read(Path::new(&golden("segmentation.npz")), &ReadOptions::default()).is_err());
}

#[test]
fn folders_of_masks_are_read_or_refused_with_place() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tissue");
    let save = |folder: &str, name: &str, side: u32, value: &dyn Fn(u32) -> u8| {
        fs::create_dir_all(root.join(folder)).unwrap();
        let picture = image::GrayImage::from_fn(side, 4, |x, _| image::Luma([value(x)]));
        picture.save(root.join(folder).join(name)).unwrap();
    };
    for name in ["a", "b"] {
        save("images", &format!("{name}.png"), 6, &|x| 40 * x as u8);
        save("masks", &format!("{name}.bmp"), 6, &|x| if x > 3 { 255 } else { 0 });
    }
    let path = root.display().to_string();
    let set = read_masks(&path).unwrap();
    assert_eq!((set.rows(), set.shape()), (2, Shape::Image { channels: 1, height: 4, width: 6 }));
    let Targets::Mask(masks) = set.targets() else { panic!("masks") };
    assert_eq!((masks.area(1), masks.perimeter(1)), (8, 12));
    // Under other names.
    fs::rename(root.join("masks"), root.join("truth")).unwrap();
    let refused = |options: &ReadOptions| read(&root, options).unwrap_err().to_string();
    assert!(refused(&masked(ColumnOptions::default())).contains("masks: no folder that holds pictures"));
    let named = masked(ColumnOptions { label: Some("truth".into()), ..ColumnOptions::default() });
    assert_eq!(read(&root, &named).unwrap().content(), set.content());
    save("truth", "b.bmp", 6, &|x| x as u8);
    let error = refused(&named);
    assert!(error.contains("b.bmp: row 0, column 1: 1 is neither background"), "{error}");
    save("truth", "b.bmp", 5, &|_| 0);
    let error = refused(&named);
    assert!(error.contains("a picture of 5x4, but the first is of 6x4"), "{error}");
    save("truth", "b.png", 6, &|_| 0);
    let error = refused(&named);
    assert!(error.contains("called as") && error.contains("b.bmp is, but for the ending"), "{error}");
    fs::remove_file(root.join("truth/b.png")).unwrap();
    fs::remove_file(root.join("truth/b.bmp")).unwrap();
    let error = refused(&named);
    assert!(
        error.contains("b.png: no mask called \"b\"") && error.contains("1 pictures beside 2"),
        "{error}"
    );
    save("truth", "a.bmp", 5, &|_| 0);
    fs::remove_file(root.join("images/b.png")).unwrap();
    assert!(refused(&named).contains("masks of 4x5 pixels for examples of shape 1x4x6"));
}

/// From generated images and an archive to rows, verdict and report, by one thread and by two; what does not serve masks is refused, and nothing
/// is written.
#[test]
fn a_benchmark_of_masks_runs_to_its_report() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(golden("segmentation.npz"), dir.path().join("m.npz")).unwrap();
    let text = "[learner]\nepochs = 2\nbatch = 8\n[episode]\nmax_held = 10\ninitial_per_class = 2\nquery_size = 2\nrounds = 2\n\
         [transfer]\ntargets = [\"glands_blurred\", { file = \"m.npz\", task = \"segmentation\" }]\n\
         strategies = [\"random\", \"by_pixel(margin)\", \"suggestive(committee_variance(members=2,bootstrap=true))\"]\n\
         repetitions = 2\n";
    fs::write(dir.path().join("x.toml"), text).unwrap();
    let rows = |out: &str, more: &[&str]| {
        querist(dir.path()).args(["bench", "x.toml", "-q", "--out", out]).args(more).assert().code(0);
        fs::read_to_string(dir.path().join(out).join("rows.jsonl")).unwrap()
    };
    let one = rows("one", &["--jobs", "1"]);
    assert_eq!(one, rows("two", &["--jobs", "2"]));
    assert_eq!(one.lines().count(), 2 * 3 * 2 * 3);
    let first: serde_json::Value = serde_json::from_str(one.lines().next().unwrap()).unwrap();
    assert_eq!(first["metric"], "dice");
    assert!(first.get("macro_f1").is_none() && first["iou"].is_f64(), "{first}");
    let forecast = querist(dir.path()).args(["bench", "x.toml", "--dry-run"]).assert().code(0);
    forecast.stdout(predicate::str::contains("suggestive"));
    let csv = fs::read_to_string(dir.path().join("one/results.csv")).unwrap();
    assert!(csv.lines().next().unwrap().ends_with(",query_seconds,metric,iou"), "{csv}");
    let page = fs::read_to_string(dir.path().join("one/report.html")).unwrap();
    assert!(page.contains("final: Dice | IoU"), "what is measured is said");
    // Images of repetition 0 under each strategy: two of both queries, and three of the test part.
    let overlays = |out: &str| fs::read_to_string(dir.path().join(out).join("overlays.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        overlays("one").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), overlays("one") == overlays("two")), (2 * 3 * (2 * 2 + 3), true));
    let first_picks: Vec<String> =
        first["picks"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let asked: Vec<&str> = lines[..2].iter().map(|line| line["overlay"]["name"].as_str().unwrap()).collect();
    assert_eq!((&first["task"], &first["strategy"]), (&lines[0]["task"], &lines[0]["strategy"]));
    assert_eq!(asked, first_picks, "what was asked for first");
    let set = read_masks(&golden("segmentation.npz")).unwrap();
    let Targets::Mask(masks) = set.targets() else { panic!("masks") };
    let of_file = lines.iter().filter(|line| line["task"] == "m" && line["overlay"]["asked"] == true);
    for line in of_file {
        let row: usize = line["overlay"]["name"].as_str().unwrap().parse().unwrap();
        let truth: Vec<u32> = serde_json::from_value(line["overlay"]["truth"].clone()).unwrap();
        assert_eq!(truth, masks.mask(row));
    }
    assert_eq!(page.matches("data:image/png;base64,").count(), lines.len());
    assert!(dir.path().join("one/figures/overlays-glands-blurred.svg").exists());
    assert_eq!(one, rows("iou", &["--metric", "iou"]));
    let described = ["data", "describe", "m.npz", "--task", "segmentation"];
    querist(dir.path()).args(described).assert().code(0).stdout(predicate::str::contains("masks"));
    let pool = ["--pool", "m.npz", "--task", "segmentation"];
    let refused = querist(dir.path()).args(["session", "new", "s"]).args(pool).assert().code(2);
    refused.stderr(predicate::str::contains("have labels already"));
    assert!(!dir.path().join("s").exists());
    let target = ["--target", "m.npz", "--task", "segmentation"];
    fs::write(dir.path().join("net.json"), "{\"inputs\":30,\"blocks\":[],\"outputs\":30,\"dropout\":0.0}")
        .unwrap();
    querist(dir.path()).args(["fit", "net.json"]).args(target).assert().code(2);
    let short = ["--budget", "4", "--query-size", "2", "--repetitions", "1", "--initial", "4"];
    let transfer = querist(dir.path())
        .args(["transfer", "--policy", "universal", "--out", "t"])
        .args(target)
        .args(short)
        .assert();
    transfer.code(0);
    let rows = fs::read_to_string(dir.path().join("t/rows.jsonl")).unwrap();
    assert!(rows.contains("\"policy\"") && rows.contains("by_pixel(margin)"), "{rows}");
}

/// The example that the page begins with runs as it stands.
#[test]
fn the_page_says_what_runs() {
    let page = include_str!("../docs/segmentation.md");
    let text = page.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("segmentation.toml"), text).unwrap();
    let small = ["--set", "transfer.repetitions=1", "--set", "learner.epochs=1", "--set", "episode.rounds=1"];
    querist(dir.path())
        .args(["bench", "segmentation.toml", "-q", "--out", "out"])
        .args(small)
        .assert()
        .code(0);
    let page = fs::read_to_string(dir.path().join("out/report.html")).unwrap();
    assert!(page.contains("glands_plain") && page.contains("suggestive"));
}
