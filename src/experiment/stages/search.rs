//! The search stage: architectures are searched on the sources, and what was found there says where the
//! search on a target starts.

use super::Site;
use crate::agent::Source;
use crate::arch::{ArchSpace, Block, Cell, Point, Space, Widths};
use crate::data::uniform_rows;
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{BlockKind, Method as MethodName, Search};
use crate::experiment::tasks;
use crate::rng::Key;
use crate::run::store;
use crate::search::{
    Banks, Evaluation, Evidence, History, Method, Prior, Rule, ScoreCache, SearchPlan, search as run,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// An architecture found on the sources, free of any task's width and classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Blocks per stack, `i` of `A(B, i, j)`.
    pub blocks_per_stack: usize,
    /// Stacks, `j` of `A(B, i, j)`.
    pub stacks: usize,
    /// The hidden blocks, input side first.
    pub blocks: Vec<Block>,
    /// Gradient steps that the search took.
    pub steps: u64,
    /// Every candidate that was scored, in order, task after task.
    pub log: Vec<Visit>,
}

/// One scored candidate of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// The source task.
    pub task: String,
    pub blocks_per_stack: usize,
    pub stacks: usize,
    /// The network, as its specification prints it.
    pub architecture: String,
    /// The number of its weights.
    pub parameters: u64,
    /// Mean cross-validated accuracy; none where training diverged.
    pub score: Option<f64>,
    /// Whether it is what the search on this task came to.
    pub taken: bool,
}

/// The space of a `[search]` section.
pub fn space(section: &Search, dropout: f64) -> ArchSpace {
    ArchSpace {
        cell: match section.block {
            BlockKind::Residual => Cell::Residual,
            BlockKind::Dense => Cell::Dense,
        },
        max_blocks: section.max_blocks,
        max_stacks: section.max_stacks,
        widths: Widths { base: section.width, ..Widths::default() },
        dropout: dropout as f32,
    }
}

/// Searches on every source task and learns where to start.
pub fn search(plan: &Plan, site: Site<'_>) -> Result<Found> {
    let section = plan.search().expect("the stage runs where there is a section");
    let space = space(section, plan.learner().dropout);
    let sources = tasks::sources(plan)?;
    let bar = site.progress.begin("search", sources.len() as u64);
    let key = Key::root(plan.seed()).named("search");
    let searched: Vec<(Evidence<Point>, u64, Vec<Visit>)> = sources
        .par_iter()
        .map(|source| {
            let found = one(section, &space, source, key.named(&source.name))?;
            bar.advance(1);
            super::check_cancelled(site)?;
            Ok(found)
        })
        .collect::<Result<_>>()?;
    let steps = searched.iter().map(|(_, steps, _)| steps).sum();
    let log = searched.iter().flat_map(|(_, _, visits)| visits).cloned().collect();
    let prior = Prior::learn(space, searched.into_iter().map(|(evidence, ..)| evidence).collect())?;
    site.store.write(store::ARCHITECTURE, prior.to_json()?.as_bytes())?;
    let start = prior.start_overall();
    Ok(Found {
        blocks_per_stack: start.blocks,
        stacks: start.stacks,
        // Widths at both ends are a task's; any will do to see the blocks.
        blocks: space.spec(start, 1, 1)?.blocks().to_vec(),
        steps,
        log,
    })
}

/// A search by name, with its default settings. On a source there are enough labels for as many moves as
/// help; within an episode the local search moves once per round.
fn method(name: MethodName) -> Method<Point> {
    let by_default = |kind: &str| {
        serde_json::from_value(serde_json::json!({ "kind": kind })).expect("every setting has a default")
    };
    match name {
        MethodName::Local => Method::Local { moves: u32::MAX, rule: Rule::OneStandardError },
        MethodName::HillClimbing => by_default("hill_climbing"),
        MethodName::Annealing => by_default("annealing"),
        MethodName::Random => by_default("random"),
        MethodName::Evolution => by_default("evolution"),
        MethodName::Halving => by_default("halving"),
        MethodName::Grid => by_default("grid"),
    }
}

/// The search on one source task: as many labels as an episode ends with, drawn at random.
fn one(
    section: &Search,
    space: &ArchSpace,
    source: &Source,
    key: Key,
) -> Result<(Evidence<Point>, u64, Vec<Visit>)> {
    let task = source.grounds[0].task();
    let count = (source.plan.budget + source.plan.initial_per_class * task.classes()).min(task.pool().rows());
    let rows = uniform_rows(task, count, key.named("labelled"))?;
    let labels = crate::data::Oracle::new(task.clone(), 0).foresee(&rows);
    let rows: Vec<u32> = rows.iter().map(|row| row.0).collect();
    let folds = (section.folds as u32).min(rows.len() as u32);
    let training = source.plan.train;
    let evaluation =
        Evaluation::new(task.pool(), &rows, &labels, task.classes(), folds, training, key.named("folds"))?;
    let plan = SearchPlan {
        method: method(section.method),
        space: *space,
        start: None,
        steps: section.steps,
        folds,
        budget: section.budget,
    };
    let mut history = History::default();
    let mut cache = ScoreCache::default();
    let (answer, _) = run(&plan, &evaluation, &mut Banks, &mut cache, key.named("walk"), None, |record| {
        history.push(record.clone());
        Ok(())
    })?;
    let visits = history
        .records()
        .iter()
        .map(|record| {
            let point = record.candidate.point;
            let spec = space.spec(&point, task.width(), task.classes())?;
            Ok(Visit {
                task: source.name.clone(),
                blocks_per_stack: point.blocks,
                stacks: point.stacks,
                architecture: spec.to_string(),
                parameters: spec.parameters() as u64,
                score: record.outcome.mean(),
                taken: point == answer.point,
            })
        })
        .collect::<Result<_>>()?;
    let evidence =
        Evidence::new(&source.name, task.width(), task.classes(), rows.len(), &history, plan.steps);
    Ok((evidence, answer.charged, visits))
}
