//! A file opened with care: regular, not empty, inflated if compressed, and never a bomb.

use super::error::ReadError;
use crate::durable::input::{self, words};
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

/// Compressed data may inflate to this many times its size …
pub const MAX_INFLATION: u64 = 200;
/// … beyond this many bytes, which any file may.
pub const FREE_INFLATION: u64 = 4 << 20;
/// How a gzip file starts.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How a Zstandard frame starts.
const ZSTANDARD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Whether `inflated` bytes out of `compressed` are more than a sound data file gives.
pub(super) fn check_inflation(file: &str, inflated: u64, compressed: u64) -> Result<(), ReadError> {
    if inflated > FREE_INFLATION.saturating_add(compressed.saturating_mul(MAX_INFLATION)) {
        return Err(ReadError::Bomb { file: file.to_string(), inflated, compressed, ratio: MAX_INFLATION });
    }
    Ok(())
}

/// The plain bytes of a file, to be read once from front to back.
pub(super) struct Source<'a> {
    /// What errors call it.
    pub file: String,
    /// Bytes on disk.
    pub size: u64,
    /// Whether it was compressed; if not, `size` bytes will come.
    pub compressed: bool,
    reader: Box<dyn BufRead + 'a>,
}

impl Source<'static> {
    /// Opens `path`. Gzip and Zstandard are known by their first bytes, whatever the name says.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = path.display().to_string();
        let (handle, size) = input::open(path)?;
        expect_no_bomb(&file, &handle, size)?;
        Self::over(file, size, BufReader::with_capacity(64 << 10, handle))
    }
}

/// Refuses a gzip file whose last bytes announce more than it may inflate to, once inflating it has shown that it does:
/// before anything is made of what comes out.
fn expect_no_bomb(file: &str, mut handle: &File, size: u64) -> Result<(), ReadError> {
    let refuse = |error| fault(file, error);
    let (mut magic, mut announced) = ([0u8; 2], [0u8; 4]);
    if size < 18 {
        return Ok(());
    }
    handle.read_exact(&mut magic).map_err(refuse)?;
    handle.seek(SeekFrom::End(-4)).map_err(refuse)?;
    handle.read_exact(&mut announced).map_err(refuse)?;
    handle.rewind().map_err(refuse)?;
    let announced = u64::from(u32::from_le_bytes(announced));
    if magic != GZIP || check_inflation(file, announced, size).is_ok() {
        return Ok(());
    }
    let mut source = Source::over(file.to_string(), size, BufReader::with_capacity(64 << 10, handle))?;
    let inflated = io::copy(&mut source.reader, &mut io::sink());
    // Whatever else is wrong is found, with its place, when the file is read.
    if let Err(error) = inflated
        && let bomb @ ReadError::Bomb { .. } = fault(file, error)
    {
        return Err(bomb);
    }
    handle.rewind().map_err(refuse)
}

impl<'a> Source<'a> {
    /// A file that is in memory already.
    pub fn of_bytes(file: &str, bytes: &'a [u8]) -> Result<Self, ReadError> {
        Self::over(file.to_string(), bytes.len() as u64, bytes)
    }

    fn over(file: String, size: u64, mut raw: impl BufRead + 'a) -> Result<Self, ReadError> {
        let start = raw.fill_buf().map_err(|error| fault(&file, error))?;
        if start.is_empty() {
            return Err(ReadError::Empty { file });
        }
        let (gzip, zstandard) = (start.starts_with(&GZIP), start.starts_with(ZSTANDARD));
        let compressed = gzip || zstandard;
        let mut reader: Box<dyn BufRead + 'a> = if compressed {
            let consumed = Rc::new(Cell::new(0));
            let counted = Counted { inner: raw, consumed: consumed.clone() };
            let decoder: Box<dyn Read + 'a> = if gzip {
                Box::new(MultiGzDecoder::new(counted))
            } else {
                let decoder = zstd::stream::read::Decoder::with_buffer(counted);
                Box::new(decoder.map_err(|error| fault(&file, error))?)
            };
            let inflate = Inflate { decoder, file: file.clone(), consumed, inflated: 0 };
            Box::new(BufReader::with_capacity(64 << 10, inflate))
        } else {
            Box::new(raw)
        };
        if reader.fill_buf().map_err(|error| fault(&file, error))?.is_empty() {
            return Err(ReadError::Empty { file });
        }
        Ok(Self { file, size, compressed, reader })
    }

    /// The first bytes, without consuming them.
    pub fn peek(&mut self) -> Result<&[u8], ReadError> {
        self.reader.fill_buf().map_err(|error| fault(&self.file, error))
    }

    /// The next `count` bytes, or all where there are fewer, without consuming them.
    pub fn head(&mut self, count: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(count as u64).read_to_end(&mut bytes);
        read.map_err(|error| fault(&self.file, error))?;
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(bytes.clone()).chain(rest));
        Ok(bytes)
    }

    /// Skips a UTF-8 byte-order mark; refuses what starts like UTF-16 or UTF-32.
    pub fn expect_utf8(&mut self) -> Result<(), ReadError> {
        let start = self.peek()?;
        // The mark of UTF-32 begins like that of UTF-16.
        let known: [(&[u8], &str, &str); 4] = [
            (&[0xff, 0xfe, 0, 0], "starts like UTF-32 (byte-order mark)", "UTF-32"),
            (&[0, 0, 0xfe, 0xff], "starts like UTF-32 (byte-order mark)", "UTF-32"),
            (&[0xff, 0xfe], "starts like UTF-16 (byte-order mark)", "UTF-16"),
            (&[0xfe, 0xff], "starts like UTF-16 (byte-order mark)", "UTF-16"),
        ];
        if let Some((_, what, encoding)) = known.into_iter().find(|(mark, ..)| start.starts_with(mark)) {
            return Err(ReadError::Encoding { file: self.file.clone(), what, encoding });
        }
        if start.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.reader.consume(3);
        }
        Ok(())
    }

    /// Fills `buffer`; `what` says what was expected where the file ends too early.
    pub fn fill(&mut self, buffer: &mut [u8], what: &str) -> Result<(), ReadError> {
        self.reader.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof if error.get_ref().is_none() => {
                ReadError::Truncated { file: self.file.clone(), what: what.to_string() }
            }
            _ => fault(&self.file, error),
        })
    }

    /// Refuses bytes after the announced end; `announced` is what has been read.
    pub fn expect_end(&mut self, announced: u64) -> Result<(), ReadError> {
        let more = io::copy(&mut self.reader, &mut io::sink()).map_err(|error| fault(&self.file, error))?;
        if more > 0 {
            let file = self.file.clone();
            return Err(ReadError::Trailing { file, expected: announced, found: announced + more });
        }
        Ok(())
    }

    /// The stream itself, to be read further.
    pub fn reader(&mut self) -> impl Read {
        &mut self.reader
    }

    /// The stream itself.
    pub fn into_reader(self) -> Box<dyn BufRead + 'a> {
        self.reader
    }
}

/// The reader's own error if `error` carries one, else what the decoder or the system says.
pub(super) fn fault(file: &str, error: io::Error) -> ReadError {
    let file = file.to_string();
    match error.downcast::<ReadError>() {
        Ok(own) => own,
        Err(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                ReadError::Truncated { file, what: "the compressed data has no end".to_string() }
            }
            // Zstandard's errors are of no kind.
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
                ReadError::Compressed { file, error: words(&error) }
            }
            _ => ReadError::Io { file, what: "read", error: words(&error) },
        },
    }
}

/// Counts what the decoder consumes.
struct Counted<R> {
    inner: R,
    consumed: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.consumed.set(self.consumed.get() + count as u64);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.consumed.set(self.consumed.get() + count as u64);
        self.inner.consume(count);
    }
}

/// Inflates, and stops at the first byte that makes it a bomb.
struct Inflate<R> {
    decoder: R,
    file: String,
    consumed: Rc<Cell<u64>>,
    inflated: u64,
}

impl<R: Read> Read for Inflate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        self.inflated += count as u64;
        check_inflation(&self.file, self.inflated, self.consumed.get()).map_err(io::Error::other)?;
        Ok(count)
    }
}
