//! What searching architectures costs.
//!
//! `cargo bench --bench search` scores the candidates of a local search by cross-validation, as banks and
//! one network at a time, on the bank engine and through burn; then it plays Active-iNAS on digits (twenty
//! rounds, one move each) against fixed networks. The last line is JSON. What is compared is interleaved, and
//! medians are taken, because other work on the machine moves the clock.

use burn::tensor::Device;
use querist::Key;
use querist::arch::{ArchSpace, NetSpec, Point, Space};
use querist::data::{Oracle, SplitPlan, Task, embedded, uniform_rows};
use querist::episode::{
    EpisodePlan, InitialPool, Measure, OracleOn, Player, PreparedTask, Replicate, StopOn, play,
};
use querist::learner::{BurnNet, DeviceKind, Loss, Metric, Optimiser, Start, Stop, TrainPlan};
use querist::query::Registry;
use querist::search::{
    Banks, Evaluation, FoldJob, FoldScore, Job, LocalArchitect, ScoreCache, Trainer, fit_score_by, score,
};
use serde_json::{Value, json};
use std::time::Instant;

const BLOCKS: usize = 7;
/// Episodes whose candidates are scored together, and folds of each.
const EPISODES: usize = 8;
const FOLDS: u32 = 4;
const STEPS: u32 = 63;

/// Trains the jobs of a call one after another.
struct OneByOne<T>(T);

impl<T: Trainer> Trainer for OneByOne<T> {
    fn fit_score(
        &mut self,
        spec: &NetSpec,
        jobs: &[FoldJob<'_>],
        plan: &TrainPlan,
        keys: &[Key],
    ) -> querist::Result<Vec<FoldScore>> {
        let mut scores = Vec::with_capacity(jobs.len());
        for (job, &key) in jobs.iter().zip(keys) {
            scores.extend(self.0.fit_score(spec, std::slice::from_ref(job), plan, &[key])?);
        }
        Ok(scores)
    }
}

/// The same through burn.
struct Burns;

impl Trainer for Burns {
    fn fit_score(
        &mut self,
        spec: &NetSpec,
        jobs: &[FoldJob<'_>],
        plan: &TrainPlan,
        keys: &[Key],
    ) -> querist::Result<Vec<FoldScore>> {
        fit_score_by(&mut BurnNet::new(spec, jobs.len(), Device::flex())?, jobs, plan, keys)
    }
}

fn training() -> TrainPlan {
    TrainPlan {
        loss: Loss::CrossEntropy,
        optimiser: Optimiser::Adam,
        learning_rate: 0.003,
        weight_decay: 1e-4,
        batch: 32,
        drop_last: false,
        stop: Stop::Steps { steps: 252 },
        start: Start::Scratch,
    }
}

fn digits() -> Task {
    let digits = embedded::load("digits").expect("it is embedded");
    Task::split(&digits, &SplitPlan::default(), Key::root(1)).expect("large enough")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    eprintln!(
        "{:>28} {:>12} {:>12} {:>12}   bank against one by one, against burn",
        "candidate", "bank", "one by one", "burn"
    );
    let spaces = [
        ("width 8", ArchSpace { widths: widths(8), ..ArchSpace::default() }),
        ("width 32", ArchSpace::default()),
    ];
    let mut candidates = Vec::new();
    for (name, space) in spaces {
        for point in [Point::new(1, 1), Point::new(2, 1), Point::new(1, 2)] {
            candidates.push(scoring(name, &space.spec(&point, 64, 10).expect("in the space")));
        }
    }
    let growing = growing();
    println!("{}", json!({ "candidates": candidates, "growing": growing }));
}

fn widths(base: usize) -> querist::arch::Widths {
    querist::arch::Widths { base, ..querist::arch::Widths::default() }
}

/// Seconds of scoring one candidate on all episodes: as banks, one by one, and through burn.
fn scoring(name: &str, spec: &NetSpec) -> Value {
    let task = std::sync::Arc::new(digits());
    let labelled: Vec<(Vec<u32>, Vec<u32>)> = (0..EPISODES as u64)
        .map(|episode| {
            let rows = uniform_rows(&task, 100, Key::root(episode)).expect("enough rows");
            let labels = Oracle::new(task.clone(), 0).peek(&rows);
            (rows.iter().map(|row| row.0).collect(), labels)
        })
        .collect();
    let evaluations: Vec<Evaluation<'_>> = labelled
        .iter()
        .map(|(rows, labels)| {
            Evaluation::new(task.pool(), rows, labels, 10, FOLDS, training(), Key::root(9)).expect("sound")
        })
        .collect();
    let jobs: Vec<Job<'_>> =
        evaluations.iter().map(|evaluation| Job { evaluation, spec, steps: STEPS }).collect();
    let time = |trainer: &mut dyn Trainer| {
        let started = Instant::now();
        let outcomes = score(trainer, &mut ScoreCache::default(), &jobs).expect("sound jobs");
        (started.elapsed().as_secs_f64(), outcomes)
    };
    let mut times = [const { Vec::new() }; 3];
    for block in 0..BLOCKS {
        let (bank, outcomes) = time(&mut Banks);
        let (one, same) = time(&mut OneByOne(Banks));
        assert_eq!(outcomes, same, "a network's result does not depend on its neighbours");
        times[0].push(bank);
        times[1].push(one);
        // An order of magnitude slower: fewer blocks will do.
        if block < 3 {
            times[2].push(time(&mut OneByOne(Burns)).0);
        }
    }
    let [bank, one, burn] = times.map(median);
    let shape = format!("{name}: {spec}");
    eprintln!(
        "{shape:>28} {bank:>11.4}s {one:>11.4}s {burn:>11.4}s   {:.1}x, {:.1}x",
        one / bank,
        burn / bank
    );
    json!({ "shape": spec.to_string(), "bank": bank, "one_by_one": one, "burn": burn })
}

/// Seconds of an episode on digits: fixed networks, and the one that grows.
fn growing() -> Value {
    let space = ArchSpace::default();
    let prepared = PreparedTask::new(digits());
    let blocks = |point: Point| space.spec(&point, 64, 10).expect("in the space").blocks().to_vec();
    let episode = |start: Point, folds: Option<u32>, key: u64| {
        let plan = EpisodePlan {
            fit_per_label: false,
            device: DeviceKind::Cpu,
            augment: None,
            consistency: None,
            ensemble: 1,
            price: querist::data::Price::default(),
            generator: None,
            rejected: querist::episode::Rejected::default(),
            stops: false,
            annotator: None,
            blocks: blocks(start),
            dropout: 0.0,
            train: training(),
            initial: InitialPool::default(),
            initial_per_class: 1,
            query_size: 10,
            budget: 200,
            metric: Metric::default(),
            target_accuracy: None,
            target_share: None,
            measure: Measure::RewardAndTest,
            stop_on: StopOn::default(),
            oracle_on: OracleOn::default(),
            first_epochs: None,
        };
        let local = folds.map(|folds| {
            let local = LocalArchitect::new(space, start, folds, training(), 10).with_share(0.25);
            Box::new(local) as Box<dyn querist::episode::Architect>
        });
        let player = Player {
            name: "least_confidence".into(),
            strategy: Registry::builtin().build("least_confidence").expect("it is registered"),
            replicate: Replicate { prepared: prepared.clone(), key: Key::root(key) },
            repetition: 0,
            architect: local,
        };
        let started = Instant::now();
        let played = play(&plan, vec![player]).expect("a sound plan");
        let last = played[0].rows.last().expect("rows").architecture.clone();
        (started.elapsed().as_secs_f64(), last)
    };
    let (small, start) = (Point::new(1, 1), Point::new(1, 1));
    let cases = [
        ("fixed A(1,1)", small, None),
        ("fixed A(2,2)", Point::new(2, 2), None),
        ("fixed A(2,4)", Point::new(2, 4), None),
        ("growing, single split", start, Some(1)),
        ("growing, two folds", start, Some(2)),
        ("growing, four folds", start, Some(4)),
    ];
    let mut times = vec![Vec::new(); cases.len()];
    for block in 0..BLOCKS as u64 {
        for (case, (_, point, folds)) in cases.iter().enumerate() {
            let (seconds, last) = episode(*point, *folds, block);
            times[case].push((seconds, last));
        }
    }
    let mut lines = Vec::new();
    for ((name, ..), times) in cases.iter().zip(times) {
        let ends = times[0].1.clone();
        let seconds = median(times.into_iter().map(|(seconds, _)| seconds).collect());
        eprintln!("{name:>28} {seconds:>11.4}s   ends as {ends} in the first episode");
        lines.push(json!({ "case": name, "seconds": seconds }));
    }
    Value::from(lines)
}
