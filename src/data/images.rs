//! Images as inputs hold them: their shape, and how grey values became inputs.

use super::scaling::Scaler;

/// What is needed to change an image among the inputs of a task as it was before scaling. Grey values lie channel by channel, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub(super) scaler: Scaler,
}

impl Images {
    /// Images whose inputs are grey values as they are.
    pub fn unscaled(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width, scaler: Scaler::default() }
    }

    /// An input as it was before scaling.
    ///
    /// # Panics
    /// Here and in [`scaled`](Self::scaled), if it has another length than images of the task.
    pub fn grey(&self, input: &[f32]) -> Vec<f64> {
        self.scaler.before(input)
    }

    /// An image, scaled, and the derivative of each number by its grey value.
    pub fn scaled(&self, grey: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.scaler.after(grey)
    }
}
