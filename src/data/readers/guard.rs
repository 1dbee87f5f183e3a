//! A filter in front of the `csv` crate, which by itself takes an unclosed quote for a long field and a
//! field of any size into memory.

use super::error::ReadError;
use std::io::{self, BufRead, Read};

/// Bytes of one record.
pub const MAX_RECORD_BYTES: usize = 16 << 20;
/// Fields of one record: the widest data set and a few columns that are no features.
pub const MAX_RECORD_FIELDS: usize = crate::data::dataset::MAX_WIDTH + 64;

/// Passes a table through, following the `csv` crate's idea of quotes, and stops at a NUL byte, at a
/// record over the limits, and at an end within quotes.
pub(super) struct Guard<R> {
    inner: R,
    file: String,
    state: State,
    line: u64,
    quote_line: u64,
    record_line: u64,
    bytes: usize,
    fields: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Nothing of the field has come yet.
    Start,
    /// Within a field without quotes, or after the closing quote.
    Plain,
    /// Within quotes.
    Quoted,
    /// After a quote within quotes: the end, or the first half of an escaped quote.
    Closing,
}

impl<R: BufRead> Guard<R> {
    pub(super) fn new(file: String, inner: R) -> Self {
        Self { inner, file, state: State::Start, line: 1, quote_line: 1, record_line: 1, bytes: 0, fields: 1 }
    }

    fn watch(&mut self, byte: u8) -> Result<(), ReadError> {
        let file = || self.file.clone();
        if byte == 0 {
            return Err(ReadError::Nul { file: file(), line: self.line });
        }
        self.bytes += 1;
        let was = self.state;
        self.state = match (was, byte) {
            (State::Start, b'"') => {
                self.quote_line = self.line;
                State::Quoted
            }
            (State::Quoted, b'"') => State::Closing,
            (State::Closing, b'"') | (State::Quoted, _) => State::Quoted,
            (_, b',' | b'\n' | b'\r') => State::Start,
            (_, _) => State::Plain,
        };
        if self.state == State::Start {
            if byte == b',' {
                self.fields += 1;
            } else {
                (self.bytes, self.fields) = (0, 1);
            }
        }
        if byte == b'\n' {
            self.line += 1;
        }
        if self.bytes == 0 {
            self.record_line = self.line;
        }
        for (found, limit, what) in
            [(self.bytes, MAX_RECORD_BYTES, "bytes"), (self.fields, MAX_RECORD_FIELDS, "fields")]
        {
            if found > limit {
                return Err(ReadError::LongRecord { file: file(), line: self.record_line, limit, what });
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for &byte in &buffer[..count] {
            self.watch(byte).map_err(io::Error::other)?;
        }
        if count == 0 && !buffer.is_empty() && self.state == State::Quoted {
            let (file, line) = (self.file.clone(), self.quote_line);
            return Err(io::Error::other(ReadError::UnclosedQuote { file, line }));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(text: &[u8]) -> Result<usize, ReadError> {
        let read = io::copy(&mut Guard::new("t".into(), text), &mut io::sink());
        read.map(|count| count as usize).map_err(|error| super::super::source::fault("t", error))
    }

    #[test]
    fn sound_tables_pass_untouched() {
        for text in ["a,b\n1,2\n", "a,\"b \"\"x\"\"\n,\"\r\n1,2", "\"\"", "a\"b,c\n", "\"a\"b\"c,d\n"] {
            assert_eq!(pass(text.as_bytes()), Ok(text.len()), "{text}");
        }
    }

    #[test]
    fn faults_are_placed() {
        let refused = |text: &[u8]| pass(text).expect_err("must be refused").to_string();
        assert_eq!(refused(b"a,b\n1,\"2\n3,4\n"), "t: line 2: a quote is opened and never closed");
        assert_eq!(refused(b"a\n\"x\"\"\n1\n"), "t: line 2: a quote is opened and never closed");
        assert_eq!(refused(b"a\n1\n\x002\n"), "t: line 3: a NUL byte in a text file");
        let long = [b"a\n".to_vec(), vec![b'7'; MAX_RECORD_BYTES + 1]].concat();
        assert_eq!(refused(&long), format!("t: line 2: a record of more than {MAX_RECORD_BYTES} bytes"));
        let wide = [b"a\n".to_vec(), vec![b','; MAX_RECORD_FIELDS]].concat();
        assert_eq!(refused(&wide), format!("t: line 2: a record of more than {MAX_RECORD_FIELDS} fields"));
    }
}
