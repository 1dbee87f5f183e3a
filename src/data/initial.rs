//! The labels that an episode starts with. A simulation only: drawing so many of each class reads
//! the pool's labels, which nobody who labels in earnest could do before asking.

use super::error::DataError;
use super::pool::RowId;
use super::task::Task;
use crate::error::Result;
use crate::rng::Key;
use rand::seq::SliceRandom;

/// `per_class` random rows of every class that the pool holds, or all of a class that has fewer; the
/// classes alternate, and the first row of each comes first. Reads the pool's labels.
///
/// # Errors
/// [`DataError::OneClass`] if `per_class` is zero: no class would be there.
pub fn initial_rows(task: &Task, per_class: usize, key: Key) -> Result<Vec<RowId>> {
    if per_class == 0 {
        let name = task.name().to_string();
        return Err(DataError::OneClass { name, found: 0, classes: task.classes() }.into());
    }
    let mut by_class = vec![Vec::new(); task.classes()];
    for row in (0..task.pool().rows() as u32).map(RowId) {
        by_class[task.pool_label(row) as usize].push(row);
    }
    for (class, rows) in by_class.iter_mut().enumerate() {
        rows.shuffle(&mut key.at(class as u64).rng());
    }
    let nth = |n: usize| by_class.iter().filter_map(move |rows| rows.get(n).copied());
    let longest = by_class.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..per_class.min(longest)).flat_map(nth).collect())
}

/// `count` rows drawn uniformly without replacement, whatever their classes: what labelling in earnest
/// can start with.
///
/// # Errors
/// [`DataError::TooFewRows`] if the pool has fewer.
pub fn uniform_rows(task: &Task, count: usize, key: Key) -> Result<Vec<RowId>> {
    let rows = task.pool().rows();
    if count > rows {
        return Err(DataError::TooFewRows { name: task.name().to_string(), asked: count, rows }.into());
    }
    let mut all: Vec<RowId> = (0..rows as u32).map(RowId).collect();
    all.shuffle(&mut key.rng());
    all.truncate(count);
    Ok(all)
}
