//! What the learner believes of the candidates, whatever the kind of targets.
//!
//! Features speak of classes and of doubt. Classes have both. Of sets of labels and of masks, doubt is the mean over labels or
//! pixels, and there is one class. Numbers are in one of [`BINS`] equal parts of the range of the known ones, which
//! stand for classes, and their doubt is how far the prediction is from the nearest known number.

use super::FeatureError;
use crate::data::TargetKind;
use crate::data::target::number_of;
use crate::query::PoolView;
use crate::query::geometry::lanes::sum_of_zeros;
use crate::query::geometry::tops::{Top, tops};

/// Parts of the range of numbers that stand for classes.
pub(super) const BINS: usize = 5;

/// What is believed of one candidate.
#[derive(Clone, Copy, Default)]
pub(super) struct Prediction {
    /// The most probable class.
    pub first: u32,
    /// The next.
    pub second: u32,
    /// Doubt, from 0 to 1. Of classes, one less the distance of their probabilities: 1 where they are equal.
    pub margin: f32,
}

/// What features read of a state's targets, known and predicted.
pub(super) struct Beliefs {
    /// The predictions of all candidates.
    pub predictions: Vec<Prediction>,
    /// The classes of the labelled rows.
    pub labels: Vec<u32>,
    /// The number of classes.
    pub classes: usize,
    words: Words,
}

/// What the words of known targets say of their classes.
enum Words {
    /// The class itself.
    Classes,
    /// Nothing: there is one class.
    OneClass,
    /// Numbers, in parts of their range.
    Numbers(Parts),
}

impl Beliefs {
    /// Of a view's candidates and labels.
    pub(super) fn of(view: &PoolView<'_>) -> Result<Self, FeatureError> {
        let missing = |signal| FeatureError::Missing { signal };
        let probabilities = || view.unchecked_probabilities().ok_or(missing("probabilities"));
        match view.kind() {
            TargetKind::Class => {
                let p = probabilities()?.values();
                let classes = view.classes();
                check(view, p, classes)?;
                let prediction =
                    |top: Top| Prediction { first: top.first, second: top.second, margin: top.margin() };
                Ok(Self {
                    predictions: tops(p, classes, 0..view.candidates().len())
                        .into_iter()
                        .map(prediction)
                        .collect(),
                    labels: view.labels().to_vec(),
                    classes,
                    words: Words::Classes,
                })
            }
            TargetKind::MultiLabel | TargetKind::Mask => {
                let p = probabilities()?.values();
                let parts = view.classes().max(1);
                check(view, p, parts)?;
                let doubt =
                    |p: &[f32]| p.iter().map(|p| 1.0 - (2.0 * p - 1.0).abs()).sum::<f32>() / parts as f32;
                let prediction = |p| Prediction { first: 0, second: 0, margin: doubt(p) };
                Ok(Self {
                    predictions: p.chunks_exact(parts).map(prediction).collect(),
                    labels: vec![0; view.labels().len()],
                    // Each label, or pixel, is there or not.
                    classes: 2,
                    words: Words::OneClass,
                })
            }
            TargetKind::Real => {
                let predictions = view.unchecked_predictions().ok_or(missing("predictions"))?;
                check(view, predictions, 1)?;
                let parts = Parts::of(view.labels());
                Ok(Self {
                    predictions: predictions.iter().map(|&number| parts.prediction(number)).collect(),
                    labels: view.labels().iter().map(|&word| parts.part(number_of(word))).collect(),
                    classes: BINS,
                    words: Words::Numbers(parts),
                })
            }
        }
    }

    /// The class of a known target.
    pub(super) fn class_of(&self, word: u32) -> u32 {
        match &self.words {
            Words::Classes => word,
            Words::OneClass => 0,
            Words::Numbers(parts) => parts.part(number_of(word)),
        }
    }
}

/// Refuses what is not finite.
fn check(view: &PoolView<'_>, values: &[f32], width: usize) -> Result<(), FeatureError> {
    if sum_of_zeros(values) != 0.0 {
        for (row, values) in view.candidates().iter().zip(values.chunks_exact(width)) {
            if let Some(class) = values.iter().position(|value| !value.is_finite()) {
                return Err(FeatureError::NotFinite { row: row.0, class, value: values[class] });
            }
        }
    }
    Ok(())
}

/// The range of the known numbers.
struct Parts {
    low: f32,
    /// Width of the range; 0 where all are equal, or none is known.
    width: f32,
    /// Standard deviation of the known numbers, 1 where there is none.
    spread: f32,
    /// The known numbers, ascending.
    known: Vec<f32>,
}

impl Parts {
    fn of(words: &[u32]) -> Self {
        let mut known: Vec<f32> = words.iter().map(|&word| number_of(word)).collect();
        known.sort_by(f32::total_cmp);
        let (low, high) = (known.first().copied().unwrap_or(0.0), known.last().copied().unwrap_or(0.0));
        let count = known.len().max(1) as f64;
        let mean = known.iter().map(|&y| f64::from(y)).sum::<f64>() / count;
        let spread =
            (known.iter().map(|&y| (f64::from(y) - mean).powi(2)).sum::<f64>() / count).sqrt() as f32;
        Self { low, width: high - low, spread: if spread > 0.0 { spread } else { 1.0 }, known }
    }

    /// Where a number lies, in parts from the smallest of the known ones.
    fn place(&self, number: f32) -> f32 {
        match self.width > 0.0 {
            true => ((number - self.low) / self.width * BINS as f32).clamp(0.0, BINS as f32 - 0.5),
            false => 0.0,
        }
    }

    fn part(&self, number: f32) -> u32 {
        self.place(number) as u32
    }

    /// The part of a predicted number, the next nearest, and how far it is from the nearest known number: half a standard deviation
    /// away is half of all doubt. Other units and origins change nothing.
    fn prediction(&self, number: f32) -> Prediction {
        let place = self.place(number);
        let first = place as u32;
        let second = match place.fract() < 0.5 {
            true => first.saturating_sub(1),
            false => (first + 1).min(BINS as u32 - 1),
        };
        let at = self.known.partition_point(|&y| y < number);
        let apart = |at: Option<usize>| {
            at.and_then(|at| self.known.get(at)).map_or(f32::INFINITY, |y| (number - y).abs())
        };
        let nearest = apart(Some(at)).min(apart(at.checked_sub(1)));
        let margin = match nearest.is_finite() {
            true => nearest / (nearest + 0.5 * self.spread),
            false => 1.0,
        };
        Prediction { first, second, margin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::target::word_of;
    use crate::data::{Matrix, RowId};
    use crate::query::Signals;
    use proptest::prelude::*;

    fn beliefs(kind: TargetKind, labels: &[u32], classes: usize, signals: &Signals) -> Beliefs {
        let candidates = signals.probabilities.as_ref().map_or(0, Matrix::rows);
        let candidates = candidates.max(signals.predictions.as_ref().map_or(0, Vec::len));
        let inputs = Matrix::zeros(labels.len() + candidates, 1);
        let labelled: Vec<RowId> = (0..labels.len() as u32).map(RowId).collect();
        let others: Vec<RowId> = (labels.len() as u32..inputs.rows() as u32).map(RowId).collect();
        let view = PoolView::of_kind(kind, inputs.view(), &labelled, labels, &others, classes, signals);
        Beliefs::of(&view).unwrap()
    }

    fn of_numbers(known: &[f32], predicted: &[f32]) -> Beliefs {
        let words: Vec<u32> = known.iter().map(|&y| word_of(y)).collect();
        let signals = Signals { predictions: Some(predicted.to_vec()), ..Signals::default() };
        beliefs(TargetKind::Real, &words, 0, &signals)
    }

    /// Known are 0, 0, 10 and 10, of standard deviation 5: a fifth of the range is 2. The predictions 2.5 and 9.5 are 2.5 and .5
    /// away, in the parts 1 and 4, the first in its lower half; -20 and 40 are in the first and the last part.
    #[test]
    fn numbers_worked_example() {
        let found = of_numbers(&[0.0, 10.0, 0.0, 10.0], &[2.5, 9.5, -20.0, 40.0]);
        let parts: Vec<(u32, u32)> = found.predictions.iter().map(|one| (one.first, one.second)).collect();
        assert_eq!(parts, [(1, 0), (4, 4), (0, 0), (4, 4)]);
        let doubts: Vec<f32> = found.predictions.iter().map(|one| one.margin).collect();
        assert_eq!(doubts, [0.5, 0.5 / 3.0, 20.0 / 22.5, 30.0 / 32.5]);
        assert_eq!((found.labels, found.classes), (vec![0, 4, 0, 4], BINS));
    }

    #[test]
    fn without_two_different_numbers_there_is_one_part() {
        for known in [&[][..], &[3.0], &[3.0, 3.0]] {
            let found = of_numbers(known, &[3.0, 5.0]);
            assert!(found.predictions.iter().all(|one| (one.first, one.second) == (0, 0)));
            let expected = if known.is_empty() { [1.0, 1.0] } else { [0.0, 0.8] };
            assert_eq!([found.predictions[0].margin, found.predictions[1].margin], expected);
        }
    }

    /// Two labels, or pixels, of which one is in doubt and the other is not: half of all doubt.
    #[test]
    fn doubt_of_parts_is_their_mean() {
        let probabilities = Some(Matrix::new(vec![0.5, 1.0, 0.0, 0.0, 0.25, 0.75], 3, 2));
        let signals = Signals { probabilities, ..Signals::default() };
        for kind in [TargetKind::MultiLabel, TargetKind::Mask] {
            let found = beliefs(kind, &[1, 3], 2, &signals);
            let doubts: Vec<f32> = found.predictions.iter().map(|one| one.margin).collect();
            assert_eq!(doubts, [0.5, 0.0, 0.5]);
            // Whatever the nearest row has, its class is the one that is predicted: no set and no row of a mask disagrees.
            assert!([0, 1, 3, 7].iter().all(|&word| found.class_of(word) == found.predictions[0].first));
            assert_eq!((found.labels, found.classes), (vec![0, 0], 2));
        }
    }

    proptest! {
        /// Numbers in other units, which predictions follow, are described alike. Factors that are powers of two are exact.
        #[test]
        fn the_unit_of_the_numbers_does_not_matter(
            raw in prop::collection::vec(-40i32..40, 12),
            power in -3i32..4,
        ) {
            let numbers: Vec<f32> = raw.iter().map(|&y| y as f32 / 8.0).collect();
            let scaled: Vec<f32> = numbers.iter().map(|y| y * 2f32.powi(power)).collect();
            let of = |all: &[f32]| {
                let found = of_numbers(&all[..6], &all[6..]).predictions;
                found.iter().map(|one| (one.first, one.second, one.margin)).collect::<Vec<_>>()
            };
            prop_assert_eq!(of(&numbers), of(&scaled));
        }
    }
}
