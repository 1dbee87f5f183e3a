//! [`Kernel`]: by what rows are compared, as vectors whose inner products are the kernel.
//!
//! Holzmüller, Zaverkin, Kästner & Steinwart (JMLR 2023) make batch strategies of a base kernel, transformations of it and a rule
//! that selects. Base kernels are here those of inputs, of the last layer, and of full gradients, which are sketched; the transformation is that to
//! the posterior of a Gaussian process.

use crate::data::{Matrix, MatrixView, RowId};
use crate::learner::{Depth, RowGradient};
use crate::query::distribution::Space;
use crate::query::error::QueryError;
use crate::query::geometry::Rows;
use crate::query::registry::Params;
use crate::query::{Kinds, Needs, PoolView, Size};
use crate::rng::Key;
use nalgebra::{Cholesky, DMatrix, DVector};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Numbers that a gradient is sketched to, unless said otherwise.
const SKETCH: usize = 512;
/// The most of them.
const MAX_SKETCH: usize = 4_096;
/// Rows that are made at a time.
const BLOCK: usize = 64;

/// The vectors that a kernel is the inner product of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Inputs, or embeddings.
    Space(Space),
    /// Gradients of what is predicted by all weights and biases of the network, sketched to so many numbers.
    Gradients { sketch: usize },
}

/// A kernel. Rows are compared by distances of vectors whose inner products it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kernel {
    pub base: Base,
    /// The deviation of the noise with which the labelled rows were observed, for the posterior covariance of a Gaussian process whose prior covariance
    /// is the base kernel, scaled to a mean of 1 over these rows on its diagonal; `None` for the base kernel itself.
    pub posterior: Option<f64>,
}

impl From<Space> for Kernel {
    fn from(space: Space) -> Self {
        Self { base: Base::Space(space), posterior: None }
    }
}

impl Kernel {
    /// The parameters `space` (`embeddings`, `inputs` or `gradients`), `sketch`, which gradients alone have, and `posterior`.
    ///
    /// # Errors
    /// [`QueryError::Value`].
    pub fn read(params: &mut Params<'_>) -> Result<Self, QueryError> {
        let spaces =
            [("embeddings", Some(Space::Embeddings)), ("inputs", Some(Space::Inputs)), ("gradients", None)];
        let space = params.choice("space", &spaces)?;
        let base = match (space, params.optional_count("sketch", 1..=MAX_SKETCH)?) {
            (Some(space), None) => Base::Space(space),
            (None, sketch) => Base::Gradients { sketch: sketch.unwrap_or(SKETCH) },
            (Some(_), Some(sketch)) => {
                return Err(QueryError::Value {
                    strategy: params.strategy().to_string(),
                    name: "sketch".to_string(),
                    found: sketch.to_string(),
                    expected: "none, unless space is gradients".to_string(),
                });
            }
        };
        Ok(Self { base, posterior: params.optional_real("posterior", 1e-4..=1e4)? })
    }

    /// What it asks of the learner.
    pub fn needs(self) -> Needs {
        match self.base {
            Base::Space(space) => space.needs(),
            Base::Gradients { .. } => Needs { network: true, ..Needs::NONE },
        }
    }

    /// Gradients are those of one number that is predicted.
    pub fn kinds(self) -> Kinds {
        match self.base {
            Base::Space(_) => Kinds::ALL,
            Base::Gradients { .. } => Kinds::REAL,
        }
    }

    /// Bytes that its vectors take beyond what a view holds.
    pub fn memory(self, size: &Size) -> u64 {
        let width = match self.base {
            Base::Space(_) if self.posterior.is_none() => return 0,
            Base::Space(_) => size.width + 1,
            Base::Gradients { sketch } => sketch,
        };
        let rows = size.candidates + size.labelled;
        // The posterior's matrix and its factor.
        let squares = if self.posterior.is_some() { 16 * width * width } else { 0 };
        Size::items(rows, 4 * width as u64) + squares as u64
    }

    /// The vectors of all rows of the pool, shape `[n, d]`; those of rows that are neither labelled nor candidates mean nothing.
    ///
    /// # Errors
    /// What is missing or not finite.
    pub fn vectors<'a>(self, view: &PoolView<'a>, key: Key) -> Result<Vectors<'a>, QueryError> {
        let of_base = match self.base {
            Base::Space(space) => Vectors { lent: space.of(view)?, own: None },
            Base::Gradients { sketch } => Vectors::own(gradients(view, sketch, key.named("sketch"))?),
        };
        let Some(noise) = self.posterior else { return Ok(of_base) };
        let prior = match (self.base, of_base) {
            // The derivative by the last layer's bias.
            (Base::Space(Space::Embeddings), base) => with_ones(base.view()),
            (_, Vectors { own: Some(own), .. }) => own,
            (_, Vectors { lent, .. }) => Matrix::new(lent.values().to_vec(), lent.rows(), lent.cols()),
        };
        Ok(Vectors::own(posterior(prior, view.labelled(), noise)))
    }
}

/// Vectors that a view lends, or own ones.
pub struct Vectors<'a> {
    lent: MatrixView<'a>,
    own: Option<Matrix>,
}

impl Vectors<'_> {
    fn own(matrix: Matrix) -> Self {
        Self { lent: MatrixView::new(&[], 0, 0), own: Some(matrix) }
    }

    /// All of them.
    pub fn view(&self) -> MatrixView<'_> {
        self.own.as_ref().map_or(self.lent, Matrix::view)
    }
}

fn with_ones(vectors: MatrixView<'_>) -> Matrix {
    let row = |at: usize| vectors.row(at).iter().copied().chain([1.0]);
    Matrix::new((0..vectors.rows()).flat_map(row).collect(), vectors.rows(), vectors.cols() + 1)
}

/// Random projections of the gradients of a network's first output. By weights and bias of an affine map, the gradient is the outer product of what comes in, with a
/// 1 behind it, and of the output's derivative by what comes out; its sketch is the product, entry by entry, of a Gaussian
/// projection of each, over the root of their length, and the sketch of the whole the sum over maps. Inner products are those of the gradients in expectation.
fn gradients(view: &PoolView<'_>, sketch: usize, key: Key) -> Result<Matrix, QueryError> {
    let (network, inputs) = (view.network()?, view.finite_network_inputs()?);
    let mut wanted: Vec<RowId> = view.labelled().iter().chain(view.candidates()).copied().collect();
    wanted.sort_unstable();
    let mut all = Matrix::zeros(inputs.rows(), sketch);
    // One projection per map and side, drawn in the order of maps.
    let mut row = network.row_gradient(Depth::All);
    row.take_output(inputs.row(wanted.first().map_or(0, |row| row.index())), 0);
    let sizes: Vec<[usize; 2]> =
        row.layers().map(|layer| [layer.input.len() + usize::from(layer.bias), layer.signal.len()]).collect();
    let draw = |map: usize, side: usize, width: usize| -> Vec<f64> {
        let mut rng = key.at(map as u64).at(side as u64).rng();
        (0..sketch * width).map(|_| StandardNormal.sample(&mut rng)).collect()
    };
    let projections: Vec<[Vec<f64>; 2]> = sizes
        .iter()
        .enumerate()
        .map(|(map, &[input, signal])| [draw(map, 0, input), draw(map, 1, signal)])
        .collect();
    let rows = Rows::new(inputs, &wanted);
    let blocks: Vec<Vec<f32>> = (0..wanted.len().div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let mut row = network.row_gradient(Depth::All);
            (block * BLOCK..wanted.len().min((block + 1) * BLOCK))
                .flat_map(|at| {
                    row.take_output(rows.get(at), 0);
                    project(&row, &projections, sketch)
                })
                .collect()
        })
        .collect();
    for (row, sketched) in wanted.iter().zip(blocks.concat().chunks_exact(sketch)) {
        all.row_mut(row.index()).copy_from_slice(sketched);
    }
    Ok(all)
}

/// The sketch of the gradient that was taken last.
fn project(row: &RowGradient<'_>, projections: &[[Vec<f64>; 2]], sketch: usize) -> Vec<f32> {
    let mut sum = vec![0.0f64; sketch];
    for (layer, [inputs, signals]) in row.layers().zip(projections) {
        let width = layer.input.len() + usize::from(layer.bias);
        for (at, sum) in sum.iter_mut().enumerate() {
            let weights = &inputs[at * width..(at + 1) * width];
            let bias = if layer.bias { weights[width - 1] } else { 0.0 };
            let input: f64 = layer.input.iter().zip(weights).map(|(a, u)| a * u).sum::<f64>() + bias;
            let weights = &signals[at * layer.signal.len()..(at + 1) * layer.signal.len()];
            let signal: f64 = layer.signal.iter().zip(weights).map(|(s, v)| s * v).sum();
            *sum += input * signal;
        }
    }
    let root = (sketch as f64).sqrt();
    sum.into_iter().map(|value| (value / root) as f32).collect()
}

/// The vectors `L⁻¹φ` with `LL' = I + Φ'Φ / σ²` over the labelled rows Φ, whose inner products are the posterior covariances, of vectors that are scaled so that
/// the mean squared length of the labelled ones is 1. As they are where nothing is labelled, or all that is labelled is zero.
fn posterior(vectors: Matrix, labelled: &[RowId], noise: f64) -> Matrix {
    let width = vectors.cols();
    let square = |row: &RowId| vectors.row(row.index()).iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
    let mean = labelled.iter().map(square).sum::<f64>() / labelled.len().max(1) as f64;
    if mean.is_nan() || mean <= 0.0 {
        return vectors;
    }
    let scale = mean.sqrt().recip();
    let scaled =
        |row: usize| DVector::from_iterator(width, vectors.row(row).iter().map(|&v| f64::from(v) * scale));
    let mut precision = DMatrix::<f64>::identity(width, width);
    for row in labelled {
        let one = scaled(row.index());
        precision.ger(noise.powi(-2), &one, &one, 1.0);
    }
    let Some(factor) = Cholesky::new(precision) else { return vectors };
    let lower = factor.l();
    let mut out = Matrix::zeros(vectors.rows(), width);
    out.values_mut().par_chunks_mut(width).enumerate().for_each(|(row, out)| {
        let mut one = scaled(row);
        if lower.solve_lower_triangular_mut(&mut one) {
            out.iter_mut().zip(one.iter()).for_each(|(out, &value)| *out = value as f32);
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::NetSpec;
    use crate::data::TargetKind;
    use crate::learner::Network;
    use crate::query::Signals;

    fn inner(vectors: MatrixView<'_>, a: usize, b: usize) -> f64 {
        vectors.row(a).iter().zip(vectors.row(b)).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    /// One labelled vector (2, 0): scaled by ½, it is (1, 0), and with a noise of ½ the precision is diag(5, 1). So (2, 0) has a variance of 1/5, which is
    /// `1 - 1 / (1 + 1/4)`, (0, 2) keeps its 1, and (2, 2), which is (1, 1), has 6/5 and a covariance of 1/5 with the first.
    #[test]
    fn the_posterior_by_hand() {
        let vectors = Matrix::new(vec![2.0, 0.0, 0.0, 2.0, 2.0, 2.0], 3, 2);
        let found = posterior(vectors.clone(), &[RowId(0)], 0.5);
        for (a, b, expected) in [(0, 0, 0.2), (1, 1, 1.0), (2, 2, 1.2), (0, 2, 0.2), (0, 1, 0.0)] {
            assert!((inner(found.view(), a, b) - expected).abs() < 1e-6, "{a}, {b}");
        }
        assert_eq!(posterior(vectors.clone(), &[], 0.5).values(), vectors.values());
    }

    /// Against `k(x, x') - k(x, T) (k(T, T) + σ² I)⁻¹ k(T, x')`, with vectors of no order.
    #[test]
    fn the_posterior_is_that_of_a_gaussian_process() {
        let values: Vec<f32> = (0..24).map(|at| ((at * 37 % 23) as f32 - 11.0) / 7.0).collect();
        let vectors = Matrix::new(values, 6, 4);
        let (labelled, noise) = ([RowId(1), RowId(4)], 0.3);
        let mean = (inner(vectors.view(), 1, 1) + inner(vectors.view(), 4, 4)) / 2.0;
        let k = |a: usize, b: usize| inner(vectors.view(), a, b) / mean;
        let (a, b, c) = (k(1, 1) + noise * noise, k(1, 4), k(4, 4) + noise * noise);
        let determinant = a * c - b * b;
        let found = posterior(vectors.clone(), &labelled, noise);
        for x in 0..6 {
            for y in 0..6 {
                let [x1, x4, y1, y4] = [k(x, 1), k(x, 4), k(y, 1), k(y, 4)];
                let known = (c * x1 * y1 - b * (x1 * y4 + x4 * y1) + a * x4 * y4) / determinant;
                let (expected, got) = (k(x, y) - known, inner(found.view(), x, y));
                assert!((expected - got).abs() < 1e-5, "{x}, {y}: {expected} {got}");
            }
        }
    }

    /// The network `2 max(x + 1, 0) + 3` has the gradient (2x, 2, x + 1, 1) by weight and bias of both maps where x > -1, and (0, 0, 0, 1) where not: inner products
    /// of 2, 1 and -2 by hand, which sketches of 40,000 numbers have to within a few hundredths of the lengths.
    #[test]
    fn sketches_keep_inner_products_of_gradients() {
        let spec = NetSpec::mlp(1, &[1], 1).unwrap();
        let network = Network::new(&spec, &[1.0, 1.0, 2.0, 3.0]).unwrap();
        let inputs = Matrix::new(vec![2.0, 1.0, -2.0], 3, 1);
        let signals = Signals { network: Some(network), ..Signals::default() };
        let candidates = [0, 1, 2].map(RowId);
        let view = PoolView::of_kind(TargetKind::Real, inputs.view(), &[], &[], &candidates, 0, &signals);
        let sketched = gradients(&view, 40_000, Key::root(3)).unwrap();
        let gradient = |x: f64| if x > -1.0 { [2.0 * x, 2.0, x + 1.0, 1.0] } else { [0.0, 0.0, 0.0, 1.0] };
        let exact = |x: f64, y: f64| gradient(x).iter().zip(gradient(y)).map(|(a, b)| a * b).sum::<f64>();
        assert_eq!((exact(2.0, 1.0), exact(2.0, -2.0), exact(1.0, 1.0)), (19.0, 1.0, 13.0));
        for (a, x) in [2.0, 1.0, -2.0].into_iter().enumerate() {
            for (b, y) in [2.0, 1.0, -2.0].into_iter().enumerate() {
                let (expected, got) = (exact(x, y), inner(sketched.view(), a, b));
                let lengths = (exact(x, x) * exact(y, y)).sqrt();
                assert!((expected - got).abs() < 0.05 * lengths, "{x}, {y}: {expected} {got}");
            }
        }
        let again = gradients(&view, 40_000, Key::root(3)).unwrap();
        assert_eq!(again.values(), sketched.values());
    }
}
