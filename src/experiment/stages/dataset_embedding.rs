//! The policy with an embedding of the data set in the train stage: a further policy, with a file of its own.

use super::StageContext;
use crate::agent::pang::learner::MAX_CHECKPOINT_BYTES;
use crate::agent::pang::{DatasetEpisodes, Pang, PangConfig, PangNetwork, PangPolicy};
use crate::agent::{Freezable, OptimiserConfig, Provenance, Source};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::DatasetEmbedding;
use crate::experiment::tasks;
use crate::rng::Key;
use crate::run::{digest, store};

/// How the policy is learned.
pub(in crate::experiment) fn config(settings: &DatasetEmbedding) -> PangConfig {
    let optimiser =
        OptimiserConfig { learning_rate: settings.learning_rate, ..PangConfig::default().optimiser };
    PangConfig {
        iterations: settings.iterations as u32,
        validate_every: settings.validate_every as u32,
        optimiser,
        ..PangConfig::default()
    }
}

/// Learns the policy, if the plan asks for it, and writes it to the run's folder of policies. Returns the
/// digest of the file.
pub(super) fn learn(
    plan: &Plan,
    stage_context: StageContext<'_>,
    sources: &[Source],
    validation: &[Source],
    key: Key,
) -> Result<Option<String>> {
    let section = plan.train().expect("the stage runs where there is a section");
    let settings = &section.dataset_embedding;
    if settings.iterations == 0 {
        return Ok(None);
    }
    let config = config(settings);
    let mut environment = DatasetEpisodes {
        sources,
        validation,
        tasks: settings.tasks,
        episodes: settings.episodes,
        repetitions: section.validation_episodes,
        key: key.named("validation"),
    };
    let mut checkpoint = stage_context.checkpoint(store::DATASET_EMBEDDING);
    let mut pang = match checkpoint.load(MAX_CHECKPOINT_BYTES as u64)? {
        Some(bytes) => Pang::from_bytes(&bytes, config, key)?,
        None => Pang::new(config, key)?,
    };
    let bar = stage_context.progress.begin("dataset embedding", u64::from(config.iterations) + 1);
    bar.resume(pang.history().len() as u64);
    while !pang.finished() {
        let step = pang.step(&mut environment)?;
        checkpoint.offer(pang.finished(), || pang.to_bytes())?;
        if let Some(value) = step.validation {
            bar.note(&format!("{:.2} % mean accuracy", 100.0 * value));
        }
        bar.advance(1);
        super::check_cancelled(stage_context)?;
    }
    let (network, value) = pang.best().expect("the start is validated");
    let mut figures = std::collections::BTreeMap::from([("validation_mean_accuracy".to_owned(), value)]);
    if let Some(last) = pang.history().last() {
        figures.insert("episodes".into(), last.episodes as f64);
    }
    let provenance = Provenance {
        name: format!("{} (dataset embedding)", plan.name()),
        plan: plan.digest(),
        source_tasks: sources.iter().map(|source| source.name.clone()).collect(),
        limits: vec!["Sees inputs and labels, and nothing of the classifier.".into()],
        seen: tasks::seen(plan)?,
        figures,
    };
    let bytes = PangPolicy::new(network.clone(), provenance).to_bytes();
    stage_context.store.write(&format!("{}/{}", store::POLICY, PangNetwork::FILE), &bytes)?;
    Ok(Some(digest::of(&bytes)))
}
