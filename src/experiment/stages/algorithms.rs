//! Learning algorithms in the train stage: policies beside the first, each with a file of its own.

use super::StageContext;
use super::keeper::Kept;
use crate::agent::{Frozen, Provenance, StageOutputs, Training};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::tasks;
use crate::run::{Digests, digest, store};

/// Has those learn that the plan gives iterations, and writes what they came to, into the run's folder of policies. Returns
/// the digests of the files, by the algorithm's name.
pub(super) fn learn(plan: &Plan, stage_context: StageContext<'_>, training: Training<'_>) -> Result<Digests> {
    let section = plan.train().expect("the stage runs where there is a section");
    let mut digests = Digests::new();
    for (name, algorithm) in section.algorithms.learning() {
        let title = name.replace('_', " ");
        let mut keeper = Kept::new(stage_context, &store::checkpoint_of(name), &title);
        let training = Training { key: training.key.named(&title), ..training };
        let StageOutputs { weights, figures, limits } = algorithm.learn(training, &mut keeper)?;
        let provenance = Provenance {
            name: format!("{} ({title})", plan.name()),
            plan: plan.digest(),
            source_tasks: training.sources.iter().map(|source| source.name.clone()).collect(),
            limits,
            seen: tasks::seen(plan)?,
            figures,
        };
        let bytes = Frozen::new(weights, provenance).to_bytes();
        stage_context.store.write(&store::policy_of(name), &bytes)?;
        digests.insert(name.to_string(), digest::of(&bytes));
    }
    Ok(digests)
}
