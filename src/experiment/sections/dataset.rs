//! How an experiment file names data sets, and says how their files are to be read.

use crate::data::columns::{ColumnOptions, Kind};
use crate::data::dataset::MAX_WIDTH;
use crate::data::readers::{Channels, ReadOptions, Separator, stem_of};
use crate::error::shorten;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::raw::{self, Node, Section, Value};
use crate::experiment::vocabulary::Vocabulary;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::path::Path;
use std::str::FromStr;

/// A data set: the name of an embedded or generated one or of one in the data folder, or a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum DataRef {
    /// `"iris"`
    Named(String),
    /// `{ file = "my.csv", label = "y", ignore = ["case_*"] }`
    File(Box<FileRef>),
}

/// A file, or a data set by name, and how it is to be read: what is left out is found out, and said by
/// `querist data describe`. Paths as the shell sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct FileRef {
    pub file: String,
    /// What rows and messages call it. Default the file's name without its endings, and where two sets of
    /// a plan would have one name, as much more of their paths as tells them apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The label's column, by name or position, or the member of an archive. Default `label`, or what the format has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// NumPy files with the inputs, one row per row of `file`, side by side.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "one_or_many")]
    pub features: Vec<String>,
    /// The column with what the rows are called: no feature, but written beside the picks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The column with `train` or `test`. Default `split`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The columns that are features, by name or pattern. Default all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Columns that are no features, by name or pattern.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// What separates the fields of a table: a character, `"tab"` or `"blanks"`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "by_word")]
    pub separator: Option<Separator>,
    /// Whether the first line of a table holds names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The decimal mark of a table of text: `"."` or `","`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// The member of an archive that holds the inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// `"first"` or `"last"`: where the channels of images lie.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "by_word")]
    pub channels: Option<Channels>,
    /// What the indices of a sparse file are counted from, 0 or 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<u8>,
    /// Columns that a sparse file, or a column of text, is hashed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<usize>,
    /// Columns that a sparse file is brought to by a truncated singular value decomposition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svd: Option<usize>,
    /// What columns hold, where that is not to be inferred: `{ zip = "category" }`; number, category, date or text.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "kinds_by_name")]
    pub types: Vec<(String, Kind)>,
}

/// The longest name of a data set.
const MAX_NAME: usize = 200;
fn one_or_many<S: Serializer>(files: &[String], to: S) -> Result<S::Ok, S::Error> {
    match files {
        [only] => only.serialize(to),
        many => many.serialize(to),
    }
}

fn by_word<S: Serializer>(choice: &Option<impl std::fmt::Display>, to: S) -> Result<S::Ok, S::Error> {
    choice.as_ref().map(ToString::to_string).serialize(to)
}

fn kinds_by_name<S: Serializer>(types: &[(String, Kind)], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(types.len()))?;
    types.iter().try_for_each(|(column, kind)| map.serialize_entry(column, kind.name()))?;
    map.end()
}

impl DataRef {
    /// The name that rows and messages use: the set's own or the one that was given, else the file's without
    /// the endings of its format.
    pub fn name(&self) -> &str {
        match self {
            DataRef::Named(name) => name,
            DataRef::File(it) => it.name.as_deref().unwrap_or_else(|| {
                stem_of(Path::new(&it.file).file_name().and_then(|name| name.to_str()).unwrap_or(&it.file))
            }),
        }
    }

    /// How it is to be read.
    pub fn options(&self) -> ReadOptions {
        let DataRef::File(it) = self else { return ReadOptions::default() };
        ReadOptions {
            name: Some(self.name().to_string()),
            columns: ColumnOptions {
                label: it.label.clone(),
                split: it.split.clone(),
                id: it.id.clone(),
                columns: it.columns.clone(),
                ignore: it.ignore.clone(),
                types: it.types.clone(),
            },
            features: it.features.iter().map(Into::into).collect(),
            labels: None,
            shape: None,
            separator: it.separator,
            header: it.header,
            decimal: it.decimal,
            inputs: it.inputs.clone(),
            channels: it.channels,
            base: it.base,
            hash: it.hash,
            svd: it.svd,
        }
    }

    /// Takes a list of data sets.
    pub(in crate::experiment) fn list(
        section: &mut Section,
        key: &'static str,
        vocabulary: &Vocabulary,
    ) -> Result<Option<Vec<Self>>, ExperimentError> {
        let name = section.name(key);
        let read = |node: Node, name| {
            let place = node.place.clone();
            Ok((Self::read(node, name, vocabulary)?, place))
        };
        let Some(list) = section.list(key, read)? else { return Ok(None) };
        raw::refuse_twice(&name, list.iter().map(|(one, place)| (one, place)), |one| one.name())?;
        Ok(Some(list.into_iter().map(|(one, _)| one).collect()))
    }

    fn read(node: Node, name: String, vocabulary: &Vocabulary) -> Result<Self, ExperimentError> {
        if let Value::Table(_) = node.value {
            return Ok(DataRef::File(Box::new(FileRef::read(raw::section_of(node, name)?)?)));
        }
        let (found, place) = raw::text_of(node, name.clone())?;
        if vocabulary.dataset_names().any(|known| known == found) {
            return Ok(DataRef::Named(found));
        }
        Err(raw::unknown_word(place, name, found, vocabulary.dataset_names()))
    }
}

impl FileRef {
    fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let place = section.place().clone();
        let s = &mut section;
        let text = |text: Option<(String, Place)>| text.map(|(text, _)| text);
        let item = |node, name| raw::text_of(node, name).map(|(text, _)| text);
        let file = text(s.text("file")?);
        let name = s.text("name")?.map(|(name, place)| check_name(name, place)).transpose()?;
        let words = |s: &mut Section, key| s.list(key, item).map(Option::unwrap_or_default);
        let width = 1..=MAX_WIDTH as u64;
        let read = Self {
            file: String::new(),
            name,
            label: text(s.text("label")?),
            features: s.one_or_many("features", item)?,
            id: text(s.text("id")?),
            split: text(s.text("split")?),
            columns: words(s, "columns")?,
            ignore: words(s, "ignore")?,
            separator: parsed(s, "separator")?,
            decimal: parsed(s, "decimal")?.map(|Decimal(mark)| mark),
            header: s.optional_boolean("header")?,
            inputs: text(s.text("inputs")?),
            channels: parsed(s, "channels")?,
            base: s.optional_integer("base", 0..=1)?.map(|base| base as u8),
            hash: s.optional_integer("hash", width.clone())?.map(|width| width as usize),
            svd: s.optional_integer("svd", width)?.map(|width| width as usize),
            types: s.entries("types", |node, name| raw::word_of(node, name, &Kind::NAMED))?,
        };
        let key = s.name("file");
        section.finish()?;
        let why = "a data set is a name or a table with `file` and `label`".to_string();
        let file = file.ok_or(ExperimentError::Missing { place, key, why })?;
        Ok(Self { file, ..read })
    }
}

/// A decimal mark.
#[derive(Clone, Copy, Debug)]
pub struct Decimal(pub char);

impl FromStr for Decimal {
    type Err = String;

    /// `.` or `,`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "." => Ok(Self('.')),
            "," => Ok(Self(',')),
            other => Err(format!("decimals stand behind `.` or `,`, not {:?}", shorten(other))),
        }
    }
}

/// Takes what a string says, if it is there.
fn parsed<T: FromStr<Err = String>>(
    section: &mut Section,
    key: &'static str,
) -> Result<Option<T>, ExperimentError> {
    let Some((text, place)) = section.text(key)? else { return Ok(None) };
    let key = section.name(key);
    match text.parse() {
        Ok(value) => Ok(Some(value)),
        Err(reason) => Err(ExperimentError::Refused { place, key, reason, hint: None }),
    }
}

/// Names stand in tables, in lines of text and in the report: one line each, and not too long.
fn check_name(name: String, place: Place) -> Result<String, ExperimentError> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > MAX_NAME || name.chars().any(char::is_control) {
        let why =
            format!("has {length} characters, expected 1 to {MAX_NAME} that can be printed on one line");
        let hint = "leave it out to have the file's name".to_string();
        return Err(ExperimentError::Conflict { place, key: "name".into(), why, hint });
    }
    Ok(name)
}
