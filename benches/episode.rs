//! Whole episodes: how many a core plays per second, and where their time goes.
//!
//! `cargo bench --bench episode` plays sixteen repetitions in lock-step on tasks made here, in the shapes
//! of three known ones, with pools of 2,000 rows: twenty queries of ten rows, fifty epochs after each.
//! What the engine took is measured by doing its part of the very same episodes again: the fits alone,
//! and the fits with every prediction that the episode made. Neighbour lists are made anew for every set
//! of sixteen, as an experiment with sixteen repetitions would. Seconds are those of the processor, which on a
//! free machine are those of the clock and on a busy one are nearer to them. The last line is JSON.
//! `cargo bench --bench episode -- digits margin` plays only what is named. `journal`, by name or when nothing
//! is named, plays the cheapest of them, digits by random, as cells of a run, and says what recording them costs.

use querist::Key;
use querist::agent::{Choice, Kind, Network, NetworkConfig, Policy, PolicyStrategy, Provenance};
use querist::arch::Block;
use querist::data::{Matrix, Task, initial_rows};
use querist::episode::{
    EpisodePlan, InitialPool, Measure, OracleOn, Played, Player, PreparedTask, Replicate, StopOn, features,
    play,
};
use querist::experiment::stages::TimedRow;
use querist::learner::{Bank, DeviceKind, Loss, Metric, ModelData, Optimiser, Start, Stop, TrainPlan};
use querist::query::Registry;
use querist::run::{Cancel, Cell, Manifest, Silent, Store, WorkerPool, run_cells};
use rand::RngExt;
use rayon::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const BLOCKS: usize = 3;
const LANES: u32 = 16;
const POOL: usize = 2_000;
const HELD: usize = 600;
const STRATEGIES: [&str; 4] = ["random", "margin", "policy", "typiclust"];

/// A task's shape and what is trained on it.
struct Case {
    name: &'static str,
    /// Levels of each category; none for real numbers.
    levels: Option<usize>,
    width: usize,
    classes: usize,
    hidden: &'static [usize],
    batch: usize,
}

const CASES: [Case; 3] = [
    Case { name: "digits", levels: None, width: 64, classes: 10, hidden: &[24, 12], batch: 64 },
    Case { name: "dna", levels: Some(3), width: 180, classes: 3, hidden: &[24, 24, 12], batch: 43 },
    Case { name: "splice", levels: None, width: 60, classes: 2, hidden: &[24, 24, 12], batch: 64 },
];

fn main() {
    // Cargo hands over `--bench`; anything else names what to measure.
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let named = |names: &[&str], name: &str| {
        !names.iter().any(|known| only.iter().any(|arg| arg == known)) || only.iter().any(|arg| arg == name)
    };
    eprintln!(
        "{:>8} {:>10} {:>14} {:>13} {:>15} {:>18} {:>10}",
        "task", "strategy", "episodes/s", "outside fits", "outside engine", "two threads by cpu", "us/query"
    );
    let mut rows = Vec::new();
    for case in CASES.iter().filter(|case| named(&CASES.map(|case| case.name), case.name)) {
        for strategy in STRATEGIES.into_iter().filter(|strategy| named(&STRATEGIES, strategy)) {
            rows.push(measure(case, strategy));
        }
    }
    let journal = (only.is_empty() || only.iter().any(|arg| arg == "journal")).then(journal);
    if let Some(share) = journal {
        eprintln!("journal: {:.2} % of the time of a run of the cheapest episodes", 100.0 * share);
    }
    println!(
        "{}",
        json!({ "pool": POOL, "rounds": 20, "query_size": 10, "epochs": 50, "rows": rows, "journal": journal })
    );
}

/// The share of a run's time that recording its cells takes: digits by random, sixteen repetitions a cell,
/// computed by the executor and written to a run's folder, against the same cells computed and not kept.
fn journal() -> f64 {
    const CELLS: usize = 8;
    let (case, task) = (&CASES[0], CASES[0].task());
    let cells: Vec<Cell<()>> =
        (0..CELLS).map(|cell| Cell { key: format!("cell/{cell}"), input: () }).collect();
    let work = || -> Vec<TimedRow> {
        let timed = |row| TimedRow { row, selecting: Some(1e-3), overlays: Vec::new() };
        episodes(case, &task, "random").into_iter().flat_map(|played| played.rows).map(timed).collect()
    };
    let shares = (0..BLOCKS).map(|_| {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = Manifest::new("journal", 1, BTreeMap::new()).expect("a manifest");
        let (store, mut ledger) = Store::open(folder.path(), &manifest, "journal", true).expect("a folder");
        let start = Instant::now();
        (0..CELLS).for_each(|_| drop(std::hint::black_box(work())));
        let plain = start.elapsed().as_secs_f64();
        let cancel = Cancel::new();
        let worker_pool = WorkerPool { jobs: 1, progress: &Silent, cancel: &cancel };
        let start = Instant::now();
        run_cells("cells", &cells, &mut ledger, worker_pool, |_| Ok(work())).expect("cells");
        let recorded = start.elapsed().as_secs_f64();
        drop(store);
        1.0 - plain / recorded
    });
    median(shares.collect())
}

fn measure(case: &Case, strategy: &str) -> serde_json::Value {
    let task = case.task();
    let run = || episodes(case, &task, strategy);
    let [mut rates, mut fits, mut engine, mut clock, mut cpu, mut queries] = <[Vec<f64>; 6]>::default();
    for _ in 0..BLOCKS {
        let start = cpu_seconds();
        let played = run();
        let whole = cpu_seconds() - start;
        rates.push(f64::from(LANES) / whole);
        queries.extend(
            played.iter().flat_map(|played| &played.selecting).map(|query| 1e6 * query.as_secs_f64()),
        );
        fits.push(1.0 - replay(case, &task, &played, 0) / whole);
        let predictions = usize::from(!matches!(strategy, "random"));
        engine.push(1.0 - replay(case, &task, &played, 1 + predictions) / whole);
        let (one, two) = (on_threads(1, &run), on_threads(2, &run));
        clock.push(one.0 / two.0);
        cpu.push(2.0 * one.1 / two.1);
    }
    let [rate, fits, engine, clock, cpu, query] = [rates, fits, engine, clock, cpu, queries].map(median);
    eprintln!(
        "{:>8} {strategy:>10} {rate:>14.1} {:>12.1}% {:>14.1}% {cpu:>18.2} {query:>10.0}",
        case.name,
        100.0 * fits,
        100.0 * engine
    );
    json!({
        "task": case.name, "strategy": strategy, "episodes_per_second": rate, "outside_fits": fits,
        "outside_engine": engine, "two_threads": clock, "two_threads_by_cpu": cpu, "microseconds_per_query": query,
    })
}

/// Sixteen episodes in lock-step.
fn episodes(case: &Case, task: &Task, strategy: &str) -> Vec<Played> {
    let prepared = PreparedTask::new(task.clone());
    let player = |repetition: u32| Player {
        name: strategy.to_string(),
        strategy: match strategy {
            "policy" => Box::new(policy()),
            name => Registry::builtin().build(name).expect("a strategy"),
        },
        replicate: Replicate { prepared: prepared.clone(), key: key(repetition) },
        repetition,
        architect: None,
    };
    play(&case.plan(), (0..LANES).map(player).collect()).expect("episodes")
}

fn key(repetition: u32) -> Key {
    Key::root(1).at(u64::from(repetition))
}

/// A policy with the weights that it starts from: it takes as long as any other.
fn policy() -> PolicyStrategy {
    let schema = &features::SCHEMA;
    let sizes = (schema.candidate.len(), schema.global.len());
    // As large as the one that comes with the program; what it scores high does not matter here.
    let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
    let weights = (0..sizes.0 * (sizes.1 + 1)).map(|i| (i as f32 * 0.7).sin()).collect();
    let network = Network::from_weights(config, sizes.0, sizes.1, weights).expect("a network");
    let policy = Policy::new(network, schema, Provenance::default()).expect("a policy");
    PolicyStrategy::new(Arc::new(policy), Choice::Greedy)
}

/// Seconds that the engine takes for its part of the episodes: the fits, with `predictions` also the
/// accuracies on the held-out rows, and with 2 the probabilities of the pool.
fn replay(case: &Case, task: &Task, played: &[Played], predictions: usize) -> f64 {
    let plan = case.plan();
    let spec = plan.spec(task).expect("a shape");
    let truth = |row: u32| case.label(row as usize);
    let mut rows: Vec<Vec<u32>> = (0..LANES)
        .map(|model| {
            let initial = initial_rows(task, plan.initial_per_class, key(model).named("initial"));
            initial.expect("initial labels").iter().map(|row| row.0).collect()
        })
        .collect();
    let rounds = played[0].rows.len();
    let mut seconds = 0.0;
    let mut bank = Bank::new(&spec, rows.len()).expect("a bank");
    for round in 0..rounds {
        let labels: Vec<Vec<u32>> =
            rows.iter().map(|rows| rows.iter().copied().map(truth).collect()).collect();
        let data: Vec<ModelData<'_>> = rows
            .iter()
            .zip(&labels)
            .map(|(rows, labels)| ModelData {
                inputs: task.pool(),
                rows,
                labels,
                validation: (&[], &[]),
                extra: None,
            })
            .collect();
        let keys: Vec<Key> = (0..LANES).map(|model| key(model).named("fit").at(round as u64)).collect();
        let start = cpu_seconds();
        bank.fit(&data, &plan.train, &keys).expect("a training");
        if predictions > 0 {
            for model in 0..rows.len() {
                std::hint::black_box(bank.accuracy(model, task.reward().inputs(), task.reward().labels()));
                std::hint::black_box(bank.accuracy(model, task.test().inputs(), task.test().labels()));
            }
        }
        if predictions > 1 && round + 1 < rounds {
            for model in 0..rows.len() {
                std::hint::black_box(bank.probabilities(model, task.pool(), None));
            }
        }
        seconds += cpu_seconds() - start;
        for (rows, played) in rows.iter_mut().zip(played) {
            rows.extend(&played.rows[round].picks);
        }
    }
    seconds
}

/// Seconds by the clock and by processor time for two sets of episodes.
fn on_threads(threads: usize, run: &(impl Fn() -> Vec<Played> + Sync)) -> (f64, f64) {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let (start, cpu) = (Instant::now(), cpu_seconds());
    threads.install(|| (0..2).into_par_iter().for_each(|_| drop(std::hint::black_box(run()))));
    // By processor time, two threads that do not disturb each other take as much together as one.
    (start.elapsed().as_secs_f64(), cpu_seconds() - cpu)
}

/// Processor time of this process: on a busy machine it says what the clock cannot.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one `timespec`.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Case {
    fn plan(&self) -> EpisodePlan {
        EpisodePlan {
            blocks: self.hidden.iter().map(|&width| Block::Dense { width }).collect(),
            dropout: 0.0,
            train: TrainPlan {
                loss: Loss::CrossEntropy,
                optimiser: Optimiser::Adam,
                learning_rate: 1e-3,
                weight_decay: 0.0,
                batch: self.batch,
                drop_last: false,
                stop: Stop::Epochs { epochs: 50 },
                start: Start::Scratch,
            },
            initial: InitialPool::default(),
            initial_per_class: 1,
            query_size: 10,
            budget: 200,
            metric: Metric::default(),
            target_accuracy: None,
            target_share: None,
            measure: Measure::RewardAndTest,
            oracle_on: OracleOn::default(),
            first_epochs: None,
            fit_per_label: false,
            device: DeviceKind::Cpu,
            stops: false,
            annotator: None,
            augment: None,
            consistency: None,
            ensemble: 1,
            price: querist::data::Price::default(),
            generator: None,
            rejected: querist::episode::Rejected::default(),
            stop_on: StopOn::default(),
        }
    }

    /// The class of any row.
    fn label(&self, row: usize) -> u32 {
        (row % self.classes) as u32
    }

    fn task(&self) -> Task {
        let part = |rows: usize, stream: &str| {
            let mut rng = Key::root(7).named(stream).rng();
            let mut inputs = Matrix::zeros(rows, self.width);
            for row in 0..rows {
                let class = self.label(row) as usize;
                match self.levels {
                    // Every third category leans towards a level of the class's own.
                    Some(levels) => {
                        for (at, category) in inputs.row_mut(row).chunks_exact_mut(levels).enumerate() {
                            let leans = at % 3 == 0 && rng.random::<f32>() < 0.4;
                            category
                                [if leans { (class + at) % levels } else { rng.random_range(0..levels) }] =
                                1.0;
                        }
                    }
                    None => {
                        for (at, value) in inputs.row_mut(row).iter_mut().enumerate() {
                            let centre = if at % self.classes == class { 0.5 } else { 0.0 };
                            *value = centre + rng.random_range(-1.0..1.0f32);
                        }
                    }
                }
            }
            (inputs, (0..rows).map(|row| self.label(row)).collect())
        };
        let (pool, reward, test) = (part(POOL, "pool"), part(HELD, "reward"), part(HELD, "test"));
        Task::from_parts(self.name, self.classes, pool, reward, test).expect("a task")
    }
}
