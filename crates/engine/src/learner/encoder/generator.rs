//! [`Generator`]: rows of a class, made from noise by a decoder.
//!
//! A conditional variational autoencoder (Sohn, Lee & Yan, NeurIPS 2015; Kingma & Welling, ICLR 2014): a network `row, class → hidden →
//! mean, log variance` of a code and one `code, class → hidden → row` are trained together, and the first is thrown away. A class is a
//! vector with a one in its place, and for rows without a label a vector of zeros, so that these teach what rows look like and the
//! labelled ones what a class does to them.

use super::pass::Pass;
use crate::arch::NetSpec;
use crate::data::MatrixView;
use crate::error::Result;
use crate::learner::descent::Descent;
use crate::learner::error::LearnError;
use crate::learner::plan::{Optimiser, TrainPlan};
use crate::rng::Key;
use rand::RngExt;

/// The largest log variance of a code, and minus the least.
const MAX_LOG_VARIANCE: f32 = 10.0;

/// How a generator is built and trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneratorPlan {
    /// Numbers of a code.
    pub dimensions: usize,
    /// Rectified units between rows and codes, and between codes and rows.
    pub hidden: usize,
    /// Gradient steps.
    pub steps: u32,
    /// Labelled rows per step, and as many without a label where there are any; drawn with replacement.
    pub batch: usize,
    /// Step size of Adam.
    pub learning_rate: f32,
    /// The standard deviation of what a row has beyond what its code says, in units of scaled inputs: the smaller, the more codes say.
    pub noise: f32,
}

impl Default for GeneratorPlan {
    fn default() -> Self {
        Self { dimensions: 8, hidden: 64, steps: 300, batch: 32, learning_rate: 3e-3, noise: 0.5 }
    }
}

impl GeneratorPlan {
    /// Refuses numbers out of their ranges.
    ///
    /// # Errors
    /// [`LearnError::Plan`].
    pub fn check(&self) -> Result<(), LearnError> {
        let positive = |found: f32| found.is_finite() && found > 0.0;
        let rules = [
            ("dimensions", self.dimensions > 0, self.dimensions.to_string(), "at least 1"),
            ("hidden", self.hidden > 0, self.hidden.to_string(), "at least 1 unit"),
            ("batch", self.batch > 0, self.batch.to_string(), "at least 1 row"),
            (
                "learning_rate",
                positive(self.learning_rate),
                self.learning_rate.to_string(),
                "a positive number",
            ),
            ("noise", positive(self.noise), self.noise.to_string(), "a positive number"),
        ];
        match rules.into_iter().find(|(_, holds, ..)| !holds) {
            Some((field, _, found, expected)) => Err(LearnError::Plan { field, found, expected }),
            None => Ok(()),
        }
    }
}

/// Working memory of both networks.
struct Pair {
    below: Pass,
    above: Pass,
    width: usize,
    classes: usize,
    dimensions: usize,
    noise: f32,
}

/// Rows of a step: inputs `[n][width]`, classes `[n][classes]`, and what is drawn of codes `[n][dimensions]`.
struct Batch {
    inputs: Vec<f32>,
    classes: Vec<f32>,
    drawn: Vec<f32>,
}

/// Rows of `left` with those of `right` behind them.
fn beside(left: &[f32], right: &[f32], rows: usize) -> Vec<f32> {
    let (a, b) = (left.len() / rows, right.len() / rows);
    (0..rows).flat_map(|row| left[row * a..][..a].iter().chain(&right[row * b..][..b])).copied().collect()
}

impl Pair {
    fn new(plan: &GeneratorPlan, width: usize, classes: usize) -> Result<Self> {
        let GeneratorPlan { dimensions, hidden, noise, .. } = *plan;
        let below = Pass::new(&NetSpec::mlp(width + classes, &[hidden], 2 * dimensions)?);
        let above = Pass::new(&NetSpec::mlp(dimensions + classes, &[hidden], width)?);
        Ok(Self { below, above, width, classes, dimensions, noise })
    }

    /// The mean over rows of `|x - x'|² / 2 s²` and of the divergence of the code's distribution from the standard normal one, of which
    /// the code is mean plus deviation times what is drawn; and the gradient by all weights, those below first.
    fn loss(&mut self, weights: &[f32], batch: &Batch, gradient: &mut [f64]) -> f64 {
        let (d, own) = (self.dimensions, self.below.parameters());
        let rows = batch.inputs.len() / self.width;
        let scale = 1.0 / rows as f32;
        let (lower, upper) = weights.split_at(own);
        let seen = beside(&batch.inputs, &batch.classes, rows);
        let told = self.below.forward(lower, &seen, rows).to_vec();
        let deviation =
            |told: &[f32], at: usize| (0.5 * told[d + at].clamp(-MAX_LOG_VARIANCE, MAX_LOG_VARIANCE)).exp();
        let codes: Vec<f32> = (told.chunks_exact(2 * d).zip(batch.drawn.chunks_exact(d)))
            .flat_map(|(told, drawn)| (0..d).map(move |at| told[at] + deviation(told, at) * drawn[at]))
            .collect();
        let made = self.above.forward(upper, &beside(&codes, &batch.classes, rows), rows);
        let precision = 1.0 / (self.noise * self.noise);
        let mut found = 0.0;
        let slopes: Vec<f32> = (made.iter().zip(&batch.inputs))
            .map(|(made, wanted)| {
                found += 0.5 * f64::from(precision * (made - wanted) * (made - wanted));
                scale * precision * (made - wanted)
            })
            .collect();
        let (of_lower, of_upper) = gradient.split_at_mut(own);
        let by_codes = self.above.backward(upper, slopes, of_upper, true).expect("was asked for");
        let mut slopes = Vec::with_capacity(told.len());
        for (row, told) in told.chunks_exact(2 * d).enumerate() {
            let by_code = &by_codes[row * (d + self.classes)..][..d];
            let drawn = &batch.drawn[row * d..][..d];
            let variance = |at: usize| deviation(told, at).powi(2);
            found += (0..d)
                .map(|at| 0.5 * f64::from(told[at] * told[at] + variance(at) - 1.0 - variance(at).ln()))
                .sum::<f64>();
            slopes.extend((0..d).map(|at| by_code[at] + scale * told[at]));
            slopes.extend((0..d).map(|at| match told[d + at].abs() < MAX_LOG_VARIANCE {
                true => 0.5 * (by_code[at] * drawn[at] * deviation(told, at) + scale * (variance(at) - 1.0)),
                false => 0.0,
            }));
        }
        self.below.backward(lower, slopes, of_lower, false);
        found / rows as f64
    }
}

/// A trained decoder.
#[derive(Clone, Debug)]
pub struct Generator {
    above: Pass,
    weights: Vec<f32>,
    dimensions: usize,
    classes: usize,
    losses: Vec<f64>,
}

impl Generator {
    /// That of `rows`, shape `[n, width]` with n of 1 and more, whose classes are `labels`, and of `others`, which have none. `key` feeds the
    /// streams `encoder`, `decoder` and `steps`; `normal` draws standard normal numbers.
    ///
    /// Where the loss stops being finite, the last weights with a finite one are kept.
    ///
    /// # Errors
    /// Those of [`GeneratorPlan::check`]; what [`NetSpec::check`] refuses.
    ///
    /// # Panics
    /// If there is no row, not one label per row, a label of no class, or another width in `others`.
    pub fn fit(
        (rows, labels): (MatrixView<'_>, &[u32]),
        others: MatrixView<'_>,
        classes: usize,
        plan: &GeneratorPlan,
        key: Key,
        mut normal: impl FnMut() -> f32,
    ) -> Result<Self> {
        assert!(rows.rows() > 0 && rows.rows() == labels.len(), "labelled rows");
        assert!(others.rows() == 0 || others.cols() == rows.cols(), "numbers of a row");
        plan.check()?;
        let mut pair = Pair::new(plan, rows.cols(), classes)?;
        let own = pair.below.parameters();
        let mut weights = vec![0.0; own + pair.above.parameters()];
        pair.below.program().init(key.named("encoder"), &mut weights[..own]);
        pair.above.program().init(key.named("decoder"), &mut weights[own..]);
        let mut exact: Vec<f64> = weights.iter().copied().map(f64::from).collect();
        let mut gradient = vec![0.0; weights.len()];
        let train = TrainPlan {
            optimiser: Optimiser::Adam,
            learning_rate: plan.learning_rate,
            weight_decay: 0.0,
            ..TrainPlan::default()
        };
        let mut descent = Descent::new(&train, weights.len());
        let mut losses = Vec::new();
        let mut rng = key.named("steps").rng();
        for _ in 0..plan.steps {
            let mut batch = Batch { inputs: Vec::new(), classes: Vec::new(), drawn: Vec::new() };
            for _ in 0..plan.batch {
                let row = rng.random_range(0..rows.rows());
                batch.inputs.extend_from_slice(rows.row(row));
                batch.classes.extend(one_hot(labels[row], classes));
            }
            for _ in 0..if others.rows() > 0 { plan.batch } else { 0 } {
                batch.inputs.extend_from_slice(others.row(rng.random_range(0..others.rows())));
                batch.classes.resize(batch.classes.len() + classes, 0.0);
            }
            let count = batch.inputs.len() / rows.cols() * plan.dimensions;
            batch.drawn.extend((0..count).map(|_| normal()));
            let found = pair.loss(&weights, &batch, &mut gradient);
            if !found.is_finite() || gradient.iter().any(|value| !value.is_finite()) {
                break;
            }
            losses.push(found);
            descent.step(&mut exact, &gradient);
            weights.iter_mut().zip(&exact).for_each(|(weight, &exact)| *weight = exact as f32);
        }
        let weights = weights.split_off(own);
        Ok(Self { above: pair.above, weights, dimensions: plan.dimensions, classes, losses })
    }

    /// Numbers of a code.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The row of a class that a code of standard normal numbers stands for.
    ///
    /// # Panics
    /// If there is no such class, or for a code of another length.
    pub fn row(&mut self, class: u32, code: &[f32]) -> &[f32] {
        assert_eq!(code.len(), self.dimensions, "numbers of a code");
        let input: Vec<f32> = code.iter().copied().chain(one_hot(class, self.classes)).collect();
        self.above.forward(&self.weights, &input, 1)
    }

    /// The loss of every step, before it.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }
}

fn one_hot(class: u32, classes: usize) -> impl Iterator<Item = f32> {
    assert!((class as usize) < classes, "a class");
    (0..classes).map(move |other| if other == class as usize { 1.0 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{exact_forward, uniform};
    use super::*;
    use crate::data::Matrix;

    /// Standard normal numbers, by Box and Muller.
    fn normals(key: Key) -> impl FnMut() -> f32 {
        let mut rng = key.rng();
        move || {
            let (a, b) = (rng.random::<f64>().max(f64::MIN_POSITIVE), rng.random::<f64>());
            ((-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()) as f32
        }
    }

    /// Five columns, three classes, codes of two numbers, four hidden units: the gradient against central differences of the loss as it is
    /// written, in 64 bits; one row has no label.
    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let plan = GeneratorPlan { dimensions: 2, hidden: 4, noise: 0.7, ..GeneratorPlan::default() };
        let specs = [NetSpec::mlp(8, &[4], 4).unwrap(), NetSpec::mlp(5, &[4], 5).unwrap()];
        let mut pair = Pair::new(&plan, 5, 3).unwrap();
        let own = pair.below.parameters();
        let weights = uniform(own + pair.above.parameters(), Key::root(1));
        let rows = 6;
        let classes: Vec<f32> = (0..rows as u32)
            .flat_map(|row| match row {
                0 => vec![0.0; 3],
                _ => one_hot(row % 3, 3).collect(),
            })
            .collect();
        let batch = Batch {
            inputs: uniform(rows * 5, Key::root(2)),
            classes,
            drawn: uniform(rows * 2, Key::root(3)),
        };
        let mut gradient = vec![f64::NAN; weights.len()];
        let found = pair.loss(&weights, &batch, &mut gradient);
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let seen = wide(&beside(&batch.inputs, &batch.classes, rows));
        let (inputs, drawn, classes) = (wide(&batch.inputs), wide(&batch.drawn), wide(&batch.classes));
        let value = |weights: &[f64]| {
            let told = exact_forward(&specs[0], &weights[..own], &seen, rows);
            let mut sum = 0.0;
            for row in 0..rows {
                let (mean, log) = told[row * 4..][..4].split_at(2);
                let code = (0..2).map(|at| mean[at] + (log[at] / 2.0).exp() * drawn[row * 2 + at]);
                let input: Vec<f64> = code.chain(classes[row * 3..][..3].iter().copied()).collect();
                let made = exact_forward(&specs[1], &weights[own..], &input, 1);
                let wanted = &inputs[row * 5..][..5];
                sum += made.iter().zip(wanted).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / (2.0 * 0.49);
                sum += (0..2).map(|at| (mean[at].powi(2) + log[at].exp() - 1.0 - log[at]) / 2.0).sum::<f64>();
            }
            sum / rows as f64
        };
        let mut exact = wide(&weights);
        assert!((found - value(&exact)).abs() < 1e-5, "{found} {}", value(&exact));
        const STEP: f64 = 1e-6;
        for at in 0..weights.len() {
            let before = exact[at];
            exact[at] = before + STEP;
            let above = value(&exact);
            exact[at] = before - STEP;
            let slope = (above - value(&exact)) / (2.0 * STEP);
            exact[at] = before;
            assert!((gradient[at] - slope).abs() < 1e-5, "weight {at}: {} {slope}", gradient[at]);
        }
        assert!(gradient.iter().filter(|slope| slope.abs() > 1e-3).count() > weights.len() / 3);
    }

    /// Three clusters in six columns, of which two rows each have a label: rows that are made lie in the cluster of their class, and
    /// the pool teaches how wide it is.
    #[test]
    fn rows_of_a_class_are_like_those_of_the_class() {
        let mut normal = normals(Key::root(4));
        let mut row = |class: u32| -> Vec<f32> {
            (0..6).map(|at| 0.3 * normal() + if at / 2 == class { 2.0 } else { -1.0 }).collect()
        };
        let labels = [0, 1, 2, 0, 1, 2];
        let known = Matrix::new(labels.iter().flat_map(|&class| row(class)).collect(), 6, 6);
        let pool = Matrix::new((0..150).flat_map(|at| row(at % 3)).collect(), 150, 6);
        let plan = GeneratorPlan { dimensions: 2, steps: 1_000, ..GeneratorPlan::default() };
        let fit = |others: MatrixView<'_>| {
            Generator::fit((known.view(), &labels), others, 3, &plan, Key::root(5), normals(Key::root(7)))
                .unwrap()
        };
        let mut generator = fit(pool.view());
        let losses = generator.losses().to_vec();
        assert!(losses[900..].iter().sum::<f64>() < 0.5 * losses[..100].iter().sum::<f64>());
        let mut normal = normals(Key::root(6));
        let mut right = 0;
        for at in 0..300u32 {
            let made = generator.row(at % 3, &[normal(), normal()]);
            let of = |class: usize| made[2 * class] + made[2 * class + 1];
            right += u32::from((0..3).all(|class| of(class) <= of(at as usize % 3)));
        }
        assert!(right > 270, "{right}");
        // The same key, the same decoder; without others, another one.
        assert_eq!(fit(pool.view()).weights, generator.weights);
        assert_ne!(fit(Matrix::zeros(0, 6).view()).weights, generator.weights);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let own = GeneratorPlan::default();
        for (plan, field) in [
            (GeneratorPlan { dimensions: 0, ..own }, "dimensions"),
            (GeneratorPlan { noise: 0.0, ..own }, "noise"),
            (GeneratorPlan { learning_rate: f32::NAN, ..own }, "learning_rate"),
            (GeneratorPlan { batch: 0, ..own }, "batch"),
        ] {
            assert!(matches!(plan.check(), Err(LearnError::Plan { field: found, .. }) if found == field));
        }
    }
}
