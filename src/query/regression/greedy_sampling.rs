//! Greedy sampling: the candidate that is farthest from all labelled rows, among the inputs (GSx), among the targets (GSy)
//! or in both at once (iGS).

use crate::data::RowId;
use crate::error::Result;
use crate::query::distribution::Space;
use crate::query::distribution::k_center::{KCenter, cover};
use crate::query::geometry::lanes;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::{Kinds, Needs, PoolView, Size, Strategy};
use crate::rng::Key;

const PAPER: &str = "Wu, Lin & Huang, Information Sciences 2019";

pub(super) const GSX: Entry = Entry {
    card: Card {
        name: "gsx",
        summary: "the candidate whose inputs are farthest from all labelled ones: k_center(space=inputs) by its other name",
        paper: PAPER,
        family: Family::Regression,
        needs: Needs { inputs: true, ..Needs::NONE },
        cost: "time (L + b) n d at most, memory n + b d",
        example: "gsx",
        deterministic: true,
    },
    make: |_| Built::batch(KCenter { kernel: Space::Inputs.into() }),
};

pub(super) const GSY: Entry = Entry {
    card: Card {
        name: "gsy",
        summary: "the candidate whose prediction is farthest from all known targets",
        paper: PAPER,
        family: Family::Regression,
        needs: NEEDS,
        cost: "time (L + b) n, memory n",
        example: "gsy",
        deterministic: true,
    },
    make: |_| Built::batch(GreedySampling { inputs: false }),
};

pub(super) const IGS: Entry = Entry {
    card: Card {
        name: "igs",
        summary: "the largest, over candidates, of the smallest product of distances in inputs and targets to a labelled row",
        paper: PAPER,
        family: Family::Regression,
        needs: NEEDS,
        cost: "time (L + b) n d, memory n",
        example: "igs",
        deterministic: true,
    },
    make: |_| Built::batch(GreedySampling { inputs: true }),
};

const NEEDS: Needs = Needs { inputs: true, predictions: true, labels: true, ..Needs::NONE };

/// GSy and iGS.
///
/// The predictions of what was picked stand for its targets for the rest of a batch. With nothing labelled, the first
/// pick is GSx's: the candidate nearest the mean. An affine change of the targets, which predictions follow,
/// changes nothing.
pub struct GreedySampling {
    /// Whether the distance of the inputs is a factor: iGS.
    pub inputs: bool,
}

impl GreedySampling {
    /// The distance of a candidate to a row whose target is known, or taken for known.
    fn distance(&self, a: (&[f32], f64), b: (&[f32], f64)) -> f64 {
        let apart = if self.inputs { f64::from(lanes::squared_distance(a.0, b.0)).sqrt() } else { 1.0 };
        apart * (a.1 - b.1).abs()
    }
}

impl Strategy for GreedySampling {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (inputs, predictions) = (view.finite_inputs()?, view.predictions()?);
        let candidates = view.candidates();
        let of = |place: usize| (inputs.row(candidates[place].index()), f64::from(predictions[place]));
        let known: Vec<(&[f32], f64)> =
            view.labelled().iter().zip(view.numbers()).map(|(row, y)| (inputs.row(row.index()), y)).collect();
        let batch = batch.min(candidates.len());
        let mut minima = vec![f64::INFINITY; candidates.len()];
        let lower = |minima: &mut [f64], to: (&[f32], f64)| {
            for (place, least) in minima.iter_mut().enumerate() {
                *least = least.min(self.distance(of(place), to));
            }
        };
        known.iter().for_each(|&row| lower(&mut minima, row));
        let mut picked: Vec<usize> = Vec::with_capacity(batch);
        while picked.len() < batch {
            let next = if known.is_empty() && picked.is_empty() {
                let rows = view.candidate_rows(inputs);
                cover(rows, view.labelled_rows(inputs), 1, view.ties(key))[0]
            } else {
                top_places(candidates, &minima, 1, view.ties(key))?[0]
            };
            picked.push(next);
            lower(&mut minima, of(next));
            // Whoever was picked is never asked for again, be the others as near as they may.
            picked.iter().for_each(|&place| minima[place] = f64::NEG_INFINITY);
        }
        Ok(picked.into_iter().map(|place| candidates[place]).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn kinds(&self) -> Kinds {
        Kinds::REAL
    }

    fn memory(&self, size: &Size) -> u64 {
        size.scores() + Size::items(size.candidates, 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::data::TargetKind;
    use crate::data::target::word_of;
    use crate::query::{Registry, Signals};
    use proptest::prelude::*;

    /// Picks of `spec` on one input per row; the first rows are labelled, predictions are of the others.
    fn picks(spec: &str, inputs: &[f32], targets: &[f32], predictions: &[f32], batch: usize) -> Vec<u32> {
        let matrix = Matrix::new(inputs.to_vec(), inputs.len(), 1);
        let labelled: Vec<RowId> = (0..targets.len() as u32).map(RowId).collect();
        let candidates: Vec<RowId> = (targets.len() as u32..inputs.len() as u32).map(RowId).collect();
        let words: Vec<u32> = targets.iter().map(|&target| word_of(target)).collect();
        let signals = Signals { predictions: Some(predictions.to_vec()), ..Signals::default() };
        let view =
            PoolView::of_kind(TargetKind::Real, matrix.view(), &labelled, &words, &candidates, 0, &signals);
        let mut strategy = Registry::builtin().build(spec).unwrap();
        strategy.select(&view, batch, Key::root(1)).unwrap().into_iter().map(|row| row.0).collect()
    }

    /// Labelled (0, 1) and (4, 3). Candidates 1, 2, 7 with predictions 5, 2.5, 3.5. GSx: distances to the nearer of 0 and 4 are
    /// 1, 2, 3. GSy: 2, .5, .5. iGS: min(1·4, 3·2) = 4, min(2·1.5, 2·.5) = 1, min(7·2.5, 3·.5) = 1.5.
    #[test]
    fn worked_example() {
        let (inputs, targets, predictions) = ([0.0, 4.0, 1.0, 2.0, 7.0], [1.0, 3.0], [5.0, 2.5, 3.5]);
        assert_eq!(picks("gsx", &inputs, &targets, &predictions, 1), [4]);
        assert_eq!(picks("gsy", &inputs, &targets, &predictions, 1), [2]);
        // After (1, 5): min(1, 1·2.5) = 1 for row 3, min(1.5, 6·1.5) = 1.5 for row 4.
        assert_eq!(picks("igs", &inputs, &targets, &predictions, 3), [2, 4, 3]);
    }

    #[test]
    fn the_first_pick_without_labels_is_nearest_the_mean() {
        // The mean of 0, 1, 2, 9 is 3.
        for spec in ["gsx", "gsy", "igs"] {
            assert_eq!(picks(spec, &[0.0, 1.0, 2.0, 9.0], &[], &[5.0, 1.0, 0.0, 2.0], 1), [2], "{spec}");
        }
    }

    proptest! {
        /// Targets in other units, which predictions follow, are asked for alike. Steps of 1/8 and factors that are powers of
        /// two keep every distance exact.
        #[test]
        fn the_unit_of_the_targets_decides_nothing(
            raw in prop::collection::vec((-40i32..40, -40i32..40), 12),
            power in -3i32..4,
            shift in -64i32..64,
            sign in prop::sample::select(vec![-1.0f32, 1.0]),
        ) {
            let inputs: Vec<f32> = raw.iter().map(|&(x, _)| x as f32 / 8.0).collect();
            let numbers: Vec<f32> = raw.iter().map(|&(_, y)| y as f32 / 8.0).collect();
            let other: Vec<f32> = numbers.iter().map(|y| sign * y * 2f32.powi(power) + shift as f32).collect();
            for spec in ["gsx", "gsy", "igs"] {
                let of = |all: &[f32]| picks(spec, &inputs, &all[..4], &all[4..], 5);
                prop_assert_eq!(of(&numbers), of(&other), "{}", spec);
            }
        }
    }
}
