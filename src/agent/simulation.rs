//! Where a policy's experience comes from: simulated episodes on source tasks.
//!
//! [`collect`] visits states and looks one label ahead in each, for imitation; [`Simulation`] plays whole
//! episodes against a baseline at the same seats, for policy gradients. Both read reward rows only.

use super::imitation::LabelledState;
use super::network::Scorer;
use super::policy_gradient::{Decision, Trajectory};
use super::trainer::Environment;
use super::batch;
use crate::data::{Matrix, RowId};
use crate::episode::{EpisodePlan, Episodes, Ground, Measure, Observation, Seat, features};
use crate::error::Result;
use crate::query::{Strategy, uncertainty};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::index;
use rayon::prelude::*;
use std::sync::Arc;

/// Episodes that advance in one bank.
const LANES: usize = 16;

/// A task to learn from: one or more splits of it, and the episodes to play on them.
#[derive(Clone, Debug)]
pub struct Source {
    /// The data set's name.
    pub name: String,
    /// Its splits; repetitions take them in turn.
    pub grounds: Vec<Arc<Ground>>,
    /// What is played.
    pub plan: EpisodePlan,
}

impl Source {
    /// The seat of repetition `index`, derived from `key`.
    fn seat(&self, key: Key, index: usize) -> Seat {
        Seat { ground: self.grounds[index % self.grounds.len()].clone(), key: key.at(index as u64) }
    }

    fn learning_plan(&self) -> EpisodePlan {
        EpisodePlan { measure: Measure::Reward, ..self.plan.clone() }
    }
}

/// How states for imitation are collected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectPlan {
    /// Episodes per source task.
    pub episodes: usize,
    /// States per episode in which one label is looked ahead.
    pub states: usize,
    /// Candidates that are looked ahead per state.
    pub candidates: usize,
    /// Most candidates that a state is described over.
    pub cap: usize,
}

/// Visits states of every source and measures the one-step gain of some candidates in each.
///
/// The episodes are continued by random rows, by margin, or by the best row found, drawn anew at every
/// step, so that the states cover what good and bad policies come through.
pub fn collect(sources: &[Source], plan: CollectPlan, key: Key) -> Result<Vec<LabelledState>> {
    let states: Vec<Vec<LabelledState>> = sources
        .par_iter()
        .enumerate()
        .map(|(task, source)| collect_one(source, task as u32, plan, key.named(&source.name)))
        .collect::<Result<_>>()?;
    Ok(states.into_iter().flatten().collect())
}

fn collect_one(source: &Source, task: u32, plan: CollectPlan, key: Key) -> Result<Vec<LabelledState>> {
    let mut states = Vec::new();
    for block in (0..plan.episodes).step_by(LANES) {
        let lanes = LANES.min(plan.episodes - block);
        let seats: Vec<Seat> = (0..lanes).map(|lane| source.seat(key.named("seat"), block + lane)).collect();
        let rounds = source.plan.budget.div_ceil(source.plan.query_size);
        let visited: Vec<Vec<usize>> = seats
            .iter()
            .map(|seat| index::sample(&mut seat.key.named("visited").rng(), rounds, plan.states.min(rounds)).into_vec())
            .collect();
        let mut episodes = Episodes::reset(&source.learning_plan(), &seats)?;
        for round in 0..rounds {
            let live = episodes.live();
            let looking: Vec<usize> = live.iter().copied().filter(|&lane| visited[lane].contains(&round)).collect();
            let gains = episodes.look_ahead(&looking, plan.candidates)?;
            let mut picks = Vec::with_capacity(live.len());
            for lane in live {
                let step = seats[lane].key.named("step").at(round as u64);
                let found = looking.iter().position(|&other| other == lane).map(|at| &gains[at]);
                if let Some(gains) = found {
                    let signals = episodes.signals(lane, features::needs(), step);
                    let view = episodes.view(lane, &signals);
                    let seen = features::observe(&view, episodes.batch(lane), usize::MAX, step)?;
                    states.push(labelled(&seen, gains, task));
                }
                picks.push((lane, continue_by(&episodes, lane, found, step)?));
            }
            episodes.step(&picks)?;
        }
    }
    Ok(states)
}

/// The looked-ahead candidates of an observation, with their gains.
fn labelled(seen: &Observation, gains: &[(RowId, f32)], task: u32) -> LabelledState {
    let places: Vec<usize> = gains
        .iter()
        .map(|(row, _)| seen.candidates.binary_search(row).expect("every candidate is shown"))
        .collect();
    LabelledState {
        observation: Observation {
            candidates: gains.iter().map(|&(row, _)| row).collect(),
            features: seen.features.gather(places),
            globals: seen.globals.clone(),
        },
        gains: gains.iter().map(|&(_, gain)| gain).collect(),
        task,
    }
}

fn continue_by(
    episodes: &Episodes,
    lane: usize,
    gains: Option<&Vec<(RowId, f32)>>,
    key: Key,
) -> Result<Vec<RowId>> {
    let batch = episodes.batch(lane);
    let mut rng = key.named("behaviour").rng();
    let coin: f32 = rng.random();
    if let (Some(gains), true, true) = (gains, coin < 0.5, batch == 1) {
        let best = gains.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        return Ok(best.map(|&(row, _)| row).into_iter().collect());
    }
    let mut strategy: Box<dyn Strategy> =
        if coin < 0.75 { crate::query::registry::build("margin")? } else { crate::query::registry::build("random")? };
    let signals = episodes.signals(lane, strategy.needs(), key);
    strategy.select(&episodes.view(lane, &signals), batch, key.named("continue"))
}
