//! LIBSVM files (`label index:value …`, indices ascending from 0 or 1), plain or compressed. They stay sparse until
//! they are made as wide as they are, or as was asked for.

use super::ReadOptions;
use super::error::ReadError;
use super::examples::{Examples, Labels};
use super::rows::Rows;
use super::source::{Source, fault};
use super::table::Place;
use crate::data::TargetKind;
use crate::data::dataset::{MAX_WIDTH, Shape};
use crate::data::error::DataError;
use crate::data::table::Decision;
use crate::data::target::MAX_LABELS;
use crate::error::{Result, shorten};
use std::collections::BTreeSet;
use std::io::{BufRead, Read};

/// Bytes of one line.
pub const MAX_LINE_BYTES: usize = 16 << 20;
/// The largest index of a file that is made narrower as it is read.
const MAX_INDEX: usize = u32::MAX as usize - 1;

/// Whether a file starts with a line of a label and indexed values, or with comments and such a line.
pub(super) fn recognise(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    let mut lines =
        text.lines().map(|line| line.split('#').next().unwrap_or("").trim()).filter(|line| !line.is_empty());
    let Some(line) = lines.next() else { return false };
    let mut fields = line.split_ascii_whitespace();
    let labels = |text: &str| text.split(',').all(|label| label.parse::<f64>().is_ok());
    let label = fields.next().is_some_and(labels);
    let pair = |field: &str| {
        let (index, value) = field.split_once(':')?;
        Some((index == "qid" || index.parse::<u32>().is_ok()) && value.parse::<f64>().is_ok())
    };
    let mut fields = fields.peekable();
    label && fields.peek().is_some() && fields.take(4).all(|field| pair(field) == Some(true))
}

/// Reads a sparse file. Its width is the largest index that occurs.
pub(super) fn read(mut source: Source<'_>, options: &ReadOptions) -> Result<Examples> {
    source.expect_utf8()?;
    let file = source.file.clone();
    let mut from = source.into_reader();
    let narrowed = options.hash.is_some() || options.svd.is_some();
    let most = if narrowed { MAX_INDEX } else { MAX_WIDTH };
    let many = options.columns.task == TargetKind::MultiLabel;
    let (mut labels, mut rows) = (Vec::new(), Rows::default());
    let mut lines = Vec::new();
    let (mut text, mut line, mut queries, mut said, mut zero) = (Vec::new(), 0, 0usize, None, false);
    loop {
        text.clear();
        line += 1;
        let limit = MAX_LINE_BYTES as u64 + 1;
        let count =
            (&mut from).take(limit).read_until(b'\n', &mut text).map_err(|error| fault(&file, error))?;
        if count == 0 {
            break;
        }
        if count > MAX_LINE_BYTES {
            return Err(ReadError::LongRecord { file, line, limit: MAX_LINE_BYTES, what: "bytes" }.into());
        }
        let place = |column| Place { file: &file, line, column };
        if text.contains(&0) {
            return Err(ReadError::Nul { file, line }.into());
        }
        let row = place("line").utf8(&text)?;
        if row.starts_with('#') {
            // What scikit-learn writes before the first row.
            said = said.or_else(|| ["zero-based", "one-based"].into_iter().find(|base| row.contains(base)));
        }
        let row = row.split('#').next().unwrap_or("");
        let mut fields = row.split_ascii_whitespace();
        let Some(mut label) = fields.next() else { continue };
        let problem = |problem: String| ReadError::Line { file: file.clone(), line, problem };
        if many && label.contains(':') {
            // A row without any label begins with its values.
            (label, fields) = ("", row.split_ascii_whitespace());
        }
        if !many && label.contains(',') {
            return Err(ReadError::Option {
                file: file.clone(),
                problem: format!("line {line}: {:?} is several labels, but one is needed", shorten(label)),
                hint: "--task multi_label takes them all; or make a file of each label, in which it is one class and all \
                       others another"
                    .to_string(),
            }
            .into());
        }
        if label.contains(':') {
            let text = format!("{:?} is not one label; each line starts with one", shorten(label));
            return Err(problem(text).into());
        }
        if label == "?" || label.eq_ignore_ascii_case("nan") {
            let (column, value) = ("label".to_string(), label.to_string());
            return Err(ReadError::NoLabel { file, line, column, value }.into());
        }
        labels.push(label.strip_prefix('+').unwrap_or(label).to_string());
        lines.push(line);
        let mut last = None;
        for field in fields {
            let Some((index, value)) = field.split_once(':') else {
                return Err(problem(format!("{:?} is not index:value", shorten(field))).into());
            };
            if index == "qid" && last.is_none() {
                queries += 1;
                continue;
            }
            let column: usize = index.parse().map_err(|_| {
                problem(format!("{:?} is not an index (a whole number from 0 or 1)", shorten(index)))
            })?;
            if last.is_some_and(|last| column <= last) || column > most {
                let after = last.map_or("the label".to_string(), |last| last.to_string());
                let rule = format!("indices ascend from 0 or 1 to at most {most}");
                return Err(problem(format!("index {column} after {after}; {rule}")).into());
            }
            let value = place(index).number(value)?;
            zero |= column == 0;
            rows.entries.push((column as u32, value));
            last = Some(column);
        }
        rows.width = rows.width.max(last.map_or(0, |last| last + 1));
        rows.ends.push(rows.entries.len());
    }
    if labels.is_empty() {
        return Err(DataError::NoRows { name: file }.into());
    }
    let mut decisions = Vec::new();
    rebase(&file, &mut rows, zero, said, options, &mut decisions)?;
    if queries > 0 {
        decisions.push(Decision {
            what: "qid".to_string(),
            choice: "left out".to_string(),
            reason: format!("{queries} rows have one: queries are for ranking, not for classes"),
            flag: None,
        });
    }
    if rows.width == 0 {
        return Err(DataError::NoColumns { name: file }.into());
    }
    let inputs = rows.into_inputs(&file, options, &mut decisions)?;
    let labels = if many {
        sets(&file, &labels, &lines)?
    } else {
        let whole: Option<Vec<i64>> = labels.iter().map(|label| whole(label)).collect();
        whole.map_or(Labels::Texts(labels), Labels::Whole)
    };
    let shape = Shape::Vector(inputs.cols());
    let target = super::columns::DEFAULT_LABEL.to_string();
    let (split, warnings) = (None, Vec::new());
    Ok(Examples { file, shape, inputs, labels: Some(labels), split, target, decisions, warnings })
}

/// Sets of labels, each written as whole numbers with commas between, in ascending order of these numbers.
fn sets(file: &str, rows: &[String], lines: &[u64]) -> Result<Labels> {
    let mut known = BTreeSet::new();
    let mut parsed: Vec<Vec<i64>> = Vec::with_capacity(rows.len());
    for (row, &line) in rows.iter().zip(lines) {
        let own = row.split(',').map(str::trim).filter(|label| !label.is_empty());
        let numbers = own.map(|label| {
            whole(label).ok_or_else(|| {
                let problem = format!("{:?} is no whole number, as labels are", shorten(label));
                ReadError::Line { file: file.to_string(), line, problem }
            })
        });
        let numbers = numbers.collect::<Result<Vec<i64>, _>>()?;
        known.extend(numbers.iter().copied());
        if known.len() > MAX_LABELS {
            let (name, found, limit) = (file.to_string(), known.len() as u128, MAX_LABELS as u128);
            return Err(DataError::TooMany { name, what: "labels", found, limit }.into());
        }
        parsed.push(numbers);
    }
    let known: Vec<i64> = known.into_iter().collect();
    let place = |label: &i64| known.binary_search(label).unwrap_or_default();
    let set = |own: Vec<i64>| own.iter().fold(0u32, |set, label| set | 1 << place(label));
    let names = known.iter().map(i64::to_string).collect();
    Ok(Labels::Sets(parsed.into_iter().map(set).collect(), names))
}

/// A label that is a whole number, however it is written.
fn whole(label: &str) -> Option<i64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    let value: f64 = label.parse().ok()?;
    (value.fract() == 0.0 && value.abs() <= MOST).then_some(value as i64)
}

/// Makes columns count from 0.
fn rebase(
    file: &str,
    rows: &mut Rows,
    zero: bool,
    said: Option<&str>,
    options: &ReadOptions,
    decisions: &mut Vec<Decision>,
) -> Result<()> {
    let (base, reason) = match (options.base, said) {
        (Some(base @ (0 | 1)), _) => (base, "asked for"),
        (Some(base), _) => {
            return Err(ReadError::Option {
                file: file.to_string(),
                problem: format!("indices that begin with {base}"),
                hint: "`--base` is 0 or 1".to_string(),
            }
            .into());
        }
        (None, _) if zero => (0, "an index is 0"),
        (None, Some("zero-based")) => (0, "a comment at the start says so"),
        (None, Some(_)) => (1, "a comment at the start says so"),
        (None, None) => (1, "no index is 0"),
    };
    if base == 1 && zero {
        return Err(ReadError::Option {
            file: file.to_string(),
            problem: "an index is 0, but they are to begin with 1".to_string(),
            hint: "`--base 0` reads indices from 0".to_string(),
        }
        .into());
    }
    if base == 1 {
        rows.entries.iter_mut().for_each(|(column, _)| *column -= 1);
        rows.width = rows.width.saturating_sub(1);
    }
    decisions.push(Decision {
        what: "base of the indices".to_string(),
        choice: base.to_string(),
        reason: reason.to_string(),
        flag: Some("--base".to_string()),
    });
    Ok(())
}
