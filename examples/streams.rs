//! The figures of `experiments/stream` and `experiments/synthesis`.
//!
//!     cargo run --release --example streams -- rules               # or some, on so many streams: rules 3 split universal
//!     cargo run --release --example streams -- neural-cal
//!     cargo run --release --example streams -- neural-cal --json   # a line per stream and epoch
//!     cargo run --release --example streams -- synthesis

use querist::data::{Matrix, SplitPlan, Task, embedded};
use querist::stream::neural_cal::{Figures, NeuralCal, NeuralCalConfig, Plateau};
use querist::stream::synthesis::{
    Answer, Ascent, Bisection, Decoder, Labelling, NearestRow, SynthesisOracle, ascend,
};
use querist::stream::{
    Draws, Drift, DriftPlan, Offer, OnlineLearner, StreamEpisode, StreamPlan, StreamPolicy, rules,
};
use querist::{Key, Result};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

pub fn main() -> Result<()> {
    let rest: Vec<String> = std::env::args().skip(2).collect();
    match std::env::args().nth(1).as_deref() {
        Some("rules") => match rest.first().and_then(|word| word.parse().ok()) {
            Some(streams) => compare_rules(streams, 5_000, &rest[1..]),
            None => compare_rules(10, 5_000, &rest),
        },
        Some("neural-cal") => neural_cal(10, 17, rest.iter().any(|word| word == "--json")),
        Some("synthesis") => synthesis(200),
        _ => {
            eprintln!("say rules, neural-cal or synthesis");
            std::process::exit(2);
        }
    }
}

/// A stream at the end of an epoch.
struct Point {
    rows: u64,
    labels: u64,
    /// Of those, on the plateau.
    flat: u64,
    figures: Figures,
}

impl Point {
    /// As one line of JSON.
    fn line(&self, who: &str, stream: usize) -> serde_json::Value {
        let Figures { chow, excess, lost, regret, coverage, bounded } = self.figures;
        serde_json::json!({
            "who": who, "stream": stream, "rows": self.rows, "labels": self.labels, "on_plateau": self.flat,
            "chow_error": chow, "excess_error": excess, "lost": lost, "regret": regret, "coverage": coverage,
            "in_bounds": bounded,
        })
    }
}

/// The mean, and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

/// Accuracy on rows before their label is known, by rule (all, or the rules and policies that are named) and by how the concept
/// changes.
pub fn compare_rules(seeds: u64, rows: u64, only: &[String]) -> Result<()> {
    let known = |name: &str| rules::ENTRIES.iter().any(|entry| entry.name == name);
    let build = |name: &str| match known(name) {
        true => rules::build(name, 0.1),
        false => StreamPolicy::open(name)?.rule(0.1),
    };
    println!(
        "prequential accuracy in %, budget 0.1, {rows} rows of 8 numbers, 5 % label noise, {seeds} streams each"
    );
    print!("{:30}", "");
    Drift::ALL.iter().for_each(|drift| print!("{:>14}", format!("{drift:?}")));
    println!("{:>10}", "labels");
    let all = rules::ENTRIES.iter().map(|entry| entry.name);
    let names: Vec<&str> =
        if only.is_empty() { all.collect() } else { only.iter().map(|name| &**name).collect() };
    for name in names {
        print!("{name:30}");
        let mut labels = Vec::new();
        for drift in Drift::ALL {
            let stream = DriftPlan { width: 8, rows, drift, noise: 0.05 };
            let one = |seed: u64| -> Result<(f64, f64)> {
                let plan = StreamPlan { width: 8, memory: 200, labels: None };
                let key = Key::root(seed);
                let mut episode = StreamEpisode::new(plan, build(name)?, key.named("rule"))?;
                let mut right = 0;
                for at in 0..rows {
                    let (inputs, label) = stream.row(at, key);
                    let offered = episode.offer(&inputs)?;
                    let p = episode.learner().probabilities(&inputs)?;
                    right += u64::from(u32::from(p[1] > p[0]) == label);
                    if offered.decision.keep {
                        episode.answer(at, label)?;
                    }
                }
                Ok((100.0 * right as f64 / rows as f64, episode.kept() as f64))
            };
            let found = (0..seeds).into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
            let (accuracy, error) = mean(&found.iter().map(|found| found.0).collect::<Vec<_>>());
            labels.extend(found.iter().map(|found| found.1));
            print!("{:>14}", format!("{accuracy:.1} ± {error:.1}"));
        }
        println!("{:>10.0}", mean(&labels).0);
    }
    Ok(())
}

/// Labels, errors and coverage of NeuralCAL and of what it is compared with, on a plateau: a table of the end, or with `json`
/// a line per stream and epoch.
pub fn neural_cal(seeds: u64, epochs: u32, json: bool) -> Result<()> {
    const GAMMA: f64 = 0.25;
    let task = Plateau { steps: 24 };
    let linear = NeuralCalConfig { abstention: Some(GAMMA), ..NeuralCalConfig::default() };
    if !json {
        println!("{seeds} streams of 2^{epochs} - 1 rows; γ = {GAMMA}; figures after the last epoch");
        let columns =
            ["labels", "on plateau", "in last epoch", "lost", "regret", "coverage", "η in bounds", "R²"];
        print!("{:28}", "");
        columns.iter().for_each(|column| print!("{column:>14}"));
        println!();
    }
    let kinds = [
        ("NeuralCAL++ (bounds)", linear, "confident"),
        ("NeuralCAL++ (ensemble of 8)", NeuralCalConfig { members: 8, scale: 1.0, ..linear }, "confident"),
        ("NeuralCAL (bounds)", NeuralCalConfig { abstention: None, ..linear }, "confident"),
        ("margin, budget 0.1", linear, "margin"),
        ("passive", linear, "passive"),
    ];
    for (name, config, who) in kinds {
        let one = |seed: u64| -> Result<Vec<Point>> {
            let key = Key::root(seed);
            let mut learner = NeuralCal::new(config, task.dimension(), key.named("ensemble"))?;
            let mut margin = rules::build("variable_uncertainty", 0.1)?;
            let (mut course, mut flat) = (Vec::new(), 0);
            for at in 0..(1u64 << epochs) - 1 {
                let (cell, label) = task.row(at, key);
                let features = task.features(cell);
                let judged = learner.offer(&features);
                let confidence = judged.estimate.max(1.0 - judged.estimate);
                let asks = match who {
                    "confident" => judged.query,
                    "passive" => true,
                    _ => {
                        let offer = Offer::by_confidence(confidence, 2);
                        margin.offer(&offer, &mut Draws::new(key.at(at))).keep
                    }
                };
                if asks {
                    flat += u64::from(task.is_flat(cell));
                    learner.learn(&features, label);
                }
                if (at + 2).is_power_of_two() {
                    let figures = task.figures(&learner, GAMMA);
                    course.push(Point { rows: at + 1, labels: learner.labels(), flat, figures });
                }
            }
            Ok(course)
        };
        let found = (0..seeds).into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
        if json {
            for (stream, course) in found.iter().enumerate() {
                course.iter().for_each(|point| println!("{}", point.line(name, stream)));
            }
            continue;
        }
        let of = |at: usize, get: &dyn Fn(&Point) -> f64| {
            mean(&found.iter().map(|course| get(&course[at])).collect::<Vec<_>>()).0
        };
        let labels = |at| of(at, &|point| point.labels as f64);
        let flat = |at| of(at, &|point| point.flat as f64);
        let last = epochs as usize - 1;
        let figures = [
            format!("{:.0}", labels(last)),
            format!("{:.0}", flat(last)),
            format!("{:.1}", flat(last) - flat(last - 1)),
            format!("{:.6}", of(last, &|point| point.figures.lost)),
            format!("{:.5}", of(last, &|point| point.figures.regret)),
            format!("{:.3}", of(last, &|point| point.figures.coverage)),
            format!("{:.3}", of(last, &|point| point.figures.bounded)),
            {
                // Labels against log(1 / lost) over the last six epochs, which are five doublings.
                let lost = |at| of(at, &|point| point.figures.lost);
                let points: Vec<(f64, f64)> =
                    (last - 5..=last).map(|at| (-lost(at).ln(), labels(at))).collect();
                format!("{:.3}", straightness(&points))
            },
        ];
        print!("{name:28}");
        figures.iter().for_each(|figure| print!("{figure:>14}"));
        println!();
    }
    Ok(())
}

/// R² of a straight line through points.
fn straightness(points: &[(f64, f64)]) -> f64 {
    let (x, y) = (
        mean(&points.iter().map(|p| p.0).collect::<Vec<_>>()).0,
        mean(&points.iter().map(|p| p.1).collect::<Vec<_>>()).0,
    );
    let sum = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>();
    let (xx, yy) = (sum(&|p| (p.0 - x).powi(2)), sum(&|p| (p.1 - y).powi(2)));
    sum(&|p| (p.0 - x) * (p.1 - y)).powi(2) / (xx * yy)
}

/// Numbers of a decoder's codes, or one less than the columns where those are fewer.
const CODES: usize = 8;

/// How fast rows that are made up find a boundary, and how many of them nobody could answer for.
pub fn synthesis(teachers: u64) -> Result<()> {
    println!("bisection on {teachers} linear teachers: mean log2 of the error by questions");
    for width in [2, 5, 10] {
        print!("{width:3} numbers:");
        for questions in [20 * width / 2, 30 * width / 2, 40 * width / 2, 50 * width / 2] {
            let one = |seed: u64| -> Result<f64> {
                let mut rng = Key::root(seed).rng();
                let normal: Vec<f64> = (0..width).map(|_| StandardNormal.sample(&mut rng)).collect();
                let norm = normal.iter().map(|n| n * n).sum::<f64>().sqrt();
                let normal: Vec<f64> = normal.iter().map(|n| n / norm).collect();
                let dot = |row: &[f64]| row.iter().zip(&normal).map(|(a, b)| a * b).sum::<f64>();
                let row = |side: f64| normal.iter().map(|n| (0.3 + side) * n).collect::<Vec<f64>>();
                let mut bisection = Bisection::new(row(-2.0), row(1.5), 4.0, Key::root(seed).named("steps"))?;
                let mut teacher = Labelling(|row: &[f64]| u32::from(dot(row) > 0.3));
                for _ in 0..questions {
                    let row = bisection.ask();
                    bisection.tell(teacher.ask(&row))?;
                }
                let Some(plane) = bisection.hyperplane() else { return Ok(0.0) };
                let apart =
                    plane.normal.iter().zip(&normal).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                Ok(apart.max((plane.offset - 0.3).abs()).max(1e-15).log2())
            };
            let errors = (0..teachers).into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
            print!("  {questions}: {:.1}", mean(&errors).0);
        }
        println!();
    }
    println!("rows of real sets, scaled; classes 0 and 1; answers from the nearest row within a radius");
    for name in ["iris", "breast_cancer", "digits"] {
        let set = embedded::load(name)?;
        let task = Task::split(&set, &SplitPlan::default(), Key::root(1))?;
        let rows: Vec<usize> = (0..task.pool().rows())
            .filter(|&row| set.labels()[task.dataset_row(querist::data::RowId(row as u32)) as usize] < 2)
            .collect();
        let of = |row: usize| task.pool().row(row).iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        let labels: Vec<u32> = rows
            .iter()
            .map(|&row| set.labels()[task.dataset_row(querist::data::RowId(row as u32)) as usize])
            .collect();
        let values = rows.iter().flat_map(|&row| task.pool().row(row).to_vec()).collect();
        let pool = Matrix::new(values, rows.len(), task.width());
        let first = |class: u32| labels.iter().position(|&label| label == class).map(|at| of(rows[at]));
        let (Some(zero), Some(one)) = (first(0), first(1)) else { continue };
        for share in [0.25, 0.5, 1.0] {
            // In units of the distance of two random rows.
            let radius = share * (2.0 * task.width() as f64).sqrt();
            let mut oracle = NearestRow { rows: pool.view(), labels: &labels, radius };
            let mut bisection = Bisection::new(zero.clone(), one.clone(), 1.0, Key::root(2))?;
            let mut lost = 0;
            for _ in 0..100 {
                let row = bisection.ask();
                let answer = oracle.ask(&row);
                lost += u32::from(answer == Answer::Unanswerable);
                bisection.tell(answer)?;
            }
            // A classifier of ten labels, and the row that it doubts most.
            let mut learner = OnlineLearner::new(task.width(), 100);
            rows.iter()
                .zip(&labels)
                .take(10)
                .try_for_each(|(&row, &label)| learner.learn(task.pool().row(row).to_vec(), label))?;
            learner.settle()?;
            let entropies = |rows: &Matrix| -> Result<Vec<f64>> {
                let p = learner.all_probabilities(rows.view())?;
                let of = |row: &[f32]| {
                    row.iter().map(|&p| if p > 0.0 { -f64::from(p) * f64::from(p).ln() } else { 0.0 }).sum()
                };
                Ok((0..p.rows()).map(|at| of(p.row(at))).collect())
            };
            let mut answered = |row: &[f32]| -> bool {
                let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
                oracle.ask(&row) != Answer::Unanswerable
            };
            let decoder = Decoder::fit(pool.view(), CODES.min(task.width() - 1))?;
            let samples = decoder.samples(100, Key::root(3));
            let unlike = (0..100).filter(|&at| !answered(samples.row(at))).count();
            let ascent = ascend(task.pool().row(rows[0]), Ascent::default(), entropies)?;
            let best = decoder.best(100, Key::root(3), entropies)?;
            let word = |answered: bool| if answered { "answered" } else { "not answered" };
            println!(
                "{name:14} radius {radius:.1}: unanswerable {lost} % of bisection, {unlike} % of samples; \
                 ascent to entropy {:.3} {}, best sample {:.3} {}",
                ascent.1,
                word(answered(&ascent.0)),
                best.1,
                word(answered(&best.0))
            );
        }
    }
    Ok(())
}
