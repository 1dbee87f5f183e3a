//! When to stop asking for labels.
//!
//! A rule looks at what successive fits predict of a fixed set of rows, whose labels nobody needs to know, and at the accuracy
//! on labels that were held out of a fit, and says that it would stop, and why. Rules are advice beside a learning curve; none
//! ends a labelling by itself. [`curve`] says what further labels are worth.
//!
//! ```
//! use querist::episode::stop::{Look, Seen, Stabilising, Stop};
//!
//! let looks = [20, 30, 40, 50].map(|labels| Look { labels, classes: vec![0, 1, 1, 0], uncertainty: 0.2 });
//! let seen = |looks| Seen { looks, curve: &[], rows: 1_000, step: 10 };
//! let reason = Stabilising::default().decide(&seen(&looks)).expect("nothing changed in three fits");
//! assert_eq!(reason.rule, "stabilising predictions");
//! assert_eq!(Stabilising::default().decide(&seen(&looks[..3])), None);
//! ```

mod cost_benefit;
pub mod curve;
mod flat_curve;
mod stabilising;
mod uncertainty;
mod watch;

pub use cost_benefit::CostBenefit;
pub use flat_curve::FlatCurve;
pub use stabilising::{Stabilising, kappa};
pub use uncertainty::OverallUncertainty;
pub use watch::Watch;

use curve::Point;

use crate::data::{Matrix, argmax};
use crate::rng::Key;
use rand::seq::index;
use serde::Serialize;

/// Rows of the set that is looked at, at most.
pub const STOP_SET: usize = 1_000;

/// The set that is looked at: rows of a pool of so many, drawn at random where there are more than [`STOP_SET`],
/// ascending.
pub fn set(rows: usize, key: Key) -> Vec<u32> {
    let drawn = index::sample(&mut key.rng(), rows, STOP_SET.min(rows));
    let mut set: Vec<u32> = drawn.into_iter().map(|row| row as u32).collect();
    set.sort_unstable();
    set
}

/// What the rules say, as they are by default, of all of this.
pub fn reasons(seen: &Seen<'_>) -> Vec<Reason> {
    let rules: [&dyn Stop; 4] = [
        &Stabilising::default(),
        &OverallUncertainty::default(),
        &FlatCurve::default(),
        &CostBenefit::default(),
    ];
    rules.iter().filter_map(|rule| rule.decide(seen)).collect()
}

/// What rules go by.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What successive fits say of one set of rows, in the order of their labels.
    pub looks: &'a [Look],
    /// The accuracy on labels that were held out, by the number of labels, ascending; empty where there are too few.
    pub curve: &'a [Point],
    /// Rows without a label, which the last fit is to predict.
    pub rows: usize,
    /// Labels that come before anybody looks again.
    pub step: usize,
}

/// What a fit says of the fixed set of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Labels that the fit had.
    pub labels: usize,
    /// The class that is predicted for every row of the set.
    pub classes: Vec<u32>,
    /// The mean over the set of one minus the largest probability.
    pub uncertainty: f64,
}

impl Look {
    /// What class probabilities of the set say, shape `[rows, classes]`; of equal ones the first class counts.
    pub fn of(labels: usize, probabilities: &Matrix) -> Self {
        let rows = || (0..probabilities.rows()).map(|row| probabilities.row(row));
        let classes: Vec<u32> = rows().map(|p| argmax(p) as u32).collect();
        let unsure = rows().zip(&classes).map(|(p, &class)| 1.0 - f64::from(p[class as usize]));
        let uncertainty = unsure.sum::<f64>() / probabilities.rows() as f64;
        Self { labels, classes, uncertainty }
    }
}

/// Why a rule would stop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// The rule's name.
    pub rule: &'static str,
    /// What it saw, in words.
    pub saw: String,
}

/// A rule for when to stop.
pub trait Stop {
    /// Why to stop now; `None` to go on.
    fn decide(&self, seen: &Seen<'_>) -> Option<Reason>;
}
