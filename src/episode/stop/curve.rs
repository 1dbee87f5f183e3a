//! What further labels are worth: an inverse power law through a learning curve.
//!
//! The error after `n` labels is taken for `floor + scale * n^-rate` (C. Cortes, L. Jackel, S. Solla, V. Vapnik and
//! J. Denker, *Learning curves: asymptotic values and rate of convergence*, NIPS 1993), none of them negative.

use serde::Serialize;

/// The rates that are tried, from the first to the last in equal steps.
const RATES: (f64, f64, usize) = (0.05, 2.0, 118);

/// A point of a learning curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Labels that were trained on.
    pub labels: usize,
    /// The share of right predictions.
    pub accuracy: f64,
    /// Predictions that were judged: how much the point weighs.
    pub judged: usize,
}

/// A fitted curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PowerLaw {
    /// The error that no number of labels takes away.
    pub floor: f64,
    pub scale: f64,
    pub rate: f64,
}

impl PowerLaw {
    /// The curve of least weighted squares through these points; `None` with fewer than three numbers of labels.
    pub fn fit(points: &[Point]) -> Option<Self> {
        let mut labels: Vec<usize> = points.iter().map(|point| point.labels).collect();
        labels.sort_unstable();
        labels.dedup();
        if labels.len() < 3 || labels[0] == 0 {
            return None;
        }
        let (first, last, steps) = RATES;
        let rates = (0..steps).map(|step| first + (last - first) * step as f64 / (steps - 1) as f64);
        let tried = rates.map(|rate| Self::at_rate(points, rate));
        tried.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(law, _)| law)
    }

    /// The best curve of this rate, and its weighted squared error.
    fn at_rate(points: &[Point], rate: f64) -> (Self, f64) {
        // Weighted means of x = n^-rate, of the error y, and of their products.
        let (mut w, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for point in points {
            let weight = point.judged.max(1) as f64;
            let (at, error) = ((point.labels as f64).powf(-rate), 1.0 - point.accuracy);
            w += weight;
            x += weight * at;
            y += weight * error;
            xx += weight * at * at;
            xy += weight * at * error;
        }
        let spread = xx - x * x / w;
        let slope = if spread > 0.0 { ((xy - x * y / w) / spread).max(0.0) } else { 0.0 };
        let level = (y - slope * x) / w;
        // Below zero there is no error: the best curve then ends there.
        let (floor, scale) = if level < 0.0 { (0.0, (xy / xx).max(0.0)) } else { (level, slope) };
        let law = Self { floor, scale, rate };
        let loss = |point: &Point| {
            point.judged.max(1) as f64 * (law.accuracy(point.labels as f64) - point.accuracy).powi(2)
        };
        (law, points.iter().map(loss).sum())
    }

    /// The accuracy that is expected after so many labels.
    pub fn accuracy(&self, labels: f64) -> f64 {
        (1.0 - self.floor - self.scale * labels.max(1.0).powf(-self.rate)).clamp(0.0, 1.0)
    }

    /// What `more` labels are expected to add to the accuracy after `labels`; never negative.
    pub fn gain(&self, labels: usize, more: usize) -> f64 {
        self.accuracy((labels + more) as f64) - self.accuracy(labels as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(law: PowerLaw, labels: &[usize]) -> Vec<Point> {
        labels.iter().map(|&n| Point { labels: n, accuracy: law.accuracy(n as f64), judged: 100 }).collect()
    }

    #[test]
    fn a_curve_is_found_again_by_its_points() {
        let law = PowerLaw { floor: 0.1, scale: 1.2, rate: 0.05 + 1.95 * 27.0 / 117.0 };
        let found = PowerLaw::fit(&points(law, &[10, 20, 40, 80, 160])).unwrap();
        assert!((found.floor - law.floor).abs() < 1e-9 && (found.rate - law.rate).abs() < 1e-9, "{found:?}");
        assert!((found.accuracy(1000.0) - law.accuracy(1000.0)).abs() < 1e-9);
        assert!((found.gain(160, 50) - (law.accuracy(210.0) - law.accuracy(160.0))).abs() < 1e-9);
    }

    #[test]
    fn what_falls_is_flat_and_what_is_perfect_gains_nothing() {
        let falling: Vec<Point> = [(10, 0.9), (20, 0.8), (40, 0.7)]
            .map(|(labels, accuracy)| Point { labels, accuracy, judged: 10 })
            .into();
        let law = PowerLaw::fit(&falling).unwrap();
        assert!((law.gain(40, 100)).abs() < 1e-12 && (law.accuracy(40.0) - 0.8).abs() < 1e-12, "{law:?}");
        let perfect = [10, 20, 40].map(|labels| Point { labels, accuracy: 1.0, judged: 10 });
        assert_eq!(PowerLaw::fit(&perfect).unwrap().gain(40, 50), 0.0);
        assert_eq!(PowerLaw::fit(&perfect[..2]), None);
    }

    #[test]
    fn no_error_is_negative() {
        let steep = [(10, 0.2), (20, 0.6), (40, 0.99)].map(|(labels, accuracy)| Point {
            labels,
            accuracy,
            judged: 9,
        });
        let law = PowerLaw::fit(&steep).unwrap();
        assert!(law.floor >= 0.0 && law.accuracy(1e6) <= 1.0, "{law:?}");
    }
}
