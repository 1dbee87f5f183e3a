//! Searches over architectures, all at equal cost.
//!
//! # The space and its moves
//!
//! `A(B, i, j)` ([`ArchSpace`](crate::arch::ArchSpace)) is `j` stacks of `i` blocks of one kind; a new
//! stack changes the width. A search starts at `A(B, 1, 1)`, at what source tasks taught ([`Prior`]), or
//! where the previous round of active learning left it. Active-iNAS may *stay*, *deepen* to
//! `(i+1, j)`, or *spread* to `(⌊ij/(j+1)⌋+1, j+1)`; every move has more blocks in all, so the networks
//! of successive rounds never shrink. Others walk over ±1 neighbours, or draw from the whole grid.
//! Any [`Space`] will do; [`FreeMlp`](crate::arch::FreeMlp) is the other one here.
//!
//! # Equal cost
//!
//! The unit is the *gradient step*: a candidate that is trained for `steps` steps on each of `folds`
//! folds is charged `steps * folds`, however large the network is, whether its training diverged, and
//! whether another search had its score in the [`ScoreCache`] already. A search asks only for what it
//! does not know, so it pays for an architecture once; and it stops when the next candidate in its
//! list would exceed the budget. Cheaper candidates further down are not preferred, so a larger budget
//! always continues the same path.
//!
//! # A search is a function of its history
//!
//! [`Search::next`] takes everything that was told so far and answers what to score next and what it
//! would return now. There is no other state: a search that is killed and started again with its log
//! continues as if nothing had happened, and replaying the log gives the same search ([`Study`]
//! checks it record by record). Candidates that are asked for together do not depend on one another
//! and can be trained side by side as banks ([`score`]).
//!
//! Failures (a loss or score that is not finite, a refused network) are recorded, charged, and never
//! the best; if all candidates fail, the search ends with [`SearchError::AllFailed`].
//!
//! # Files
//!
//! One per search, with what it is set to and its entry in the list, `builtin`; `method` has what a search of
//! another crate implements; `plan` says which runs, where and at what cost; `study` holds budget and log; `choice` picks among scored
//! candidates; `folds` splits labelled rows, `evaluate` trains candidates on them, `cache` shares
//! scores, `bank` has the bank engine train them; `prior` learns where to start; `architect` has
//! those who choose inside an episode. Training itself is the learner's business, writing files the run's, and
//! which architecture an episode begins with the experiment's.

mod annealing;
mod architect;
mod bank;
mod builtin;
mod cache;
mod choice;
mod error;
mod evaluate;
mod evolution;
mod fixed;
mod folds;
mod grid;
mod guide;
mod halving;
mod hill_climbing;
mod history;
mod local;
mod method;
mod plan;
mod prior;
mod random;
mod study;

pub use annealing::Annealing;
pub use architect::{GuidedArchitect, LocalArchitect, PriorArchitect};
pub use bank::{Banks, fit_score_by};
pub use cache::ScoreCache;
pub use choice::{Entry, Rule, choose, paired};
pub use error::SearchError;
pub use evaluate::{
    FoldJob, FoldScore, Job, MAX_BANK_WEIGHTS, MAX_LANES, Trainer, advance, open_study, score, search,
};
pub use evolution::Evolution;
pub use fixed::Fixed;
pub use folds::Evaluation;
pub use grid::Grid;
pub use guide::{Guide, HeldOut, held_out, simplest};
pub use halving::Halving;
pub use hill_climbing::HillClimbing;
pub use history::{Candidate, History, Outcome, Record};
pub use local::Local;
pub use method::{AnyMethod, Method, MethodEntry, Methods, NamedSpace, Walk};
pub use plan::{Built, MAX_FOLDS, MAX_STEPS, SearchPlan};
pub use prior::{ARCH_FORMAT, ARCH_VERSION, Evidence, Level, MAX_ARCH_BYTES, PointScore, Prior, Regret};
pub use random::Random;
pub use study::{Answer, Header, LOG_VERSION, MAX_BATCH, SearchLog, Study};

use crate::arch::{Domain, Space};
use crate::error::Result;
use crate::rng::Key;
use rand::seq::SliceRandom;

/// What a search says to its history.
#[derive(Clone, Debug, PartialEq)]
pub struct Next<P> {
    /// Candidates to be scored, none of which the history knows, in the order in which the budget is to
    /// be spent on them. Empty: the search is finished.
    pub ask: Vec<Candidate<P>>,
    /// What the search would return if it ended now; `None` before anything was scored.
    pub incumbent: Option<P>,
}

/// A rule that walks a space of points `P`: deterministic, and without state of its own.
pub trait Search<P>: Send + Sync {
    /// What to score next, given everything scored so far.
    ///
    /// # Errors
    /// [`SearchError::Annealing`] if the solver underneath refuses to go on.
    fn next(&self, history: &History<P>) -> Result<Next<P>>;
}

/// The best point among those trained for `steps` steps; ties go to the smaller network.
fn best_known<S: Space>(domain: &Domain<S>, history: &History<S::Point>, steps: u32) -> Option<S::Point> {
    let scored: Vec<(&S::Point, Entry<'_>)> = history
        .records()
        .iter()
        .filter(|record| record.candidate.steps == steps)
        .filter_map(|record| {
            let point = &record.candidate.point;
            Some((point, Entry { size: domain.size(point), folds: record.outcome.folds()? }))
        })
        .collect();
    let entries: Vec<Entry<'_>> = scored.iter().map(|&(_, entry)| entry).collect();
    choose(&entries, Rule::Best).map(|at| scored[at].0.clone())
}

/// Every point in random order, but `start` first.
fn shuffled_from<S: Space>(domain: &Domain<S>, start: &S::Point, key: Key) -> Vec<S::Point> {
    let mut points: Vec<S::Point> = domain.points().into_iter().filter(|point| point != start).collect();
    points.shuffle(&mut key.rng());
    points.insert(0, start.clone());
    points
}

/// Asks for those of `points` that were not yet trained for `steps` steps.
fn unknown<'a, P: Clone + Ord + 'a>(
    history: &History<P>,
    points: impl IntoIterator<Item = &'a P>,
    steps: u32,
) -> Vec<Candidate<P>> {
    points
        .into_iter()
        .map(|point| Candidate { point: point.clone(), steps })
        .filter(|candidate| history.get(candidate).is_none())
        .collect()
}
