//! What a plan reads besides itself, by name and digest: what the manifest holds of it.

use super::plan::Plan;
use super::sections::{DataRef, Transfer};
use crate::agent::policy::{CARD_FILE, WEIGHTS_FILE};
use crate::agent::{Frozen, Policy, Provenance, shipped};
use crate::data::Dataset;
use crate::episode::features::SCHEMA;
use crate::error::Result;
use crate::run::{Decisions, Digests, RunError, digest};
use std::path::Path;

/// The name of a file of the policy called `policy`.
fn name(policy: &str, file: &str) -> String {
    format!("policy {policy}/{file}")
}

/// The digests of the card and the weights of the policy called `policy`. The card decides, too, what is
/// asked for: it holds the guard.
pub fn of_policy(name_of: &str, policy: &Policy) -> Digests {
    let card = digest::of(policy.card_text().as_bytes());
    Digests::from([
        (name(name_of, CARD_FILE), card),
        (name(name_of, WEIGHTS_FILE), policy.card().weights_sha256.clone()),
    ])
}

/// The name and the digest of the file that the learning algorithm called `algorithm` left in a `folder` of policies; none
/// where there is no such file.
///
/// # Errors
/// [`RunError::Read`] if it cannot be read.
pub fn of_own_file(folder: &str, algorithm: &str) -> Result<Option<(String, String)>, RunError> {
    let file = Frozen::file(algorithm);
    let path = Path::new(folder).join(&file);
    if !path.is_file() {
        return Ok(None);
    }
    let digest = digest::of_file(&path).map_err(|source| RunError::Read { path, source })?;
    Ok(Some((name(folder, &file), digest)))
}

/// The digests of the policies that a transfer is handed.
///
/// # Errors
/// A policy that cannot be read or is refused.
pub fn of_policies(plan: &Plan, transfer: &Transfer) -> Result<Digests> {
    let mut digests = Digests::new();
    let Some(folder) = &transfer.policy else { return Ok(digests) };
    if plan.train().is_none() {
        let policy = shipped::open(folder, &SCHEMA)?;
        if transfer.architectures.iter().any(|choice| choice.needs_head()) {
            policy.head()?;
        }
        digests.extend(of_policy(folder, &policy));
    }
    for algorithm in plan.algorithms().names() {
        digests.extend(of_own_file(folder, algorithm)?);
    }
    Ok(digests)
}

/// What the cards say of the policies that a transfer is handed: the folder's own, and those with a file of their own
/// that it plays.
///
/// # Errors
/// A policy that cannot be read or is refused.
pub fn provenances(plan: &Plan, transfer: &Transfer) -> Result<Vec<Provenance>> {
    let Some(folder) = transfer.policy.as_ref().filter(|_| plan.train().is_none()) else {
        return Ok(Vec::new());
    };
    let mut all = vec![shipped::open(folder, &SCHEMA)?.card().policy.clone()];
    for entry in plan.algorithms().entries() {
        let played = transfer.strategies.iter().any(|own| own == entry.name);
        if played && Path::new(folder).join(Frozen::file(entry.name)).is_file() {
            let policy = Frozen::load(Path::new(folder), entry.name, entry.usual().weights())?;
            all.push(policy.provenance().clone());
        }
    }
    Ok(all)
}

/// What a plan reads besides itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The digests of data sets, arrays of features and policies, by name.
    pub digests: Digests,
    /// What the files of data sets leave open, and how it was taken, by the data set's name.
    pub decisions: Decisions,
    /// What to look into in the data, a line each.
    pub warnings: Vec<String>,
}

impl From<Digests> for Inputs {
    fn from(digests: Digests) -> Self {
        Self { digests, ..Self::default() }
    }
}

impl Inputs {
    /// Adds a data set. Two of one name and different content stand side by side.
    ///
    /// # Errors
    /// [`RunError::Read`] if an array of features cannot be read.
    pub fn add(&mut self, reference: &DataRef, dataset: &Dataset) -> Result<(), RunError> {
        let name = self.name(dataset);
        for path in reference.options().features {
            let digest =
                digest::of_file(&path).map_err(|source| RunError::Read { path: path.clone(), source })?;
            self.digests.insert(format!("features {}", path.display()), digest);
        }
        let preparation = dataset.preparation();
        if self.digests.insert(name.clone(), dataset.digest().to_string()).is_none() {
            self.warnings.extend(preparation.warnings.iter().map(|warning| format!("{name}: {warning}")));
        }
        if !preparation.decisions.is_empty() {
            self.decisions.insert(name, preparation.decisions.clone());
        }
        Ok(())
    }

    /// The first name of the data set that no other content has.
    fn name(&self, dataset: &Dataset) -> String {
        let digest = dataset.digest();
        let numbered = (2..).map(|nth| format!("{} ({nth})", dataset.name()));
        let mut names = std::iter::once(dataset.name().to_string()).chain(numbered);
        let free = names.find(|name| self.digests.get(name).is_none_or(|other| other == digest));
        free.expect("numbers do not end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::embedded;

    /// The second of two sets of one name once took the place of the first.
    #[test]
    fn data_sets_of_one_name_stand_side_by_side() {
        let (iris, wine) = (embedded::load("iris").unwrap(), embedded::load("wine").unwrap().renamed("iris"));
        let mut inputs = Inputs::default();
        for dataset in [&iris, &wine, &iris, &wine] {
            inputs.add(&DataRef::Named("iris".into()), dataset).unwrap();
        }
        let expected = [("iris", iris.digest()), ("iris (2)", wine.digest())];
        assert_eq!(
            inputs.digests,
            expected.map(|(name, digest)| (name.to_string(), digest.to_string())).into()
        );
    }
}
