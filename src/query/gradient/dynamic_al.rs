//! dynamicAL: the candidates that would make training fastest.

use crate::data::RowId;
use crate::error::Result;
use crate::learner::{Depth, GradientSum, Network, RowGradient};
use crate::query::geometry::{Rows, rows::in_blocks};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::{Score, top_places};
use crate::query::{Needs, PoolView, QueryError, Strategy};
use crate::rng::Key;

const NEEDS: Needs = Needs { inputs: true, network: true, labels: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "dynamic_al",
        summary: "the largest growth of the training loss's squared gradient norm, layer by layer",
        paper: "Wang, Huang, Wu, Tong, Margenot & He, NeurIPS 2022",
        family: Family::Gradient,
        needs: NEEDS,
        cost: "time of one training step over n + L rows (layers=last: of one prediction), memory n and one gradient",
        example: "dynamic_al",
        deterministic: true,
    },
    make: |params| {
        let layers = params.choice("layers", &[("all", Depth::All), ("last", Depth::Last)])?;
        let factor = params.real("factor", 1.0, 0.0..=1e6)?;
        let redundancy = params.count("redundancy", 0, 1..=1_000_000)?;
        let strategy = DynamicAl { layers, factor, redundancy };
        if redundancy == 0 {
            Built::score(strategy)
        } else {
            Built::batch(Spread { of: strategy, ratio: None })
        }
    },
};

/// `|g_u|^2 + 2 factor <g_u, g_L>`, where `g` is the gradient of the cross-entropy with respect to the
/// network's weights and biases in evaluation mode, `g_L` the sum over the labelled rows with their labels,
/// and `g_u` that of a candidate with its predicted class. With `factor = 1` this is how much `|g_L|^2`,
/// the rate at which the loss falls under gradient flow, grows by adding the candidate.
///
/// A candidate's gradient is held as the input and the back-signal of every layer, one candidate at a time,
/// and never written out.
#[derive(Clone, Copy, Debug)]
pub struct DynamicAl {
    /// Whether all layers' gradients count, or the last one's alone.
    pub layers: Depth,
    /// Weight of the inner product.
    pub factor: f64,
    /// Picks between two corrections; zero for none.
    pub redundancy: usize,
}

impl Score for DynamicAl {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let (network, labelled) = self.start(view)?;
        let factor = 2.0 * self.factor;
        Ok(self
            .each(network, view, view.candidates(), |row| row.squared_norm() + factor * labelled.inner(row)))
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn note(&self, view: &PoolView<'_>, picks: &[RowId]) -> Result<Option<String>> {
        Ok(approximation_ratio(view, picks, self.layers)?.map(note))
    }
}

impl DynamicAl {
    /// The network, and the sum of the labelled rows' gradients.
    fn start<'a>(&self, view: &PoolView<'a>) -> Result<(&'a Network, GradientSum), QueryError> {
        let (network, inputs) = (view.network()?, view.finite_network_inputs()?);
        let mut row = network.row_gradient(self.layers);
        let mut sum = GradientSum::default();
        for (at, &label) in view.labelled().iter().zip(view.labels()) {
            row.take(inputs.row(at.index()), Some(label));
            sum.add(&row);
        }
        Ok((network, sum))
    }

    /// `of` the gradient of each of `rows` with its predicted class.
    fn each(
        &self,
        network: &Network,
        view: &PoolView<'_>,
        rows: &[RowId],
        of: impl Fn(&RowGradient<'_>) -> f64 + Sync,
    ) -> Vec<f64> {
        let mut values = vec![0.0; rows.len()];
        // A row costs about three times the network's weights, not its own width.
        let passes = 3 * network.spec().parameters() / network.spec().inputs().max(1);
        in_blocks(Rows::new(view.network_inputs(), rows), &mut values, passes, |rows, values| {
            let mut row = network.row_gradient(self.layers);
            for (place, value) in values.iter_mut().enumerate() {
                row.take(rows.get(place), None);
                *value = of(&row);
            }
        });
        values
    }
}

/// [`DynamicAl`] with the redundancy step of the authors' code: after every `redundancy` picks, the inner
/// product with the sum of their gradients is subtracted from each remaining score.
pub struct Spread {
    /// The score, whose `redundancy` is at least 1.
    pub of: DynamicAl,
    ratio: Option<f64>,
}

impl Strategy for Spread {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (inputs, mut open) = (view.network_inputs(), view.candidates().to_vec());
        let mut scores = self.of.score(view, key)?;
        let network = view.network()?;
        let batch = batch.min(open.len());
        let mut picks = Vec::with_capacity(batch);
        loop {
            let best = top_places(
                &open,
                &scores,
                self.of.redundancy.max(1).min(batch - picks.len()),
                view.ties(key),
            )?;
            let taken: Vec<RowId> = best.into_iter().map(|place| open[place]).collect();
            picks.extend_from_slice(&taken);
            if picks.len() == batch {
                break;
            }
            let (mut row, mut added) = (network.row_gradient(self.of.layers), GradientSum::default());
            for pick in &taken {
                row.take(inputs.row(pick.index()), None);
                added.add(&row);
            }
            let left = |row: &RowId| !taken.contains(row);
            scores = (open.iter().zip(scores)).filter(|(row, _)| left(row)).map(|(_, score)| score).collect();
            open.retain(left);
            let overlaps = self.of.each(network, view, &open, |row| added.inner(row));
            scores.iter_mut().zip(overlaps).for_each(|(score, overlap)| *score -= overlap);
        }
        self.ratio = approximation_ratio(view, &picks, self.of.layers)?;
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn note(&self) -> Option<String> {
        self.ratio.map(note)
    }
}

fn note(ratio: f64) -> String {
    format!("the batch raises the squared gradient norm by {ratio:.3} of the sum of its scores")
}

/// The picks' true gain over the sum of their scores: the growth of the squared gradient norm by the whole
/// set, over the sum of each member's own (`factor = 1`). One where the picks' gradients are
/// orthogonal to each other; `None` where the scores sum to zero.
///
/// # Errors
/// If a signal that the strategy needs is missing or not finite.
pub fn approximation_ratio(view: &PoolView<'_>, picks: &[RowId], layers: Depth) -> Result<Option<f64>> {
    let (network, labelled) = DynamicAl { layers, factor: 1.0, redundancy: 0 }.start(view)?;
    let (mut row, mut union, mut sum) = (network.row_gradient(layers), labelled.clone(), 0.0);
    for pick in picks {
        row.take(view.network_inputs().row(pick.index()), None);
        sum += row.squared_norm() + 2.0 * labelled.inner(&row);
        union.add(&row);
    }
    let growth = union.squared_norm() - labelled.squared_norm();
    Ok((sum != 0.0).then(|| growth / sum).filter(|ratio| ratio.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Block, NetSpec};
    use crate::data::Matrix;
    use crate::query::{Registry, Signals};
    use proptest::{collection, prop_assert, prop_assert_eq, proptest};

    fn rows(range: std::ops::Range<u32>) -> Vec<RowId> {
        range.map(RowId).collect()
    }

    /// A pool whose first `labelled` rows bear labels, under a network; `then` gets the view.
    fn with_view<R>(
        network: &Network,
        inputs: &Matrix,
        labels: &[u32],
        then: impl FnOnce(&PoolView<'_>) -> R,
    ) -> R {
        let all = rows(0..inputs.rows() as u32);
        let (labelled, candidates) = all.split_at(labels.len());
        let signals = Signals { network: Some(network.clone()), ..Signals::default() };
        let classes = network.spec().outputs();
        then(&PoolView::new(inputs.view(), labelled, labels, candidates, classes, &signals))
    }

    fn score_of(layers: Depth) -> DynamicAl {
        DynamicAl { layers, factor: 1.0, redundancy: 0 }
    }

    /// Two classes that a network without weights finds equally likely, so that every residual is
    /// `(-.5, .5)`: of the label 0, and of the class predicted, the first of equals.
    #[test]
    fn by_hand() {
        let network = Network::new(&NetSpec::mlp(1, &[], 2).unwrap(), &[0.0; 4]).unwrap();
        let inputs = Matrix::new(vec![1.0, 2.0, -1.0], 3, 1);
        with_view(&network, &inputs, &[0], |view| {
            for layers in [Depth::All, Depth::Last] {
                let scores = score_of(layers).score(view, Key::root(0)).unwrap();
                // |g|^2 = .5 (x^2 + 1) and <g, g_L> = .5 (x + 1).
                assert_eq!(scores, [2.5 + 2.0 * 1.5, 1.0 + 2.0 * 0.0]);
                let half = DynamicAl { factor: 0.5, ..score_of(layers) }.score(view, Key::root(0)).unwrap();
                assert_eq!(half, [4.0, 1.0]);
                // G grows from 1 to .5 (2^2 + 3^2) = 6.5 by both together; their scores sum to 6.5.
                let ratio = approximation_ratio(view, &rows(1..3), layers).unwrap().unwrap();
                assert!((ratio - 5.5 / 6.5).abs() < 1e-12, "{ratio}");
            }
        });
    }

    proptest! {
        /// The score is the growth of the squared norm by that candidate; one pick's ratio is 1.
        #[test]
        fn score_is_the_growth_of_the_norm(
            weights in collection::vec(-0.8f32..0.8, 200),
            values in collection::vec(-2.0f32..2.0, 6 * 3),
            labels in collection::vec(0u32..4, 0..3),
        ) {
            let blocks = vec![Block::Dense { width: 5 }, Block::Residual { width: 4 }];
            let spec = NetSpec::new(3, blocks, 4, 0.0).unwrap();
            let network = Network::new(&spec, &weights[..spec.parameters()]).unwrap();
            let inputs = Matrix::new(values, 6, 3);
            with_view(&network, &inputs, &labels, |view| {
                for layers in [Depth::All, Depth::Last] {
                    let scores = score_of(layers).score(view, Key::root(0)).unwrap();
                    let (_, before) = score_of(layers).start(view).unwrap();
                    for (&candidate, &found) in view.candidates().iter().zip(&scores) {
                        let (mut row, mut after) = (network.row_gradient(layers), before.clone());
                        row.take(inputs.row(candidate.index()), None);
                        after.add(&row);
                        let growth = after.squared_norm() - before.squared_norm();
                        prop_assert!((found - growth).abs() < 1e-9, "{found} {growth}");
                        let ratio = approximation_ratio(view, &[candidate], layers).unwrap();
                        prop_assert!(ratio.is_none_or(|ratio| (ratio - 1.0).abs() < 1e-6), "{ratio:?}");
                    }
                }
                let [all, last] = [Depth::All, Depth::Last].map(|l| score_of(l).score(view, Key::root(0)).unwrap());
                prop_assert!(!labels.is_empty() || all.iter().zip(&last).all(|(all, last)| all >= last));
                Ok(())
            })?;
        }

        /// A network without hidden blocks is its last layer.
        #[test]
        fn a_linear_network_is_its_last_layer(
            weights in collection::vec(-1.0f32..1.0, 12), values in collection::vec(-2.0f32..2.0, 15),
        ) {
            let network = Network::new(&NetSpec::mlp(3, &[], 3).unwrap(), &weights).unwrap();
            with_view(&network, &Matrix::new(values, 5, 3), &[2], |view| {
                let score = |layers| score_of(layers).score(view, Key::root(0)).unwrap();
                prop_assert_eq!(score(Depth::All), score(Depth::Last));
                Ok(())
            })?;
        }
    }

    /// Rows 0 and 1 are twins with the largest scores; row 2 points elsewhere.
    #[test]
    fn redundancy_avoids_what_was_picked() {
        let network = Network::new(&NetSpec::mlp(2, &[], 2).unwrap(), &[0.0; 6]).unwrap();
        let inputs = Matrix::new(vec![2.0, 0.0, 2.0, 0.0, 0.0, 1.9], 3, 2);
        with_view(&network, &inputs, &[], |view| {
            for (name, picks, ratio) in [
                // G of the twins is .5 (4^2 + 2^2) = 10, and each alone scores 2.5.
                ("dynamic_al", [RowId(0), RowId(1)], "2.000"),
                // .5 (2^2 + 1.9^2 + 2^2) = 5.805, and the scores are 2.5 and 2.305.
                ("dynamic_al(redundancy=1)", [RowId(0), RowId(2)], "1.208"),
                ("dynamic_al(layers=last,redundancy=1)", [RowId(0), RowId(2)], "1.208"),
                ("dynamic_al(redundancy=2)", [RowId(0), RowId(1)], "2.000"),
            ] {
                let mut strategy = Registry::builtin().build(name).unwrap();
                assert_eq!(strategy.select(view, 2, Key::root(0)).unwrap(), picks, "{name}");
                let note = strategy.note().unwrap();
                assert!(note.contains(&format!("by {ratio} of")), "{name}: {note}");
            }
        });
    }
}
