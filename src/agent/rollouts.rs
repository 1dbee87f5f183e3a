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

#[cfg(test)]
mod tests {
    use super::super::testing::sources;
    use super::*;
    use crate::episode::Reference;

    /// With the seeds of the episode itself, one query is the one-step look-ahead.
    #[test]
    fn one_query_is_the_look_ahead() {
        for source in sources() {
            let replicate = source.replicate(Key::root(3), 0);
            let key = replicate.key;
            let episodes = Episodes::reset(&source.learning_plan(), &[replicate]).unwrap();
            for soft in [0.0, 0.5] {
                let ahead = episodes.look_ahead(&[0], 6, soft, Reference::Present).unwrap().remove(0);
                let rows = episodes.sample_candidates(0, 6);
                let before = episodes.judged(0, soft);
                let branches = episodes.branches(0, &rows, 0, key).unwrap();
                for (copy, (row, gain)) in ahead.into_iter().enumerate() {
                    assert_eq!(row, rows[copy]);
                    assert_eq!((branches.judged(copy, soft) - before) as f32, gain, "{row:?}");
                }
                assert!(branches.live().is_empty(), "each has asked for all that it may");
            }
        }
    }

    /// What follows the first query is the base policy's, one row at a time; longer rollouts begin as shorter ones, and end with the pool.
    #[test]
    fn rollouts_go_on_as_the_base_policy_asks() {
        let source = &sources()[0];
        let episodes =
            Episodes::reset(&source.learning_plan(), &[source.replicate(Key::root(3), 0)]).unwrap();
        let (rows, key) = (episodes.sample_candidates(0, 4), Key::root(9));
        let of = |horizon, base| rollouts(&episodes, 0, &rows, (horizon, 0.5), base, key).unwrap();
        let (margin, random) = (BasePolicy::Strategy("margin"), BasePolicy::Strategy("random"));
        let (short, long, other) = (of(2, margin), of(4, margin), of(4, random));
        for copy in 0..rows.len() {
            assert_eq!(short[copy], long[copy][..2]);
            assert_eq!(long[copy].len(), 4);
            assert_eq!(long[copy][0], other[copy][0], "the first query is the candidate's");
        }
        assert_ne!(long, other);
        let pool = episodes.replicate(0).prepared.task().pool().rows();
        let whole = rollouts(&episodes, 0, &rows[..1], (pool, 0.5), margin, key).unwrap();
        assert_eq!(whole[0].len(), pool - episodes.labelled(0).1.len());
        assert!((mean_worth(&[0.25, 0.75]) - 0.5).abs() < 1e-12);
    }
}
