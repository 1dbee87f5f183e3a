//! How an experiment file names data sets, and says how their files are to be read.

use crate::data::TargetKind;
use crate::data::columns::{ColumnOptions, Kind};
use crate::data::dataset::MAX_WIDTH;
use crate::data::readers::{Channels, ReadOptions, Separator, stem_of};
use crate::error::shorten;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::keys::{
    Ask, Rule, Shape, boolean, descriptions, entries, list, one_or_many, parsed, section, text, whole,
    whole_table, word,
};
use crate::experiment::raw::{self, Node, Section, Value};
use crate::experiment::tasks::named_kind;
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

section! {
    /// A file, or a data set by name, and how it is to be read: what is left out is found out, and said by
    /// `querist data describe`.
    #[derive(Default, Eq, Hash)]
    pub struct FileRef {
        /// The file, as the shell sees its path; or a data set by its name, to be read in another way.
        file: String = text().optional().absent("must be given").then(Option::unwrap_or_default);
        /// What rows and messages call it. Where two sets of a plan would have one name, each has as much more of its
        /// path as tells them apart.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String> = text().try_map(check_name).optional().absent("the file's name without its endings");
        /// The label's column, by name or position, or the member of an archive. Rows without a label are left out of
        /// simulations.
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<String> = text().optional().absent("`\"label\"`, or what the format has");
        /// What the labels are: classes, with `"regression"` numbers to be predicted, or with `"multi_label"` any of several per
        /// row: `label` then names a column of 0 and 1 for each, with commas between (`"red,round"`, `"tag_*"`). Numbers
        /// are read from tables alone. With `"segmentation"` a row is an image and has a mask: of archives of NumPy, `label` names the member
        /// of the masks, and of a folder, the folder of their pictures.
        #[serde(skip_serializing_if = "is_classification", serialize_with = "by_task")]
        task: TargetKind = word(TargetKind::ALL.map(|kind| (kind.task(), kind))).or(TargetKind::Class)
            .absent("`\"classification\"`");
        /// What stands between the names of labels, where one column lists those of each row (`"red;round"`, and `";"` for none; an empty
        /// field has not been labelled).
        #[serde(skip_serializing_if = "Option::is_none")]
        label_separator: Option<String> = text().optional();
        /// Arrays of NumPy (`.npy`) and sparse matrices of SciPy (`.npz`) with the inputs in place of all columns, one row
        /// per row of `file`, side by side.
        #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "write_one_or_many")]
        features: Vec<String> = one_or_many(text).or(vec![]);
        /// The column with what the rows are called: no feature, but written beside the picks.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String> = text().optional();
        /// The column with `train` or `test` in every row.
        #[serde(skip_serializing_if = "Option::is_none")]
        split: Option<String> = text().optional().absent("`\"split\"`, if there is one");
        /// The columns that are features, by name or pattern (`x*`). Named without a pattern, they are kept whatever they
        /// look like.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        columns: Vec<String> = list(text()).or(vec![]).absent("all");
        /// Columns that are no features, by name or pattern.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ignore: Vec<String> = list(text()).or(vec![]);
        /// What separates the fields of a table: `"comma"`, `"semicolon"`, `"pipe"`, `"tab"`, `"blanks"`, or one character
        /// that is neither letter, digit nor quote.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "by_word")]
        separator: Option<Separator> = parsed(separators()).optional().absent("found out");
        /// Whether the first line of a table holds names.
        #[serde(skip_serializing_if = "Option::is_none")]
        header: Option<bool> = boolean().optional().absent("found out");
        /// The decimal mark of a table of text.
        #[serde(skip_serializing_if = "Option::is_none")]
        decimal: Option<char> = parsed(words(&[".", ","])).map(|Decimal(mark)| mark).optional().absent("found out");
        /// The member of an archive that holds the inputs.
        #[serde(skip_serializing_if = "Option::is_none")]
        inputs: Option<String> = text().optional().absent("the one of a customary name");
        /// Where the channels of images lie.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "by_word")]
        channels: Option<Channels> = parsed(words(&["first", "last"])).optional().absent("found out");
        /// What the indices of a sparse file are counted from.
        #[serde(skip_serializing_if = "Option::is_none")]
        base: Option<u8> = whole(0..=1).optional().absent("found out");
        /// Columns that a sparse file, or a column of text, is hashed to.
        #[serde(skip_serializing_if = "Option::is_none")]
        hash: Option<usize> = whole(1..=MAX_WIDTH).optional().absent("all of a sparse file, 256 of a text");
        /// Columns that a sparse file is brought to by a truncated singular value decomposition.
        #[serde(skip_serializing_if = "Option::is_none")]
        svd: Option<usize> = whole(1..=MAX_WIDTH).optional();
        /// Values that stand for none, as they are written: in all columns (`"-999"`), or in one (`"age=-1"`).
        #[serde(skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String> = list(text()).or(vec![]);
        /// What columns hold, where that is not to be inferred: `{ zip = "category" }`.
        #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "kinds_by_name")]
        types: Vec<(String, Kind)> = entries(word(Kind::NAMED)).optional().absent("inferred")
            .then(Option::unwrap_or_default);
    }
}

/// The longest name of a data set.
const MAX_NAME: usize = 200;

/// What [`Separator`] reads: its words, or one character.
fn separators() -> Shape {
    let words = ["comma", "semicolon", "pipe", "tab", "blanks", "space"].map(str::to_string).to_vec();
    Shape::Name { words, pattern: r"^(.|\\t)$" }
}

fn words(words: &[&str]) -> Shape {
    Shape::Word(words.iter().map(|word| word.to_string()).collect())
}

fn write_one_or_many<S: Serializer>(files: &[String], to: S) -> Result<S::Ok, S::Error> {
    match files {
        [only] => only.serialize(to),
        many => many.serialize(to),
    }
}

fn by_word<S: Serializer>(choice: &Option<impl std::fmt::Display>, to: S) -> Result<S::Ok, S::Error> {
    choice.as_ref().map(ToString::to_string).serialize(to)
}

pub(super) fn is_classification(kind: &TargetKind) -> bool {
    *kind == TargetKind::Class
}

pub(super) fn by_task<S: Serializer>(kind: &TargetKind, to: S) -> Result<S::Ok, S::Error> {
    kind.task().serialize(to)
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

    /// What its targets are.
    pub fn kind(&self) -> TargetKind {
        match self {
            DataRef::Named(name) => named_kind(name),
            DataRef::File(it) => it.task,
        }
    }

    /// How it is to be read.
    pub fn options(&self) -> ReadOptions {
        let DataRef::File(it) = self else { return ReadOptions::default() };
        ReadOptions {
            name: Some(self.name().to_string()),
            columns: ColumnOptions {
                label: it.label.clone(),
                task: it.task,
                label_separator: it.label_separator.clone(),
                split: it.split.clone(),
                id: it.id.clone(),
                domains: None,
                columns: it.columns.clone(),
                ignore: it.ignore.clone(),
                types: it.types.clone(),
                missing: it.missing.clone(),
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

    /// A list of data sets, none of which stands twice.
    pub(in crate::experiment) fn rule(vocabulary: &Vocabulary) -> Rule<'_, Vec<Self>> {
        let words = vocabulary.datasets.iter().map(|name| name.to_string()).collect();
        let named = Shape::Name { words, pattern: "" };
        let shape = Shape::Either(vec![named, Shape::Table(descriptions(FileRef::keys))]);
        let item = Rule::new(shape, move |node: Node, name| {
            let place = node.place.clone();
            Ok((Self::read(node, name, vocabulary)?, place))
        });
        list(item.defined("data set")).try_map(|list, _, name| {
            raw::refuse_twice(&name, list.iter().map(|(one, place)| (one, place)), |one| one.name())?;
            Ok(list.into_iter().map(|(one, _)| one).collect())
        })
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
    fn read(section: Section) -> Result<Self, ExperimentError> {
        let (given, place, key) = (section.has("file"), section.place().clone(), section.name("file"));
        let read = whole_table(section, Self::keys)?;
        if given {
            return Ok(read);
        }
        let why = "a data set is a name or a table with `file` and `label`".to_string();
        Err(ExperimentError::Missing { place, key, why })
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

/// Names stand in tables, in lines of text and in the report: one line each, and not too long.
fn check_name(name: String, place: Place, key: String) -> Result<String, ExperimentError> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > MAX_NAME || name.chars().any(char::is_control) {
        let why =
            format!("has {length} characters, expected 1 to {MAX_NAME} that can be printed on one line");
        let hint = "leave it out to have the file's name".to_string();
        return Err(ExperimentError::Conflict { place, key, why, hint });
    }
    Ok(name)
}
