//! Settings of what is registered by name: a table each, such as those of searches, which `[search]` and `[search_comparison]` both
//! have.

use crate::agent::algorithm::ITERATIONS;
use crate::agent::{AlgorithmEntry, LearningAlgorithm};
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::keys::{Ask, number, table, whole};
use crate::experiment::raw::Section;
use crate::registry::{Named, Registered, Settings, Value, Values};
use crate::search::{AnyMethod, MethodEntry};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::sync::Arc;

/// What everything that is registered is set to, each by a table of its name.
#[derive(Clone, Debug)]
pub struct Tables<E>(Vec<(E, Settings)>);

/// Tables are equal that say the same of the same names.
impl<E: Registered> PartialEq for Tables<E> {
    fn eq(&self, other: &Self) -> bool {
        let said = |all: &Self| -> Vec<_> {
            all.0.iter().map(|(entry, settings)| (entry.name(), settings.clone())).collect()
        };
        said(self) == said(other)
    }
}

/// The settings of one, a key each.
struct Keys<'a>(&'a Settings);

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

impl<E: Registered> Serialize for Tables<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let said = |(entry, settings): &&(E, Settings)| {
            let usual = Settings::defaults(entry.settings());
            !entry.settings().is_empty() && (E::SAID || *settings != usual)
        };
        let mut map = serializer.serialize_map(None)?;
        for (entry, settings) in self.0.iter().filter(said) {
            map.serialize_entry(entry.name(), &Keys(settings))?;
        }
        map.end()
    }
}

impl<E: Registered> Tables<E> {
    /// Asks for the tables of all that have settings.
    pub(in crate::experiment) fn keys(
        section: &mut Section,
        registry: &Named<E>,
    ) -> Result<Self, ExperimentError> {
        let mut one = |entry: &E| -> Result<_, ExperimentError> {
            let settings = match entry.settings() {
                [] => Settings::defaults(&[]),
                _ => table(|inner| read(entry, inner)).ask(section, entry.name(), entry.about())?,
            };
            Ok((*entry, settings))
        };
        Ok(Self(registry.entries().iter().map(&mut one).collect::<Result<_, _>>()?))
    }

    /// All, with what they are set to.
    pub fn iter(&self) -> impl Iterator<Item = &(E, Settings)> {
        self.0.iter()
    }

    /// What is called `name`, with what it is set to.
    ///
    /// # Panics
    /// If nothing is; plans name only what is known.
    pub fn get(&self, name: &str) -> &(E, Settings) {
        self.iter().find(|(entry, _)| entry.name() == name).expect("plans name what is known")
    }
}

/// The keys of the table of `entry`.
fn read<E: Registered>(entry: &E, section: &mut Section) -> Result<Settings, ExperimentError> {
    Settings::read(entry.settings(), |setting| match setting.values {
        Values::Whole { least, most, default } => {
            whole(least..=most).or(default).ask(section, setting.name, setting.about).map(Value::Whole)
        }
        Values::Number { least, most, default } => {
            number(least..=most).or(default).ask(section, setting.name, setting.about).map(Value::Number)
        }
    })
}

/// What searches are set to.
pub type MethodSettings = Tables<MethodEntry>;

impl MethodSettings {
    /// A search with its settings.
    pub fn method(&self, name: &str) -> Arc<dyn AnyMethod> {
        let (entry, settings) = self.get(name);
        (entry.make)(settings)
    }

    /// The parts into which the search called `method` cuts a training; refused where the space has fewer `points`.
    /// `section` is that of the settings.
    pub(in crate::experiment) fn parts(
        &self,
        method: &str,
        points: usize,
        place: &Place,
        section: &str,
    ) -> Result<u32, ExperimentError> {
        let parts = self.any_parts(method);
        parts.filter(|&parts| parts == 1 || parts as usize <= points).ok_or_else(|| {
            let found = parts.map_or(format!("more than {}", u32::MAX), |parts| parts.to_string());
            ExperimentError::Conflict {
                place: place.clone(),
                key: format!("{section}.{method}"),
                why: format!("begins with {found} candidates, but the space has {points}"),
                hint: "have it begin with fewer, or make the space larger".into(),
            }
        })
    }

    /// The parts into which the search called `method` cuts a training, whatever the space; none beyond 32 bits.
    pub fn any_parts(&self, method: &str) -> Option<u32> {
        crate::search::Method::<crate::arch::ArchSpace>::parts(&*self.method(method))
    }
}

/// What learning algorithms are set to.
pub type AlgorithmSettings = Tables<AlgorithmEntry>;

impl AlgorithmSettings {
    /// The algorithms that learn: those with iterations.
    pub fn learning(&self) -> impl Iterator<Item = (&'static str, Arc<dyn LearningAlgorithm>)> + '_ {
        let on = |(_, settings): &&(AlgorithmEntry, Settings)| settings.whole::<u64>(ITERATIONS) > 0;
        self.iter().filter(on).map(|(entry, settings)| (entry.name, (entry.make)(settings)))
    }
}
