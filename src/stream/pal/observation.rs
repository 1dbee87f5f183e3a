//! What the scores of keeping and skipping are computed from.

use crate::agent::decisions::DecisionState;
use crate::agent::dqn::network::ACTION;
use std::collections::VecDeque;

/// The option of skipping a row; of equal scores it is taken.
pub const SKIP: usize = 0;
/// The option of keeping it.
pub const KEEP: usize = 1;

/// Rows whose confidence is remembered, to say how the present one compares.
pub const WINDOW: usize = 100;
/// Rows that were kept and are remembered, the last ones, to say how far the present one is from them.
pub const KEPT: usize = 1_000;
/// Quantiles of those confidences that the state holds.
const QUANTILES: usize = 20;

/// A stream as the network sees it: the confidences of the last rows, and the rows that were kept.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    confidences: VecDeque<f32>,
    kept: VecDeque<Vec<f32>>,
    of_class: Vec<f32>,
}

impl Watch {
    /// The state at a row of these class probabilities, in which it may be skipped or kept. `distance` is that
    /// [to what was kept](Self::distance), `stream_left` and `budget_left` are shares in `[0, 1]` of what there was at the start.
    pub fn look(&self, p: &[f32], distance: f32, stream_left: f32, budget_left: f32) -> DecisionState {
        let (mut first, mut second, mut top) = (0.0f32, 0.0f32, 0);
        for (class, &value) in p.iter().enumerate() {
            if value > first {
                (second, first, top) = (first, value, class);
            } else {
                second = second.max(value);
            }
        }
        let entropy = p.iter().map(|&p| if p > 0.0 { -p * p.ln() } else { 0.0 }).sum::<f32>();
        let mut sorted: Vec<f32> = self.confidences.iter().copied().collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let rank = sorted.partition_point(|&other| other < first) as f32 / sorted.len().max(1) as f32;
        let quantile = |at: usize| {
            let place = (2 * at + 1) * sorted.len() / (2 * QUANTILES);
            sorted.get(place).copied().unwrap_or(first)
        };
        let labels: f32 = self.of_class.iter().sum();
        let share = self.of_class.get(top).copied().unwrap_or(0.0) / labels.max(1.0);
        let mut state: Vec<f32> = (0..QUANTILES).map(quantile).collect();
        state.extend([
            first,
            first - second,
            entropy / (p.len() as f32).ln(),
            rank,
            distance,
            share,
            stream_left,
            budget_left,
            budget_left / stream_left.max(1e-3) / (1.0 + budget_left / stream_left.max(1e-3)),
            (labels / (10.0 * p.len() as f32)).min(1.0),
        ]);
        DecisionState::new(&state, &[[0.0; ACTION], [1.0, 1.0 - rank, distance]])
    }

    /// How far a row lies from the nearest that was kept, in units of the distance of two random rows, and at most 2. Columns
    /// are multiplied by `scales`, which bring them to a spread of about 1.
    pub fn distance(&self, inputs: &[f32], scales: impl Fn(usize) -> f32) -> f32 {
        let apart = |(at, (a, b)): (usize, (&f32, &f32))| ((a - b) * scales(at)).powi(2);
        let square = |other: &Vec<f32>| inputs.iter().zip(other).enumerate().map(apart).sum::<f32>();
        let nearest = self.kept.iter().map(square).fold(f32::INFINITY, f32::min);
        (nearest / (2.0 * inputs.len() as f32)).sqrt().min(2.0)
    }

    /// Notes a row that was looked at, by its largest probability.
    pub fn pass(&mut self, confidence: f32) {
        self.confidences.push_back(confidence);
        if self.confidences.len() > WINDOW {
            self.confidences.pop_front();
        }
    }

    /// Notes a label.
    pub fn label(&mut self, inputs: &[f32], class: u32) {
        self.kept.push_back(inputs.to_vec());
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        let class = class as usize;
        if self.of_class.len() <= class {
            self.of_class.resize(class + 1, 0.0);
        }
        self.of_class[class] += 1.0;
    }
}
