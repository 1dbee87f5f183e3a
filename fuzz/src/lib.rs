//! What the fuzz targets share: a file of the fuzzer's bytes, and what every refusal must be.

use querist::data::readers::{ReadOptions, read, read_examples, within_library};
use querist::error::{Exit, MAX_MESSAGE};
use querist::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::{env, fs, panic, process};

/// A file called `name` that holds `bytes`, in a folder of this process; every call overwrites the last.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let_libraries_panic();
    // Memory, where the system has a folder for it: the disk would be most of the time.
    let shared = Path::new("/dev/shm");
    let base = if shared.is_dir() { shared.to_path_buf() } else { env::temp_dir() };
    let folder = base.join(format!("querist-fuzz-{}", process::id()));
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for files");
    fs::write(&path, bytes).expect("a file in it");
    path
}

/// Whatever is refused is bad input, in a message of bounded length that a terminal can show.
pub fn refused(error: &Error) {
    let text = error.to_string();
    assert_eq!(error.exit(), Exit::BadInput, "{text}");
    assert!(text.chars().count() <= MAX_MESSAGE, "{} characters", text.chars().count());
    assert!(!text.contains('\u{1b}'), "an escape code in {text:?}");
    if let Some(hint) = error.hint() {
        assert!(hint.chars().count() <= MAX_MESSAGE && !hint.contains('\u{1b}'), "{hint:?}");
    }
}

/// Checks the refusal, if it is one.
pub fn judge<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(refused).ok()
}

/// Panics of libraries that the program takes for damage of the file are none of its own: libFuzzer would end with the first.
fn let_libraries_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !within_library() {
                hook(info);
            }
        }));
    });
}

/// Reads the bytes as a data set in a file called `name`, with labels and without; what is accepted has finite values.
pub fn read_as(name: &str, bytes: &[u8]) {
    let path = file(name, bytes);
    let options = ReadOptions::default();
    if let Some(dataset) = judge(read(&path, &options)) {
        assert!(dataset.rows() > 0 && dataset.labels().len() == dataset.rows());
        assert_eq!(dataset.inputs().rows(), dataset.rows());
    }
    judge(read_examples(&path, &options));
}
