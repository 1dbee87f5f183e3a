//! [`AdamW`] and [`Plateau`]: how networks are fitted.

use super::real::Real;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019), for one group of parameters.
#[derive(Clone, Debug)]
pub struct AdamW<T> {
    rate: f64,
    decay: f64,
    step: i32,
    first: Vec<T>,
    second: Vec<T>,
}

impl<T: Real> AdamW<T> {
    /// For `parameters` numbers, each step moving them by about `rate` and shrinking them by `rate decay`.
    pub fn new(parameters: usize, rate: f64, decay: f64) -> Self {
        let zeros = || vec![T::default(); parameters];
        Self { rate, decay, step: 0, first: zeros(), second: zeros() }
    }

    /// One step against `gradient`, at `scale` times the rate.
    pub fn step(&mut self, parameters: &mut [T], gradient: &[T], scale: f64) {
        self.step += 1;
        let rate = self.rate * scale;
        let moment = T::of(rate / (1.0 - BETA1.powi(self.step)));
        let root = T::of((1.0 - BETA2.powi(self.step)).sqrt().recip());
        let (kept, epsilon) = (T::of(1.0 - rate * self.decay), T::of(EPSILON));
        let (new1, new2) = (T::of(1.0 - BETA1), T::of(1.0 - BETA2));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, &g), (first, second)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *first += new1 * (g - *first);
            *second += new2 * (g * g - *second);
            *parameter = *parameter * kept - moment * *first / (second.root() * root + epsilon);
        }
    }
}

/// Lowers the rate when the loss no longer falls: by `factor` after more than `patience` epochs without an improvement of one in
/// ten thousand.
#[derive(Clone, Copy, Debug)]
pub struct Plateau {
    factor: f64,
    patience: usize,
    best: f64,
    waited: usize,
    scale: f64,
}

impl Plateau {
    /// At full rate.
    pub fn new(factor: f64, patience: usize) -> Self {
        Self { factor, patience, best: f64::INFINITY, waited: 0, scale: 1.0 }
    }

    /// Notes an epoch's loss; what the rates are to be multiplied by from now on.
    pub fn note(&mut self, loss: f64) -> f64 {
        if loss < self.best * (1.0 - 1e-4) {
            (self.best, self.waited) = (loss, 0);
        } else {
            self.waited += 1;
            if self.waited > self.patience {
                self.scale *= self.factor;
                self.waited = 0;
            }
        }
        self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first step is the rate, whatever the gradient's size; decay is beside it.
    #[test]
    fn by_hand() {
        let mut adam = AdamW::new(2, 0.1, 0.5);
        let mut p = [2.0f64, -4.0];
        adam.step(&mut p, &[1e3, -1e-3], 1.0);
        assert!((p[0] - (2.0 * 0.95 - 0.1)).abs() < 1e-6 && (p[1] - (-4.0 * 0.95 + 0.1)).abs() < 1e-5);
        // m = .09 g1 + .1 g2 = .19 and v = .000999 + .001 with both gradients one: a step of the rate again.
        let mut adam = AdamW::new(1, 0.1, 0.0);
        let mut p = [0.0f64];
        adam.step(&mut p, &[1.0], 1.0);
        adam.step(&mut p, &[1.0], 0.5);
        assert!((p[0] + 0.15).abs() < 1e-7, "{p:?}");
    }

    /// As PyTorch's ReduceLROnPlateau with a patience of 2: the third bad epoch lowers the rate.
    #[test]
    fn a_plateau_halves_the_rate_once_patience_is_over() {
        let mut plateau = Plateau::new(0.5, 2);
        let found = [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0].map(|loss| plateau.note(loss));
        assert_eq!(found, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]);
    }
}
