//! When to stop asking for labels.
//!
//! A rule looks at what successive fits predict of a fixed set of rows, whose labels nobody needs to know, and says that
//! it would stop, and why. Rules are advice beside a learning curve; none ends a labelling by itself. [`curve`] says what
//! further labels are worth.
//!
//! ```
//! use querist::episode::stop::{Look, Stabilising, Stop};
//!
//! let looks = [20, 30, 40, 50].map(|labels| Look { labels, classes: vec![0, 1, 1, 0], uncertainty: 0.2 });
//! let reason = Stabilising::default().decide(&looks).expect("nothing changed in three fits");
//! assert_eq!(reason.rule, "stabilising predictions");
//! assert_eq!(Stabilising::default().decide(&looks[..3]), None);
//! ```

pub mod curve;
mod stabilising;
mod uncertainty;

pub use stabilising::{Stabilising, kappa};
pub use uncertainty::OverallUncertainty;

use serde::Serialize;

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
    /// Why to stop after the last of these looks, which are in the order of their labels and on one set of rows; `None`
    /// to go on.
    fn decide(&self, looks: &[Look]) -> Option<Reason>;
}
