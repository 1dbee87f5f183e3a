//! Streams whose concept changes, made row by row from a key.
//!
//! Rows are standard normal; a row's class is on which side of a hyperplane through the origin it lies, and the
//! hyperplane moves: Hulten, Spencer & Domingos, "Mining time-changing data streams", KDD 2001. Kinds of drift are those
//! of Gama et al., "A survey on concept drift adaptation", ACM Computing Surveys 46(4), 2014.

use crate::rng::Key;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// How the concept of a stream changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Never.
    None,
    /// At once, halfway.
    Sudden,
    /// Rows of the new concept among those of the old one, more and more of them over the middle half.
    Gradual,
    /// The hyperplane turns steadily from the old one into the new.
    Incremental,
    /// Old, new, old and new, a quarter each.
    Recurring,
}

impl Drift {
    /// All kinds.
    pub const ALL: [Drift; 5] =
        [Drift::None, Drift::Sudden, Drift::Gradual, Drift::Incremental, Drift::Recurring];
}

/// A generated stream of two classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftPlan {
    /// Numbers per row.
    pub width: usize,
    /// Rows.
    pub rows: u64,
    /// How the concept changes.
    pub drift: Drift,
    /// Share of labels that are turned round.
    pub noise: f64,
}

impl DriftPlan {
    /// Row number `at` with its class. Rows depend on nothing but the key and their number.
    pub fn row(&self, at: u64, key: Key) -> (Vec<f32>, u32) {
        let mut rng = key.named("row").at(at).rng();
        let inputs: Vec<f32> = (0..self.width).map(|_| StandardNormal.sample(&mut rng)).collect();
        let done = at as f64 / self.rows.max(1) as f64;
        // How much of the new concept there is.
        let new = match self.drift {
            Drift::None => 0.0,
            Drift::Sudden => f64::from(u8::from(done >= 0.5)),
            Drift::Gradual => f64::from(u8::from(rng.random::<f64>() < (2.0 * done - 0.5).clamp(0.0, 1.0))),
            Drift::Incremental => done,
            Drift::Recurring => f64::from(u8::from((4.0 * done) as u64 % 2 == 1)),
        };
        let (old, turned) =
            (direction(self.width, key.named("old")), direction(self.width, key.named("new")));
        let side: f64 = inputs
            .iter()
            .zip(old.iter().zip(&turned))
            .map(|(&x, (old, turned))| f64::from(x) * ((1.0 - new) * old + new * turned))
            .sum();
        let noisy = rng.random::<f64>() < self.noise;
        (inputs, u32::from((side > 0.0) != noisy))
    }
}

/// A random direction, not normalised.
fn direction(width: usize, key: Key) -> Vec<f64> {
    let mut rng = key.rng();
    (0..width).map(|_| StandardNormal.sample(&mut rng)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of rows in `[from, to)` of the stream whose class is the first concept's.
    fn old_share(drift: Drift, from: u64, to: u64) -> f64 {
        let plan = DriftPlan { width: 3, rows: 4_000, drift, noise: 0.0 };
        let stays = DriftPlan { drift: Drift::None, ..plan };
        let same = (from..to).filter(|&at| plan.row(at, Key::root(8)).1 == stays.row(at, Key::root(8)).1);
        same.count() as f64 / (to - from) as f64
    }

    #[test]
    fn concepts_change_when_they_should() {
        for drift in Drift::ALL {
            assert!(old_share(drift, 0, 200) > 0.95, "{drift:?}");
        }
        assert_eq!(old_share(Drift::None, 3_000, 4_000), 1.0);
        assert_eq!(old_share(Drift::Sudden, 1_000, 2_000), 1.0);
        let other = old_share(Drift::Sudden, 2_000, 4_000);
        assert!(other < 0.9, "{other}");
        assert_eq!(old_share(Drift::Recurring, 2_000, 3_000), 1.0);
        assert!(old_share(Drift::Recurring, 3_000, 4_000) < 0.9);
        let halfway = old_share(Drift::Gradual, 1_800, 2_200);
        assert!(other < halfway && halfway < 1.0, "{other} {halfway}");
        assert!(old_share(Drift::Incremental, 3_800, 4_000) < 0.9);
    }

    #[test]
    fn noise_turns_its_share_of_labels_and_rows_depend_on_the_key() {
        let plan = DriftPlan { width: 2, rows: 4_000, drift: Drift::None, noise: 0.2 };
        let clean = DriftPlan { noise: 0.0, ..plan };
        let turned = (0..4_000).filter(|&at| plan.row(at, Key::root(1)).1 != clean.row(at, Key::root(1)).1);
        let share = turned.count() as f64 / 4_000.0;
        assert!((share - 0.2).abs() < 0.03, "{share}");
        assert_eq!(plan.row(17, Key::root(1)), plan.row(17, Key::root(1)));
        assert_ne!(plan.row(17, Key::root(1)), plan.row(17, Key::root(2)));
    }
}
