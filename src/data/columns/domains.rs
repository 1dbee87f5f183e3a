//! The column that says which domain every row is of.

use super::DomainColumn;
use super::cells::Cells;
use super::encode::Reading;
use crate::data::domains::Domain;
use crate::data::readers::{ReadError, suggest};
use crate::data::table::Decision;
use crate::error::shorten;
use std::collections::BTreeSet;

/// Rows are of the source where the column has one of its values, and of the target where it has another one.
pub(super) fn read(
    reading: &Reading<'_>,
    name: &str,
    cells: &Cells,
    wanted: &DomainColumn,
) -> Result<(Vec<Domain>, Decision), ReadError> {
    let (file, column) = (reading.file.to_string(), shorten(name).into_owned());
    let texts = cells.texts();
    if let Some(row) = texts.iter().position(String::is_empty) {
        return Err(ReadError::NoDomain { file, line: reading.line(row), column });
    }
    let values: BTreeSet<&str> = texts.iter().map(String::as_str).collect();
    if let Some(value) = wanted.source.iter().find(|value| !values.contains(value.as_str())) {
        let (value, rows) = (shorten(value).into_owned(), texts.len());
        let known: Vec<String> = values.into_iter().map(str::to_string).collect();
        let hint = match &known[..] {
            [only] => format!("every row has {:?}", shorten(only)),
            several => suggest(&value, several),
        };
        return Err(ReadError::UnknownDomain { file, column, value, rows, hint });
    }
    let of = |text: &String| if wanted.source.contains(text) { Domain::Source } else { Domain::Target };
    let domains: Vec<Domain> = texts.iter().map(of).collect();
    let source = domains.iter().filter(|&&domain| domain == Domain::Source).count();
    let decision = Decision {
        what: "source domain".to_string(),
        choice: format!(
            "{source} of {} rows, those with {} in column \"{column}\"",
            texts.len(),
            super::roles::listed(&wanted.source)
        ),
        reason: "it was named".to_string(),
        flag: Some("episode.world.domains".to_string()),
    };
    Ok((domains, decision))
}
