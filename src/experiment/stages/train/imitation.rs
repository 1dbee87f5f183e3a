//! Imitation of the greedy oracle, with DAgger, and what a run remembers of it.

use super::super::StageContext;
use super::{Point, collect_plan, point};
use crate::agent::{
    self, Behaviour, CollectPlan, Collected, DaggerConfig, Expert, ImitationConfig, LabelledState, Network,
    OptimiserConfig, Parts, Range, Side, Simulation, Source, Tasks, collect, collect_by, dagger,
};
use crate::episode::features::groups;
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::rng::Key;
use crate::run::{RunError, store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What imitation hands to the policy search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Imitated {
    pub(super) weights: Vec<f32>,
    pub(super) states: usize,
    pub(super) figures: BTreeMap<String, f64>,
    pub(super) curve: Vec<Point>,
    /// What the globals of the states came to.
    pub(super) range: Range,
}

/// More than what imitation came to takes, in bytes.
const MAX_IMITATED_BYTES: u64 = 16 << 20;

/// What imitation came to: remembered, or done now.
pub(super) fn imitated(
    plan: &Plan,
    (stage_context, parts): (StageContext<'_>, &dyn Parts),
    untrained: &Network,
    simulation: &Simulation<'_>,
    (sources, validation): (&[Source], &[Source]),
    key: Key,
) -> Result<Imitated> {
    if let Some(imitated) = recall(stage_context)? {
        return Ok(imitated);
    }
    let section = &plan.train().expect("the stage runs where there is a section").imitation;
    let mut curve = vec![point("untrained", 0, &simulation.gains(untrained)?)];
    if section.epochs == 0 {
        let weights = untrained.weights().to_vec();
        let (figures, range) = (BTreeMap::new(), Range::default());
        return remember(stage_context, Imitated { weights, states: 0, figures, curve, range });
    }
    let bar = stage_context.progress.begin("look ahead", (sources.len() + validation.len()) as u64);
    let watch = || super::watch(stage_context, &*bar);
    let collect_plan = collect_plan(plan);
    let look_ahead = |tasks, first| collect(tasks, first, collect_plan, key.named("collect"), parts, &watch);
    let Collected { mut states, range } = look_ahead(Tasks::of(Side::Sources, sources), 0)?;
    let mut held = look_ahead(Tasks::of(Side::Validation, validation), sources.len() as u32)?.states;
    hide(&section.without, &mut states);
    hide(&section.without, &mut held);
    drop(bar);
    let config = config(plan);
    let section = &plan.train().expect("the stage runs where there is a section").dagger;
    let dagger_config = DaggerConfig { rounds: section.rounds as u32, mixing: section.mixing };
    let bar = stage_context
        .progress
        .begin("look ahead on the policy's way", (section.rounds * sources.len()) as u64);
    let watch = || super::watch(stage_context, &*bar);
    let mut expert = GreedyExpert { plan, sources, simulation, gains: Vec::new(), parts, watch: &watch };
    let configs = (&dagger_config, &config);
    let (network, rounds) =
        dagger(untrained, states, &held, configs, &mut expert, parts, key.named("imitate"))?;
    for (round, gains) in rounds.iter().zip(&expert.gains) {
        let phase = if round.round == 0 { "imitation" } else { "dagger" };
        curve.push(point(phase, u64::from(round.round), gains));
    }
    let kept = rounds.iter().rev().max_by(|a, b| a.value.total_cmp(&b.value)).expect("round 0 is played");
    let mut figures = BTreeMap::new();
    for (name, agreement) in
        [("training", Some(kept.imitation.training)), ("validation", kept.imitation.validation)]
    {
        if let Some(agreement) = agreement {
            figures.insert(format!("imitation_{name}_top1"), agreement.top1);
            figures.insert(format!("imitation_{name}_captured"), agreement.captured);
        }
    }
    let states = rounds.last().map_or(0, |round| round.states);
    remember(stage_context, Imitated { weights: network.weights().to_vec(), states, figures, curve, range })
}

/// How imitation is fitted.
pub(in crate::experiment) fn config(plan: &Plan) -> ImitationConfig {
    let section = &plan.train().expect("the stage runs where there is a section").imitation;
    ImitationConfig {
        epochs: section.epochs as u32,
        temperature: section.temperature as f32,
        optimiser: OptimiserConfig { learning_rate: section.learning_rate, ..OptimiserConfig::default() },
        ..ImitationConfig::default()
    }
}

/// How states are collected on the policy's own way, in each round of DAgger.
pub(in crate::experiment) fn dagger_plan(plan: &Plan) -> CollectPlan {
    let section = &plan.train().expect("the stage runs where there is a section").dagger;
    CollectPlan { episodes: section.episodes, ..collect_plan(plan) }
}

/// Sets the features of some groups to zero: a linear network that has not seen them gives them no weight.
fn hide(without: &[String], states: &mut [LabelledState]) {
    let groups = groups();
    for group in groups.iter().filter(|group| without.iter().any(|name| name == group.name)) {
        for LabelledState { observation, .. } in &mut *states {
            for row in 0..observation.features.rows() {
                group.candidate.iter().for_each(|&column| observation.features.row_mut(row)[column] = 0.0);
            }
            group.global.iter().for_each(|&column| observation.globals[column] = 0.0);
        }
    }
}

/// The greedy oracle on the source tasks, and margin on the validation tasks to compare with.
struct GreedyExpert<'a> {
    plan: &'a Plan,
    sources: &'a [Source],
    simulation: &'a Simulation<'a>,
    /// Per round, the gains over margin by validation task.
    gains: Vec<Vec<f64>>,
    parts: &'a dyn Parts,
    watch: agent::collection::Watch<'a>,
}

impl Expert for GreedyExpert<'_> {
    fn label(&mut self, network: &Network, others: f64, _round: u32, key: Key) -> Result<Vec<LabelledState>> {
        let section = self.plan.train().expect("the stage runs where there is a section");
        let behaviour = Behaviour::Policy { network, others, cap: self.plan.episode().candidates };
        let tasks = Tasks::of(Side::Sources, self.sources);
        let mut states =
            collect_by(behaviour, tasks, 0, dagger_plan(self.plan), key, self.parts, self.watch)?.states;
        hide(&section.imitation.without, &mut states);
        Ok(states)
    }

    fn value(&mut self, network: &Network) -> Result<f64> {
        let gains = self.simulation.gains(network)?;
        let mean = gains.iter().sum::<f64>() / gains.len().max(1) as f64;
        self.gains.push(gains);
        Ok(mean)
    }
}

fn remember(stage_context: StageContext<'_>, imitated: Imitated) -> Result<Imitated> {
    stage_context.store.save(store::IMITATED, &serde_json::to_vec(&imitated).expect("finite numbers"))?;
    Ok(imitated)
}

fn recall(stage_context: StageContext<'_>) -> Result<Option<Imitated>> {
    let Some(bytes) = stage_context.store.saved(store::IMITATED, MAX_IMITATED_BYTES)? else {
        return Ok(None);
    };
    let path = stage_context.store.path(store::IMITATED)?;
    let damaged = |reason: String| RunError::Damaged { path, offset: 0, reason };
    Ok(Some(serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?))
}
