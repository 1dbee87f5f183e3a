//! Query strategies: which rows of a pool to ask the labels of.
//!
//! A [`Strategy`] sees a [`PoolView`] and nothing else. One file per strategy, each citing its paper;
//! a [`Registry`] knows them by name. Learned policies implement the same trait, in the `agent` layer.
//!
//! Strategies that rate each candidate by itself are a [`Score`], which combinators turn into batches;
//! what several of them compute over vectors is in [`geometry`]. Nothing here trains a network: what a
//! strategy [needs](Needs) of the learner comes with the view.

pub mod bandit;
pub mod bayesian;
mod builtin;
pub mod distribution;
pub mod error;
pub mod external;
#[cfg(test)]
mod golden;
pub mod gradient;
pub mod hybrid;
pub mod kinds;
pub mod multi_label;
pub mod needs;
mod params;
pub mod random;
pub mod registry;
pub mod regression;
pub mod rewards;
pub mod score;
pub mod segmentation;
pub mod signals;
pub mod simulation;
pub mod spec;
pub mod uncertainty;
pub mod view;
pub mod wrapper;

pub use error::QueryError;
pub use kinds::{Kinds, usual};
pub use needs::Needs;
pub use querist_engine::query::{
    Herding, KernelMap, KernelPca, LowRankGp, Nearest, Neighbours, Projection, Size, Subsample, Ties, draw,
    geometry, herding, kernel_pca, low_rank_gp, nearest, neighbour_stats, neighbours, ranks, size, subsample,
    ties,
};
pub use registry::Registry;
pub use score::Score;
pub use signals::{Ablations, Head, Passes, Progress, Signals};
pub use spec::Spec;
pub use view::{PoolView, Subset};

use crate::data::RowId;
use crate::error::Result;
use crate::rng::Key;

/// Two rows to train between: on `λ a + (1 - λ) b` with the labels mixed alike, `λ ~ Beta(alpha, alpha)` drawn anew from
/// epoch to epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    pub a: RowId,
    pub b: RowId,
    /// Above 0: below 1, mixtures lie near their ends, above in the middle.
    pub alpha: f64,
    /// Where they are mixed: 0 is the inputs, `k` the output of the learner's hidden block `k`.
    pub layer: usize,
}

/// Another version of a row to train on, with the row's label.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformed {
    pub row: RowId,
    /// As wide as the pool's inputs.
    pub input: Vec<f32>,
}

/// Chooses rows to label.
///
/// Every implementor passes the contract suite ([`strategy_contract`](crate::testing::strategy_contract)): picks are unique members of
/// the candidates, exactly `min(batch, candidates)` of them; the same view and key give the same picks;
/// a permutation of the pool's rows that carries their ids changes nothing, but for strategies that draw from
/// running sums over rows; rows that are worth the same are asked for in the order of [`Ties`], which the key
/// decides, and are so equally likely to come first; nothing depends on block sizes or threads.
pub trait Strategy: Send {
    /// The picks, most wanted first.
    ///
    /// `&mut self` is for strategies that learn within an episode (bandits); an instance lives for one
    /// episode.
    ///
    /// # Errors
    /// If a signal that the strategy [needs](Strategy::needs) is missing or not finite.
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>>;

    /// Batches to choose from in the [`select`](Strategy::select) that follows, under the same key: a simulation tells
    /// there what labelling each of them would bring ([`Signals::drafts`]). Only of what [needs](Needs::drafts) it.
    ///
    /// # Errors
    /// As [`select`](Strategy::select).
    fn draft(&mut self, _view: &PoolView<'_>, _batch: usize, _key: Key) -> Result<Vec<Vec<RowId>>> {
        Ok(Vec::new())
    }

    /// What the view's [`Signals`] must hold. Checked when an experiment is planned.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// The kinds of targets that it can ask for. Whoever lets it play on others is refused
    /// ([`QueryError::Kind`]); classes alone, unless a strategy says otherwise.
    fn kinds(&self) -> Kinds {
        Kinds::CLASS
    }

    /// Of a strategy that hands a whole choice on to another, who made the last one: what the learner is to train on is then
    /// that one's. A strategy that puts choices of several together has none, and is built over none that
    /// [steers training](Needs::steers_training).
    fn in_charge(&self) -> Option<&dyn Strategy> {
        None
    }

    /// Candidates that the learner may train on until the next query as if their class were known, with
    /// that class. They cost nothing, are not labelled, and stay candidates. Set by
    /// [`select`](Strategy::select); those of who is [in charge](Strategy::in_charge), empty for all others but
    /// [`ceal`](wrapper::ceal).
    fn pseudo_labels(&self) -> &[(RowId, u32)] {
        self.in_charge().map_or(&[], |strategy| strategy.pseudo_labels())
    }

    /// Rows, asked for by the last [`select`](Strategy::select) or labelled before, that the learner is to train on mixtures
    /// of until the next query, once it has their labels. Those of who is [in charge](Strategy::in_charge), empty for all others
    /// but [`lada`](hybrid::lada).
    fn mixtures(&self) -> &[Mixture] {
        self.in_charge().map_or(&[], |strategy| strategy.mixtures())
    }

    /// Other versions of rows, asked for by the last [`select`](Strategy::select) or labelled before, that the learner is to train on
    /// until the next query, once it has their labels. Those of who is [in charge](Strategy::in_charge), empty for all others but
    /// [`info_stn`](hybrid::lada::info_stn).
    fn transformed(&self) -> &[Transformed] {
        self.in_charge().map_or(&[], |strategy| strategy.transformed())
    }

    /// What is to be told of the last [`select`](Strategy::select): what it left out of account to end in
    /// reasonable time and memory, such as candidates that a cap kept from being looked at, or who asked in
    /// its place; `None` if nothing. Part of the result.
    fn note(&self) -> Option<String> {
        None
    }

    /// What the last [`select`](Strategy::select) gave each of its picks, in their order, higher = asked first;
    /// `None` where a batch is chosen as a whole.
    fn utilities(&self) -> Option<&[f64]> {
        None
    }

    /// Forecast of the bytes that [`select`](Strategy::select) takes at its peak beyond what it is handed, on
    /// two threads. Linear in candidates, width and classes once the pool is larger than every cap.
    fn memory(&self, size: &Size) -> u64 {
        size.scores()
    }
}
