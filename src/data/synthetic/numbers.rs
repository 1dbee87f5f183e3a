//! Tasks of numbers: the inputs of a task of classes, and a random function of a few of their columns.
//!
//! Which function is drawn anew for every task: a network, a sum of functions of one column each, waves (a draw from a
//! Gaussian process, by random Fourier features: Rahimi & Recht, NIPS 2007) or boxes; some tasks also have a level of its own
//! for every class. Half of the tasks get categories as real tables have them, some of whose levels are rare, and a third gets columns with
//! heavy tails. Then come noise and, for some, a skewed scale.

use super::draw::{geometric, log_uniform, log_uniform_count, normal, normals};
use super::family::Family;
use super::sequence::choose;
use super::teacher::Layer;
use crate::data::{Dataset, Matrix, Shape, Targets};
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// The most columns that a function reads.
const MOST_RELEVANT: usize = 12;
/// Random Fourier features of a function of waves.
const WAVES: usize = 64;
/// The smallest and the largest standard deviation of the noise, where the function's own is 1. Of many real tables little can be
/// predicted.
pub const NOISE: (f64, f64) = (0.05, 3.0);

/// The task of numbers whose inputs are those of the task of classes that `family` draws for `key`.
pub(super) fn draw(family: Family, name: &str, key: Key) -> Result<Dataset> {
    let classes = family.sample(name, key, 0.0)?;
    let mut inputs =
        Matrix::new(classes.inputs().values().to_vec(), classes.inputs().rows(), classes.inputs().cols());
    let mut rng = key.named("numbers").rng();
    let columns = relevant(&inputs, &mut rng);
    let mut values = match rng.random_range(0..4) {
        0 => network(&columns, &mut rng),
        1 => sums(&columns, &mut rng),
        2 => waves(&columns, &mut rng),
        _ => boxes(&columns, &mut rng),
    };
    if !standardise(&mut values) {
        values = (0..columns.rows()).map(|row| columns.row(row)[0]).collect();
        standardise(&mut values);
    }
    if rng.random_bool(0.3) {
        let levels = normals(&mut rng, classes.classes());
        values.iter_mut().zip(classes.labels()).for_each(|(value, &class)| *value += levels[class as usize]);
        standardise(&mut values);
    }
    if rng.random_bool(0.3) {
        stretch(&mut inputs, &mut rng);
    }
    if rng.random_bool(0.5) {
        inputs = with_categories(&inputs, &mut values, &mut rng);
        standardise(&mut values);
    }
    let noise = log_uniform(&mut rng, NOISE.0, NOISE.1) as f32;
    values.iter_mut().for_each(|value| *value += noise * normal(&mut rng));
    if rng.random_bool(0.3) {
        let skew = 0.3 + 0.7 * rng.random::<f32>();
        values.iter_mut().for_each(|value| *value = (skew * value.clamp(-6.0, 6.0)).exp());
    }
    let shape = Shape::Vector(inputs.cols());
    Ok(Dataset::new(name, shape, inputs, Targets::Real { values }, None)?.generated_as(name))
}

/// Some columns, each with mean 0 and standard deviation 1; of one without any, zeros. Shape `[rows, relevant]`.
fn relevant(inputs: &Matrix, rng: &mut ChaCha8Rng) -> Matrix {
    let width = inputs.cols();
    let count = log_uniform_count(rng, 1, width.min(MOST_RELEVANT));
    let drawn = index::sample(rng, width, count).into_vec();
    let mut columns = Matrix::zeros(inputs.rows(), count);
    for (at, column) in drawn.into_iter().enumerate() {
        let mut values: Vec<f32> = (0..inputs.rows()).map(|row| inputs.row(row)[column]).collect();
        if standardise(&mut values) {
            values.into_iter().enumerate().for_each(|(row, value)| columns.row_mut(row)[at] = value);
        }
    }
    columns
}

/// Gives values mean 0 and standard deviation 1; `false`, and as they were, where they hardly differ.
fn standardise(values: &mut [f32]) -> bool {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let variance = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    if variance <= 1e-12 * (1.0 + mean * mean) {
        return false;
    }
    let deviation = variance.sqrt();
    values.iter_mut().for_each(|value| *value = ((f64::from(*value) - mean) / deviation) as f32);
    true
}

/// A network of one or two hidden layers.
fn network(columns: &Matrix, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let hidden = log_uniform_count(rng, 3, 16);
    let gain = 0.8 + 1.7 * rng.random::<f32>();
    let mut layers = vec![Layer::draw(rng, columns.cols(), hidden, gain)];
    if rng.random_bool(0.5) {
        layers.push(Layer::draw(rng, hidden, hidden, gain));
    }
    let out = Layer::draw(rng, hidden, 1, 1.0);
    let of = |row| {
        let tanh = |state: Vec<f32>, layer: &Layer| layer.apply(&state).into_iter().map(f32::tanh).collect();
        out.apply(&layers.iter().fold(columns.row(row).to_vec(), tanh))[0]
    };
    (0..columns.rows()).map(of).collect()
}

/// A sum of a line, a parabola, a sine, a step or a hinge of each column.
fn sums(columns: &Matrix, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut values = vec![0.0; columns.rows()];
    for column in 0..columns.cols() {
        let (kind, weight, at) = (rng.random_range(0..5), normal(rng), normal(rng));
        let frequency = 0.5 + 2.5 * rng.random::<f32>();
        let of = |x: f32| match kind {
            0 => x,
            1 => x * x,
            2 => (frequency * x + at).sin(),
            3 => f32::from(x > at),
            _ => (x - at).max(0.0),
        };
        values
            .iter_mut()
            .enumerate()
            .for_each(|(row, value)| *value += weight * of(columns.row(row)[column].clamp(-4.0, 4.0)));
    }
    values
}

/// A draw from a Gaussian process with a Gaussian kernel, whose length is in units of a usual distance between rows.
fn waves(columns: &Matrix, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let length = (2.0 * columns.cols() as f32).sqrt() * log_uniform(rng, 0.3, 2.0) as f32;
    let frequencies = Matrix::new(
        normals(rng, WAVES * columns.cols()).into_iter().map(|z| z / length).collect(),
        WAVES,
        columns.cols(),
    );
    let phases: Vec<f32> = (0..WAVES).map(|_| TAU * rng.random::<f32>()).collect();
    let weights = normals(rng, WAVES);
    let of = |row| {
        let wave = |at: usize| {
            let inner: f32 =
                frequencies.row(at).iter().zip(columns.row(row)).map(|(frequency, x)| frequency * x).sum();
            weights[at] * (inner + phases[at]).cos()
        };
        (0..WAVES).map(wave).sum()
    };
    (0..columns.rows()).map(of).collect()
}

/// A level for every leaf of a random axis-parallel tree of depth two to five.
fn boxes(columns: &Matrix, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let depth = rng.random_range(2..=5u32);
    let inner = (1usize << depth) - 1;
    let splits: Vec<(usize, f32)> =
        (0..inner).map(|_| (rng.random_range(0..columns.cols()), 0.7 * normal(rng))).collect();
    let levels = normals(rng, inner + 1);
    let of = |row| {
        let step = |node: usize, _| {
            let (column, at) = splits[node];
            2 * node + 1 + usize::from(columns.row(row)[column] > at)
        };
        levels[(0..depth).fold(0, step) - inner]
    };
    (0..columns.rows()).map(of).collect()
}

/// Gives half of the columns heavy tails, which the function, whose columns were read before, does not follow.
fn stretch(inputs: &mut Matrix, rng: &mut ChaCha8Rng) {
    let strength = 0.5 + rng.random::<f32>();
    for column in 0..inputs.cols() {
        let (stretched, skewed) = (rng.random_bool(0.5), rng.random_bool(0.5));
        let mut values: Vec<f32> = (0..inputs.rows()).map(|row| inputs.row(row)[column]).collect();
        if !stretched || !standardise(&mut values) {
            continue;
        }
        let of = |x: f32| match skewed {
            true => (strength * x.clamp(-6.0, 6.0)).exp(),
            false => (strength * x.clamp(-6.0, 6.0)).sinh(),
        };
        values.into_iter().enumerate().for_each(|(row, x)| inputs.row_mut(row)[column] = of(x));
    }
}

/// Adds one to four categories of two to ten levels, as a column per level; half of them move the values.
fn with_categories(inputs: &Matrix, values: &mut [f32], rng: &mut ChaCha8Rng) -> Matrix {
    let sizes: Vec<usize> = (0..rng.random_range(1..=4)).map(|_| log_uniform_count(rng, 2, 10)).collect();
    let width = inputs.cols();
    let mut wider = Matrix::zeros(inputs.rows(), width + sizes.iter().sum::<usize>());
    (0..inputs.rows()).for_each(|row| wider.row_mut(row)[..width].copy_from_slice(inputs.row(row)));
    let mut first = width;
    for levels in sizes {
        let weights = geometric(levels, log_uniform(rng, 1.0, 100.0));
        let moves = rng.random_bool(0.5);
        let effects = normals(rng, levels);
        for (row, value) in values.iter_mut().enumerate() {
            let level = choose(rng, &weights);
            wider.row_mut(row)[first + level] = 1.0;
            if moves {
                *value += 0.5 * effects[level];
            }
        }
        first += levels;
    }
    wider
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every family and every function: finite values that differ, and the same for the same key alone.
    #[test]
    fn tasks_are_drawn_by_their_key() {
        for family in Family::ALL {
            for index in 0..8 {
                let of = |index| draw(family, "task", Key::root(index)).unwrap();
                let (one, other) = (of(index), of(index + 100));
                assert_eq!(one.content(), of(index).content());
                assert_ne!(one.content(), other.content());
                let mut values = one.values().to_vec();
                assert!(standardise(&mut values), "{} {index}", family.name());
                assert!(values.iter().all(|value| value.is_finite()));
            }
        }
    }

    /// What a function says is not lost in the noise: near rows have nearer values than others, in most tasks.
    #[test]
    fn near_rows_have_near_values() {
        let tasks = 40;
        let smooth = (0..tasks).filter(|&index| {
            let task = draw(Family::Clusters, "task", Key::root(index)).unwrap();
            let mut values = task.values().to_vec();
            standardise(&mut values);
            let inputs = task.inputs();
            let rows = 150.min(inputs.rows());
            let nearest = |row: usize| {
                let apart = |other: usize| -> f32 {
                    inputs.row(row).iter().zip(inputs.row(other)).map(|(a, b)| (a - b).powi(2)).sum()
                };
                (0..rows)
                    .filter(|&other| other != row)
                    .min_by(|&a, &b| apart(a).total_cmp(&apart(b)))
                    .unwrap()
            };
            let apart: f32 = (0..rows).map(|row| (values[row] - values[nearest(row)]).powi(2)).sum();
            // Two independent draws of variance 1 are 2 apart.
            apart / (rows as f32) < 1.7
        });
        assert!(smooth.count() >= 20);
    }
}
