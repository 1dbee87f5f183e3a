//! The figures of `experiments/policy` on how real generated tasks are: can a classifier tell their states from those of real sets, and
//! does what imitation learns on them hold on real sets?
//!
//!     cargo run --release --example realism -- FOLDER [TASKS]
//!
//! FOLDER holds the sets of `choice.toml` (`public.py` makes them ready). States are of the same episodes on both sides: one label per
//! class, thirty queries of one row, twelve candidates of each visited state judged by the one-step oracle.

mod judged;

use judged::{REAL, paired};
use querist::agent::{
    CONTEXT, CollectPlan, Forgetful, ImitationConfig, Kind, LabelledState, Network, NetworkConfig, Source,
    agreement, collect, imitate,
};
use querist::arch::NetSpec;
use querist::data::synthetic::Family;
use querist::data::{Dataset, Matrix, load};
use querist::episode::PreparedTask;
use querist::episode::features::SCHEMA;
use querist::learner::{DeviceKind, ModelData, Optimiser, TrainPlan, networks};
use querist::{Key, Result};
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rayon::prelude::*;
use std::path::Path;

/// States per task: episodes, and states visited in each; of a real set, which are fewer, more.
const GENERATED: CollectPlan =
    CollectPlan { episodes: 3, states: 6, candidates: 12, soft: 0.5, horizon: 1, context: CONTEXT };
const JUDGED: CollectPlan = CollectPlan { episodes: 20, ..GENERATED };
/// The largest weight of a generated state that is drawn to look like real ones.
const MOST: f64 = 10.0;
/// Parts that the domain classifier is tested on in turn; a task is in one of them with all of its states.
const FOLDS: usize = 5;

pub fn main() -> Result<()> {
    let (folder, count) = judged::arguments();
    let key = Key::root(43);
    let family = judged::family(key);
    let generated: Vec<Source> =
        (0..count).into_par_iter().map(|at| source(&family.sample(at)?, key)).collect::<Result<_>>()?;
    let real: Vec<Source> = REAL
        .into_par_iter()
        .map(|name| source(&load(name, Some(Path::new(&folder)))?, key))
        .collect::<Result<_>>()?;
    let collected = |sources: &Vec<Source>, plan, side: &str| {
        collect(sources, 0, plan, key.named(side), &Forgetful, &|| Ok(())).map(|found| found.states)
    };
    let on_generated = collected(&generated, GENERATED, "generated")?;
    let on_real = collected(&real, JUDGED, "real")?;
    println!(
        "{} states of {count} generated tasks, {} of {} real sets\n",
        on_generated.len(),
        on_real.len(),
        real.len()
    );
    let odds = tell_apart(&on_generated, &on_real, key)?;
    transfer(&on_generated, &odds, &on_real, key)
}

/// One split of a set, and thirty queries of one row.
fn source(dataset: &Dataset, key: Key) -> Result<Source> {
    let (task, plan) = judged::split(dataset, key.named("split").named(dataset.identity()))?;
    let prepared_tasks = vec![PreparedTask::new(task)];
    Ok(Source { name: dataset.name().into(), identity: dataset.identity().into(), prepared_tasks, plan })
}

/// A state as a row: its globals, then mean and standard deviation of every feature over what is shown of the candidates.
fn described(state: &LabelledState) -> Vec<f32> {
    let seen = &state.observation;
    let mut row = seen.globals.clone();
    for column in 0..seen.features.cols() {
        let values: Vec<f32> = (0..seen.features.rows()).map(|at| seen.features.row(at)[column]).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
        row.extend([mean, variance.sqrt()]);
    }
    row
}

/// What a column of [`described`] is called.
fn names() -> Vec<String> {
    let features =
        SCHEMA.candidate.iter().flat_map(|name| [format!("{name}, mean"), format!("{name}, spread")]);
    SCHEMA.global.iter().map(|name| name.to_string()).chain(features).collect()
}

/// Area under the ROC curve of `scores` for the rows of class 1, rows weighted so that both classes count alike; ties count half.
fn area(scores: &[(f32, u32)]) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut sum) = (0.0, 0.0);
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let ones = equal.iter().filter(|one| one.1 == 1).count() as f64;
        let zeros = equal.len() as f64 - ones;
        sum += ones * (below + zeros / 2.0);
        below += zeros;
    }
    sum / (below * (sorted.len() as f64 - below))
}

/// Whether states of generated tasks can be told from those of real sets: by logistic regression on all columns, tested on tasks that it has
/// not seen, and by each column alone. The odds of every generated state to be a real one.
fn tell_apart(generated: &[LabelledState], real: &[LabelledState], key: Key) -> Result<Vec<f64>> {
    let states: Vec<(&LabelledState, u32)> =
        generated.iter().map(|state| (state, 0)).chain(real.iter().map(|state| (state, 1))).collect();
    let mut rows: Vec<Vec<f32>> = states.iter().map(|(state, _)| described(state)).collect();
    let width = rows[0].len();
    for column in 0..width {
        let mean = rows.iter().map(|row| row[column]).sum::<f32>() / rows.len() as f32;
        let spread = rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f32>() / rows.len() as f32;
        rows.iter_mut().for_each(|row| row[column] = (row[column] - mean) / spread.sqrt().max(1e-6));
    }
    let labels: Vec<u32> = states.iter().map(|&(_, side)| side).collect();
    let inputs = Matrix::new(rows.concat(), rows.len(), width);
    let fold = |at: usize| (states[at].0.task as usize + states[at].1 as usize) % FOLDS;
    let spec = NetSpec::mlp(width, &[], 2)?;
    let train =
        TrainPlan { optimiser: Optimiser::Lbfgs { ridge: 1.0 }, weight_decay: 0.0, ..TrainPlan::default() };
    let mut scores = Vec::new();
    let mut odds = vec![0.0; generated.len()];
    for tested in 0..FOLDS {
        // The side with fewer states is repeated, so that both weigh about the same.
        let times = (generated.len() / real.len()).max(1);
        let known = (0..rows.len()).filter(|&at| fold(at) != tested);
        let known: Vec<u32> = known
            .flat_map(|at| std::iter::repeat_n(at as u32, if labels[at] == 1 { times } else { 1 }))
            .collect();
        let classes: Vec<u32> = known.iter().map(|&at| labels[at as usize]).collect();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &known,
            labels: &classes,
            validation: (&[], &[]),
            extra: None,
        };
        let mut network = networks(&spec, 1, DeviceKind::default())?;
        network.fit(&[data], &train, &[key.named("domain")])?;
        let held: Vec<u32> = (0..rows.len()).filter(|&at| fold(at) == tested).map(|at| at as u32).collect();
        let p = network.probabilities(0, inputs.view(), Some(&held));
        for (at, &row) in held.iter().enumerate().filter(|(_, row)| labels[**row as usize] == 0) {
            odds[row as usize] = f64::from(p.row(at)[1] / p.row(at)[0].max(f32::MIN_POSITIVE));
        }
        scores.extend(held.iter().enumerate().map(|(at, &row)| (p.row(at)[1], labels[row as usize])));
    }
    println!(
        "domain classifier, tasks left out: area under the ROC curve {:.3} (0.5: cannot be told apart)",
        area(&scores)
    );
    let column =
        |at: usize| area(&rows.iter().zip(&labels).map(|(row, &side)| (row[at], side)).collect::<Vec<_>>());
    let mut single: Vec<(f64, String)> =
        names().into_iter().enumerate().map(|(at, name)| (column(at), name)).collect();
    single.sort_by(|a, b| (b.0 - 0.5).abs().total_cmp(&(a.0 - 0.5).abs()));
    println!("single columns, above 0.5 larger on real sets:");
    single.iter().take(12).for_each(|(area, name)| println!("  {area:.3} {name}"));
    Ok(odds)
}

/// The least-squares scorer of some states.
fn fitted(states: &[LabelledState], key: Key) -> Result<Network> {
    let shape = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
    let untrained = Network::new(shape, SCHEMA.candidate.len(), SCHEMA.global.len(), key)?;
    let config = ImitationConfig { epochs: 0, ..ImitationConfig::default() };
    Ok(imitate(untrained, states, &[], &config, &Forgetful, key)?.0)
}

/// The share of the best candidate's gain that a scorer's first choice has, on real sets: fitted to generated tasks, to states of them drawn
/// by their odds (at most [`MOST`]) to be real ones, to each family, and to all real sets but the judged one.
fn transfer(generated: &[LabelledState], odds: &[f64], real: &[LabelledState], key: Key) -> Result<()> {
    let temperature = ImitationConfig::default().temperature;
    let sets: Vec<Vec<LabelledState>> = (0..REAL.len() as u32)
        .map(|task| real.iter().filter(|state| state.task == task).cloned().collect())
        .collect();
    let captured = |networks: &dyn Fn(usize) -> Result<Network>| -> Result<Vec<f64>> {
        sets.iter()
            .enumerate()
            .map(|(at, states)| Ok(agreement(&networks(at)?, states, temperature)?.captured))
            .collect()
    };
    let families = Family::ALL.len() as u32;
    let of = |family: u32| -> Vec<LabelledState> {
        generated.iter().filter(|state| state.task % families == family).cloned().collect()
    };
    let mut lines = Vec::new();
    let all = fitted(generated, key)?;
    lines.push(("all generated tasks".to_string(), captured(&|_| Ok(all.clone()))?));
    let weights = WeightedIndex::new(odds.iter().map(|odds| odds.min(MOST))).expect("odds are positive");
    let mut rng = key.named("resampled").rng();
    let alike: Vec<LabelledState> =
        (0..generated.len()).map(|_| generated[weights.sample(&mut rng)].clone()).collect();
    let alike = fitted(&alike, key)?;
    lines.push((
        "generated states drawn to look like real ones".to_string(),
        captured(&|_| Ok(alike.clone()))?,
    ));
    for (at, family) in Family::ALL.iter().enumerate() {
        let own = fitted(&of(at as u32), key)?;
        lines.push((format!("{} alone", family.name()), captured(&|_| Ok(own.clone()))?));
    }
    for (at, family) in Family::ALL.iter().enumerate() {
        let others: Vec<LabelledState> =
            generated.iter().filter(|state| state.task % families != at as u32).cloned().collect();
        let own = fitted(&others, key)?;
        lines.push((format!("without {}", family.name()), captured(&|_| Ok(own.clone()))?));
    }
    let others = |at: usize| {
        let others: Vec<LabelledState> =
            real.iter().filter(|state| state.task != at as u32).cloned().collect();
        fitted(&others, key)
    };
    lines.push(("the other real sets".to_string(), captured(&others)?));
    println!(
        "\nshare of the best of twelve candidates' gain that the first choice has, mean of {} real sets:",
        sets.len()
    );
    let base = lines[0].1.clone();
    for (name, shares) in &lines {
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let (difference, error) = paired(shares, &base);
        println!("  {name}: {mean:.3} ({difference:+.3} ± {error:.3})");
    }
    let own = agreement(&all, generated, temperature)?.captured;
    println!("on the generated tasks themselves, which it was fitted to: {own:.3}");
    Ok(())
}
