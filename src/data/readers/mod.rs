//! Files made into data sets: one file per format, and [`read`], which chooses.
//!
//! Every reader is bounded: what a header announces is checked against limits and against what is
//! really there before memory is asked for, compressed data may not be a bomb, and a fault is an error
//! with its place. Nothing is skipped or guessed: a missing value, a ragged row or a stray byte is
//! refused. No file is written here, and none but the ones named is opened.

mod array;
mod choices;
pub mod error;
mod guard;
mod idx;
mod labels;
mod npy;
mod npz;
mod source;
mod sparse;
mod table;
mod zip;

pub use choices::{Channels, Separator};
pub use error::ReadError;
pub use guard::{MAX_RECORD_BYTES, MAX_RECORD_FIELDS};
pub(super) use npy::read_features;
pub use npy::{Array, MAX_HEADER_BYTES, read_array, read_shape};
pub use npz::read_arrays;
pub use source::{FREE_INFLATION, MAX_INFLATION};
pub use sparse::{FREE_VALUES, MAX_LINE_BYTES, VALUES_PER_BYTE};
pub(super) use table::suggest;
pub use table::{Fields, read_records};
pub use zip::{MAX_MEMBERS, MAX_NAME_BYTES};

use crate::data::columns::{self, ColumnOptions, Examples};
use crate::data::dataset::{Dataset, Shape};
use crate::data::error::DataError;
use crate::error::Result;
use source::Source;
use std::path::{Path, PathBuf};

/// How a file is to be read. Every format takes what concerns it, and refuses what it cannot heed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// What the data set is called; `None` for the file's name without its endings.
    pub name: Option<String>,
    /// What the columns of a table are for; of an archive, the member that holds the labels.
    pub columns: ColumnOptions,
    /// `.npy` files of shape `[rows, width]` that, side by side, take the place of a table's feature columns.
    pub features: Vec<PathBuf>,
    /// The IDX file with the labels; `None` for the images' neighbour of the customary name.
    pub labels: Option<PathBuf>,
    /// The shape of one example; `None` for what the format says, else a vector.
    pub shape: Option<Shape>,
    /// What separates the fields of a table; `None` to find out.
    pub separator: Option<Separator>,
    /// Whether the first line of a table holds the names of its columns; `None` to find out.
    pub header: Option<bool>,
    /// The decimal mark of a table of text, `.` or `,`; `None` to find out.
    pub decimal: Option<char>,
    /// The member of an archive that holds the inputs; `None` for those of customary names.
    pub inputs: Option<String>,
    /// Where the channels of images lie; `None` to find out.
    pub channels: Option<Channels>,
    /// What the indices of a sparse file are counted from, 0 or 1; `None` to find out.
    pub base: Option<u8>,
    /// Columns that a sparse file, or a column of text, is hashed to; `None` for all columns of the one, and for
    /// [`TEXT_WIDTH`](crate::data::columns::TEXT_WIDTH) of the other.
    pub hash: Option<usize>,
    /// Columns that a sparse file is brought to by a truncated singular value decomposition.
    pub svd: Option<usize>,
}

/// Reads `path`. NumPy archives, IDX and gzip are known by their first bytes; tables and sparse files by
/// their names (`.csv`, `.libsvm` or `.svm`, each also with `.gz`).
///
/// # Errors
/// [`ReadError`] with the place of the fault, or [`DataError`] where the content breaks a rule of
/// [`Dataset::new`].
pub fn read(path: &Path, options: &ReadOptions) -> Result<Dataset> {
    let mut source = Source::open(path)?;
    let stem = stem(path);
    let name = options.name.as_deref().unwrap_or(&stem);
    let file = source.file.clone();
    let format = Format::of(path, source.peek()?).ok_or(ReadError::UnknownFormat { file: file.clone() })?;
    options.check(&file, format)?;
    match format {
        Format::Table => columns::dataset(table::read(source)?, &options.named(name)),
        Format::Sparse => sparse::read(name, source, options),
        Format::Idx => idx::read(name, path, source, options),
        Format::Npz => npz::read(name, path, options),
        Format::Npy => Err(ReadError::Option {
            file,
            problem: "a single array has no labels".to_string(),
            hint: "save features and labels together with `np.savez(file, X=…, y=…)`, or hand the array in \
                   as the features of a table"
                .to_string(),
        }
        .into()),
    }
}

/// Reads all rows of a table, labelled or not; none where `path` is of another format.
///
/// # Errors
/// As [`read`].
pub fn read_examples(path: &Path, options: &ReadOptions) -> Result<Option<Examples>> {
    let mut source = Source::open(path)?;
    let (file, stem) = (source.file.clone(), stem(path));
    if Format::of(path, source.peek()?) != Some(Format::Table) {
        return Ok(None);
    }
    options.check(&file, Format::Table)?;
    let name = options.name.as_deref().unwrap_or(&stem);
    Ok(Some(columns::pool(table::read(source)?, &options.named(name))?))
}

/// Whether `path` is a table with such a column.
pub(super) fn has_column(path: &Path, column: &str) -> Result<bool> {
    let mut source = Source::open(path)?;
    let format = Format::of(path, source.peek()?);
    Ok(format == Some(Format::Table) && table::columns(source)?.iter().any(|name| name == column))
}

/// What a file is.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Table,
    Sparse,
    Idx,
    Npy,
    Npz,
}

impl Format {
    fn of(path: &Path, start: &[u8]) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if start.starts_with(npy::MAGIC) || ends(&[".npy"]) {
            Some(Self::Npy)
        } else if start.starts_with(zip::MAGIC) || ends(&[".npz"]) {
            Some(Self::Npz)
        } else if ends(&[".csv"]) {
            Some(Self::Table)
        } else if ends(&[".libsvm", ".svm"]) {
            Some(Self::Sparse)
        } else if idx::recognise(start) || name.contains("-idx") || ends(&[".idx"]) {
            Some(Self::Idx)
        } else {
            None
        }
    }
}

impl ReadOptions {
    /// The same, for a data set called `name`.
    fn named(&self, name: &str) -> Self {
        Self { name: Some(name.to_string()), ..self.clone() }
    }

    /// Refuses options that `format` could only ignore.
    fn check(&self, file: &str, format: Format) -> Result<(), ReadError> {
        let table = [
            ("a split column", self.columns.split.is_some()),
            ("a column of row ids", self.columns.id.is_some()),
            ("columns", !self.columns.columns.is_empty()),
            ("columns to ignore", !self.columns.ignore.is_empty()),
            ("types of columns", !self.columns.types.is_empty()),
            ("separate features", !self.features.is_empty()),
        ];
        let named = match format {
            Format::Table => None,
            _ => table.into_iter().find(|(_, named)| *named).map(|(what, _)| what),
        };
        let labels = (format != Format::Idx && self.labels.is_some()).then_some("a file of labels");
        match named.or(labels) {
            None => Ok(()),
            Some(what) => Err(ReadError::Option {
                file: file.to_string(),
                problem: format!("{what} named, which this format does not have"),
                hint: "leave the option out".to_string(),
            }),
        }
    }
}

/// The endings of file names that say what is in the file.
const ENDINGS: [&str; 6] = [".csv", ".npz", ".npy", ".libsvm", ".svm", ".idx"];

/// The file's name without `.gz` and without its format's ending.
pub(super) fn stem(path: &Path) -> String {
    stem_of(&path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
        .to_string()
}

/// A file's `name` without `.gz` and without the ending of a known format; what else has a dot stays.
pub fn stem_of(name: &str) -> &str {
    let cut = |name: &'_ str, ending: &str| {
        let at = name.len().checked_sub(ending.len()).filter(|&at| at > 0 && name.is_char_boundary(at))?;
        name[at..].eq_ignore_ascii_case(ending).then_some(at)
    };
    let plain = cut(name, ".gz").map_or(name, |at| &name[..at]);
    ENDINGS.iter().find_map(|ending| cut(plain, ending)).map_or(plain, |at| &plain[..at])
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
    columns::dataset(table::read(Source::of_bytes(name, bytes)?)?, &options.named(name))
}
