//! LSA: candidates where the labels of their own class are least dense.

use super::surprise::{self, NEEDS};
use crate::error::Result;
use crate::query::geometry::{Rows, mean};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Score};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "lsa",
        summary: "the least density of the labels of the predicted class (embeddings)",
        paper: "Kim, Feldt & Yoo, ICSE 2019",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time n L d, memory L d",
        example: "lsa",
        deterministic: true,
    },
    make: |_| Built::score(Lsa),
};

/// Likelihood-based surprise adequacy: `-ln` of a Gaussian kernel density of the labelled rows of the predicted class at the
/// candidate, but for a constant. The bandwidth is Scott's, `s m^(-1 / (d + 4))` for the `m` labels of the class, with `s` the
/// root mean variance of a column over all labelled rows: a class of a few labels has no covariance to speak of. A class without labels is
/// one nat less likely than the least likely of all others.
pub struct Lsa;

impl Score for Lsa {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let embeddings = view.embeddings()?;
        let classes = surprise::classes(view, embeddings);
        let variance = variance(view.labelled_rows(embeddings));
        let mut found = surprise::largest(view, embeddings, |class, point| {
            surprise_at(&classes[class].squared(point), embeddings.cols(), variance)
        })?;
        let most = found.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
        found.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = most + 1.0);
        Ok(found)
    }

    fn needs(&self) -> Needs {
        NEEDS
    }
}

/// `-ln (1 / m sum e^(-d^2 / 2 h^2))` of the squared distances to the `m` labels of a class, and `width ln h`; infinite without.
fn surprise_at(squared: &[f32], width: usize, variance: f64) -> f64 {
    let count = squared.len() as f64;
    let bandwidth = variance * count.powf(-2.0 / (width as f64 + 4.0));
    // Sorted, so that the order of the labels does not matter.
    let mut exponents: Vec<f64> =
        squared.iter().map(|&squared| -f64::from(squared) / (2.0 * bandwidth)).collect();
    exponents.sort_unstable_by(f64::total_cmp);
    let Some(&largest) = exponents.last() else { return f64::INFINITY };
    if !largest.is_finite() {
        return f64::INFINITY;
    }
    let sum: f64 = exponents.iter().map(|exponent| (exponent - largest).exp()).sum();
    count.ln() - largest - sum.ln() + 0.5 * width as f64 * bandwidth.ln()
}

/// The mean over columns of their variance; one where there is none, or none that is a number.
fn variance(rows: Rows<'_>) -> f64 {
    let centre = mean(rows);
    let squares = |place: usize| {
        rows.get(place)
            .iter()
            .zip(&centre)
            .map(|(&x, &mean)| (f64::from(x) - f64::from(mean)).powi(2))
            .sum::<f64>()
    };
    let found = (0..rows.len()).map(squares).sum::<f64>() / (rows.len() * rows.width()).max(1) as f64;
    if found > 0.0 && found.is_finite() { found } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};
    use crate::query::Signals;

    /// Two labels of class 0 at 0 and 2: variance 1, bandwidth 2^(-1/5), densities as by hand.
    #[test]
    fn worked_example() {
        let signals = Signals {
            probabilities: Some(Matrix::new([1.0, 0.0, 1.0, 0.0, 0.0, 1.0].to_vec(), 3, 2)),
            embeddings: Some(Matrix::new(vec![0.0, 2.0, 1.0, 5.0, 1.0], 5, 1)),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(5, 1);
        let candidates: Vec<RowId> = (2..5).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[RowId(0), RowId(1)], &[0, 0], &candidates, 2, &signals);
        let found = Lsa.score(&view, Key::root(0)).unwrap();
        let squared = 2f64.powf(-0.4);
        let density = |x: f64| {
            let kernel = |at: f64| (-(x - at).powi(2) / (2.0 * squared)).exp();
            0.5 * (kernel(0.0) + kernel(2.0)) / squared.sqrt()
        };
        for (found, at) in found.iter().zip([1.0, 5.0]) {
            assert!((found + density(at).ln()).abs() < 1e-9, "{found} {}", density(at).ln());
        }
        assert_eq!(found[2], found[1] + 1.0, "no label of its class");
    }

    #[test]
    fn farther_is_more_surprising() {
        let mut last = f64::NEG_INFINITY;
        for step in 0..50 {
            let found = surprise_at(&[step as f32, 3.0 + step as f32], 8, 2.0);
            assert!(found > last);
            last = found;
        }
        assert_eq!(surprise_at(&[], 8, 2.0), f64::INFINITY);
    }
}
