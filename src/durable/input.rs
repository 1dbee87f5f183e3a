//! The only way to a file that is handed in: regular, opened without waiting, and no larger than it may be.
//!
//! Links are followed, and what they end at must be a regular file: a pipe may never be written to, a device
//! may never end, and both may do something when they are opened.

use crate::error::{Fault, shorten};
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Why a file that is handed in is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum InputError {
    /// The operating system refuses; `reason` has its words.
    #[error("{}: cannot be {doing}: {reason}", path.display())]
    Io { path: PathBuf, doing: &'static str, reason: String },
    /// A folder, a pipe, a device or a socket.
    #[error("{}: {kind}, not a regular file", path.display())]
    #[diagnostic(help("write what it gives to a file, and name that"))]
    NotAFile { path: PathBuf, kind: &'static str },
    /// More bytes than such a file may have.
    #[error("{}: {found} bytes, at most {limit} are read", path.display())]
    TooLarge { path: PathBuf, found: u64, limit: u64 },
    /// A text in another encoding than UTF-8.
    #[error("{}: not UTF-8 at byte {offset}", path.display())]
    #[diagnostic(help("save the file as UTF-8"))]
    NotUtf8 { path: PathBuf, offset: usize },
}

impl Fault for InputError {}

impl InputError {
    fn io(path: &Path, doing: &'static str, error: &io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), doing, reason: words(error) }
    }
}

/// The system's words for a fault, without `(os error 2)`.
pub fn words(error: &io::Error) -> String {
    let text = error.to_string();
    shorten(text.split(" (os error").next().unwrap_or(&text)).to_lowercase()
}

/// Opens a regular file for reading and says how many bytes it has. Never waits, whatever `path` names.
///
/// # Errors
/// [`InputError::Io`] and [`InputError::NotAFile`].
pub fn open(path: &Path) -> Result<(File, u64), InputError> {
    let refuse = |error: io::Error| InputError::io(path, "opened", &error);
    let regular = |kind: FileType| match kind.is_file() {
        true => Ok(()),
        false => Err(InputError::NotAFile { path: path.to_path_buf(), kind: name(kind) }),
    };
    // Asked before opening, since opening alone makes some devices act; and after it, since another file may
    // have come to stand there.
    regular(fs::metadata(path).map_err(refuse)?.file_type())?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // Without a writer, opening a pipe waits for one. Regular files know no difference.
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK);
    }
    let file = options.open(path).map_err(refuse)?;
    let found = file.metadata().map_err(refuse)?;
    regular(found.file_type())?;
    Ok((file, found.len()))
}

/// The content of a regular file of at most `limit` bytes. No more than one byte beyond it is held, even of
/// a file that grows.
///
/// # Errors
/// As [`open`], and [`InputError::TooLarge`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    open_within(path, limit)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| InputError::io(path, "read", &error))?;
    if bytes.len() as u64 > limit { Err(large(path, bytes.len() as u64, limit)) } else { Ok(bytes) }
}

/// A regular file of at most `limit` bytes, to be read piece by piece; of one that grows, no more than that comes.
///
/// # Errors
/// As [`open`], and [`InputError::TooLarge`].
pub fn reader(path: &Path, limit: u64) -> Result<impl BufRead, InputError> {
    Ok(BufReader::with_capacity(1 << 16, open_within(path, limit)?.take(limit)))
}

fn open_within(path: &Path, limit: u64) -> Result<File, InputError> {
    match open(path)? {
        (_, size) if size > limit => Err(large(path, size, limit)),
        (file, _) => Ok(file),
    }
}

fn large(path: &Path, found: u64, limit: u64) -> InputError {
    InputError::TooLarge { path: path.to_path_buf(), found, limit }
}

/// The text of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`read`], and [`InputError::NotUtf8`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, InputError> {
    String::from_utf8(read(path, limit)?).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        InputError::NotUtf8 { path: path.to_path_buf(), offset }
    })
}

fn name(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    if kind.is_dir() { "a folder" } else { "something else" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_exactly_the_limit_is_read_and_a_longer_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, [7u8; 10]).unwrap();
        assert_eq!(read(&path, 10).unwrap(), [7u8; 10]);
        let error = read(&path, 9).unwrap_err();
        assert_eq!(error, InputError::TooLarge { path: path.clone(), found: 10, limit: 9 });
        fs::write(&path, b"ab\xff").unwrap();
        assert_eq!(read_text(&path, 9).unwrap_err(), InputError::NotUtf8 { path, offset: 2 });
    }

    /// A file with a hole of 40 GB is refused by its length; nothing of it is read.
    #[test]
    fn a_sparse_file_is_refused_by_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(40 << 30).unwrap();
        let error = read(&path, 1 << 20).unwrap_err();
        assert_eq!(error, InputError::TooLarge { path, found: 40 << 30, limit: 1 << 20 });
    }

    /// A pipe without a writer once hung whoever opened it.
    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let name = std::ffi::CString::new(pipe.as_os_str().as_bytes()).unwrap();
        // SAFETY: `name` is a string that ends with a zero byte and outlives the call.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        let cases = [
            (&*pipe, "a named pipe"),
            (&link, "a named pipe"),
            (&socket, "a socket"),
            (folder.path(), "a folder"),
            (Path::new("/dev/zero"), "a device"),
        ];
        for (path, expected) in cases {
            let error = read(path, 10).unwrap_err();
            assert_eq!(error, InputError::NotAFile { path: path.to_path_buf(), kind: expected });
        }
        let error = read(&folder.path().join("none"), 10).unwrap_err();
        assert!(matches!(error, InputError::Io { doing: "opened", .. }), "{error}");
    }
}
