//! Ridge logistic regression, fitted to its optimum by L-BFGS under argmin.
//!
//! Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35, 1980. The solver is our
//! own under argmin's [`Executor`]: argmin's needs the algebra of a further crate, and its line search gives
//! up with an error where a step cannot be told from rounding, which is where an optimum has been found.
//! The loss is strictly convex in the weights, so the result depends on the rows alone: neither on a key nor
//! on where it starts.

use super::plan::ModelData;
use crate::simd::dispatched;
use argmin::core::{
    CostFunction, Error as ArgminError, Executor, Gradient, IterState, KV, Problem, Solver, State,
    TerminationReason, TerminationStatus,
};
use std::cell::RefCell;

/// Steps whose curvature is remembered.
const MEMORY: usize = 10;
/// Iterations, at most; a few dozen do.
const MAX_ITERATIONS: u64 = 1_000;
/// The largest entry of the gradient per row, at which the optimum counts as found.
const TOLERANCE: f64 = 1e-9;
/// The share of the promised decrease that a step must bring (Armijo).
const DECREASE: f64 = 1e-4;
/// Halvings of a step before it counts as rounding.
const HALVINGS: usize = 60;

/// What a fit came to.
pub(super) struct Fitted {
    /// `[width][classes]`, then a bias per class: the order of a linear network.
    pub weights: Vec<f32>,
    /// Iterations made.
    pub steps: u32,
    /// Mean cross-entropy of the rows, without the penalty.
    pub loss: f32,
}

/// Minimises `sum of cross-entropies + ridge / 2 * |W|²`, biases free: scikit-learn's
/// `LogisticRegression(C = 1 / ridge)`. For two classes that is one vector of weights, which is shared out
/// evenly here with opposite signs. None where the loss is not finite.
pub(super) fn fit(data: &ModelData<'_>, classes: usize, ridge: f64) -> Option<Fitted> {
    // Two opposite halves have half the square of the whole, each vector of softmax its own.
    let ridge = if classes == 2 { 2.0 * ridge } else { ridge };
    let problem = Loss::new(*data, classes, ridge);
    let start = vec![0.0; (data.inputs.cols() + 1) * classes];
    let run = Executor::new(problem, Lbfgs::default())
        .configure(|state: Descent| state.param(start).max_iters(MAX_ITERATIONS))
        .ctrlc(false)
        .run()
        .ok()?;
    let state = run.state();
    let weights: Vec<f32> = state.get_best_param()?.iter().map(|&weight| weight as f32).collect();
    let problem = Loss::new(*data, classes, 0.0);
    let loss = problem.value(state.get_best_param()?) / data.rows.len() as f64;
    let finite = loss.is_finite() && weights.iter().all(|weight| weight.is_finite());
    finite.then_some(Fitted { weights, steps: state.get_iter() as u32, loss: loss as f32 })
}

/// The penalised loss of a model's rows as a function of all weights.
struct Loss<'a> {
    data: ModelData<'a>,
    classes: usize,
    ridge: f64,
    /// Where the value was computed last, since the gradient is wanted there next.
    last: RefCell<Evaluated>,
}

/// A point of the loss.
#[derive(Default)]
struct Evaluated {
    weights: Vec<f64>,
    /// Class probabilities of every row at these weights, `[rows][classes]`.
    probabilities: Vec<f64>,
}

impl<'a> Loss<'a> {
    fn new(data: ModelData<'a>, classes: usize, ridge: f64) -> Self {
        Self { data, classes, ridge, last: RefCell::default() }
    }

    fn value(&self, weights: &[f64]) -> f64 {
        let classes = self.classes;
        let mut last = self.last.borrow_mut();
        let Evaluated { weights: at, probabilities } = &mut *last;
        at.clear();
        at.extend_from_slice(weights);
        probabilities.resize(self.data.rows.len() * classes, 0.0);
        let rows = self.data.rows.iter().zip(self.data.labels).zip(probabilities.chunks_exact_mut(classes));
        let losses = rows.map(|((&row, &label), scores)| {
            score(self.data.inputs.row(row as usize), weights, scores);
            let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let own = scores[label as usize];
            scores.iter_mut().for_each(|score| *score = (*score - top).exp());
            let sum: f64 = scores.iter().sum();
            scores.iter_mut().for_each(|score| *score /= sum);
            sum.ln() + top - own
        });
        let rows: f64 = losses.sum();
        rows + 0.5 * self.ridge * dot(self.slopes(weights), self.slopes(weights))
    }

    /// The weights without the biases.
    fn slopes<'w>(&self, weights: &'w [f64]) -> &'w [f64] {
        &weights[..weights.len() - self.classes]
    }
}

dispatched! {
    /// The scores of a row: `scores.len()` biases behind as many weights per input.
    fn score(inputs: &[f32], weights: &[f64], scores: &mut [f64]) {
        let classes = scores.len();
        scores.copy_from_slice(&weights[inputs.len() * classes..]);
        for (&input, weights) in inputs.iter().zip(weights.chunks_exact(classes)) {
            let input = f64::from(input);
            scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += input * weight);
        }
    }
}

dispatched! {
    /// Adds what a row says to the gradient.
    fn add_row(inputs: &[f32], residual: &[f64], gradient: &mut [f64]) {
        let bias = std::iter::once(&1.0);
        for (&input, to) in inputs.iter().chain(bias).zip(gradient.chunks_exact_mut(residual.len())) {
            let input = f64::from(input);
            to.iter_mut().zip(residual).for_each(|(to, r)| *to += input * r);
        }
    }
}

impl CostFunction for Loss<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, weights: &Vec<f64>) -> Result<f64, ArgminError> {
        Ok(self.value(weights))
    }
}

impl Gradient for Loss<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, weights: &Vec<f64>) -> Result<Vec<f64>, ArgminError> {
        let classes = self.classes;
        if self.last.borrow().weights != *weights {
            self.value(weights);
        }
        let last = self.last.borrow();
        let mut gradient: Vec<f64> = self.slopes(weights).iter().map(|weight| self.ridge * weight).collect();
        gradient.resize(weights.len(), 0.0);
        let mut residual = vec![0.0; classes];
        for (at, p) in last.probabilities.chunks_exact(classes).enumerate() {
            residual.copy_from_slice(p);
            residual[self.data.labels[at] as usize] -= 1.0;
            add_row(self.data.inputs.row(self.data.rows[at] as usize), &residual, &mut gradient);
        }
        Ok(gradient)
    }
}

type Descent = IterState<Vec<f64>, Vec<f64>, (), (), (), f64>;

/// The solver: a direction by the two loops of the method, and a step along it by halving.
#[derive(Default)]
struct Lbfgs {
    /// Steps, differences of gradients, and the reciprocals of their products, oldest first.
    pairs: Vec<(Vec<f64>, Vec<f64>, f64)>,
    /// No step is to be told from rounding any more, or the gradient is nothing.
    found: bool,
}

impl Lbfgs {
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (step, change, reciprocal) in self.pairs.iter().rev() {
            let share = reciprocal * dot(step, &direction);
            add(&mut direction, -share, change);
            shares.push(share);
        }
        let scale = match self.pairs.last() {
            Some((_, change, reciprocal)) => 1.0 / (reciprocal * dot(change, change)),
            None => 1.0 / dot(gradient, gradient).sqrt().max(1.0),
        };
        direction.iter_mut().for_each(|d| *d *= scale);
        for ((step, change, reciprocal), share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let other = reciprocal * dot(change, &direction);
            add(&mut direction, share - other, step);
        }
        direction
    }

    fn remember(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let product = dot(&step, &change);
        // Always positive where the loss is strictly convex, but for rounding.
        if product > f64::EPSILON * dot(&change, &change) {
            if self.pairs.len() == MEMORY {
                self.pairs.remove(0);
            }
            self.pairs.push((step, change, 1.0 / product));
        }
    }
}

impl<'a> Solver<Loss<'a>, Descent> for Lbfgs {
    fn name(&self) -> &str {
        "L-BFGS"
    }

    fn init(
        &mut self,
        problem: &mut Problem<Loss<'a>>,
        mut state: Descent,
    ) -> Result<(Descent, Option<KV>), ArgminError> {
        let start = state.take_param().unwrap_or_default();
        let (cost, gradient) = (problem.cost(&start)?, problem.gradient(&start)?);
        Ok((state.param(start).cost(cost).gradient(gradient), None))
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<Loss<'a>>,
        mut state: Descent,
    ) -> Result<(Descent, Option<KV>), ArgminError> {
        let (here, gradient) =
            (state.take_param().unwrap_or_default(), state.take_gradient().unwrap_or_default());
        let cost = state.get_cost();
        let direction = self.direction(&gradient);
        let slope = dot(&direction, &gradient);
        let mut length = 1.0;
        for _ in 0..HALVINGS {
            let mut there = here.clone();
            add(&mut there, length, &direction);
            let new = problem.cost(&there)?;
            if new <= cost + DECREASE * length * slope && new < cost {
                let after = problem.gradient(&there)?;
                let difference =
                    |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
                self.remember(difference(&there, &here), difference(&after, &gradient));
                let most = after.iter().fold(0.0f64, |most, g| most.max(g.abs()));
                self.found = most <= TOLERANCE;
                return Ok((state.param(there).cost(new).gradient(after), None));
            }
            length *= 0.5;
        }
        self.found = true;
        Ok((state.param(here).cost(cost).gradient(gradient), None))
    }

    fn terminate(&mut self, _state: &Descent) -> TerminationStatus {
        if self.found {
            TerminationStatus::Terminated(TerminationReason::SolverConverged)
        } else {
            TerminationStatus::NotTerminated
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `to += factor * what`.
fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += factor * what);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

    /// The rows of `tests/golden/logistic.py`.
    fn rows(n: usize, width: usize, classes: usize) -> (Matrix, Vec<u32>) {
        let values = (0..n * width).map(|i| (1.7 * i as f64).sin() as f32).collect();
        let inputs = Matrix::new(values, n, width);
        let label = |row: usize| {
            let sum: f32 = inputs.row(row).iter().sum();
            ((f64::from(sum) * 2.0 + row as f64 * 0.37).sin() * classes as f64).abs() as u32 % classes as u32
        };
        let labels = (0..n).map(label).collect();
        (inputs, labels)
    }

    fn fitted(n: usize, width: usize, classes: usize, ridge: f64) -> Fitted {
        let (inputs, labels) = rows(n, width, classes);
        let all: Vec<u32> = (0..n as u32).collect();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &all,
            labels: &labels,
            validation: (&[], &[]),
            extra: None,
        };
        fit(&data, classes, ridge).expect("finite rows")
    }

    /// `tests/golden/logistic.py` made the reference with scikit-learn.
    #[test]
    fn weights_are_those_of_scikit_learn() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/golden/logistic.json")).unwrap();
        for case in golden["cases"].as_array().unwrap() {
            let count = |name: &str| case[name].as_u64().unwrap() as usize;
            let (n, width, classes) = (count("rows"), count("width"), count("classes"));
            let found = fitted(n, width, classes, case["ridge"].as_f64().unwrap());
            let expected: Vec<f64> =
                case["weights"].as_array().unwrap().iter().map(|w| w.as_f64().unwrap()).collect();
            assert_eq!(found.weights.len(), expected.len());
            for (found, expected) in found.weights.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 2e-5, "{case}: {found} and {expected}");
            }
            assert!((f64::from(found.loss) - case["loss"].as_f64().unwrap()).abs() < 1e-5);
            assert!(found.steps > 2 && u64::from(found.steps) < MAX_ITERATIONS, "{}", found.steps);
        }
    }

    /// One row of either class at ±1: by symmetry the bias is nothing, and with the whole weight `w` the
    /// gradient `ridge w - 2 sigmoid(-w)` vanishes.
    #[test]
    fn a_worked_example() {
        let inputs = Matrix::new(vec![1.0, -1.0], 2, 1);
        let data = ModelData {
            inputs: inputs.view(),
            rows: &[0, 1],
            labels: &[1, 0],
            validation: (&[], &[]),
            extra: None,
        };
        let [low, high, low_bias, high_bias] = fit(&data, 2, 1.0).unwrap().weights[..] else {
            panic!("two weights and two biases")
        };
        let whole = f64::from(high - low);
        assert!((whole - 2.0 / (1.0 + whole.exp())).abs() < 1e-6, "{whole}");
        assert!((low + high).abs() < 1e-6 && low_bias.abs() < 1e-6 && high_bias.abs() < 1e-6);
        let lost = Matrix::new(vec![f32::NAN, -1.0], 2, 1);
        let data = ModelData { inputs: lost.view(), ..data };
        assert!(fit(&data, 2, 1.0).is_none());
    }
}
