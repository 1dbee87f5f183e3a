//! Gradient ascent on an acquisition.

use crate::data::Matrix;
use crate::error::Result;

/// How a row is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ascent {
    /// Steps, at most.
    pub steps: u32,
    /// The length of the first step, in units of the inputs. It is halved where it would go down.
    pub length: f64,
    /// Half the distance over which the gradient is taken.
    pub difference: f64,
}

impl Default for Ascent {
    fn default() -> Self {
        Self { steps: 50, length: 0.5, difference: 1e-2 }
    }
}

/// The row to which steps along the gradient lead from `start`, and its value. `value` gives the acquisition of rows,
/// shape `[n, width]`, higher = ask first, of any classifier: the gradient is taken by central differences, all of a
/// step's rows in one call. The value never falls.
///
/// # Errors
/// Those of `value`.
pub fn ascend(
    start: &[f32],
    plan: Ascent,
    mut value: impl FnMut(&Matrix) -> Result<Vec<f64>>,
) -> Result<(Vec<f32>, f64)> {
    let width = start.len();
    let mut here = start.to_vec();
    let mut best = value(&Matrix::new(here.clone(), 1, width))?[0];
    let mut length = plan.length;
    for _ in 0..plan.steps {
        let shift = plan.difference as f32;
        let mut around = Matrix::zeros(2 * width, width);
        for at in 0..2 * width {
            around.row_mut(at).copy_from_slice(&here);
            around.row_mut(at)[at / 2] += if at % 2 == 0 { shift } else { -shift };
        }
        let values = value(&around)?;
        let gradient: Vec<f64> = values.chunks_exact(2).map(|pair| pair[0] - pair[1]).collect();
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        // Nowhere to go, or a value that is no number.
        if norm.is_nan() || norm <= f64::EPSILON * best.abs() {
            break;
        }
        let there: Vec<f32> =
            here.iter().zip(&gradient).map(|(&x, g)| x + (length * g / norm) as f32).collect();
        let found = value(&Matrix::new(there.clone(), 1, width))?[0];
        if found > best {
            (here, best) = (there, found);
        } else {
            length /= 2.0;
        }
    }
    Ok((here, best))
}
