//! Errors on linear teachers, and what oracles refuse to answer.

use super::*;
use crate::data::Matrix;
use crate::error::Result;
use crate::rng::Key;
use rand_distr::{Distribution, StandardNormal};

/// A random linear teacher of `width` numbers, and a row of either class at distance 2 of the boundary.
fn teacher(width: usize, seed: u64) -> (Vec<f64>, f64, [Vec<f64>; 2]) {
    let mut rng = Key::root(seed).rng();
    let normal: Vec<f64> = (0..width).map(|_| StandardNormal.sample(&mut rng)).collect();
    let norm = normal.iter().map(|n| n * n).sum::<f64>().sqrt();
    let normal: Vec<f64> = normal.iter().map(|n| n / norm).collect();
    let rows = [-1.0, 1.0].map(|side| {
        let mut row: Vec<f64> = (0..width).map(|_| StandardNormal.sample(&mut rng)).collect();
        let along: f64 = row.iter().zip(&normal).map(|(a, b)| a * b).sum();
        row.iter_mut().zip(&normal).for_each(|(value, n)| *value += (0.3 + 2.0 * side - along) * n);
        row
    });
    (normal, 0.3, rows)
}

/// The angle to the teacher's normal and the difference of offsets, whichever is larger, after so many questions.
fn error(width: usize, seed: u64, questions: usize) -> Option<f64> {
    let (normal, offset, [zero, one]) = teacher(width, seed);
    let side = |row: &[f64]| row.iter().zip(&normal).map(|(a, b)| a * b).sum::<f64>() - offset;
    let mut oracle = Labelling(|row: &[f64]| u32::from(side(row) > 0.0));
    let mut bisection = Bisection::new(zero, one, 4.0, Key::root(seed).named("steps")).unwrap();
    for _ in 0..questions {
        let row = bisection.ask();
        assert_eq!(bisection.ask(), row);
        bisection.tell(oracle.ask(&row)).unwrap();
    }
    let plane = bisection.hyperplane()?;
    let differences = plane.normal.iter().zip(&normal).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    Some(differences.max((plane.offset - offset).abs()))
}

/// Once both pairs are there, the error halves every two questions; its mean logarithm over teachers says so.
#[test]
fn the_error_on_a_linear_teacher_halves_every_two_questions() {
    let mean = |questions| {
        let logs = (0..40).map(|seed| error(2, seed, questions).unwrap().max(1e-14).log2());
        logs.sum::<f64>() / 40.0
    };
    let (early, late) = (mean(20), mean(50));
    let rate = (early - late) / 30.0;
    assert!((rate - 0.5).abs() < 0.06, "{rate} halvings per question, from 2^{early} to 2^{late}");
    for seed in 0..40 {
        // Within the segment alone the error is no more than its length: 2^(-q/2) is reached with room.
        assert!(error(2, seed, 50).unwrap() < 2f64.powf(-50.0 / 2.0 + 9.0));
    }
    // In five dimensions it takes five questions.
    let logs = |questions| (0..20).map(|seed| error(5, seed, questions).unwrap().log2()).sum::<f64>() / 20.0;
    let rate = (logs(60) - logs(110)) / 50.0;
    assert!((rate - 0.2).abs() < 0.05, "{rate}");
}

#[test]
fn what_lies_far_from_all_rows_is_unanswerable_and_charged() {
    let rows = Matrix::new(vec![0.0, 0.0, 4.0, 0.0, 4.0, 3.0], 3, 2);
    let mut oracle = NearestRow { rows: rows.view(), labels: &[0, 1, 1], radius: 1.5 };
    assert_eq!(oracle.ask(&[0.5, 0.5]), Answer::Class(0));
    assert_eq!(oracle.ask(&[2.0, 0.0]), Answer::Unanswerable);
    assert_eq!(oracle.ask(&[4.0, 1.6]), Answer::Class(1));
    let mut bisection = Bisection::new(vec![0.0, 0.0], vec![4.0, 0.0], 1.0, Key::root(1)).unwrap();
    let mut unanswerable = 0;
    for _ in 0..30 {
        let row = bisection.ask();
        let answer = oracle.ask(&row);
        unanswerable += u32::from(answer == Answer::Unanswerable);
        bisection.tell(answer).unwrap();
    }
    // The gap between the classes is as wide as 1.
    assert_eq!(bisection.questions(), 30);
    assert!(unanswerable > 10 && bisection.width() <= 2.6, "{unanswerable} {}", bisection.width());
    assert!(bisection.tell(Answer::Class(1)).is_err(), "nothing was asked");
}

/// The entropy of `sigmoid(3 x + 4 y - 5)` is largest on the line, to which the gradient is perpendicular.
#[test]
fn ascent_reaches_the_boundary_and_never_goes_down() {
    let entropy = |rows: &Matrix| -> Result<Vec<f64>> {
        let of = |row: &[f32]| {
            let p = 1.0 / (1.0 + (-(3.0 * f64::from(row[0]) + 4.0 * f64::from(row[1]) - 5.0)).exp());
            -p * p.ln() - (1.0 - p) * (1.0 - p).ln()
        };
        Ok((0..rows.rows()).map(|at| of(rows.row(at))).collect())
    };
    let (row, value) = ascend(&[2.0, 1.0], Ascent::default(), entropy).unwrap();
    assert!((value - 2f64.ln()).abs() < 1e-4, "{value}");
    // From (2, 1) at distance 1 along (3, 4) / 5.
    assert!((row[0] - 1.4).abs() < 0.02 && (row[1] - 0.2).abs() < 0.02, "{row:?}");
    let flat = ascend(&[1.0], Ascent::default(), |rows| Ok(vec![1.0; rows.rows()])).unwrap();
    assert_eq!(flat, (vec![1.0], 1.0));
}

#[test]
fn impossible_starts_are_refused() {
    let made = |zero: &[f64], one: &[f64], step| Bisection::new(zero.into(), one.into(), step, Key::root(1));
    assert!(made(&[0.0], &[1.0, 2.0], 1.0).is_err());
    assert!(made(&[1.0], &[1.0], 1.0).is_err());
    assert!(made(&[0.0], &[f64::NAN], 1.0).is_err());
    assert!(made(&[0.0], &[1.0], 0.0).is_err());
}
