//! A column of numbers that are to be predicted as numbers: the targets of a regression.

use super::cells::{Cells, Texts};
use super::encode::Reading;
use super::forms::Form;
use super::labels::without_a_label;
use super::sentinels::{Sentinel, suspects};
use super::words;
use crate::data::readers::ReadError;
use crate::data::table::Decision;
use crate::error::{Result, shorten};
use std::collections::BTreeSet;

/// The numbers of a table.
pub(super) struct Numbers {
    /// The number of every row that has one, which `f32` can hold nearly.
    pub values: Vec<Option<f64>>,
    pub decisions: Vec<Decision>,
    pub warnings: Vec<String>,
}

impl Numbers {
    /// Reads the column of targets. Rows without a value have no target, as rows without a label have no class.
    ///
    /// # Errors
    /// [`ReadError`] with the place where a cell is no number that `f32` can hold, or for a column that holds none at all.
    pub fn read(reading: &Reading<'_>, name: &str, cells: &Cells) -> Result<Self> {
        let column = shorten(name).into_owned();
        let (mut decisions, mut said) = (Vec::new(), None);
        let values: Vec<Option<f64>> = match cells {
            Cells::Numbers(values) => {
                values.iter().map(|&value| (!value.is_nan()).then_some(value)).collect()
            }
            Cells::Whole(values) => values.iter().map(|value| value.map(|value| value as f64)).collect(),
            Cells::Texts(texts) | Cells::Levels(texts) => {
                let (values, form) = of_texts(reading, &column, texts)?;
                said = form.says();
                values
            }
            Cells::Truths(..) | Cells::Moments(..) | Cells::Vectors { .. } | Cells::Other(..) => {
                return Err(ReadError::Option {
                    file: reading.file.to_string(),
                    problem: format!("column {column} holds no numbers, and numbers are to be predicted"),
                    hint: "name another column with --label, or leave out --task regression".to_string(),
                }
                .into());
            }
        };
        if let Some((row, value)) = values.iter().enumerate().find_map(|(row, value)| {
            let value = (*value)?;
            (!(value as f32).is_finite()).then_some((row, value))
        }) {
            return Err(no_number(reading, &column, row, &value.to_string(), " that `f32` can hold").into());
        }
        check_steps(reading, &column, &values)?;
        let (rows, known) = (values.len(), values.iter().flatten().count());
        let distinct: BTreeSet<u64> = values.iter().flatten().map(|value| value.to_bits()).collect();
        let written = said.map_or(String::new(), |form| format!("; {form}"));
        decisions.push(Decision {
            what: "task".to_string(),
            choice: "regression".to_string(),
            reason: format!("asked for: column {column} holds {} different numbers{written}", distinct.len()),
            flag: Some("--task classification".to_string()),
        });
        let mut warnings = Vec::new();
        if known < rows {
            let (decision, warning) = without_a_label(&column, rows, known);
            decisions.push(decision);
            warnings.push(warning);
        }
        for one in suspects(values.iter().map(|value| value.unwrap_or(f64::NAN))) {
            let (value, Sentinel { rows, least, most, .. }) = (one.written(), one);
            warnings.push(format!(
                "column {column}: {value} in {rows} of the numbers to predict may stand for no value, as all others lie from \
                 {least} to {most}: `--missing \"{column}={value}\"` says so"
            ));
        }
        Ok(Self { values, decisions, warnings })
    }
}

/// Refuses numbers so far from 0 that hardly any are told apart in the 32 bits that networks learn from.
fn check_steps(reading: &Reading<'_>, column: &str, values: &[Option<f64>]) -> Result<(), ReadError> {
    /// Steps between the least and the largest number, at least.
    const STEPS: f64 = 1_000.0;
    let known = || values.iter().flatten().copied();
    let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let largest = least.abs().max(most.abs()) as f32;
    let step = f64::from(largest) - f64::from(largest.next_down());
    if least >= most || step * STEPS <= most - least {
        return Ok(());
    }
    Err(ReadError::Option {
        file: reading.file.to_string(),
        problem: format!(
            "column {column} holds numbers from {least} to {most}, and in the 32 bits that networks learn from, those of this size are \
             {step} apart"
        ),
        hint: format!("predict what they are above a constant: subtract {least}, say, from the column"),
    })
}

/// The numbers that texts are, in the one form that all of them are written in.
fn of_texts(
    reading: &Reading<'_>,
    column: &str,
    texts: &Texts,
) -> Result<(Vec<Option<f64>>, Form), ReadError> {
    let known = |text: &&str| !words::no_label(text);
    let all: Vec<&str> = texts.iter().flatten().filter(known).collect();
    let commas = reading.commas();
    let form = Form::of(all.iter().copied(), commas.free, commas.decimal).unwrap_or_default();
    let value = |(row, text): (usize, Option<&str>)| match text.filter(known) {
        None => Ok(None),
        Some(text) => {
            form.parse(text).map(Some).ok_or_else(|| no_number(reading, column, row, &shorten(text), ""))
        }
    };
    Ok((texts.iter().enumerate().map(value).collect::<Result<_, _>>()?, form))
}

fn no_number(reading: &Reading<'_>, column: &str, row: usize, value: &str, range: &'static str) -> ReadError {
    ReadError::Number {
        file: reading.file.to_string(),
        line: reading.line(row),
        column: column.to_string(),
        value: value.to_string(),
        range,
        hint: "numbers are to be predicted here: leave the field empty where it is not known, or name another column \
               with --label"
            .to_string(),
    }
}
