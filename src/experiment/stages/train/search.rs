//! Searches for a better policy than the imitated one: an evolution strategy, and policy gradient.

use super::super::StageContext;
use super::super::keeper::Kept;
use super::Point;
use crate::agent::{
    self, Algorithm, CONTEXT, CollectPlan, Evolution, EvolutionConfig, GradientConfig, Keeper, Learns,
    Network, OptimiserConfig, Parts, PolicyGradient, Simulation, Source, Trainer, TrainerConfig,
    TrainingPoint, collect,
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
    CollectPlan { episodes: 1, states: 4, candidates: 1, soft: 0.0, horizon: 1, context: CONTEXT };
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
    if config.iterations == 0 {
        return Ok(Searched::none(start));
    }
    let key = key.named("evolution");
    let mut keeper = Kept::new(stage_context, EVOLUTION.checkpoint, EVOLUTION.name);
    let trainer = match keeper.saved(Evolution::MAX_BYTES as u64)? {
        Some(bytes) => {
            let unit = vec![1.0; start.weights().len()];
            Trainer::by_evolution(config, start, unit, key)?.resumed(&bytes)?
        }
        None => {
            let some: Vec<Source> =
                sources.iter().step_by(sources.len().div_ceil(SCALE_TASKS).max(1)).cloned().collect();
            let states = collect(&some, 0, SCALE_PLAN, key.named("states"), parts, &|| Ok(()))?;
            let states: Vec<_> = states.states.into_iter().map(|state| state.observation).collect();
            let scale = agent::evolution::scale(&start, &states, key.named("scale"))?;
            Trainer::by_evolution(config, start, scale, key)?
        }
    };
    finished(trainer, simulation, &mut keeper, EVOLUTION)
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
    if config.iterations == 0 {
        return Ok(Searched::none(start));
    }
    let key = key.named("policy gradient");
    let mut keeper = Kept::new(stage_context, POLICY_GRADIENT.checkpoint, POLICY_GRADIENT.name);
    let begun = Trainer::by_gradient(config, start.sharpened(section.sharpness as f32), key)?;
    let trainer = match keeper.saved(PolicyGradient::MAX_BYTES as u64)? {
        Some(bytes) => begun.resumed(&bytes)?,
        None => begun,
    };
    finished(trainer, simulation, &mut keeper, POLICY_GRADIENT)
}

/// How the evolution strategy trains.
pub(in crate::experiment) fn evolution_config(plan: &Plan) -> TrainerConfig<EvolutionConfig> {
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
        algorithm: evolution,
    }
}

/// How policy gradient trains.
pub(in crate::experiment) fn gradient_config(plan: &Plan) -> TrainerConfig<GradientConfig> {
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
        algorithm: gradient,
    }
}

/// Runs a trainer to its end.
fn finished<A>(
    mut trainer: Trainer<A>,
    simulation: &mut Simulation<'_>,
    keeper: &mut Kept<'_>,
    phase: Phase,
) -> Result<Searched>
where
    A: Algorithm<Network = Network, Point = TrainingPoint> + for<'s> Learns<Simulation<'s>>,
{
    trainer.keep(simulation, keeper, |gain| format!("{:+.2} points over the baseline", 100.0 * gain))?;
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
    let best = trainer.best().expect("the start is validated");
    Ok(Searched { network: best.network.clone(), episodes, curve })
}

impl Searched {
    /// No search: what it would have started from.
    fn none(network: Network) -> Self {
        Self { network, episodes: 0, curve: Vec::new() }
    }
}
