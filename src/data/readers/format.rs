//! What a file is: by its first bytes, and by its name where these do not say.

use super::error::ReadError;
use super::{arff, idx, ipc, json, npy, parquet, sparse, zip};
use std::path::Path;

/// Compressions that any text may have.
const COMPRESSIONS: [&str; 2] = [".gz", ".zst"];
/// Endings of tables of delimited text.
const TABLES: [&str; 7] = [".csv", ".tsv", ".tab", ".txt", ".data", ".dat", ".psv"];
/// Endings of sparse text.
const SPARSE: [&str; 3] = [".libsvm", ".svmlight", ".svm"];
/// Endings of records in JSON.
const JSON: [&str; 3] = [".jsonl", ".ndjson", ".json"];
/// Endings of columns in Arrow's formats.
const ARROW: [&str; 3] = [".arrow", ".feather", ".ipc"];

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Sparse,
    Idx,
    Npy,
    Npz,
    Parquet,
    Arrow,
    Json,
    Arff,
}

impl Format {
    /// The format of the file at `path`, which starts with `start`.
    pub fn of(path: &Path, start: &[u8]) -> Result<Self, ReadError> {
        let file = path.display().to_string();
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let name = COMPRESSIONS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if let Some((what, hint)) = other(start) {
            return Err(ReadError::OtherFormat { file, what, hint });
        }
        Ok(if start.starts_with(npy::MAGIC) || ends(&[".npy"]) {
            Self::Npy
        } else if start.starts_with(zip::MAGIC) || ends(&[".npz"]) {
            Self::Npz
        } else if start.starts_with(parquet::MAGIC) || ends(&[".parquet"]) {
            Self::Parquet
        } else if start.starts_with(ipc::MAGIC) || ipc::is_stream(start) || ends(&ARROW) {
            Self::Arrow
        } else if arff::recognise(start) || ends(&[".arff"]) {
            Self::Arff
        } else if ends(&JSON) {
            Self::Json
        } else if ends(&SPARSE) {
            Self::Sparse
        } else if idx::recognise(start) {
            Self::Idx
        } else if ends(&[".csv", ".tsv", ".psv"]) {
            Self::Table
        } else if json::recognise(start) {
            Self::Json
        } else if sparse::recognise(start) {
            Self::Sparse
        } else if ends(&TABLES) {
            Self::Table
        } else if name.contains("-idx") || ends(&[".idx"]) {
            Self::Idx
        } else {
            return Err(ReadError::UnknownFormat { file });
        })
    }

    /// Whether it holds named columns.
    pub fn has_columns(self) -> bool {
        matches!(self, Self::Table | Self::Parquet | Self::Arrow | Self::Json | Self::Arff)
    }
}

/// Formats of the field that are known by their first bytes and not read, and the way out.
fn other(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let known: [(&[u8], &str, &str); 12] = [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "save its arrays with `np.savez(file, X=…, y=…)`"),
        (
            b"\x80\x03",
            "a pickle",
            "pickles run code when they are read; save with `np.savez` or `to_parquet`",
        ),
        (
            b"\x80\x04\x95",
            "a pickle",
            "pickles run code when they are read; save with `np.savez` or `to_parquet`",
        ),
        (
            b"\x80\x05\x95",
            "a pickle",
            "pickles run code when they are read; save with `np.savez` or `to_parquet`",
        ),
        (b"\xd0\xcf\x11\xe0", "a spreadsheet of Excel", "save it as CSV"),
        (b"MATLAB 5.0", "a file of MATLAB", "save its arrays with `np.savez(file, X=…, y=…)`"),
        (b"SQLite format 3\0", "a database of SQLite", "export the table as CSV or Parquet"),
        (b"ORC", "an ORC file", "save it as Parquet"),
        (
            b"version https://git-lfs",
            "a pointer of Git LFS in the place of the file",
            "fetch the file itself with `git lfs pull`",
        ),
        (b"<!DOCTYPE", "a page of HTML", "it may tell why the download failed: open it in a browser"),
        (b"<html", "a page of HTML", "it may tell why the download failed: open it in a browser"),
        (
            ipc::FEATHER_1,
            "a Feather file of version 1",
            "save it with `to_feather`, which writes version 2, or as Parquet",
        ),
    ];
    known.into_iter().find(|(magic, _, _)| start.starts_with(magic)).map(|(_, what, hint)| (what, hint))
}

/// Endings of data files, without compression, for looking names up; the more likely first.
pub(in crate::data) fn endings() -> impl Iterator<Item = &'static str> {
    let single = [".npz", ".parquet", ".arff"];
    TABLES.into_iter().take(3).chain(single).chain(SPARSE).chain(JSON).chain(ARROW)
}

/// A file's `name` without its compression and without the ending of a known format; what else has a dot stays.
pub fn stem_of(name: &str) -> &str {
    let cut = |name: &'_ str, ending: &str| {
        let at = name.len().checked_sub(ending.len()).filter(|&at| at > 0 && name.is_char_boundary(at))?;
        name[at..].eq_ignore_ascii_case(ending).then_some(at)
    };
    let plain = COMPRESSIONS.iter().find_map(|ending| cut(name, ending)).map_or(name, |at| &name[..at]);
    let others = [".npz", ".npy", ".idx", ".parquet", ".arff"];
    let known = TABLES.iter().chain(&SPARSE).chain(&JSON).chain(&ARROW).chain(&others);
    known.into_iter().find_map(|ending| cut(plain, ending)).map_or(plain, |at| &plain[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_asked_before_the_name() {
        for (name, start, expected) in [
            ("a.csv", &b"\x93NUMPY\x01\0"[..], Format::Npy),
            ("a", b"PK\x03\x04", Format::Npz),
            ("a.data", b"PAR1", Format::Parquet),
            ("a.feather", b"ARROW1\0\0", Format::Arrow),
            ("a.bin", b"\xff\xff\xff\xff\xa8\0\0\0", Format::Arrow),
            ("a.txt", b"% a comment\n@RELATION x\n", Format::Arff),
            ("a.txt", b"{\"x\": 1}\n", Format::Json),
            ("a.txt", b"+1 1:0.5 3:2\n", Format::Sparse),
            ("a.txt", b"12:30 7\n", Format::Table),
            ("a.tsv.zst", b"x\ty\n", Format::Table),
            ("t-images-idx3-ubyte", b"\0\0\x08\x03", Format::Idx),
        ] {
            assert_eq!(Format::of(Path::new(name), start).unwrap(), expected, "{name}");
        }
        let refused = |name: &str, start: &[u8]| Format::of(Path::new(name), start).unwrap_err();
        assert!(matches!(refused("a.xyz", b"x"), ReadError::UnknownFormat { .. }));
        assert!(matches!(refused("a.csv", b"\x80\x04\x95\0"), ReadError::OtherFormat { .. }));
    }

    #[test]
    fn stems_lose_what_says_the_format() {
        for (name, expected) in [
            ("a.csv.gz", "a"),
            ("a.tsv.zst", "a"),
            ("a.b.parquet", "a.b"),
            ("a.JSONL", "a"),
            (".csv", ".csv"),
            ("a.v1", "a.v1"),
            ("adult.data", "adult"),
        ] {
            assert_eq!(stem_of(name), expected);
        }
    }
}
