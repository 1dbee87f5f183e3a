//! The greedy one-step oracle: the reference line of a benchmark and the expert that policies imitate.

use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top;
use crate::query::uncertainty::margin;
use crate::query::{Needs, PoolView, Strategy};
use crate::rng::Key;

/// Candidates whose gain is simulated in each round.
pub const CANDIDATES: usize = 20;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "greedy_oracle",
        summary: "the largest simulated gain among a few random candidates; by margin where none gains",
        paper: "Werner et al., NeurIPS 2024 (datasets and benchmarks)",
        family: Family::Simulation,
        needs: Needs { probabilities: true, lookahead: CANDIDATES, ..Needs::NONE },
        cost: "one training per simulated candidate",
        example: "greedy_oracle",
        deterministic: true,
    },
    make: |params| {
        Built::batch(GreedyOracle { candidates: params.count("candidates", CANDIDATES, 1..=10_000)? })
    },
};

/// Asks for the simulated candidates of positive gain, largest gain first; then for the other simulated
/// candidates, smallest margin first; then, where the batch is larger than the sample, for the rest of
/// the pool, smallest margin first. Equal values come in the order of [`Ties`](crate::query::Ties).
pub struct GreedyOracle {
    /// Candidates whose gain the environment simulates.
    pub candidates: usize,
}

impl Strategy for GreedyOracle {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (p, gains) = (view.probabilities()?, view.lookahead()?);
        let mut tiers: Vec<(u8, f64)> = (0..p.rows()).map(|place| (2, margin::of(p.row(place)))).collect();
        for &(row, gain) in gains {
            if let Ok(place) = view.candidates().binary_search(&row) {
                tiers[place] = if gain > 0.0 { (0, f64::from(gain)) } else { (1, tiers[place].1) };
            }
        }
        let mut picks = Vec::with_capacity(batch.min(p.rows()));
        for tier in 0..3 {
            let members = || tiers.iter().zip(view.candidates()).filter(|((of, _), _)| *of == tier);
            let rows: Vec<RowId> = members().map(|(_, &row)| row).collect();
            let scores: Vec<f64> = members().map(|((_, score), _)| *score).collect();
            picks.extend(top(&rows, &scores, batch - picks.len(), view.ties(key))?);
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        Needs { probabilities: true, lookahead: self.candidates, ..Needs::NONE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{QueryError, Signals};

    fn ask(gains: &[(u32, f32)], batch: usize) -> Result<Vec<RowId>> {
        // Rows 10..14; margins of .2, .1, .8, .4 in that order.
        let p = Matrix::new(vec![0.6, 0.4, 0.55, 0.45, 0.9, 0.1, 0.7, 0.3], 4, 2);
        let lookahead = Some(gains.iter().map(|&(row, gain)| (RowId(row), gain)).collect());
        let signals = Signals { probabilities: Some(p), lookahead, ..Signals::default() };
        let inputs = Matrix::zeros(20, 1);
        let candidates: Vec<RowId> = (10..14).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        GreedyOracle { candidates: 2 }.select(&view, batch, Key::root(0))
    }

    fn ids(rows: Vec<RowId>) -> Vec<u32> {
        rows.into_iter().map(|row| row.0).collect()
    }

    #[test]
    fn the_largest_gain_is_mapped_back_to_its_row() {
        assert_eq!(ids(ask(&[(10, 0.1), (12, 0.3)], 1).unwrap()), [12]);
    }

    #[test]
    fn without_a_gain_the_smallest_margin_of_the_sample() {
        // Row 11 has the smallest margin of all, but was not simulated.
        assert_eq!(ids(ask(&[(12, -0.1), (13, 0.0)], 1).unwrap()), [13]);
    }

    #[test]
    fn a_batch_goes_through_the_tiers() {
        assert_eq!(ids(ask(&[(12, 0.2), (13, -0.5)], 4).unwrap()), [12, 13, 11, 10]);
        assert_eq!(ids(ask(&[(12, 0.2)], 99).unwrap()), [12, 11, 10, 13]);
    }

    #[test]
    fn refuses_gains_that_are_none() {
        let error = ask(&[(3, 0.1)], 1).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::NotACandidate { row: 3, .. })));
        let error = ask(&[(11, f32::NAN)], 1).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::NotFinite { .. })));
        let error = ask(&[(11, 0.1), (11, 0.2)], 1).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::NotACandidate { row: 11, .. })));
    }
}
