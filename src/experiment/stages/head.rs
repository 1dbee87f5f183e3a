//! The third head in the train stage: moves are simulated on the sources, and a linear network learns to
//! rank them as the simulation did.

use super::{StageContext, search};
use crate::agent::head::sight::{MOVE, global_names};
use crate::agent::{
    Head, ImitationConfig, Kind, LabelledState, MovePlan, Network, NetworkConfig, Parts, Source,
    collect_moves, imitate,
};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::ArchitectureHead;
use crate::rng::Key;
use std::collections::BTreeMap;

/// The network that the head starts from.
pub(in crate::experiment) fn untrained(key: Key) -> Result<Network> {
    let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
    Ok(Network::new(config, MOVE.len(), global_names().count(), key)?)
}

/// How moves are tried.
pub(in crate::experiment) fn move_plan(section: &ArchitectureHead) -> MovePlan {
    MovePlan {
        episodes: section.episodes,
        states: section.states,
        trainings: section.trainings,
        penalty: section.penalty,
    }
}

/// Learns a head, if the plan asks for one.
pub(super) fn learn(
    plan: &Plan,
    stage_context: StageContext<'_>,
    sources: &[Source],
    validation: &[Source],
    parts: &dyn Parts,
    key: Key,
) -> Result<Option<Head>> {
    let section = &plan.train().expect("the stage runs where there is a section").architecture;
    let Some(space) = plan.search().map(|own| search::space(own, plan.learner().dropout)) else {
        return Ok(None);
    };
    if section.episodes == 0 {
        return Ok(None);
    }
    let moves = move_plan(section);
    let bar = stage_context.progress.begin("try moves", (sources.len() + validation.len()) as u64);
    let watch = || {
        bar.advance(1);
        super::check_cancelled(stage_context)
    };
    let collect = |sources: &[Source], first| -> Result<Vec<LabelledState>> {
        collect_moves(sources, first, &space, moves, key.named("moves"), parts, &watch)
    };
    let states = collect(sources, 0)?;
    let held = collect(validation, sources.len() as u32)?;
    drop(bar);
    let network = untrained(key.named("network"))?;
    let imitation = ImitationConfig { epochs: section.epochs as u32, ..ImitationConfig::default() };
    let (network, report) = imitate(network, &states, &held, &imitation, parts, key.named("imitate"))?;
    let mut figures = BTreeMap::from([("states".to_owned(), states.len() as f64)]);
    for (name, agreement) in [("training", Some(report.training)), ("validation", report.validation)] {
        if let Some(agreement) = agreement {
            figures.insert(format!("{name}_top1"), agreement.top1);
            figures.insert(format!("{name}_captured"), agreement.captured);
        }
    }
    Ok(Some(Head::new(network, space, section.penalty, figures)?))
}
