//! Things by name, of this crate and of others, with settings that an experiment file can say.
//!
//! [`Named`] is a registry of them; what is in it says its name and its [`Setting`]s ([`Registered`]). Searches over
//! architectures, learning algorithms and readers of data sets are registered so; strategies, which are built of
//! specifications, have a registry of their own ([`query::registry`](crate::query::registry)).
//!
//! ```
//! use querist::search::Methods;
//!
//! let searches = Methods::builtin();
//! assert!(searches.names().any(|name| name == "annealing"));
//! let error = querist::Error::from(searches.find("aneal").unwrap_err());
//! assert_eq!(error.hint().as_deref(), Some("did you mean `annealing`?"));
//! ```

use crate::error::{Fault, nearest, shorten};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Something that is known by its name.
pub trait Registered: Copy {
    /// What it is, for messages: `"architecture search"`.
    const WHAT: &'static str;
    /// Whether a resolved plan says the settings of those that are as they would be anyway.
    const SAID: bool;

    /// The name: a key of experiment files.
    fn name(&self) -> &'static str;

    /// What it does, in Markdown.
    fn about(&self) -> &'static str;

    /// Its settings, for a table of its name.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }
}

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing has this name.
    #[error("{what} `{}` is unknown", shorten(name))]
    Unknown {
        what: &'static str,
        name: String,
        #[help]
        hint: Option<String>,
    },
    /// Something is registered under the name of another.
    #[error("{what} `{name}` is registered already")]
    #[diagnostic(help("give it another name"))]
    Taken { what: &'static str, name: String },
    /// Something is registered under a name which cannot be a key.
    #[error("`{}` cannot be the name of: {what}", shorten(name))]
    #[diagnostic(help("use lowercase letters, digits and `_`, as in `my_own`"))]
    Name { what: &'static str, name: String },
}

impl Fault for NameError {}

/// A setting, as an experiment file has it in the table of what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// What it means, in one line of Markdown.
    pub about: &'static str,
    /// What it may be, and is unless it is said.
    pub values: Values,
}

/// What a setting may be, and is unless it is said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    Whole { least: u64, most: u64, default: u64 },
    Number { least: f64, most: f64, default: f64 },
}

impl Setting {
    /// A whole number.
    pub const fn whole(
        name: &'static str,
        [least, most]: [u64; 2],
        default: u64,
        about: &'static str,
    ) -> Self {
        Self { name, about, values: Values::Whole { least, most, default } }
    }

    /// A number.
    pub const fn number(
        name: &'static str,
        [least, most]: [f64; 2],
        default: f64,
        about: &'static str,
    ) -> Self {
        Self { name, about, values: Values::Number { least, most, default } }
    }

    fn default(&self) -> Value {
        match self.values {
            Values::Whole { default, .. } => Value::Whole(default),
            Values::Number { default, .. } => Value::Number(default),
        }
    }
}

/// What a setting is set to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Whole(u64),
    Number(f64),
}

/// What settings are set to, in the order in which they are declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings(Vec<(&'static str, Value)>);

impl Settings {
    /// As they are unless something is said.
    pub fn defaults(settings: &'static [Setting]) -> Self {
        Self(settings.iter().map(|setting| (setting.name, setting.default())).collect())
    }

    /// Each as `of` says.
    ///
    /// # Errors
    /// Those of `of`.
    pub fn read<E>(
        settings: &'static [Setting],
        mut of: impl FnMut(&'static Setting) -> Result<Value, E>,
    ) -> Result<Self, E> {
        let read = settings.iter().map(|setting| Ok((setting.name, of(setting)?)));
        Ok(Self(read.collect::<Result<_, E>>()?))
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.0.iter().copied()
    }

    fn get(&self, name: &str) -> Value {
        let found = self.0.iter().find(|(own, _)| *own == name);
        found.unwrap_or_else(|| panic!("no setting `{name}` is declared")).1
    }

    /// A whole number.
    ///
    /// # Panics
    /// If no such setting is declared, or a number that `T` cannot hold.
    pub fn whole<T: TryFrom<u64>>(&self, name: &str) -> T {
        let whole = match self.get(name) {
            Value::Whole(whole) => T::try_from(whole).ok(),
            Value::Number(_) => None,
        };
        whole.unwrap_or_else(|| panic!("the setting `{name}` is declared as another kind of number"))
    }

    /// A number.
    ///
    /// # Panics
    /// If no such setting is declared.
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Whole(whole) => whole as f64,
            Value::Number(number) => number,
        }
    }
}

/// Things by name. Cheap to clone.
#[derive(Clone)]
pub struct Named<E> {
    entries: Arc<Vec<E>>,
}

impl<E> Default for Named<E> {
    fn default() -> Self {
        Self { entries: Arc::default() }
    }
}

impl<E: Registered> fmt::Debug for Named<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Registries are equal that know the same names, in the same order.
impl<E: Registered> PartialEq for Named<E> {
    fn eq(&self, other: &Self) -> bool {
        self.names().eq(other.names())
    }
}

impl<E: Registered> Named<E> {
    /// Nothing at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The same and one more.
    ///
    /// # Errors
    /// [`NameError::Taken`] if there is one of that name; [`NameError::Name`] for a name that cannot be a key.
    pub fn with(mut self, entry: E) -> Result<Self, NameError> {
        let (what, name) = (E::WHAT, entry.name());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
            return Err(NameError::Name { what, name: name.to_string() });
        }
        if self.names().any(|known| known == name) {
            return Err(NameError::Taken { what, name: name.to_string() });
        }
        Arc::make_mut(&mut self.entries).push(entry);
        Ok(self)
    }

    /// All, in the order in which they were registered.
    pub fn entries(&self) -> &[E] {
        &self.entries
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + '_ {
        self.entries.iter().map(Registered::name)
    }

    /// The one called `name`.
    ///
    /// # Errors
    /// [`NameError::Unknown`] with the nearest known name.
    pub fn find(&self, name: &str) -> Result<&E, NameError> {
        self.entries.iter().find(|entry| entry.name() == name).ok_or_else(|| NameError::Unknown {
            what: E::WHAT,
            name: name.to_string(),
            hint: nearest(name, self.names()).map(|known| format!("did you mean `{known}`?")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Thing(&'static str);

    impl Registered for Thing {
        const WHAT: &'static str = "thing";
        const SAID: bool = true;

        fn name(&self) -> &'static str {
            self.0
        }

        fn about(&self) -> &'static str {
            "A thing."
        }

        fn settings(&self) -> &'static [Setting] {
            const {
                &[
                    Setting::whole("count", [1, 9], 4, "How many."),
                    Setting::number("rate", [0.0, 1.0], 0.5, "How fast."),
                ]
            }
        }
    }

    #[test]
    fn names_are_plain_and_differ() {
        let what = "thing";
        let with = |name| Named::empty().with(Thing("one"))?.with(Thing(name));
        assert_eq!(with("mine_2").unwrap().names().collect::<Vec<_>>(), ["one", "mine_2"]);
        assert_eq!(with("one").unwrap_err(), NameError::Taken { what, name: "one".into() });
        for name in ["", "Mine", "a b", "a-b", "2a", "a.b"] {
            assert_eq!(with(name).unwrap_err(), NameError::Name { what, name: name.into() });
        }
    }

    #[test]
    fn settings_are_read_in_their_order_and_have_defaults() {
        let settings = Thing("one").settings();
        let usual = Settings::defaults(settings);
        assert_eq!((usual.whole::<usize>("count"), usual.number("rate")), (4, 0.5));
        let read = Settings::read(settings, |setting| match setting.values {
            Values::Whole { most, .. } => Ok(Value::Whole(most)),
            Values::Number { least, .. } => Ok::<_, NameError>(Value::Number(least)),
        });
        let read = read.unwrap();
        assert_eq!(
            read.iter().collect::<Vec<_>>(),
            [("count", Value::Whole(9)), ("rate", Value::Number(0.0))]
        );
        assert_eq!(
            serde_json::to_string(&read.iter().collect::<Vec<_>>()).unwrap(),
            r#"[["count",9],["rate",0.0]]"#
        );
    }
}
