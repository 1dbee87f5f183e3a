//! [`Kept`]: a training in a run.

use super::StageContext;
use crate::agent::Keeper;
use crate::error::Result;
use crate::run::{Bar, Checkpoint};

/// A training in a run, with a checkpoint in its folder and a bar.
pub(super) struct Kept<'a> {
    checkpoint: Checkpoint<'a>,
    title: &'a str,
    bar: Option<Box<dyn Bar + 'a>>,
    stage_context: StageContext<'a>,
}

impl<'a> Kept<'a> {
    /// A training whose bar has this title.
    pub(super) fn new(stage_context: StageContext<'a>, checkpoint: &str, title: &'a str) -> Self {
        Self { checkpoint: stage_context.checkpoint(checkpoint), title, bar: None, stage_context }
    }
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
