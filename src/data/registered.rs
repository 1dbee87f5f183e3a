//! [`Readers`]: readers of formats that this crate does not know, by name.
//!
//! The formats that it knows are told apart by their content ([`readers`](super::readers)). What another crate reads is told
//! by the ending of a file's name, and stands in experiment files like any other: `targets = [{ file = "x.pairs" }]`.
//!
//! ```
//! use querist::data::readers::ReadError;
//! use querist::data::{Dataset, Matrix, ReaderEntry, Readers, Shape, Targets};
//!
//! /// Lines of a class, 0 or 1, and a number.
//! fn pairs(file: &str, bytes: &[u8]) -> querist::Result<Dataset> {
//!     let row = |line: &str| {
//!         let (class, number) = line.split_once(' ')?;
//!         let class: u32 = class.parse().ok().filter(|&class| class < 2)?;
//!         Some((class, number.parse::<f32>().ok().filter(|number| number.is_finite())?))
//!     };
//!     let rows = std::str::from_utf8(bytes).ok().and_then(|text| text.lines().map(row).collect::<Option<Vec<_>>>());
//!     let rows = rows.ok_or_else(|| ReadError::UnknownFormat { file: file.to_string() })?;
//!     let (labels, numbers): (Vec<u32>, Vec<f32>) = rows.into_iter().unzip();
//!     let inputs = Matrix::new(numbers, labels.len(), 1);
//!     let targets = Targets::Class { labels, names: vec!["0".into(), "1".into()] };
//!     Dataset::new("pairs", Shape::Vector(1), inputs, targets, None)
//! }
//!
//! let example = || b"0 1\n1 2\n".to_vec();
//! let entry = ReaderEntry::new("pairs", "Lines of a class and a number.", &[".pairs"], pairs, example);
//! let readers = Readers::builtin().with(entry)?;
//! querist::testing::reader_contract(&readers, "pairs");
//! # Ok::<(), querist::Error>(())
//! ```

use super::dataset::Dataset;
use super::load;
use super::readers::{ReadError, ReadOptions};
use crate::durable::input;
use crate::error::Result;
use crate::registry::{Named, Registered};
use std::fmt;
use std::path::Path;

/// The largest file that is handed to a reader of another crate, in bytes.
pub const MAX_BYTES: u64 = 1 << 31;

/// A reader by name.
#[derive(Clone, Copy)]
pub struct ReaderEntry {
    /// The name of the format.
    pub name: &'static str,
    /// What it reads, in one line.
    pub about: &'static str,
    /// How the names of its files end, in lowercase.
    pub endings: &'static [&'static str],
    /// Reads a file of this name and content. Whatever the content is, it ends with a data set or a typed error.
    pub read: fn(&str, &[u8]) -> Result<Dataset>,
    /// A small file that it reads, for its contract.
    pub example: fn() -> Vec<u8>,
}

impl ReaderEntry {
    /// A reader of files whose names have these endings.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        endings: &'static [&'static str],
        read: fn(&str, &[u8]) -> Result<Dataset>,
        example: fn() -> Vec<u8>,
    ) -> Self {
        Self { name, about, endings, read, example }
    }
}

impl fmt::Debug for ReaderEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Registered for ReaderEntry {
    const WHAT: &'static str = "reader";
    const SAID: bool = false;

    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }
}

/// Readers by name.
pub type Readers = Named<ReaderEntry>;

impl Readers {
    /// Those that come with this crate and are told by the ending alone: none.
    pub fn builtin() -> Self {
        Self::empty()
    }

    /// The data set that `spec` names: a file that one of these reads, or else what [`load`](super::load::load) finds.
    ///
    /// # Errors
    /// Those of opening a file and of its reader; [`ReadError::Option`] for an option that its reader does not have; as
    /// [`load_with`](super::load::load_with).
    pub fn load(&self, spec: &str, data_dir: Option<&Path>, options: &ReadOptions) -> Result<Dataset> {
        let name = spec.to_lowercase();
        let reads = |entry: &&ReaderEntry| entry.endings.iter().any(|ending| name.ends_with(ending));
        let Some(entry) = self.entries().iter().find(reads) else {
            return load::load_with(spec, data_dir, options);
        };
        if *options != (ReadOptions { name: options.name.clone(), ..ReadOptions::default() }) {
            return Err(ReadError::Option {
                file: spec.to_string(),
                problem: format!("the reader \"{}\" has no options", entry.name),
                hint: "leave the option out".to_string(),
            }
            .into());
        }
        let bytes = input::read(Path::new(spec), MAX_BYTES)?;
        let dataset = (entry.read)(spec, &bytes)?;
        Ok(dataset.renamed(options.name.as_deref().unwrap_or(super::readers::stem_of(spec))))
    }
}
