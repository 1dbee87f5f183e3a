//! The published rules and learned policies, one per file, and how a rule is built from a line of text (a policy: by
//! [`StreamPolicy`](super::StreamPolicy)).
//!
//! All see the confidence of the present classifier (its largest probability), `density` also the row itself, and pace
//! themselves by a budget, the share of rows that may be kept. `window` is how many rows the estimate of what was spent looks
//! back; `exact=false` leaves it as published, which keeps up to one row in a window more than the budget.
//! `tests/golden/streams.py` compares them with scikit-activeml, decision by decision.

mod density;
mod fixed_uncertainty;
mod neural_cal;
mod pal;
pub(crate) mod params;
mod periodic;
mod random;
mod random_variable_uncertainty;
mod reservoir;
mod split;
mod variable_uncertainty;

pub use density::Density;
pub use fixed_uncertainty::FixedUncertainty;
pub use neural_cal::NeuralCalRule;
pub use pal::Pal;
pub use periodic::Periodic;
pub use random::Random;
pub use random_variable_uncertainty::RandomVariableUncertainty;
pub use reservoir::Reservoir;
pub use split::Split;
pub use variable_uncertainty::VariableUncertainty;

pub use super::sliding_pool::RESERVOIR;

use super::error::StreamError;
use super::{StreamRule, budget};
use crate::error::Result;
use params::Params;

/// What is said about a rule.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name that specifications have it by.
    pub name: &'static str,
    /// What it keeps, in one line.
    pub summary: &'static str,
    /// The paper.
    pub paper: &'static str,
    make: fn(&mut Params<'_>, f64) -> Result<Box<dyn StreamRule>>,
}

/// All rules.
pub const ENTRIES: [Entry; 8] = [
    random::ENTRY,
    periodic::ENTRY,
    fixed_uncertainty::ENTRY,
    variable_uncertainty::ENTRY,
    random_variable_uncertainty::ENTRY,
    split::ENTRY,
    density::ENTRY,
    neural_cal::ENTRY,
];

/// Rows over which the moving estimate of what was spent looks back, unless it is said.
const WINDOW: f64 = 100.0;

/// The rule that `spec` names, as in `split` or `variable_uncertainty(step=0.02)`, with a `budget` in `(0, 1]`.
///
/// # Errors
/// [`StreamError::UnknownRule`], [`StreamError::Setting`] for the budget, and what is wrong with a parameter.
pub fn build(spec: &str, budget: f64) -> Result<Box<dyn StreamRule>> {
    check_budget(budget)?;
    let unknown = |name, hint| StreamError::UnknownRule { name, hint }.into();
    params::build(spec, ENTRIES.iter().map(|entry| (entry.name, entry)), unknown, |entry, params| {
        (entry.make)(params, budget)
    })
}

/// Refuses a budget that is no share.
pub(super) fn check_budget(budget: f64) -> Result<(), StreamError> {
    match budget > 0.0 && budget <= 1.0 {
        true => Ok(()),
        false => {
            let expected = "a share of the rows above 0 and at most 1";
            Err(StreamError::Setting { setting: "budget", found: budget.to_string(), expected })
        }
    }
}

/// The moving estimate that a rule's parameters ask for.
fn moving(params: &mut Params<'_>, budget: f64) -> Result<budget::Moving> {
    Ok(budget::Moving::new(budget, params.real("window", WINDOW, 1.0, 1e9)?, exact(params)?))
}

/// Whether a rule's parameters leave the budget as published, or hold it exactly.
fn exact(params: &mut Params<'_>) -> Result<bool> {
    params.flag("exact", true)
}

#[cfg(test)]
mod tests;
