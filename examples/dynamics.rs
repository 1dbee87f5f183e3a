//! The figures of `experiments/findings` on training dynamics and on calibration: does a set of labels that is learned faster generalise
//! better, and how far are the probabilities of a classifier that was fitted to few labels from frequencies?
//!
//!     cargo run --release --example dynamics DATA
//!
//! Of four data sets, two hundred random sets of fifty labels each; all networks start from the same weights and have the same
//! mini-batches, so that they differ by their labels alone. The squared norm of the loss's gradient at the start is what `dynamic_al` asks
//! for; steps are those until the loss is below a tenth.

use querist::arch::NetSpec;
use querist::data::{Matrix, MatrixView, Oracle, RowId, SplitPlan, Task, load};
use querist::learner::{
    Bank, Depth, GradientSum, ModelData, Network, Optimiser, Stop, Temperature, TrainPlan,
    expected_calibration_error,
};
use querist::{Key, Result};
use rand::seq::index;
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

const SETS: [&str; 4] = ["usps", "satimage", "segment", "vowel"];
const SUBSETS: usize = 200;
const LABELS: usize = 50;
/// The loss below which a set of labels counts as learned, and the most epochs until then.
const LEARNED: f32 = 0.1;
const EPOCHS: u32 = 2_000;
/// Sets of labels whose classifiers are calibrated, and folds whose logits calibrate them.
const CALIBRATED: usize = 40;
const FOLDS: usize = 5;

pub fn main() -> Result<()> {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("say where the data sets lie");
        std::process::exit(2);
    };
    for (name, optimiser, rate) in [
        ("Adam at .01", Optimiser::Adam, 0.01),
        ("gradient descent at .1", Optimiser::Sgd { momentum: 0.0, nesterov: false }, 0.1),
    ] {
        let train = TrainPlan {
            optimiser,
            learning_rate: rate,
            stop: Stop::TrainLoss { epochs: EPOCHS, loss: LEARNED },
            ..TrainPlan::default()
        };
        println!(
            "{name}: rank correlations over {SUBSETS} sets of {LABELS} labels, two standard errors are .14"
        );
        println!(
            "set: accuracy and its deviation; gradient with accuracy, steps with accuracy, gradient with steps"
        );
        for set in SETS {
            let problem = Problem::of(set, Path::new(&folder))?;
            let found = problem.learned(&train)?;
            let of = |at: usize| found.iter().map(|one| one[at]).collect::<Vec<f64>>();
            let [gradients, steps, accuracies] = [0, 1, 2].map(of);
            let mean = accuracies.iter().sum::<f64>() / SUBSETS as f64;
            let deviation =
                (accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / SUBSETS as f64).sqrt();
            println!(
                "{set}: {:.1} ± {:.1}; {:+.2}, {:+.2}, {:+.2}",
                100.0 * mean,
                100.0 * deviation,
                spearman(&gradients, &accuracies),
                spearman(&steps, &accuracies),
                spearman(&gradients, &steps)
            );
        }
    }
    println!(
        "calibration error of the default classifier, {CALIBRATED} sets of {LABELS} labels, in points: as it is, calibrated"
    );
    for set in SETS {
        let found = Problem::of(set, Path::new(&folder))?.calibrated()?;
        let show = |at: usize| {
            let of: Vec<f64> = found.iter().map(|one| one[at]).collect();
            let mean = of.iter().sum::<f64>() / of.len() as f64;
            let variance = of.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (of.len() - 1) as f64;
            (mean, (variance / of.len() as f64).sqrt())
        };
        let [(raw, raw_error), (scaled, scaled_error), (temperature, _)] = [0, 1, 2].map(show);
        println!(
            "{set}: {:.1} ± {:.1}, {:.1} ± {:.1}, mean temperature {temperature:.2}",
            100.0 * raw,
            100.0 * raw_error,
            100.0 * scaled,
            100.0 * scaled_error
        );
    }
    Ok(())
}

/// A split of a data set, and the classifier that is fitted to parts of its pool.
struct Problem {
    task: Arc<Task>,
    spec: NetSpec,
    key: Key,
}

impl Problem {
    fn of(set: &str, folder: &Path) -> Result<Self> {
        let key = Key::root(43).named(set);
        let split = SplitPlan { max_pool: 600, max_held: 500, ..SplitPlan::default() };
        let task = Task::split(&load(set, Some(folder))?, &split, key.named("split"))?;
        let spec = NetSpec::mlp(task.width(), &[32], task.classes())?;
        Ok(Self { task: Arc::new(task), spec, key })
    }

    /// A random set of labels: rows of the pool and their classes.
    fn labels(&self, number: u64) -> (Vec<u32>, Vec<u32>) {
        let mut rng = self.key.named("labels").at(number).rng();
        let drawn = index::sample(&mut rng, self.task.pool().rows(), LABELS);
        let rows: Vec<RowId> = drawn.iter().map(|row| RowId(row as u32)).collect();
        let classes = Oracle::new(self.task.clone(), 0).peek(&rows);
        (rows.into_iter().map(|row| row.0).collect(), classes)
    }

    fn fit(&self, train: &TrainPlan, parts: &[(Vec<u32>, Vec<u32>)]) -> Result<(Bank, Vec<u32>)> {
        let data: Vec<ModelData<'_>> = (parts.iter())
            .map(|(rows, labels)| ModelData {
                inputs: self.task.pool(),
                rows,
                labels,
                validation: (&[], &[]),
                extra: None,
            })
            .collect();
        let mut bank = Bank::new(&self.spec, parts.len())?;
        let reports = bank.fit(&data, train, &vec![self.key.named("fit"); parts.len()])?;
        Ok((bank, reports.iter().map(|report| report.steps).collect()))
    }

    /// Of every set of labels, the squared norm of the gradient at the start, the steps until it is learned, and the accuracy then.
    fn learned(&self, train: &TrainPlan) -> Result<Vec<[f64; 3]>> {
        let mut start = Bank::new(&self.spec, 1)?;
        start.init(0, self.key.named("fit").named("weights"));
        let network = Network::new(&self.spec, &start.weights(0))?;
        let parts: Vec<_> = (0..SUBSETS as u64).map(|number| self.labels(number)).collect();
        let (bank, steps) = self.fit(train, &parts)?;
        let test = self.task.test();
        let one = |at: usize| {
            let (mut row, mut sum) = (network.row_gradient(Depth::All), GradientSum::default());
            for (&input, &class) in parts[at].0.iter().zip(&parts[at].1) {
                row.take(self.task.pool().row(input as usize), Some(class));
                sum.add(&row);
            }
            let accuracy = bank.accuracy(at, test.inputs(), test.labels());
            [sum.squared_norm(), f64::from(steps[at]), accuracy]
        };
        Ok((0..SUBSETS).into_par_iter().map(one).collect())
    }

    /// Of some sets of labels, the calibration error on test rows as the network says it, the same with the temperature that logits of
    /// held-out labels give, and that temperature.
    fn calibrated(&self) -> Result<Vec<[f64; 3]>> {
        let test = self.task.test();
        let one = |number: usize| {
            let (rows, classes) = self.labels(number as u64);
            let fold = |fold: usize, held: bool| {
                let places = (0..LABELS).filter(|at| (at % FOLDS == fold) == held);
                places.map(|at| (rows[at], classes[at])).unzip::<u32, u32, Vec<_>, Vec<_>>()
            };
            let mut parts: Vec<_> = (0..FOLDS).map(|of| fold(of, false)).collect();
            parts.push((rows.clone(), classes.clone()));
            let (bank, _) = self.fit(&TrainPlan::default(), &parts)?;
            let (mut logits, mut truth) = (Vec::new(), Vec::new());
            for of in 0..FOLDS {
                let (held, labels) = fold(of, true);
                logits.extend_from_slice(bank.logits(of, self.task.pool(), Some(&held)).values());
                truth.extend(labels);
            }
            let classes = self.task.classes();
            let temperature = Temperature::fit(MatrixView::new(&logits, truth.len(), classes), &truth)?;
            let logits = bank.logits(FOLDS, test.inputs(), None);
            let error = |temperature: Temperature| {
                let all = (0..logits.rows()).flat_map(|row| temperature.probabilities(logits.row(row)));
                let p = Matrix::new(all.collect(), logits.rows(), classes);
                expected_calibration_error(p.view(), test.labels())
            };
            Ok([error(Temperature::default())?, error(temperature)?, temperature.value()])
        };
        (0..CALIBRATED).into_par_iter().map(one).collect()
    }
}

/// Spearman's rank correlation; equal values share their mean rank.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let ranks = |values: &[f64]| -> Vec<f64> {
        let rank = |x: &f64| {
            let below = values.iter().filter(|other| *other < x).count();
            let equal = values.iter().filter(|other| *other == x).count();
            below as f64 + (equal - 1) as f64 / 2.0
        };
        values.iter().map(rank).collect()
    };
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() - 1) as f64 / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}
