//! What the examples about the sets of `choice.toml` share: how they are called, and states of margin's episodes in which candidates are
//! judged by the one-step oracle.

// Every example compiles this for itself and uses a part of it.
#![allow(dead_code)]

use querist::agent::LabelledState;
use querist::data::synthetic::SourceFamily;
use querist::data::{Dataset, Matrix, RowId, SplitPlan, Task};
use querist::episode::features;
use querist::episode::{EpisodePlan, Episodes, Measure, Observation, PreparedTask, Reference, Replicate};
use querist::query::{PoolView, Registry};
use querist::{Key, Result};

/// The sets of `choice.toml`.
pub const REAL: [&str; 15] = [
    "glass",
    "authorship",
    "car",
    "colic",
    "hypothyroid",
    "sick",
    "sonar",
    "audiology",
    "spambase",
    "anneal",
    "balance_scale",
    "primary_tumor",
    "cmc",
    "pendigits",
    "page_blocks",
];
/// The share of generated tasks with many classes, as in `universal.toml`.
const MANY_CLASSES: f64 = 0.15;
/// Labels are looked ahead in every fifth round, of so many candidates, with half of the gain in the mean probability of the
/// true class: as in training.
const EVERY: usize = 5;
pub const CANDIDATES: usize = 12;
const SOFT: f64 = 0.5;

/// The folder with the sets of `choice.toml`, and how many tasks are generated.
pub fn arguments() -> (String, u64) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [folder] => (folder.clone(), 504),
        [folder, tasks] if tasks.parse::<u64>().is_ok() => {
            (folder.clone(), tasks.parse().unwrap_or_default())
        }
        _ => {
            eprintln!("say the folder with the sets of choice.toml, and how many tasks are generated");
            std::process::exit(2);
        }
    }
}

/// The generator of tasks.
pub fn family(key: Key) -> SourceFamily {
    SourceFamily::new(key.named("sources")).with_many_classes(MANY_CLASSES)
}

/// One split of a set, and an episode of thirty queries of one row on it.
pub fn split(dataset: &Dataset, key: Key) -> Result<(Task, EpisodePlan)> {
    let split = SplitPlan { max_pool: 400, max_held: 400, ..SplitPlan::default() };
    let task = Task::split(dataset, &split, key)?;
    let left = task.pool().rows().saturating_sub(task.classes());
    let plan = EpisodePlan { measure: Measure::Reward, ..EpisodePlan::default() }.queries(left.min(30), 1);
    Ok((task, plan))
}

/// A state whose candidates are being judged.
pub struct Judged<'a> {
    pub dataset: &'a Dataset,
    pub task: &'a Task,
    pub episodes: &'a Episodes,
    pub view: &'a PoolView<'a>,
}

/// States of one of margin's episodes on a set, with the features of a policy and, behind them, what `further` says of a candidate.
pub fn states(
    dataset: &Dataset,
    number: u32,
    key: Key,
    episode: u64,
    further: &(dyn Fn(&Judged<'_>, RowId) -> Vec<f32> + Sync),
) -> Result<Vec<LabelledState>> {
    let key = key.named(dataset.identity()).at(episode);
    let (task, plan) = split(dataset, key.named("split"))?;
    let prepared = PreparedTask::new(task);
    let mut episodes =
        Episodes::reset(&plan, &[Replicate { prepared: prepared.clone(), key: key.named("play") }])?;
    let mut margin = Registry::builtin().build("margin")?;
    let (mut states, mut round) = (Vec::new(), 0);
    while !episodes.live().is_empty() {
        let own = key.named("state").at(round as u64);
        if round % EVERY == 0 {
            let gains = episodes.look_ahead(&[0], CANDIDATES, SOFT, Reference::Present)?.remove(0);
            let signals = episodes.signals(0, features::needs(), own);
            let view = episodes.view(0, &signals);
            let seen = features::observe(&view, 1, usize::MAX, own)?;
            let judged = Judged { dataset, task: prepared.task(), episodes: &episodes, view: &view };
            let rows: Vec<RowId> = gains.iter().map(|&(row, _)| row).collect();
            let mut described = Vec::new();
            for &row in &rows {
                let place = seen.candidates.binary_search(&row).expect("every candidate is shown");
                let own = further(&judged, row);
                described.push([seen.features.row(place), &own].concat());
            }
            let width = described[0].len();
            states.push(LabelledState {
                observation: Observation {
                    features: Matrix::new(described.concat(), rows.len(), width),
                    candidates: rows,
                    globals: seen.globals,
                },
                gains: gains.into_iter().map(|(_, gain)| gain).collect(),
                task: number,
            });
        }
        let signals = episodes.signals(0, margin.needs(), own);
        let picks = margin.select(&episodes.view(0, &signals), 1, own)?;
        episodes.step(&[(0, picks)])?;
        round += 1;
    }
    Ok(states)
}

/// Mean of paired differences and its standard error.
pub fn paired(a: &[f64], b: &[f64]) -> (f64, f64) {
    let n = a.len() as f64;
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}
