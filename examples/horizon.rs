//! The figures of `experiments/policy` on horizons: does the candidate whose label is worth most after one query lead to most after five
//! and ten, too?
//!
//!     cargo run --release --example horizon [TASKS]
//!
//! On generated tasks, states of margin's episodes; from each, twelve candidates are followed twice over ten queries of margin,
//! with other seeds of all fits: what two such values have in common is what is not chance.

use querist::agent::{BasePolicy, mean_worth, rollouts};
use querist::data::synthetic::SourceFamily;
use querist::data::{RowId, SplitPlan, Task};
use querist::episode::{EpisodePlan, Episodes, Measure, PreparedTask, Replicate};
use querist::query::Registry;
use querist::{Key, Result};
use rayon::prelude::*;

/// Labels after the first of every class at which candidates are followed.
const AFTER: [usize; 4] = [0, 5, 15, 30];
/// Candidates followed from each state, and queries.
const CANDIDATES: usize = 12;
const HORIZON: usize = 10;
/// The part of a worth that is the mean probability of the true class: as in training, and accuracy alone.
const SOFT: [f64; 2] = [0.5, 0.0];
/// Lengths of rollouts that are compared.
const LENGTHS: [usize; 3] = [1, 5, 10];

pub fn main() -> Result<()> {
    let tasks = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 98,
        Some(Ok(tasks)) => tasks,
        Some(Err(_)) => {
            eprintln!("say how many tasks");
            std::process::exit(2);
        }
    };
    for soft in SOFT {
        let found =
            (0..tasks).into_par_iter().map(|task| followed(task, soft)).collect::<Result<Vec<_>>>()?;
        for (at, after) in AFTER.iter().enumerate() {
            let states: Vec<&State> = found.iter().filter_map(|states| states.get(at)).collect();
            report(&format!("{after} labels after the first, soft {soft}"), &states);
        }
        let all: Vec<&State> = found.iter().flatten().collect();
        report(&format!("all, soft {soft}"), &all);
    }
    Ok(())
}

/// Per set of seeds, length of rollouts and candidate, its worth: the mean over the queries, and that after the last.
struct State([[[Vec<f64>; 2]; LENGTHS.len()]; 2]);

/// The states of one generated task.
fn followed(number: u64, soft: f64) -> Result<Vec<State>> {
    let key = Key::root(41);
    let dataset = SourceFamily::new(key.named("sources")).sample(number)?;
    let split = SplitPlan { max_pool: 400, max_held: 400, ..SplitPlan::default() };
    let task = Task::split(&dataset, &split, key.named("split").at(number))?;
    let rows = task.pool().rows() - dataset.classes() - HORIZON;
    let plan = EpisodePlan { measure: Measure::Reward, ..EpisodePlan::default() }
        .hidden(&[32])
        .queries(rows.min(AFTER[AFTER.len() - 1] + 1), 1);
    let replicate = Replicate { prepared: PreparedTask::new(task), key: key.named("play").at(number) };
    let mut episodes = Episodes::reset(&plan, &[replicate])?;
    let mut margin = Registry::builtin().build("margin")?;
    let mut states = Vec::new();
    let mut labels = 0;
    while !episodes.live().is_empty() {
        let own = key.named("state").at(number).at(labels as u64);
        if AFTER.contains(&labels) {
            let rows = episodes.sample_candidates(0, CANDIDATES);
            let follow = |seeds: u64| {
                rollouts(&episodes, 0, &rows, (HORIZON, soft), BasePolicy::Strategy("margin"), own.at(seeds))
            };
            let both = [follow(0)?, follow(1)?];
            states.push(State(both.map(|worths| {
                LENGTHS.map(|length| {
                    let mean = worths.iter().map(|of_one| mean_worth(&of_one[..length.min(of_one.len())]));
                    let last = worths.iter().map(|of_one| of_one[length.min(of_one.len()) - 1]);
                    [mean.collect(), last.collect()]
                })
            })));
        }
        let signals = episodes.signals(0, margin.needs(), own);
        let picks: Vec<RowId> = margin.select(&episodes.view(0, &signals), 1, own)?;
        episodes.step(&[(0, picks)])?;
        labels += 1;
    }
    Ok(states)
}

/// Means over states of how two sets of values of the same candidates agree.
struct Agreement {
    correlation: f64,
    /// States in which both have the same best candidate, in %.
    same: f64,
    /// What the best by the first is worth by the second over the mean candidate, and what the best by the second is, in points.
    taken: f64,
    best: f64,
}

impl Agreement {
    fn of<'a>(pairs: impl Iterator<Item = (&'a Vec<f64>, &'a Vec<f64>)>) -> Self {
        let mut sums = [0.0; 4];
        let mut count = 0.0;
        for (a, b) in pairs {
            let mean = b.iter().sum::<f64>() / b.len() as f64;
            let first = top(a);
            let same = if first == top(b) { 100.0 } else { 0.0 };
            let one = [correlation(a, b), same, 100.0 * (b[first] - mean), 100.0 * (b[top(b)] - mean)];
            sums.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
            count += 1.0;
        }
        let [correlation, same, taken, best] = sums.map(|sum| sum / count);
        Self { correlation, same, taken, best }
    }
}

/// Lines of a table: how the worth of a candidate over so many queries is predicted by another rollout of as many, and by one query. What two
/// rollouts of one candidate do not share is chance, by which the last column corrects (Spearman, 1904).
fn report(what: &str, states: &[&State]) {
    println!("\n{what}: {} states\n", states.len());
    println!(
        "| worth | by another rollout: correlation, same best, points of best | by one query | without chance |"
    );
    println!("|---|---|---|---|");
    for (kind, called) in ["mean over", "after"].into_iter().enumerate() {
        let of = |seeds: usize, length: usize| states.iter().map(move |state| &state.0[seeds][length][kind]);
        let agree = |a: usize, b: usize| Agreement::of(of(0, a).zip(of(1, b)));
        let one = agree(0, 0).correlation;
        for (length, queries) in LENGTHS.iter().enumerate() {
            let (own, by_one) = (agree(length, length), agree(0, length));
            let shown = |found: &Agreement| {
                format!(
                    "{:.2}, {:.0} %, {:+.2} of {:.2}",
                    found.correlation, found.same, found.taken, found.best
                )
            };
            let without_chance = by_one.correlation / (one * own.correlation).sqrt();
            println!("| {called} {queries} | {} | {} | {without_chance:.2} |", shown(&own), shown(&by_one));
        }
    }
}

/// The place of the largest value, the first of equals.
fn top(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}

/// Pearson's; 0 where one side does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let product = |x: &[f64], mx: f64, y: &[f64], my: f64| {
        x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>()
    };
    let scale = (product(a, ma, a, ma) * product(b, mb, b, mb)).sqrt();
    if scale > 0.0 { product(a, ma, b, mb) / scale } else { 0.0 }
}
