//! [`Bilinear`]: the outcome of a pair from the embeddings of its two genes, whichever comes first.
//!
//! `softplus(B(z_i, z_j) + B(z_j, z_i)) + c` with `B(x, y) = x' W y + b`. Both forms are computed and then added, which
//! rounds alike in either order: predictions of `(i, j)` and `(j, i)` have the same bits.

use super::real::{Dense, Real, products, transposed};
use crate::rng::Key;
use rand::RngExt;

/// The head over embeddings of `width` columns. Its parameters are `W`, row by row, then `b`, then `c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bilinear {
    /// Columns of the embeddings.
    pub width: usize,
}

/// `Z W`, which predictions of single pairs are then made of.
#[derive(Clone, Debug)]
pub struct Turned<T>(Dense<T>);

impl Bilinear {
    /// `W` uniform within `1 / sqrt(width)`; `c` at `floor`, and `b` so that a pair whose forms are zero is predicted as `start`,
    /// above `floor`.
    pub fn start<T: Real>(&self, floor: f64, start: f64, key: Key) -> Vec<T> {
        let mut rng = key.rng();
        let limit = (self.width as f64).powf(-0.5);
        let weights = (0..self.width * self.width).map(|_| T::of(rng.random_range(-limit..limit)));
        // The inverse of softplus, halved: both forms bring `b` along.
        let offset = 0.5 * (start - floor).exp_m1().ln();
        weights.chain([T::of(offset), T::of(floor)]).collect()
    }

    /// What predictions need of all genes at once.
    pub fn turn<T: Real>(&self, parameters: &[T], embeddings: &Dense<T>) -> Turned<T> {
        let weights = transposed(&parameters[..self.width * self.width], self.width, self.width);
        Turned(products(embeddings, &weights.values))
    }

    /// `B(z_i, z_j) + B(z_j, z_i)`.
    pub fn form<T: Real>(
        &self,
        parameters: &[T],
        embeddings: &Dense<T>,
        turned: &Turned<T>,
        [i, j]: [usize; 2],
    ) -> T {
        let b = parameters[self.width * self.width];
        let one = T::dot(turned.0.row(i), embeddings.row(j)) + b;
        let other = T::dot(turned.0.row(j), embeddings.row(i)) + b;
        one + other
    }

    /// The prediction for a pair.
    pub fn predict<T: Real>(
        &self,
        parameters: &[T],
        embeddings: &Dense<T>,
        turned: &Turned<T>,
        pair: [usize; 2],
    ) -> T {
        self.form(parameters, embeddings, turned, pair).softplus() + parameters[self.width * self.width + 1]
    }

    /// The mean squared error over pairs with targets. Adds its derivatives to `gradient` (of the parameters) and to `change` (of
    /// the embeddings).
    pub fn loss<T: Real>(
        &self,
        parameters: &[T],
        embeddings: &Dense<T>,
        pairs: &[[u32; 2]],
        targets: &[T],
        gradient: &mut [T],
        change: &mut Dense<T>,
    ) -> f64 {
        let (d, turned) = (self.width, self.turn(parameters, embeddings));
        let share = T::of(1.0 / pairs.len().max(1) as f64);
        let mut of_turned = Dense::zeros(embeddings.rows(), d);
        let (mut loss, mut of_b, mut of_c) = (0.0, T::default(), T::default());
        for (&[i, j], &target) in pairs.iter().zip(targets) {
            let (i, j) = (i as usize, j as usize);
            let form = self.form(parameters, embeddings, &turned, [i, j]);
            let error = form.softplus() + parameters[d * d + 1] - target;
            loss += error.wide() * error.wide();
            let outer = (error + error) * share;
            let inner = outer * form.sigmoid();
            of_c += outer;
            of_b += inner + inner;
            add_scaled(change.row_mut(j), turned.0.row(i), inner);
            add_scaled(change.row_mut(i), turned.0.row(j), inner);
            add_scaled(of_turned.row_mut(i), embeddings.row(j), inner);
            add_scaled(of_turned.row_mut(j), embeddings.row(i), inner);
        }
        let of_weights = products(&embeddings.transposed(), &of_turned.transposed().values);
        let through = products(&of_turned, &parameters[..d * d]);
        for (to, &of) in gradient.iter_mut().zip(&of_weights.values) {
            *to += of;
        }
        gradient[d * d] += of_b;
        gradient[d * d + 1] += of_c;
        for (to, &of) in change.values.iter_mut().zip(&through.values) {
            *to += of;
        }
        loss * share.wide()
    }
}

#[inline]
fn add_scaled<T: Real>(to: &mut [T], of: &[T], factor: T) {
    for (to, &of) in to.iter_mut().zip(of) {
        *to += factor * of;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `z_0 = (1, 2)`, `z_1 = (3, -1)`, `W = [[1, 2], [0, -1]]`, `b = 1/2`, `c = -1`: the forms are `z_0' W z_1 = 3` and
    /// `z_1' W z_0 = 17`.
    #[test]
    fn by_hand() {
        let head = Bilinear { width: 2 };
        let z = Dense { values: vec![1.0f64, 2.0, 3.0, -1.0], width: 2 };
        let p = [1.0, 2.0, 0.0, -1.0, 0.5, -1.0];
        let turned = head.turn(&p, &z);
        assert_eq!(head.form(&p, &z, &turned, [0, 1]), 3.0 + 17.0 + 1.0);
        let expected = (1.0 + 21.0f64.exp()).ln() - 1.0;
        assert!((head.predict(&p, &z, &turned, [0, 1]) - expected).abs() < 1e-12);
    }

    #[test]
    fn starts_at_what_it_is_told() {
        let head = Bilinear { width: 3 };
        let p: Vec<f64> = head.start(-2.5, 0.25, Key::root(1));
        let z = Dense::zeros(2, 3);
        assert!((head.predict(&p, &z, &head.turn(&p, &z), [0, 1]) - 0.25).abs() < 1e-12);
    }

    /// Bit for bit, for numbers of no symmetry at all.
    #[test]
    fn a_pair_is_the_same_in_either_order() {
        let head = Bilinear { width: 50 };
        let mut rng = Key::root(5).rng();
        let z = Dense { values: (0..40 * 50).map(|_| rng.random_range(-1.0f32..1.0)).collect(), width: 50 };
        let p: Vec<f32> = head.start(-1.0, 0.0, Key::root(6));
        let turned = head.turn(&p, &z);
        for i in 0..40 {
            for j in 0..40 {
                let one = head.predict(&p, &z, &turned, [i, j]);
                assert_eq!(one.to_bits(), head.predict(&p, &z, &turned, [j, i]).to_bits());
            }
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let head = Bilinear { width: 4 };
        let mut rng = Key::root(3).rng();
        let z = Dense { values: (0..20).map(|_| rng.random_range(-1.0f64..1.0)).collect(), width: 4 };
        let p: Vec<f64> = head.start(-1.5, 0.0, Key::root(4));
        let pairs = [[0, 1], [1, 4], [2, 3], [0, 4], [1, 2]];
        let targets: Vec<f64> = (0..5).map(|_| rng.random_range(-2.0..2.0)).collect();
        let loss = |p: &[f64], z: &Dense<f64>| {
            let (mut g, mut change) = (vec![0.0; p.len()], Dense::zeros(5, 4));
            head.loss(p, z, &pairs, &targets, &mut g, &mut change)
        };
        let (mut gradient, mut change) = (vec![0.0; p.len()], Dense::zeros(5, 4));
        head.loss(&p, &z, &pairs, &targets, &mut gradient, &mut change);
        let step = 1e-6;
        for at in 0..p.len() {
            let (mut above, mut below) = (p.clone(), p.clone());
            above[at] += step;
            below[at] -= step;
            let difference = (loss(&above, &z) - loss(&below, &z)) / (2.0 * step);
            assert!((gradient[at] - difference).abs() < 1e-7, "{at}: {} {difference}", gradient[at]);
        }
        for at in 0..z.values.len() {
            let (mut above, mut below) = (z.clone(), z.clone());
            above.values[at] += step;
            below.values[at] -= step;
            let difference = (loss(&p, &above) - loss(&p, &below)) / (2.0 * step);
            assert!((change.values[at] - difference).abs() < 1e-7, "{at}");
        }
    }
}
