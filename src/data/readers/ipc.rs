//! Arrow's formats for columns: files (which are Feather, version 2) and streams.
//!
//! A file is a stream between two marks, with a directory behind it that is not needed to read it from the front.
//! All messages are walked first, since the `arrow-ipc` crate reserves what a compressed buffer announces.

use super::columnar::{Batches, FREE_BYTES, damaged};
use super::error::ReadError;
use super::seam::caught;
use super::source::{check_inflation, fault};
use crate::durable::input;
use crate::error::{Result, shorten};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::{Message, MessageHeader, RecordBatch};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How a file starts and ends.
pub(super) const MAGIC: &[u8] = b"ARROW1";
/// How a stream starts: its first message, of a length below 16 MiB.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// How a file of the older Feather starts, which is another format.
pub(super) const FEATHER_1: &[u8] = b"FEA1";
/// What messages call it.
pub(super) const FORMAT: &str = "Arrow";
/// Bytes of what describes a message.
const MAX_MESSAGE_BYTES: u64 = 64 << 20;

/// Whether a file starts like a stream.
pub(super) fn is_stream(start: &[u8]) -> bool {
    start.starts_with(&CONTINUATION) && start.len() >= 8 && start[7] == 0 && start[4..7] != [0; 3]
}

/// Adds the batches of a file or a stream.
pub(super) fn collect(path: &Path, into: &mut Batches) -> Result<()> {
    let file = path.display().to_string();
    caught(&file, FORMAT, || read(&file, path, into))
}

fn read(file: &str, path: &Path, into: &mut Batches) -> Result<()> {
    let (mut handle, size) = input::open(path)?;
    let (start, end) = walk(file, &mut handle, size)?;
    handle.seek(SeekFrom::Start(start)).map_err(|error| fault(file, error))?;
    let mut bytes = Vec::with_capacity((end - start) as usize);
    handle.take(end - start).read_to_end(&mut bytes).map_err(|error| fault(file, error))?;
    let mut buffer = Buffer::from_vec(bytes);
    let mut decoder = StreamDecoder::new();
    into.grow(size);
    while !buffer.is_empty() {
        match decoder.decode(&mut buffer).map_err(|error| damaged(file, FORMAT, &error))? {
            Some(batch) => into.push(batch)?,
            None => break,
        }
    }
    Ok(decoder.finish().map_err(|error| damaged(file, FORMAT, &error))?)
}

/// Where the messages begin and end. Refuses what is cut off, and buffers that announce more than they may.
fn walk(file: &str, handle: &mut File, size: u64) -> Result<(u64, u64), ReadError> {
    let truncated = |what: &str| ReadError::Truncated { file: file.to_string(), what: what.to_string() };
    let problem = |problem: String| ReadError::Header { file: file.to_string(), problem };
    let mut bytes_at = |at: u64, count: u64| {
        if at.checked_add(count).is_none_or(|end| end > size) {
            return Err(truncated(&format!(
                "{count} bytes are announced at byte {at}, {size} in the whole file"
            )));
        }
        let mut bytes = vec![0u8; count as usize];
        handle.seek(SeekFrom::Start(at)).map_err(|error| fault(file, error))?;
        handle.read_exact(&mut bytes).map_err(|error| fault(file, error))?;
        Ok(bytes)
    };
    let mut start = 0;
    if bytes_at(0, 6.min(size))? == MAGIC {
        start = 8;
        if size < 20 || bytes_at(size - 6, 6)? != MAGIC {
            return Err(truncated("no mark at the end"));
        }
    }
    let (mut at, mut inflated) = (start, 0u64);
    loop {
        let mark = bytes_at(at, 4)?;
        let (length, head) = if mark == CONTINUATION { (bytes_at(at + 4, 4)?, 8) } else { (mark, 4) };
        let length = length.first_chunk().map_or(0, |four| u64::from(u32::from_le_bytes(*four)));
        at += head;
        if length == 0 {
            return Ok((start, at));
        }
        if length > MAX_MESSAGE_BYTES {
            let text = format!("a message of {length} bytes, but at most {MAX_MESSAGE_BYTES} are read");
            return Err(problem(text));
        }
        let bytes = bytes_at(at, length)?;
        let message = arrow_ipc::root_as_message(&bytes)
            .map_err(|error| problem(format!("no message at byte {at}: {}", shorten(&error.to_string()))))?;
        let body = at + length;
        let end = u64::try_from(message.bodyLength()).ok().and_then(|length| body.checked_add(length));
        at = end.filter(|&end| end <= size).ok_or_else(|| {
            truncated(&format!(
                "a message of {} bytes at byte {body}, {size} in the whole file",
                message.bodyLength()
            ))
        })?;
        let Some(batch) = batch_of(&message) else { continue };
        let Some(buffers) = batch.buffers() else { continue };
        for buffer in buffers {
            let place = u64::try_from(buffer.offset()).ok().and_then(|offset| body.checked_add(offset));
            let there = u64::try_from(buffer.length()).ok();
            let Some((place, there)) = place
                .zip(there)
                .filter(|&(place, there)| place.checked_add(there).is_some_and(|end| end <= at))
            else {
                return Err(problem(format!("a buffer of the message at byte {body} lies beyond it")));
            };
            if there < 8 || batch.compression().is_none() {
                continue;
            }
            let announced = bytes_at(place, 8)?;
            let announced = announced.first_chunk().map_or(0, |eight| i64::from_le_bytes(*eight));
            // -1 stands for a buffer that is not compressed.
            if announced != -1 {
                inflated = inflated.saturating_add(u64::try_from(announced).unwrap_or(u64::MAX));
                check_inflation(file, inflated.saturating_sub(FREE_BYTES), size)?;
            }
        }
    }
}

/// The columns that a message brings, if it brings any.
fn batch_of<'a>(message: &Message<'a>) -> Option<RecordBatch<'a>> {
    match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch()?.data(),
        _ => None,
    }
}
