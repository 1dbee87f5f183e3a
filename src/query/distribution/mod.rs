//! Strategies that look at where the candidates lie, not at what the model says of them.
//!
//! Each says on its card whether it looks at the fixed inputs (features that do not change over an
//! episode) or at the learner's penultimate embeddings. Those over inputs need no label at all and so
//! serve as initial selection too. [`proxy_distance`] is no strategy: it tells how far the labelled rows are
//! from being a sample of the pool.

pub mod active_ft;
pub mod bilaf;
pub mod core_gcn;
pub mod dal;
pub mod discriminative;
pub mod information_density;
pub mod k_center;
pub mod k_means;
pub mod k_medoids;
pub mod max_herding;
pub mod part;
pub mod prob_cover;
pub mod proxy_distance;
pub mod robust_k_center;
pub mod similar;
pub mod typiclust;

use super::registry::Entry;
use super::{Needs, PoolView, QueryError};
use crate::data::MatrixView;

pub(super) const ENTRIES: &[Entry] = &[
    k_center::ENTRY,
    robust_k_center::ENTRY,
    k_means::ENTRY,
    k_medoids::ENTRY,
    typiclust::ENTRY,
    prob_cover::ENTRY,
    max_herding::ENTRY,
    active_ft::ENTRY,
    bilaf::ENTRY,
    core_gcn::ENTRY,
    information_density::ENTRY,
    dal::ENTRY,
    discriminative::ENTRY,
    similar::ENTRY,
];

/// The vectors that a strategy looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The pool's inputs, fixed over an episode.
    Inputs,
    /// The learner's penultimate activations, new every round.
    Embeddings,
}

impl Space {
    /// The words of the parameter `space`, `default` first.
    pub const INPUTS_FIRST: [(&'static str, Space); 2] =
        [("inputs", Space::Inputs), ("embeddings", Space::Embeddings)];
    /// The words of the parameter `space`, `default` first.
    pub const EMBEDDINGS_FIRST: [(&'static str, Space); 2] =
        [("embeddings", Space::Embeddings), ("inputs", Space::Inputs)];

    /// The vectors of the whole pool, shape `[n, d]`.
    ///
    /// # Errors
    /// If they are missing or not finite.
    pub fn of<'a>(self, view: &PoolView<'a>) -> Result<MatrixView<'a>, QueryError> {
        match self {
            Space::Inputs => view.finite_inputs(),
            Space::Embeddings => view.embeddings(),
        }
    }

    /// What looking at the vectors asks of the learner.
    pub fn needs(self) -> Needs {
        match self {
            Space::Inputs => Needs { inputs: true, ..Needs::NONE },
            Space::Embeddings => Needs { embeddings: true, ..Needs::NONE },
        }
    }
}
