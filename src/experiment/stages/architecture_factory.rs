//! Who draws the networks of a target's episodes: from the word in the plan to the blocks that an episode
//! starts with and the architect that changes them.

use super::{SearchedArchitecture, StageOutputs, search};
use crate::agent::{Head, HeadArchitect};
use crate::arch::{ArchSpace, Block, Point, Space};
use crate::episode::Architect;
use crate::error::Result;
use crate::experiment::error::ExperimentError;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{ArchitectureChoice, Search};
use crate::learner::TrainPlan;
use crate::search::{GuidedArchitect, LocalArchitect, PriorArchitect};
use std::sync::Arc;

/// What one choice of `transfer.architectures` comes to, for any number of episodes.
pub(in crate::experiment) struct ArchitectureFactory {
    space: ArchSpace,
    start: Point,
    choice: ArchitectureChoice,
    /// How the target is searched, if it is.
    search: Option<Search>,
    starts: Vec<(f64, Point)>,
    head: Option<Arc<Head>>,
    training: TrainPlan,
    query_size: usize,
}

impl ArchitectureFactory {
    /// None for the learner's own network. `head` is called where the choice asks for one.
    pub(in crate::experiment) fn of(
        plan: &Plan,
        choice: ArchitectureChoice,
        learned: StageOutputs<'_>,
        head: impl FnOnce() -> Result<Arc<Head>>,
    ) -> Result<Option<Self>> {
        if choice == ArchitectureChoice::Learner {
            return Ok(None);
        }
        let head = if choice.needs_head() { Some(head()?) } else { None };
        let own = plan.search().map(|section| search::space(section, plan.learner().dropout));
        let space = match (own, &head) {
            (Some(own), Some(head)) if own != *head.space() => {
                let (found, expected) = (format!("{:?}", head.space()), format!("{own:?}"));
                return Err(ExperimentError::HeadSpace { found, expected }.into());
            }
            (Some(own), _) => own,
            (None, Some(head)) => *head.space(),
            (None, None) => unreachable!("a plan that asks for a point of a space has one"),
        };
        let found = learned.architecture.filter(|_| choice.uses_sources());
        let start = match choice {
            ArchitectureChoice::Fixed(point) => point,
            _ => found.map_or(space.start(), SearchedArchitecture::start),
        };
        let mut own = Self {
            space,
            start,
            choice,
            search: plan.search().cloned(),
            starts: found.map(SearchedArchitecture::starts).unwrap_or_default(),
            head,
            training: plan.learner().train_plan(),
            query_size: plan.episode().query_size,
        };
        if !own.starts.is_empty() {
            // What was best with as few labels as there are at the start.
            own.start = PriorArchitect::new(space, start, own.starts.clone())
                .point(plan.episode().initial_per_class as f64);
        }
        Ok(Some(own))
    }

    /// The hidden blocks of the first network.
    pub(in crate::experiment) fn blocks(&self) -> Result<Vec<Block>> {
        // Widths at both ends are a task's; any will do to see the blocks.
        Ok(self.space.spec(&self.start, self.space.any_inputs(), 1)?.blocks().to_vec())
    }

    /// Who changes the network of one episode; none where it stays.
    pub(in crate::experiment) fn architect(&self) -> Option<Box<dyn Architect>> {
        let local = || {
            let section = self.search.as_ref().expect("a plan that searches a target has the section");
            let every = section.every * self.query_size;
            let local =
                LocalArchitect::new(self.space, self.start, section.folds as u32, self.training, every);
            local.with_share(section.share)
        };
        let head = || {
            let head = self.head.clone().expect("loaded where the choice needs one");
            HeadArchitect::new(head, Some(self.start))
        };
        Some(match self.choice {
            ArchitectureChoice::Learner | ArchitectureChoice::Fixed(_) => return None,
            ArchitectureChoice::Scratch | ArchitectureChoice::Searched => Box::new(local()),
            ArchitectureChoice::Prior => {
                Box::new(PriorArchitect::new(self.space, self.start, self.starts.clone()))
            }
            ArchitectureChoice::Head => Box::new(head()),
            ArchitectureChoice::HeadSearched => Box::new(GuidedArchitect::new(head(), local())),
        })
    }
}
