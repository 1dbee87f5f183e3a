//! What the values of actions are computed from: 30 probabilities, and three figures per candidate.

use super::network::{ACTION, STATE};
use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::query::PoolView;
use crate::rng::Key;
use rand::seq::index;

/// A pool before a query, as the learner of values sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Sorted probabilities of class 0 on the points that were set aside, [`STATE`] of them.
    pub state: Vec<f32>,
    /// The candidates that may be asked for: all but those set aside.
    pub candidates: Vec<RowId>,
    /// `[candidates, 3]`: probability of class 0, mean cosine distance to the candidates (itself included,
    /// as published), mean cosine distance to the labelled rows.
    pub actions: Matrix,
}

/// Sets candidates aside for an episode: [`STATE`], or fewer where that would leave less than `least` to ask
/// for.
pub fn draw_state_sample(candidates: &[RowId], least: usize, key: Key) -> Vec<RowId> {
    let count = STATE.min(candidates.len().saturating_sub(least));
    let drawn = index::sample(&mut key.rng(), candidates.len(), count);
    let mut rows: Vec<RowId> = drawn.iter().map(|at| candidates[at]).collect();
    rows.sort_unstable();
    rows
}

impl Seen {
    /// Describes the pool, with `aside` (ascending) set aside.
    ///
    /// # Errors
    /// If the view has no class probabilities, or they are none.
    pub fn of(view: &PoolView<'_>, state_sample: &[RowId]) -> Result<Self> {
        let probabilities = view.probabilities()?;
        let mut state = Vec::with_capacity(STATE);
        let (mut candidates, mut first) = (Vec::new(), Vec::new());
        for (at, &row) in view.candidates().iter().enumerate() {
            let probability = probabilities.row(at)[0];
            if state_sample.binary_search(&row).is_ok() {
                state.push(probability);
            } else {
                candidates.push(row);
                first.push(probability);
            }
        }
        state.sort_unstable_by(f32::total_cmp);
        let unlabelled = mean_direction(view, &candidates);
        let labelled = mean_direction(view, view.labelled());
        let mut values = Vec::with_capacity(candidates.len() * ACTION);
        for (row, probability) in candidates.iter().zip(first) {
            let own = direction(view.inputs().row(row.index()));
            values.push(probability);
            values.extend([&unlabelled, &labelled].map(|mean| distance(&own, mean)));
        }
        let actions = Matrix::new(values, candidates.len(), ACTION);
        Ok(Self { state: stretched(&state), candidates, actions })
    }
}

/// [`STATE`] values from sorted ones: themselves where there are as many, else the nearest by rank; of none,
/// one half.
fn stretched(sorted: &[f32]) -> Vec<f32> {
    let pick = |at: usize| sorted.get((2 * at + 1) * sorted.len() / (2 * STATE)).copied().unwrap_or(0.5);
    (0..STATE).map(pick).collect()
}

/// The vector of length 1 along `x`; zero where `x` is.
fn direction(x: &[f32]) -> Vec<f64> {
    let norm = x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    x.iter().map(|&v| if norm > 0.0 { f64::from(v) / norm } else { 0.0 }).collect()
}

/// The mean of the rows' directions: a mean cosine is the product with it.
fn mean_direction(view: &PoolView<'_>, rows: &[RowId]) -> Vec<f64> {
    let mut mean = vec![0.0; view.inputs().cols()];
    for row in rows {
        for (sum, value) in mean.iter_mut().zip(direction(view.inputs().row(row.index()))) {
            *sum += value / rows.len() as f64;
        }
    }
    mean
}

fn distance(own: &[f64], mean: &[f64]) -> f32 {
    (1.0 - own.iter().zip(mean).map(|(a, b)| a * b).sum::<f64>()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{QueryError, Signals};

    /// Rows (1,0), (0,2), (3,3), (-1,0) and a labelled (0,1).
    #[test]
    fn figures_as_by_hand() {
        let inputs = Matrix::new(vec![1.0, 0.0, 0.0, 2.0, 3.0, 3.0, -1.0, 0.0, 0.0, 1.0], 5, 2);
        let p = Matrix::new(vec![0.9, 0.1, 0.2, 0.8, 0.4, 0.6, 0.7, 0.3], 4, 2);
        let signals = Signals { probabilities: Some(p), ..Signals::default() };
        let candidates = [0, 1, 2, 3].map(RowId);
        let view = PoolView::new(inputs.view(), &[RowId(4)], &[1], &candidates, 2, &signals);
        let seen = Seen::of(&view, &[RowId(3)]).unwrap();
        assert_eq!(seen.candidates, [0, 1, 2].map(RowId));
        assert_eq!(seen.state, [0.7; STATE]);
        let half = 0.5f32.sqrt();
        // Cosines among the three candidates: 0 and 1 are orthogonal, 2 lies between.
        let expected = [
            [0.9, 1.0 - (1.0 + 0.0 + half) / 3.0, 1.0],
            [0.2, 1.0 - (0.0 + 1.0 + half) / 3.0, 0.0],
            [0.4, 1.0 - (half + half + 1.0) / 3.0, 1.0 - half],
        ];
        for (row, expected) in expected.iter().enumerate() {
            for (found, expected) in seen.actions.row(row).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{row}: {found} {expected}");
            }
        }
        let without = Signals::default();
        let view = PoolView::new(inputs.view(), &[RowId(4)], &[1], &candidates, 2, &without);
        let error = Seen::of(&view, &[]).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::Missing { .. })), "{error}");
    }

    #[test]
    fn states_are_sorted_and_any_number_of_points_will_do() {
        let thirty: Vec<f32> = (0..STATE).map(|i| i as f32).collect();
        assert_eq!(stretched(&thirty), thirty);
        let three = stretched(&[0.1, 0.2, 0.3]);
        assert_eq!(three, [[0.1; 10], [0.2; 10], [0.3; 10]].concat());
        assert_eq!(stretched(&[]), [0.5; STATE]);
        let rows: Vec<RowId> = (0..40).map(RowId).collect();
        let state_sample = draw_state_sample(&rows, 1, Key::root(1));
        assert!(state_sample.len() == STATE && state_sample.is_sorted());
        assert_eq!(draw_state_sample(&rows[..20], 5, Key::root(1)).len(), 15);
        assert!(draw_state_sample(&rows[..3], 5, Key::root(1)).is_empty());
    }
}
