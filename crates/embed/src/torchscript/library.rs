//! The library that runs TorchScript modules: where it is, and what may be wrong with it.

use super::interface::{Interface, Text, VERSION};
use crate::EmbedError;
use libloading::{Library, library_filename};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The variable that names the library.
pub const LIBRARY_VARIABLE: &str = "QUERIST_TORCHSCRIPT";

/// The table that the library exports.
const SYMBOL: &str = "QUERIST_TORCHSCRIPT_INTERFACE";

/// One library serves the process: libtorch cannot be unloaded.
static LOADED: Mutex<Option<&'static Interface>> = Mutex::new(None);

/// The functions of the library at `named`, or where `None`, of the one beside the program. The first one that could be
/// loaded serves the whole process.
pub(super) fn interface(named: Option<&Path>) -> Result<&'static Interface, EmbedError> {
    let mut held = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(interface) = *held {
        return Ok(interface);
    }
    let path = locate(named)?;
    // SAFETY: initialisers of a library that the user names run; that is what naming one asks for.
    let library = unsafe { Library::new(&path) }.map_err(|error| refused(&path, &error))?;
    // SAFETY: libraries that export the symbol export a table under it, of whatever version.
    let table = unsafe { library.get::<*const Interface>(SYMBOL) };
    let table = *table.map_err(|error| EmbedError::NoTorchScript {
        reason: format!("{} is another library ({})", path.display(), said(&error)),
    })?;
    // SAFETY: the version is the first field of a table of any version.
    let version = unsafe { table.cast::<u32>().read() };
    if version != VERSION {
        return Err(EmbedError::OtherInterface { path, found: version, expected: VERSION });
    }
    // Never unloaded, so that the table lives as long as the process.
    std::mem::forget(library);
    // SAFETY: of this version the table is an `Interface`, and it is never unloaded.
    Ok(held.insert(unsafe { &*table }))
}

/// The file that is to be loaded.
fn locate(named: Option<&Path>) -> Result<PathBuf, EmbedError> {
    let missing = |reason: String| EmbedError::NoTorchScript { reason };
    match named {
        // A relative path would be looked for in the folders of the system's loader.
        Some(path) => match path.canonicalize() {
            Ok(path) if path.is_file() => Ok(path),
            _ => Err(missing(format!("{LIBRARY_VARIABLE} names {}, which is no file", path.display()))),
        },
        None => {
            let program = std::env::current_exe().and_then(|program| program.canonicalize());
            let program = program.map_err(|error| missing(format!("where the program lies: {error}")))?;
            let path = program.with_file_name(library_filename("querist_torchscript"));
            match path.is_file() {
                true => Ok(path),
                false => {
                    Err(missing(format!("{LIBRARY_VARIABLE} names none, and there is no {}", path.display())))
                }
            }
        }
    }
}

/// Why a library that is there is not loaded. The system's loader begins with the name of the file that it could not open:
/// another one than the library's own is one that the library needs, and so are symbols that it does not find.
fn refused(path: &Path, error: &libloading::Error) -> EmbedError {
    let reason = said(error);
    let own = reason.starts_with(&*path.to_string_lossy());
    match own && !reason.contains("undefined symbol") {
        true => EmbedError::NoTorchScript { reason },
        false => EmbedError::NoLibtorch { path: path.to_path_buf(), reason },
    }
}

/// The words of the system's loader.
fn said(error: &libloading::Error) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// A text of the library's.
///
/// # Safety
/// The text must live until the function returns.
pub(super) unsafe fn words(text: Text) -> String {
    if text.bytes.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise, and by the interface a text has so many bytes.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(text.bytes, text.length) }).into_owned()
}
