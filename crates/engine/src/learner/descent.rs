//! The update rules of [`Optimiser`] in 64 bits, for parameters that are not a bank's.

use super::plan::{Optimiser, TrainPlan};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
const NADAM_DECAY: f64 = 0.96;

/// An optimiser with its state.
///
/// ```
/// use querist_engine::learner::{Descent, Optimiser, TrainPlan};
///
/// let optimiser = Optimiser::Sgd { momentum: 0.0, nesterov: false };
/// let plan = TrainPlan { optimiser, learning_rate: 0.25, weight_decay: 0.0, ..TrainPlan::default() };
/// let (mut descent, mut weights) = (Descent::new(&plan, 1), [2.0]);
/// descent.step(&mut weights, &[4.0]);
/// assert_eq!(weights, [1.0]);
/// ```
pub struct Descent {
    optimiser: Optimiser,
    rate: f64,
    decay: f64,
    step: u32,
    /// Product of NAdam's momenta so far.
    product: f64,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Descent {
    /// The optimiser, step size and weight decay of `plan` for so many parameters.
    pub fn new(plan: &TrainPlan, parameters: usize) -> Self {
        Self {
            optimiser: plan.optimiser,
            rate: f64::from(plan.learning_rate),
            decay: f64::from(plan.weight_decay),
            step: 0,
            product: 1.0,
            first: vec![0.0; parameters],
            second: vec![0.0; parameters],
        }
    }

    /// One step against `gradient`, which has one number per weight.
    ///
    /// # Panics
    /// Under [`Optimiser::Lbfgs`], which makes no steps.
    pub fn step(&mut self, weights: &mut [f64], gradient: &[f64]) {
        self.step += 1;
        let (rate, decay, started) = (self.rate, self.decay, self.step > 1);
        let power = self.step as i32;
        let (correction1, correction2) = (1.0 - BETA1.powi(power), 1.0 - BETA2.powi(power));
        let momentum = |step: u32| BETA1 * (1.0 - 0.5 * NADAM_DECAY.powf(0.004 * f64::from(step)));
        // How much the first moment and the gradient itself move a weight.
        let (of_moment, of_gradient) = match self.optimiser {
            Optimiser::NAdam => {
                let (now, next) = (momentum(self.step), momentum(self.step + 1));
                self.product *= now;
                (rate * next / (1.0 - self.product * next), rate * (1.0 - now) / (1.0 - self.product))
            }
            _ => (rate / correction1, 0.0),
        };
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((weight, &gradient), (first, second)) in weights.iter_mut().zip(gradient).zip(moments) {
            let g = gradient + decay * *weight;
            match self.optimiser {
                Optimiser::Sgd { momentum, nesterov } => {
                    let momentum = f64::from(momentum);
                    *first = if started { momentum * *first + g } else { g };
                    *weight -= rate * if nesterov { g + momentum * *first } else { *first };
                }
                Optimiser::Adam | Optimiser::NAdam => {
                    *first += (1.0 - BETA1) * (g - *first);
                    *second += (1.0 - BETA2) * (g * g - *second);
                    let root = (*second / correction2).sqrt() + EPSILON;
                    *weight -= (of_moment * *first + of_gradient * g) / root;
                }
                Optimiser::Lbfgs { .. } => {
                    unreachable!("fits without hidden layers alone, and is refused elsewhere before a step")
                }
            }
        }
    }
}
