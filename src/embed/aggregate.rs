//! One vector out of a sequence of vectors.

use super::{EmbedError, Make, Source};
use crate::error::Result;
use serde::Serialize;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The share of vectors that [`Aggregate::TopTenth`] looks at is one in so many.
const TENTH: usize = 10;

/// How a sequence becomes one vector, column by column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// The mean.
    Mean,
    /// The greatest value.
    Max,
    /// The mean of the greatest tenth of the values, rounded up: what stands out in a long recording, without its one
    /// greatest error.
    TopTenth,
}

const NAMES: [(Aggregate, &str); 3] =
    [(Aggregate::Mean, "mean"), (Aggregate::Max, "max"), (Aggregate::TopTenth, "top-tenth")];

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(rule, _)| rule == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Aggregate {
    type Err = String;

    /// `mean`, `max` or `top-tenth`.
    fn from_str(text: &str) -> Result<Self, String> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(rule, _)| *rule).ok_or_else(|| "expected mean, max or top-tenth".to_string())
    }
}

impl Aggregate {
    /// The vector of one sequence, whose vectors of `width` numbers lie one after the other; at least one.
    pub fn of(self, sequence: &[f32], width: usize) -> Vec<f32> {
        let length = sequence.len() / width.max(1);
        let mut column = vec![0.0f32; length];
        let mut value = |at: usize| {
            sequence
                .iter()
                .skip(at)
                .step_by(width)
                .zip(&mut column)
                .for_each(|(value, place)| *place = *value);
            let most = match self {
                Aggregate::Mean => length,
                Aggregate::Max => 1,
                Aggregate::TopTenth => length.div_ceil(TENTH),
            };
            if most < length {
                column.sort_unstable_by(|a, b| b.total_cmp(a));
            }
            let sum: f64 = column[..most].iter().map(|&value| f64::from(value)).sum();
            (sum / most as f64) as f32
        };
        (0..width).map(&mut value).collect()
    }
}

/// Sequences of an array of shape `[n, length, width]`, by one rule.
#[derive(Clone, Copy, Debug)]
pub struct Aggregated(Aggregate);

impl Aggregated {
    /// The rule on the arrays of `source`.
    ///
    /// # Errors
    /// [`EmbedError::Shape`] for an array of another shape, [`EmbedError::Option`] for what is no array.
    pub fn new(rule: Aggregate, source: &Source) -> Result<Self, EmbedError> {
        match source {
            Source::Arrays { array, .. } if matches!(array.shape[..], [_, length, width] if length > 0 && width > 0) => {
                Ok(Self(rule))
            }
            Source::Arrays { file, array, .. } => Err(EmbedError::Shape {
                file: file.clone(),
                found: array.shape.clone(),
                expected: "sequences of vectors, [n, length, width]",
            }),
            Source::Texts { .. } | Source::Pictures { .. } => Err(EmbedError::Option {
                option: "--aggregate",
                problem: "makes one vector of a sequence of vectors".to_string(),
                hint: "name a .npy file of shape [n, length, width] with --input, and neither --text nor --images",
            }),
        }
    }
}

impl Make for Aggregated {
    fn vectors(&mut self, source: &Source, rows: Range<usize>) -> Result<Vec<f32>> {
        let Source::Arrays { array, .. } = source else { return Ok(Vec::new()) };
        let width = array.shape.last().copied().unwrap_or(1);
        Ok(rows.flat_map(|row| self.0.of(source.values(row..row + 1), width)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: of eleven values the greatest tenth are two.
    #[test]
    fn rules_agree_with_hand_computation() {
        let column: Vec<f32> =
            (0..11).map(|value| value as f32 * if value % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let sequence: Vec<f32> = column.iter().flat_map(|&value| [value, 3.0]).collect();
        assert_eq!(Aggregate::Mean.of(&sequence, 2), [5.0 / 11.0, 3.0]);
        assert_eq!(Aggregate::Max.of(&sequence, 2), [10.0, 3.0]);
        assert_eq!(Aggregate::TopTenth.of(&sequence, 2), [9.0, 3.0]);
        assert_eq!(Aggregate::TopTenth.of(&[2.0, 1.0], 1), [2.0]);
        for (rule, name) in NAMES {
            assert_eq!((rule.to_string().as_str(), name.parse()), (name, Ok(rule)));
        }
    }
}
