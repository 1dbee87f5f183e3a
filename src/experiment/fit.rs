//! One network on one data set, without any querying: what `querist fit` computes.

use super::plan::Plan;
use super::predicted::Predicted;
use super::tasks;
use crate::arch::{ArchSpace, Block, Cost, NetSpec, Space};
use crate::data::{Matrix, Oracle, TargetKind, Targets, uniform_rows};
use crate::durable::{InputError, input};
use crate::error::{Fault, Result};
use crate::learner::{FitReport, ModelData, Scores, Start, TrainPlan, networks};
use crate::rng::Key;
use crate::search::{ARCH_FORMAT, MAX_ARCH_BYTES, Prior};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Why a network cannot be fitted.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FitError {
    /// The file cannot be read, or is too large to be an architecture.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Input(#[from] InputError),
    /// One network is fitted and exported, and no ensemble.
    #[error("learner.ensemble is {found}, but one network is fitted and written, expected 1")]
    Ensemble { found: usize },
    /// The file is no architecture.
    #[error("{}:{line}:{column}: {reason}", path.display())]
    #[diagnostic(help(
        "an architecture is the arch.json of a run, or {{\"inputs\": 64, \"blocks\": [{{\"dense\": \
         {{\"width\": 32}}}}], \"outputs\": 10, \"dropout\": 0.0}}"
    ))]
    Syntax { path: PathBuf, line: usize, column: usize, reason: String },
    /// The network is for other data.
    #[error("{}: the network has {found} {what}, the data set {expected}", path.display())]
    #[diagnostic(help("an arch.json takes its ends from the data set"))]
    Shape { path: PathBuf, what: &'static str, found: usize, expected: usize },
    /// A network over pixels for other targets than masks, or another one for masks.
    #[error("{}: {found} does not predict {}", path.display(), kind.name())]
    #[diagnostic(help(
        "an `encoder_decoder` alone predicts masks, and nothing else: docs/segmentation.md shows one"
    ))]
    Pixels { path: PathBuf, found: String, kind: TargetKind },
    /// More labels than there are rows to train on.
    #[error("{found} labels, but the training part of {task} has {rows} rows")]
    Labels { task: String, found: usize, rows: usize },
}

impl Fault for FitError {}

/// The longest file that is read.
const MAX_BYTES: u64 = MAX_ARCH_BYTES as u64;

/// What an architecture file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Architecture {
    /// The `arch.json` of a run: a space, and where to start in it by labels per class.
    Learned(Box<Prior<ArchSpace>>),
    /// One network, both ends included.
    Network(NetSpec),
}

impl Architecture {
    /// Reads and checks a file, whatever is in it; a network above the limits is refused.
    ///
    /// # Errors
    /// [`FitError`], and what [`Prior::parse`] or [`NetSpec::check`] refuse.
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&input::read_text(path, MAX_BYTES).map_err(FitError::from)?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Tag {
            format: Option<String>,
        }
        let syntax = |error: serde_json::Error| FitError::Syntax {
            path: path.to_path_buf(),
            line: error.line(),
            column: error.column(),
            reason: error.to_string(),
        };
        let tag: Tag = serde_json::from_str(text).map_err(syntax)?;
        if tag.format.as_deref() == Some(ARCH_FORMAT) {
            return Ok(Self::Learned(Box::new(Prior::parse(text)?)));
        }
        let spec: NetSpec = serde_json::from_str(text).map_err(syntax)?;
        spec.check()?;
        Ok(Self::Network(spec))
    }

    /// The network for a data set of this width, these classes, and so many labels.
    fn spec(&self, path: &Path, width: usize, classes: usize, labels: usize) -> Result<NetSpec> {
        match self {
            Self::Learned(prior) => {
                let start = prior.start(labels as f64 / classes.max(1) as f64);
                Ok(prior.space().spec(start, width, classes)?)
            }
            Self::Network(spec) => {
                for (what, found, expected) in
                    [("inputs", spec.inputs(), width), ("outputs", spec.outputs(), classes)]
                {
                    if found != expected {
                        let path = path.to_path_buf();
                        return Err(FitError::Shape { path, what, found, expected }.into());
                    }
                }
                Ok(spec.clone())
            }
        }
    }
}

/// A fitted network, and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Its architecture.
    pub spec: NetSpec,
    /// Its weights, in the order of the bank engine.
    pub weights: Vec<f32>,
    /// What it costs.
    pub cost: Cost,
    /// Rows trained on.
    pub rows: usize,
    /// How well it predicts them.
    pub training: Scores,
    /// Rows held out.
    pub held: usize,
    /// How well it predicts those.
    pub held_out: Scores,
    /// What it predicts of those.
    pub predicted: Predicted,
    /// How training went.
    pub report: FitReport,
}

/// Fits the architecture of the file at `path` to the first target of `plan`: trained by its `[learner]` on
/// `labels` random rows of the training part (all without a number), measured on the held-out part of the
/// split of repetition 0.
///
/// # Errors
/// [`FitError`], and what reading, splitting or training refuses.
pub fn fit(plan: &Plan, architecture: &Architecture, path: &Path, labels: Option<usize>) -> Result<Fitted> {
    let target = plan.transfer().and_then(|transfer| transfer.targets.first());
    let target = target.expect("a plan of a fit names its data set");
    let dataset = tasks::read(plan, target)?;
    let prepared = tasks::prepared(plan, &dataset, 0)?;
    let task = prepared.task();
    if plan.learner().ensemble > 1 {
        return Err(FitError::Ensemble { found: plan.learner().ensemble }.into());
    }
    let rows = task.pool().rows();
    let labels = labels.unwrap_or(rows);
    if labels > rows {
        return Err(FitError::Labels { task: task.name().to_string(), found: labels, rows }.into());
    }
    let kind = task.kind();
    let train = plan.learner().train_plan();
    let train = TrainPlan { start: Start::Scratch, loss: kind.loss(train.loss), ..train };
    let outputs = train.loss.outputs(task.classes());
    let spec = architecture.spec(path, task.width(), outputs, labels)?;
    let over_pixels = spec.blocks().iter().any(|block| matches!(block, Block::EncoderDecoder { .. }));
    if over_pixels != (kind == TargetKind::Mask) {
        let (path, found) = (path.to_path_buf(), spec.to_string());
        return Err(FitError::Pixels { path, found, kind }.into());
    }
    let cost = Cost { parameters: spec.parameters() as u64, multiply_adds: spec.multiply_adds() as u64 };
    let key = Key::root(plan.seed()).named("fit");
    let chosen = uniform_rows(task, labels, key.named("labelled"))?;
    let classes = Oracle::new(task.clone(), 0).peek(&chosen);
    let rows: Vec<u32> = chosen.iter().map(|row| row.0).collect();
    let mut bank = networks(&spec, 1, plan.learner().device)?;
    let targets = task.in_full(&classes);
    let data =
        ModelData { inputs: task.pool(), rows: &rows, labels: &targets, validation: (&[], &[]), extra: None };
    let report = bank.fit(&[data], &train, &[key.named("network")])?[0];
    let values = rows.iter().flat_map(|&row| task.pool().row(row as usize)).copied().collect();
    let (inputs, test) = (Matrix::new(values, rows.len(), task.width()), task.test());
    let ids = dataset.ids().unwrap_or_default();
    let predicted = Predicted {
        kind,
        names: dataset.targets().names().to_vec(),
        separator: target.options().columns.separator().to_string(),
        size: match dataset.targets() {
            Targets::Mask(masks) => Some(masks.size()),
            _ => None,
        },
        ids: task.test_rows().iter().filter_map(|&row| ids.get(row as usize).cloned()).collect(),
        rows: task.test_rows().iter().map(|&row| dataset.source_row(row)).collect(),
        answers: kind.answers(&*bank, 0, test.inputs(), None),
    };
    Ok(Fitted {
        cost,
        rows: rows.len(),
        training: kind.scores(&*bank, 0, inputs.view(), &targets),
        held: test.labels().len(),
        held_out: kind.scores(&*bank, 0, test.inputs(), &task.in_full(test.labels())),
        predicted,
        weights: bank.weights(0),
        report,
        spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Point;
    use crate::search::{Evidence, PointScore};

    fn parse(text: &str) -> Result<Architecture> {
        Architecture::parse(text, Path::new("arch.json"))
    }

    #[test]
    fn both_kinds_of_file_are_read_and_sized_by_the_data() {
        let path = Path::new("a");
        let scores = |best: Point| {
            let score = |point: Point, score| PointScore { point, score };
            vec![score(best, 0.9), score(Point::new(1, 1), 0.2)]
        };
        let evidence = |task: &str, labels, best| Evidence {
            task: task.into(),
            width: 4,
            classes: 2,
            labels,
            scores: scores(best),
        };
        let all = ["a", "b", "c"]
            .map(|task| [evidence(task, 4, Point::new(1, 1)), evidence(task, 256, Point::new(2, 1))]);
        let prior = Prior::learn(ArchSpace::default(), all.concat()).unwrap();
        let learned = parse(&prior.to_json().unwrap()).unwrap();
        assert_eq!(learned.spec(path, 7, 3, 6).unwrap().to_string(), "7-r32-3");
        assert_eq!(
            learned.spec(path, 7, 3, 400).unwrap().to_string(),
            "7-r32-r32-3",
            "more labels per class"
        );
        let own =
            parse(r#"{"inputs": 7, "blocks": [{"dense": {"width": 5}}], "outputs": 3, "dropout": 0.0}"#);
        let own = own.unwrap();
        assert_eq!(own.spec(path, 7, 3, 6).unwrap().to_string(), "7-5-3");
        let error = own.spec(path, 8, 3, 6).unwrap_err();
        assert!(error.to_string().contains("the network has 7 inputs, the data set 8"), "{error}");
    }

    /// Fault case 64 at the door: what could not be allocated is refused as data.
    #[test]
    fn hostile_files_are_refused_with_their_place() {
        let huge =
            r#"{"inputs": 1000000, "blocks": [{"dense": {"width": 1000000}}], "outputs": 3, "dropout": 0}"#;
        assert!(parse(huge).unwrap_err().to_string().contains("at most 200000000 are allowed"));
        for (text, wanted) in [
            ("", "arch.json:1:0"),
            ("{\n  \"inputs\": 3,\n  \"blocks\": 7\n}", "arch.json:3:13"),
            (r#"{"inputs": 3, "blocks": [], "outputs": 2, "dropout": 0, "more": 1}"#, "unknown field `more`"),
            (r#"{"inputs": -3, "blocks": [], "outputs": 2, "dropout": 0}"#, "invalid value"),
            (r#"{"inputs": 0, "blocks": [], "outputs": 2, "dropout": 0}"#, "the input has width 0"),
            (r#"{"format": "querist-arch", "version": 9}"#, "version"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(wanted), "{text}: {error}");
            assert_eq!(error.exit(), crate::error::Exit::BadInput);
        }
    }
}
