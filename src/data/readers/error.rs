//! What can be wrong with a file.

use crate::durable::InputError;
use crate::error::{Exit, Fault, shorten};

/// Why a file is refused. Lines count from 1, like an editor's; rows of arrays count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum ReadError {
    /// A file that is not opened: missing, a pipe, a device …
    #[error(transparent)]
    #[diagnostic(transparent)]
    Input(#[from] InputError),
    /// The operating system refuses.
    #[error("{file}: cannot be {what}: {error}")]
    Io { file: String, what: &'static str, error: String },
    /// Not a single byte.
    #[error("{file}: the file is empty")]
    Empty { file: String },
    /// Neither the name nor the content says what it is.
    #[error("{file}: of no format that is known here")]
    #[diagnostic(help(
        "read are delimited text (.csv, .tsv, .tab, .psv, .txt, .data, .dat), LIBSVM (.libsvm, .svmlight, .svm), JSON \
         (.jsonl, .ndjson, .json), ARFF and IDX, each also with .gz or .zst; .npy, .npz, .parquet, .arrow and .feather; \
         and folders of pictures by class, of Parquet files, or that the `datasets` library has saved"
    ))]
    UnknownFormat { file: String },
    /// A folder that is no data set.
    #[error("{file}: a folder that holds no data set that is known here")]
    #[diagnostic(help(
        "read are folders with one folder of pictures for each class (below `train` and `test` for a split), with \
         Parquet files, or that the `datasets` library has saved with `save_to_disk`; else name a file in it"
    ))]
    UnknownFolder { file: String },
    /// A format that is known and not read.
    #[error("{file}: {what}, which is not read")]
    #[diagnostic(help("{hint}"))]
    OtherFormat { file: String, what: &'static str, hint: &'static str },
    /// What a library for a format finds wrong.
    #[error("{file}: damaged, or of a kind of {format} that is not read: {error}")]
    Damaged { file: String, format: &'static str, error: String },
    /// Sparse rows that are too wide to be written out.
    #[error(
        "{file}: {rows} rows of {width} columns are {bytes} bytes once zeros are written out; beside {stored} values that are stored, at most {limit} are taken"
    )]
    #[diagnostic(help(
        "`--hash 1024` hashes the columns to so many, and `--svd 100` projects the rows on so many directions"
    ))]
    Dense { file: String, rows: usize, width: usize, stored: usize, bytes: u64, limit: u64 },
    /// An option that the format has no use for, or a missing one.
    #[error("{file}: {problem}")]
    #[diagnostic(help("{hint}"))]
    Option { file: String, problem: String, hint: String },
    /// An array that is not the one which the file beside it tells of.
    #[error("{file}: {what} {found}, but {beside} says {expected}")]
    #[diagnostic(help(
        "the array was changed or replaced since `querist embed` wrote it: make it again, or remove the file beside it"
    ))]
    Provenance { file: String, beside: String, what: &'static str, found: String, expected: String },
    /// A text that is missing in a row.
    #[error("{file}: row {row} has no text in column `{column}`")]
    #[diagnostic(help("rows count from 0, the header being none; fill in a text or leave out the row"))]
    NoText { file: String, row: usize, column: String },
    /// Compressed data that is damaged.
    #[error("{file}: the compressed data is damaged: {error}")]
    Compressed { file: String, error: String },
    /// The file ends before its content does.
    #[error("{file}: ends too early: {what}")]
    Truncated { file: String, what: String },
    /// More data than the header announces.
    #[error("{file}: {found} bytes, but its header announces {expected}")]
    Trailing { file: String, expected: u64, found: u64 },
    /// A decompression bomb.
    #[error("{file}: {inflated} bytes come out of {compressed}, more than {ratio} times as many")]
    #[diagnostic(help("if the file is sound, decompress it first and read that"))]
    Bomb { file: String, inflated: u64, compressed: u64, ratio: u64 },

    /// A text in another encoding than UTF-8.
    #[error("{file}: {what}, but only UTF-8 is read")]
    #[diagnostic(help("convert it, for example with `iconv -f {encoding} -t UTF-8`"))]
    Encoding { file: String, what: &'static str, encoding: &'static str },
    /// Bytes that are no UTF-8.
    #[error("{file}: line {line}, column {column}: not UTF-8 from byte {byte} of the field on")]
    #[diagnostic(help("convert the file, for example with `iconv -f LATIN1 -t UTF-8`"))]
    NotUtf8 { file: String, line: u64, column: String, byte: usize },
    /// A NUL byte.
    #[error("{file}: line {line}: a NUL byte in a text file")]
    #[diagnostic(help(
        "a file of UTF-16 is converted with `iconv -f UTF-16LE -t UTF-8`; other text files hold no such byte"
    ))]
    Nul { file: String, line: u64 },
    /// A record that does not end.
    #[error("{file}: line {line}: a record of more than {limit} {what}")]
    #[diagnostic(help("a quote that is opened and never closed swallows everything after it"))]
    LongRecord { file: String, line: u64, limit: usize, what: &'static str },
    /// A quote without an end.
    #[error("{file}: line {line}: a quote is opened and never closed")]
    UnclosedQuote { file: String, line: u64 },
    /// A record with too few or too many fields.
    #[error("{file}: line {line}: {found} fields, but the header has {expected}")]
    #[diagnostic(help(
        "`--separator` says what fields are separated by, `--header false` that the first line is a row; titles above the \
         names, and notes below the last row, have to be taken out"
    ))]
    Ragged { file: String, line: u64, expected: usize, found: usize },
    /// Two columns of one name.
    #[error("{file}: columns {first} and {second} are both called \"{}\"", shorten(column))]
    #[diagnostic(help("columns are told apart by their names: rename one of the two in the file"))]
    SameColumn { file: String, column: String, first: usize, second: usize },
    /// A column that is asked for and not there.
    #[error("{file}: no column is called \"{}\"", shorten(column))]
    #[diagnostic(help("{hint}"))]
    NoColumn { file: String, column: String, hint: String },
    /// A header and nothing else.
    #[error("{file}: a header, but no rows")]
    NoRows { file: String },
    /// A field that is no finite number.
    #[error("{file}: line {line}, column {column}: {value:?} is not a finite number{range}")]
    #[diagnostic(help("{hint}"))]
    Number { file: String, line: u64, column: String, value: String, range: &'static str, hint: String },
    /// A cell that says neither that its row has a label nor that it has not.
    #[error("{file}: line {line}, column {column}: {value:?} is neither 0 nor 1")]
    #[diagnostic(help(
        "with --task multi_label every column of --label holds 0 and 1; where one column lists the names of labels, --label-separator \
         says what stands between them"
    ))]
    LabelValue { file: String, line: u64, column: String, value: String },
    /// A row of which some labels are known and others are not.
    #[error("{file}: line {line}, column {column}: nothing, but the row has values for other labels")]
    #[diagnostic(help(
        "write 0 where a row has not the label; leave all of them empty where it has not been labelled"
    ))]
    LabelGap { file: String, line: u64, column: String },
    /// A row without a label.
    #[error("{file}: line {line}, column {column}: the label is {value:?}")]
    #[diagnostic(help("leave out the rows that have no label"))]
    NoLabel { file: String, line: u64, column: String, value: String },
    /// No row has a label.
    #[error("{file}: none of {rows} rows has a label")]
    #[diagnostic(help("name another column with --label; a simulation needs labels to reveal"))]
    Unlabelled { file: String, rows: usize },
    /// Numbers to be predicted as numbers.
    #[error(
        "{file}: column {column} looks continuous ({distinct} different numbers in {rows} rows), which are no classes"
    )]
    #[diagnostic(help(
        "--task regression (`task = \"regression\"` in a file) predicts numbers; or name another column with --label, or \
         write classes in its place: ranges of its numbers, for example"
    ))]
    Continuous { file: String, column: String, distinct: usize, rows: usize },
    /// Texts that are nearly all different.
    #[error("{file}: column {column} holds {distinct} different texts in {rows} rows, which are no classes")]
    #[diagnostic(help("name another column with --label; this one may be the --id of the rows"))]
    NoClasses { file: String, column: String, distinct: usize, rows: usize },
    /// A split entry of no known meaning.
    #[error(
        "{file}: line {line}, column {column}: {value:?}, but a split is train or test, or none in every row"
    )]
    #[diagnostic(help(
        "name another split column, or leave this one out with `--ignore {column}`: parts of other names are \
         not known here"
    ))]
    SplitValue { file: String, line: u64, column: String, value: String },

    /// A row of no domain.
    #[error("{file}: line {line}, column {column}: nothing, but it is to say which domain every row is of")]
    #[diagnostic(help("fill it in, or leave the row out"))]
    NoDomain { file: String, line: u64, column: String },
    /// A source domain without a row.
    #[error(
        "{file}: none of {rows} rows has {value:?} in column {column}, which is to be of the source domain"
    )]
    #[diagnostic(help("{hint}"))]
    UnknownDomain { file: String, column: String, value: String, rows: usize, hint: String },

    /// A number of the header that cannot be.
    #[error("{file}: {problem}")]
    Header { file: String, problem: String },
    /// An array of a type that is no number.
    #[error("{file}: elements of type {found}, but {expected} is needed")]
    #[diagnostic(help("convert with `array.astype(...)` and save again without pickling"))]
    ElementType { file: String, found: String, expected: &'static str },
    /// A pixel of an array of images that is not finite, out of range, or of no mask.
    #[error("{file}: row {row}, channel {channel}, y {y}, x {x}: {value} is {problem}")]
    #[diagnostic(help("{hint}"))]
    Pixel {
        file: String,
        row: usize,
        channel: usize,
        y: usize,
        x: usize,
        value: String,
        problem: &'static str,
        hint: &'static str,
    },
    /// An array element that is not finite or out of range.
    #[error("{file}: row {row}, column {column}: {value} is {problem}")]
    #[diagnostic(help("{hint}"))]
    Element {
        file: String,
        row: usize,
        column: usize,
        value: String,
        problem: &'static str,
        hint: &'static str,
    },
    /// Two arrays, or an array and a table, that must have as many rows.
    #[error("{file}: {found} rows, but {other} has {expected}")]
    Rows { file: String, found: usize, other: String, expected: usize },
    /// An archive member that is not there.
    #[error("{file}: no member is called \"{}\"", shorten(member))]
    #[diagnostic(help("{hint}"))]
    NoMember { file: String, member: String, hint: String },
    /// JSON that cannot be understood.
    #[error("{file}: line {line}: {problem}")]
    #[diagnostic(help("{hint}"))]
    Json { file: String, line: u64, problem: String, hint: &'static str },
    /// A data line of a sparse file that cannot be understood.
    #[error("{file}: line {line}: {problem}")]
    Line { file: String, line: u64, problem: String },
}

impl Fault for ReadError {
    fn exit(&self) -> Exit {
        Exit::BadInput
    }
}
