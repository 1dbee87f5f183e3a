//! An array that is made block by block, and goes on from the last whole block when it was interrupted.
//!
//! Beside the `.npy` file that it will be lies a folder with its name and `.work`, which one process holds:
//!
//! ```text
//! rows      the rows of finished blocks, as the array will hold them
//! blocks    querist-blocks 1 <run> <crc>\n
//!           <crc> <seq> <len> {"rows": 512, "width": 384, "crc": 3632233996, "source": "<sha256>"}\n
//! ```
//!
//! A block counts once its line is there: its rows are on the disk before. On opening, the rows of every line are compared
//! with its checksum, and `source`, a digest of what the block was made of, with what it would be made of now; blocks are
//! kept up to the first that differs. The array itself appears whole, at the end.

use super::RunError;
use super::lines::{self, Format};
use crate::durable::{self, DurableError, Lock, Log, digest, input};
use crate::error::Result;
use half::f16;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The format's version.
pub const VERSION: u64 = 1;
/// What the folder's name ends with.
pub const ENDING: &str = ".work";
const FORMAT: Format =
    Format { magic: "querist-blocks", version: VERSION, name: "list of blocks", line: "block" };
/// The longest list that is read.
const MAX_LIST_BYTES: u64 = 1 << 30;
/// The header of an array starts at a multiple of so many bytes after its beginning, as NumPy writes it.
const ALIGNMENT: usize = 64;

/// The elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// Two bytes: eleven binary digits, up to 65,504.
    Float16,
    /// Four bytes.
    Float32,
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElementType::Float16 => "float16",
            ElementType::Float32 => "float32",
        })
    }
}

impl FromStr for ElementType {
    type Err = String;

    /// `float16` or `float32`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "float16" => Ok(ElementType::Float16),
            "float32" => Ok(ElementType::Float32),
            _ => Err("expected float16 or float32".to_string()),
        }
    }
}

impl ElementType {
    /// The bytes of `values`; where one of them becomes infinite, its place.
    fn encode(self, values: &[f32]) -> Result<Vec<u8>, usize> {
        let finite = |at: usize, value: f16| if value.is_finite() { Ok(value) } else { Err(at) };
        match self {
            ElementType::Float32 => Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            ElementType::Float16 => {
                let halves = values.iter().enumerate().map(|(at, value)| finite(at, f16::from_f32(*value)));
                let halves: Vec<f16> = halves.collect::<Result<_, _>>()?;
                Ok(halves.into_iter().flat_map(f16::to_le_bytes).collect())
            }
        }
    }

    /// The header of an array of shape `[rows, width]`.
    fn header(self, rows: usize, width: usize) -> Vec<u8> {
        let kind = match self {
            ElementType::Float16 => "<f2",
            ElementType::Float32 => "<f4",
        };
        let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({rows}, {width}), }}")
            .into_bytes();
        // Ten bytes stand before the text, and a line break ends it.
        let length = (10 + text.len() + 1).next_multiple_of(ALIGNMENT) - 10;
        text.resize(length - 1, b' ');
        text.push(b'\n');
        let length = u16::try_from(length).expect("two numbers are no long text");
        [&b"\x93NUMPY\x01\x00"[..], &length.to_le_bytes(), &text].concat()
    }
}

/// A finished block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Block {
    rows: usize,
    width: usize,
    /// The CRC-32 (IEEE) of its rows' bytes.
    crc: u32,
    /// The digest of what it was made of.
    source: String,
}

/// What was written in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows of the array.
    pub rows: usize,
    /// Columns of the array.
    pub width: usize,
    /// The SHA-256 of the file.
    pub sha256: String,
    /// The SHA-256 of the digests of what its blocks were made of, one after the other.
    pub source: String,
}

/// Blocks of an array that is not whole yet.
#[derive(Debug)]
pub struct Blocks {
    folder: PathBuf,
    element: ElementType,
    /// None until the first block is written: what is refused before changes no file.
    logs: Option<(Log, Log)>,
    header: String,
    blocks: Vec<Block>,
    /// Bytes of the two files up to the last kept block.
    rows_bytes: u64,
    list_bytes: u64,
    lock: Lock,
}

impl Blocks {
    /// The folder beside the array at `out`.
    pub fn folder(out: &Path) -> PathBuf {
        let mut name = out.file_name().unwrap_or_default().to_os_string();
        name.push(ENDING);
        out.with_file_name(name)
    }

    /// Whether an interrupted run has left blocks beside the array at `out`.
    pub fn begun(out: &Path) -> bool {
        Self::folder(out).join("blocks").is_file()
    }

    /// Opens what an interrupted run has left beside `out`, or begins. `run` is the digest of all that decides the bytes of
    /// a block beside what it is made of; `source` gives the digest of what the next block would be made of, from its
    /// first row and its number of rows, and `None` where there are no such rows.
    ///
    /// # Errors
    /// [`RunError::OtherBlocks`] for blocks of another model or other settings; [`RunError::Damaged`] and
    /// [`RunError::Newer`]; [`DurableError::Locked`] where another process is at it; what `source` fails with.
    pub fn open(
        out: &Path,
        element: ElementType,
        run: &str,
        mut source: impl FnMut(usize, usize) -> Result<Option<String>>,
    ) -> Result<Self> {
        let folder = Self::folder(out);
        durable::create_dir(&folder)?;
        let lock = durable::lock(&folder)?;
        durable::sweep(&folder)?;
        let mut opened = Self {
            element,
            logs: None,
            header: FORMAT.header(run),
            blocks: Vec::new(),
            rows_bytes: 0,
            list_bytes: 0,
            lock,
            folder,
        };
        let (list, rows) = (opened.list(), opened.rows());
        if !list.exists() {
            return Ok(opened);
        }
        let bytes = input::read(&list, MAX_LIST_BYTES).map_err(RunError::from)?;
        let found = FORMAT.decode(&bytes, &list)?;
        if found.run != run {
            let folder = opened.folder.clone();
            return Err(RunError::OtherBlocks { folder, stored: found.run, found: run.to_string() }.into());
        }
        opened.list_bytes = opened.header.len() as u64;
        let mut data = match rows.exists() {
            true => Some(input::open(&rows).map_err(RunError::from)?.0),
            false => None,
        };
        for (at, line) in found.lines.iter().enumerate() {
            let block: Block = serde_json::from_str(line.text)
                .map_err(|_| lines::damaged(&list, line.offset, "not a block".to_string()))?;
            let Some(data) = &mut data else { break };
            let length = block.rows as u64 * block.width as u64 * opened.element_bytes();
            if checksum(data, length) != Some(block.crc)
                || source(opened.done(), block.rows)?.as_ref() != Some(&block.source)
            {
                break;
            }
            opened.rows_bytes += length;
            opened.list_bytes = found.lines.get(at + 1).map_or(found.keep, |next| next.offset as u64);
            opened.blocks.push(block);
        }
        Ok(opened)
    }

    fn list(&self) -> PathBuf {
        self.folder.join("blocks")
    }

    fn rows(&self) -> PathBuf {
        self.folder.join("rows")
    }

    fn element_bytes(&self) -> u64 {
        match self.element {
            ElementType::Float16 => 2,
            ElementType::Float32 => 4,
        }
    }

    /// Rows that are done.
    pub fn done(&self) -> usize {
        self.blocks.iter().map(|block| block.rows).sum()
    }

    /// Adds the next block, of `rows` rows that are made of what has the digest `source`; on the disk when this returns.
    ///
    /// # Errors
    /// [`RunError::Width`] where it is not as wide as those before, [`RunError::Overflow`] where a number is too large for the
    /// array's elements; whatever writing fails with.
    pub fn push(&mut self, rows: usize, values: &[f32], source: String) -> Result<()> {
        let width = values.len() / rows.max(1);
        let first = self.blocks.first().map_or(width, |block| block.width);
        if width != first || width * rows != values.len() {
            return Err(RunError::Width { row: self.done(), found: width, expected: first }.into());
        }
        let bytes = self.element.encode(values).map_err(|at| RunError::Overflow {
            row: self.done() + at / width,
            column: at % width,
            value: values[at],
            most: f16::MAX.to_f32(),
        })?;
        let block = Block { rows, width, crc: crc32fast::hash(&bytes), source };
        let text = serde_json::to_string(&block).expect("numbers and texts");
        let line = lines::encode(self.blocks.len() as u64, &text);
        let (data, list) = self.logs()?;
        data.append(&bytes)?;
        list.append(line.as_bytes())?;
        self.rows_bytes += bytes.len() as u64;
        self.list_bytes += line.len() as u64;
        self.blocks.push(block);
        Ok(())
    }

    /// The two files at their ends, begun if there are none.
    fn logs(&mut self) -> Result<(&mut Log, &mut Log), DurableError> {
        if self.logs.is_none() {
            let (list, rows) = (self.list(), self.rows());
            if self.blocks.is_empty() {
                // The list last: rows without a list are nobody's.
                durable::replace(&rows, b"")?;
                durable::replace(&list, self.header.as_bytes())?;
                self.list_bytes = self.header.len() as u64;
            }
            // The list first: a line without its rows would be found out, but their checksum is all that does.
            let list = Log::open(&list, self.list_bytes)?;
            self.logs = Some((Log::open(&rows, self.rows_bytes)?, list));
        }
        let (data, list) = self.logs.as_mut().expect("just opened");
        Ok((data, list))
    }

    /// Writes the array to `out`, whole or not at all. The blocks stay until they are [removed](Self::remove).
    ///
    /// # Errors
    /// Whatever reading and writing fail with.
    pub fn write(&self, out: &Path) -> Result<Written> {
        let (rows, width) = (self.done(), self.blocks.first().map_or(0, |block| block.width));
        let mut sources = digest::Running::default();
        self.blocks.iter().for_each(|block| sources.update(block.source.as_bytes()));
        let header = self.element.header(rows, width);
        let mut content = Counted { running: digest::Running::default(), inner: header.chain(self.kept()?) };
        durable::replace_from(out, &mut content)?;
        Ok(Written { rows, width, sha256: content.running.finish(), source: sources.finish() })
    }

    /// The rows of finished blocks.
    fn kept(&self) -> Result<impl Read> {
        let (mut data, _) = input::open(&self.rows()).map_err(RunError::from)?;
        let unreadable = |source| RunError::Read { path: self.rows(), source };
        data.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        Ok(data.take(self.rows_bytes))
    }

    /// Removes the blocks and their folder, since the array is whole.
    ///
    /// # Errors
    /// Whatever removing fails with.
    pub fn remove(self) -> Result<()> {
        remove(&self.folder, self.lock)
    }

    /// Removes the blocks beside `out`, whoever made them, so that it is made anew.
    ///
    /// # Errors
    /// [`DurableError::Locked`] where another process is at it; whatever removing fails with.
    pub fn discard(out: &Path) -> Result<()> {
        let folder = Self::folder(out);
        if !folder.exists() {
            return Ok(());
        }
        let lock = durable::lock(&folder)?;
        remove(&folder, lock)
    }
}

fn remove(folder: &Path, lock: Lock) -> Result<()> {
    // The list first: rows without a list are nobody's. The lock, which is held as long as its file is open, last.
    for name in ["blocks", "rows", durable::LOCK] {
        durable::remove(&folder.join(name))?;
    }
    durable::remove_empty_dir(folder)?;
    drop(lock);
    Ok(())
}

/// The checksum of the next `length` bytes; none where there are fewer.
fn checksum(data: &mut impl Read, length: u64) -> Option<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut block = [0u8; 1 << 16];
    let mut left = length;
    while left > 0 {
        let most = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        data.read_exact(&mut block[..most]).ok()?;
        hasher.update(&block[..most]);
        left -= most as u64;
    }
    Some(hasher.finalize())
}

/// Takes the digest of what is read.
struct Counted<R> {
    inner: R,
    running: digest::Running,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.running.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::faults::{Outcome, arm};
    use crate::error::Exit;
    use std::fs;

    fn same(_: usize, _: usize) -> Result<Option<String>> {
        Ok(Some("s".to_string()))
    }

    fn open(out: &Path) -> Blocks {
        Blocks::open(out, ElementType::Float32, "run", same).unwrap()
    }

    fn push(blocks: &mut Blocks, value: f32) -> Result<()> {
        blocks.push(2, &[value, value + 0.5, value + 1.0, value + 1.5], "s".to_string())
    }

    /// The bytes of an array of three blocks that nothing interrupted.
    fn whole(dir: &Path) -> Vec<u8> {
        let out = dir.join("whole.npy");
        let mut blocks = open(&out);
        (0..3).for_each(|at| push(&mut blocks, at as f32).unwrap());
        let written = blocks.write(&out).unwrap();
        assert_eq!((written.rows, written.width), (6, 2));
        assert_eq!(written.sha256, digest::of_file(&out).unwrap());
        blocks.remove().unwrap();
        assert!(!Blocks::folder(&out).exists());
        fs::read(&out).unwrap()
    }

    /// NumPy 2.4 writes these bytes for `np.save("a.npy", np.array([[1, 2.5]], "<f2"))`.
    #[test]
    fn arrays_are_those_of_numpy() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a.npy");
        let mut blocks = Blocks::open(&out, ElementType::Float16, "run", same).unwrap();
        blocks.push(1, &[1.0, 2.5], "s".to_string()).unwrap();
        blocks.write(&out).unwrap();
        let mut expected =
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2), }".to_vec();
        expected.resize(127, b' ');
        expected.extend([b'\n', 0x00, 0x3c, 0x00, 0x41]);
        assert_eq!(fs::read(&out).unwrap(), expected);
        let error = blocks.push(1, &[1.0, 1e6], "s".to_string()).unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(RunError::Overflow { row: 1, column: 1, .. })),
            "{error}"
        );
    }

    /// Whatever operation is the last one of a process, the next goes on and gives the same bytes.
    #[test]
    fn an_interrupted_array_goes_on_to_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let expected = whole(dir.path());
        let mut interrupted = 0;
        for n in 0..60 {
            let out = dir.path().join(format!("{n}.npy"));
            let guard = arm(n, Outcome::Fail(libc::EIO));
            let broken = Blocks::open(&out, ElementType::Float32, "run", same).and_then(|mut blocks| {
                (0..3).try_for_each(|at| push(&mut blocks, at as f32))?;
                blocks.write(&out)?;
                blocks.remove()
            });
            drop(guard);
            interrupted += usize::from(broken.is_err());
            let mut blocks = open(&out);
            let done = blocks.done() / 2;
            (done..3).for_each(|at| push(&mut blocks, at as f32).unwrap());
            blocks.write(&out).unwrap();
            blocks.remove().unwrap();
            assert_eq!(fs::read(&out).unwrap(), expected, "operation {n}");
        }
        assert!(interrupted > 10, "{interrupted}");
    }

    #[test]
    fn blocks_are_kept_up_to_the_first_that_differs() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a.npy");
        let mut blocks = open(&out);
        (0..3).for_each(|at| push(&mut blocks, at as f32).unwrap());
        drop(blocks);
        let changed = |first: usize, _: usize| Ok(Some(if first < 4 { "s" } else { "t" }.to_string()));
        assert_eq!(Blocks::open(&out, ElementType::Float32, "run", changed).unwrap().done(), 4);
        let gone = |first: usize, _: usize| Ok((first < 2).then(|| "s".to_string()));
        assert_eq!(Blocks::open(&out, ElementType::Float32, "run", gone).unwrap().done(), 2);
        // A flipped bit in the second block's rows, then a file that ends within the third.
        let rows = Blocks::folder(&out).join("rows");
        let sound = fs::read(&rows).unwrap();
        let mut broken = sound.clone();
        broken[17] ^= 1;
        fs::write(&rows, &broken).unwrap();
        assert_eq!(open(&out).done(), 2);
        fs::write(&rows, &sound[..40]).unwrap();
        let mut blocks = open(&out);
        assert_eq!(blocks.done(), 4);
        push(&mut blocks, 2.0).unwrap();
        blocks.write(&out).unwrap();
        assert_eq!(fs::read(&out).unwrap(), whole(dir.path()));
    }

    #[test]
    fn other_blocks_are_refused_and_one_process_holds_them() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a.npy");
        let mut blocks = open(&out);
        push(&mut blocks, 0.0).unwrap();
        let held = Blocks::open(&out, ElementType::Float32, "run", same).unwrap_err();
        assert!(matches!(held.downcast_ref(), Some(DurableError::Locked { .. })), "{held}");
        let error = blocks.push(1, &[1.0; 3], "s".to_string()).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(RunError::Width { row: 2, found: 3, expected: 2 })));
        drop(blocks);
        let error = Blocks::open(&out, ElementType::Float32, "other", same).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(RunError::OtherBlocks { .. })), "{error}");
        assert_eq!(error.exit(), Exit::BadInput);
        assert_eq!(open(&out).done(), 2, "nothing was changed");
        Blocks::discard(&out).unwrap();
        Blocks::discard(&out).unwrap();
        assert_eq!(open(&out).done(), 0);
    }
}
