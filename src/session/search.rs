//! Networks that are searched for, beside those that the classifier of every session is chosen from.
//!
//! A search over `A(B, i, j)` is made at [`FIRST`] labels, and again whenever there are twice as many, on the first so many of them.
//! So what is found follows from the answers; the journal keeps it, and no process searches again for what another
//! has found. Candidates are scored by cross-validation on folds that are the same for all
//! ([`Evaluation`]) and trained as the network with one hidden layer is; from where a search starts, source tasks may have
//! taught ([`Prior`]).

use super::annotators::Consensus;
use super::classifier::{FOLDS, Net};
use super::pool::Pool;
use super::state::State;
use crate::arch::{ArchSpace, Domain, Point, Space};
use crate::data::MatrixView;
use crate::error::Result;
use crate::rng::Key;
use crate::search::{
    AnyMethod, Banks, Evaluation, Method, Methods, NamedSpace, Prior, ScoreCache, SearchError, SearchPlan,
    search,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Labels at the first search.
const FIRST: usize = 20;
/// Weights of the largest network that is tried.
const MAX_WEIGHTS: u64 = 1 << 18;

/// A search for the classifier's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchSearch {
    /// The search's name among [`Methods`].
    pub method: String,
    /// So many networks may be trained to the end, on every fold.
    pub networks: u32,
}

/// Networks that a search may try, unless said otherwise.
pub const NETWORKS: u32 = 12;
/// Networks that a search may try, at most.
pub const MAX_NETWORKS: u32 = 1_000;

impl ArchSearch {
    /// The search called `method` among [`NETWORKS`] networks.
    pub fn new(method: &str) -> Self {
        Self { method: method.to_string(), networks: NETWORKS }
    }
}

/// The search of an open session.
pub(super) struct Searching {
    method: Arc<dyn Method<ArchSpace>>,
    networks: u32,
    prior: Option<Prior<ArchSpace>>,
}

impl Searching {
    /// # Errors
    /// [`NameError`](crate::registry::NameError) for a search that `methods` do not have.
    pub fn new(search: &ArchSearch, prior: Option<Prior<ArchSpace>>, methods: &Methods) -> Result<Self> {
        let entry = methods.find(&search.method)?;
        let any: Arc<dyn AnyMethod> = (entry.make)(&entry.defaults());
        Ok(Self { method: ArchSpace::method(any), networks: search.networks, prior })
    }

    /// The search that is due with these labels; none with too few, or of one class.
    pub fn due<'a>(
        &self,
        consensus: &Consensus,
        state: &State,
        pool: &'a Pool,
        key: Key,
    ) -> Result<Option<Due<'a>>> {
        let key = key.named("search");
        let mut labelled: Vec<_> = consensus.labelled.iter().collect();
        if labelled.len() < FIRST {
            return Ok(None);
        }
        // What the pool came with stands first, in an order that is not that of its file.
        labelled.sort_by_cached_key(|one| {
            (state.seen.get(&one.row).copied().unwrap_or(0), key.at(one.row.into()).seed64(), one.row)
        });
        let mut count = FIRST;
        while 2 * count <= labelled.len() {
            count *= 2;
        }
        labelled.truncate(count);
        let mut names: Vec<u32> = labelled.iter().map(|one| one.word).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() < 2 {
            return Ok(None);
        }
        // Classes that came later change nothing.
        let place = |class: u32| names.partition_point(|other| *other < class) as u32;
        let (rows, classes): (Vec<u32>, Vec<u32>) =
            labelled.iter().map(|one| (one.row, place(one.word))).unzip();
        let inputs: MatrixView<'a> = pool.inputs.view();
        let plan = Net::Hidden.plan(count - count.div_ceil(FOLDS));
        let folds = key.named("folds");
        let evaluation = Evaluation::new(inputs, &rows, &classes, names.len(), FOLDS as u32, plan, folds)?;
        let steps = plan.steps_for(count - count.div_ceil(FOLDS));
        Ok(Some(Due { labels: count, evaluation, steps, key: key.named("walk") }))
    }

    /// What is found; none where no network of the space can be trained.
    ///
    /// # Errors
    /// Those of the search.
    pub fn find(&self, due: &Due<'_>) -> Result<Option<Point>> {
        let Due { evaluation, labels, steps, key } = due;
        let (inputs, classes) = (evaluation.inputs(), evaluation.classes());
        let Some(space) = self.space(inputs, classes)? else { return Ok(None) };
        let start = self.prior.as_ref().map_or(space.start(), |prior| {
            let taught = prior.start(*labels as f64 / classes as f64);
            Point::new(taught.blocks.min(space.max_blocks), taught.stacks.min(space.max_stacks))
        });
        let parts = self.method.parts().unwrap_or(u32::MAX);
        if parts as usize > space.max_blocks * space.max_stacks {
            return Ok(None);
        }
        let steps = steps.next_multiple_of(parts);
        let plan = SearchPlan {
            method: Arc::clone(&self.method),
            space,
            start: Some(start),
            steps,
            folds: FOLDS as u32,
            budget: u64::from(self.networks) * u64::from(steps) * FOLDS as u64,
        };
        let found = search(&plan, evaluation, &mut Banks, &mut ScoreCache::default(), *key, None, |_| Ok(()));
        match found {
            Ok((answer, _)) => Ok(Some(answer.point)),
            Err(error) if matches!(error.downcast_ref(), Some(SearchError::AllFailed { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The network at `point`.
    pub fn net(&self, point: Point) -> Net {
        Net::Found { space: self.prior.as_ref().map_or(ArchSpace::default(), |prior| *prior.space()), point }
    }

    /// The grid without its far end, whose networks are too large; none where not even the smallest can be built.
    fn space(&self, inputs: usize, classes: usize) -> Result<Option<ArchSpace>> {
        let mut space = self.prior.as_ref().map_or(ArchSpace::default(), |prior| *prior.space());
        let Ok(domain) = Domain::new(space, inputs, classes) else { return Ok(None) };
        let fits = |blocks, stacks| domain.size(&Point::new(blocks, stacks)) <= MAX_WEIGHTS;
        while space.max_stacks > 1 && !fits(1, space.max_stacks) {
            space.max_stacks -= 1;
        }
        while space.max_blocks > 1 && !fits(space.max_blocks, space.max_stacks) {
            space.max_blocks -= 1;
        }
        Ok(Some(space))
    }
}

/// A search that is due.
pub(super) struct Due<'a> {
    /// Labels that it is made on.
    pub labels: usize,
    evaluation: Evaluation<'a>,
    /// Gradient steps of one training.
    steps: u32,
    key: Key,
}

impl Due<'_> {
    /// What the search follows from: its labels, their inputs and its folds.
    pub fn digest(&self) -> String {
        self.evaluation.digest()
    }
}
