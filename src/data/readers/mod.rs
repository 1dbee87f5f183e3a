//! Files made into data sets: one file per format, and [`read`], which chooses.
//!
//! Every reader is bounded: what a header announces is checked against limits and against what is
//! really there before memory is asked for, compressed data may not be a bomb, and a fault is an error
//! with its place. Nothing is skipped or guessed: a missing value, a ragged row or a stray byte is
//! refused. No file is written here, and none but the ones named is opened.

pub mod error;
mod guard;
mod labels;
mod source;
mod table;

pub use error::ReadError;
pub use guard::{MAX_RECORD_BYTES, MAX_RECORD_FIELDS};
pub use source::{FREE_INFLATION, MAX_INFLATION};
pub use table::DEFAULT_SPLIT_COLUMN;

use crate::data::dataset::{Dataset, Shape};
use crate::data::error::DataError;
use crate::error::Result;
use source::Source;
use std::path::{Path, PathBuf};

/// How a file is to be read. Every format takes what concerns it, and refuses what it cannot heed.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadOptions {
    /// What the data set is called; `None` for the file's name without its endings.
    pub name: Option<String>,
    /// The label column of a table.
    pub label: String,
    /// The split column of a table (entries `train`, `test`, or `none` throughout); `None` for a column
    /// called `split`, if there is one.
    pub split: Option<String>,
    /// Columns of a table that are neither features, label nor split.
    pub ignore: Vec<String>,
    /// A `.npy` file of shape `[rows, width]` that takes the place of a table's feature columns.
    pub features: Option<PathBuf>,
    /// The IDX file with the labels; `None` for the images' neighbour of the customary name.
    pub labels: Option<PathBuf>,
    /// The shape of one example; `None` for what the format says, else a vector.
    pub shape: Option<Shape>,
}

impl Default for ReadOptions {
    /// The label column is called `label`.
    fn default() -> Self {
        Self {
            name: None,
            label: "label".to_string(),
            split: None,
            ignore: Vec::new(),
            features: None,
            labels: None,
            shape: None,
        }
    }
}

/// The shape that `options` ask for, if it fits `width`.
fn shape_of(file: &str, width: usize, options: &ReadOptions) -> Result<Shape> {
    match options.shape {
        None => Ok(Shape::Vector(width)),
        Some(shape) if shape.width() == width => Ok(shape),
        Some(shape) => {
            let (name, expected) = (file.to_string(), shape.width());
            Err(DataError::Disagree { name, what: "feature columns", expected, found: width }.into())
        }
    }
}

/// A table that is in memory already, compressed or not.
pub fn read_table_bytes(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Dataset> {
    table::read(name, Source::of_bytes(name, bytes)?, options)
}
