//! Sparse matrices as SciPy saves them (`save_npz`: compressed rows or columns, or coordinates), alone, with labels in
//! the same archive, or as features beside a table. They stay sparse until they are as wide as was asked for.

use super::ReadOptions;
use super::error::ReadError;
use super::examples::{Examples, Labels};
use super::npz::{LABELS, read_labels, read_split};
use super::rows::{Rows, room, weigh};
use super::zip::Archive;
use crate::data::columns::DEFAULT_LABEL;
use crate::data::dataset::{MAX_ROWS, Shape};
use crate::data::error::DataError;
use crate::data::matrix::Matrix;
use crate::data::table::Decision;
use crate::error::{Result, shorten};

/// Whether an archive of these members is a sparse matrix.
pub(super) fn recognise(names: &[String]) -> bool {
    let all = |wanted: &[&str]| wanted.iter().all(|wanted| names.iter().any(|name| name == wanted));
    all(&["data", "shape"]) && (all(&["indices", "indptr"]) || all(&["row", "col"]))
}

/// Reads an archive that is [recognised](recognise), with the labels and the split in it, if there are any.
pub(super) fn read(archive: &Archive, options: &ReadOptions) -> Result<Examples> {
    let asked = [("`--inputs`", options.inputs.is_some()), ("`--channels`", options.channels.is_some())];
    if let Some((what, _)) = asked.into_iter().find(|(_, given)| *given) {
        return Err(ReadError::Option {
            file: archive.file.clone(),
            problem: format!("{what} named, which a sparse matrix does not have"),
            hint: "leave the option out".to_string(),
        }
        .into());
    }
    let mut decisions = Vec::new();
    let names = archive.arrays();
    let label = match &options.columns.label {
        Some(wanted) => Some(wanted.clone()),
        None => {
            let alike = |wanted: &&str| names.iter().find(|name| name.eq_ignore_ascii_case(wanted));
            LABELS.iter().find_map(alike).cloned()
        }
    };
    let split = names.iter().find(|name| *name == "split");
    let labels =
        label.as_ref().map(|label| read_labels(archive, label, options, true, &mut decisions)).transpose()?;
    let split = split.map(|split| read_split(archive, split)).transpose()?;
    let inputs = matrix(archive, options, &mut decisions)?;
    let counts = [
        (label.as_deref().unwrap_or_default(), labels.as_ref().map(Labels::len)),
        ("split", split.as_ref().map(Vec::len)),
    ];
    for (member, found) in counts {
        if let Some(found) = found.filter(|&found| found != inputs.rows()) {
            let (file, expected) = (archive.member_name(member), inputs.rows());
            return Err(ReadError::Rows { file, found, other: "data".to_string(), expected }.into());
        }
    }
    Ok(Examples {
        file: archive.file.clone(),
        shape: Shape::Vector(inputs.cols()),
        inputs,
        labels,
        split,
        target: label.unwrap_or_else(|| DEFAULT_LABEL.to_string()),
        decisions,
        warnings: Vec::new(),
    })
}

/// The matrix of an archive that is [recognised](recognise), as wide as `options` ask for.
pub(super) fn matrix(
    archive: &Archive,
    options: &ReadOptions,
    decisions: &mut Vec<Decision>,
) -> Result<Matrix> {
    let file = &archive.file;
    let problem = |problem: String| ReadError::Header { file: file.clone(), problem };
    let [rows, width] = shape(archive)?;
    let format = format(archive)?;
    decisions.push(Decision {
        what: "sparse matrix".to_string(),
        choice: format!("{rows} rows of {width} columns"),
        reason: format!("the archive has the members that SciPy saves in the format {format}"),
        flag: None,
    });
    let numbers = |member: &str| {
        archive.array(member, |file, layout, from| {
            let numbers = layout.read_whole(file, &mut *from)?;
            from.expect_sum(file)?;
            Ok(numbers)
        })
    };
    // A number of each entry, below `most`.
    let places = |member: &str, most: usize| -> Result<Vec<u32>> {
        let place = |(row, number): (usize, i64)| {
            u32::try_from(number).ok().filter(|&place| (place as usize) < most).ok_or_else(|| {
                ReadError::Element {
                    file: archive.member_name(member),
                    row,
                    column: 0,
                    value: number.to_string(),
                    problem: "beyond the shape of the matrix",
                    hint: "save the matrix again by `scipy.sparse.save_npz`",
                }
            })
        };
        Ok(numbers(member)?.into_iter().enumerate().map(place).collect::<Result<_, _>>()?)
    };
    // The larger side that is counted by `indptr`, as a number for every entry.
    let counted = |length: usize, entries: usize| -> Result<Vec<u32>> {
        let ends = numbers("indptr")?;
        let sound = ends.len() == length + 1
            && ends.first() == Some(&0)
            && ends.is_sorted()
            && ends.last().is_some_and(|&last| usize::try_from(last).is_ok_and(|last| last == entries));
        if !sound {
            let found = ends.len();
            return Err(problem(format!(
                "indptr has {found} numbers; {} that ascend from 0 to {entries} are needed",
                length + 1
            ))
            .into());
        }
        let each = ends.windows(2).zip(0u32..);
        Ok(each.flat_map(|(pair, at)| std::iter::repeat_n(at, (pair[1] - pair[0]) as usize)).collect())
    };
    let (row_of, column_of) = match &format[..] {
        "csr" => {
            let columns = places("indices", width)?;
            (counted(rows, columns.len())?, columns)
        }
        "csc" => {
            let rows = places("indices", rows)?;
            let columns = counted(width, rows.len())?;
            (rows, columns)
        }
        "coo" => (places("row", rows)?, places("col", width)?),
        other => {
            return Err(ReadError::Option {
                file: file.clone(),
                problem: format!("a sparse matrix of the format {:?}", shorten(other)),
                hint: "save it by `scipy.sparse.save_npz(file, matrix.tocsr())`".to_string(),
            }
            .into());
        }
    };
    let values = archive.array("data", |file, layout, from| {
        let values = layout.read_values(file, &mut *from)?;
        from.expect_sum(file)?;
        Ok(values)
    })?;
    if row_of.len() != values.len() || column_of.len() != values.len() {
        let (a, b, c) = (row_of.len(), column_of.len(), values.len());
        return Err(problem(format!("places of {a} rows and {b} columns, but {c} values")).into());
    }
    // Rows without an entry take memory, too, and no bytes of the file.
    if options.narrowing().is_none() {
        weigh(file, rows, width, values.len())?;
    } else if 16 * rows as u64 > room(values.len()) {
        let stored = values.len();
        return Err(problem(format!("a shape of {rows} rows, but only {stored} values are stored")).into());
    }
    sorted(rows, width, &row_of, &column_of, &values).into_inputs(file, options, decisions)
}

/// Rows and columns, as far as they can be counted.
fn shape(archive: &Archive) -> Result<[usize; 2]> {
    let lengths = archive.array("shape", |file, layout, from| layout.read_whole(file, from))?;
    let file = archive.file.clone();
    let lengths: Option<Vec<usize>> = lengths.iter().map(|&length| usize::try_from(length).ok()).collect();
    match lengths.as_deref() {
        Some(&[0, _]) => Err(DataError::NoRows { name: file }.into()),
        Some(&[_, 0]) => Err(DataError::NoColumns { name: file }.into()),
        Some(&[rows, width]) if rows <= MAX_ROWS && width <= u32::MAX as usize => Ok([rows, width]),
        found => {
            let problem =
                format!("the shape of a matrix is two lengths of at most {MAX_ROWS}, not {found:?}");
            Err(ReadError::Header { file, problem }.into())
        }
    }
}

/// How the matrix is stored: `csr` unless it is said.
fn format(archive: &Archive) -> Result<String> {
    let default = if archive.arrays().iter().any(|name| name == "indptr") { "csr" } else { "coo" };
    if !archive.arrays().iter().any(|name| name == "format") {
        return Ok(default.to_string());
    }
    let texts = archive.array("format", |file, layout, from| layout.read_texts(file, from))?;
    Ok(texts.into_iter().next().unwrap_or_else(|| default.to_string()))
}

/// Entries in any order as rows; those of one row keep their order.
fn sorted(rows: usize, width: usize, row_of: &[u32], column_of: &[u32], values: &[f32]) -> Rows {
    let mut ends = vec![0usize; rows];
    row_of.iter().for_each(|&row| ends[row as usize] += 1);
    let mut next: Vec<usize> = Vec::with_capacity(rows);
    let mut sum = 0;
    for end in &mut ends {
        next.push(sum);
        sum += *end;
        *end = sum;
    }
    let mut entries = vec![(0u32, 0.0f32); values.len()];
    for ((&row, &column), &value) in row_of.iter().zip(column_of).zip(values) {
        let place = &mut next[row as usize];
        entries[*place] = (column, value);
        *place += 1;
    }
    Rows { entries, ends, width }
}
