//! Ridge regression on candidate features × globals: the baseline that every network must beat, and
//! where its linear term may start.
//!
//! Only differences within a state matter, so features and gains are centred within each state. The
//! design `x ⊗ [1; g]` is never written out: with `g` constant in a state, its part of the normal
//! equations is the Kronecker product of `Xᵀ X` and `[1; g] [1; g]ᵀ`, `F² G²` work per state however
//! many candidates it has.

use super::error::AgentError;
use super::imitation::{LabelledState, Targets};
use crate::data::Matrix;
use nalgebra::{Cholesky, DMatrix, DVector};

/// The most unknowns, `F · (1 + G)`: the normal equations are their square in f64.
pub const MAX_UNKNOWNS: usize = 4_096;

/// The weights `W`, shape `[F, 1 + G]`, of the least-squares prediction `x_i^T W [1; g]` of the
/// normalised gains.
///
/// `penalty` is relative: it is multiplied by the mean of the normal matrix's diagonal.
///
/// # Errors
/// [`AgentError::Rate`] for a penalty that is not positive, [`AgentError::Setting`] beyond
/// [`MAX_UNKNOWNS`], [`AgentError::NothingToLearn`] without a state, [`AgentError::Ridge`] if the
/// equations cannot be solved.
pub(super) fn ridge(states: &[LabelledState], targets: &Targets, penalty: f64) -> Result<Matrix, AgentError> {
    if !(penalty.is_finite() && penalty > 0.0) {
        let expected = "a positive number";
        return Err(AgentError::Rate { place: "ridge: penalty", found: penalty, expected });
    }
    let first = states.first().ok_or(AgentError::NothingToLearn { place: "ridge" })?;
    let (f, g) = (first.observation.features.cols(), first.observation.globals.len() + 1);
    let size = f * g;
    if size > MAX_UNKNOWNS {
        let place = "ridge: candidate features times globals";
        return Err(AgentError::Setting { place, found: size, least: 1, most: MAX_UNKNOWNS });
    }
    let mut normal = vec![0.0f64; size * size];
    let mut right = vec![0.0f64; size];
    for (state, gains) in states.iter().zip(&targets.normalised) {
        add_state(state, gains, &mut normal, &mut right);
    }
    let diagonal: f64 = (0..size).map(|i| normal[i * size + i]).sum::<f64>() / size as f64;
    // Where every feature is constant there is nothing to fit, and the answer is zero.
    let ridge = if diagonal > 0.0 { penalty * diagonal } else { 1.0 };
    for i in 0..size {
        normal[i * size + i] += ridge;
    }
    // The decomposition reads the lower triangle alone.
    let normal = DMatrix::from_row_slice(size, size, &normal);
    let decomposed = Cholesky::new(normal).ok_or(AgentError::Ridge { size })?;
    let weights = decomposed.solve(&DVector::from_vec(right));
    Ok(Matrix::new(weights.iter().map(|&v| v as f32).collect(), f, g))
}

/// Adds one state's part; of the normal matrix, the lower triangle.
fn add_state(state: &LabelledState, gains: &[f32], normal: &mut [f64], right: &mut [f64]) {
    let features = &state.observation.features;
    let (f, m) = (features.cols(), gains.len());
    let context: Vec<f64> =
        std::iter::once(1.0).chain(state.observation.globals.iter().map(|&v| f64::from(v))).collect();
    let (g, size) = (context.len(), f * context.len());
    let mut mean = vec![0.0f64; f];
    for i in 0..m {
        for (mean, &x) in mean.iter_mut().zip(features.row(i)) {
            *mean += f64::from(x) / m as f64;
        }
    }
    let mut square = vec![0.0f64; f * f];
    let mut product = vec![0.0f64; f];
    for (i, &gain) in gains.iter().enumerate() {
        let centred: Vec<f64> = features.row(i).iter().zip(&mean).map(|(&x, m)| f64::from(x) - m).collect();
        for a in 0..f {
            product[a] += centred[a] * f64::from(gain);
            for b in 0..=a {
                square[a * f + b] += centred[a] * centred[b];
            }
        }
    }
    for a in 0..f {
        for c in 0..g {
            let row = a * g + c;
            right[row] += product[a] * context[c];
            for b in 0..=a {
                let factor = square[a * f + b] * context[c];
                // Within the diagonal block only the lower triangle is read, but filling it is simpler.
                for (sum, d) in normal[row * size + b * g..][..g].iter_mut().zip(&context) {
                    *sum += factor * d;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::observation;
    use super::*;
    use crate::rng::Key;

    /// Gains that are bilinear in features and globals are found again, up to the gains' scale.
    #[test]
    fn finds_the_weights_that_made_the_gains() {
        let truth = [[1.0f32, -2.0, 0.5], [0.0, 1.5, 0.0], [-1.0, 0.0, 2.0], [0.3, 0.3, 0.3]];
        let states: Vec<_> = (0..200)
            .map(|s| {
                let observation = observation(6, 4, 2, Key::root(s));
                let context = [1.0, observation.globals[0], observation.globals[1]];
                let score = |x: &[f32]| -> f32 {
                    let slope = |w: &[f32; 3]| w.iter().zip(context).map(|(w, c)| w * c).sum::<f32>();
                    x.iter().zip(&truth).map(|(x, w)| x * slope(w)).sum()
                };
                let gains = (0..6).map(|i| score(observation.features.row(i)) + s as f32).collect();
                LabelledState { observation, gains, task: 0 }
            })
            .collect();
        let targets = Targets::new(&states, 4, 2).unwrap();
        let found = ridge(&states, &targets, 1e-9).unwrap();
        let scale = truth[0][0] / found.row(0)[0];
        for (row, truth) in truth.iter().enumerate() {
            for (found, truth) in found.row(row).iter().zip(truth) {
                assert!((found * scale - truth).abs() < 1e-3, "{} {truth}", found * scale);
            }
        }
        assert!(matches!(ridge(&states, &targets, 0.0), Err(AgentError::Rate { .. })));
    }
}
