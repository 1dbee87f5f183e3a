//! What the binary formats share: an announced layout, checked against what is there, and its elements.

use super::error::ReadError;
use super::source::fault;
use crate::data::dataset::{MAX_VALUES, Shape, check_size};
use crate::data::error::DataError;
use crate::data::matrix::Matrix;
use crate::error::Result;
use half::f16;
use half::slice::HalfFloatSliceExt;
use std::io::Read;

/// Dimensions of an array.
pub(super) const MAX_DIMENSIONS: usize = 8;
/// Bytes that are converted at a time; a multiple of the size of every number.
const BLOCK: usize = 64 << 10;
/// What to do about an element that is no finite number of the range.
const NO_NUMBER_HINT: &str = "arrays have no missing values here: fill them in, for example with `np.nan_to_num` or the column's median, or \
     leave the rows out";
/// Bytes of a text.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Element {
    Bool,
    Signed(usize),
    Unsigned(usize),
    Float(usize),
    /// Text of so many characters, four bytes each.
    Wide(usize),
    /// Text of so many bytes.
    Bytes(usize),
}

impl Element {
    /// Bytes per element. Saturates.
    pub fn bytes(self) -> usize {
        match self {
            Element::Bool => 1,
            Element::Signed(bytes)
            | Element::Unsigned(bytes)
            | Element::Float(bytes)
            | Element::Bytes(bytes) => bytes,
            Element::Wide(letters) => letters.saturating_mul(4),
        }
    }

    /// Whether the elements are texts.
    pub fn is_text(self) -> bool {
        matches!(self, Element::Wide(_) | Element::Bytes(_))
    }

    /// The value of `bytes`, least significant byte first. 64-bit integers are rounded to `f64`.
    fn value(self, bytes: &[u8]) -> f64 {
        let mut eight = [0u8; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(eight);
        match self {
            Element::Bool => f64::from(u8::from(bits != 0)),
            Element::Unsigned(_) => bits as f64,
            // Shifted up and back down, so that the sign bit is copied.
            Element::Signed(bytes) => ((bits << (64 - 8 * bytes)) as i64 >> (64 - 8 * bytes)) as f64,
            Element::Float(2) => f16::from_bits(bits as u16).to_f64(),
            Element::Float(4) => f64::from(f32::from_bits(bits as u32)),
            // Texts have no number; whoever reads numbers has refused them.
            Element::Float(_) | Element::Wide(_) | Element::Bytes(_) => f64::from_bits(bits),
        }
    }
}

/// What a header announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::data) struct Layout {
    pub element: Element,
    pub big_endian: bool,
    /// Whether the first index varies fastest.
    pub fortran: bool,
    /// The lengths of the dimensions, the first being the rows.
    pub shape: Vec<usize>,
}

impl Layout {
    /// Bytes of the elements.
    pub fn byte_count(&self, file: &str) -> Result<u64, ReadError> {
        let size = self.element.bytes() as u64;
        self.shape.iter().try_fold(size, |product, &length| product.checked_mul(length as u64)).ok_or_else(
            || ReadError::Header {
                file: file.to_string(),
                problem: format!("the shape {:?} has more elements than can be counted", self.shape),
            },
        )
    }

    /// Refuses a layout whose elements are not exactly the `there` bytes that follow the header.
    pub fn expect_bytes(&self, file: &str, there: u64) -> Result<(), ReadError> {
        let expected = self.byte_count(file)?;
        if there < expected {
            let what =
                format!("shape {:?} announces {expected} bytes of elements, {there} there", self.shape);
            return Err(ReadError::Truncated { file: file.to_string(), what });
        }
        if there > expected {
            return Err(ReadError::Trailing { file: file.to_string(), expected, found: there });
        }
        Ok(())
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    /// Numbers of one row. Saturates.
    pub fn width(&self) -> usize {
        self.shape.iter().skip(1).fold(1, |width, &length| width.saturating_mul(length))
    }

    /// The shape of one row, as it is stored: an image for three (rows, height, width) and four dimensions (rows,
    /// channels, height, width), else a vector.
    pub fn row_shape(&self) -> Shape {
        match self.shape[..] {
            [_, height, width] => Shape::Image { channels: 1, height, width },
            [_, channels, height, width] => Shape::Image { channels, height, width },
            _ => Shape::Vector(self.width()),
        }
    }

    /// Refuses texts.
    fn expect_numbers(&self, file: &str) -> Result<(), ReadError> {
        let found = match self.element {
            Element::Wide(letters) => format!("<U{letters}"),
            Element::Bytes(bytes) => format!("|S{bytes}"),
            _ => return Ok(()),
        };
        Err(ReadError::ElementType { file: file.to_string(), found, expected: "a number" })
    }

    /// Where the element that comes as number `index` belongs in row-major order.
    fn place(&self, index: usize) -> usize {
        if !self.fortran {
            return index;
        }
        let (mut rest, mut place) = (index, 0);
        let mut stride: usize = self.shape.iter().product();
        for &length in &self.shape {
            stride /= length;
            place += rest % length * stride;
            rest /= length;
        }
        place
    }

    /// Calls `take` with the row-major place and the value of every element. Checks nothing but that
    /// they are there.
    fn each(
        &self,
        file: &str,
        mut from: impl Read,
        mut take: impl FnMut(usize, f64) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.expect_numbers(file)?;
        let size = self.element.bytes();
        let (mut left, mut index) = (self.byte_count(file)? as usize, 0);
        let mut block = vec![0u8; BLOCK.min(left)];
        while left > 0 {
            let block = &mut block[..BLOCK.min(left)];
            self.fill(file, &mut from, block, left)?;
            for bytes in block.chunks_exact_mut(size) {
                if self.big_endian {
                    bytes.reverse();
                }
                take(self.place(index), self.element.value(bytes))?;
                index += 1;
            }
            left -= block.len();
        }
        Ok(())
    }

    /// Reads a block, of `left` bytes that are still announced.
    fn fill(&self, file: &str, from: &mut impl Read, block: &mut [u8], left: usize) -> Result<(), ReadError> {
        from.read_exact(block).map_err(|error| match fault(file, error) {
            ReadError::Truncated { file, .. } => {
                let what = format!("shape {:?} announces {left} more bytes", self.shape);
                ReadError::Truncated { file, what }
            }
            other => other,
        })
    }

    /// All elements as features, one row per first index. The caller has checked that the bytes are
    /// there, or reads from a source that cannot inflate to more than it should.
    pub fn read_matrix(&self, file: &str, from: impl Read) -> Result<Matrix> {
        self.byte_count(file)?;
        self.expect_numbers(file)?;
        let problem =
            |problem: &str| ReadError::Header { file: file.to_string(), problem: problem.to_string() };
        if self.shape.len() < 2 {
            return Err(problem("features need two dimensions (rows, columns), this array has fewer").into());
        }
        let (rows, width) = (self.rows(), self.width());
        if rows == 0 {
            return Err(DataError::NoRows { name: file.to_string() }.into());
        }
        if width == 0 {
            return Err(DataError::NoColumns { name: file.to_string() }.into());
        }
        check_size(file, rows, width)?;
        let values = self.read_finite(file, from, rows * width, width)?;
        Ok(Matrix::new(values, rows, width))
    }

    /// All elements of an array of any shape. The caller has checked that the bytes are there.
    pub fn read_values(&self, file: &str, from: impl Read) -> Result<Vec<f32>, ReadError> {
        self.expect_numbers(file)?;
        let count = (self.byte_count(file)? / self.element.bytes() as u64) as usize;
        if count > MAX_VALUES {
            let problem = format!("{count} elements, but at most {MAX_VALUES} are read");
            return Err(ReadError::Header { file: file.to_string(), problem });
        }
        let width = self.shape.iter().skip(1).product::<usize>().max(1);
        self.read_finite(file, from, count, width)
    }

    /// `count` elements in row-major order, none of them NaN or infinite; `width` per row.
    fn read_finite(
        &self,
        file: &str,
        from: impl Read,
        count: usize,
        width: usize,
    ) -> Result<Vec<f32>, ReadError> {
        if !self.fortran && !self.big_endian && matches!(self.element, Element::Float(2 | 4)) {
            return self.read_plain(file, from, width);
        }
        // An archive's member is not yet known to hold what its header announces.
        let mut values = if self.fortran { vec![0.0f32; count] } else { Vec::new() };
        self.each(file, from, |place, value| {
            let narrow = value as f32;
            if !narrow.is_finite() {
                let (file, row, column) = (file.to_string(), place / width, place % width);
                let problem =
                    if value.is_finite() { "beyond what `f32` can hold" } else { "not a finite number" };
                let (value, hint) = (value.to_string(), NO_NUMBER_HINT);
                return Err(ReadError::Element { file, row, column, value, problem, hint });
            }
            match values.get_mut(place) {
                Some(value) => *value = narrow,
                None => values.push(narrow),
            }
            Ok(())
        })?;
        Ok(values)
    }

    /// As [`read_finite`](Self::read_finite), for little-endian floats of two or four bytes in row-major
    /// order, which large pools are made of: whole blocks are converted at once.
    fn read_plain(&self, file: &str, mut from: impl Read, width: usize) -> Result<Vec<f32>, ReadError> {
        let mut left = self.byte_count(file)? as usize;
        let mut block = vec![0u8; BLOCK.min(left)];
        let mut halves = vec![f16::ZERO; BLOCK / 2];
        let mut floats = vec![0.0f32; BLOCK / 2];
        let mut values: Vec<f32> = Vec::new();
        while left > 0 {
            let block = &mut block[..BLOCK.min(left)];
            self.fill(file, &mut from, block, left)?;
            left -= block.len();
            let count = block.len() / self.element.bytes();
            let floats = &mut floats[..count];
            if self.element == Element::Float(2) {
                for (half, bytes) in halves.iter_mut().zip(block.as_chunks::<2>().0) {
                    *half = f16::from_le_bytes(*bytes);
                }
                halves[..count].convert_to_f32_slice(floats);
            } else {
                for (float, bytes) in floats.iter_mut().zip(block.as_chunks::<4>().0) {
                    *float = f32::from_le_bytes(*bytes);
                }
            }
            if let Some(at) = floats.iter().position(|float| !float.is_finite()) {
                let (place, value) = (values.len() + at, f64::from(floats[at]).to_string());
                let (file, row, column) = (file.to_string(), place / width, place % width);
                let problem = "not a finite number";
                let hint = NO_NUMBER_HINT;
                return Err(ReadError::Element { file, row, column, value, problem, hint });
            }
            values.extend_from_slice(floats);
        }
        Ok(values)
    }

    /// All elements as whole numbers, in row-major order.
    pub fn read_whole(&self, file: &str, from: impl Read) -> Result<Vec<i64>> {
        self.byte_count(file)?;
        let width = self.width().max(1);
        check_size(file, self.rows(), width)?;
        let count = self.rows() * width;
        let mut numbers = if self.fortran { vec![0; count] } else { Vec::new() };
        self.each(file, from, |place, value| {
            // Beyond 2^53 two whole numbers may be one `f64`.
            const MOST: f64 = 9_007_199_254_740_992.0;
            if value.fract() != 0.0 || !(-MOST..=MOST).contains(&value) {
                let hint = if value.is_finite() {
                    "classes are whole numbers or texts, and numbers are predicted from tables alone (--task regression): write ranges of the numbers as \
                     classes, for example with `np.digitize`"
                } else {
                    "leave out the rows that have no label"
                };
                let (file, value) = (file.to_string(), value.to_string());
                let problem = "not a whole number within 2^53";
                return Err(ReadError::Element {
                    file,
                    row: place / width,
                    column: place % width,
                    value,
                    problem,
                    hint,
                });
            }
            match numbers.get_mut(place) {
                Some(number) => *number = value as i64,
                None => numbers.push(value as i64),
            }
            Ok(())
        })?;
        Ok(numbers)
    }

    /// All elements as texts, of one dimension or of a second of length one.
    pub fn read_texts(&self, file: &str, mut from: impl Read) -> Result<Vec<String>> {
        self.byte_count(file)?;
        let problem = |problem: String| ReadError::Header { file: file.to_string(), problem };
        let size = self.element.bytes();
        if size > MAX_TEXT_BYTES {
            return Err(
                problem(format!("texts of {size} bytes, but at most {MAX_TEXT_BYTES} are read")).into()
            );
        }
        check_size(file, self.rows(), self.width())?;
        let mut texts = Vec::new();
        let mut bytes = vec![0u8; size];
        for row in 0..self.shape.iter().product() {
            self.fill(file, &mut from, &mut bytes, size)?;
            let text =
                match self.element {
                    Element::Wide(_) => bytes
                        .as_chunks::<4>()
                        .0
                        .iter()
                        .map(|four| {
                            if self.big_endian {
                                u32::from_be_bytes(*four)
                            } else {
                                u32::from_le_bytes(*four)
                            }
                        })
                        .map(char::from_u32)
                        .collect::<Option<String>>(),
                    _ => String::from_utf8(bytes.clone()).ok(),
                };
            let text = text.ok_or_else(|| problem(format!("row {row} is no text in Unicode")))?;
            texts.push(text.trim_end_matches('\0').trim().to_string());
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_decode() {
        assert_eq!(Element::Signed(1).value(&[0xff]), -1.0);
        assert_eq!(Element::Signed(2).value(&[0xfe, 0xff]), -2.0);
        assert_eq!(Element::Signed(8).value(&[0xff; 8]), -1.0);
        assert_eq!(Element::Unsigned(2).value(&[0x01, 0x02]), 513.0);
        assert_eq!(Element::Float(2).value(&[0x00, 0x3e]), 1.5);
        assert_eq!(Element::Float(4).value(&1.5f32.to_le_bytes()), 1.5);
        assert_eq!(Element::Float(8).value(&(-2.5f64).to_le_bytes()), -2.5);
        assert_eq!(Element::Bool.value(&[7]), 1.0);
    }

    /// What is converted block by block is what is converted one by one, over several blocks.
    #[test]
    fn blocks_convert_as_elements_do() {
        let count = 2 * BLOCK + 2;
        let bits: Vec<u16> =
            (0..count).map(|at| (at * 7_919 % 0x7c00) as u16 | ((at as u16 & 1) << 15)).collect();
        let bytes: Vec<u8> = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let reversed: Vec<u8> = bits.iter().flat_map(|bits| bits.to_be_bytes()).collect();
        let read = |big_endian, bytes: &[u8]| {
            let shape = vec![count / 2, 2];
            Layout { element: Element::Float(2), big_endian, fortran: false, shape }.read_values("a", bytes)
        };
        assert_eq!(read(false, &bytes), read(true, &reversed));
        let mut broken = bytes;
        broken[2 * (BLOCK + 3)..][..2].copy_from_slice(&0x7c00u16.to_le_bytes());
        let (row, column) = ((BLOCK + 3) / 2, (BLOCK + 3) % 2);
        let found = read(false, &broken).unwrap_err();
        assert!(
            matches!(&found, ReadError::Element { row: r, column: c, .. } if (*r, *c) == (row, column)),
            "{found}"
        );
    }

    /// The array [[0, 1, 2], [3, 4, 5]] comes in Fortran order as 0, 3, 1, 4, 2, 5.
    #[test]
    fn fortran_order_is_turned() {
        let layout =
            Layout { element: Element::Unsigned(1), big_endian: false, fortran: true, shape: vec![2, 3] };
        let matrix = layout.read_matrix("a", &[0u8, 3, 1, 4, 2, 5][..]).unwrap();
        assert_eq!(matrix.values(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}
