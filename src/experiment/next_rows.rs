//! The rows of a partly labelled data set to label next: what `querist select --from` computes.
//!
//! Nothing is kept between two calls: the labels of the file are the answers, and the same file gives the same rows.

use super::plan::Plan;
use super::predicted::Predicted;
use super::sections::DataRef;
use super::tasks;
use crate::agent::{Choice, Policy, PolicyStrategy};
use crate::data::load;
use crate::data::{RowId, Task};
use crate::episode::{EpisodePlan, Episodes, InitialPool, Measure, PreparedTask, Replicate};
use crate::error::{Fault, Result};
use crate::query::{Strategy, subsample};
use crate::rng::Key;
use std::sync::Arc;

/// Why no rows are asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum NextRowsError {
    /// Nothing is left to ask for.
    #[error("{set}: every row has a label already")]
    #[diagnostic(help("rows to be labelled have an empty cell for a label, or an image without a mask"))]
    AllLabelled { set: String },
    /// There is nothing to fit a network to.
    #[error("{set}: none of {rows} rows has a label, and {by} chooses by labels")]
    #[diagnostic(help(
        "choose the first rows by a strategy that looks at inputs alone: --strategy k_center"
    ))]
    NoLabels { set: String, rows: usize, by: String },
    /// A strategy that reads what only a simulation has.
    #[error("strategy {strategy} reads labels that are not known yet")]
    #[diagnostic(help("it works within a simulation only (`querist bench`)"))]
    Hidden { strategy: String },
}

impl Fault for NextRowsError {}

/// Who chooses.
#[derive(Clone, Debug)]
pub enum Chooser {
    /// A strategy of the plan's registry.
    Strategy(String),
    /// A learned policy.
    Policy(Arc<Policy>),
}

/// Rows to label next.
#[derive(Clone, Debug)]
pub struct NextRows {
    /// Rows of the file, counted from 0, most wanted first.
    pub rows: Vec<u32>,
    /// What the rows are called, in the same order; empty where they have no names.
    pub ids: Vec<String>,
    /// Rows that have a label.
    pub labelled: usize,
    /// Rows that have none.
    pub candidates: usize,
    /// What there is to be told.
    pub note: Option<String>,
    /// What the network that was fitted predicts of all rows without a label; none where none was fitted.
    pub predicted: Option<Predicted>,
}

/// Asks for `batch` rows of the first target of `plan` that have no label, by what its `[learner]` learns from those that have one.
///
/// # Errors
/// [`NextRowsError`]; what reading, fitting or the strategy refuses.
pub fn next_rows(plan: &Plan, chooser: &Chooser, batch: usize) -> Result<NextRows> {
    let target = plan.transfer().and_then(|transfer| transfer.targets.first());
    let target = target.expect("a plan of a selection names its data set");
    let set = target.name().to_string();
    let (by, mut strategy): (String, Box<dyn Strategy>) = match chooser {
        Chooser::Strategy(name) => (name.clone(), plan.registry().build(name)?),
        Chooser::Policy(policy) => {
            let name = policy.card().policy.name.clone();
            (name, Box::new(PolicyStrategy::new(Arc::clone(policy), Choice::Greedy)))
        }
    };
    let needs = strategy.needs();
    if needs.lookahead > 0 || needs.drafts > 0 || plan.registry().reads_hidden_labels(&by) {
        return Err(NextRowsError::Hidden { strategy: by }.into());
    }
    if let Chooser::Strategy(name) = chooser {
        tasks::check_needs(plan, name, needs)?;
    }
    if matches!(target, DataRef::Named(name) if tasks::GENERATED.contains(&name.as_str())) {
        return Err(NextRowsError::AllLabelled { set }.into());
    }
    let (spec, options) = tasks::located(target);
    let Some(examples) = load::rows(spec, plan.data_dir(), &options)? else {
        return Err(NextRowsError::AllLabelled { set }.into());
    };
    let kind = options.columns.task;
    strategy.kinds().expect(kind, &by)?;
    let (targets, classes, labelled) = examples.partly(kind);
    let rows = examples.inputs.rows();
    let candidates: Vec<u32> = (0..rows as u32).filter(|row| labelled.binary_search(row).is_err()).collect();
    if candidates.is_empty() {
        return Err(NextRowsError::AllLabelled { set }.into());
    }
    let count = batch.min(candidates.len());
    let key = Key::root(plan.seed()).named("next rows");
    let inputs = (examples.shape, examples.filled());
    let rule = match chooser {
        Chooser::Strategy(name) if InitialPool::Rule(name.clone()).check().is_ok() => Some(name),
        _ => None,
    };
    let known: Vec<(RowId, u32)> =
        labelled.iter().map(|&row| (RowId(row), targets.words[row as usize])).collect();
    // Labels that are all alike teach nothing, and whoever looks at inputs alone does without.
    let teaching = match targets.check(&examples.name, classes, &labelled) {
        Err(_) if rule.is_some() => &[][..],
        Err(error) => return Err(error.into()),
        Ok(()) => &labelled[..],
    };
    let task = Task::partly_labelled(&examples.name, (targets, classes), inputs, teaching)?;
    let by_inputs = teaching.is_empty();
    let size = examples.masks.as_ref().map(|(masks, _)| masks.size());
    let prepared = PreparedTask::new(task);
    let ids = examples.ids.unwrap_or_default();
    let fewer = (count < batch).then(|| format!("{batch} asked for, {count} left"));
    let mut diverged = None;
    let (picks, predicted) = match by_inputs {
        true => {
            let Some(rule) = rule else { return Err(NextRowsError::NoLabels { set, rows, by }.into()) };
            (InitialPool::by_rule(rule, &prepared, &known, count, key)?, None)
        }
        false => {
            let replicate = Replicate { prepared, key };
            let episode = EpisodePlan {
                query_size: count,
                budget: count,
                target_accuracy: None,
                target_share: None,
                measure: Measure::Reward,
                annotator: None,
                ..tasks::episode_plan(plan)?
            };
            let known: Vec<RowId> = labelled.iter().copied().map(RowId).collect();
            let episodes = Episodes::from_labelled(&episode, &replicate, &known)?;
            let step = episodes.state(0).fit.diverged_at;
            diverged =
                step.map(|step| format!("the fit diverged at step {step}; the weights before it were kept"));
            let key = key.named("query").named(&by);
            let extras = episodes.extras(&[(0, needs)])?.remove(0);
            let signals = episodes.signals_beside(extras, 0, needs, key);
            let picks = strategy.select(&episodes.view(0, &signals), count, key)?;
            let called = |&row: &u32| ids.get(row as usize).cloned();
            let predicted = Predicted {
                kind,
                names: examples.classes,
                separator: options.columns.separator().to_string(),
                size,
                ids: candidates.iter().filter_map(called).collect(),
                answers: episodes.answers(0, &candidates),
                rows: candidates.clone(),
            };
            (picks, Some(predicted))
        }
    };
    Ok(NextRows {
        ids: picks.iter().filter_map(|row| ids.get(row.index()).cloned()).collect(),
        rows: picks.into_iter().map(|row| row.0).collect(),
        labelled: labelled.len(),
        candidates: candidates.len(),
        note: subsample::join([diverged, fewer, strategy.note()]),
        predicted,
    })
}
