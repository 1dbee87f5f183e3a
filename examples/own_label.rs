//! The figures of `experiments/policy` on a reference: how much better would a policy choose if it knew the candidate's own label, and
//! no other?
//!
//!     cargo run --release --example own_label -- FOLDER [TASKS]
//!
//! FOLDER holds the sets of `choice.toml` (`public.py` makes them ready). In states of margin's episodes twelve candidates are judged by
//! the one-step oracle. Least-squares scorers are fitted to generated tasks and choose on real sets: one from the policy's features,
//! one from these and from what the network and the labels in hand say of the candidate's true class.

use querist::agent::{
    Forgetful, ImitationConfig, Kind, LabelledState, Network, NetworkConfig, agreement, imitate,
};
use querist::data::synthetic::SourceFamily;
use querist::data::{Dataset, Matrix, RowId, SplitPlan, Task, load};
use querist::episode::features::{self, SCHEMA};
use querist::episode::{EpisodePlan, Episodes, Measure, Observation, PreparedTask, Reference, Replicate};
use querist::query::Registry;
use querist::{Key, Result};
use rayon::prelude::*;
use std::path::Path;

/// The sets of `choice.toml`.
const REAL: [&str; 15] = [
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
/// Episodes per generated task and per real set, of thirty queries each.
const EPISODES: [u64; 2] = [3, 20];
/// Labels are looked ahead in every fifth round, of so many candidates, with half of the gain in the mean probability of the
/// true class: as in training.
const EVERY: usize = 5;
const CANDIDATES: usize = 12;
const SOFT: f64 = 0.5;
/// What a known label tells of its row.
const OWN: usize = 4;

pub fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, count) = match &arguments[..] {
        [folder] => (folder, 504),
        [folder, tasks] if tasks.parse::<u64>().is_ok() => (folder, tasks.parse().unwrap_or_default()),
        _ => {
            eprintln!("say the folder with the sets of choice.toml, and how many tasks are generated");
            std::process::exit(2);
        }
    };
    let key = Key::root(47);
    let family = SourceFamily::new(key.named("sources")).with_many_classes(MANY_CLASSES);
    let of = |dataset: &Dataset, task: u32, episodes: u64| -> Result<Vec<LabelledState>> {
        let own = (0..episodes).map(|episode| episode_states(dataset, task, key, episode));
        Ok(own.collect::<Result<Vec<_>>>()?.concat())
    };
    let generated = (0..count)
        .into_par_iter()
        .map(|at| of(&family.sample(at)?, at as u32, EPISODES[0]))
        .collect::<Result<Vec<_>>>()?
        .concat();
    let real = REAL
        .into_par_iter()
        .enumerate()
        .map(|(at, name)| of(&load(name, Some(Path::new(folder)))?, at as u32, EPISODES[1]))
        .collect::<Result<Vec<_>>>()?;
    println!("{} states of {count} generated tasks, {} real sets", generated.len(), real.len());
    println!(
        "share of the best of {CANDIDATES} candidates' gain that the first choice has, mean over real sets:"
    );
    let plain = captured(
        &narrowed(&generated),
        &real.iter().map(|states| narrowed(states)).collect::<Vec<_>>(),
        key,
    )?;
    let knowing = captured(&generated, &real, key)?;
    let n = plain.len() as f64;
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / n;
    let differences: Vec<f64> = knowing.iter().zip(&plain).map(|(a, b)| a - b).collect();
    let difference = mean(&differences);
    let variance = differences.iter().map(|d| (d - difference).powi(2)).sum::<f64>() / (n - 1.0);
    println!("  the policy's features: {:.3}", mean(&plain));
    println!(
        "  and the candidate's own label: {:.3} ({difference:+.3} ± {:.3})",
        mean(&knowing),
        (variance / n).sqrt()
    );
    Ok(())
}

/// States of one of margin's episodes on a set, with the features of a policy and, behind them, [`OWN`] of the known label.
fn episode_states(dataset: &Dataset, number: u32, key: Key, episode: u64) -> Result<Vec<LabelledState>> {
    let key = key.named(dataset.identity()).at(episode);
    let split = SplitPlan { max_pool: 400, max_held: 400, ..SplitPlan::default() };
    let task = Task::split(dataset, &split, key.named("split"))?;
    let left = task.pool().rows().saturating_sub(task.classes());
    let plan = EpisodePlan { measure: Measure::Reward, ..EpisodePlan::default() }.queries(left.min(30), 1);
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
            let seen = features::observe(&episodes.view(0, &signals), 1, usize::MAX, own)?;
            let rows: Vec<RowId> = gains.iter().map(|&(row, _)| row).collect();
            let class = |row: RowId| dataset.labels()[prepared.task().dataset_row(row) as usize] as usize;
            let (_, labels) = episodes.labelled(0);
            let classes = prepared.task().classes();
            let ids: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let p = episodes.probabilities(0, &ids);
            let mut values = Vec::new();
            for (at, &row) in rows.iter().enumerate() {
                let place = seen.candidates.binary_search(&row).expect("every candidate is shown");
                let true_class = class(row);
                let known = labels.iter().filter(|&&label| label as usize == true_class).count() as f32;
                let share = (known + 1.0) / (labels.len() + classes) as f32 * classes as f32;
                let of_true = p.row(at)[true_class];
                let wrong = p.row(at).iter().any(|&other| other > of_true);
                values.extend_from_slice(seen.features.row(place));
                values.extend([of_true, of_true.max(1e-3).ln(), f32::from(wrong), share.ln()]);
            }
            states.push(LabelledState {
                observation: Observation {
                    features: Matrix::new(values, rows.len(), SCHEMA.candidate.len() + OWN),
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

/// The same states without what the labels tell.
fn narrowed(states: &[LabelledState]) -> Vec<LabelledState> {
    let width = SCHEMA.candidate.len();
    let narrow = |state: &LabelledState| {
        let seen = &state.observation;
        let values =
            (0..seen.features.rows()).flat_map(|row| seen.features.row(row)[..width].to_vec()).collect();
        let features = Matrix::new(values, seen.features.rows(), width);
        LabelledState { observation: Observation { features, ..seen.clone() }, ..state.clone() }
    };
    states.iter().map(narrow).collect()
}

/// The share of the best gain that a least-squares scorer of `generated` has on each real set.
fn captured(generated: &[LabelledState], real: &[Vec<LabelledState>], key: Key) -> Result<Vec<f64>> {
    let shape = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
    let width = generated[0].observation.features.cols();
    let untrained = Network::new(shape, width, SCHEMA.global.len(), key)?;
    let config = ImitationConfig { epochs: 0, ..ImitationConfig::default() };
    let scorer = imitate(untrained, generated, &[], &config, &Forgetful, key)?.0;
    real.iter().map(|states| Ok(agreement(&scorer, states, config.temperature)?.captured)).collect()
}
