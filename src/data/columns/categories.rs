//! Levels of a category: which of them have a column of their own.

use super::kinds::Census;

/// A level with fewer rows than this share of all, or with one row alone, is rare.
pub const RARE_SHARE: f64 = 0.005;
/// Levels with a column of their own, the most frequent ones.
pub const MAX_LEVELS: usize = 64;

/// The levels of a category.
pub(super) struct Levels<'a> {
    /// Those with a column of their own: by value if all are numbers, else by text.
    pub kept: Vec<&'a str>,
    /// How many of the others there are.
    pub pooled: usize,
    /// Rows that a level of its own must have.
    pub least: usize,
}

impl<'a> Levels<'a> {
    /// Divides the levels of `census` over `rows` rows. It does not depend on the order of the rows.
    pub fn of(census: &Census<'a>, rows: usize) -> Self {
        let least = ((rows as f64 * RARE_SHARE).ceil() as usize).max(2);
        let mut levels: Vec<(&str, usize)> =
            census.levels.iter().map(|(&text, &(count, _))| (text, count)).collect();
        levels.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let frequent = levels.iter().take(MAX_LEVELS).filter(|(_, count)| *count >= least).count();
        let pooled = levels.len() - frequent;
        let mut kept: Vec<&str> = levels[..frequent].iter().map(|(text, _)| *text).collect();
        let numbers: Option<Vec<f64>> = kept.iter().map(|text| super::numbers::plain(text)).collect();
        match numbers {
            Some(numbers) => {
                let mut by_value: Vec<(f64, &str)> = numbers.into_iter().zip(kept).collect();
                by_value.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
                kept = by_value.into_iter().map(|(_, text)| text).collect();
            }
            None => kept.sort_unstable(),
        }
        Self { kept, pooled, least }
    }
}
