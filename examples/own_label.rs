//! The figures of `experiments/policy` on a reference: how much better would a policy choose if it knew the candidate's own label, and
//! no other?
//!
//!     cargo run --release --example own_label -- FOLDER [TASKS]
//!
//! FOLDER holds the sets of `choice.toml` (`public.py` makes them ready). In states of margin's episodes twelve candidates are judged by
//! the one-step oracle. Least-squares scorers are fitted to generated tasks and choose on real sets: one from the policy's features,
//! one from these and from what the network and the labels in hand say of the candidate's true class.

mod judged;

use judged::{CANDIDATES, Judged, REAL, paired};
use querist::agent::{
    Forgetful, ImitationConfig, Kind, LabelledState, Network, NetworkConfig, agreement, imitate,
};
use querist::data::{Dataset, Matrix, RowId, load};
use querist::episode::Observation;
use querist::episode::features::SCHEMA;
use querist::{Key, Result};
use rayon::prelude::*;
use std::path::Path;

/// Episodes per generated task and per real set, of thirty queries each.
const EPISODES: [u64; 2] = [3, 20];

pub fn main() -> Result<()> {
    let (folder, count) = judged::arguments();
    let key = Key::root(47);
    let family = judged::family(key);
    let of = |dataset: &Dataset, task: u32, episodes: u64| -> Result<Vec<LabelledState>> {
        let own = (0..episodes).map(|episode| judged::states(dataset, task, key, episode, &own_label));
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
        .map(|(at, name)| of(&load(name, Some(Path::new(&folder)))?, at as u32, EPISODES[1]))
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
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64;
    let (difference, error) = paired(&knowing, &plain);
    println!("  the policy's features: {:.3}", mean(&plain));
    println!("  and the candidate's own label: {:.3} ({difference:+.3} ± {error:.3})", mean(&knowing));
    Ok(())
}

/// What the true class of a candidate, the network and the labels in hand say together.
fn own_label(state: &Judged<'_>, row: RowId) -> Vec<f32> {
    let true_class = state.dataset.labels()[state.task.dataset_row(row) as usize] as usize;
    let (_, labels) = state.episodes.labelled(0);
    let classes = state.task.classes();
    let p = state.episodes.probabilities(0, &[row.0]);
    let known = labels.iter().filter(|&&label| label as usize == true_class).count() as f32;
    let share = (known + 1.0) / (labels.len() + classes) as f32 * classes as f32;
    let of_true = p.row(0)[true_class];
    let wrong = p.row(0).iter().any(|&other| other > of_true);
    vec![of_true, of_true.max(1e-3).ln(), f32::from(wrong), share.ln()]
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
