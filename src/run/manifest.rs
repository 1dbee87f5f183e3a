//! The manifest: what a run's results depend on.

use super::digest;
use super::error::RunError;
use super::usage;
use crate::data::table::Decision;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The format's version.
pub const VERSION: u64 = 1;

/// All that a run's results depend on. Two runs of equal manifests give equal rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format's version.
    pub format: u64,
    /// The release that ran.
    pub version: String,
    /// The digest of the program or library that ran.
    pub binary: String,
    /// The digest of the resolved plan.
    pub plan: String,
    /// The run's seed, which the plan holds too.
    pub seed: u64,
    /// The digests of the data sets and policies that were read, by name.
    pub data: BTreeMap<String, String>,
    /// What the files of data sets leave open, and how it was taken, by the data set's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decisions: Decisions,
}

/// How the files of data sets were taken, by the data set's name.
pub type Decisions = BTreeMap<String, Vec<Decision>>;

impl Manifest {
    /// The manifest of a run of this binary.
    pub fn new(plan: &str, seed: u64, data: BTreeMap<String, String>) -> Result<Self> {
        let unreadable = |source| RunError::Read { path: "the running binary".into(), source };
        let binary = usage::own_file().and_then(|path| digest::of_file(&path)).map_err(unreadable)?;
        let version = env!("CARGO_PKG_VERSION").to_string();
        Ok(Self {
            format: VERSION,
            version,
            binary,
            plan: digest::of(plan.as_bytes()),
            seed,
            data,
            decisions: Decisions::new(),
        })
    }

    /// The same, with how the files of its data sets were taken. It follows from the plan and the data, which runs are
    /// told apart by, and is kept for whoever reads the manifest.
    pub fn with_decisions(self, decisions: Decisions) -> Self {
        Self { decisions, ..self }
    }

    /// The run's name in its journal.
    pub fn digest(&self) -> String {
        digest::of(&self.to_json())
    }

    /// The only text of this manifest.
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("strings and numbers serialise");
        text.push(b'\n');
        text
    }

    /// Reads a manifest; `path` is for the messages.
    ///
    /// That it is the one the journal belongs to, and so undamaged, the caller sees by its digest.
    pub fn from_json(bytes: &[u8], path: &Path) -> Result<Self, RunError> {
        let damaged = |reason: String| RunError::Damaged { path: path.to_path_buf(), offset: 0, reason };
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(VERSION) => {}
            Some(found) if found > VERSION => {
                return Err(RunError::Newer { path: path.to_path_buf(), found, known: VERSION });
            }
            _ => return Err(damaged("no known format version".into())),
        }
        let manifest = Self::deserialize(value).map_err(|error| damaged(error.to_string()))?;
        if manifest.to_json() != bytes {
            return Err(damaged("not the text that is written for this content".into()));
        }
        Ok(manifest)
    }

    /// The first difference that forbids to continue a run of `self` with `now`: what it is, and both
    /// values.
    pub fn difference(&self, now: &Self) -> Option<(String, String, String)> {
        let fields = [
            ("the seed", self.seed.to_string(), now.seed.to_string()),
            ("the plan digest", self.plan.clone(), now.plan.clone()),
            ("the release", self.version.clone(), now.version.clone()),
            ("the binary digest", self.binary.clone(), now.binary.clone()),
        ];
        let names = self.data.keys().chain(now.data.keys());
        let data = names.map(|name| {
            let of = |manifest: &Self| manifest.data.get(name).cloned().unwrap_or("(none)".into());
            (format!("for `{name}` the digest"), of(self), of(now))
        });
        let mut all = fields.into_iter().map(|(what, a, b)| (what.to_string(), a, b)).chain(data);
        all.find(|(_, stored, found)| stored != found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            format: VERSION,
            version: "0.1.0".into(),
            binary: digest::of(b"binary"),
            plan: digest::of(b"plan"),
            seed: 7,
            data: BTreeMap::from([("iris".into(), digest::of(b"iris"))]),
            decisions: BTreeMap::from([(
                "iris".into(),
                vec![Decision {
                    what: "header".into(),
                    choice: "the first line".into(),
                    reason: "it holds no numbers".into(),
                    flag: Some("--header false".into()),
                }],
            )]),
        }
    }

    #[test]
    fn reads_back_and_names_the_first_difference() {
        let one = sample();
        assert_eq!(Manifest::from_json(&one.to_json(), Path::new("m")).unwrap(), one);
        assert_eq!(one.difference(&one), None);
        let mut two = one.clone();
        two.data.insert("iris".into(), "other".into());
        let (what, stored, found) = one.difference(&two).unwrap();
        assert_eq!((what.as_str(), found.as_str()), ("for `iris` the digest", "other"));
        assert_eq!(stored, digest::of(b"iris"));
        two.seed = 8;
        assert_eq!(one.difference(&two).unwrap(), ("the seed".into(), "7".into(), "8".into()));
    }

    /// Fault case 48: a flipped bit is refused at once or changes the digest that the journal names.
    #[test]
    fn every_flipped_bit_is_refused_or_changes_the_digest() {
        let good = sample();
        let bytes = good.to_json();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                if let Ok(read) = Manifest::from_json(&flipped, Path::new("m")) {
                    assert_ne!(read.digest(), good.digest(), "byte {at}, bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_newer_version_is_refused_by_number() {
        let mut newer = sample();
        newer.format = 9;
        let error = Manifest::from_json(&newer.to_json(), Path::new("m")).unwrap_err();
        assert!(matches!(error, RunError::Newer { found: 9, known: VERSION, .. }));
    }
}
