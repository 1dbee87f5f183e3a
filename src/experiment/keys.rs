//! Keys of experiment files, each declared once: its name, type, default, range and meaning.
//!
//! A section is a `section!` of such lines, from which its struct and its reader are made. The reader asks a
//! [`Section`] for every key in turn; asked of a section that only describes ([`Section::describing`]), it says what
//! it would read instead, and that is where the reference page and the schema come from
//! ([`reference`](super::reference)). What keys may not say together is ordinary code beside the section.

use super::error::{ExperimentError, Place};
use super::raw::{self, Node, Section, Value};
use serde::Serialize;
use serde_json::Value as Json;
use std::ops::RangeInclusive;
use std::str::FromStr;

type Result<T> = std::result::Result<T, ExperimentError>;

/// What the value of a key may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Integer {
        low: u64,
        high: u64,
    },
    Number {
        low: f64,
        high: f64,
    },
    Boolean,
    Text,
    /// One of these words.
    Word(Vec<String>),
    /// One of these words, or other text: any where `pattern` is empty, else what the regular expression finds.
    Name {
        words: Vec<String>,
        pattern: &'static str,
    },
    List {
        item: Box<Shape>,
        least: usize,
        most: Option<usize>,
    },
    Table(Vec<Described>),
    /// A table whose keys are the user's own, each with a value of this shape.
    Entries(Box<Shape>),
    Either(Vec<Shape>),
    /// A shape that several keys have, described once under a name.
    Defined(&'static str, Box<Shape>),
}

/// What stands for a key that is not given.
#[derive(Clone, Debug, PartialEq)]
pub enum Absent {
    /// This value.
    Value(Json),
    /// What these words say: it depends on other keys.
    Words(&'static str),
    /// Nothing.
    Nothing,
}

/// Everything that is known of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    pub key: &'static str,
    /// What it means, in Markdown, on one line.
    pub about: String,
    pub shape: Shape,
    pub absent: Absent,
    /// Where alone the key may stand; empty if it may always stand.
    pub only: &'static str,
}

/// Something that is asked of a section: a key, a table, or several keys that make one value.
pub trait Ask: Sized {
    type Value;

    /// Reads it; of a section that describes, says what would be read, and gives the default.
    ///
    /// # Errors
    /// [`ExperimentError`] with the place of a value that is refused.
    fn ask(self, section: &mut Section, key: &'static str, about: &str) -> Result<Self::Value>;

    /// The same, refused unless `holds`; `only` says so in words.
    fn when(self, holds: bool, only: &'static str) -> When<Self> {
        When { inner: self, holds, only }
    }

    /// What it gives, changed.
    fn then<U, F: FnOnce(Self::Value) -> U>(self, change: F) -> Then<Self, F> {
        Then { inner: self, change }
    }
}

/// How a value is read, and what it may be.
pub struct Rule<'a, T> {
    shape: Shape,
    read: Box<dyn Fn(Node, String) -> Result<T> + 'a>,
}

impl<'a, T: 'a> Rule<'a, T> {
    /// A value of this shape. `read` is given its full name, too.
    pub fn new(shape: Shape, read: impl Fn(Node, String) -> Result<T> + 'a) -> Self {
        Self { shape, read: Box::new(read) }
    }

    /// The value, changed.
    pub fn map<U>(self, change: impl Fn(T) -> U + 'a) -> Rule<'a, U> {
        let read = self.read;
        Rule { shape: self.shape, read: Box::new(move |node, name| read(node, name).map(&change)) }
    }

    /// The value, changed or refused; `change` is given its place and full name.
    pub fn try_map<U>(self, change: impl Fn(T, Place, String) -> Result<U> + 'a) -> Rule<'a, U> {
        let read = self.read;
        let read = move |node: Node, name: String| {
            let place = node.place.clone();
            change(read(node, name.clone())?, place, name)
        };
        Rule { shape: self.shape, read: Box::new(read) }
    }

    /// Says of the shape what holds whatever other keys are, where they narrow it.
    pub fn at_widest(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// Says of the shape that a list has so many items; the reader has to see to it.
    pub fn items(mut self, range: RangeInclusive<usize>) -> Self {
        if let Shape::List { least, most, .. } = &mut self.shape {
            *least = *range.start();
            *most = (*range.end() < usize::MAX).then_some(*range.end());
        }
        self
    }

    /// The shape under a name, since several keys have it.
    pub fn defined(self, name: &'static str) -> Self {
        Self { shape: Shape::Defined(name, Box::new(self.shape)), ..self }
    }

    /// A key that has this value where it is not given.
    pub fn or(self, value: T) -> Key<'a, T>
    where
        T: Serialize,
    {
        let absent = serde_json::to_string(&value).ok().and_then(|text| serde_json::from_str(&text).ok());
        Key { absent: absent.map_or(Absent::Nothing, Absent::Value), value, rule: self }
    }

    /// A key that need not be given.
    pub fn optional(self) -> Key<'a, Option<T>> {
        Key { rule: self.map(Some), value: None, absent: Absent::Nothing }
    }
}

/// A key: a rule, and what stands for it where it is not given.
pub struct Key<'a, T> {
    rule: Rule<'a, T>,
    value: T,
    absent: Absent,
}

impl<T> Key<'_, T> {
    /// What the reference says of its absence, where that depends on other keys.
    pub fn absent(self, words: &'static str) -> Self {
        Self { absent: Absent::Words(words), ..self }
    }
}

impl<T> Ask for Key<'_, T> {
    type Value = T;

    fn ask(self, section: &mut Section, key: &'static str, about: &str) -> Result<T> {
        section.describe(|| Described {
            key,
            about: one_line(about),
            shape: self.rule.shape,
            absent: self.absent,
            only: "",
        });
        let name = section.name(key);
        section.take(key).map_or(Ok(self.value), |node| (self.rule.read)(node, name))
    }
}

/// See [`Ask::when`].
pub struct When<A> {
    inner: A,
    holds: bool,
    only: &'static str,
}

impl<A: Ask> Ask for When<A> {
    type Value = Option<A::Value>;

    fn ask(self, section: &mut Section, key: &'static str, about: &str) -> Result<Self::Value> {
        if !self.holds && !section.describes() {
            section.bar(key, self.only);
            return Ok(None);
        }
        let value = self.inner.ask(section, key, about)?;
        section.restrict(self.only);
        Ok(Some(value))
    }
}

/// See [`Ask::then`].
pub struct Then<A, F> {
    inner: A,
    change: F,
}

impl<A: Ask, U, F: FnOnce(A::Value) -> U> Ask for Then<A, F> {
    type Value = U;

    fn ask(self, section: &mut Section, key: &'static str, about: &str) -> Result<U> {
        self.inner.ask(section, key, about).map(self.change)
    }
}

/// See [`table`].
pub struct Table<F>(F);

/// A table, empty where it is not given.
pub fn table<T, F: FnOnce(&mut Section) -> Result<T>>(keys: F) -> Table<F> {
    Table(keys)
}

impl<F> Table<F> {
    /// The table, if it is there.
    pub fn optional(self) -> OptionalTable<F> {
        OptionalTable(self.0)
    }
}

impl<T, F: FnOnce(&mut Section) -> Result<T>> Ask for Table<F> {
    type Value = T;

    fn ask(self, section: &mut Section, key: &'static str, about: &str) -> Result<T> {
        if section.describes() {
            return described(section, key, about, self.0);
        }
        whole_table(section.section_or_empty(key)?, self.0)
    }
}

/// See [`Table::optional`].
pub struct OptionalTable<F>(F);

impl<T, F: FnOnce(&mut Section) -> Result<T>> Ask for OptionalTable<F> {
    type Value = Option<T>;

    fn ask(self, section: &mut Section, key: &'static str, about: &str) -> Result<Self::Value> {
        if section.describes() {
            return described(section, key, about, self.0).map(Some);
        }
        section.section(key)?.map(|inner| whole_table(inner, self.0)).transpose()
    }
}

/// Reads a table of which nothing may be left.
pub fn whole_table<T>(mut table: Section, keys: impl FnOnce(&mut Section) -> Result<T>) -> Result<T> {
    let value = keys(&mut table)?;
    table.finish()?;
    Ok(value)
}

fn described<T>(
    section: &mut Section,
    key: &'static str,
    about: &str,
    keys: impl FnOnce(&mut Section) -> Result<T>,
) -> Result<T> {
    let mut inner = Section::describing();
    let value = keys(&mut inner)?;
    section.describe(|| Described {
        key,
        about: one_line(about),
        shape: Shape::Table(inner.descriptions()),
        absent: Absent::Nothing,
        only: "",
    });
    Ok(value)
}

/// What a table's keys are.
pub fn descriptions<T>(keys: impl FnOnce(&mut Section) -> Result<T>) -> Vec<Described> {
    let mut section = Section::describing();
    keys(&mut section).expect("a section that describes has no values to refuse");
    section.descriptions()
}

/// See [`inline`].
pub struct Inline<F>(F);

/// Several keys of the section itself that make one value.
pub fn inline<T, F: FnOnce(&mut Section) -> Result<T>>(keys: F) -> Inline<F> {
    Inline(keys)
}

impl<T, F: FnOnce(&mut Section) -> Result<T>> Ask for Inline<F> {
    type Value = T;

    fn ask(self, section: &mut Section, _: &'static str, _: &str) -> Result<T> {
        (self.0)(section)
    }
}

/// A whole number in `range`.
pub fn whole<'a, T>(range: RangeInclusive<T>) -> Rule<'a, T>
where
    T: Copy + TryFrom<u64> + TryInto<u64> + 'a,
{
    let bound = |bound: &T| (*bound).try_into().unwrap_or(u64::MAX);
    let (low, high) = (bound(range.start()), bound(range.end()));
    Rule::new(Shape::Integer { low, high }, move |node, name| {
        let number = raw::integer_of(node, name, low..=high)?;
        // Within the range, whose ends are of the type.
        Ok(T::try_from(number).unwrap_or(*range.end()))
    })
}

/// A number in `range`. NaN is in no range.
pub fn number<'a>(range: RangeInclusive<f64>) -> Rule<'a, f64> {
    let shape = Shape::Number { low: *range.start(), high: *range.end() };
    Rule::new(shape, move |node, name| raw::number_of(node, name, range.clone()))
}

/// `true` or `false`.
pub fn boolean<'a>() -> Rule<'a, bool> {
    Rule::new(Shape::Boolean, raw::boolean_of)
}

/// A string.
pub fn text<'a>() -> Rule<'a, String> {
    Rule::new(Shape::Text, |node, name| raw::text_of(node, name).map(|(text, _)| text))
}

/// One of some words.
pub fn word<'a, T: Copy + 'a>(choices: impl IntoIterator<Item = (&'static str, T)>) -> Rule<'a, T> {
    let choices: Vec<_> = choices.into_iter().collect();
    let shape = Shape::Word(choices.iter().map(|(word, _)| word.to_string()).collect());
    Rule::new(shape, move |node, name| raw::word_of(node, name, &choices))
}

/// One of `words`, or text in which the regular expression `pattern` is found, by a reader of its own.
pub fn name<'a, T: 'a>(
    words: impl IntoIterator<Item = impl Into<String>>,
    pattern: &'static str,
    read: impl Fn(String, Place, String) -> Result<T> + 'a,
) -> Rule<'a, T> {
    let shape = Shape::Name { words: words.into_iter().map(Into::into).collect(), pattern };
    Rule { shape, ..text().try_map(read) }
}

/// A list; messages count its items from 0.
pub fn list<'a, T: 'a>(item: Rule<'a, T>) -> Rule<'a, Vec<T>> {
    let shape = Shape::List { item: Box::new(item.shape), least: 0, most: None };
    let read = item.read;
    Rule::new(shape, move |Node { value, place }, name| match value {
        Value::List(items) => {
            let named = items.into_iter().enumerate();
            named.map(|(i, item)| read(item, format!("{name}[{i}]"))).collect()
        }
        other => Err(raw::wrong_type(place, name, &other, "a list")),
    })
}

/// A list of strings, none of which stands twice.
pub fn different_texts<'a>() -> Rule<'a, Vec<String>> {
    list(text().try_map(|text, place, _| Ok((text, place)))).try_map(|given, _, name| {
        raw::refuse_twice(&name, given.iter().map(|(one, place)| (one.as_str(), place)), |one| one)?;
        Ok(given.into_iter().map(|(text, _)| text).collect())
    })
}

/// A list, or what would be its only item.
pub fn one_or_many<'a, T: 'a>(item: impl Fn() -> Rule<'a, T>) -> Rule<'a, Vec<T>> {
    let (one, many) = (item(), list(item()));
    let shape = Shape::Either(vec![one.shape, many.shape]);
    Rule::new(shape, move |node, name| match node.value {
        Value::List(_) => (many.read)(node, name),
        _ => Ok(vec![(one.read)(node, name)?]),
    })
}

/// A table whose keys are the user's own: its entries, by key.
pub fn entries<'a, T: 'a>(value: Rule<'a, T>) -> Rule<'a, Vec<(String, T)>> {
    let read = value.read;
    Rule::new(Shape::Entries(Box::new(value.shape)), move |Node { value, place }, name| match value {
        Value::Table(table) => {
            let entry = |(key, node)| {
                let value = read(node, format!("{name}.{key}"))?;
                Ok((key, value))
            };
            table.into_iter().map(entry).collect()
        }
        other => Err(raw::wrong_type(place, name, &other, "a table")),
    })
}

/// A string that says a value; `shape` is what it may be.
pub fn parsed<'a, T: FromStr<Err = String> + 'a>(shape: Shape) -> Rule<'a, T> {
    let read = text().try_map(|text, place, key| {
        text.parse().map_err(|reason| ExperimentError::Refused { place, key, reason, hint: None })
    });
    read.at_widest(shape)
}

/// Lines of a doc comment as one.
fn one_line(about: &str) -> String {
    about.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Declares a section: one line per key, from which its struct and its reader are made.
///
/// A key's line is `name: type = rule;` under what it means; it may read the keys above it. `(given: &Type)` behind the
/// section's name is what the reader knows besides; `#[derive(…)]` before it is what the struct derives besides.
macro_rules! section {
    (
        $(#[doc = $section:literal])*
        $(#[derive($($derive:ident),*)])?
        pub struct $name:ident $(($given:ident: $context:ty))? {
            $(
                $(#[doc = $about:literal])*
                $(#[serde($($serde:tt)*)])?
                $field:ident: $type:ty = $key:expr;
            )*
        }
    ) => {
        $(#[doc = $section])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize $($(, $derive)*)?)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[doc = $about])*
                #[doc = concat!("\n`` ", stringify!($key), " ``")]
                $(#[serde($($serde)*)])?
                pub $field: $type,
            )*
        }

        impl $name {
            /// What the section is for.
            pub const ABOUT: &'static str = concat!($($section, "\n"),*);

            /// Asks for every key.
            pub(in crate::experiment) fn keys(
                section: &mut $crate::experiment::raw::Section
                $(, $given: $context)?
            ) -> Result<Self, $crate::experiment::ExperimentError> {
                $(
                    let $field: $type = $crate::experiment::keys::Ask::ask(
                        $key,
                        section,
                        stringify!($field),
                        concat!($($about, "\n"),*),
                    )?;
                )*
                Ok(Self { $($field),* })
            }
        }
    };
}

pub(in crate::experiment) use section;
