//! Searches for a better policy than the imitated one: an evolution strategy, and policy gradient.

use super::super::StageContext;
use super::{Point, watch};
use crate::agent::trainer::MAX_CHECKPOINT_BYTES;
use crate::agent::{
    self, Algorithm, CollectPlan, EvolutionConfig, GradientConfig, Network, OptimiserConfig, Parts,
    Simulation, Source, Trainer, TrainerConfig, collect,
};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::rng::Key;
use crate::run::store;

/// A search for a better policy: its name in reports, and where a run keeps its checkpoint.
struct Phase {
    name: &'static str,
    checkpoint: &'static str,
}

const EVOLUTION: Phase = Phase { name: "evolution", checkpoint: store::EVOLUTION };
const POLICY_GRADIENT: Phase = Phase { name: "policy gradient", checkpoint: store::POLICY_GRADIENT };

/// Source tasks, spread over all of them, and states in an episode of each, from which the scale of the
/// weights is found. Their candidates are not looked ahead at.
pub(in crate::experiment) const SCALE_TASKS: usize = 64;
pub(in crate::experiment) const SCALE_PLAN: CollectPlan =
    CollectPlan { episodes: 1, states: 4, candidates: 1, soft: 0.0 };
/// What a search came to.
pub(super) struct Searched {
    /// The network that gained most on the validation tasks, the start included.
    pub(super) network: Network,
    /// Episodes learned from.
    pub(super) episodes: u64,
    pub(super) curve: Vec<Point>,
}

pub(super) fn evolution(
    plan: &Plan,
    stage_context: StageContext<'_>,
    start: Network,
    simulation: &mut Simulation<'_>,
    sources: &[Source],
    parts: &dyn Parts,
    key: Key,
) -> Result<Searched> {
    let config = evolution_config(plan);
    let key = key.named("evolution");
    search(stage_context, EVOLUTION, config, start, simulation, key, |network| {
        let some: Vec<Source> =
            sources.iter().step_by(sources.len().div_ceil(SCALE_TASKS).max(1)).cloned().collect();
        let states = collect(&some, 0, SCALE_PLAN, key.named("states"), parts, &|| Ok(()))?;
        let states: Vec<_> = states.states.into_iter().map(|state| state.observation).collect();
        let scale = agent::evolution::scale(&network, &states, key.named("scale"))?;
        Ok(Trainer::new(config, network, key)?.with_scale(scale)?)
    })
}

pub(super) fn policy_gradient(
    plan: &Plan,
    stage_context: StageContext<'_>,
    start: Network,
    simulation: &mut Simulation<'_>,
    key: Key,
) -> Result<Searched> {
    let section = &plan.train().expect("the stage runs where there is a section").policy_gradient;
    let config = gradient_config(plan);
    let key = key.named("policy gradient");
    search(stage_context, POLICY_GRADIENT, config, start, simulation, key, |network| {
        Ok(Trainer::new(config, network.sharpened(section.sharpness as f32), key)?)
    })
}

/// How the evolution strategy trains.
pub(in crate::experiment) fn evolution_config(plan: &Plan) -> TrainerConfig {
    let section = &plan.train().expect("the stage runs where there is a section").evolution;
    let evolution = EvolutionConfig {
        pairs: section.pairs,
        sigma: section.sigma as f32,
        optimiser: OptimiserConfig {
            learning_rate: section.learning_rate,
            weight_decay: section.decay as f32,
            ..EvolutionConfig::default().optimiser
        },
        ..EvolutionConfig::default()
    };
    TrainerConfig {
        iterations: section.iterations as u32,
        validate_every: section.validate_every as u32,
        algorithm: Algorithm::Evolution(evolution),
    }
}

/// How policy gradient trains.
pub(in crate::experiment) fn gradient_config(plan: &Plan) -> TrainerConfig {
    let section = &plan.train().expect("the stage runs where there is a section").policy_gradient;
    let gradient = GradientConfig {
        entropy: section.entropy as f32,
        optimiser: OptimiserConfig {
            learning_rate: section.learning_rate,
            ..GradientConfig::default().optimiser
        },
        ..GradientConfig::default()
    };
    TrainerConfig {
        iterations: section.iterations as u32,
        validate_every: section.validate_every as u32,
        algorithm: Algorithm::PolicyGradient(gradient),
    }
}

/// Runs a trainer to its end, from its checkpoint if there is one, else from what `begin` makes of `start`.
fn search(
    stage_context: StageContext<'_>,
    phase: Phase,
    config: TrainerConfig,
    start: Network,
    simulation: &mut Simulation<'_>,
    key: Key,
    begin: impl FnOnce(Network) -> Result<Trainer>,
) -> Result<Searched> {
    if config.iterations == 0 {
        return Ok(Searched { network: start, episodes: 0, curve: Vec::new() });
    }
    let mut checkpoint = stage_context.checkpoint(phase.checkpoint);
    let mut trainer = match checkpoint.load(MAX_CHECKPOINT_BYTES as u64)? {
        Some(bytes) => Trainer::from_bytes(&bytes, config, &start, key)?,
        None => begin(start)?,
    };
    let bar = stage_context.progress.begin(phase.name, u64::from(config.iterations) + 1);
    bar.resume(trainer.history().len() as u64);
    while !trainer.finished() {
        let step = trainer.step(simulation)?;
        checkpoint.offer(trainer.finished(), || trainer.to_bytes())?;
        if let Some(gain) = step.validation {
            bar.note(&format!("{:+.2} points over the baseline", 100.0 * gain));
        }
        watch(stage_context, &*bar)?;
    }
    let curve = trainer
        .history()
        .iter()
        .filter(|step| step.iteration > 0)
        .filter_map(|step| {
            let (name, iteration) = (phase.name.to_string(), u64::from(step.iteration));
            Some(Point { phase: name, iteration, validation: step.validation?, error: None })
        })
        .collect();
    let episodes = trainer.history().last().map_or(0, |last| last.episodes);
    let (network, _, _) = trainer.best().expect("the start is validated");
    Ok(Searched { network: network.clone(), episodes, curve })
}
