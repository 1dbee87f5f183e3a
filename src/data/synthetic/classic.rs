//! ThreeClust and DivergingSin: the two synthetic sets of the cross-domain benchmark of
//! active-learning strategies (Werner, Burchert, Stubbemann and Schmidt-Thieme, NeurIPS 2024).
//!
//! The benchmark shuffles, tests on 20 % and scales to [0, 1]: split with
//! [`SplitPlan`](crate::data::SplitPlan) `{ test: 0.2, scaling: MinMax, .. }` for the same.

use super::draw::{normal, shuffled};
use crate::data::{Dataset, Matrix};
use crate::error::Result;
use crate::rng::Key;

/// Rows of one cluster of [`three_clust`].
pub const CLUSTER_ROWS: usize = 150;

/// Four Gaussian clusters of 150 points in the plane, identity covariance: class 1 at (0, 0) and
/// (4, 3), class 0 at (0, 6) and (4, 3). Half of the rows lie where both classes are mixed: a honeypot
/// for strategies that chase uncertainty.
pub fn three_clust(key: Key) -> Result<Dataset> {
    const CLUSTERS: [(u32, [f32; 2]); 4] =
        [(1, [0.0, 0.0]), (1, [4.0, 3.0]), (0, [0.0, 6.0]), (0, [4.0, 3.0])];
    let mut rng = key.named("three_clust").rng();
    let mut values = Vec::with_capacity(CLUSTERS.len() * CLUSTER_ROWS * 2);
    let mut labels = Vec::with_capacity(CLUSTERS.len() * CLUSTER_ROWS);
    for (class, centre) in CLUSTERS {
        for _ in 0..CLUSTER_ROWS {
            values.extend(centre.map(|at| at + normal(&mut rng)));
            labels.push(class);
        }
    }
    let inputs = Matrix::new(values, labels.len(), 2);
    Ok(shuffled("threeclust", &inputs, &labels, 2, &mut rng)?.generated_as("threeclust"))
}

/// Two diverging sine waves: `x` evenly spaced on [0, 10], 1,000 points a class as in the benchmark's
/// archived runs (its paper says 500), and
/// `y = sin(2x) ± 0.5 x + N(0, 0.3)`, with + for class 1 and − for class 0 (0.3 is the standard
/// deviation).
pub fn diverging_sin(key: Key) -> Result<Dataset> {
    diverging_sin_of(1_000, key)
}

/// [`diverging_sin`] with another number of points per class (the benchmark's code once had 100).
///
/// # Errors
/// [`DataError::NoRows`](crate::data::DataError::NoRows) for zero.
pub fn diverging_sin_of(per_class: usize, key: Key) -> Result<Dataset> {
    let mut rng = key.named("diverging_sin").rng();
    let mut values = Vec::new();
    let mut labels = Vec::new();
    for (class, sign) in [(1u32, 0.5f32), (0, -0.5)] {
        for step in 0..per_class {
            let x = 10.0 * step as f32 / per_class.saturating_sub(1).max(1) as f32;
            values.extend([x, (2.0 * x).sin() + sign * x + 0.3 * normal(&mut rng)]);
            labels.push(class);
        }
    }
    let inputs = Matrix::new(values, labels.len(), 2);
    Ok(shuffled("divergingsin", &inputs, &labels, 2, &mut rng)?.generated_as("divergingsin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_clust_has_its_four_clusters() {
        let set = three_clust(Key::root(1)).unwrap();
        assert_eq!((set.rows(), set.width(), set.classes()), (600, 2, 2));
        assert_eq!(set.labels().iter().filter(|&&label| label == 1).count(), 300);
        // Class 1 splits evenly between (0, 0) and (4, 3): its mean is (2, 1.5); class 0's is (2, 4.5).
        for (class, y) in [(1, 1.5f32), (0, 4.5)] {
            let mean = |column: usize| {
                let rows = (0..600).filter(|&row| set.labels()[row] == class);
                rows.map(|row| set.inputs().row(row)[column]).sum::<f32>() / 300.0
            };
            // Standard error of a mean of 300 with unit variance about fixed centres: 0.058.
            assert!((mean(0) - 2.0).abs() < 0.25, "{}", mean(0));
            assert!((mean(1) - y).abs() < 0.25, "{}", mean(1));
        }
        // Mixed half: as many rows of either class near (4, 3).
        let near = |class: u32| {
            let close = |row: &usize| set.inputs().row(*row)[0] > 2.0 && set.labels()[*row] == class;
            (0..600).filter(close).count() as f64
        };
        assert!((near(0) / near(1) - 1.0).abs() < 0.1, "{} {}", near(0), near(1));
    }

    #[test]
    fn diverging_sin_follows_its_formula() {
        let set = diverging_sin(Key::root(2)).unwrap();
        assert_eq!((set.rows(), set.width(), set.classes()), (2000, 2, 2));
        let mut squares = 0.0;
        for (row, &label) in set.labels().iter().enumerate() {
            let [x, y] = set.inputs().row(row) else { panic!("two columns") };
            assert!((0.0..=10.0).contains(x));
            let sign = if label == 1 { 0.5 } else { -0.5 };
            squares += f64::from(y - (2.0 * x).sin() - sign * x).powi(2);
        }
        let deviation = (squares / 2000.0).sqrt();
        assert!((deviation - 0.3).abs() < 0.03, "{deviation}");
    }

    #[test]
    fn the_key_decides_everything() {
        for make in [three_clust, diverging_sin] {
            let [a, b, c] = [1, 1, 2].map(|seed| make(Key::root(seed)).unwrap());
            assert_eq!(a.digest(), b.digest());
            assert_ne!(a.digest(), c.digest());
        }
    }
}
