//! [`StreamPolicy`]: a learned policy by the name of its file or folder, as what decides on a stream.

use super::StreamRule;
use super::pal::PalPolicy;
use super::rules;
use crate::agent::{Policy, shipped};
use crate::episode::features::SCHEMA;
use crate::error::Result;
use std::path::Path;
use std::sync::Arc;

/// A learned policy that decides on a stream.
#[derive(Clone, Debug)]
pub enum StreamPolicy {
    /// One that was trained to choose from pools: `universal`, or the folder of one.
    Pool(Arc<Policy>),
    /// One that was trained on streams: the file of one.
    Pal(Arc<PalPolicy>),
}

impl StreamPolicy {
    /// The policy of a file, of a folder, or of that name that comes with the program.
    ///
    /// # Errors
    /// As [`PalPolicy::load`] for a file, and as [`shipped::open`] for all else.
    pub fn open(name: &str) -> Result<Self> {
        let path = Path::new(name);
        let shipped = shipped::SHIPPED.iter().any(|one| one.name == name);
        match !shipped && path.exists() && !path.is_dir() {
            true => Ok(Self::Pal(Arc::new(PalPolicy::load(path)?))),
            false => Ok(Self::Pool(Arc::new(shipped::open(name, &SCHEMA)?))),
        }
    }

    /// What it is called by who trained it.
    pub fn name(&self) -> &str {
        match self {
            Self::Pool(policy) => &policy.card().policy.name,
            Self::Pal(policy) => policy.name(),
        }
    }

    /// A digest of its weights and of what is said about them.
    pub fn digest(&self) -> String {
        match self {
            Self::Pool(policy) => crate::durable::digest::of(policy.card_text().as_bytes()),
            Self::Pal(policy) => crate::durable::digest::of(&policy.to_bytes()),
        }
    }

    /// The rule that decides by it, with a `budget` in `(0, 1]`.
    ///
    /// # Errors
    /// As [`rules::build`] for the budget.
    pub fn rule(&self, budget: f64) -> Result<Box<dyn StreamRule>> {
        rules::check_budget(budget)?;
        Ok(match self {
            Self::Pool(policy) => Box::new(rules::Reservoir::new(Arc::clone(policy), budget)),
            Self::Pal(policy) => Box::new(rules::Pal::new(Arc::clone(policy), budget)),
        })
    }
}
