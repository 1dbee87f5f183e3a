//! The tidy rows as Parquet: `pandas.read_parquet("rows.parquet")`.
//!
//! A writer for these fifteen columns and no others: no compression, words as dictionaries, and runs of equal
//! values as runs, which sorted rows have plenty of. The public crates would add a dozen dependencies and
//! minutes of compilation for one file. The format is that of parquet.thrift, version 1, whose structures
//! go through Thrift's compact protocol (`thrift.rs`).

use super::thrift::{Struct, varint};
use crate::episode::Row;
use crate::run::QueryTimes;
use std::collections::BTreeMap;

/// Begins and ends every file.
const MAGIC: &[u8] = b"PAR1";
/// Most rows, and most picks before the last row, of one row group; four bytes of ids count as a pick. A page's
/// size is a 32-bit number.
const GROUP_ROWS: usize = 1 << 17;
const GROUP_PICKS: usize = 1 << 24;

/// Numbers of parquet.thrift.
mod number {
    pub const INT32: i64 = 1;
    pub const INT64: i64 = 2;
    pub const DOUBLE: i64 = 5;
    pub const BYTE_ARRAY: i64 = 6;
    pub const UTF8: i64 = 0;
    pub const LIST: i64 = 3;
    pub const UINT_32: i64 = 13;
    pub const UINT_64: i64 = 14;
    pub const REQUIRED: i64 = 0;
    pub const OPTIONAL: i64 = 1;
    pub const REPEATED: i64 = 2;
    pub const PLAIN: i64 = 0;
    pub const RLE: i64 = 3;
    pub const RLE_DICTIONARY: i64 = 8;
    pub const DATA_PAGE: i64 = 0;
    pub const DICTIONARY_PAGE: i64 = 2;
}
use number::*;

/// A leaf of the schema.
struct Column {
    path: &'static [&'static str],
    physical: i64,
    converted: Option<i64>,
}

const fn column(path: &'static [&'static str], physical: i64, converted: Option<i64>) -> Column {
    Column { path, physical, converted }
}

/// In the order of [`csv`](super::csv).
const COLUMNS: [Column; 15] = [
    column(&["task"], BYTE_ARRAY, Some(UTF8)),
    column(&["strategy"], BYTE_ARRAY, Some(UTF8)),
    column(&["architecture"], BYTE_ARRAY, Some(UTF8)),
    column(&["repetition"], INT32, Some(UINT_32)),
    column(&["round"], INT32, Some(UINT_32)),
    column(&["labels"], INT32, Some(UINT_32)),
    column(&["accuracy"], DOUBLE, None),
    column(&["balanced_accuracy"], DOUBLE, None),
    column(&["macro_f1"], DOUBLE, None),
    column(&["reward_accuracy"], DOUBLE, None),
    column(&["steps"], INT64, Some(UINT_64)),
    column(&["picks", "list", "element"], INT32, Some(UINT_32)),
    column(&["pick_ids", "list", "element"], BYTE_ARRAY, Some(UTF8)),
    column(&["note"], BYTE_ARRAY, Some(UTF8)),
    column(&["query_seconds"], DOUBLE, None),
];

/// Columns that rows may lack.
const OPTIONALS: [&str; 2] = ["note", "query_seconds"];

/// One column of one row group.
struct Values {
    /// Rows, or the places of all lists.
    places: usize,
    /// Repetition and definition levels, where the column has them.
    levels: Vec<Vec<u32>>,
    /// A dictionary page's entries and their number.
    dictionary: Option<(Vec<u8>, usize)>,
    data: Vec<u8>,
}

/// All rows, in their order, with the seconds that their queries took.
pub fn parquet(rows: &[Row], times: &QueryTimes) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    let mut groups = Vec::new();
    for rows in grouped(rows) {
        let mut chunks = Vec::new();
        let begin = file.len();
        for (index, column) in COLUMNS.iter().enumerate() {
            chunks.push(chunk(&mut file, column, &values(index, rows, times)));
        }
        groups.push(
            Struct::new()
                .structs(1, chunks)
                .long(2, (file.len() - begin) as i64)
                .long(3, rows.len() as i64)
                .end(),
        );
    }
    let footer = Struct::new()
        .int(1, 1)
        .structs(2, schema())
        .long(3, rows.len() as i64)
        .structs(4, groups)
        .text(6, concat!("querist ", env!("CARGO_PKG_VERSION")))
        .end();
    file.extend_from_slice(&footer);
    file.extend((footer.len() as u32).to_le_bytes());
    file.extend_from_slice(MAGIC);
    file
}

/// Rows in stretches that one row group can hold.
fn grouped(rows: &[Row]) -> Vec<&[Row]> {
    let (mut groups, mut begin, mut picks) = (Vec::new(), 0, 0);
    for (at, row) in rows.iter().enumerate() {
        if at - begin == GROUP_ROWS || picks >= GROUP_PICKS {
            groups.push(&rows[begin..at]);
            (begin, picks) = (at, 0);
        }
        picks += row.picks.len() + row.pick_ids.iter().map(String::len).sum::<usize>() / 4;
    }
    if begin < rows.len() {
        groups.push(&rows[begin..]);
    }
    groups
}

/// The schema's elements, depth first.
fn schema() -> Vec<Vec<u8>> {
    let mut elements = vec![Struct::new().text(4, "rows").int(5, COLUMNS.len() as i64).end()];
    for Column { path, physical, converted } in &COLUMNS {
        if path.len() == 3 {
            let list = Struct::new().int(3, REQUIRED).text(4, path[0]).int(5, 1).int(6, LIST);
            let repeated = Struct::new().int(3, REPEATED).text(4, path[1]).int(5, 1);
            elements.extend([list.end(), repeated.end()]);
        }
        let kind = if OPTIONALS.contains(&path[0]) { OPTIONAL } else { REQUIRED };
        let leaf = Struct::new().int(1, *physical).int(3, kind).text(4, path[path.len() - 1]);
        elements.push(match converted {
            Some(converted) => leaf.int(6, *converted).end(),
            None => leaf.end(),
        });
    }
    elements
}

/// Appends a column's pages to the file and describes them.
fn chunk(file: &mut Vec<u8>, column: &Column, values: &Values) -> Vec<u8> {
    let begin = file.len();
    let dictionary = values.dictionary.as_ref().map(|(entries, count)| {
        let header = Struct::new().int(1, *count as i64).int(2, PLAIN).end();
        page(file, DICTIONARY_PAGE, 7, &header, entries)
    });
    let mut body = Vec::new();
    for levels in &values.levels {
        let runs = runs(levels, 1);
        body.extend((runs.len() as u32).to_le_bytes());
        body.extend(runs);
    }
    body.extend_from_slice(&values.data);
    let encoding = if dictionary.is_some() { RLE_DICTIONARY } else { PLAIN };
    let header = Struct::new().int(1, values.places as i64).int(2, encoding).int(3, RLE).int(4, RLE).end();
    let data = page(file, DATA_PAGE, 5, &header, &body);
    let bytes = (file.len() - begin) as i64;
    let mut meta = Struct::new()
        .int(1, column.physical)
        .ints(2, &[PLAIN, RLE, encoding])
        .texts(3, column.path)
        .int(4, 0)
        .long(5, values.places as i64)
        .long(6, bytes)
        .long(7, bytes)
        .long(9, data as i64);
    if let Some(at) = dictionary {
        meta = meta.long(11, at as i64);
    }
    Struct::new().long(2, begin as i64).child(3, &meta.end()).end()
}

/// Appends a page; gives where it begins. `field` is that of its own header within the page's.
fn page(file: &mut Vec<u8>, kind: i64, field: u8, own: &[u8], body: &[u8]) -> usize {
    let at = file.len();
    let size = body.len() as i64;
    file.extend(Struct::new().int(1, kind).int(2, size).int(3, size).child(field, own).end());
    file.extend_from_slice(body);
    at
}

/// Column `index` of [`COLUMNS`].
fn values(index: usize, rows: &[Row], times: &QueryTimes) -> Values {
    let plain = |data: Vec<u8>| Values { places: rows.len(), levels: Vec::new(), dictionary: None, data };
    let counts = |of: fn(&Row) -> u32| plain(rows.iter().flat_map(|row| of(row).to_le_bytes()).collect());
    let shares = |of: fn(&Row) -> f64| plain(rows.iter().flat_map(|row| of(row).to_le_bytes()).collect());
    match index {
        0 => words(rows.iter().map(|row| Some(row.task.as_str())), false),
        1 => words(rows.iter().map(|row| Some(row.strategy.as_str())), false),
        2 => words(rows.iter().map(|row| Some(row.architecture.as_str())), false),
        3 => counts(|row| row.repetition),
        4 => counts(|row| row.round),
        5 => counts(|row| row.labels),
        6 => shares(|row| row.accuracy),
        7 => shares(|row| row.balanced_accuracy),
        8 => shares(|row| row.macro_f1),
        9 => shares(|row| row.reward_accuracy),
        10 => plain(rows.iter().flat_map(|row| row.steps.to_le_bytes()).collect()),
        11 => lists(rows, |row| &row.picks, |pick, data| data.extend(pick.to_le_bytes())),
        12 => lists(rows, |row| &row.pick_ids, |id, data| text(id, data)),
        13 => words(rows.iter().map(|row| row.note.as_deref()), true),
        _ => numbers(rows.iter().map(|row| times.of(row))),
    }
}

/// Words as places in a dictionary of them, in order of appearance.
fn words<'a>(words: impl Iterator<Item = Option<&'a str>>, optional: bool) -> Values {
    let (mut entries, mut places, mut ids, mut there) = (Vec::new(), BTreeMap::new(), Vec::new(), Vec::new());
    for word in words {
        there.push(u32::from(word.is_some()));
        let Some(word) = word else { continue };
        let next = places.len() as u32;
        ids.push(*places.entry(word).or_insert_with(|| {
            text(word, &mut entries);
            next
        }));
    }
    let width = (u32::BITS - (places.len() as u32).leading_zeros()).max(1);
    let mut data = vec![width as u8];
    data.extend(runs(&ids, width));
    let levels = if optional { vec![there.clone()] } else { Vec::new() };
    Values { places: there.len(), levels, dictionary: Some((entries, places.len())), data }
}

/// Numbers, where there are any.
fn numbers(values: impl Iterator<Item = Option<f64>>) -> Values {
    let (mut data, mut there) = (Vec::new(), Vec::new());
    for value in values {
        there.push(u32::from(value.is_some()));
        data.extend(value.into_iter().flat_map(f64::to_le_bytes));
    }
    Values { places: there.len(), levels: vec![there], dictionary: None, data }
}

/// A text after its length.
fn text(text: &str, data: &mut Vec<u8>) {
    data.extend((text.len() as u32).to_le_bytes());
    data.extend_from_slice(text.as_bytes());
}

/// A list per row with its levels: an empty list is one place that is not defined; a place that is repeated
/// belongs to the list of the one before.
fn lists<T>(rows: &[Row], of: impl Fn(&Row) -> &Vec<T>, write: impl Fn(&T, &mut Vec<u8>)) -> Values {
    let (mut data, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for list in rows.iter().map(of) {
        list.iter().for_each(|item| write(item, &mut data));
        let places = list.len().max(1);
        defined.resize(defined.len() + places, u32::from(!list.is_empty()));
        repeated.push(0);
        repeated.resize(repeated.len() + places - 1, 1);
    }
    Values { places: defined.len(), levels: vec![repeated, defined], dictionary: None, data }
}

/// Runs of equal values: twice their length, then the value in as many bytes as `width` bits take.
fn runs(values: &[u32], width: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for run in values.chunk_by(|a, b| a == b) {
        varint(&mut bytes, (run.len() as u64) << 1);
        bytes.extend_from_slice(&run[0].to_le_bytes()[..width.div_ceil(8) as usize]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn row(at: u32) -> Row {
        Row {
            task: "iris".into(),
            strategy: if at.is_multiple_of(2) { "random" } else { "margin" }.into(),
            architecture: "4-3".into(),
            repetition: at,
            round: at / 7,
            labels: u32::MAX - at,
            accuracy: 1.0 / f64::from(at + 1),
            balanced_accuracy: 1.0 / f64::from(at + 2),
            macro_f1: 1.0 / f64::from(at + 3),
            reward_accuracy: 0.5,
            steps: u64::MAX - u64::from(at),
            picks: (0..at % 4).collect(),
            pick_ids: (0..at % 4).filter(|_| at.is_multiple_of(3)).map(|pick| format!("id {pick}")).collect(),
            note: (at % 3 == 1).then(|| format!("row {at}")),
        }
    }

    #[test]
    fn worked_examples_of_runs_levels_and_words() {
        // Three of 5, then one of 300: lengths 3 << 1 and 1 << 1, values in two bytes.
        assert_eq!(runs(&[5, 5, 5, 300], 9), [6, 5, 0, 2, 44, 1]);
        let (rows, column) =
            ([row(2), row(0), row(3)], |name| COLUMNS.iter().position(|c| c.path[0] == name));
        let picks = values(column("picks").unwrap(), &rows, &QueryTimes::default());
        assert_eq!(picks.levels, [vec![0, 1, 0, 0, 1, 1], vec![1, 1, 0, 1, 1, 1]]);
        assert_eq!((picks.places, picks.data.len()), (6, 5 * 4));
        let ids = values(column("pick_ids").unwrap(), &rows, &QueryTimes::default());
        assert_eq!(ids.levels, [vec![0, 0, 0, 1, 1], vec![0, 0, 1, 1, 1]]);
        assert_eq!(&ids.data[..8], b"\x04\0\0\0id 0");
        let notes = words([Some("b"), None, Some("a"), Some("b")].into_iter(), true);
        assert_eq!(notes.levels, [vec![1, 0, 1, 1]]);
        assert_eq!(notes.dictionary, Some((b"\x01\0\0\0b\x01\0\0\0a".to_vec(), 2)));
        assert_eq!(notes.data, [2, 2, 0, 2, 1, 2, 0]);
        let times = numbers([None, Some(0.5)].into_iter());
        assert_eq!((times.levels, times.data), (vec![vec![0, 1]], 0.5f64.to_le_bytes().to_vec()));
    }

    #[test]
    fn groups_hold_all_rows_in_their_order() {
        let mut rows: Vec<Row> = (0..10).map(row).collect();
        rows[3].picks = vec![0; GROUP_PICKS];
        let groups = grouped(&rows);
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [4, 6]);
        assert_eq!(groups.concat(), rows);
        assert!(grouped(&[]).is_empty());
    }

    /// `tests/golden/exports.py` read these bytes with pyarrow, and found the rows that it made itself by
    /// the formulas of `row`.
    #[test]
    fn a_file_is_the_one_that_pyarrow_read() {
        let rows: Vec<Row> = (0..20).map(row).collect();
        // At run time: when the format changes, the message holds the file to have pyarrow read.
        let golden = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/rows.parquet"));
        let mut times = QueryTimes::default();
        for row in rows.iter().filter(|row| row.repetition % 5 != 4) {
            times.insert(row, 0.125 * f64::from(row.repetition));
        }
        let found = parquet(&rows, &times);
        let hex: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(golden.unwrap() == found, "not the bytes in tests/golden/rows.parquet: {hex}");
    }
}
