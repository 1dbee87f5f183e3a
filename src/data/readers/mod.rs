//! Files made into tables and data sets: one file per format, and [`read`], which chooses.
//!
//! Every reader is bounded: what a header announces is checked against limits and against what is
//! really there before memory is asked for, compressed data may not be a bomb, and a fault is an error
//! with its place. What a file leaves open is decided by rules and said ([`Decision`]), and
//! has an option; nothing else is guessed. No file is written here, and none but the ones named is opened.

mod arff;
mod array;
mod braces;
mod choices;
mod columnar;
mod dialect;
mod doubts;
pub(crate) mod error;
mod examples;
pub(super) mod folders;
pub(super) mod format;

mod idx;
mod ipc;
mod json;
mod masks;
mod npy;
mod npz;
mod parquet;
mod pictures;
mod pool;
mod records;
mod reduce;
mod rows;
mod scipy;
mod seam;
mod source;
mod sparse;
mod table;
mod zip;

pub use choices::{Channels, Separator};
pub use error::ReadError;
pub use folders::{Listed, list_pictures, read_picture};
pub use format::stem_of;
pub use masks::read_masks;
pub use npy::{Array, MAX_HEADER_BYTES, read_array, read_shape};
pub use npz::read_arrays;
pub use pool::{Pool, Shown, read_pool};
pub use records::{MAX_RECORD_BYTES, MAX_RECORD_FIELDS};
pub use rows::{DENSE_BYTES_PER_VALUE, FREE_DENSE_BYTES};
#[cfg(feature = "embed")]
pub(crate) use seam::caught;
pub use seam::within_library;
pub use source::{FREE_INFLATION, MAX_INFLATION};
pub use sparse::MAX_LINE_BYTES;
pub(super) use table::suggest;
pub use table::{DEFAULT_SPLIT_COLUMN, Fields, read_records};
pub use zip::{MAX_MEMBERS, MAX_NAME_BYTES};

use super::columns::labels::Wanted;
use super::columns::{self, ColumnOptions};
use crate::data::TargetKind;
use crate::data::dataset::{Dataset, Shape};
use crate::data::error::DataError;
use crate::data::matrix::Matrix;
use crate::data::table::{Decision, Table};
use crate::error::{Result, shorten};
use columnar::Batches;
use examples::{Examples, arrange, doubtful_channels};
use format::Format;
use pictures::{Content, content};
use source::Source;
use std::path::{Path, PathBuf};

/// How a file is to be read. Every format takes what concerns it, and refuses what it cannot heed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// What the data set is called; `None` for the file's name without its endings.
    pub name: Option<String>,
    /// Which columns are what, and how they become numbers. `label` also names a member of an archive.
    pub columns: ColumnOptions,
    /// The member of an NPZ archive that holds the inputs; `None` for the customary one.
    pub inputs: Option<String>,
    /// `.npy` files of shape `[rows, width]`, or sparse matrices of SciPy, that, side by side, take the place of a table's feature columns.
    pub features: Vec<PathBuf>,
    /// The IDX file with the labels; `None` for the images' neighbour of the customary name.
    pub labels: Option<PathBuf>,
    /// The shape of one example; `None` for what the format says, else a vector.
    pub shape: Option<Shape>,
    /// What separates the fields of a table of text; `None` to tell by its first records.
    pub separator: Option<Separator>,
    /// Whether the first line of a table of text names the columns; `None` to tell by its first records.
    pub header: Option<bool>,
    /// The decimal mark of a table of text, `.` or `,`; `None` to tell by its first records.
    pub decimal: Option<char>,
    /// Where images have their channels; `None` to tell by their shape.
    pub channels: Option<Channels>,
    /// The first index of a LIBSVM file, 0 or 1; `None` to tell by whether an index is 0.
    pub base: Option<u8>,
    /// Columns that sparse rows are hashed to, `None` for as many as there are; and texts of tables.
    pub hash: Option<usize>,
    /// The directions that sparse rows are projected on by a truncated singular value decomposition;
    /// `None` for none.
    pub svd: Option<usize>,
}

/// Reads the file or folder at `path` as a data set. Formats are known by their first bytes and, where these do not
/// say, by their names; `docs/data-formats.md` lists them.
///
/// # Errors
/// [`ReadError`] with the place of the fault, or [`DataError`] where the content breaks a rule of
/// [`Dataset::new`].
pub fn read(path: &Path, options: &ReadOptions) -> Result<Dataset> {
    let name = options.name.clone().unwrap_or_else(|| stem(path));
    match open(path, options, true)? {
        Content::Table(table) => {
            columns::dataset(table, &ReadOptions { name: Some(name), ..options.clone() })
        }
        Content::Examples(examples) => examples.into_dataset(&name, options),
    }
}

/// Reads the file or folder at `path` as a table, which need not have labels. Arrays become columns called by their
/// positions, and their labels and split, if there are any, the columns `label` and `split`.
///
/// # Errors
/// [`ReadError`] with the place of the fault, or [`DataError`] where a limit is exceeded.
pub fn read_table(path: &Path, options: &ReadOptions) -> Result<Table> {
    match open(path, options, false)? {
        Content::Table(table) => Ok(table),
        Content::Examples(examples) => examples.into_table(),
    }
}

/// Reads all rows, labelled or not.
///
/// # Errors
/// As [`read`].
pub fn read_examples(path: &Path, options: &ReadOptions) -> Result<columns::Examples> {
    let name = options.name.clone().unwrap_or_else(|| stem(path));
    match open(path, options, false)? {
        Content::Table(table) => columns::pool(table, &ReadOptions { name: Some(name), ..options.clone() }),
        Content::Examples(examples) => examples.into_rows(&name, options),
    }
}

/// What `path` holds, with the separate features that `options` name in place of its inputs where it has no columns (a table's
/// are replaced when it is encoded); labels may be missing where it need not be `labelled`.
fn open(path: &Path, options: &ReadOptions, labelled: bool) -> Result<Content> {
    match content_of(path, options, labelled)? {
        Content::Examples(examples) if !options.features.is_empty() => {
            let (inputs, said) = columns::beside(&examples.file, examples.inputs.rows(), options)?;
            let decisions = examples.decisions.into_iter().chain(said).collect();
            let shape = Shape::Vector(inputs.cols());
            Ok(Content::Examples(Examples { shape, inputs, decisions, ..examples }))
        }
        content => Ok(content),
    }
}

fn content_of(path: &Path, options: &ReadOptions, labelled: bool) -> Result<Content> {
    if path.is_dir() && options.columns.task == TargetKind::Mask {
        options.check_mask_folder(&path.display().to_string())?;
        return Ok(Content::Examples(masks::read_folder(path, options, labelled)?));
    }
    if path.is_dir() {
        let file = path.display().to_string();
        options.check(&file, None)?;
        let found = folders::read(path, options)?;
        if matches!(found, Content::Examples(_)) {
            options.expect_pictures(&file)?;
            options.expect_no_label(&file)?;
        }
        return Ok(found);
    }
    let mut source = Source::open(path)?;
    let file = source.file.clone();
    let format = Format::of(path, source.peek()?)?;
    options.check(&file, Some(format))?;
    let binary = matches!(format, Format::Npy | Format::Npz | Format::Parquet | Format::Arrow);
    if binary && source.compressed {
        let problem = "this format is not read compressed".to_string();
        let hint = "decompress it first; it may be compressed within".to_string();
        return Err(ReadError::Option { file, problem, hint }.into());
    }
    Ok(match format {
        Format::Table => Content::Table(table::read(source, options)?),
        Format::Json => Content::Table(json::read(source)?),
        Format::Arff => {
            let wanted = if labelled { Wanted::Required } else { Wanted::Optional };
            arff::read(source, options, wanted)?
        }
        Format::Sparse => Content::Examples(sparse::read(source, options)?),
        Format::Idx => Content::Examples(idx::read(path, source, options)?),
        Format::Npz => Content::Examples(npz::read(path, options, labelled)?),
        Format::Npy => {
            let (layout, inputs) = npy::read_features(path)?;
            let mut decisions = Vec::new();
            let (shape, inputs) = arrange(&layout, inputs, options, &mut decisions);
            let warnings = doubtful_channels(&layout, options).into_iter().collect();
            let (labels, split, target) = (None, None, columns::DEFAULT_LABEL.to_string());
            Content::Examples(Examples { file, shape, inputs, labels, split, target, decisions, warnings })
        }
        Format::Parquet => {
            let mut batches = Batches::new(&file, parquet::FORMAT);
            let features = parquet::collect(path, &mut batches)?;
            content(&file, parquet::FORMAT, batches, features.as_ref(), &[], Vec::new(), options)?
        }
        Format::Arrow => {
            let mut batches = Batches::new(&file, ipc::FORMAT);
            ipc::collect(path, &mut batches)?;
            content(&file, ipc::FORMAT, batches, None, &[], Vec::new(), options)?
        }
    })
}

/// The arrays at `paths`, side by side in place of a table's feature columns: dense ones (`.npy`), and sparse ones of
/// SciPy, as wide as `options` ask for.
pub(super) fn read_features(
    paths: &[PathBuf],
    options: &ReadOptions,
    decisions: &mut Vec<Decision>,
) -> Result<Vec<Matrix>> {
    let mut sparse = 0;
    let mut read = |path: &PathBuf| {
        let file = path.display().to_string();
        if Format::of(path, Source::open(path)?.peek()?) != Ok(Format::Npz) {
            return Ok(npy::read_features(path)?.1);
        }
        let archive = zip::Archive::open(path)?;
        if !scipy::recognise(&archive.arrays()) {
            let problem = "an archive of arrays, of which none is known to be the features".to_string();
            let hint = "save the one array by `np.save(file, X)`, or a sparse matrix by \
                        `scipy.sparse.save_npz(file, X)`";
            return Err(ReadError::Option { file, problem, hint: hint.to_string() }.into());
        }
        sparse += 1;
        scipy::matrix(&archive, options, decisions)
    };
    let parts = paths.iter().map(&mut read).collect::<Result<Vec<Matrix>>>()?;
    match (options.narrowing(), sparse, paths.first()) {
        (Some(what), 0, Some(path)) => Err(ReadError::Option {
            file: path.display().to_string(),
            problem: format!("{what} named, but the features are not sparse"),
            hint: "leave the option out".to_string(),
        }
        .into()),
        _ => Ok(parts),
    }
}

/// Whether `path` is a table with such a column.
pub(super) fn has_column(path: &Path, column: &str) -> Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let mut source = Source::open(path)?;
    let format = Format::of(path, source.peek()?);
    Ok(format == Ok(Format::Table) && table::columns(source)?.iter().any(|name| name == column))
}

impl ReadOptions {
    /// Refuses options that `format`, or a folder where there is none, could only ignore.
    fn check(&self, file: &str, format: Option<Format>) -> Result<(), ReadError> {
        let is = |formats: &[Format]| format.is_some_and(|format| formats.contains(&format));
        let columns = format.is_none_or(Format::has_columns);
        let text = is(&[Format::Table]);
        let asked = [
            ("`--separator`", self.separator.is_some(), text),
            ("`--header`", self.header.is_some(), text),
            ("`--decimal`", self.decimal.is_some(), text),
            ("`--base`", self.base.is_some(), is(&[Format::Sparse])),
            ("`--hash`", self.hash.is_some(), columns || is(&[Format::Sparse, Format::Npz])),
            (
                "`--svd`",
                self.svd.is_some(),
                is(&[Format::Sparse, Format::Npz, Format::Arff]) || !self.features.is_empty(),
            ),
            ("`--channels`", self.channels.is_some(), is(&[Format::Npy, Format::Npz, Format::Idx])),
            ("`--inputs`", self.inputs.is_some(), is(&[Format::Npz])),
            ("a file of labels", self.labels.is_some(), is(&[Format::Idx])),
            (
                task_option(self.columns.task),
                self.columns.task != TargetKind::Class,
                match self.columns.task {
                    TargetKind::MultiLabel => columns || is(&[Format::Npz, Format::Sparse]),
                    TargetKind::Mask => is(&[Format::Npz]),
                    TargetKind::Class | TargetKind::Real => columns,
                },
            ),
            ("`--label-separator`", self.columns.label_separator.is_some(), columns),
            ("`--label`", self.columns.label.is_some(), columns || is(&[Format::Npz])),
        ];
        match asked.into_iter().find(|&(_, given, heeded)| given && !heeded) {
            Some((what, _, _)) => Err(Self::refuse(file, what)),
            None if columns => Ok(()),
            None => self.expect_no_columns(file),
        }
    }

    /// Refuses what a folder of images beside one of masks has no use for: it has names of the two, and nothing else.
    fn check_mask_folder(&self, file: &str) -> Result<(), ReadError> {
        let columns = ColumnOptions { label: None, task: TargetKind::Class, ..self.columns.clone() };
        let others = Self { inputs: None, columns, ..self.clone() };
        others.check(file, None)?;
        others.expect_pictures(file)
    }

    /// The same for inputs that come without labels.
    fn of_inputs(&self) -> Self {
        let columns =
            ColumnOptions { task: TargetKind::Class, label_separator: None, ..self.columns.clone() };
        Self { columns, ..self.clone() }
    }

    /// What makes sparse rows narrow, if that is asked for.
    fn narrowing(&self) -> Option<&'static str> {
        let asked = [("`--hash`", self.hash.is_some()), ("`--svd`", self.svd.is_some())];
        asked.into_iter().find(|(_, given)| *given).map(|(what, _)| what)
    }

    /// Refuses options about columns, where there are none.
    fn expect_no_columns(&self, file: &str) -> Result<(), ReadError> {
        let columns = &self.columns;
        let asked = [
            (task_option(columns.task), columns.task == TargetKind::Real),
            ("a split column", columns.split.is_some()),
            ("a column of row ids", columns.id.is_some()),
            ("a column of domains", columns.domains.is_some()),
            ("columns to ignore", !columns.ignore.is_empty()),
            ("columns to take", !columns.columns.is_empty()),
            ("types of columns", !columns.types.is_empty()),
            ("values that are missing", !columns.missing.is_empty()),
        ];
        asked.into_iter().find(|(_, given)| *given).map_or(Ok(()), |(what, _)| Err(Self::refuse(file, what)))
    }

    /// Refuses options about columns and texts, where there are pictures.
    fn expect_pictures(&self, file: &str) -> Result<(), ReadError> {
        let asked = [
            ("`--hash`", self.hash.is_some()),
            ("`--label-separator`", self.columns.label_separator.is_some()),
        ];
        match asked.into_iter().find(|(_, given)| *given) {
            Some((what, _)) => Err(Self::refuse(file, what)),
            None => self.expect_no_columns(file),
        }
    }

    /// Refuses a name for labels where pictures have none, or have them by their folders.
    fn expect_no_label(&self, file: &str) -> Result<(), ReadError> {
        let Some(label) = &self.columns.label else { return Ok(()) };
        Err(ReadError::Option {
            file: file.to_string(),
            problem: format!("`--label {}` named, but pictures have their labels by their folders, or none", shorten(label)),
            hint: "leave the option out; masks are read from a folder beside that of the images: name the folder that holds \
                   both, with --task segmentation, and the two by --inputs and --label where they are not `images` and `masks`"
                .to_string(),
        })
    }

    fn refuse(file: &str, what: &str) -> ReadError {
        ReadError::Option {
            file: file.to_string(),
            problem: format!("{what} named, which this format does not have"),
            hint: "leave the option out".to_string(),
        }
    }
}

/// How messages call the option that says what targets are.
fn task_option(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Class => "`--task classification`",
        TargetKind::Real => "`--task regression`",
        TargetKind::MultiLabel => "`--task multi_label`",
        TargetKind::Mask => "`--task segmentation`",
    }
}

/// The file's name without its compression and without its format's ending.
pub(super) fn stem(path: &Path) -> String {
    stem_of(&path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
        .to_string()
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

/// A table of delimited text that is in memory already, compressed or not, as a data set.
pub fn read_table_bytes(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Dataset> {
    let table = table::read(Source::of_bytes(name, bytes)?, options)?;
    columns::dataset(table, &ReadOptions { name: Some(name.to_string()), ..options.clone() })
}
