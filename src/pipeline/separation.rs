//! Which rows of every task are kept apart for what, for the report.

use crate::data::Task;
use crate::data::synthetic::Family;
use crate::episode::StopOn;
use crate::error::Result;
use crate::experiment::sections::Sources;
use crate::experiment::{Plan, tasks};
use crate::report::input::Separation;

/// The parts of every target's first repetition, and of every source's first split.
pub(super) fn separation(plan: &Plan) -> Result<Vec<Separation>> {
    let line = |task: &Task, role: &str| {
        let parts = task.separation();
        Separation {
            task: task.name().to_string(),
            role: role.to_string(),
            train: [parts.pool.rows; 2],
            reward: [parts.reward.rows; 2],
            validation: [parts.validation.rows; 2],
            test: [parts.test.rows; 2],
        }
    };
    let stops = plan.episode().stop_on == StopOn::Reward && plan.learner().patience.is_some();
    let target_role = if stops { "target; its reward rows, not charged, stop fits" } else { "target" };
    let mut lines = Vec::new();
    let of_rivals = plan.search_comparison().map_or(&[][..], |search_comparison| &search_comparison.targets);
    for target in plan.transfer().map_or(&[][..], |transfer| &transfer.targets).iter().chain(of_rivals) {
        let dataset = tasks::load(plan, target)?;
        lines.push(line(tasks::prepared(plan, &dataset, 0)?.task(), target_role));
    }
    if plan.train().is_some() || plan.searches_sources() {
        let sections = plan.sources();
        let (sources, validation) =
            tasks::look_at_all(plan, |source| line(source.prepared_tasks[0].task(), "source"))?;
        let validation =
            validation.into_iter().map(|line| Separation { role: "validation".to_string(), ..line });
        lines.extend(in_few_lines(sources, sections.synthetic, "source", sections));
        lines.extend(in_few_lines(
            validation.collect(),
            sections.validation_synthetic,
            "validation",
            sections,
        ));
    }
    Ok(lines)
}

/// The lines of learned tasks: every real set has one, its variations share one, and so do the `generated` tasks at the
/// end, of which there may be hundreds.
fn in_few_lines(
    mut lines: Vec<Separation>,
    generated: usize,
    role: &str,
    sources: &Sources,
) -> Vec<Separation> {
    let made = lines.split_off(lines.len().saturating_sub(generated));
    let of_each = if role == "source" { 1 + sources.variants } else { 1 };
    let mut few = Vec::new();
    for set in lines.chunks(of_each) {
        let (own, variations) = set.split_at(1);
        few.extend_from_slice(own);
        let plural = if variations.len() == 1 { "" } else { "s" };
        let name = format!("{} variation{plural} of {}", variations.len(), own[0].task);
        few.extend(Separation::of_many(&name, variations));
    }
    let families = if sources.families.is_empty() { Family::ALL.len() } else { sources.families.len() };
    let families = families.min(generated);
    let kinds = if families == 1 { "1 family".to_string() } else { format!("{families} families") };
    let tasks = if generated == 1 { "task" } else { "tasks" };
    few.extend(Separation::of_many(&format!("{generated} generated {tasks} of {kinds}"), &made));
    few
}
