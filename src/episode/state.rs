//! [`EpisodeState`]: where one episode stands, and [`Env`], all that it is made of.

use super::augment::Steering;
use super::fitting::{full_pool, knowing_all};
use super::generator::Judge;
use super::plan::EpisodePlan;
use super::replicate::Replicate;
use crate::arch::NetSpec;
use crate::data::{Answers, Oracle, Pool, RowId, Task};
use crate::error::Result;
use crate::learner::{FitReport, Scores};
use crate::query::Nearest;
use crate::rng::Key;
use std::sync::{Arc, OnceLock};

/// Why an episode is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// The budget is spent.
    Budget,
    /// Nothing is left to ask for.
    PoolEmpty,
    /// The target is reached.
    Target,
    /// Whoever plays has had enough.
    Stopped,
}

/// What one query came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Gain in accuracy on the reward rows, or where targets are no classes in the first of their
    /// [figures](crate::data::TargetKind::metrics). The rewards of an episode telescope to its total gain.
    pub reward: f64,
    /// Whether that was the last query, and why.
    pub end: Option<Termination>,
}

/// Where one episode stands.
#[derive(Clone, Debug)]
pub struct EpisodeState {
    /// Queries answered.
    pub round: u32,
    /// Labels that were asked for, the initial ones included. With annotators of the plan's, not all of them are in hand.
    pub labels: usize,
    /// What the questions have come to; `None` where all have their label for 1: without annotators and prices of the plan's, and
    /// without rows of classes that nobody wants.
    pub answers: Option<Answers>,
    /// What the last fit was taught beyond the labels in hand.
    pub pseudo_labels: Option<PseudoLabels>,
    /// Rows that a decoder made for the last fit. Wrong are those that a classifier of all labels of the pool takes for another class.
    pub generated: Option<PseudoLabels>,
    /// Share of reward rows classified correctly; of other targets, the first of their [figures](crate::data::TargetKind::metrics).
    pub reward_accuracy: f64,
    /// The figures on the test rows; `None` under [`Measure::Reward`](super::Measure::Reward).
    pub test: Option<Scores>,
    /// The plan's metric on the test rows, or where those are not read on the reward rows: what targets are
    /// compared with, and what policies are judged by.
    pub measured: f64,
    /// The metric at which the episode ends, where it is a share of the whole pool's.
    pub target: Option<f64>,
    /// Gradient steps made.
    pub steps: u64,
    /// The last fit; where there was one per label, of the last label.
    pub fit: FitReport,
}

/// Pseudo-labels that one fit took part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PseudoLabels {
    /// How many there were.
    pub count: usize,
    /// How many of them were wrong, which only a simulation can tell.
    pub wrong: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Env {
    pub(super) replicate: Replicate,
    pub(super) spec: NetSpec,
    pub(super) pool: Pool,
    pub(super) oracle: Oracle,
    /// Rows that count as labelled for whoever asks, with the classes that the last fit predicts of them: rejected ones, where the plan says
    /// so, and those whose answers are still out.
    pub(super) expected: Vec<(RowId, u32)>,
    /// How many of them, at the end, are still out.
    pub(super) out: usize,
    /// Labelled rows and those that are expected, where there are any of the latter.
    known: Option<(Vec<RowId>, Vec<u32>)>,
    /// Tells of rows that are made up whether they are of their class, where there are any.
    pub(super) judge: Option<Judge>,
    /// Made when a strategy first looks at it; most never do.
    nearest: OnceLock<Arc<Nearest>>,
    pub(super) state: EpisodeState,
    /// Candidates that the next fit trains on as if their class were known.
    pub(super) pseudo: Vec<(RowId, u32)>,
    /// What the next fit trains on mixtures and other versions of.
    pub(super) steering: Steering,
    /// Labels bought since the last fit.
    pub(super) fresh: usize,
    pub(super) end: Option<Termination>,
}

impl Env {
    /// An episode of `plan` that starts from the labels of `pool`; nothing is fitted yet.
    ///
    /// # Errors
    /// If the network's shape is refused, or what is measured with all labels of the pool cannot be.
    pub(super) fn new(plan: &EpisodePlan, replicate: &Replicate, pool: Pool) -> Result<Self> {
        let task = replicate.prepared.task();
        Ok(Self {
            spec: plan.spec(task)?,
            nearest: OnceLock::new(),
            oracle: Oracle::of(task.clone(), plan.budget, plan.annotator.unwrap_or_default(), replicate.key)
                .priced(plan.price),
            expected: Vec::new(),
            out: 0,
            known: None,
            judge: match plan.generator {
                Some(_) => {
                    let plain = EpisodePlan { generator: None, ..plan.clone() };
                    Some(Judge(knowing_all(&plain, replicate)?.into()))
                }
                None => None,
            },
            state: EpisodeState {
                round: 0,
                labels: pool.labelled().len(),
                answers: counts_answers(plan, task).then(Answers::default),
                pseudo_labels: None,
                generated: None,
                reward_accuracy: 0.0,
                test: None,
                measured: 0.0,
                target: plan
                    .target_share
                    .map(|share| Ok::<_, crate::Error>(share * full_pool(plan, replicate)?.by(plan.metric)))
                    .transpose()?,
                steps: 0,
                fit: FitReport { steps: 0, loss: 0.0, diverged_at: None },
            },
            pool,
            pseudo: Vec::new(),
            steering: Steering::default(),
            fresh: 0,
            end: None,
            replicate: replicate.clone(),
        })
    }

    /// What counts as labelled: what is, and behind it the rows that are expected to be, as what they look like.
    pub(super) fn known(&self) -> (&[RowId], &[u32]) {
        match &self.known {
            Some((rows, classes)) => (rows, classes),
            None => (self.pool.labelled(), self.pool.labels()),
        }
    }

    /// Has these rows count as labelled; the answers to the last `out` are still out.
    pub(super) fn expect(&mut self, expected: Vec<(RowId, u32)>, out: usize) {
        self.known = (!expected.is_empty()).then(|| {
            let (rows, classes): (Vec<RowId>, Vec<u32>) = expected.iter().copied().unzip();
            ([self.pool.labelled(), &rows].concat(), [self.pool.labels(), &classes].concat())
        });
        if self.known.is_some() {
            self.nearest = OnceLock::new();
        }
        (self.expected, self.out) = (expected, out);
    }

    /// The distances of the pool's rows to what counts as labelled.
    pub(super) fn nearest(&self) -> Arc<Nearest> {
        let seen = self.replicate.prepared.seen();
        let (rows, classes) = self.known();
        let make = || Nearest::of(seen, rows, classes);
        self.nearest.get_or_init(|| Arc::new(make())).clone()
    }

    /// Brings the distances up to date with the labels from the one at `before` on.
    pub(super) fn come_nearer(&mut self, before: usize) {
        // Distances to a row of which a class was only predicted cannot be taken back.
        if self.known.take().is_some() {
            self.nearest = OnceLock::new();
        }
        let inputs = self.replicate.prepared.seen();
        if let Some(nearest) = self.nearest.get_mut().map(Arc::make_mut) {
            let labelled = self.pool.labelled().iter().zip(self.pool.labels());
            labelled.skip(before).for_each(|(&row, &label)| nearest.add(inputs, row, label));
        }
    }

    /// The number of the fit that all labels in hand are for, the initial labels' being 0: the round's, or
    /// where every label has a fit of its own, the number of bought labels. With queries of one row the two
    /// are the same.
    pub(super) fn fit_number(&self, plan: &EpisodePlan) -> u64 {
        match plan.fit_per_label {
            false => u64::from(self.state.round),
            true => self.oracle.spent() as u64,
        }
    }

    /// The key of the fit of this number.
    pub(super) fn fit_key(&self, number: u64) -> Key {
        self.replicate.key.named("fit").at(number)
    }
}

/// Whether a question may have another answer than the row's label, or another price than 1.
pub(super) fn counts_answers(plan: &EpisodePlan, task: &Task) -> bool {
    plan.says_answers() || task.is_open()
}
