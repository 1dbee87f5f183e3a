//! What a session keeps of its pool: inputs as they were read, and what people are shown of every row.
//!
//! `inputs.npy` has the inputs, `[rows, width]` in `f32`, missing values filled with the medians of their columns.
//! `rows.jsonl` has a line per row: a list of its name (or null) and its texts. Both are named in the settings by their
//! digest, so that a copy of the folder is the whole session.

use super::error::SessionError;
use super::plan::Settings;
use crate::data::readers::{Array, Pool as Read, Shown, read_array};
use crate::data::{Matrix, Shape, png};
use crate::durable::{self, input};
use crate::error::Result;
use crate::run::digest;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(super) const INPUTS: &str = "inputs.npy";
pub(super) const ROWS: &str = "rows.jsonl";
/// The longest file of texts that is read.
const MAX_ROWS_BYTES: u64 = 4 << 30;
/// Bytes of a picture that is shown.
const MAX_PICTURE_BYTES: u64 = 256 << 20;
/// The columns of pictures that are kept by path and digest.
const PICTURE: [&str; 2] = ["picture", "sha256"];

/// What people are shown of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What the pool calls it.
    pub id: Option<String>,
    /// Its columns: name and text.
    pub fields: Vec<(String, String)>,
    /// Whether there is a [picture](super::Session::picture) of it.
    pub picture: bool,
}

/// The pool of an open session.
#[derive(Debug)]
pub(super) struct Pool {
    dir: PathBuf,
    /// Inputs with mean 0 and variance 1 per column, `[rows, width]`.
    pub inputs: Matrix,
    /// Inputs as they were read, where they are pictures.
    pixels: Option<(Matrix, [usize; 3])>,
    shown: Vec<String>,
    text: Vec<u8>,
    /// Where every line of `text` begins, and its end.
    lines: Vec<usize>,
    ids: OnceLock<HashMap<String, Vec<u32>>>,
}

/// What creating the files of a pool gives.
pub(super) struct Written {
    pub files: BTreeMap<String, String>,
    pub shown: Vec<String>,
    pub named: bool,
}

/// Writes the files of a pool.
pub(super) fn write(dir: &Path, read: &Read) -> Result<Written> {
    let examples = &read.examples;
    let inputs = npy(&examples.filled());
    let (shown, texts): (Vec<String>, Vec<Vec<String>>) = match &read.shown {
        Shown::Columns(columns) => columns.iter().cloned().unzip(),
        Shown::Pictures(files) => {
            let text = |path: &PathBuf| path.canonicalize().unwrap_or(path.clone()).display().to_string();
            let sha = |path: &PathBuf| Ok(digest::of(&input::read(path, MAX_PICTURE_BYTES)?));
            let sums = files.iter().map(sha).collect::<Result<Vec<String>>>()?;
            (PICTURE.map(String::from).to_vec(), vec![files.iter().map(text).collect(), sums])
        }
        Shown::Inputs => Default::default(),
    };
    let mut lines = String::new();
    for row in 0..examples.inputs.rows() {
        let id = examples.ids.as_ref().map(|ids| ids[row].as_str());
        let line: Vec<Option<&str>> =
            std::iter::once(id).chain(texts.iter().map(|column| Some(column[row].as_str()))).collect();
        lines.push_str(&serde_json::to_string(&line).expect("texts serialise"));
        lines.push('\n');
    }
    let mut files = BTreeMap::new();
    for (name, bytes) in [(INPUTS, &inputs[..]), (ROWS, lines.as_bytes())] {
        durable::replace(&dir.join(name), bytes)?;
        files.insert(name.to_string(), digest::of(bytes));
    }
    Ok(Written { files, shown, named: examples.ids.is_some() })
}

/// Channels, height and width of inputs that can be shown as pictures.
pub(super) fn picture(shape: Shape) -> Option<[usize; 3]> {
    match shape {
        Shape::Image { channels, height, width } if matches!(channels, 1 | 3) => {
            Some([channels, height, width])
        }
        _ => None,
    }
}

/// NumPy's format 1.0.
fn npy(matrix: &Matrix) -> Vec<u8> {
    let header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}",
        matrix.rows(),
        matrix.cols()
    );
    // Magic, version, length, header and newline are a multiple of 64 bytes.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((padded as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = padded - 1).into_bytes());
    bytes.extend(matrix.values().iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

impl Pool {
    /// Opens the files of a pool.
    ///
    /// # Errors
    /// [`SessionError::Changed`] if one is not what was written.
    pub fn open(dir: &Path, settings: &Settings) -> Result<Self> {
        let check = |name: &str, found: String| match settings.files.get(name) {
            Some(stored) if *stored == found => Ok(()),
            stored => {
                let stored = stored.cloned().unwrap_or_default();
                Err(SessionError::Changed { path: dir.join(name), stored, found })
            }
        };
        let path = dir.join(INPUTS);
        let found = digest::of_file(&path).map_err(|_| SessionError::NotASession {
            dir: dir.to_path_buf(),
            reason: format!("{INPUTS} cannot be read"),
        })?;
        check(INPUTS, found)?;
        let Array { shape, values } = read_array(&path)?;
        let content = |name: &str, problem: &str| SessionError::Content {
            path: dir.join(name),
            problem: problem.to_string(),
        };
        if shape != [settings.rows, settings.width] {
            return Err(content(INPUTS, "another shape than the settings say").into());
        }
        let raw = Matrix::new(values, settings.rows, settings.width);
        let pixels = settings
            .picture
            .filter(|shape| shape.iter().product::<usize>() == settings.width)
            .map(|shape| (raw.clone(), shape));
        let text = input::read(&dir.join(ROWS), MAX_ROWS_BYTES)?;
        check(ROWS, digest::of(&text))?;
        let mut lines = vec![0];
        lines.extend(text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1));
        if lines.len() != settings.rows + 1 {
            return Err(content(ROWS, "another number of lines than rows").into());
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            inputs: crate::data::standardised(raw),
            pixels,
            shown: settings.shown.clone(),
            text,
            lines,
            ids: OnceLock::new(),
        })
    }

    pub fn rows(&self) -> usize {
        self.inputs.rows()
    }

    /// The shape of a row.
    pub fn shape(&self) -> Shape {
        match self.pixels {
            Some((_, [channels, height, width])) => Shape::Image { channels, height, width },
            None => Shape::Vector(self.inputs.cols()),
        }
    }

    /// The name and the texts of a row.
    fn line(&self, row: usize) -> Result<(Option<String>, Vec<String>), SessionError> {
        let content = |problem: String| SessionError::Content { path: self.dir.join(ROWS), problem };
        let bytes = &self.text[self.lines[row]..self.lines[row + 1]];
        let line: Vec<Option<String>> =
            serde_json::from_slice(bytes).map_err(|error| content(format!("line {}: {error}", row + 1)))?;
        let mut line = line.into_iter();
        let id = line.next().flatten();
        Ok((id, line.map(Option::unwrap_or_default).collect()))
    }

    /// What the pool calls a row.
    pub fn id(&self, row: usize) -> Result<Option<String>, SessionError> {
        Ok(self.line(row)?.0)
    }

    /// What an answer to a row costs, by the text in this column.
    pub fn price(&self, row: usize, column: usize) -> Result<f64, SessionError> {
        let found = self.line(row)?.1.get(column).and_then(|text| price(text));
        let problem = || format!("line {}: no price", row + 1);
        found.ok_or_else(|| SessionError::Content { path: self.dir.join(ROWS), problem: problem() })
    }

    /// What people are shown of a row.
    pub fn content(&self, row: usize) -> Result<Content, SessionError> {
        let (id, texts) = self.line(row)?;
        let kept = self.shown == PICTURE;
        Ok(Content {
            id,
            fields: match kept {
                true => Vec::new(),
                false => self.shown.iter().cloned().zip(texts).collect(),
            },
            picture: kept || self.pixels.is_some(),
        })
    }

    /// The rows that are called `id`.
    pub fn called(&self, id: &str) -> Result<&[u32], SessionError> {
        if self.ids.get().is_none() {
            let mut ids: HashMap<String, Vec<u32>> = HashMap::new();
            for row in 0..self.rows() {
                if let Some(id) = self.id(row)? {
                    ids.entry(id).or_default().push(row as u32);
                }
            }
            let _ = self.ids.set(ids);
        }
        Ok(self.ids.get().and_then(|ids| ids.get(id)).map_or(&[][..], Vec::as_slice))
    }

    /// A picture of a row and its media type: the file itself where it was kept by name, else the inputs as PNG.
    ///
    /// # Errors
    /// If a file that was kept by name is not there any more or was changed.
    pub fn picture(&self, row: usize) -> Result<Option<(Vec<u8>, &'static str)>> {
        if let Some((pixels, shape)) = &self.pixels {
            return Ok(Some((png(pixels.row(row), *shape), "image/png")));
        }
        if self.shown != PICTURE {
            return Ok(None);
        }
        let (_, texts) = self.line(row)?;
        let [path, stored] = <[String; 2]>::try_from(texts).map_err(|_| SessionError::Content {
            path: self.dir.join(ROWS),
            problem: format!("line {}: no picture", row + 1),
        })?;
        let path = PathBuf::from(path);
        let bytes = input::read(&path, MAX_PICTURE_BYTES)?;
        let found = digest::of(&bytes);
        if found != stored {
            return Err(SessionError::Changed { path, stored, found }.into());
        }
        let media =
            image::guess_format(&bytes).map_or("application/octet-stream", |format| format.to_mime_type());
        Ok(Some((bytes, media)))
    }
}

/// A price as it is written.
pub(super) fn price(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|price: &f64| price.is_finite() && *price > 0.0)
}
