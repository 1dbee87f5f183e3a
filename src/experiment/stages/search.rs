//! The search stage: architectures are searched on the sources, and what was found there says where the
//! search on a target starts.

use super::StageContext;
use crate::agent::collection::Watch;
use crate::agent::{Parts, Source, parts};
use crate::arch::{ArchSpace, Augment, Block, Cell, Image, Images, Point, Space, Widths};
use crate::data::uniform_rows;
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{BlockKind, Search};
use crate::experiment::tasks;
use crate::rng::Key;
use crate::run::{Digests, digest, store};
use crate::search::{
    Banks, Evaluation, Evidence, Guide, HeldOut, History, Level, NamedSpace, Prior, ScoreCache, SearchPlan,
    held_out, open_study, search as run, simplest,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// An architecture found on the sources, free of any task's width and classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchedArchitecture {
    /// Blocks per stack, `i` of `A(B, i, j)`.
    pub blocks_per_stack: usize,
    /// Stacks, `j` of `A(B, i, j)`.
    pub stacks: usize,
    /// The hidden blocks, input side first.
    pub blocks: Vec<Block>,
    /// What was best at so many labels per class, ascending, where the sources were searched at several
    /// numbers of labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<Start>,
    /// Gradient steps that the search took.
    pub steps: u64,
    /// What each rule that could say where to start loses on sources it did not learn from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<HeldOut>,
    /// Every candidate that was scored, in order, task after task.
    pub log: Vec<Visit>,
    /// What was written to the run's folder, with digests.
    pub files: Digests,
}

/// What was best on the sources at one number of labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    pub labels_per_class: f64,
    pub blocks_per_stack: usize,
    pub stacks: usize,
}

impl SearchedArchitecture {
    /// Where to start whatever the number of labels.
    pub fn start(&self) -> Point {
        Point::new(self.blocks_per_stack, self.stacks)
    }

    /// Where to start by the number of labels per class; none where there is one for all.
    pub fn starts(&self) -> Vec<(f64, Point)> {
        let of = |own: &Start| (own.labels_per_class, Point::new(own.blocks_per_stack, own.stacks));
        self.starts.iter().map(of).collect()
    }
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
        widths: Widths {
            base: section.width,
            growth: section.growth,
            floor: Widths::default().floor.min(section.width),
            ceiling: section.widest,
        },
        dropout: dropout as f32,
        images: section.image.map(|[channels, height, width]| Images {
            image: Image { channels, height, width },
            pool: section.pool.unwrap_or(true),
            norm: section.norm.unwrap_or(false),
            augment: Augment { shift: section.shift.unwrap_or(0), flip: section.flip.unwrap_or(false) },
        }),
    }
}

/// The table of what each rule loses on sources that were left out.
fn starts_table(found: &[HeldOut]) -> String {
    let mut table = String::from(
        "Where to start, learned from all sources but one: points of cross-validated accuracy below the best \
         network of the one left out.\n\n| rule | regret | ahead of one start for all |\n|---|---|---|\n",
    );
    let name = |guide: Guide| match guide {
        Guide::Overall => "one start for all",
        Guide::Levels => "by labels per class",
        Guide::Neighbours => "by labels per class, classes and inputs",
    };
    for own in found {
        let [regret, ahead, error] = [own.regret, own.ahead, own.error].map(|share| 100.0 * share);
        table += &format!("| {} | {regret:.2} | {ahead:+.2} ± {error:.2} |\n", name(own.guide));
    }
    if let Some(guide) = simplest(found) {
        table +=
            &format!("\nThe simplest that no other is ahead of by more than one error: {}.\n", name(guide));
    }
    table
}

/// Searches on every source task and learns where to start.
pub fn search(plan: &Plan, stage_context: StageContext<'_>) -> Result<SearchedArchitecture> {
    let sources = tasks::sources(plan)?;
    let parts = stage_context.parts(store::SEARCH_PARTS)?;
    let bar = stage_context.progress.begin("search", sources.len() as u64);
    let searched = on_sources(plan, &sources, &parts, &|| {
        bar.advance(1);
        super::check_cancelled(stage_context)
    })?;
    let (mut found, prior) = found(plan, searched)?;
    let mut files = Digests::new();
    let mut write = |name: &str, text: String| {
        files.insert(name.to_string(), digest::of(text.as_bytes()));
        stage_context.store.write(name, text.as_bytes())
    };
    if !found.held_out.is_empty() {
        write(store::STARTS, starts_table(&found.held_out))?;
    }
    write(store::ARCHITECTURE, prior.to_json()?)?;
    found.files = files;
    Ok(found)
}

/// The searches on every one of `sources`, and at every number of labels; `watch` is called after each source.
pub(in crate::experiment) fn on_sources(
    plan: &Plan,
    sources: &[Source],
    parts: &dyn Parts,
    watch: Watch<'_>,
) -> Result<Vec<Searched>> {
    let section = plan.search().expect("the stage runs where there is a section");
    let space = space(section, plan.learner().dropout);
    let key = Key::root(plan.seed()).named("search");
    let searched: Vec<Vec<Searched>> = sources
        .par_iter()
        .map(|source| {
            let key = key.named(&source.identity);
            let level = |(at, labels)| {
                // The last, with as many labels as an episode ends with, is the only one by default.
                let key = if at + 1 == section.levels { key } else { key.named("level").at(at as u64) };
                one(section, &space, source, labels, parts, key)
            };
            let found = labels(section, source).into_iter().enumerate().map(level).collect::<Result<_>>()?;
            watch()?;
            Ok(found)
        })
        .collect::<Result<_>>()?;
    Ok(searched.into_iter().flatten().collect())
}

/// What searches on sources say, nothing of which is written yet.
pub(in crate::experiment) fn found(
    plan: &Plan,
    searched: Vec<Searched>,
) -> Result<(SearchedArchitecture, Prior<ArchSpace>)> {
    let section = plan.search().expect("the stage runs where there is a section");
    let space = space(section, plan.learner().dropout);
    let steps = searched.iter().map(|(_, steps, _)| steps).sum();
    let log = searched.iter().flat_map(|(_, _, visits)| visits).cloned().collect();
    let prior = Prior::learn(space, searched.into_iter().map(|(evidence, ..)| evidence).collect())?;
    let held_out = held_out(&space, prior.evidence())?;
    let start = prior.start_overall();
    let at = |level: &Level<Point>| Start {
        labels_per_class: level.labels_per_class,
        blocks_per_stack: level.start.blocks,
        stacks: level.start.stacks,
    };
    let found = SearchedArchitecture {
        blocks_per_stack: start.blocks,
        stacks: start.stacks,
        starts: if section.levels > 1 { prior.levels().iter().map(at).collect() } else { Vec::new() },
        // Widths at both ends are a task's; any will do to see the blocks.
        blocks: space.spec(start, space.any_inputs(), 1)?.blocks().to_vec(),
        steps,
        held_out,
        log,
        files: Digests::new(),
    };
    Ok((found, prior))
}

/// What one search on one source came to: what it says to others, its gradient steps, and its candidates.
pub(in crate::experiment) type Searched = (Evidence<Point>, u64, Vec<Visit>);

/// The numbers of labels at which a source is searched: evenly spaced on a logarithmic scale, up to those
/// that an episode ends with.
fn labels(section: &Search, source: &Source) -> Vec<usize> {
    let task = source.prepared_tasks[0].task();
    let first = (source.plan.initial_per_class * task.classes()).clamp(1, task.pool().rows());
    let last = (source.plan.budget + first).min(task.pool().rows());
    let share = |at: usize| if section.levels == 1 { 1.0 } else { at as f64 / (section.levels - 1) as f64 };
    let between = |at| (first as f64 * (last as f64 / first as f64).powf(share(at))).round() as usize;
    (0..section.levels).map(|at| if at + 1 == section.levels { last } else { between(at) }).collect()
}

/// The search on one source task, on so many labels drawn at random. Every scored candidate is kept, so that an
/// interrupted search goes on from its log.
fn one(
    section: &Search,
    space: &ArchSpace,
    source: &Source,
    count: usize,
    parts: &dyn Parts,
    key: Key,
) -> Result<Searched> {
    let task = source.prepared_tasks[0].task();
    let rows = uniform_rows(task, count, key.named("labelled"))?;
    let labels = crate::data::Oracle::new(task.clone(), 0).peek(&rows);
    let rows: Vec<u32> = rows.iter().map(|row| row.0).collect();
    let folds = (section.folds as u32).min(rows.len() as u32);
    let training = source.plan.train;
    let evaluation =
        Evaluation::new(task.pool(), &rows, &labels, task.classes(), folds, training, key.named("folds"))?;
    let plan = SearchPlan {
        method: ArchSpace::method(section.settings.method(section.method)),
        space: *space,
        start: None,
        steps: section.steps,
        folds,
        budget: section.budget,
    };
    let walk = key.named("walk");
    let mut log = open_study(&plan, &evaluation, walk, None)?.log();
    let name = |at| parts::name("candidate", walk, at);
    while let Some(record) = parts::recall(parts, &name(log.records.len()))? {
        log.records.push(record);
    }
    let mut next = log.records.len();
    let mut cache = ScoreCache::default();
    let (answer, log) = run(&plan, &evaluation, &mut Banks, &mut cache, walk, Some(&log), |record| {
        next += 1;
        parts::keep(parts, &name(next - 1), record)
    })?;
    let mut history = History::default();
    log.records.into_iter().for_each(|record| history.push(record));
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
