//! [`LowRankGp`]: what the labels in hand leave uncertain of a function that varies smoothly over the pool, and how
//! much of that another label would take away.

use super::kernel_pca::{COMPONENTS, Coordinates, KERNELS, KernelPca};
use crate::data::RowId;
use crate::simd::dispatched;

/// Variance of a label's noise; that of the function itself is at most one.
const NOISE: f64 = 0.1;

/// Rows that are looked at together.
const BLOCK: usize = 16;

/// A square matrix over the components, row-major.
type Square<T> = [[T; COMPONENTS]; COMPONENTS];

/// A Gaussian process of low rank over the pool, Bayesian linear regression on its [`KernelPca`], given which rows
/// are labelled; one for each kernel. The labels themselves do not matter.
///
/// What it is for is the integrated variance that a label takes away (Cohn, Ghahramani & Jordan, JAIR 1996; for
/// classification on graphs V-optimality, Ji & Han, AISTATS 2012), in time that grows with the pool and not
/// with its square.
#[derive(Clone, Debug)]
pub struct LowRankGp<'a> {
    components: &'a KernelPca,
    kernels: [Kernel; KERNELS],
}

#[derive(Clone, Debug)]
struct Kernel {
    /// Covariance of the weights, `Σ`; symmetric to the bit.
    covariance: Square<f64>,
    /// Sum over candidates of the outer products of their components, weighted by doubt.
    doubt: Square<f64>,
    /// `Σ`, and `Σ A Σ / n` with `A` the sum above.
    forms: [Square<f32>; 2],
}

impl<'a> LowRankGp<'a> {
    /// With these rows labelled, and `doubts` of some others.
    pub fn of(components: &'a KernelPca, labelled: &[RowId], doubts: &[(RowId, f32)]) -> Self {
        let mut weights = vec![0.0; components.rows()];
        doubts.iter().for_each(|&(row, doubt)| weights[row.index()] = doubt);
        let kernel = |kernel| {
            let covariance = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(i == j)));
            let doubt = components.weighted_spread(kernel, &weights);
            let mut made = Kernel { covariance, doubt, forms: Default::default() };
            for row in labelled {
                condition(&mut made.covariance, &components.place(kernel, row.index()));
            }
            made.refresh(components.rows());
            made
        };
        Self { components, kernels: std::array::from_fn(kernel) }
    }

    /// Takes more rows for labelled; `rows` come with the doubt that they had.
    pub fn label(&mut self, rows: &[(RowId, f32)]) {
        for (at, kernel) in self.kernels.iter_mut().enumerate() {
            for &(row, doubt) in rows {
                let place = self.components.place(at, row.index());
                condition(&mut kernel.covariance, &place);
                for (sums, x) in kernel.doubt.iter_mut().zip(place) {
                    for (sum, y) in sums.iter_mut().zip(place) {
                        *sum -= f64::from(doubt) * f64::from(x) * f64::from(y);
                    }
                }
            }
            kernel.refresh(self.components.rows());
        }
    }

    /// How much doubt a label of each of these rows would take away, kernel by kernel: by how much the variance would
    /// fall at a row of the pool on average, rows weighted by their doubt, `mean_u w_u c(x, u)² / (v + σ²)`. The rows
    /// are the pool's, or [some](Coordinates::of_rows) of them.
    pub fn reductions(&self, rows: &Coordinates) -> [Vec<f32>; KERNELS] {
        std::array::from_fn(|kernel| {
            let mut found = vec![0.0; rows.rows()];
            reductions(&self.kernels[kernel].forms, rows.of_kernel(kernel), &mut found);
            found
        })
    }
}

dispatched! {
    /// `φ' D φ / (φ' Σ φ + σ²)` of every row, with the two forms `Σ` and `D` and the rows' places, `[COMPONENTS][rows]`.
    fn reductions(forms: &[Square<f32>; 2], places: &[f32], found: &mut [f32]) {
        let rows = found.len();
        let (blocks, rest) = found.as_chunks_mut::<BLOCK>();
        let whole = blocks.len() * BLOCK;
        for (start, found) in (0..).step_by(BLOCK).zip(blocks) {
            let mut block = [[0.0; BLOCK]; COMPONENTS];
            for (values, places) in block.iter_mut().zip(places.chunks_exact(rows)) {
                values.copy_from_slice(&places[start..start + BLOCK]);
            }
            *found = of_block(forms, &block);
        }
        if !rest.is_empty() {
            let mut block = [[0.0; BLOCK]; COMPONENTS];
            for (values, places) in block.iter_mut().zip(places.chunks_exact(rows)) {
                values[..rest.len()].copy_from_slice(&places[whole..]);
            }
            rest.copy_from_slice(&of_block(forms, &block)[..rest.len()]);
        }
    }
}

/// The same of a block.
#[inline(always)]
fn of_block([own, doubt]: &[Square<f32>; 2], places: &[[f32; BLOCK]; COMPONENTS]) -> [f32; BLOCK] {
    let (variance, mut reduction) = (form(own, places), form(doubt, places));
    for (reduction, variance) in reduction.iter_mut().zip(variance) {
        *reduction /= variance + NOISE as f32;
    }
    reduction
}

impl Kernel {
    fn refresh(&mut self, rows: usize) {
        let around = times(&times(&self.covariance, &self.doubt), &self.covariance);
        let divided = around.map(|row| row.map(|value| value / rows as f64));
        self.forms = [self.covariance, divided].map(|form| form.map(|row| row.map(|value| value as f32)));
    }
}

dispatched! {
    /// Takes a row for labelled: `Σ -= Σ φ φ' Σ / (σ² + φ' Σ φ)`.
    fn condition(covariance: &mut Square<f64>, place: &[f32; COMPONENTS]) {
        let place = place.map(f64::from);
        // Rows for columns, which are the same: so no sum waits for another.
        let mut along = [0.0; COMPONENTS];
        for (row, x) in covariance.iter().zip(place) {
            along.iter_mut().zip(row).for_each(|(sum, c)| *sum += c * x);
        }
        let variance: f64 = along.iter().zip(place).map(|(a, x)| a * x).sum();
        for (row, a) in covariance.iter_mut().zip(along) {
            row.iter_mut().zip(along).for_each(|(c, b)| *c -= a * b / (NOISE + variance));
        }
    }
}

dispatched! {
    /// The product of two matrices.
    fn times(a: &Square<f64>, b: &Square<f64>) -> Square<f64> {
        a.map(|a| {
            let mut out = [0.0; COMPONENTS];
            for (a, b) in a.into_iter().zip(b) {
                out.iter_mut().zip(b).for_each(|(out, b)| *out += a * b);
            }
            out
        })
    }
}

/// `φ' M φ` for a block of rows and a symmetric matrix; not negative. Rows side by side, so that no sum waits for
/// another.
#[inline(always)]
fn form(matrix: &Square<f32>, places: &[[f32; BLOCK]; COMPONENTS]) -> [f32; BLOCK] {
    let mut sums = [0.0f32; BLOCK];
    for (i, (row, place)) in matrix.iter().zip(places).enumerate() {
        let mut along = [0.0f32; BLOCK];
        for (other, &value) in places[..i].iter().zip(row) {
            for lane in 0..BLOCK {
                along[lane] += other[lane] * value;
            }
        }
        for lane in 0..BLOCK {
            sums[lane] += (2.0 * along[lane] + place[lane] * row[i]) * place[lane];
        }
    }
    sums.map(|sum| sum.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MatrixView;
    use crate::rng::Key;
    use nalgebra::DMatrix;
    use rand::RngExt;

    fn pool(n: usize) -> KernelPca {
        let mut rng = Key::root(5).rng();
        let values: Vec<f32> = (0..3 * n).map(|_| rng.random::<f32>()).collect();
        KernelPca::of(MatrixView::new(&values, n, 3))
    }

    /// The same by the textbook formula over all rows: `C = K - K_L (K_LL + σ² I)^-1 K_L'`.
    #[test]
    fn is_the_gaussian_process_of_the_components() {
        let (n, components) = (40, pool(40));
        let labelled = [RowId(3), RowId(17), RowId(30), RowId(31)];
        let doubts: Vec<(RowId, f32)> = (0..n as u32)
            .map(RowId)
            .filter(|row| !labelled.contains(row))
            .map(|row| (row, (row.0 as f32 * 0.7).sin().abs()))
            .collect();
        let posterior = LowRankGp::of(&components, &labelled, &doubts);
        for kernel in 0..KERNELS {
            let place = |i, j| f64::from(components.place(kernel, i)[j]);
            let places = DMatrix::from_fn(n, COMPONENTS, place);
            let k = &places * places.transpose();
            let own = DMatrix::from_fn(4, 4, |i, j| {
                k[(labelled[i].index(), labelled[j].index())] + if i == j { NOISE } else { 0.0 }
            });
            let to = DMatrix::from_fn(n, 4, |i, j| k[(i, labelled[j].index())]);
            let c = &k - &to * own.try_inverse().unwrap() * to.transpose();
            let found = &posterior.reductions(components.places())[kernel];
            for row in 0..n {
                let weighted: f64 =
                    doubts.iter().map(|&(u, w)| f64::from(w) * c[(row, u.index())].powi(2)).sum();
                let exact = weighted / (c[(row, row)] + NOISE) / n as f64;
                let found = f64::from(found[row]);
                assert!((found - exact).abs() < 1e-5, "{found} {exact}");
            }
        }
    }

    /// Rows that are labelled later are as good as labelled from the start.
    #[test]
    fn labels_may_come_one_by_one() {
        let components = pool(200);
        let doubts: Vec<(RowId, f32)> = (0..200).map(|row| (RowId(row), row as f32 / 200.0)).collect();
        let mut patient = LowRankGp::of(&components, &[RowId(9)], &doubts);
        patient.label(&[doubts[50], doubts[120]]);
        let rest: Vec<(RowId, f32)> =
            doubts.iter().copied().filter(|(row, _)| ![50, 120].contains(&row.0)).collect();
        let at_once = LowRankGp::of(&components, &[RowId(9), RowId(50), RowId(120)], &rest);
        let rows: Vec<u32> = (0..200).collect();
        let [some, all] =
            [&rows[7..90], &rows[..]].map(|rows| patient.reductions(&components.places().of_rows(rows)));
        let at_once = at_once.reductions(components.places());
        for kernel in 0..KERNELS {
            assert_eq!(some[kernel], all[kernel][7..90]);
            for (a, b) in all[kernel].iter().zip(&at_once[kernel]) {
                assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
        }
    }
}
