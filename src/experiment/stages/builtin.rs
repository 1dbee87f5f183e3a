//! [`Builtin`]: the stages that this crate computes.

use super::transfer::Shared;
use super::{
    Block, SearchedArchitecture, StageContext, StageOutputs, Stages, TimedRow, TrainedPolicy, Trial, Whole,
    full_pool, search, search_comparison, train, transfer,
};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::DataRef;
use crate::run::FullPool;

/// The real thing: simulated episodes on the bank engine.
#[derive(Debug, Default)]
pub struct Builtin {
    shared: Shared,
}

impl Stages for Builtin {
    fn train(&self, plan: &Plan, stage_context: StageContext<'_>) -> Result<TrainedPolicy> {
        train::train(plan, stage_context)
    }

    fn search(&self, plan: &Plan, stage_context: StageContext<'_>) -> Result<SearchedArchitecture> {
        search::search(plan, stage_context)
    }

    fn episodes(
        &self,
        plan: &Plan,
        block: &Block,
        learned: StageOutputs<'_>,
        stage_context: StageContext<'_>,
    ) -> Result<Vec<TimedRow>> {
        transfer::episodes(plan, block, learned, stage_context, &self.shared)
    }

    fn full_pool(
        &self,
        plan: &Plan,
        whole: &Whole,
        learned: StageOutputs<'_>,
        stage_context: StageContext<'_>,
    ) -> Result<FullPool> {
        full_pool::whole(plan, whole, learned, stage_context, &self.shared)
    }

    fn identity(&self, plan: &Plan, target: &DataRef, stage_context: StageContext<'_>) -> Result<String> {
        Ok(self.shared.dataset(plan, target, stage_context)?.identity().to_string())
    }

    fn trial(&self, plan: &Plan, trial: &Trial, stage_context: StageContext<'_>) -> Result<Vec<TimedRow>> {
        search_comparison::trial(plan, trial, stage_context, &self.shared)
    }
}
