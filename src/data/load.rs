//! [`load`]: a data set by name or by path.

use super::columns::Examples;
use super::dataset::Dataset;
use super::error::DataError;
use super::readers::{ReadError, ReadOptions, folders, format, read, read_examples};
use super::{embedded, synthetic};
use crate::data::TargetKind;
use crate::error::Result;
use crate::rng::Key;
use std::path::{Path, PathBuf};

/// The names of the two synthetic sets from the literature.
const CLASSIC: [&str; 2] = ["threeclust", "divergingsin"];
/// The column of raw text in a table whose features are an array beside it.
const TEXT_COLUMN: &str = "text";

/// The data set that `spec` names, looked for in this order:
///
/// 1. `NAME` in `data_dir`: the folder `NAME/` with a file `NAME` of a known ending (`NAME.csv.gz`; label column
///    `label`, split column `split`; where a table of text has a column `text`, the one `.npy` file of the folder
///    takes the place of the features) or with a pair of IDX files; or a file `NAME.csv.gz` and so on in `data_dir`
///    itself; or the folder `NAME/` where it is itself a data set;
/// 2. an embedded set ([`embedded::NAMES`]), also by scikit-learn's name (`load_iris`, `sklearn:iris`);
/// 3. `threeclust` or `divergingsin`, made from the key of seed 0;
/// 4. the path of a file.
///
/// A folder that is handed in wins over an embedded set of the same name. A name never leads out of
/// `data_dir`: what has a separator in it is a path.
///
/// # Errors
/// [`DataError::UnknownName`] with the nearest known name, or what the reader says.
pub fn load(spec: &str, data_dir: Option<&Path>) -> Result<Dataset> {
    load_with(spec, data_dir, &ReadOptions::default())
}

/// [`load`], read with other options.
///
/// # Errors
/// As [`load`], and of a generated set, which has no options, [`ReadError::Option`].
pub fn load_with(spec: &str, data_dir: Option<&Path>, options: &ReadOptions) -> Result<Dataset> {
    match place(spec, data_dir)? {
        Place::File(path, name) => read(&path, &found_options(&path, name, options)?),
        Place::Embedded => embedded::read(spec, options),
        Place::Classic(make) => {
            if *options != (ReadOptions { name: options.name.clone(), ..ReadOptions::default() }) {
                return Err(ReadError::Option {
                    file: spec.to_string(),
                    problem: "a generated set has no columns or members to name".to_string(),
                    hint: "leave the option out".to_string(),
                }
                .into());
            }
            let set = make(Key::root(0).named(spec))?;
            Ok(match &options.name {
                Some(name) => set.renamed(name),
                None => set,
            })
        }
    }
}

/// What `spec` names, to be looked at: there may be no labels.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// Examples with labels.
    Labelled(Box<Dataset>),
    /// Rows of which none has a label.
    Unlabelled(Box<Examples>),
}

/// [`load_with`], but for rows without labels, too.
///
/// # Errors
/// As [`load_with`].
pub fn look(spec: &str, data_dir: Option<&Path>, options: &ReadOptions) -> Result<Loaded> {
    // Whoever says that there are masks wants them; without any, the reader says so.
    let masked = options.columns.task == TargetKind::Mask;
    if let Place::File(path, name) = place(spec, data_dir)?
        && !masked
    {
        let examples = read_examples(&path, &found_options(&path, name, options)?)?;
        return Ok(match examples.is_labelled() {
            true => Loaded::Labelled(Box::new(examples.into_dataset()?)),
            false => Loaded::Unlabelled(Box::new(examples)),
        });
    }
    Ok(Loaded::Labelled(Box::new(load_with(spec, data_dir, options)?)))
}

/// All rows of the file or folder that `spec` names, of which some may have no label; `None` for a set that comes with the program, whose rows
/// all have one.
///
/// # Errors
/// As [`load_with`].
pub fn rows(spec: &str, data_dir: Option<&Path>, options: &ReadOptions) -> Result<Option<Examples>> {
    match place(spec, data_dir)? {
        Place::File(path, name) => read_examples(&path, &found_options(&path, name, options)?).map(Some),
        Place::Embedded | Place::Classic(_) => Ok(None),
    }
}

/// Where a data set is.
enum Place {
    /// A file, and the name under which a data folder has it.
    File(PathBuf, Option<String>),
    Embedded,
    Classic(fn(Key) -> Result<Dataset>),
}

fn place(spec: &str, data_dir: Option<&Path>) -> Result<Place> {
    let is_name = !spec.is_empty() && !spec.contains(['/', '\\']) && spec != "." && spec != "..";
    if is_name {
        if let Some(dir) = data_dir
            && let Some(found) = find(spec, dir)
        {
            return Ok(Place::File(found, Some(spec.to_string())));
        }
        if embedded::known(spec).is_some() {
            return Ok(Place::Embedded);
        }
        match spec {
            "threeclust" => return Ok(Place::Classic(synthetic::three_clust)),
            "divergingsin" => return Ok(Place::Classic(synthetic::diverging_sin)),
            _ => {}
        }
    }
    let path = Path::new(spec);
    // Whatever stands there, a pipe or a link to nowhere too: the reader says what it is.
    if path.symlink_metadata().is_ok() || !is_name || path.extension().is_some() {
        return Ok(Place::File(path.to_path_buf(), None));
    }
    let mut known: Vec<String> = embedded::NAMES.into_iter().chain(CLASSIC).map(String::from).collect();
    known.extend(data_dir.map(names_in).unwrap_or_default());
    known.sort();
    known.dedup();
    Err(DataError::UnknownName {
        name: spec.to_string(),
        looked_in: data_dir.map(|dir| dir.display().to_string()),
        hint: super::readers::suggest(spec, &known),
    }
    .into())
}

/// The files that [`load`] may read for `spec`, so that nothing is written over them: the file of a name or path,
/// and the arrays and IDX files beside it, which may hold its features or labels.
pub fn files(spec: &str, data_dir: Option<&Path>) -> Vec<PathBuf> {
    let is_name = !spec.contains(['/', '\\']);
    let named = data_dir.filter(|_| is_name).and_then(|dir| find(spec, dir));
    let mut own: Vec<PathBuf> = named.into_iter().chain([PathBuf::from(spec)]).collect();
    // Of a folder that is a data set: its parts, their classes, and the files of these.
    let mut level: Vec<PathBuf> = own.iter().filter(|path| folders::recognise(path)).cloned().collect();
    for _ in 0..3 {
        level = level.iter().filter(|path| path.is_dir()).flat_map(|path| folders::entries(path)).collect();
        own.extend(level.iter().cloned());
    }
    let part = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.ends_with(".npy") || name.contains("-idx")
    };
    let folders = own.iter().filter_map(|path| path.parent());
    let folders = folders.map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir });
    let beside: Vec<PathBuf> = folders.flat_map(files_in).filter(part).collect();
    own.into_iter().chain(beside).collect()
}

/// The file or folder that `name` stands for in `dir`.
fn find(name: &str, dir: &Path) -> Option<PathBuf> {
    let folder = dir.join(name);
    let named = |dir: &Path| {
        let compressed =
            |ending| [".gz", "", ".zst"].map(|compression| format!("{name}{ending}{compression}"));
        let files = format::endings().flat_map(compressed);
        files.map(|file| dir.join(file)).find(|path| path.is_file())
    };
    let itself = || folders::recognise(&folder).then(|| folder.clone());
    named(&folder).or_else(|| images_in(&folder)).or_else(|| named(dir)).or_else(itself)
}

/// The file of images in `folder`, the first by name if there are several.
fn images_in(folder: &Path) -> Option<PathBuf> {
    files_in(folder).into_iter().find(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.contains("images") && name.contains("-idx")
    })
}

/// The files of a folder by name; none where it cannot be listed.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// The names of the data sets in a data folder, in order; none where it cannot be listed.
pub fn names_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(super::readers::stem(&entry.ok()?.path())))
        .filter(|name| find(name, dir).is_some())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The options with which a file is read. One that a data folder has under a `name` bears it, and if it is a table
/// with a column of text, takes its features from the one array beside it, unless features are named.
fn found_options(path: &Path, name: Option<String>, options: &ReadOptions) -> Result<ReadOptions> {
    let mut options = options.clone();
    let Some(name) = name else { return Ok(options) };
    options.name.get_or_insert(name);
    let columns = &options.columns;
    if !options.features.is_empty() || !columns.columns.is_empty() || !columns.ignore.is_empty() {
        return Ok(options);
    }
    let arrays: Vec<PathBuf> = path
        .parent()
        .map(files_in)
        .unwrap_or_default()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "npy"))
        .collect();
    if let [array] = &arrays[..]
        && super::readers::has_column(path, TEXT_COLUMN)?
    {
        options.features = vec![array.clone()];
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;

    #[test]
    fn names_are_found_in_order() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("iris")).unwrap();
        std::fs::write(dir.path().join("iris/iris.csv"), "label,x\na,1\nb,2\n").unwrap();
        std::fs::write(dir.path().join("mine.csv"), "label,x\na,1\nb,2\nb,3\n").unwrap();
        let own = load("iris", Some(dir.path())).unwrap();
        assert_eq!((own.rows(), own.name()), (2, "iris"));
        assert_eq!(load("iris", None).unwrap().rows(), 150);
        assert_eq!(load("mine", Some(dir.path())).unwrap().rows(), 3);
        let path = dir.path().join("mine.csv").display().to_string();
        assert_eq!(load(&path, None).unwrap().name(), "mine");
        assert_eq!(load("threeclust", Some(dir.path())).unwrap().rows(), 600);
        assert_eq!(load("divergingsin", None).unwrap().rows(), 2000);
        let error = load("mime", Some(dir.path())).unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean \"mine\"?");
        assert!(load("missing.csv", None).unwrap_err().to_string().contains("cannot be opened"));
        assert!(load("..", Some(dir.path())).is_err());
    }

    #[test]
    fn images_and_texts_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        std::fs::create_dir(dir.path().join("pics")).unwrap();
        write("pics/t-images-idx3-ubyte", &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4]);
        write("pics/t-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1]);
        let pics = load("pics", Some(dir.path())).unwrap();
        assert_eq!(pics.shape(), Shape::Image { channels: 1, height: 1, width: 2 });
        assert_eq!((pics.inputs().values(), pics.labels()), (&[1.0, 2.0, 3.0, 4.0][..], &[0, 1][..]));

        std::fs::create_dir(dir.path().join("news")).unwrap();
        write("news/news.csv", b"split,label,text\nnone,0,\"a, b\"\nnone,1,c\n");
        let mut array =
            b"\x93NUMPY\x01\x00\x3c\x00{'descr': '<f2', 'fortran_order': False, 'shape': (2, 1)}".to_vec();
        array.resize(10 + 0x3c, b' ');
        array.extend([0x00, 0x3c, 0x00, 0xc0]);
        write("news/embedding.npy", &array);
        let news = load("news", Some(dir.path())).unwrap();
        assert_eq!(news.inputs().values(), [1.0, -2.0]);
    }
}
