//! A column of text: as it stands, and as hashed word n-grams (Weinberger, Dasgupta, Langford, Smola and Attenberg,
//! "Feature hashing for large scale multitask learning", ICML 2009).

use super::cells::Texts;
use super::roles::named;
use crate::data::readers::ReadError;
use crate::data::table::Table;
use crate::error::shorten;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_cast::cast;
use arrow_schema::DataType;

/// Columns that a column of text becomes.
pub const TEXT_WIDTH: usize = 256;

/// The texts of the column that is called `column`, or is at that position (from 0, or from -1 backwards), as they stand in
/// the file, row by row. Numbers, truth values and dates are taken as the text that they are written as.
///
/// # Errors
/// [`ReadError::NoColumn`] with the nearest name, [`ReadError::NoText`] with the first row that has none, and
/// [`ReadError::Option`] for a column of lists or records.
pub fn texts(table: &Table, column: &str) -> Result<Vec<String>, ReadError> {
    let names: Vec<String> =
        table.columns.schema().fields().iter().map(|field| field.name().clone()).collect();
    let at = named(&table.file, &names, column)?;
    let array = table.columns.column(at);
    let texts = cast(array, &DataType::LargeUtf8).map_err(|_| ReadError::Option {
        file: table.file.clone(),
        problem: format!("column \"{}\" holds {}, and no text", shorten(&names[at]), array.data_type()),
        hint: "name a column of text".to_string(),
    })?;
    let texts = texts.as_string::<i64>();
    let text = |row: usize| match texts.is_valid(row) {
        true => Ok(texts.value(row).to_string()),
        false => Err(ReadError::NoText { file: table.file.clone(), row, column: names[at].clone() }),
    };
    (0..texts.len()).map(text).collect()
}

/// Words and pairs of neighbouring words of every row, lower-cased and hashed to `width` signed counts; a row has the
/// Euclidean length 1, or 0 where it has no word. Column by column, each `[rows]`.
pub(super) fn hashed(texts: &Texts, width: usize) -> Vec<Vec<f32>> {
    let mut columns = vec![vec![0.0f32; texts.len()]; width];
    let mut counts = vec![0.0f32; width];
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        counts.fill(0.0);
        let text = text.to_lowercase();
        let mut before: Option<&str> = None;
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            add(&mut counts, &[word]);
            if let Some(before) = before.replace(word) {
                add(&mut counts, &[before, word]);
            }
        }
        let length = counts.iter().map(|count| count * count).sum::<f32>().sqrt();
        for (column, count) in columns.iter_mut().zip(&counts).filter(|(_, count)| **count != 0.0) {
            column[row] = count / length;
        }
    }
    columns
}

fn add(counts: &mut [f32], words: &[&str]) {
    // FNV-1a, 64 bits; a unit separator keeps `ab c` and `a bc` apart.
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0x1f]));
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325, step);
    // Its high bits depend little on the last bytes.
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
    counts[((hash >> 16) % counts.len() as u64) as usize] += sign;
}

/// Words of a text.
pub(super) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::StringArray;

    #[test]
    fn rows_have_length_one_and_depend_on_order() {
        let texts = ["good film, not bad", "bad film, not good", "GOOD film not bad", "", "!"];
        let texts = Texts::Small(StringArray::from(texts.to_vec()));
        let columns = hashed(&texts, 64);
        let row = |at: usize| columns.iter().map(|column| column[at]).collect::<Vec<f32>>();
        let length = |at: usize| row(at).iter().map(|value| value * value).sum::<f32>();
        assert!((length(0) - 1.0).abs() < 1e-6 && length(3) == 0.0 && length(4) == 0.0);
        assert_eq!(row(0), row(2));
        assert_ne!(row(0), row(1), "pairs of words tell the order");
    }
}
