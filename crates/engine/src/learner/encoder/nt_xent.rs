//! The normalised temperature-scaled cross-entropy of pairs of views (Chen, Kornblith, Norouzi & Hinton, ICML 2020).

use super::pass::transposed;
use crate::learner::bank::multiply_transposed;

/// The loss of projections `[2 pairs][width]`, of which rows `i` and `pairs + i` are views of one example, and its derivatives by
/// them: the mean over all rows of `-ln(e^(cos(i, j) / t) / sum of e^(cos(i, k) / t) over k != i)`, `j` being the row's other view.
///
/// A projection of length zero has no direction: its cosines and derivatives are zero.
///
/// # Panics
/// If there is no pair, or the projections are not whole rows.
pub fn nt_xent(projections: &[f32], pairs: usize, temperature: f32) -> (f64, Vec<f32>) {
    let n = 2 * pairs;
    assert!(pairs > 0 && projections.len().is_multiple_of(n), "projections of {pairs} pairs");
    let width = projections.len() / n;
    let lengths: Vec<f32> = projections.chunks_exact(width).map(length).collect();
    let inverse = |length: f32| if length > 0.0 { 1.0 / length } else { 0.0 };
    let mut units = projections.to_vec();
    for (unit, &length) in units.chunks_exact_mut(width).zip(&lengths) {
        unit.iter_mut().for_each(|value| *value *= inverse(length));
    }
    let mut shares = vec![0.0; n * n];
    multiply_transposed(&units, &units, n, n, width, &mut shares);
    let other = |row: usize| (row + pairs) % n;
    let mut loss = 0.0;
    for (row, cosines) in shares.chunks_exact_mut(n).enumerate() {
        cosines.iter_mut().for_each(|cosine| *cosine /= temperature);
        cosines[row] = f32::NEG_INFINITY;
        let largest = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let own = cosines[other(row)] - largest;
        cosines.iter_mut().for_each(|cosine| *cosine = (*cosine - largest).exp());
        cosines[row] = 0.0;
        let sum: f64 = cosines.iter().copied().map(f64::from).sum();
        loss += sum.ln() - f64::from(own);
        let scale = (1.0 / sum) as f32;
        cosines.iter_mut().for_each(|share| *share *= scale);
    }
    // By a direction: what its own row says of it, and what all others do.
    let back = transposed(&shares, n);
    for (row, (shares, back)) in shares.chunks_exact_mut(n).zip(back.chunks_exact(n)).enumerate() {
        shares.iter_mut().zip(back).for_each(|(share, back)| *share += back);
        shares[other(row)] -= 2.0;
    }
    let mut slopes = vec![0.0; n * width];
    multiply_transposed(&shares, &transposed(&units, width), n, width, n, &mut slopes);
    let scale = 1.0 / (n as f32 * temperature);
    for ((slopes, unit), &length) in
        slopes.chunks_exact_mut(width).zip(units.chunks_exact(width)).zip(&lengths)
    {
        // What lengthens a projection changes no cosine.
        let along: f32 = slopes.iter().zip(unit).map(|(slope, unit)| slope * unit).sum();
        for (slope, unit) in slopes.iter_mut().zip(unit) {
            *slope = scale * inverse(length) * (*slope - along * unit);
        }
    }
    (loss / n as f64, slopes)
}

fn length(row: &[f32]) -> f32 {
    row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt() as f32
}
