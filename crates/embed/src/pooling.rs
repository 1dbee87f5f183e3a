//! One vector per example out of what a model gives: a vector per token, a map of features, or the vector itself.

use crate::{EmbedError, Tensor};
use std::fmt;
use std::str::FromStr;

/// What is made of a vector per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over tokens that are not padding (Reimers and Gurevych, EMNLP 2019, section 3).
    Mean,
    /// The vector of the first token, `[CLS]` (Devlin et al., NAACL 2019, section 3).
    First,
    /// Nothing: the output is pooled already.
    None,
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pooling::Mean => "mean",
            Pooling::First => "cls",
            Pooling::None => "none",
        })
    }
}

impl FromStr for Pooling {
    type Err = String;

    /// `mean`, `cls` or `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        [Pooling::Mean, Pooling::First, Pooling::None]
            .into_iter()
            .find(|pooling| pooling.to_string() == text)
            .ok_or_else(|| "expected mean, cls or none".to_string())
    }
}

/// One vector per example, shape `[n, width]`, of an output of shape `[n, width]`, `[n, tokens, width]` or
/// `[n, channels, height, width]`. `mask` is 1 where there is a token and 0 at padding, shape `[n, tokens]`; `None` where all
/// are tokens. Without a `pooling`, the mean of what there is to pool. Maps of features have a mean alone.
///
/// # Errors
/// [`EmbedError::Output`] where the output is of another shape, or of one that `pooling` is not for.
pub fn pool(output: Tensor, mask: Option<&[i64]>, pooling: Option<Pooling>) -> Result<Tensor, EmbedError> {
    let Tensor { shape, values } = output;
    let n = shape.first().copied().unwrap_or(0);
    let refuse = |shape: &[usize], expected| EmbedError::Output { n, found: shape.to_vec(), expected };
    match (&shape[..], pooling) {
        (&[_, width], None | Some(Pooling::None)) if width > 0 => Ok(Tensor { shape, values }),
        (&[_, _], Some(_)) => {
            Err(refuse(&shape, "which is one vector per example already: there are no tokens to pool"))
        }
        (&[_, tokens, width], None | Some(Pooling::Mean)) if tokens > 0 && width > 0 => {
            if mask.is_some_and(|mask| mask.len() != n * tokens) {
                return Err(refuse(&shape, "which has not one vector per token"));
            }
            let mut pooled = vec![0.0f32; n * width];
            for row in 0..n {
                let sums = &mut pooled[row * width..][..width];
                let mut count = 0.0f32;
                for token in 0..tokens {
                    if mask.is_some_and(|mask| mask[row * tokens + token] == 0) {
                        continue;
                    }
                    count += 1.0;
                    let vector = &values[(row * tokens + token) * width..][..width];
                    sums.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
                }
                // A text without any token is the zero vector.
                sums.iter_mut().for_each(|sum| *sum /= count.max(1.0));
            }
            Ok(Tensor { shape: vec![n, width], values: pooled })
        }
        (&[_, tokens, width], Some(Pooling::First)) if tokens > 0 && width > 0 => {
            let first = |row: usize| values[row * tokens * width..][..width].iter().copied();
            Ok(Tensor { shape: vec![n, width], values: (0..n).flat_map(first).collect() })
        }
        (&[_, channels, height, width], None | Some(Pooling::Mean)) if channels * height * width > 0 => {
            let area = height * width;
            let mean = |map: &[f32]| map.iter().sum::<f32>() / area as f32;
            Ok(Tensor { shape: vec![n, channels], values: values.chunks(area).map(mean).collect() })
        }
        _ => Err(refuse(
            &shape,
            "expected [n, width], or to be pooled [n, tokens, width] or [n, channels, height, width]",
        )),
    }
}

/// Divides every vector by its Euclidean norm; the zero vector stays.
pub fn divide_by_norms(vectors: &mut Tensor) {
    let width = vectors.shape.last().copied().unwrap_or(0).max(1);
    for vector in vectors.values.chunks_mut(width) {
        let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if norm > 0.0 {
            vector.iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
        }
    }
}

/// Refuses what is not finite.
///
/// # Errors
/// [`EmbedError::NotFinite`] with the first such place.
pub fn expect_finite(vectors: &Tensor) -> Result<(), EmbedError> {
    let width = vectors.shape.last().copied().unwrap_or(0).max(1);
    match vectors.values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => {
            Err(EmbedError::NotFinite { row: at / width, column: at % width, value: vectors.values[at] })
        }
    }
}
