//! The figures of `experiments/stream` and `experiments/synthesis`.
//!
//!     cargo run --release --example streams -- rules               # or some, on so many streams: rules 3 split universal
//!     cargo run --release --example streams -- neural-cal
//!     cargo run --release --example streams -- neural-cal --json   # a line per stream and epoch
//!     cargo run --release --example streams -- pal                 # pal FILE keeps what was learned
//!     cargo run --release --example streams -- synthesis

use querist::agent::Provenance;
use querist::agent::dqn::{Dqn, DqnConfig};
use querist::data::synthetic::SourceFamily;
use querist::data::{SplitPlan, Task, embedded};
use querist::stream::neural_cal::{Figures, NeuralCal, NeuralCalConfig, Plateau};
use querist::stream::pal::{self, Chooser, PalPlan, PalPolicy, PalStreams, SourceStream};
use querist::stream::synthesis::{Answer, Ascent, Bisection, Labelling, NearestRow, SynthesisOracle, ascend};
use querist::stream::{
    Draws, Drift, DriftPlan, Offer, OnlineLearner, StreamEpisode, StreamPlan, StreamPolicy, rules,
};
use querist::{Key, Result};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use std::path::Path;

pub fn main() -> Result<()> {
    let rest: Vec<String> = std::env::args().skip(2).collect();
    match std::env::args().nth(1).as_deref() {
        Some("rules") => match rest.first().and_then(|word| word.parse().ok()) {
            Some(streams) => compare_rules(streams, 5_000, &rest[1..]),
            None => compare_rules(10, 5_000, &rest),
        },
        Some("neural-cal") => neural_cal(10, 17, rest.iter().any(|word| word == "--json")),
        Some("pal") => learn_pal(24, 60, rest.first().map(Path::new)),
        Some("synthesis") => synthesis(200),
        _ => {
            eprintln!("say rules, neural-cal, pal or synthesis");
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

/// Learns to keep rows on generated streams, and compares on others.
pub fn learn_pal(targets: u64, iterations: u32, file: Option<&Path>) -> Result<()> {
    let family = SourceFamily::new(Key::root(11));
    let stream = |at: u64| -> Result<SourceStream> {
        let set = family.sample(at)?;
        let split = SplitPlan { max_pool: 400, max_held: 300, ..SplitPlan::default() };
        Ok(SourceStream::new(&set, Task::split(&set, &split, Key::root(12).at(at))?))
    };
    let streams = |from: u64, to: u64| (from..to).into_par_iter().map(stream).collect::<Result<Vec<_>>>();
    let plan = PalPlan { rows: 200, labels: 20, repetitions: 4 };
    let mut environment = PalStreams::new(plan, streams(0, 28)?, streams(28, 42)?, Key::root(13))?;
    let config = DqnConfig {
        iterations,
        replay: pal::REPLAY,
        minibatch: pal::MINIBATCH,
        exponent: 0.0,
        epsilon_iterations: (iterations / 2).max(1),
        validate_every: 5,
        ..DqnConfig::default()
    };
    let mut dqn = Dqn::new(config, Key::root(14))?;
    while !dqn.finished() {
        let point = dqn.step(&mut environment)?;
        if let Some(value) = point.validation {
            println!(
                "iteration {}: {} episodes, validation {:.2} %",
                point.iteration,
                point.episodes,
                100.0 * value
            );
        }
    }
    let network = &dqn.best().expect("the start is validated").network;
    if let Some(file) = file {
        let sources = (0..28).map(|at| Ok(family.sample(at)?.name().to_string())).collect::<Result<_>>()?;
        let provenance = Provenance { source_tasks: sources, ..Provenance::default() };
        PalPolicy::new(network, &plan, provenance)?.save(file)?;
    }
    let targets: Vec<SourceStream> = streams(100, 100 + targets)?;
    let play = |chooser: Chooser<'_>| -> Result<(Vec<f64>, Vec<f64>)> {
        let one = |index: u64| -> Result<(f64, f64)> {
            let target = &targets[(index / 10) as usize];
            let played = pal::play(target, &plan, chooser, true, Key::root(15).at(index))?;
            Ok((100.0 * played.mean, played.kept as f64))
        };
        let all = (0..10 * targets.len() as u64).into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
        // One figure per target: its ten streams are repetitions.
        Ok(all
            .chunks(10)
            .map(|ten| {
                (
                    mean(&ten.iter().map(|t| t.0).collect::<Vec<_>>()).0,
                    mean(&ten.iter().map(|t| t.1).collect::<Vec<_>>()).0,
                )
            })
            .unzip())
    };
    let (random, _) = play(Chooser::Rule("random(exceeding=true)"))?;
    println!(
        "{} targets that were not learned from, ten streams each; mean test accuracy over the stream, in %",
        targets.len()
    );
    let rivals = ["random(exceeding=true)", "periodic", "variable_uncertainty", "split"];
    let choosers = std::iter::once(("PAL", Chooser::Network(network, 0.0)))
        .chain(std::iter::once(("the first rows", Chooser::First)))
        .chain(rivals.map(|name| (name, Chooser::Rule(name))));
    for (name, chooser) in choosers {
        let (found, kept) = play(chooser)?;
        let differences: Vec<f64> = found.iter().zip(&random).map(|(a, b)| a - b).collect();
        let (gain, error) = mean(&differences);
        println!(
            "{name:26} {:6.2}   over random {gain:+.2} ± {error:.2}   labels {:.1}",
            mean(&found).0,
            mean(&kept).0
        );
    }
    Ok(())
}

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
        let pool = querist::data::Matrix::new(values, rows.len(), task.width());
        let first = |class: u32| labels.iter().position(|&label| label == class).map(|at| of(rows[at]));
        let (Some(zero), Some(one)) = (first(0), first(1)) else { continue };
        print!("{name:14}");
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
            let (row, entropy) = ascend(task.pool().row(rows[0]), Ascent::default(), |rows| {
                let p = learner.all_probabilities(rows.view())?;
                let of = |row: &[f32]| {
                    row.iter().map(|&p| if p > 0.0 { -f64::from(p) * f64::from(p).ln() } else { 0.0 }).sum()
                };
                Ok((0..p.rows()).map(|at| of(p.row(at))).collect())
            })?;
            let made: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
            let known = oracle.ask(&made) != Answer::Unanswerable;
            print!(
                "   radius {radius:.1}: {lost} % unanswerable, ascent to entropy {entropy:.3} {}",
                if known { "answered" } else { "not answered" }
            );
        }
        println!();
    }
    Ok(())
}
