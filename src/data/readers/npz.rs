//! NPZ archives: `X` (features), `y` (labels), and `split` (0 train, 1 test) if there is one.
//!
//! An NPZ file is a ZIP archive, stored or deflated. Only what that needs is read here: the central
//! directory, 64-bit sizes, checksums. Nothing is ever extracted to disk.

use super::ReadOptions;
use super::array::{Layout, assemble};
use super::error::ReadError;
use super::npy::{Array, read_layout};
use super::source::{check_inflation, open_regular};
use crate::data::dataset::Dataset;
use crate::error::Result;
use flate2::bufread::DeflateDecoder;
use std::io::{self, Read};
use std::path::Path;

/// How an archive starts.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
/// Members of an archive.
pub const MAX_MEMBERS: usize = 1_024;

/// Reads an archive.
pub(super) fn read(name: &str, path: &Path, options: &ReadOptions) -> Result<Dataset> {
    let (file, bytes) = read_bytes(path)?;
    let archive = Archive::open(&file, &bytes)?;
    // Headers first: nothing is read of arrays that do not belong together.
    let layout = archive.array("X", |_, layout, _| Ok(layout.clone()))?;
    let members: &[&str] = if archive.find("split").is_some() { &["y", "split"] } else { &["y"] };
    for member in members {
        let (found, expected) = (archive.array(member, |_, layout, _| Ok(layout.rows()))?, layout.rows());
        if found != expected {
            let file = member_name(&file, member);
            return Err(ReadError::Rows { file, found, other: "X".to_string(), expected }.into());
        }
    }
    let whole = |member| {
        archive.array(member, |file, layout, from| {
            let numbers = layout.read_whole(file, &mut *from)?;
            from.expect_sum(file)?;
            Ok(numbers)
        })
    };
    let labels = whole("y")?;
    let split = if members.contains(&"split") { Some(whole("split")?) } else { None };
    let inputs = archive.array("X", |file, layout, from| {
        let inputs = layout.read_matrix(file, &mut *from)?;
        from.expect_sum(file)?;
        Ok(inputs)
    })?;
    let shape =
        options.shape.map_or(Ok(layout.row_shape()), |_| super::shape_of(&file, inputs.cols(), options))?;
    assemble(name, &file, (shape, inputs), &labels, split.as_deref())
}

/// Arrays of numbers by name: their shapes, and their elements in row-major order.
///
/// # Errors
/// [`ReadError`] with the member and the place.
pub fn read_arrays<const N: usize>(path: &Path, names: [&str; N]) -> Result<[Array; N]> {
    let (file, bytes) = read_bytes(path)?;
    let archive = Archive::open(&file, &bytes)?;
    let mut arrays = names.map(|_| Array { shape: Vec::new(), values: Vec::new() });
    for (array, name) in arrays.iter_mut().zip(names) {
        *array = archive.array(name, |file, layout, from| {
            let values = layout.read_values(file, &mut *from)?;
            from.expect_sum(file)?;
            Ok(Array { shape: layout.shape.clone(), values })
        })?;
    }
    Ok(arrays)
}

/// What errors call the file, and all of it.
fn read_bytes(path: &Path) -> Result<(String, Vec<u8>)> {
    let file = path.display().to_string();
    let (handle, size) = open_regular(path)?;
    let mut bytes = Vec::new();
    handle.take(size).read_to_end(&mut bytes).map_err(|error| super::source::fault(&file, error))?;
    Ok((file, bytes))
}

/// What errors call a member.
fn member_name(file: &str, member: &str) -> String {
    format!("{file}, member {member}")
}

struct Archive<'a> {
    file: &'a str,
    bytes: &'a [u8],
    members: Vec<Member>,
}

struct Member {
    name: String,
    deflated: bool,
    checksum: u32,
    compressed: u64,
    inflated: u64,
    header_at: u64,
}

impl<'a> Archive<'a> {
    /// Reads the directory.
    fn open(file: &'a str, bytes: &'a [u8]) -> Result<Self, ReadError> {
        let problem =
            |problem: &str| ReadError::Header { file: file.to_string(), problem: problem.to_string() };
        let cut =
            || ReadError::Truncated { file: file.to_string(), what: "no whole archive directory".into() };
        let (count, mut at) = directory(bytes).ok_or_else(cut)?;
        if count > MAX_MEMBERS as u64 {
            return Err(problem(&format!("{count} members, but at most {MAX_MEMBERS} are read")));
        }
        let mut members: Vec<Member> = Vec::new();
        for _ in 0..count {
            let (member, flags, method, next) = entry(bytes, at).ok_or_else(cut)?;
            at = next;
            let name = &member.name;
            let outside = name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..");
            if outside || name.contains(['\0', ':']) {
                let name = super::table::clip(name);
                return Err(problem(&format!("member {name:?} points out of the archive")));
            }
            if members.iter().any(|other| other.name == *name) {
                return Err(problem(&format!("two members are called {:?}", super::table::clip(name))));
            }
            if flags & 1 != 0 || !matches!(method, 0 | 8) {
                let name = super::table::clip(name);
                return Err(problem(&format!(
                    "member {name:?} is neither stored nor deflated, or encrypted"
                )));
            }
            members.push(member);
        }
        Ok(Self { file, bytes, members })
    }

    fn find(&self, array: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name.strip_suffix(".npy") == Some(array))
    }

    /// Calls `read` with the layout of one array and the stream of its elements.
    fn array<T>(&self, array: &str, read: impl Fn(&str, &Layout, &mut Summed<'_>) -> Result<T>) -> Result<T> {
        let member = self.find(array).ok_or_else(|| {
            let names: Vec<String> = self.members.iter().map(|member| member.name.clone()).collect();
            let hint = match names.len() {
                0 => "the archive is empty".to_string(),
                _ => {
                    format!("{}; save with `np.savez(file, {array}=…)`", super::table::suggest(array, &names))
                }
            };
            ReadError::NoMember { file: self.file.to_string(), member: array.to_string(), hint }
        })?;
        let file = member_name(self.file, array);
        let data = self.data(member).ok_or_else(|| {
            let what =
                format!("{} bytes announced, {} in the whole file", member.compressed, self.bytes.len());
            ReadError::Truncated { file: file.clone(), what }
        })?;
        check_inflation(&file, member.inflated, member.compressed)?;
        if !member.deflated && member.inflated != member.compressed {
            let (expected, found) = (member.inflated, member.compressed);
            return Err(ReadError::Trailing { file, expected, found }.into());
        }
        let plain: Box<dyn Read> =
            if member.deflated { Box::new(DeflateDecoder::new(data)) } else { Box::new(data) };
        let inner = plain.take(member.inflated);
        let mut from = Summed { inner, sum: crc32fast::Hasher::new(), announced: member.checksum };
        let layout = read_layout(&file, &mut from, member.inflated)?;
        read(&file, &layout, &mut from)
    }

    /// The member's bytes as they are stored. The local header repeats name and extra field, whose
    /// lengths may differ from the directory's.
    fn data(&self, member: &Member) -> Option<&'a [u8]> {
        let at = usize::try_from(member.header_at).ok()?;
        let header = self.bytes.get(at..)?;
        if !header.starts_with(MAGIC) {
            return None;
        }
        let start = 30 + u64::from(u16_at(header, 26)?) + u64::from(u16_at(header, 28)?);
        let end = start.checked_add(member.compressed)?;
        header.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

/// The number of members and where the directory starts.
fn directory(bytes: &[u8]) -> Option<(u64, u64)> {
    /// The end record without its comment, which has at most 65,535 bytes.
    const END: usize = 22;
    let last = bytes.len().checked_sub(END)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let at = (first..=last).rev().find(|&at| bytes[at..].starts_with(b"PK\x05\x06"))?;
    let end = &bytes[at..];
    let (count, start) = (u64::from(u16_at(end, 10)?), u64::from(u32_at(end, 16)?));
    if count != u64::from(u16::MAX) && start != u64::from(u32::MAX) {
        return Some((count, start));
    }
    // 64-bit: a locator of 20 bytes stands before the end record and points to the larger one.
    let locator = bytes.get(at.checked_sub(20)?..at)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return None;
    }
    let large = bytes.get(usize::try_from(u64_at(locator, 8)?).ok()?..)?;
    if !large.starts_with(b"PK\x06\x06") {
        return None;
    }
    Some((u64_at(large, 32)?, u64_at(large, 48)?))
}

/// One directory entry at `at`: the member, its flags, its method, and where the next entry starts.
fn entry(bytes: &[u8], at: u64) -> Option<(Member, u16, u16, u64)> {
    let entry = bytes.get(usize::try_from(at).ok()?..)?;
    if !entry.starts_with(b"PK\x01\x02") {
        return None;
    }
    let lengths = [28, 30, 32].map(|offset| u16_at(entry, offset).map(usize::from));
    let [name_length, extra_length, comment_length] = [lengths[0]?, lengths[1]?, lengths[2]?];
    let name = String::from_utf8_lossy(entry.get(46..46 + name_length)?).into_owned();
    let mut extra = entry.get(46 + name_length..46 + name_length + extra_length)?;
    let narrow = [u32_at(entry, 24)?, u32_at(entry, 20)?, u32_at(entry, 42)?];
    let mut sizes = narrow.map(u64::from);
    while extra.len() >= 4 {
        let (kind, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let field = extra.get(4..4 + length)?;
        if kind == 1 {
            // 64-bit sizes, in this order, of those that the entry leaves open.
            let mut offset = 0;
            for (size, _) in sizes.iter_mut().zip(narrow).filter(|(_, narrow)| *narrow == u32::MAX) {
                *size = u64_at(field, offset)?;
                offset += 8;
            }
        }
        extra = &extra[4 + length..];
    }
    let (flags, method) = (u16_at(entry, 8)?, u16_at(entry, 10)?);
    let [inflated, compressed, header_at] = sizes;
    let checksum = u32_at(entry, 16)?;
    let next = at + (46 + name_length + extra_length + comment_length) as u64;
    Some((
        Member { name, deflated: method == 8, checksum, compressed, inflated, header_at },
        flags,
        method,
        next,
    ))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// A member's stream, with the checksum of what has been read.
struct Summed<'a> {
    inner: io::Take<Box<dyn Read + 'a>>,
    sum: crc32fast::Hasher,
    announced: u32,
}

impl Summed<'_> {
    /// Refuses a member that has been read to its end and is not what was stored.
    fn expect_sum(&self, file: &str) -> Result<(), ReadError> {
        let sum = self.sum.clone().finalize();
        if sum != self.announced {
            let error = format!("checksum {sum:08x}, but {:08x} is announced", self.announced);
            return Err(ReadError::Compressed { file: file.to_string(), error });
        }
        Ok(())
    }
}

impl Read for Summed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sum.update(&buffer[..count]);
        Ok(count)
    }
}
