//! Folders that are one data set: pictures in a folder for each class, and what the `datasets` library saves to disk
//! or a hub holds, shard by shard. Folders called `train` and `test`, or shards whose names begin so, are an official
//! split. Files are read in the order of their names; none outside the folder is.

use super::ReadOptions;
use super::columnar::Batches;
use super::error::ReadError;
use super::examples::{Examples, Labels};
use super::pictures::{Content, content, decode};
use super::{ipc, parquet};
use crate::data::dataset::{Shape, SplitTag};
use crate::data::matrix::Matrix;
use crate::data::table::Decision;
use crate::durable::input;
use crate::error::{Result, shorten};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Folders, or beginnings of names, that are parts of an official split.
const PARTS: [(&str, SplitTag); 7] = [
    ("train", SplitTag::Train),
    ("training", SplitTag::Train),
    ("val", SplitTag::Train),
    ("valid", SplitTag::Train),
    ("validation", SplitTag::Train),
    ("dev", SplitTag::Train),
    ("test", SplitTag::Test),
];
/// Endings of pictures.
const PICTURES: [&str; 8] = ["png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "webp"];
/// Bytes of a picture's file.
const MAX_PICTURE_BYTES: u64 = 256 << 20;
/// Bytes of what describes a data set.
const MAX_DESCRIPTION_BYTES: u64 = 16 << 20;
/// What messages call a data set that the `datasets` library has saved.
const SAVED: &str = "Arrow";

/// What a folder holds, if it is a data set.
enum Kind {
    Saved,
    Shards,
    Pictures,
}

/// Whether a folder is a data set.
pub(in crate::data) fn recognise(path: &Path) -> bool {
    kind(path).is_some()
}

fn kind(path: &Path) -> Option<Kind> {
    if path.join("dataset_dict.json").is_file() || path.join("state.json").is_file() {
        return Some(Kind::Saved);
    }
    if !shards(path).is_empty() {
        return Some(Kind::Shards);
    }
    let pictures = |folder: &PathBuf| entries(folder).iter().any(|entry| is_picture(entry));
    let below = folders(path);
    let found = below.iter().any(|folder| pictures(folder) || folders(folder).iter().any(pictures));
    found.then_some(Kind::Pictures)
}

/// Reads a folder.
pub(super) fn read(path: &Path, options: &ReadOptions) -> Result<Content> {
    let file = path.display().to_string();
    match kind(path) {
        Some(Kind::Saved) => read_saved(&file, path, options),
        Some(Kind::Shards) => read_shards(&file, path, options),
        Some(Kind::Pictures) => Ok(Content::Examples(read_pictures(&file, path)?)),
        None => Err(ReadError::UnknownFolder { file }.into()),
    }
}

/// What is in a folder, by name; nothing where it cannot be listed. Hidden entries are left out.
pub(in crate::data) fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let hidden =
        |path: &PathBuf| path.file_name().is_none_or(|name| name.to_string_lossy().starts_with(['.', '_']));
    let mut found: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| !hidden(path)).collect();
    found.sort();
    found
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str())) && path.is_file()
}

fn is_picture(path: &Path) -> bool {
    has_ending(path, &PICTURES)
}

/// The part of a split that a name begins with: `train-00000-of-00002`, `test`.
fn part(name: &str) -> Option<(usize, SplitTag)> {
    let word: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
    let at = PARTS.iter().position(|(part, _)| part.eq_ignore_ascii_case(&word))?;
    Some((at, PARTS[at].1))
}

fn say_split(parts: &[(String, SplitTag)], decisions: &mut Vec<Decision>) {
    let role = |tag| if tag == SplitTag::Test { "tested on" } else { "trained on" };
    let listed: Vec<String> =
        parts.iter().map(|(name, tag)| format!("{} {}", shorten(name), role(*tag))).collect();
    decisions.push(Decision {
        what: "split".to_string(),
        choice: listed.join(", "),
        reason: "the folder comes in parts of these names".to_string(),
        flag: None,
    });
}

/// Parquet files in a folder or in its `data`.
fn shards(path: &Path) -> Vec<PathBuf> {
    let here = |folder: &Path| -> Vec<PathBuf> {
        entries(folder).into_iter().filter(|path| has_ending(path, &["parquet"])).collect()
    };
    let found = here(path);
    if found.is_empty() { here(&path.join("data")) } else { found }
}

fn read_shards(file: &str, path: &Path, options: &ReadOptions) -> Result<Content> {
    let mut shards: Vec<(Option<(usize, SplitTag)>, PathBuf)> =
        shards(path).into_iter().map(|path| (part(&name(&path)), path)).collect();
    // Parts only where every shard is of one, and one of them is tested on.
    let split = shards.iter().all(|(part, _)| part.is_some())
        && shards.iter().any(|(part, _)| part.is_some_and(|(_, tag)| tag == SplitTag::Test));
    if split {
        shards.sort_by_key(|(part, _)| part.map(|(at, _)| at));
    }
    let (mut batches, mut features, mut rows, mut parts) =
        (Batches::new(file, parquet::FORMAT), None, Vec::new(), Vec::new());
    for (part, path) in &shards {
        let before = batches.rows();
        let found = parquet::collect(path, &mut batches)?;
        features = features.or(found);
        if let Some((at, tag)) = part.filter(|_| split) {
            rows.push((tag, batches.rows() - before));
            if parts.last().is_none_or(|(name, _)| name != PARTS[at].0) {
                parts.push((PARTS[at].0.to_string(), tag));
            }
        }
    }
    let mut decisions = Vec::new();
    if split {
        say_split(&parts, &mut decisions);
    }
    content(file, parquet::FORMAT, batches, features.as_ref(), &rows, decisions, options)
}

/// Reads what `save_to_disk` has written.
fn read_saved(file: &str, path: &Path, options: &ReadOptions) -> Result<Content> {
    let mut parts: Vec<(String, SplitTag)> = Vec::new();
    let mut decisions = Vec::new();
    let whole = path.join("state.json").is_file();
    if !whole {
        let dictionary = json(&path.join("dataset_dict.json"))?;
        let names = dictionary.get("splits").and_then(Value::as_array).cloned().unwrap_or_default();
        for name in names.iter().filter_map(Value::as_str) {
            let place = part(name).filter(|_| inside(name));
            let (_, tag) = place.ok_or_else(|| ReadError::Option {
                file: file.to_string(),
                problem: format!("a split called {:?}", shorten(name)),
                hint: "train, validation and test are known; name the folder of one split to read it alone"
                    .to_string(),
            })?;
            parts.push((name.to_string(), tag));
        }
        parts.sort_by_key(|(name, _)| part(name).map(|(at, _)| at));
        if parts.is_empty() {
            let problem = "dataset_dict.json names no splits".to_string();
            return Err(ReadError::Header { file: file.to_string(), problem }.into());
        }
        say_split(&parts, &mut decisions);
    } else {
        parts.push((String::new(), SplitTag::Train));
    }
    let (mut batches, mut features, mut rows) = (Batches::new(file, SAVED), None, Vec::new());
    for (name, tag) in &parts {
        let folder = if whole { path.to_path_buf() } else { path.join(name) };
        let before = batches.rows();
        for shard in saved_shards(&folder)? {
            ipc::collect(&shard, &mut batches)?;
        }
        rows.push((*tag, batches.rows() - before));
        let info = folder.join("dataset_info.json");
        if features.is_none() && info.is_file() {
            features = json(&info)?.get_mut("features").map(Value::take);
        }
    }
    let rows = if whole { &[][..] } else { &rows };
    content(file, SAVED, batches, features.as_ref(), rows, decisions, options)
}

/// Whether a name from a file stays within its folder.
fn inside(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', '\0', ':']) && name != "." && name != ".."
}

/// The shards of a saved data set, in order.
fn saved_shards(folder: &Path) -> Result<Vec<PathBuf>> {
    let state = json(&folder.join("state.json"))?;
    if state
        .get("_indices_data_files")
        .is_some_and(|files| files.as_array().is_some_and(|files| !files.is_empty()))
    {
        return Err(ReadError::Option {
            file: folder.display().to_string(),
            problem: "rows are chosen by indices beside the data".to_string(),
            hint: "save it after `dataset.flatten_indices()`".to_string(),
        }
        .into());
    }
    let files = state.get("_data_files").and_then(Value::as_array).cloned().unwrap_or_default();
    let names: Vec<&str> = files.iter().filter_map(|file| file.get("filename")?.as_str()).collect();
    if names.is_empty() || !names.iter().all(|name| inside(name)) {
        let (file, problem) =
            (folder.display().to_string(), "state.json names no files of this folder".to_string());
        return Err(ReadError::Header { file, problem }.into());
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

fn json(path: &Path) -> Result<Value> {
    let text = input::read_text(path, MAX_DESCRIPTION_BYTES).map_err(ReadError::from)?;
    serde_json::from_str(&text).map_err(|error| {
        let (file, line) = (path.display().to_string(), error.line() as u64);
        ReadError::Line { file, line, problem: shorten(&error.to_string()).into_owned() }.into()
    })
}

/// Decodes the pictures in these files.
pub(super) fn decode_files(
    file: &str,
    files: &[PathBuf],
    decisions: &mut Vec<Decision>,
) -> Result<(Shape, Matrix)> {
    let fetch = |index: usize| {
        let path: &PathBuf = &files[index];
        Ok((path.display().to_string(), read_picture(path)?))
    };
    decode(file, files.len(), fetch, decisions)
}

/// The pictures that lie in a folder itself, by name.
pub(super) fn pictures_in(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|entry| is_picture(entry)).collect()
}

/// The pictures that lie in a folder itself, by name, where it is no data set: nobody has sorted them into classes.
pub(super) fn unsorted(path: &Path) -> Vec<PathBuf> {
    match kind(path) {
        Some(_) => Vec::new(),
        None => pictures_in(path),
    }
}

/// The pictures of a folder, in the order in which they are rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Their files.
    pub files: Vec<PathBuf>,
    /// What they are called: their paths below the folder, with `/` between the parts.
    pub names: Vec<String>,
    /// The names of the folders that they lie in, where these are classes.
    pub labels: Option<Vec<String>>,
    /// The parts of an official split, where the folder comes in such parts.
    pub split: Option<Vec<SplitTag>>,
    /// What was decided.
    pub decisions: Vec<Decision>,
}

/// Lists the pictures of a folder: those in a folder for each class, as one row each of the data set that it is; where it has no
/// such folders, those that lie in it. Their files are not opened.
///
/// # Errors
/// [`ReadError::UnknownFolder`] where there is none.
pub fn list_pictures(path: &Path) -> Result<Listed, ReadError> {
    if let Some(Kind::Pictures) = kind(path) {
        return Ok(list_classes(path));
    }
    let files = unsorted(path);
    if files.is_empty() {
        return Err(ReadError::UnknownFolder { file: path.display().to_string() });
    }
    let names = files.iter().map(|file| name(file)).collect();
    Ok(Listed { files, names, labels: None, split: None, decisions: Vec::new() })
}

/// The bytes of a picture's file.
///
/// # Errors
/// [`ReadError::Input`] for what is no regular file, or one that is larger than pictures are.
pub fn read_picture(path: &Path) -> Result<Vec<u8>, ReadError> {
    Ok(input::read(path, MAX_PICTURE_BYTES)?)
}

/// Lists pictures in a folder for each class.
fn list_classes(path: &Path) -> Listed {
    let below = folders(path);
    let parts: Vec<(usize, SplitTag, &PathBuf)> =
        below.iter().filter_map(|folder| part(&name(folder)).map(|(at, tag)| (at, tag, folder))).collect();
    let split = parts.len() == below.len()
        && parts.iter().any(|(_, tag, _)| *tag == SplitTag::Test)
        && parts.iter().all(|(_, _, folder)| !folders(folder).is_empty());
    let mut decisions = Vec::new();
    let mut roots = vec![(SplitTag::Train, path.to_path_buf())];
    if split {
        let mut parts = parts;
        parts.sort_by_key(|(at, _, _)| *at);
        roots = parts.iter().map(|(_, tag, folder)| (*tag, folder.to_path_buf())).collect();
        let named: Vec<(String, SplitTag)> =
            parts.iter().map(|(_, tag, folder)| (name(folder), *tag)).collect();
        say_split(&named, &mut decisions);
    }
    let (mut files, mut labels, mut tags, mut others) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (tag, root) in &roots {
        for class in folders(root) {
            for entry in entries(&class) {
                if !is_picture(&entry) {
                    others += 1;
                    continue;
                }
                files.push(entry);
                labels.push(name(&class));
                tags.push(*tag);
            }
        }
    }
    if others > 0 {
        decisions.push(Decision {
            what: "other files".to_string(),
            choice: format!("{others} left out"),
            reason: format!("pictures end with {}", PICTURES.join(", ")),
            flag: None,
        });
    }
    let below = |file: &PathBuf| {
        let parts = file.strip_prefix(path).unwrap_or(file).iter();
        parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    let names = files.iter().map(below).collect();
    Listed { files, names, labels: Some(labels), split: split.then_some(tags), decisions }
}

/// Reads pictures in a folder for each class.
fn read_pictures(file: &str, path: &Path) -> Result<Examples> {
    let Listed { files, labels, split, mut decisions, .. } = list_classes(path);
    let (shape, inputs) = decode_files(file, &files, &mut decisions)?;
    decisions.push(Decision {
        what: "labels".to_string(),
        choice: "the names of the folders".to_string(),
        reason: "pictures lie in a folder for each class".to_string(),
        flag: None,
    });
    Ok(Examples {
        file: file.to_string(),
        shape,
        inputs,
        labels: labels.map(Labels::Texts),
        split,
        target: super::columns::DEFAULT_LABEL.to_string(),
        decisions,
        warnings: Vec::new(),
    })
}
