//! Information density: uncertain, and like many others.

use super::Space;
use crate::error::Result;
use crate::query::geometry::lanes;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Score};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "information_density",
        summary: "a score (entropy where none is named) times the mean similarity to the pool (inputs)",
        paper: "Settles & Craven, EMNLP 2008",
        family: Family::Hybrid,
        needs: Needs { inputs: true, probabilities: true, ..Needs::NONE },
        cost: "time n d, memory n + d, and the score's",
        example: "information_density",
        deterministic: true,
    },
    make: |params| {
        Built::score(InformationDensity {
            space: params.choice("space", &Space::INPUTS_FIRST)?,
            beta: params.real("beta", 1.0, 0.0..=100.0)?,
            inner: params.inner_score_or("entropy")?,
        })
    },
};

/// `score * (mean similarity to all candidates)^beta` with `similarity = (1 + cosine) / 2`. A zero vector
/// has cosine zero to everything.
pub struct InformationDensity {
    pub space: Space,
    /// How much density weighs.
    pub beta: f64,
    pub inner: Box<dyn Score>,
}

impl Score for InformationDensity {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        let rows = view.candidate_rows(self.space.of(view)?);
        let lengths: Vec<f64> = (0..rows.len())
            .map(|place| f64::from(lanes::dot(rows.get(place), rows.get(place))).sqrt())
            .collect();
        // The mean cosine to all is the cosine to the mean of the unit vectors: n d instead of n^2 d.
        let mut mean = vec![0.0f64; rows.width()];
        for (place, &length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0.0) {
            for (mean, &value) in mean.iter_mut().zip(rows.get(place)) {
                *mean += f64::from(value) / length;
            }
        }
        let n = rows.len().max(1) as f64;
        let mut scores = self.inner.score(view, key)?;
        for (place, score) in scores.iter_mut().enumerate() {
            let along: f64 =
                rows.get(place).iter().zip(&mean).map(|(&value, mean)| f64::from(value) * mean).sum();
            let cosine = if lengths[place] > 0.0 { along / lengths[place] / n } else { 0.0 };
            *score *= ((1.0 + cosine) / 2.0).max(0.0).powf(self.beta);
        }
        Ok(scores)
    }

    fn needs(&self) -> Needs {
        self.inner.needs().union(self.space.needs())
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Matrix, RowId};
    use crate::query::{PoolView, Registry, Signals, uncertainty::entropy};
    use crate::rng::Key;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn matches_the_double_loop(values in prop::collection::vec(-3.0f32..3.0, 8 * 3), raw in prop::collection::vec(0.01f32..0.99, 8)) {
            let inputs = Matrix::new(values, 8, 3);
            let p = Matrix::new(raw.iter().flat_map(|&p| [p, 1.0 - p]).collect(), 8, 2);
            let signals = Signals { probabilities: Some(p.clone()), ..Signals::default() };
            let candidates: Vec<RowId> = (0..8).map(RowId).collect();
            let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
            let spec = "information_density(beta=2)".parse().unwrap();
            let found = Registry::builtin().build_score(&spec).unwrap().score(&view, Key::root(0)).unwrap();
            let dot = |a: usize, b: usize| {
                inputs.row(a).iter().zip(inputs.row(b)).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
            };
            for (x, found) in found.into_iter().enumerate() {
                let similarity = (0..8).map(|u| (1.0 + dot(x, u) / (dot(x, x) * dot(u, u)).sqrt()) / 2.0);
                let expected = entropy::of(p.row(x)) * (similarity.sum::<f64>() / 8.0).powi(2);
                prop_assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }
}
