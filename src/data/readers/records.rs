//! Records of a table of text (RFC 4180, as the `csv` crate takes it), split and bounded in one pass.
//!
//! The `csv` crate itself takes an unclosed quote for a long field and a field of any size into memory, knows no runs
//! of blanks, and does not say in which line a record begins; a filter in front of it that does would follow every
//! byte twice. It remains the reference of the tests.

use super::choices::Separator;
use super::error::ReadError;
use super::source::fault;
use std::io::Read;

/// Bytes of one record.
pub const MAX_RECORD_BYTES: usize = 16 << 20;
/// Fields of one record. Every column costs some hundred bytes beside its content, so that a line of commas
/// could otherwise ask for far more memory than it takes on disk.
pub const MAX_RECORD_FIELDS: usize = 1 << 18;
/// Bytes that are read at a time; more where a record is longer.
const BLOCK: usize = 256 << 10;

/// The records of a table, one after another. Stops at a NUL byte, at a record over the limits, and at an end within
/// quotes.
pub(super) struct Records<R> {
    from: R,
    file: String,
    /// Whether any run of blanks separates fields, and none at either end of a line does.
    blanks: bool,
    /// The bytes that end a field without quotes: what separates fields, ends of lines, and NUL.
    ends: [bool; 256],
    /// What has been read, and how much of it has been taken.
    buffer: Vec<u8>,
    taken: usize,
    /// Whether nothing more comes.
    done: bool,
    /// The line of the next byte.
    line: u64,
    /// Where the fields of the record lie in it.
    spans: Vec<(u32, u32)>,
    /// Which of them are in quotes.
    quoted: Vec<u32>,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    /// The line in which it begins.
    pub line: u64,
    bytes: &'a [u8],
    spans: &'a [(u32, u32)],
}

impl<'a> Record<'a> {
    /// The number of fields, at least one.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The fields, without their quotes.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.spans.iter().map(move |&(start, end)| &self.bytes[start as usize..end as usize])
    }

    /// A field, counted from 0.
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|&(start, end)| &self.bytes[start as usize..end as usize])
    }

    /// The fields as text; where they are none, the first field that is not, and how much of it is.
    pub fn texts(self) -> Result<impl Iterator<Item = &'a str>, (usize, usize)> {
        let text = std::str::from_utf8(self.bytes).map_err(|error| {
            let sound = error.valid_up_to();
            let field = self.spans.partition_point(|&(_, end)| end as usize <= sound);
            (field, sound - self.spans[field].0 as usize)
        })?;
        Ok(self.spans.iter().map(move |&(start, end)| &text[start as usize..end as usize]))
    }
}

/// What lies ahead in the buffer.
enum Ahead {
    /// A record from the first place up to the second, and the line of what follows.
    Record(usize, usize, u64),
    /// Less than a record, from this place on.
    Part(usize),
    /// Nothing.
    End,
}

impl<R: Read> Records<R> {
    /// The records of a table whose first line has the number `line`.
    pub fn new(file: String, from: R, separator: Separator, line: u64) -> Self {
        let blanks = separator == Separator::Blanks;
        let mut ends = [false; 256];
        for end in [separator.byte(), b'\n', b'\r', 0] {
            ends[usize::from(end)] = true;
        }
        ends[usize::from(b' ')] |= blanks;
        let (buffer, spans, quoted) = (Vec::new(), Vec::new(), Vec::new());
        Self { from, file, blanks, ends, buffer, taken: 0, done: false, line, spans, quoted }
    }

    /// The next record; blank lines are none.
    ///
    /// # Errors
    /// [`ReadError::Nul`], [`ReadError::LongRecord`], [`ReadError::UnclosedQuote`], and those of the source.
    pub fn next(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        loop {
            match self.look()? {
                Ahead::End => return Ok(None),
                Ahead::Part(start) => self.refill(start)?,
                Ahead::Record(start, end, line) => {
                    let began = std::mem::replace(&mut self.line, line);
                    self.taken = end;
                    let bytes = &mut self.buffer[start..end];
                    for &field in &self.quoted {
                        let span = &mut self.spans[field as usize];
                        *span = unquote(bytes, *span);
                    }
                    return Ok(Some(Record { line: began, bytes, spans: &self.spans }));
                }
            }
        }
    }

    /// Finds the next record in the buffer and the spans of its fields, quotes included.
    fn look(&mut self) -> Result<Ahead, ReadError> {
        let bytes = &self.buffer[..];
        let blank = |at: usize| self.blanks && matches!(bytes.get(at), Some(b' ' | b'\t'));
        loop {
            match bytes.get(self.taken) {
                Some(b'\n') => self.line += 1,
                Some(b'\r') => {}
                Some(_) if blank(self.taken) => {}
                Some(_) => break,
                None if self.done => return Ok(Ahead::End),
                None => return Ok(Ahead::Part(self.taken)),
            }
            self.taken += 1;
        }
        let (start, mut at, mut line) = (self.taken, self.taken, self.line);
        let long =
            |limit, what| ReadError::LongRecord { file: self.file.clone(), line: self.line, limit, what };
        self.spans.clear();
        self.quoted.clear();
        loop {
            let first = at;
            if bytes.get(at) == Some(&b'"') {
                self.quoted.push(self.spans.len() as u32);
                let opened = line;
                at += 1;
                loop {
                    match bytes.get(at) {
                        Some(b'"') if bytes.get(at + 1) == Some(&b'"') => at += 1,
                        Some(b'"') => break,
                        Some(b'\n') => line += 1,
                        Some(0) => return Err(ReadError::Nul { file: self.file.clone(), line }),
                        Some(_) => {}
                        None if at - start > MAX_RECORD_BYTES => return Err(long(MAX_RECORD_BYTES, "bytes")),
                        None if self.done => {
                            return Err(ReadError::UnclosedQuote { file: self.file.clone(), line: opened });
                        }
                        None => return Ok(Ahead::Part(start)),
                    }
                    at += 1;
                }
                // What follows the closing quote belongs to the field.
                at += 1;
            }
            while let Some(&byte) = bytes.get(at)
                && !self.ends[usize::from(byte)]
            {
                at += 1;
            }
            if at - start > MAX_RECORD_BYTES {
                return Err(long(MAX_RECORD_BYTES, "bytes"));
            }
            if self.spans.len() == MAX_RECORD_FIELDS {
                return Err(long(MAX_RECORD_FIELDS, "fields"));
            }
            self.spans.push(((first - start) as u32, (at - start) as u32));
            let end = at;
            while blank(at) {
                at += 1;
            }
            match bytes.get(at) {
                None if self.done => return Ok(Ahead::Record(start, end, line)),
                None => return Ok(Ahead::Part(start)),
                Some(b'\n' | b'\r') => return Ok(Ahead::Record(start, end, line)),
                Some(0) => return Err(ReadError::Nul { file: self.file.clone(), line }),
                // Behind blanks the next field has begun.
                Some(_) => at += usize::from(!self.blanks),
            }
        }
    }

    /// Reads more behind what is left from `start` on.
    fn refill(&mut self, start: usize) -> Result<(), ReadError> {
        self.buffer.drain(..start);
        self.taken = 0;
        let kept = self.buffer.len();
        let mut filled = kept;
        self.buffer.resize((2 * kept).max(BLOCK), 0);
        while filled < self.buffer.len() {
            let count = match self.from.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.map_err(|error| fault(&self.file, error))?,
            };
            if count == 0 {
                self.done = true;
                break;
            }
            filled += count;
        }
        self.buffer.truncate(filled);
        Ok(())
    }
}

/// Takes the quotes from a field: those around it, and one of each two within. What the field then lacks at its end is
/// filled with spaces, so that text stays text.
fn unquote(record: &mut [u8], (start, end): (u32, u32)) -> (u32, u32) {
    let field = &mut record[start as usize..end as usize];
    let (mut from, mut to, mut within) = (1, 1, true);
    while from < field.len() {
        if within && field[from] == b'"' {
            from += 1;
            within = field.get(from) == Some(&b'"');
            if !within {
                continue;
            }
        }
        field[to] = field[from];
        (from, to) = (from + 1, to + 1);
    }
    field[to..].fill(b' ');
    (start + 1, start + to as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    /// Lines with their fields.
    type Lines = Vec<(u64, Vec<Vec<u8>>)>;

    /// All records with their lines, of a source that hands out `step` bytes at a time.
    fn read(text: &[u8], separator: Separator, step: usize) -> Result<Lines, ReadError> {
        struct Steps<'a>(&'a [u8], usize);
        impl Read for Steps<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let count = self.1.min(self.0.len()).min(buffer.len());
                buffer[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let mut records = Records::new("t".into(), Steps(text, step), separator, 1);
        let mut all = Vec::new();
        while let Some(record) = records.next()? {
            all.push((record.line, record.iter().map(<[u8]>::to_vec).collect()));
        }
        Ok(all)
    }

    /// Every short text of the bytes that matter has the fields that the `csv` crate gives it.
    #[test]
    fn records_are_those_of_the_csv_crate() {
        let mut rng = Key::root(5).named("records").rng();
        for case in 0..40_000 {
            let length = 1 + case % 24;
            let text: Vec<u8> = (0..length).map(|_| b"a,,\"\"\"\n\n\r "[rng.random_range(0..10)]).collect();
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&text[..]);
            let expected: Vec<Vec<Vec<u8>>> = reader
                .byte_records()
                .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
                .collect();
            match read(&text, Separator::Byte(b','), 1 + case % 7) {
                Ok(found) => {
                    let lines = found.iter().map(|(line, _)| *line).collect::<Vec<_>>();
                    assert!(lines.is_sorted(), "{lines:?}");
                    let found: Vec<Vec<Vec<u8>>> = found.into_iter().map(|(_, fields)| fields).collect();
                    assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(&text));
                }
                Err(error) => {
                    assert!(matches!(error, ReadError::UnclosedQuote { .. }), "{error}");
                    let closed = [&text[..], b"\""].concat();
                    assert!(read(&closed, Separator::Byte(b','), 9).is_ok(), "{error}");
                }
            }
        }
    }

    #[test]
    fn lines_are_those_in_which_records_begin() {
        let text = b"a,b\r\n\r\n1,\"x\ny\"\r\n\n\n2,3\n4,5";
        let lines = read(text, Separator::Byte(b','), 3).unwrap().into_iter().map(|(line, _)| line);
        assert_eq!(lines.collect::<Vec<_>>(), [1, 3, 7, 8]);
    }

    #[test]
    fn faults_are_placed() {
        let refused = |text: &[u8]| {
            read(text, Separator::Byte(b','), 1 << 20).expect_err("must be refused").to_string()
        };
        assert_eq!(refused(b"a,b\n1,\"2\n3,4\n"), "t: line 2: a quote is opened and never closed");
        assert_eq!(refused(b"a\n\"x\"\"\n1\n"), "t: line 2: a quote is opened and never closed");
        assert_eq!(refused(b"a\n1\n\x002\n"), "t: line 3: a NUL byte in a text file");
        assert_eq!(refused(b"a\n\"1\n\x002\"\n"), "t: line 3: a NUL byte in a text file");
        let limit = format!("t: line 2: a record of more than {MAX_RECORD_BYTES} bytes");
        let long = |rest: &[u8]| [b"a\n", &vec![b'7'; MAX_RECORD_BYTES][..], rest].concat();
        assert_eq!(refused(&long(b"7")), limit);
        assert_eq!(refused(&[b"a\n\"", &long(b"")[2..]].concat()), limit);
        assert_eq!(read(&long(b"\n"), Separator::Byte(b','), 1 << 20).unwrap().len(), 2);
        let wide = [b"a\n".to_vec(), vec![b','; MAX_RECORD_FIELDS]].concat();
        assert_eq!(refused(&wide), format!("t: line 2: a record of more than {MAX_RECORD_FIELDS} fields"));
    }

    #[test]
    fn runs_of_blanks_separate() {
        let text = b"  a  b\t c \r\n \t\r\n1 \t\"x  y\" 2\n \"u\"v  w";
        for step in 1..40 {
            let found = read(text, Separator::Blanks, step).unwrap();
            let found: Vec<(u64, String)> = found
                .into_iter()
                .map(|(line, fields)| (line, String::from_utf8(fields.join(&b'|')).unwrap()))
                .collect();
            let expected = [(1, "a|b|c"), (3, "1|x  y|2"), (4, "uv|w")];
            assert_eq!(found, expected.map(|(line, text)| (line, text.to_string())), "{step}");
        }
    }

    /// Letters of several bytes once would have been torn where quotes within a field are taken out.
    #[test]
    fn quotes_leave_text() {
        let text = "\"é\"\"é\"\"\",ü\n".as_bytes();
        let mut records = Records::new("t".into(), text, Separator::Byte(b','), 1);
        let record = records.next().unwrap().unwrap();
        assert_eq!(record.texts().unwrap().collect::<Vec<_>>(), ["é\"é\"", "ü"]);
        let mut records = Records::new("t".into(), &b"\"\xff\"\"\",u\n"[..], Separator::Byte(b','), 1);
        assert_eq!(records.next().unwrap().unwrap().texts().err(), Some((0, 0)));
        let mut records =
            Records::new("t".into(), &b"\"\"\"u\",\"\"\"uv\xff\"\n"[..], Separator::Byte(b','), 1);
        assert_eq!(records.next().unwrap().unwrap().texts().err(), Some((1, 3)));
    }
}
