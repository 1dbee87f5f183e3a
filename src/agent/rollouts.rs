//! What a label is worth over several queries, by rollouts.
//!
//! A candidate is labelled, and a base policy asks for some rows more; what the classifier is worth after each of these queries is
//! what the candidate leads to. Imitation of the candidate that leads to most is policy iteration by rollouts (Tesauro & Galperin,
//! NIPS 1996; Bertsekas, 2019): with one query it is the one-step oracle.

use super::network::Network;
use super::simulation::{best_of, select};
use crate::data::RowId;
use crate::episode::Episodes;
use crate::error::Result;
use crate::rng::Key;

/// Who asks after the candidate.
#[derive(Clone, Copy, Debug)]
pub enum BasePolicy<'a> {
    /// A registered strategy that needs no fits of its own.
    Strategy(&'a str),
    /// A network, without drawing, over at most `cap` candidates.
    Network { network: &'a Network, cap: usize },
}

/// For each of `rows`, what the classifier is worth after it and after each of the `horizon - 1` queries of one row that follow; fewer
/// where the pool ends. `soft` parts of the worth are the mean probability of the true class, the rest accuracy.
///
/// # Errors
/// What keeps an episode from being played.
///
/// # Panics
/// Without rows, or with a horizon of 0.
pub fn rollouts(
    episodes: &Episodes,
    env: usize,
    rows: &[RowId],
    (horizon, soft): (usize, f64),
    base: BasePolicy<'_>,
    key: Key,
) -> Result<Vec<Vec<f64>>> {
    let mut branches = episodes.branches(env, rows, horizon - 1, key.named("fits"))?;
    let mut worths: Vec<Vec<f64>> = (0..rows.len()).map(|copy| vec![branches.judged(copy, soft)]).collect();
    let mut query = 0;
    let ask = |branches: &Episodes, copy: usize, query: u64| {
        let key = key.named("base").at(query);
        match base {
            BasePolicy::Strategy(name) => select(branches, copy, name, key),
            BasePolicy::Network { network, cap } => best_of(network, branches, copy, cap, key),
        }
    };
    while branches.round(|branches, copy| ask(branches, copy, query), |_, _, _| ())? {
        query += 1;
        worths.iter_mut().enumerate().for_each(|(copy, worths)| worths.push(branches.judged(copy, soft)));
    }
    Ok(worths)
}

/// The mean over the queries: what the candidate adds to the area under the learning curve.
pub fn mean_worth(worths: &[f64]) -> f64 {
    worths.iter().sum::<f64>() / worths.len() as f64
}
