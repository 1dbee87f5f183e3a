//! Learning algorithms in the train stage: policies beside the first, each with a file of its own.

use super::StageContext;
use crate::agent::{Frozen, Keeper, Learned, Provenance, Training};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::tasks;
use crate::run::{Bar, Checkpoint, Digests, digest, store};

/// Has those learn that the plan gives iterations, and writes what they came to, into the run's folder of policies. Returns
/// the digests of the files, by the algorithm's name.
pub(super) fn learn(plan: &Plan, stage_context: StageContext<'_>, training: Training<'_>) -> Result<Digests> {
    let section = plan.train().expect("the stage runs where there is a section");
    let mut digests = Digests::new();
    for (name, algorithm) in section.algorithms.learning() {
        let title = name.replace('_', " ");
        let mut keeper = Kept {
            checkpoint: stage_context.checkpoint(&store::checkpoint_of(name)),
            title: &title,
            bar: None,
            stage_context,
        };
        let training = Training { key: training.key.named(&title), ..training };
        let Learned { weights, figures, limits } = algorithm.learn(training, &mut keeper)?;
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

/// A training in a run: with a checkpoint in its folder, and a bar.
struct Kept<'a> {
    checkpoint: Checkpoint<'a>,
    title: &'a str,
    bar: Option<Box<dyn Bar + 'a>>,
    stage_context: StageContext<'a>,
}

impl Keeper for Kept<'_> {
    fn saved(&mut self, limit: u64) -> Result<Option<Vec<u8>>> {
        Ok(self.checkpoint.load(limit)?)
    }

    fn begin(&mut self, iterations: u64, done: u64) {
        let bar = self.stage_context.progress.begin(self.title, iterations);
        bar.resume(done);
        self.bar = Some(bar);
    }

    fn after(&mut self, finished: bool, note: Option<String>, bytes: &dyn Fn() -> Vec<u8>) -> Result<()> {
        self.checkpoint.offer(finished, bytes)?;
        if let Some(bar) = &self.bar {
            note.iter().for_each(|note| bar.note(note));
            bar.advance(1);
        }
        super::check_cancelled(self.stage_context)
    }
}
