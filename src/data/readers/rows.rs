//! Rows of a matrix that is mostly zero, as they are stored: only what is not. They stay so until it is decided how
//! wide the inputs are.

use super::ReadOptions;
use super::error::ReadError;
use super::reduce;
use crate::data::dataset::check_size;
use crate::data::matrix::Matrix;
use crate::data::table::Decision;
use crate::error::Result;

/// Bytes that inputs with all their zeros may always take …
pub const FREE_DENSE_BYTES: u64 = 512 << 20;
/// … and for each value that is stored, where that is more: eight numbers of `f32`. Memory then grows with what is
/// stored and not with rows times columns.
pub const DENSE_BYTES_PER_VALUE: u64 = 32;

/// Bytes that may be taken where so many values are stored.
pub(super) fn room(stored: usize) -> u64 {
    FREE_DENSE_BYTES.max((stored as u64).saturating_mul(DENSE_BYTES_PER_VALUE))
}

/// Bytes of so many rows with all their zeros.
///
/// # Errors
/// [`ReadError::Dense`] where there is no [room] for them, and those of [`check_size`].
pub(super) fn weigh(file: &str, rows: usize, width: usize, stored: usize) -> Result<u64> {
    let (bytes, limit) = (4 * rows as u64 * width as u64, room(stored));
    if bytes > limit {
        return Err(ReadError::Dense { file: file.to_string(), rows, width, stored, bytes, limit }.into());
    }
    check_size(file, rows, width)?;
    Ok(bytes)
}

/// Rows of a matrix that is mostly zero.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The column and the value of every entry, row after row.
    pub entries: Vec<(u32, f32)>,
    /// Where the entries of every row end.
    pub ends: Vec<usize>,
    /// One more than the largest column.
    pub width: usize,
}

impl Rows {
    /// The entries of every row.
    pub fn iter(&self) -> impl Iterator<Item = &[(u32, f32)]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.entries[start..end])
    }

    /// The inputs, as wide as `options` ask for.
    ///
    /// # Errors
    /// [`ReadError::Dense`] where all columns are asked for and take too much memory, and the refusals of `reduce`.
    pub fn into_inputs(
        self,
        file: &str,
        options: &ReadOptions,
        decisions: &mut Vec<Decision>,
    ) -> Result<Matrix> {
        match (options.hash, options.svd) {
            (Some(_), Some(_)) => {
                let hint = "leave one of them out".to_string();
                let problem = "hashing and a singular value decomposition are asked for".to_string();
                Err(ReadError::Option { file: file.to_string(), problem, hint }.into())
            }
            (Some(width), None) => reduce::hash(file, &self, width, decisions),
            (None, Some(rank)) => reduce::svd(file, &self, rank, decisions),
            (None, None) => self.dense(file, decisions),
        }
    }

    /// All values, zeros included.
    fn dense(self, file: &str, decisions: &mut Vec<Decision>) -> Result<Matrix> {
        let (rows, width, stored) = (self.ends.len(), self.width, self.entries.len());
        let bytes = weigh(file, rows, width, stored)?;
        let mut inputs = Matrix::zeros(rows, width);
        for (row, entries) in self.iter().enumerate() {
            let row = inputs.row_mut(row);
            entries.iter().for_each(|&(column, value)| row[column as usize] += value);
        }
        let share = 100.0 * stored as f64 / (rows as f64 * width as f64);
        decisions.push(Decision {
            what: "columns".to_string(),
            choice: format!("all {width}, zeros included"),
            reason: format!(
                "they take {} MiB; {share:.1} % of the values are stored",
                bytes.div_ceil(1 << 20)
            ),
            flag: Some("--hash N, --svd N".to_string()),
        });
        Ok(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4 GB of zeros were once written out because 25 MB of file spoke for them.
    #[test]
    fn memory_grows_with_what_is_stored() {
        let rows = |count: usize, width, each: usize| Rows {
            entries: (0..count).flat_map(|_| (0..each).map(|at| (at as u32, 1.0))).collect(),
            ends: (1..=count).map(|row| row * each).collect(),
            width,
        };
        let mut decisions = Vec::new();
        let read = |rows: Rows, decisions: &mut _| rows.into_inputs("t", &ReadOptions::default(), decisions);
        let refused = read(rows(2_000, 200_000, 3), &mut decisions).unwrap_err().to_string();
        let expected = "t: 2000 rows of 200000 columns are 1600000000 bytes once zeros are written out; beside 6000 values \
                        that are stored, at most 536870912 are taken";
        assert_eq!(refused, expected);
        // The same width, but hardly any zeros.
        assert_eq!(read(rows(3, 5, 4), &mut decisions).unwrap().row(1), [1.0, 1.0, 1.0, 1.0, 0.0]);
        assert_eq!(decisions[0].choice, "all 5, zeros included");
        assert_eq!(decisions[0].flag.as_deref(), Some("--hash N, --svd N"));
        for options in [
            ReadOptions { hash: Some(64), ..ReadOptions::default() },
            ReadOptions { svd: Some(2), ..ReadOptions::default() },
        ] {
            let found = rows(2_000, 200_000, 3).into_inputs("t", &options, &mut decisions).unwrap();
            assert_eq!(found.rows(), 2_000);
        }
    }
}
