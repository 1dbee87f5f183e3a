//! [`Fisher`]: what rows tell of the weights of the last layer, and what batches of them leave unknown.

use crate::data::MatrixView;
use crate::query::geometry::Rows;
use crate::simd::dispatched;
use rayon::prelude::*;

/// The square matrix of `d` columns, row by row.
pub(super) type Square = Vec<f64>;

/// How a row's information is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Of the softmax of all classes, `C d` columns: `C` vectors `sqrt(p_c) (e_c - p) h'` per row.
    Classes,
    /// Of the predicted class against the others together, `d` columns: with two classes, the two vectors of a row lie along
    /// `(1, -1) h'`, so that one of length `sqrt(2 p (1 - p)) |h|` has the same information.
    Binary,
    /// Of a linear model with an error of unit variance, `d` columns: `h` itself. Probabilities have no part in it.
    Linear,
}

/// Rows as vectors whose outer products are their Fisher information. Never formed: a row's are given by its probabilities and
/// its embedding.
#[derive(Clone, Copy)]
pub(super) struct Fisher<'a> {
    pub form: Form,
    pub probabilities: MatrixView<'a>,
    pub embeddings: Rows<'a>,
    /// What all vectors are multiplied by.
    pub scale: f64,
}

impl Fisher<'_> {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.embeddings.len()
    }

    /// Vectors per row.
    pub fn rank(&self) -> usize {
        match self.form {
            Form::Classes => self.probabilities.cols(),
            Form::Binary | Form::Linear => 1,
        }
    }

    /// Columns of the information matrix.
    pub fn columns(&self) -> usize {
        self.rank() * self.embeddings.width()
    }

    /// What the embedding is multiplied by where there is one vector: `scale`, times `sqrt(2 p (1 - p))` of the largest
    /// probability where there are classes.
    fn single(&self, row: usize) -> f64 {
        if self.form == Form::Linear {
            return self.scale;
        }
        let p = f64::from(self.probabilities.row(row).iter().copied().fold(0.0, f32::max)).min(1.0);
        self.scale * (2.0 * p * (1.0 - p)).sqrt()
    }

    /// `R t`: `scale sqrt(p_c) (t_c - sum_a p_a t_a)` for each class, of numbers per class.
    fn centred(&self, row: usize, along: &mut [f64]) {
        match self.form {
            Form::Binary | Form::Linear => along[0] *= self.single(row),
            Form::Classes => {
                let p = self.probabilities.row(row);
                let mean: f64 = p.iter().zip(&*along).map(|(&p, t)| f64::from(p) * t).sum();
                for (t, &p) in along.iter_mut().zip(p) {
                    *t = self.scale * f64::from(p).sqrt() * (*t - mean);
                }
            }
        }
    }

    /// `V v`: the inner products of a row's vectors with one of [`columns`](Self::columns) numbers.
    pub fn times(&self, row: usize, vector: &[f64]) -> Vec<f64> {
        let h = self.embeddings.get(row);
        let mut along: Vec<f64> = vector.chunks(h.len()).map(|part| inner(h, part)).collect();
        self.centred(row, &mut along);
        along
    }

    /// `V M V'` for a symmetric matrix, `rank x rank`.
    pub fn within(&self, row: usize, matrix: &[f64]) -> Square {
        let (h, rank, columns) = (self.embeddings.get(row), self.rank(), self.columns());
        let mut form = vec![0.0; rank * rank];
        let mut sums = vec![0.0; columns];
        for (class, out) in form.chunks_mut(rank).enumerate() {
            sums.fill(0.0);
            for (column, &h) in h.iter().enumerate() {
                let at = class * self.embeddings.width() + column;
                add_scaled(&mut sums, &matrix[at * columns..(at + 1) * columns], f64::from(h));
            }
            for (out, part) in out.iter_mut().zip(sums.chunks(h.len())) {
                *out = inner(h, part);
            }
            self.centred(row, out);
        }
        // From the left as from the right.
        let mut turned = vec![0.0; rank];
        for column in 0..rank {
            (0..rank).for_each(|line| turned[line] = form[line * rank + column]);
            self.centred(row, &mut turned);
            (0..rank).for_each(|line| form[line * rank + column] = turned[line]);
        }
        form
    }

    /// `M V'`: one vector per vector of a row.
    pub fn through(&self, row: usize, matrix: &[f64]) -> Vec<Vec<f64>> {
        let (width, rank, columns) = (self.embeddings.width(), self.rank(), self.columns());
        let h = self.embeddings.get(row);
        (0..rank)
            .map(|vector| {
                // The vector itself, block by block.
                let mut unit = vec![0.0; rank];
                unit[vector] = 1.0;
                let weights = self.spread(row, &unit);
                let mut out = vec![0.0; columns];
                for (class, weight) in weights.into_iter().enumerate().filter(|(_, weight)| *weight != 0.0) {
                    for (column, &h) in h.iter().enumerate() {
                        let at = class * width + column;
                        let line = &matrix[at * columns..(at + 1) * columns];
                        add_scaled(&mut out, line, weight * f64::from(h));
                    }
                }
                out
            })
            .collect()
    }

    /// `R' u`: the multiples of `h` that a combination of a row's vectors has for each class.
    fn spread(&self, row: usize, of: &[f64]) -> Vec<f64> {
        match self.form {
            Form::Binary | Form::Linear => vec![self.single(row) * of[0]],
            Form::Classes => {
                let p = self.probabilities.row(row);
                let weighted: Vec<f64> =
                    p.iter().zip(of).map(|(&p, u)| self.scale * f64::from(p).sqrt() * u).collect();
                let sum: f64 = weighted.iter().sum();
                weighted.iter().zip(p).map(|(u, &p)| u - f64::from(p) * sum).collect()
            }
        }
    }

    /// Adds `share` times the sum over rows of `V' V`.
    pub fn add_information(&self, share: f64, to: &mut [f64]) {
        let (width, columns) = (self.embeddings.width(), self.columns());
        to.par_chunks_mut(columns).enumerate().for_each(|(at, line)| {
            let (class, column) = (at / width, at % width);
            for row in 0..self.len() {
                let h = self.embeddings.get(row);
                let own = share * f64::from(h[column]);
                match self.form {
                    Form::Binary | Form::Linear => {
                        add_multiple(line, h, own * self.single(row).powi(2));
                    }
                    Form::Classes => {
                        let p = self.probabilities.row(row);
                        let p_own = f64::from(p[class]);
                        for ((other, part), &p) in line.chunks_mut(width).enumerate().zip(p) {
                            let between = p_own * (f64::from(u8::from(other == class)) - f64::from(p));
                            add_multiple(part, h, own * self.scale * self.scale * between);
                        }
                    }
                }
            }
        });
    }
}

/// What is known of the weights: `M^-1`, and `M^-1 F M^-1`.
pub(super) struct Known {
    pub inverse: Square,
    pub around: Square,
}

/// The change that adding or taking away a row makes.
pub(super) struct Step {
    /// `M^-1 V'` and `M^-1 F M^-1 V'` of the row.
    pub inverse: Vec<Vec<f64>>,
    pub around: Vec<Vec<f64>>,
    /// `(I + V M^-1 V')^-1`, or its opposite of a row that is taken away, and that times `V M^-1 F M^-1 V'` times that.
    pub middle: Square,
    pub wide: Square,
}

impl Known {
    /// Of the information that is there and of all that could be.
    pub fn new(prior: f64, labelled: &Fisher<'_>, share: f64, information: &[f64]) -> Self {
        let columns = labelled.columns();
        let mut inverse = vec![0.0; columns * columns];
        (0..columns).for_each(|at| inverse[at * columns + at] = prior);
        labelled.add_information(share, &mut inverse);
        let inverse = inverted(inverse, columns);
        let around = product(&product(&inverse, information, columns), &inverse, columns);
        Self { inverse, around }
    }

    /// How row `row` of `fisher` changes what is known; `sign` is 1 to add it and -1 to take it away. `forms` are its `V M^-1 V'` and
    /// `V M^-1 F M^-1 V'`. `None` for what cannot be taken away, as nothing would be left.
    pub fn step(&self, fisher: &Fisher<'_>, row: usize, sign: f64, forms: [&[f64]; 2]) -> Option<Step> {
        let rank = fisher.rank();
        let mut middle = middle(forms[0], rank, sign)?;
        middle.iter_mut().for_each(|value| *value *= sign);
        let wide = product(&product(&middle, forms[1], rank), &middle, rank);
        let (inverse, around) = (fisher.through(row, &self.inverse), fisher.through(row, &self.around));
        Some(Step { inverse, around, middle, wide })
    }

    /// Makes the change.
    pub fn apply(&mut self, step: &Step) {
        let (columns, rank) = (step.inverse[0].len(), step.inverse.len());
        let combined = |vectors: &[Vec<f64>], by: &[f64]| -> Vec<Vec<f64>> {
            (0..rank)
                .map(|at| {
                    let mut out = vec![0.0; columns];
                    (0..rank).for_each(|other| add_scaled(&mut out, &vectors[other], by[at * rank + other]));
                    out
                })
                .collect()
        };
        let (own, other) = (combined(&step.inverse, &step.middle), combined(&step.around, &step.middle));
        let wide = combined(&step.inverse, &step.wide);
        let (inverse, around) = (&mut self.inverse, &mut self.around);
        let lines = inverse.par_chunks_mut(columns).zip(around.par_chunks_mut(columns)).enumerate();
        lines.for_each(|(line, (inverse, around))| {
            for at in 0..rank {
                add_scaled(inverse, &own[at], -step.inverse[at][line]);
                add_scaled(around, &other[at], -step.inverse[at][line]);
                add_scaled(around, &own[at], -step.around[at][line]);
                add_scaled(around, &wide[at], step.inverse[at][line]);
            }
        });
    }
}

impl Step {
    /// Brings the forms of another row up to date.
    pub fn follow(&self, fisher: &Fisher<'_>, row: usize, forms: &mut [Square; 2]) {
        let rank = self.inverse.len();
        // `V M^-1 V_p'` and `V M^-1 F M^-1 V_p'`, vector of the row by vector of the one that moved.
        let along = |vectors: &[Vec<f64>]| -> Square {
            let mut all = vec![0.0; rank * rank];
            for (column, vector) in vectors.iter().enumerate() {
                let part = fisher.times(row, vector);
                part.into_iter().enumerate().for_each(|(line, value)| all[line * rank + column] = value);
            }
            all
        };
        let (g, b) = (along(&self.inverse), along(&self.around));
        let (gs, gw) = (product(&g, &self.middle, rank), product(&g, &self.wide, rank));
        let [inverse, around] = forms;
        for line in 0..rank {
            for column in 0..rank {
                let with = |left: &[f64], right: &[f64]| -> f64 {
                    (0..rank).map(|k| left[line * rank + k] * right[column * rank + k]).sum()
                };
                let opposite: f64 = (0..rank).map(|k| b[line * rank + k] * gs[column * rank + k]).sum();
                inverse[line * rank + column] -= with(&gs, &g);
                around[line * rank + column] += with(&gw, &g) - with(&gs, &b) - opposite;
            }
        }
    }
}

/// By how much the trace of `M^-1 F` falls when a row is added (`sign` 1), or rises when it is taken away (-1).
pub(super) fn gain(forms: &[Square; 2], rank: usize, sign: f64) -> Option<f64> {
    let middle = middle(&forms[0], rank, sign)?;
    Some((0..rank * rank).map(|at| middle[at] * forms[1][at]).sum())
}

/// `(I + sign Q)^-1`; `None` where that is not positive definite.
fn middle(form: &[f64], rank: usize, sign: f64) -> Option<Square> {
    let mut matrix: Square = form.iter().map(|value| sign * value).collect();
    (0..rank).for_each(|at| matrix[at * rank + at] += 1.0);
    positive_inverse(matrix, rank)
}

/// The inverse of a symmetric positive definite matrix by elimination without pivots; `None` for any other.
fn positive_inverse(mut matrix: Square, n: usize) -> Option<Square> {
    for pivot in 0..n {
        let value = matrix[pivot * n + pivot];
        if !(value > 1e-12 && value.is_finite()) {
            return None;
        }
        let inverse = 1.0 / value;
        let mut line: Vec<f64> = matrix[pivot * n..(pivot + 1) * n].to_vec();
        line[pivot] = 1.0;
        line.iter_mut().for_each(|value| *value *= inverse);
        for other in (0..n).filter(|&other| other != pivot) {
            let own = &mut matrix[other * n..(other + 1) * n];
            let factor = std::mem::replace(&mut own[pivot], 0.0);
            add_scaled(own, &line, -factor);
        }
        matrix[pivot * n..(pivot + 1) * n].copy_from_slice(&line);
    }
    Some(matrix)
}

/// The inverse of a large one, which the prior makes positive definite; zeros where the numbers are too large for it.
fn inverted(matrix: Square, n: usize) -> Square {
    positive_inverse(matrix, n).unwrap_or_else(|| vec![0.0; n * n])
}

/// The product of two square matrices.
fn product(a: &[f64], b: &[f64], n: usize) -> Square {
    let mut out = vec![0.0; n * n];
    let line = |(at, out): (usize, &mut [f64])| {
        (0..n).for_each(|k| add_scaled(out, &b[k * n..(k + 1) * n], a[at * n + k]));
    };
    if n < 64 {
        out.chunks_mut(n).enumerate().for_each(line);
    } else {
        out.par_chunks_mut(n).enumerate().for_each(line);
    }
    out
}

/// The trace of `M^-1 F`.
#[cfg(test)]
pub(super) fn trace(inverse: &[f64], information: &[f64]) -> f64 {
    inverse.iter().zip(information).map(|(a, b)| a * b).sum()
}

/// A sum of products in 64 bits, eight partial sums.
fn inner(h: &[f32], other: &[f64]) -> f64 {
    let mut partial = [0.0f64; 8];
    for (h, other) in h.chunks(8).zip(other.chunks(8)) {
        for ((sum, &h), other) in partial.iter_mut().zip(h).zip(other) {
            *sum += f64::from(h) * other;
        }
    }
    partial.iter().sum()
}

dispatched! {
    /// `to += factor of`.
    fn add_scaled(to: &mut [f64], of: &[f64], factor: f64) {
        for (to, of) in to.iter_mut().zip(of) {
            *to += factor * of;
        }
    }
}

dispatched! {
    /// `to += factor of`.
    fn add_multiple(to: &mut [f64], of: &[f32], factor: f64) {
        for (to, &of) in to.iter_mut().zip(of) {
            *to += factor * f64::from(of);
        }
    }
}
