//! ZIP archives of arrays, as far as NPZ needs them: the central directory, 64-bit sizes, stored and deflated
//! members, checksums. Members are streamed from where they lie; neither the archive nor its directory is held.

use super::array::Layout;
use super::error::ReadError;
use super::npy::read_layout;
use super::source::{check_inflation, fault};
use crate::durable::input;
use crate::error::{Result, shorten};
use flate2::bufread::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// How an archive starts.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
/// Members of an archive.
pub const MAX_MEMBERS: usize = 1_024;
/// Bytes of a member's name.
pub const MAX_NAME_BYTES: usize = 1_024;

/// Bytes of the record that ends an archive, without its comment, which has at most 65,535.
const END: u64 = 22;
/// Bytes of the record that points to the 64-bit end.
const LOCATOR: u64 = 20;
/// Bytes of the 64-bit end.
const LARGE_END: u64 = 56;

/// An archive on disk.
pub(super) struct Archive {
    /// What errors call it.
    pub file: String,
    handle: File,
    size: u64,
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

impl Archive {
    /// Reads the directory of the archive at `path`.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let (handle, size) = input::open(path)?;
        let mut archive = Self { file: path.display().to_string(), handle, size, members: Vec::new() };
        let (count, start) = archive.directory()?;
        if count > MAX_MEMBERS as u64 {
            return Err(archive.problem(format!("{count} members, but at most {MAX_MEMBERS} are read")));
        }
        let mut from = BufReader::new(archive.stream(start)?);
        let mut members = Vec::new();
        for _ in 0..count {
            members.push(archive.entry(&mut from, &members)?);
        }
        archive.members = members;
        Ok(archive)
    }

    fn problem(&self, problem: String) -> ReadError {
        ReadError::Header { file: self.file.clone(), problem }
    }

    fn cut(&self) -> ReadError {
        ReadError::Truncated { file: self.file.clone(), what: "no whole archive directory".into() }
    }

    /// The file from a place on.
    fn stream(&self, at: u64) -> Result<&File, ReadError> {
        let mut handle = &self.handle;
        handle.seek(SeekFrom::Start(at)).map_err(|error| fault(&self.file, error))?;
        Ok(handle)
    }

    /// `count` bytes at a place, which must be there.
    fn bytes(&self, at: u64, count: u64) -> Result<Vec<u8>, ReadError> {
        if at.checked_add(count).is_none_or(|end| end > self.size) {
            return Err(self.cut());
        }
        let mut bytes = Vec::new();
        let read = self.stream(at)?.take(count).read_to_end(&mut bytes);
        read.map_err(|error| fault(&self.file, error))?;
        if bytes.len() as u64 == count { Ok(bytes) } else { Err(self.cut()) }
    }

    /// The number of members and where the directory starts.
    fn directory(&self) -> Result<(u64, u64), ReadError> {
        let from = self.size.saturating_sub(END + u64::from(u16::MAX));
        let tail = self.bytes(from, self.size - from)?;
        let last = tail.len().checked_sub(END as usize).ok_or_else(|| self.cut())?;
        let at = (0..=last).rev().find(|&at| tail[at..].starts_with(b"PK\x05\x06"));
        let at = at.ok_or_else(|| self.cut())?;
        let (count, start) = (u64::from(u16_at(&tail, at + 10)), u64::from(u32_at(&tail, at + 16)));
        if count != u64::from(u16::MAX) && start != u64::from(u32::MAX) {
            return Ok((count, start));
        }
        // 64-bit: a locator stands before the end record and points to the larger one.
        let locator_at = (from + at as u64).checked_sub(LOCATOR).ok_or_else(|| self.cut())?;
        let locator = self.bytes(locator_at, LOCATOR)?;
        if !locator.starts_with(b"PK\x06\x07") {
            return Err(self.cut());
        }
        let large = self.bytes(u64_at(&locator, 8), LARGE_END)?;
        if !large.starts_with(b"PK\x06\x06") {
            return Err(self.cut());
        }
        Ok((u64_at(&large, 32), u64_at(&large, 48)))
    }

    /// The next member of the directory, behind those `before`.
    fn entry(&self, mut from: impl Read, before: &[Member]) -> Result<Member, ReadError> {
        let mut take = |count: usize| {
            let mut bytes = vec![0u8; count];
            from.read_exact(&mut bytes).map_err(|error| match fault(&self.file, error) {
                ReadError::Truncated { .. } => self.cut(),
                other => other,
            })?;
            Ok::<_, ReadError>(bytes)
        };
        let entry = take(46)?;
        if !entry.starts_with(b"PK\x01\x02") {
            return Err(self.cut());
        }
        let [name_length, extra_length, comment_length] =
            [28, 30, 32].map(|offset| usize::from(u16_at(&entry, offset)));
        if name_length > MAX_NAME_BYTES {
            let text =
                format!("a member's name of {name_length} bytes, but at most {MAX_NAME_BYTES} are read");
            return Err(self.problem(text));
        }
        let name = String::from_utf8_lossy(&take(name_length)?).into_owned();
        let extra = take(extra_length)?;
        take(comment_length)?;
        let narrow = [24, 20, 42].map(|offset| u32_at(&entry, offset));
        let [inflated, compressed, header_at] = wide(narrow, &extra).ok_or_else(|| self.cut())?;
        let (flags, method, checksum) = (u16_at(&entry, 8), u16_at(&entry, 10), u32_at(&entry, 16));
        let problem = |what: &str| Err(self.problem(format!("member {:?} {what}", shorten(&name))));
        let outside = name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..");
        if outside || name.contains(['\0', ':']) {
            return problem("points out of the archive");
        }
        if before.iter().any(|other| other.name == name) {
            return Err(self.problem(format!("two members are called {:?}", shorten(&name))));
        }
        if flags & 1 != 0 || !matches!(method, 0 | 8) {
            return problem("is neither stored nor deflated, or encrypted");
        }
        Ok(Member { name, deflated: method == 8, checksum, compressed, inflated, header_at })
    }

    /// The names of the arrays, in the order of the directory.
    pub fn arrays(&self) -> Vec<String> {
        self.members
            .iter()
            .filter_map(|member| member.name.strip_suffix(".npy"))
            .map(str::to_string)
            .collect()
    }

    fn find(&self, array: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name.strip_suffix(".npy") == Some(array))
    }

    /// Calls `read` with the layout of one array and the stream of its elements.
    pub fn array<T>(
        &self,
        array: &str,
        read: impl Fn(&str, &Layout, &mut Summed<'_>) -> Result<T>,
    ) -> Result<T> {
        let member = self.find(array).ok_or_else(|| {
            let hint = format!("{}; save with `np.savez(file, {array}=…)`", self.listed());
            ReadError::NoMember { file: self.file.clone(), member: array.to_string(), hint }
        })?;
        let file = self.member_name(array);
        let start = self.start(member, &file)?;
        check_inflation(&file, member.inflated, member.compressed)?;
        if !member.deflated && member.inflated != member.compressed {
            let (expected, found) = (member.inflated, member.compressed);
            return Err(ReadError::Trailing { file, expected, found }.into());
        }
        let data = BufReader::new(self.stream(start)?.take(member.compressed));
        let plain: Box<dyn Read> =
            if member.deflated { Box::new(DeflateDecoder::new(data)) } else { Box::new(data) };
        let inner = plain.take(member.inflated);
        let mut from = Summed { inner, sum: crc32fast::Hasher::new(), announced: member.checksum };
        let layout = read_layout(&file, &mut from, member.inflated)?;
        read(&file, &layout, &mut from)
    }

    /// What is in the archive, for hints.
    pub fn listed(&self) -> String {
        const LISTED: usize = 12;
        let names: Vec<&str> = self
            .members
            .iter()
            .map(|member| member.name.strip_suffix(".npy").unwrap_or(&member.name))
            .collect();
        let listed: Vec<String> = names.iter().take(LISTED).map(|name| shorten(name).into_owned()).collect();
        match names.len() {
            0 => "the archive is empty".to_string(),
            more if more > LISTED => format!("there are: {} and {} more", listed.join(", "), more - LISTED),
            _ => format!("there are: {}", listed.join(", ")),
        }
    }

    /// What errors call a member.
    pub fn member_name(&self, member: &str) -> String {
        format!("{}, member {member}", self.file)
    }

    /// Where the member's bytes begin. The local header repeats name and extra field, whose lengths may
    /// differ from the directory's.
    fn start(&self, member: &Member, file: &str) -> Result<u64, ReadError> {
        const LOCAL: u64 = 30;
        let truncated = || {
            let what = format!("{} bytes announced, {} in the whole file", member.compressed, self.size);
            ReadError::Truncated { file: file.to_string(), what }
        };
        let header = self.bytes(member.header_at, LOCAL).map_err(|_| truncated())?;
        if !header.starts_with(MAGIC) {
            return Err(truncated());
        }
        // No overflow: the header lies within the file.
        let start =
            member.header_at + LOCAL + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        match start.checked_add(member.compressed) {
            Some(end) if end <= self.size => Ok(start),
            _ => Err(truncated()),
        }
    }
}

/// The sizes and the place of an entry, those that do not fit taken from its field of 64-bit numbers, where
/// they come in this order.
fn wide(narrow: [u32; 3], mut extra: &[u8]) -> Option<[u64; 3]> {
    let mut sizes = narrow.map(u64::from);
    while extra.len() >= 4 {
        let (kind, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let mut field = extra.get(4..4 + length)?;
        if kind == 1 {
            for (size, _) in sizes.iter_mut().zip(narrow).filter(|(_, narrow)| *narrow == u32::MAX) {
                let (number, rest) = field.split_first_chunk::<8>()?;
                *size = u64::from_le_bytes(*number);
                field = rest;
            }
        }
        extra = &extra[4 + length..];
    }
    Some(sizes)
}

/// The number at `at` of a record that has been read whole.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// A member's stream, with the checksum of what has been read.
pub(super) struct Summed<'a> {
    inner: io::Take<Box<dyn Read + 'a>>,
    sum: crc32fast::Hasher,
    announced: u32,
}

impl Summed<'_> {
    /// Refuses a member that has been read to its end and is not what was stored.
    pub fn expect_sum(&self, file: &str) -> Result<(), ReadError> {
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
