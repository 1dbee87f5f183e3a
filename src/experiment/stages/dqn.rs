//! Deep Q-learning in the train stage: a second policy beside the first, with a file of its own.

use super::StageContext;
use crate::agent::dqn::learner::MAX_CHECKPOINT_BYTES;
use crate::agent::dqn::{Dqn as Learning, DqnConfig, QNetwork, QPolicy, TargetAccuracy};
use crate::agent::{Freezable, Parts, Provenance, Source};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::Dqn;
use crate::experiment::tasks;
use crate::rng::Key;
use crate::run::{digest, store};

/// How values are learned.
pub(in crate::experiment) fn config(settings: &Dqn) -> DqnConfig {
    DqnConfig {
        iterations: settings.iterations as u32,
        warm_episodes: settings.warm_episodes,
        episodes: settings.episodes,
        updates: settings.updates as u32,
        epsilon_iterations: settings.iterations as u32,
        validate_every: settings.validate_every as u32,
        ..DqnConfig::default()
    }
}

/// Learns values, if the plan asks for it, and writes them to the run's folder of policies. Returns the
/// digest of the file.
pub(super) fn learn(
    plan: &Plan,
    stage_context: StageContext<'_>,
    sources: &[Source],
    validation: &[Source],
    parts: &dyn Parts,
    key: Key,
) -> Result<Option<String>> {
    let section = plan.train().expect("the stage runs where there is a section");
    let settings = &section.dqn;
    if settings.iterations == 0 {
        return Ok(None);
    }
    let config = config(settings);
    let repetitions = section.validation_episodes;
    let mut labelling =
        TargetAccuracy::new(sources, validation, repetitions, parts, key.named("validation"))?;
    let mut checkpoint = stage_context.checkpoint(store::DQN);
    let mut dqn = match checkpoint.load(MAX_CHECKPOINT_BYTES as u64)? {
        Some(bytes) => Learning::from_bytes(&bytes, config, key)?,
        None => Learning::new(config, key)?,
    };
    let bar = stage_context.progress.begin("dqn", u64::from(config.iterations) + 1);
    bar.resume(dqn.history().len() as u64);
    while !dqn.finished() {
        let step = dqn.step(&mut labelling)?;
        checkpoint.offer(dqn.finished(), || dqn.to_bytes())?;
        if let Some(value) = step.validation {
            bar.note(&format!("{:.1} queries to the target", -value));
        }
        bar.advance(1);
        super::check_cancelled(stage_context)?;
    }
    let (network, value) = dqn.best().expect("the end is validated");
    let mut figures = std::collections::BTreeMap::from([("validation_queries".to_owned(), -value)]);
    if let Some(last) = dqn.history().last() {
        figures.insert("episodes".into(), last.episodes as f64);
    }
    let provenance = Provenance {
        name: format!("{} (dqn)", plan.name()),
        plan: plan.digest(),
        source_tasks: sources.iter().map(|source| source.name.clone()).collect(),
        limits: vec!["Described for two classes: of more, only the probability of the first is seen.".into()],
        seen: tasks::seen(plan)?,
        figures,
    };
    let bytes = QPolicy::new(network.clone(), provenance).to_bytes();
    stage_context.store.write(&format!("{}/{}", store::POLICY, QNetwork::FILE), &bytes)?;
    Ok(Some(digest::of(&bytes)))
}
