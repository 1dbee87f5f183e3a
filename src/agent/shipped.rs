//! Policies that come with the program, compiled in, so that a name is all one needs.

use super::error::AgentError;
use super::policy::{CARD_FILE, Policy};
use crate::episode::Schema;
use std::path::Path;

/// A policy that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// The name by which it is asked for.
    pub name: &'static str,
    card: &'static str,
    weights: &'static [u8],
}

/// All of them.
pub const SHIPPED: &[Shipped] = &[Shipped {
    name: "universal",
    card: include_str!("../../policies/universal/card.toml"),
    weights: include_bytes!("../../policies/universal/policy.safetensors"),
}];

impl Shipped {
    /// The policy, verified like one from a folder.
    ///
    /// # Errors
    /// As [`Policy::from_parts`].
    pub fn policy(&self, schema: &Schema) -> Result<Policy, AgentError> {
        Policy::from_parts(self.weights, self.card, schema)
    }
}

/// The policy called `name`: the one of that name that comes with the program, unless there is a folder
/// of that path with a policy in it; else that folder.
///
/// # Errors
/// [`AgentError::NoPolicy`] if there is neither; else as [`Policy::load`].
pub fn open(name: &str, schema: &Schema) -> Result<Policy, AgentError> {
    let folder = Path::new(name);
    match SHIPPED.iter().find(|one| one.name == name) {
        Some(shipped) if !folder.join(CARD_FILE).is_file() => shipped.policy(schema),
        None if !folder.exists() => {
            let known = SHIPPED.iter().map(|one| one.name).collect();
            Err(AgentError::NoPolicy { name: name.to_string(), known })
        }
        _ => Policy::load(folder, schema),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::features::SCHEMA;

    #[test]
    fn what_is_shipped_fits_the_features_and_bears_its_name() {
        for shipped in SHIPPED {
            let policy = open(shipped.name, &SCHEMA).unwrap();
            assert_eq!(policy.card().policy.name, shipped.name);
            assert!(policy.card().guard.is_some(), "{} is guarded", shipped.name);
        }
    }

    #[test]
    fn what_is_nowhere_is_refused_with_what_there_is() {
        let error = open("no/such/policy", &SCHEMA).unwrap_err();
        assert!(matches!(error, AgentError::NoPolicy { .. }), "{error}");
        assert!(error.to_string().contains("no/such/policy"));
    }
}
