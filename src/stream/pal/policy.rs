//! What was learned, as one file.

use super::PalPlan;
use crate::agent::decisions::{Decider, DeciderKind};
use crate::agent::{AgentError, Frozen, Provenance, frozen};
use crate::durable;
use crate::error::Result;
use crate::stream::error::StreamError;
use std::path::Path;

/// What files are called in messages.
const NAME: &str = "pal";
/// The figure of the file that says how long the streams were.
const ROWS: &str = "rows";
/// The longest streams.
const MAX_ROWS: f64 = 1e9;
/// The largest weight in size: values of larger ones might leave the finite numbers.
const MAX_WEIGHT: f32 = 1e6;

/// What a policy is called in its file, by what it was learned by.
fn name_of(kind: DeciderKind) -> &'static str {
    match kind {
        DeciderKind::Values => NAME,
        DeciderKind::Policy => "pal/policy_gradient",
    }
}

/// A trained decider, with the length of the streams that it was trained on. In its file it is a
/// [`Frozen`] policy called `pal` (by deep Q-learning) or `pal/policy_gradient`.
#[derive(Clone, Debug, PartialEq)]
pub struct PalPolicy {
    decider: Decider,
    rows: u64,
    frozen: Frozen,
}

impl PalPolicy {
    /// A decider that was trained on streams of `plan`. Of `provenance`, its name and the figures of the plan are written
    /// here.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes) for what it would make a file of.
    pub fn new(decider: &Decider, plan: &PalPlan, mut provenance: Provenance) -> Result<Self> {
        provenance.name = name_of(decider.kind()).to_string();
        let own = [(ROWS.to_string(), plan.rows as f64), ("labels".to_string(), plan.labels as f64)];
        provenance.figures.extend(own);
        Self::from_bytes(&decider.freeze(provenance).to_bytes(), NAME)
    }

    /// What decides.
    pub fn decider(&self) -> &Decider {
        &self.decider
    }

    /// Rows of a stream that it was trained on.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.frozen.provenance().name
    }

    /// Weights and provenance as one file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.frozen.to_bytes()
    }

    /// The policy in a file's bytes; `name` is for messages.
    ///
    /// # Errors
    /// As [`Frozen::from_bytes`] for a damaged file, and one of another format or of another network;
    /// [`StreamError::Policy`] for one of another algorithm.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        let wrong = |reason: String| StreamError::Policy { name: name.to_string(), reason };
        let read = |kind: DeciderKind| Frozen::from_bytes(bytes, NAME, Decider::weights(kind));
        // The number of weights tells what it was learned by.
        let (kind, found) = match read(DeciderKind::Values) {
            Err(AgentError::TensorShape { .. }) => (DeciderKind::Policy, read(DeciderKind::Policy)),
            found => (DeciderKind::Values, found),
        };
        let frozen = found.map_err(|error| wrong(error.to_string()))?;
        let (provenance, expected) = (frozen.provenance(), name_of(kind));
        if provenance.name != expected {
            let found = crate::error::shorten(&provenance.name);
            return Err(wrong(format!("a policy called \"{found}\", expected \"{expected}\"")).into());
        }
        let rows = provenance.figures.get(ROWS).copied().unwrap_or(0.0);
        if !(1.0..=MAX_ROWS).contains(&rows) || rows.fract() != 0.0 {
            let reason =
                format!("trained on streams of {rows} rows, expected a whole number from 1 to 1000000000");
            return Err(wrong(reason).into());
        }
        if let Some(at) = frozen.weights().iter().position(|weight| weight.abs() > MAX_WEIGHT) {
            let found = frozen.weights()[at];
            return Err(
                wrong(format!("weight {at} is {found:e}, expected at most {MAX_WEIGHT:e} in size")).into()
            );
        }
        Ok(Self { decider: Decider::thaw(kind, &frozen)?, rows: rows as u64, frozen })
    }

    /// Puts it in a file, whole or not at all.
    ///
    /// # Errors
    /// As [`durable::replace`].
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(durable::replace(path, &self.to_bytes())?)
    }

    /// What [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// For a file that cannot be read, or is larger than any policy; as [`from_bytes`](Self::from_bytes).
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = durable::input::read(path, frozen::MAX_BYTES as u64)?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;

    const PLAN: PalPlan = PalPlan { rows: 60, labels: 10 };

    /// One of each kind that scores options by their state.
    fn decider(kind: DeciderKind) -> Decider {
        match kind {
            DeciderKind::Values => Decider::untrained(kind, Key::root(1)).unwrap(),
            DeciderKind::Policy => Decider::Policy(Decider::start([0.5, 0.2, 0.1], Key::root(1)).unwrap()),
        }
    }

    fn weights() -> Vec<f32> {
        decider(DeciderKind::Values).freeze(Provenance::default()).weights().to_vec()
    }

    fn provenance(rows: f64) -> Provenance {
        let figures = [("rows".to_string(), rows)].into();
        Provenance { name: "pal".into(), figures, ..Provenance::default() }
    }

    #[test]
    fn a_file_comes_back_and_one_of_another_algorithm_does_not() {
        let folder = tempfile::tempdir().unwrap();
        for (kind, name) in [(DeciderKind::Values, "pal"), (DeciderKind::Policy, "pal/policy_gradient")] {
            let policy = PalPolicy::new(&decider(kind), &PLAN, Provenance::default()).unwrap();
            let path = folder.path().join("pal.safetensors");
            policy.save(&path).unwrap();
            let read = PalPolicy::load(&path).unwrap();
            assert_eq!((&read, read.rows(), read.name()), (&policy, 60, name));
            assert_eq!(read.decider(), &decider(kind));
            let bytes = policy.to_bytes();
            for length in 0..bytes.len() {
                assert!(PalPolicy::from_bytes(&bytes[..length], "x").is_err(), "{length}");
            }
            // Deep Q-learning over candidates has a network of the same size, a rule to stop either.
            for other in ["dqn", "stop/policy_gradient"] {
                let provenance = Provenance { name: other.into(), ..Provenance::default() };
                let other_bytes = decider(kind).freeze(provenance).to_bytes();
                let error = PalPolicy::from_bytes(&other_bytes, "other").unwrap_err().to_string();
                assert_eq!(error, format!("other: a policy called \"{other}\", expected \"{name}\""));
            }
        }
        for rows in [0.0, 0.5, 1e12] {
            let bytes = Frozen::new(weights(), provenance(rows)).to_bytes();
            assert!(PalPolicy::from_bytes(&bytes, "x").unwrap_err().to_string().contains("expected a whole"));
        }
        let few = Frozen::new(vec![0.0; 7], provenance(60.0)).to_bytes();
        assert!(PalPolicy::from_bytes(&few, "x").unwrap_err().to_string().contains('7'));
        let bytes = Frozen::new(vec![-3e38; weights().len()], provenance(60.0)).to_bytes();
        let error = PalPolicy::from_bytes(&bytes, "x").unwrap_err().to_string();
        assert_eq!(error, "x: weight 0 is -3e38, expected at most 1e6 in size");
        let none = PalPolicy::load(&folder.path().join("none")).unwrap_err();
        assert!(none.to_string().contains("cannot be opened"), "{none}");
    }
}
