//! A filter in front of the `csv` crate, which by itself takes an unclosed quote for a long field and a
//! field of any size into memory, and knows no runs of blanks.

use super::choices::Separator;
use super::error::ReadError;
use std::io::{self, BufRead, Read};

/// Bytes of one record.
pub const MAX_RECORD_BYTES: usize = 16 << 20;
/// Fields of one record. Every column costs some hundred bytes beside its content, so that a line of commas
/// could otherwise ask for far more memory than it takes on disk.
pub const MAX_RECORD_FIELDS: usize = 1 << 18;

/// Passes a table through, following the `csv` crate's idea of quotes, and stops at a NUL byte, at a
/// record over the limits, and at an end within quotes. Runs of blanks become tabs where they separate.
pub(super) struct Guard<R> {
    inner: R,
    file: String,
    /// What separates fields behind this filter.
    separator: u8,
    /// Whether runs of blanks are made one separator, and none at either end of a line.
    blanks: bool,
    /// Whether blanks have come that nothing follows yet.
    gap: bool,
    /// A byte that found no room in the caller's buffer.
    carry: Option<u8>,
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
    /// A filter over a table whose first line has the number `line`.
    pub(super) fn new(file: String, inner: R, separator: Separator, line: u64) -> Self {
        Self {
            inner,
            file,
            separator: separator.byte(),
            blanks: separator == Separator::Blanks,
            gap: false,
            carry: None,
            state: State::Start,
            line,
            quote_line: line,
            record_line: line,
            bytes: 0,
            fields: 1,
        }
    }

    /// Follows bytes, most of which change nothing and are passed over in runs.
    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), ReadError> {
        while !bytes.is_empty() {
            let ends = |byte: u8| match self.state {
                State::Plain => byte == self.separator || matches!(byte, b'\n' | b'\r' | 0),
                State::Quoted => matches!(byte, b'"' | b'\n' | 0),
                State::Start | State::Closing => true,
            };
            let run = bytes.iter().position(|&byte| ends(byte)).unwrap_or(bytes.len());
            self.bytes += run;
            self.check_limits()?;
            let Some((&byte, rest)) = bytes[run..].split_first() else { return Ok(()) };
            self.watch(byte)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Refuses a record that is too long.
    fn check_limits(&self) -> Result<(), ReadError> {
        let (limit, what) = match (self.bytes > MAX_RECORD_BYTES, self.fields > MAX_RECORD_FIELDS) {
            (true, _) => (MAX_RECORD_BYTES, "bytes"),
            (false, true) => (MAX_RECORD_FIELDS, "fields"),
            (false, false) => return Ok(()),
        };
        Err(ReadError::LongRecord { file: self.file.clone(), line: self.record_line, limit, what })
    }

    fn watch(&mut self, byte: u8) -> Result<(), ReadError> {
        if byte == 0 {
            return Err(ReadError::Nul { file: self.file.clone(), line: self.line });
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
            (_, b'\n' | b'\r') => State::Start,
            (_, byte) if byte == self.separator => State::Start,
            (_, _) => State::Plain,
        };
        if self.state == State::Start {
            if byte == self.separator {
                self.fields += 1;
            } else {
                (self.bytes, self.fields) = (0, 1);
            }
        }
        if byte == b'\n' {
            self.line += 1;
        }
        if self.bytes == 0 {
            self.gap = false;
            self.record_line = self.line;
        }
        self.check_limits()
    }

    /// As `read` of the filtered stream, with runs of blanks made tabs.
    fn squeeze(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count == 0 && !buffer.is_empty() {
            if let Some(byte) = self.carry.take() {
                buffer[count] = byte;
                count += 1;
            }
            let there = self.inner.fill_buf()?;
            let there = there[..there.len().min(buffer.len())].to_vec();
            if there.is_empty() {
                break;
            }
            let mut taken = 0;
            for &byte in &there {
                if count == buffer.len() {
                    break;
                }
                taken += 1;
                if self.state != State::Quoted && matches!(byte, b' ' | b'\t') {
                    self.gap = self.bytes > 0;
                    continue;
                }
                if std::mem::take(&mut self.gap) && !matches!(byte, b'\n' | b'\r') {
                    self.watch(self.separator).map_err(io::Error::other)?;
                    buffer[count] = self.separator;
                    count += 1;
                }
                self.watch(byte).map_err(io::Error::other)?;
                match buffer.get_mut(count) {
                    Some(place) => *place = byte,
                    None => {
                        self.carry = Some(byte);
                        break;
                    }
                }
                count += 1;
            }
            self.inner.consume(taken);
        }
        Ok(count)
    }
}

impl<R: BufRead> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = if self.blanks {
            self.squeeze(buffer)?
        } else {
            let count = self.inner.read(buffer)?;
            self.follow(&buffer[..count]).map_err(io::Error::other)?;
            count
        };
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
        let read = io::copy(&mut Guard::new("t".into(), text, Separator::Byte(b','), 1), &mut io::sink());
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

    /// Runs are passed over with the same state as byte by byte, wherever a block ends.
    #[test]
    fn runs_are_followed_as_their_bytes_are() {
        let text = b"a,\"b \"\"x\"\"\n,\"\r\n12,3\"4\n\"u\nv\"w,\r\n,,\n\"\"";
        let states = |guard: &Guard<&[u8]>| {
            (guard.state as u8, guard.line, guard.record_line, guard.quote_line, guard.bytes, guard.fields)
        };
        let mut single = Guard::new("t".into(), &b""[..], Separator::Byte(b','), 1);
        let singles: Vec<_> = text
            .iter()
            .map(|&byte| {
                single.watch(byte).unwrap();
                states(&single)
            })
            .collect();
        for size in 1..text.len() {
            let mut runs = Guard::new("t".into(), &b""[..], Separator::Byte(b','), 1);
            for (at, block) in text.chunks(size).enumerate() {
                runs.follow(block).unwrap();
                assert_eq!(states(&runs), singles[(at * size + block.len()) - 1], "{size}");
            }
        }
    }

    #[test]
    fn runs_of_blanks_become_tabs() {
        let text = b"  a  b\t c \r\n1 \t\"x  y\" 2\n";
        for room in 1..40 {
            let mut guard = Guard::new("t".into(), &text[..], Separator::Blanks, 1);
            let (mut found, mut block) = (Vec::new(), vec![0; room]);
            loop {
                let count = guard.read(&mut block).unwrap();
                if count == 0 {
                    break;
                }
                found.extend_from_slice(&block[..count]);
            }
            assert_eq!(String::from_utf8(found).unwrap(), "a\tb\tc\r\n1\t\"x  y\"\t2\n", "{room}");
        }
    }
}
