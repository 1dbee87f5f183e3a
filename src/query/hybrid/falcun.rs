//! Falcun: unsure candidates whose predictions differ from those of the picks.

use crate::data::{MatrixView, RowId};
use crate::error::Result;
use crate::query::draw::RowDraws;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::ties;
use crate::query::uncertainty::margin;
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;

const NEEDS: Needs = Needs { probabilities: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "falcun",
        summary: "drawn by small margin plus distance of predictions to those of the picks",
        paper: "Gilhuber, Beer, Ma & Seidl, ECML PKDD 2024",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time b n C, memory n",
        example: "falcun",
        deterministic: false,
    },
    make: |params| Built::batch(Falcun { gamma: params.real("gamma", 10.0, 0.0..=1e4)? }),
};

/// Draws candidates one by one with probability proportional to `(u + d)^gamma`: `u` is the margin's complement,
/// `1 - (p1 - p2)`, and `d`, at first the same, the least L1 distance of the class probabilities to those of a pick, scaled
/// to the range from zero to one after every pick. A draw is the largest of the logarithm of that and a Gumbel variable of
/// the row's own, so that the order of the rows decides nothing.
pub struct Falcun {
    /// Zero draws at random; the larger, the closer to the largest sum.
    pub gamma: f64,
}

impl Strategy for Falcun {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let p = view.probabilities()?;
        let unsure: Vec<f64> = (0..p.rows()).map(|place| margin::of(p.row(place))).collect();
        let mut apart = unsure.clone();
        let mut open: Vec<usize> = (0..p.rows()).collect();
        let mut picks = Vec::with_capacity(batch.min(open.len()));
        while picks.len() < batch && !open.is_empty() {
            if let Some(&last) = picks.last() {
                spread(&mut apart, p, last);
            }
            let draws = view.draws(key.named("falcun").at(picks.len() as u64));
            let rows: Vec<RowId> = open.iter().map(|&place| view.candidates()[place]).collect();
            let weights: Vec<f64> = open.iter().map(|&place| unsure[place] + apart[place]).collect();
            let drawn = perturbed(&weights, &rows, self.gamma, draws);
            let at = top_places(&rows, &drawn, 1, view.ties(key))?[0];
            // Ascending, so that a pool in another order is asked alike.
            picks.push(open.remove(at));
        }
        Ok(picks.into_iter().map(|place| view.candidates()[place]).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn memory(&self, size: &Size) -> u64 {
        // Two numbers and a place per row, and a row, a weight, a draw and an order while one is drawn.
        Size::items(size.candidates, 52)
    }
}

/// `gamma ln w` and a Gumbel variable for each row: the largest is a draw with probability proportional to `w^gamma`. Rows
/// without weight come after all others.
fn perturbed(weights: &[f64], rows: &[RowId], gamma: f64, draws: RowDraws<'_>) -> Vec<f64> {
    let one = |(&weight, &row): (&f64, &RowId)| {
        let log = if gamma == 0.0 { 0.0 } else { gamma * weight.max(f64::MIN_POSITIVE).ln() };
        log + draws.gumbel(row)
    };
    weights.iter().zip(rows).map(one).collect()
}

/// Lowers distances to those of a new pick, and scales them to their range.
fn spread(apart: &mut [f64], p: MatrixView<'_>, pick: usize) {
    let of_pick = p.row(pick);
    for (place, apart) in apart.iter_mut().enumerate() {
        let terms = p.row(place).iter().zip(of_pick).map(|(&a, &b)| f64::from((a - b).abs()));
        *apart = apart.min(ties::sum(terms));
    }
    let (low, high) = apart.iter().fold((f64::INFINITY, 0.0f64), |(low, high), &d| (low.min(d), high.max(d)));
    let range = if high > low { high - low } else { 1.0 };
    apart.iter_mut().for_each(|d| *d = (*d - low) / range);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;

    /// Margins' complements .8, .8, .2; after the first row, L1 distances 0, 1.2 and .6, which `min` with the old ones and
    /// the scaling make 0, 1 and .25.
    #[test]
    fn worked_example() {
        let p = Matrix::new(vec![0.6, 0.4, 0.0, 0.0, 0.4, 0.6, 0.9, 0.1, 0.0], 3, 3);
        let mut apart: Vec<f64> = (0..3).map(|row| margin::of(p.row(row))).collect();
        assert!((apart[0] - 0.8).abs() < 1e-6 && (apart[2] - 0.2).abs() < 1e-6);
        spread(&mut apart, p.view(), 0);
        for (found, expected) in apart.iter().zip([0.0, 1.0, 0.25]) {
            assert!((found - expected).abs() < 1e-6, "{apart:?}");
        }
        spread(&mut [0.5; 3], p.view(), 0);
    }

    #[test]
    fn draws_follow_the_weights() {
        // Complements .2 and .4: with gamma 1 they are drawn as 1 to 2, with gamma 2 as 1 to 4.
        let p = Matrix::new(vec![0.9, 0.1, 0.8, 0.2], 2, 2);
        let signals = Signals { probabilities: Some(p), ..Signals::default() };
        let inputs = Matrix::zeros(2, 1);
        let candidates = [RowId(0), RowId(1)];
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        for (gamma, share) in [(0.0, 0.5), (1.0, 1.0 / 3.0), (2.0, 0.2)] {
            let first = |seed| Falcun { gamma }.select(&view, 1, Key::root(seed)).unwrap()[0];
            let found = (0..10_000).filter(|&seed| first(seed) == RowId(0)).count() as f64 / 1e4;
            assert!((found - share).abs() < 0.013, "gamma {gamma}: {found}");
        }
    }
}
