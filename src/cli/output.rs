//! Stdout for data, stderr for messages; neither panics when its reader has gone.

use super::error::CliError;
use crate::error::Result;
use std::io::{ErrorKind, Write};

/// Writes data to stdout.
///
/// # Errors
/// [`CliError::ReaderGone`] if the reader has closed it, which ends the process without complaint.
pub fn data(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let printed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(end.as_bytes()));
    written(printed.and_then(|()| stdout.flush()))
}

/// What came of writing to stdout.
///
/// # Errors
/// As [`data`].
pub fn written(result: std::io::Result<()>) -> Result<()> {
    result.map_err(|source| match source.kind() {
        ErrorKind::BrokenPipe => CliError::ReaderGone.into(),
        _ => CliError::Stdout { source }.into(),
    })
}

/// Writes one JSON value and a newline to stdout.
pub fn json(value: &serde_json::Value) -> Result<()> {
    data(&value.to_string())
}

/// Writes a line to stderr. Where that fails there is nobody to tell.
pub fn message(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Left-aligned columns, two spaces apart.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell: &String| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [["a", "bcd", "e"], ["fgh", "i", "j"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(super::table(&rows), "a    bcd  e\nfgh  i    j\n");
    }
}
