//! NPY arrays, versions 1 to 3 (NumPy enhancement proposal 1). The header is parsed here and not by a
//! library, because it must be weighed against the file's length before anything is allocated.

use super::array::{Element, Layout, MAX_DIMENSIONS};
use super::error::ReadError;
use super::source::fault;
use crate::data::matrix::Matrix;
use crate::durable::input;
use crate::error::{Result, shorten};
use std::io::{BufReader, Read};
use std::path::Path;

/// How an array file starts.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes of a header; NumPy itself reads no more than 10,000.
pub const MAX_HEADER_BYTES: u64 = 64 << 10;

/// The inputs of a `.npy` file, shape `[rows, width]`, and the layout they are stored in.
pub(in crate::data) fn read_features(path: &Path) -> Result<(Layout, Matrix)> {
    let file = path.display().to_string();
    let (handle, size) = input::open(path)?;
    if size == 0 {
        return Err(ReadError::Empty { file }.into());
    }
    let mut from = BufReader::new(handle);
    let layout = read_layout(&file, &mut from, size)?;
    let matrix = layout.read_matrix(&file, from)?;
    Ok((layout, matrix))
}

/// Any array of numbers: its shape and its elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The lengths of the dimensions.
    pub shape: Vec<usize>,
    /// As many as the product of the lengths.
    pub values: Vec<f32>,
}

/// Reads a `.npy` file of any shape. The elements are streamed into `f32`, so that at most four bytes
/// per element are held.
///
/// # Errors
/// [`ReadError`] with the place: rows are the first dimension, columns all others.
pub fn read_array(path: &Path) -> Result<Array> {
    let file = path.display().to_string();
    let (handle, size) = input::open(path)?;
    if size == 0 {
        return Err(ReadError::Empty { file }.into());
    }
    let mut from = BufReader::new(handle);
    let layout = read_layout(&file, &mut from, size)?;
    let values = layout.read_values(&file, from)?;
    Ok(Array { shape: layout.shape, values })
}

/// The lengths of the dimensions of a `.npy` file. Only its header is read, and weighed against the file's
/// length.
///
/// # Errors
/// [`ReadError`] as [`read_array`], but for the elements.
pub fn read_shape(path: &Path) -> Result<Vec<usize>> {
    let file = path.display().to_string();
    let (handle, size) = input::open(path)?;
    if size == 0 {
        return Err(ReadError::Empty { file }.into());
    }
    Ok(read_layout(&file, BufReader::new(handle), size)?.shape)
}

/// The header of an array of `total` bytes, which leaves exactly the announced elements in `from`.
pub(super) fn read_layout(file: &str, mut from: impl Read, total: u64) -> Result<Layout, ReadError> {
    let problem = |problem: String| ReadError::Header { file: file.to_string(), problem };
    let mut take = |bytes: &mut [u8]| {
        from.read_exact(bytes).map_err(|error| match fault(file, error) {
            ReadError::Truncated { file, .. } => {
                ReadError::Truncated { file, what: format!("{total} bytes are less than the header") }
            }
            other => other,
        })
    };
    let mut start = [0u8; 8];
    take(&mut start)?;
    if !start.starts_with(MAGIC) {
        return Err(problem("does not start like a NumPy array".to_string()));
    }
    let (length, before) = match start[6] {
        1 => {
            let mut two = [0u8; 2];
            take(&mut two)?;
            (u64::from(u16::from_le_bytes(two)), 10)
        }
        2 | 3 => {
            let mut four = [0u8; 4];
            take(&mut four)?;
            (u64::from(u32::from_le_bytes(four)), 12)
        }
        other => return Err(problem(format!("NumPy format version {other}, but 1 to 3 are read"))),
    };
    if length > MAX_HEADER_BYTES {
        return Err(problem(format!("a header of {length} bytes, but at most {MAX_HEADER_BYTES} are read")));
    }
    if before + length > total {
        let what = format!("a header of {length} bytes is announced, {} there", total.saturating_sub(before));
        return Err(ReadError::Truncated { file: file.to_string(), what });
    }
    let mut text = vec![0u8; length as usize];
    take(&mut text)?;
    let layout = parse_header(file, &text)?;
    layout.expect_bytes(file, total - before - length)?;
    Ok(layout)
}

/// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(file: &str, text: &[u8]) -> Result<Layout, ReadError> {
    let problem = |problem: String| ReadError::Header { file: file.to_string(), problem };
    let broken = || problem("the header is no dictionary of descr, fortran_order and shape".to_string());
    let text = std::str::from_utf8(text).map_err(|_| broken())?;
    let mut cursor = Cursor { rest: text.trim() };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    cursor.expect('{').ok_or_else(broken)?;
    while !cursor.eat('}') {
        let key = cursor.string().ok_or_else(broken)?;
        cursor.expect(':').ok_or_else(broken)?;
        match key {
            "descr" if descr.is_none() => {
                if cursor.rest.starts_with('[') {
                    return Err(ReadError::Option {
                        file: file.to_string(),
                        problem: "elements of type a record, but a plain number is needed".to_string(),
                        hint: "a structured array is a table: save it as one, with \
                               `pandas.DataFrame(array).to_parquet(file)`"
                            .to_string(),
                    });
                }
                descr = Some(cursor.string().ok_or_else(broken)?);
            }
            "fortran_order" if fortran.is_none() => fortran = Some(cursor.boolean().ok_or_else(broken)?),
            "shape" if shape.is_none() => {
                let lengths = cursor.tuple().ok_or_else(broken)?;
                let numbers: Option<Vec<usize>> = lengths.iter().map(|length| length.parse().ok()).collect();
                shape = Some(numbers.ok_or_else(|| {
                    problem(format!("the shape ({}) is not made of lengths", shorten(&lengths.join(", "))))
                })?);
            }
            _ => return Err(broken()),
        }
        if !cursor.eat(',') && !cursor.rest.starts_with('}') {
            return Err(broken());
        }
    }
    let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else { return Err(broken()) };
    if !cursor.rest.is_empty() {
        return Err(broken());
    }
    if shape.len() > MAX_DIMENSIONS {
        let found = shape.len();
        return Err(problem(format!("{found} dimensions, but at most {MAX_DIMENSIONS} are read")));
    }
    let (element, big_endian) = parse_element(descr).ok_or_else(|| ReadError::ElementType {
        file: file.to_string(),
        found: shorten(descr).into_owned(),
        expected: "a boolean, an integer, a float of at most 8 bytes or a text",
    })?;
    Ok(Layout { element, big_endian, fortran, shape })
}

/// `<f4` is a little-endian float of four bytes. `|` and `=` stand for no and for the native order.
fn parse_element(descr: &str) -> Option<(Element, bool)> {
    let mut letters = descr.chars();
    let big_endian = match letters.next()? {
        '<' | '|' => false,
        '=' => cfg!(target_endian = "big"),
        '>' => true,
        _ => return None,
    };
    let element = match (letters.next()?, letters.as_str()) {
        ('b', "1") => Element::Bool,
        ('i', "1") => Element::Signed(1),
        ('i', "2") => Element::Signed(2),
        ('i', "4") => Element::Signed(4),
        ('i', "8") => Element::Signed(8),
        ('u', "1") => Element::Unsigned(1),
        ('u', "2") => Element::Unsigned(2),
        ('u', "4") => Element::Unsigned(4),
        ('u', "8") => Element::Unsigned(8),
        ('f', "2") => Element::Float(2),
        ('f', "4") => Element::Float(4),
        ('f', "8") => Element::Float(8),
        ('U', letters) => Element::Wide(letters.parse().ok().filter(|&letters| letters > 0)?),
        ('S', bytes) => Element::Bytes(bytes.parse().ok().filter(|&bytes| bytes > 0)?),
        _ => return None,
    };
    Some((element, big_endian))
}

/// Walks the header's text; every method skips the spaces after what it takes.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn eat(&mut self, letter: char) -> bool {
        match self.rest.strip_prefix(letter) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, letter: char) -> Option<()> {
        self.eat(letter).then_some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let quote = self.rest.chars().next().filter(|letter| matches!(letter, '\'' | '"'))?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest.trim_start();
        Some(text)
    }

    fn boolean(&mut self) -> Option<bool> {
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest.trim_start();
                return Some(value);
            }
        }
        None
    }

    /// The entries of `(3, 4)`, `(3,)` or `()`.
    fn tuple(&mut self) -> Option<Vec<&'a str>> {
        self.expect('(')?;
        let (inside, rest) = self.rest.split_once(')')?;
        self.rest = rest.trim_start();
        let mut entries: Vec<&str> = inside.split(',').map(str::trim).collect();
        if entries.last() == Some(&"") {
            entries.pop();
        }
        Some(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_parse() {
        let layout =
            parse_header("a", b"{'descr': '<f2', 'fortran_order': False, 'shape': (5952, 384), }   \n");
        let expected =
            Layout { element: Element::Float(2), big_endian: false, fortran: false, shape: vec![5952, 384] };
        assert_eq!(layout, Ok(expected));
        let layout = parse_header("a", b"{\"shape\":(3,),\"descr\":\">i8\",\"fortran_order\":True}");
        let expected =
            Layout { element: Element::Signed(8), big_endian: true, fortran: true, shape: vec![3] };
        assert_eq!(layout, Ok(expected));
    }

    #[test]
    fn broken_headers_are_refused() {
        for text in [
            "",
            "{",
            "{}",
            "[]",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1e9, 4)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 4)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
        ] {
            assert!(matches!(parse_header("a", text.as_bytes()), Err(ReadError::Header { .. })), "{text}");
        }
        for descr in ["|O", "<U0", "|S", "<c8", "<f16", "<M8[ns]", "f4", "", "<\u{e9}4"] {
            let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,)}}");
            let refused = parse_header("a", text.as_bytes());
            assert!(matches!(refused, Err(ReadError::ElementType { .. })), "{descr}");
        }
    }
}
