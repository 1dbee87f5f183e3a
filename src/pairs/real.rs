//! [`Real`]: numbers of 32 bits, in which networks run, and of 64, in which tests compare gradients with differences.

use super::graph::Edge;
use crate::learner::bank::multiply_transposed;
use crate::simd::dispatched;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A floating-point number and what is done with many of them at once.
pub trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
{
    /// The nearest number of this kind.
    fn of(value: f64) -> Self;
    /// The number in 64 bits.
    fn wide(self) -> f64;
    /// Its square root.
    fn root(self) -> Self;
    /// `ln(1 + exp(x))`.
    fn softplus(self) -> Self;
    /// `1 / (1 + exp(-x))`, the derivative of [`softplus`](Self::softplus).
    fn sigmoid(self) -> Self;
    /// The sum of products.
    fn dot(a: &[Self], b: &[Self]) -> Self;
    /// `out[i, j] = a_i . b_j` for rows of `a: [m, d]` and `b: [n, d]`.
    fn products(a: &[Self], b: &[Self], shape: [usize; 3], out: &mut [Self]);
    /// `out_target += by[relation] share row_source`, edge by edge.
    fn spread(edges: &[Edge], by: &[Self], rows: &[Self], width: usize, out: &mut [Self]);
    /// `by[relation] += share (row_source . change_target)`, edge by edge: what the factors of [`spread`](Self::spread) are
    /// worth.
    fn collect(edges: &[Edge], rows: &[Self], change: &[Self], width: usize, by: &mut [Self]);
}

/// `out_target += by[relation] share row_source`, edge by edge.
#[inline(always)]
fn spread_body<T: Real>(edges: &[Edge], by: &[T], rows: &[T], width: usize, out: &mut [T]) {
    for edge in edges {
        let factor = by[edge.relation as usize] * T::of(f64::from(edge.share));
        let (from, to) = (edge.source as usize * width, edge.target as usize * width);
        for (to, &of) in out[to..to + width].iter_mut().zip(&rows[from..from + width]) {
            *to += factor * of;
        }
    }
}

/// `by[relation] += share (row_source . change_target)`, edge by edge: what [`spread_body`]'s factors are worth.
#[inline(always)]
fn collect_body<T: Real>(edges: &[Edge], rows: &[T], change: &[T], width: usize, by: &mut [T]) {
    for edge in edges {
        let (from, to) = (edge.source as usize * width, edge.target as usize * width);
        let sum = dot_body(&rows[from..from + width], &change[to..to + width]);
        by[edge.relation as usize] += T::of(f64::from(edge.share)) * sum;
    }
}

/// A sum of products in sixteen partial sums.
#[inline(always)]
fn dot_body<T: Real>(a: &[T], b: &[T]) -> T {
    let mut partial = [T::default(); 16];
    let (a, b) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.0.iter().zip(b.0) {
        for lane in 0..16 {
            partial[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (&a, &b)) in a.1.iter().zip(b.1).enumerate() {
        partial[lane] += a * b;
    }
    let mut width = 8;
    while width > 0 {
        for lane in 0..width {
            let other = partial[lane + width];
            partial[lane] += other;
        }
        width /= 2;
    }
    partial[0]
}

dispatched! {
    fn dot_narrow(a: &[f32], b: &[f32]) -> f32 { dot_body(a, b) }
}
dispatched! {
    fn spread_narrow(edges: &[Edge], by: &[f32], rows: &[f32], width: usize, out: &mut [f32]) {
        spread_body(edges, by, rows, width, out)
    }
}
dispatched! {
    fn collect_narrow(edges: &[Edge], rows: &[f32], change: &[f32], width: usize, by: &mut [f32]) {
        collect_body(edges, rows, change, width, by)
    }
}

/// What both kinds of numbers have of the standard library under one name.
macro_rules! common {
    ($real:ty) => {
        #[inline]
        fn of(value: f64) -> Self {
            value as $real
        }
        #[inline]
        fn wide(self) -> f64 {
            f64::from(self)
        }
        #[inline]
        fn root(self) -> Self {
            self.sqrt()
        }
        #[inline]
        fn softplus(self) -> Self {
            self.max(0.0) + (-self.abs()).exp().ln_1p()
        }
        #[inline]
        fn sigmoid(self) -> Self {
            1.0 / (1.0 + (-self).exp())
        }
    };
}

impl Real for f32 {
    common!(f32);
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        dot_narrow(a, b)
    }
    fn products(a: &[f32], b: &[f32], [m, n, d]: [usize; 3], out: &mut [f32]) {
        multiply_transposed(a, b, m, n, d, out);
    }
    fn spread(edges: &[Edge], by: &[f32], rows: &[f32], width: usize, out: &mut [f32]) {
        spread_narrow(edges, by, rows, width, out);
    }
    fn collect(edges: &[Edge], rows: &[f32], change: &[f32], width: usize, by: &mut [f32]) {
        collect_narrow(edges, rows, change, width, by);
    }
}

impl Real for f64 {
    common!(f64);
    fn dot(a: &[f64], b: &[f64]) -> f64 {
        dot_body(a, b)
    }
    fn products(a: &[f64], b: &[f64], [m, n, d]: [usize; 3], out: &mut [f64]) {
        for row in 0..m {
            for column in 0..n {
                out[row * n + column] =
                    dot_body(&a[row * d..(row + 1) * d], &b[column * d..(column + 1) * d]);
            }
        }
    }
    fn spread(edges: &[Edge], by: &[f64], rows: &[f64], width: usize, out: &mut [f64]) {
        spread_body(edges, by, rows, width, out);
    }
    fn collect(edges: &[Edge], rows: &[f64], change: &[f64], width: usize, by: &mut [f64]) {
        collect_body(edges, rows, change, width, by);
    }
}

/// A matrix, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dense<T> {
    /// Row after row.
    pub values: Vec<T>,
    /// Columns.
    pub width: usize,
}

impl<T: Real> Dense<T> {
    /// Zeros.
    pub fn zeros(rows: usize, width: usize) -> Self {
        Self { values: vec![T::default(); rows * width], width }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Row `at`.
    #[inline]
    pub fn row(&self, at: usize) -> &[T] {
        &self.values[at * self.width..(at + 1) * self.width]
    }

    /// Row `at`, to be written.
    #[inline]
    pub fn row_mut(&mut self, at: usize) -> &mut [T] {
        &mut self.values[at * self.width..(at + 1) * self.width]
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        transposed(&self.values, self.rows(), self.width)
    }
}

/// The transpose of `values`, shape `[rows, width]`.
pub fn transposed<T: Real>(values: &[T], rows: usize, width: usize) -> Dense<T> {
    let mut out = Dense::zeros(width, rows);
    for (row, of) in values.chunks_exact(width).enumerate() {
        for (column, &value) in of.iter().enumerate() {
            out.values[column * rows + row] = value;
        }
    }
    out
}

/// `a b'`, with the shape `[rows of a, rows of b]`; `b` has as many columns as `a`.
pub fn products<T: Real>(a: &Dense<T>, b: &[T]) -> Dense<T> {
    let (m, n) = (a.rows(), b.len() / a.width);
    let mut out = Dense::zeros(m, n);
    T::products(&a.values, b, [m, n, a.width], &mut out.values);
    out
}
