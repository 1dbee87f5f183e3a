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

fn report(what: &str, states: &[&State]) {
    println!("{what}: {} states", states.len());
    for (kind, called) in ["mean over the queries", "after the last query"].into_iter().enumerate() {
        let of = |seeds: usize, length: usize| states.iter().map(move |state| &state.0[seeds][length][kind]);
        let agree = |a: (usize, usize), b: (usize, usize)| {
            let mut sum = 0.0;
            let mut same = 0;
            let (mut taken, mut best) = (0.0, 0.0);
            for (a, b) in of(a.0, a.1).zip(of(b.0, b.1)) {
                sum += correlation(a, b);
                let first = top(a);
                same += usize::from(first == top(b));
                let mean = b.iter().sum::<f64>() / b.len() as f64;
                taken += b[first] - mean;
                best += b[top(b)] - mean;
            }
            let count = states.len() as f64;
            (sum / count, 100.0 * same as f64 / count, 100.0 * taken / count, 100.0 * best / count)
        };
        for (length, queries) in LENGTHS.iter().enumerate() {
            let (own, same, taken, best) = agree((0, length), (1, length));
            let (one, same_one, taken_one, _) = agree((0, 0), (1, length));
            println!(
                "  {called}, {queries:2} queries: other seeds correlation {own:.3}, same best {same:.0} %, best of one set of seeds is worth {taken:+.2} points of {best:.2}; by one query {one:.3}, {same_one:.0} %, {taken_one:+.2}"
            );
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
