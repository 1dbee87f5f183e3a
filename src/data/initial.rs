//! The labels that an episode starts with. A simulation only: drawing so many of each class reads
//! the pool's labels, which nobody who labels in earnest could do before asking.

use super::RowId;
use super::error::DataError;
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
    for row in answerable(task) {
        by_class[task.pool_label(row) as usize].push(row);
    }
    for (class, rows) in by_class.iter_mut().enumerate() {
        rows.shuffle(&mut key.at(class as u64).rng());
    }
    let nth = |n: usize| by_class.iter().filter_map(move |rows| rows.get(n).copied());
    let longest = by_class.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..per_class.min(longest)).flat_map(nth).collect())
}

/// Rows of the pool that are of a class.
fn answerable(task: &Task) -> impl Iterator<Item = RowId> + '_ {
    (0..task.pool().rows() as u32).map(RowId).filter(|&row| task.has_answer(row))
}

/// How many rows [`initial_rows`] gives.
pub fn initial_count(task: &Task, per_class: usize) -> usize {
    let mut of_class = vec![0; task.classes()];
    for row in answerable(task) {
        of_class[task.pool_label(row) as usize] += 1;
    }
    of_class.into_iter().map(|count: usize| count.min(per_class)).sum()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use std::collections::BTreeSet;

    /// Twelve rows: class 0 has nine, class 1 has two, class 2 one, class 3 none.
    fn task() -> Task {
        let labels = vec![0, 1, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0];
        let held = || (Matrix::zeros(1, 1), vec![0]);
        Task::from_parts("t", 4, (Matrix::zeros(12, 1), labels), held(), held()).unwrap()
    }

    fn classes(rows: &[RowId]) -> Vec<u32> {
        rows.iter().map(|&row| task().pool_label(row)).collect()
    }

    #[test]
    fn every_class_of_the_pool_is_there() {
        let key = Key::root(1);
        assert_eq!(classes(&initial_rows(&task(), 1, key).unwrap()), [0, 1, 2]);
        assert_eq!(classes(&initial_rows(&task(), 3, key).unwrap()), [0, 1, 2, 0, 1, 0]);
        assert_eq!([0, 1, 3, 100].map(|count| initial_count(&task(), count)), [0, 3, 6, 12]);
        let all = initial_rows(&task(), usize::MAX, key).unwrap();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 12);
        assert!(initial_rows(&task(), 0, key).is_err());
    }

    #[test]
    fn draws_follow_the_key_and_reach_every_row() {
        let drawn: BTreeSet<RowId> =
            (0..200).flat_map(|seed| initial_rows(&task(), 1, Key::root(seed)).unwrap()).collect();
        assert_eq!(drawn.len(), 12);
        let [a, b] = [0, 0].map(|seed| initial_rows(&task(), 2, Key::root(seed)).unwrap());
        assert_eq!(a, b);
    }

    #[test]
    fn uniform_rows_are_distinct_and_bounded() {
        let rows = uniform_rows(&task(), 12, Key::root(1)).unwrap();
        assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), 12);
        let firsts: BTreeSet<RowId> =
            (0..200).map(|seed| uniform_rows(&task(), 1, Key::root(seed)).unwrap()[0]).collect();
        assert_eq!(firsts.len(), 12);
        let error = uniform_rows(&task(), 13, Key::root(1)).unwrap_err();
        assert_eq!(error.to_string(), "t: 13 rows asked for, but there are 12");
    }
}
