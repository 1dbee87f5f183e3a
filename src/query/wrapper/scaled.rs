//! `scaled(X)`: any strategy over probabilities or passes, calibrated by temperature.

use super::lens::{Lens, through};
use crate::data::{Matrix, MatrixView};
use crate::error::Result;
use crate::query::registry::{Card, Entry, Family};
use crate::query::{Needs, Passes, PoolView, ties};

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "scaled",
        summary: "another strategy over temperature-scaled probabilities: scaled(entropy)",
        paper: "Guo, Pleiss, Sun & Weinberger, ICML 2017",
        family: Family::Wrapper,
        needs: Needs { probabilities: true, temperature: true, ..Needs::NONE },
        cost: "time n C (n C T over passes), memory n C, and the inner strategy's",
        example: "scaled(margin)",
        deterministic: true,
    },
    make: |params| through(Scaled, params.inner()?),
};

/// Probabilities and passes as if their logits had been divided by the temperature.
pub struct Scaled;

impl Lens for Scaled {
    fn needs(&self, inner: Needs) -> Needs {
        Needs { temperature: true, ..inner }
    }

    fn note(&self, view: &PoolView<'_>) -> Result<Option<String>> {
        Ok(Some(format!("temperature {:.3}", view.temperature()?)))
    }

    fn look<R>(
        &self,
        view: &PoolView<'_>,
        inner: Needs,
        then: impl FnOnce(&PoolView<'_>) -> Result<R>,
    ) -> Result<R> {
        let temperature = view.temperature()?;
        let probabilities = match inner.probabilities {
            true => Some(tempered(view.probabilities()?, temperature)),
            false => None,
        };
        let passes = match inner.passes {
            0 => None,
            _ => {
                let members = view.passes()?.iter().map(|member| tempered(member.view(), temperature));
                Some(Passes { members: members.collect() })
            }
        };
        let mut seen = *view;
        if let Some(probabilities) = &probabilities {
            seen = seen.with_probabilities(probabilities);
        }
        if let Some(passes) = &passes {
            seen = seen.with_passes(passes);
        }
        then(&seen)
    }
}

/// `softmax(z / T)` from `p = softmax(z)`: every row to the power `1 / T`, made to sum to one again.
pub fn tempered(p: MatrixView<'_>, temperature: f32) -> Matrix {
    let mut scaled = Matrix::zeros(p.rows(), p.cols());
    let power = 1.0 / f64::from(temperature);
    let mut powers = vec![0.0f64; p.cols()];
    for row in 0..p.rows() {
        // Relative to the largest, so that a low temperature does not bring all of them to zero.
        let largest = f64::from(p.row(row).iter().copied().fold(f32::MIN_POSITIVE, f32::max));
        for (out, &value) in powers.iter_mut().zip(p.row(row)) {
            *out = (f64::from(value) / largest).powf(power);
        }
        let sum = ties::sum(powers.iter().copied());
        for (out, value) in scaled.row_mut(row).iter_mut().zip(&powers) {
            *out = (value / sum) as f32;
        }
    }
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::uncertainty::{entropy, least_confidence, margin};
    use crate::query::wrapper::class_balanced::predicted;

    #[test]
    fn matches_the_softmax_of_scaled_logits() {
        let logits = [2.0f64, 0.5, -1.0];
        let softmax = |t: f64| {
            let e: Vec<f64> = logits.iter().map(|z| (z / t).exp()).collect();
            let sum: f64 = e.iter().sum();
            e.iter().map(|e| (e / sum) as f32).collect::<Vec<f32>>()
        };
        let p = Matrix::new(softmax(1.0), 1, 3);
        for t in [0.05f32, 0.5, 1.0, 1.8205, 20.0] {
            let scaled = tempered(p.view(), t);
            for (found, expected) in scaled.values().iter().zip(softmax(f64::from(t))) {
                assert!((found - expected).abs() < 1e-6, "{t}: {found} {expected}");
            }
        }
        let sure = tempered(Matrix::new(vec![1.0, 0.0], 1, 2).view(), 20.0);
        assert_eq!(sure.values(), [1.0, 0.0]);
    }

    proptest::proptest! {
        /// No temperature changes the predicted class; of two classes, none changes a ranking either.
        #[test]
        fn predictions_stay_and_so_do_rankings_of_two_classes(
            raw in proptest::collection::vec(0.05f32..1.0, 5 * 3), p in 0.02f32..0.98, q in 0.02f32..0.98, t in 0.1f32..10.0,
        ) {
            let mut three = Matrix::new(raw, 5, 3);
            for row in 0..5 {
                let sum: f32 = three.row(row).iter().sum();
                three.row_mut(row).iter_mut().for_each(|value| *value /= sum);
            }
            let scaled = tempered(three.view(), t);
            for row in 0..5 {
                let top = predicted(three.row(row));
                let best = scaled.row(row).iter().copied().fold(0.0, f32::max);
                proptest::prop_assert!(scaled.row(row)[top] > best - 1e-6);
            }
            let two = Matrix::new(vec![p, 1.0 - p, q, 1.0 - q], 2, 2);
            let scaled = tempered(two.view(), t);
            for score in [least_confidence::of, margin::of, entropy::of] {
                let before = score(two.row(0)) - score(two.row(1));
                let after = score(scaled.row(0)) - score(scaled.row(1));
                proptest::prop_assert!(before.abs() < 1e-4 || before * after >= 0.0 || after.abs() < 1e-6);
            }
        }
    }

    /// With three classes, entropy can prefer another row once calibrated.
    #[test]
    fn a_temperature_can_reorder_three_classes() {
        let p = Matrix::new(vec![0.55, 0.449, 0.001, 0.8, 0.1, 0.1], 2, 3);
        let order = |p: &Matrix| entropy::of(p.row(0)) > entropy::of(p.row(1));
        assert!(order(&p));
        assert!(!order(&tempered(p.view(), 4.0)));
    }
}
