//! [`Builtin`]: the stages that this crate computes.

use super::transfer::Shared;
use super::{
    Block, Bout, Found, Learned, Site, Stages, TimedRow, Trained, Whole, full_pool, rivals, search, train,
    transfer,
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
    fn train(&self, plan: &Plan, site: Site<'_>) -> Result<Trained> {
        train::train(plan, site)
    }

    fn search(&self, plan: &Plan, site: Site<'_>) -> Result<Found> {
        search::search(plan, site)
    }

    fn episodes(
        &self,
        plan: &Plan,
        block: &Block,
        learned: Learned<'_>,
        site: Site<'_>,
    ) -> Result<Vec<TimedRow>> {
        transfer::episodes(plan, block, learned, site, &self.shared)
    }

    fn full_pool(
        &self,
        plan: &Plan,
        whole: &Whole,
        learned: Learned<'_>,
        site: Site<'_>,
    ) -> Result<FullPool> {
        full_pool::whole(plan, whole, learned, site, &self.shared)
    }

    fn identity(&self, plan: &Plan, target: &DataRef, site: Site<'_>) -> Result<String> {
        Ok(self.shared.dataset(plan, target, site)?.identity().to_string())
    }

    fn bout(&self, plan: &Plan, bout: &Bout, site: Site<'_>) -> Result<Vec<TimedRow>> {
        rivals::bout(plan, bout, site, &self.shared)
    }
}
