//! A pool to be labelled in earnest: all rows, whether they have labels or not, and what people are shown of them.

use super::folders;
use super::format::Format;
use super::masks::by_stem;
use super::pictures::Content;
use super::source::Source;
use super::{ReadError, ReadOptions};
use super::{open, stem};
use crate::data::TargetKind;
use crate::data::columns::{self, ColumnOptions, Examples, Preparation, several};
use crate::data::dataset::Shape;
use crate::data::gaps::Gaps;
use crate::data::table::Decision;
use crate::error::Result;
use std::path::{Path, PathBuf};

/// What is to be labelled.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Inputs, and labels where there are any already.
    pub examples: Examples,
    /// What people look at to label a row.
    pub shown: Shown,
}

/// What people are shown of the rows of a pool.
#[derive(Clone, Debug)]
pub enum Shown {
    /// The columns of a table but that of the labels, by name, a text per row.
    Columns(Vec<(String, Vec<String>)>),
    /// Files of pictures.
    Pictures(Vec<PathBuf>),
    /// Nothing but the inputs.
    Inputs,
}

/// Reads all rows at `path`: a table with or without a column of labels, arrays, or a folder of pictures that nobody has
/// sorted into classes, of which the names are kept. Under `features` pictures are not decoded, and may be of
/// several sizes.
///
/// # Errors
/// [`ReadError`](super::ReadError) with the place of the fault, or [`DataError`](crate::data::DataError) where a limit is exceeded.
pub fn read_pool(path: &Path, options: &ReadOptions) -> Result<Pool> {
    let name = options.name.clone().unwrap_or_else(|| stem(path));
    let files = if path.is_dir() { folders::unsorted(path) } else { Vec::new() };
    if !files.is_empty() {
        return pictures(path, name, files, options);
    }
    let options = &with_lists(path, options)?;
    match open(path, &without_labels(path, options)?, false)? {
        Content::Table(table) => {
            let all = table.columns.clone();
            let examples = columns::pool(table, &ReadOptions { name: Some(name), ..options.clone() })?;
            let mut shown = columns::columns_as_text(&all);
            shown.retain(|(column, _)| !examples.label_columns.contains(column));
            Ok(Pool { examples, shown: Shown::Columns(shown) })
        }
        Content::Examples(examples) => {
            Ok(Pool { examples: examples.into_rows(&name, options)?, shown: Shown::Inputs })
        }
    }
}

/// The format of a file, where that is known.
fn format_of(path: &Path) -> Result<Option<Format>> {
    Ok(if path.is_file() { Format::of(path, Source::open(path)?.peek()?).ok() } else { None })
}

/// The options with the separator of labels where it parts what a column lists. Elsewhere it stands between the labels of answers
/// alone, and is nothing to read by.
fn with_lists(path: &Path, options: &ReadOptions) -> Result<ReadOptions> {
    let columns = &options.columns;
    let lists =
        !columns.label.as_deref().is_some_and(several) && format_of(path)?.is_none_or(Format::has_columns);
    let label_separator = columns.label_separator.clone().filter(|_| lists);
    Ok(ReadOptions { columns: ColumnOptions { label_separator, ..columns.clone() }, ..options.clone() })
}

/// The options for what cannot hold labels: there, what is collected is nothing to read.
fn without_labels(path: &Path, options: &ReadOptions) -> Result<ReadOptions> {
    let array = format_of(path)? == Some(Format::Npy);
    Ok(if array { options.of_inputs() } else { options.clone() })
}

fn pictures(path: &Path, name: String, files: Vec<PathBuf>, options: &ReadOptions) -> Result<Pool> {
    let file = path.display().to_string();
    let masks = options.columns.task == TargetKind::Mask;
    let options = &options.of_inputs();
    options.check(&file, None)?;
    options.expect_pictures(&file)?;
    options.expect_no_label(&file)?;
    if masks && !options.features.is_empty() {
        return Err(ReadError::Option {
            file,
            problem: "features take the place of pictures, and their masks are collected".to_string(),
            hint: "leave out --features".to_string(),
        }
        .into());
    }
    let called = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (ids, files): (Vec<String>, Vec<PathBuf>) = match masks {
        // Masks are called as their images are, whatever the endings.
        true => by_stem(files)?.into_iter().unzip(),
        false => files.into_iter().map(|path| (called(&path), path)).unzip(),
    };
    let mut decisions = vec![Decision {
        what: "labels".to_string(),
        choice: "none".to_string(),
        reason: "pictures lie in the folder itself, not in a folder for each class".to_string(),
        flag: None,
    }];
    let (shape, inputs) = if options.features.is_empty() {
        folders::decode_files(&file, &files, &mut decisions)?
    } else {
        let (inputs, said) = columns::beside(&file, files.len(), options)?;
        decisions.extend(said);
        (Shape::Vector(inputs.cols()), inputs)
    };
    let examples = Examples {
        file,
        name,
        shape,
        inputs,
        gaps: Gaps::default(),
        labels: None,
        classes: Vec::new(),
        numbers: None,
        sets: None,
        masks: None,
        split: None,
        ids: Some(ids),
        domains: None,
        label_columns: Vec::new(),
        preparation: Preparation { decisions, ..Preparation::default() },
    };
    Ok(Pool { examples, shown: Shown::Pictures(files) })
}
