//! Where the commands meet the layers that they show: names, stages, digests, verdicts.

use super::args::DescribeArgs;
use super::{contrasts, memory, output};
use crate::agent::course::Phase;
use crate::agent::{Policy, shipped};
use crate::data::readers::{self, ReadOptions};
use crate::data::synthetic::Family;
use crate::data::{describe as describe_data, embedded};
use crate::episode::StopOn;
use crate::episode::features::SCHEMA;
use crate::error::Result;
use crate::experiment::leaks::{self, Prints, Role};
use crate::experiment::sections::{LEARNED, Sources};
use crate::experiment::stages::{Builtin, Stages};
use crate::experiment::{Finished, Plan, Vocabulary, inputs as digests_of, tasks};
use crate::query::registry::{self, Entry};
use crate::report::input::{Fact, Importance, Picks, SearchPoint, Separation, TrainingPoint};
use crate::report::{
    ReportInput, Verdict, VerdictOptions, contrast, export, figures, html, table, verdict as judge,
};
use crate::rng::Key;
use crate::run::{publish, store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The names that an experiment file may use; `data_dir` is where `--data-dir` or the environment says.
pub fn vocabulary(data_dir: Option<PathBuf>) -> Vocabulary {
    let datasets = [&embedded::NAMES[..], &tasks::GENERATED].concat();
    let strategies = registry::all().iter().map(|entry| entry.card.name).collect();
    let specification: Option<fn(&str) -> Result<()>> = Some(|text| registry::build(text).map(drop));
    Vocabulary { datasets, data_dir, found: Vec::new(), strategies, specification }
}

/// What the stages of this binary compute.
pub fn stages() -> impl Stages {
    Builtin::default()
}

/// The digests of the data sets and policies that `plan` reads. Refuses, before anything is written, a device
/// that is not there, targets on which the plan's episodes cannot be played, and such as were learned from.
pub fn inputs(plan: &Plan) -> Result<BTreeMap<String, String>> {
    plan.learner().device.open()?;
    tasks::check_initial(plan)?;
    tasks::check_strategies(plan)?;
    let mut digests = BTreeMap::new();
    let mut prints = Vec::new();
    let sources = plan.sources();
    let learns = plan.train().is_some() || plan.searches_sources();
    let learned = sources.datasets.iter().map(|reference| (reference, Role::Source));
    let validation = sources.validation.iter().map(|reference| (reference, Role::Validation));
    for (reference, role) in learned.chain(validation).filter(|_| learns) {
        let dataset = tasks::load(plan, reference)?;
        prints.push(Prints::of(&dataset, role));
        digests_of::add(&mut digests, &dataset);
    }
    if let Some(transfer) = plan.transfer() {
        for target in &transfer.targets {
            let dataset = tasks::load(plan, target)?;
            tasks::check_target(plan, &dataset)?;
            if learns {
                prints.push(Prints::of(&dataset, Role::Target));
            }
            digests_of::add(&mut digests, &dataset);
        }
        digests.extend(digests_of::of_policies(plan, transfer)?);
    }
    for target in plan.rivals().map_or(&[][..], |rivals| &rivals.targets) {
        digests_of::add(&mut digests, &tasks::load(plan, target)?);
    }
    for warning in leaks::check(&prints)? {
        output::message(&format!("warning: {warning}"));
    }
    Ok(digests)
}

fn options(plan: &Plan, finished: &Finished) -> VerdictOptions {
    VerdictOptions {
        subject: LEARNED.to_string(),
        metric: plan.episode().metric,
        target: plan.report().target_accuracy,
        shares: plan.report().target_shares.clone(),
        full_pool: finished.full_pool.clone(),
        key: Key::root(plan.seed()).named("verdict"),
        ..VerdictOptions::default()
    }
}

fn judged(plan: &Plan, finished: &Finished) -> Verdict {
    judge(&finished.rows, &options(plan, finished))
}

/// The verdict of a finished run: a JSON list as `--json` prints it, and a table for people.
pub fn verdict(plan: &Plan, finished: &Finished) -> Result<(Value, String)> {
    let verdict = judged(plan, finished);
    let list = serde_json::to_value(&verdict).expect("a verdict holds strings and finite numbers");
    let mut text = if finished.rows.is_empty() { String::new() } else { table(&verdict) };
    if let Some(architecture) = &finished.summary.architecture {
        text.push_str(&format!(
            "\narchitecture found on the sources: A(B, {}, {}), {} gradient steps\n",
            architecture.blocks_per_stack, architecture.stacks, architecture.steps
        ));
    }
    if let Some(policy) = &finished.summary.policy {
        text.push_str(&format!(
            "policy trained on {} tasks: {} states looked ahead in, {} episodes played\n",
            policy.sources.len(),
            policy.states,
            policy.episodes
        ));
    }
    Ok((list, text))
}

/// The verdict's table for a text.
const TABLE_MARKDOWN: &str = "tables/verdict.md";
/// Contrasts between architectures, or searches.
const TABLE_CONTRASTS: &str = "tables/contrasts.md";
/// The same for a paper.
const TABLE_LATEX: &str = "tables/verdict.tex";

/// The phases of an episode, with the names of what was measured: once, where a policy sees both a value and its rank.
fn course(phases: &[Phase]) -> Vec<Picks> {
    let names: Vec<&str> = SCHEMA.candidate.iter().map(|name| name.trim_end_matches(", quantile")).collect();
    let mut before: Option<f64> = None;
    let mut named = |up_to: Option<f64>| {
        let text = match (before, up_to) {
            (None, Some(end)) => format!("up to {end}"),
            (Some(start), Some(end)) => format!("{start} to {end}"),
            (Some(start), None) => format!("over {start}"),
            (None, None) => "all".to_string(),
        };
        before = up_to;
        text
    };
    let picks = |phase: &Phase| Picks {
        phase: named(phase.up_to),
        picks: phase.picks,
        quantiles: (0..names.len())
            .filter(|&at| !names[..at].contains(&names[at]))
            .filter_map(|at| Some((names[at].to_string(), *phase.quantiles.get(at)?)))
            .collect(),
    };
    phases.iter().map(picks).collect()
}

/// Writes what is made of the rows of a finished run: `report.html`, figures, tables, exports. With `force`,
/// also over files that the run has not written, or that somebody has changed. Returns the path of the report.
pub fn report(plan: &Plan, finished: &Finished, force: bool) -> Result<PathBuf> {
    let summary = &finished.summary;
    let mut input = ReportInput::new(plan.name(), finished.rows.clone(), judged(plan, finished));
    if let Some(policy) = &summary.policy {
        // Each phase counts its own iterations; the figure shows them one after the other.
        let (mut before, mut shown): (u64, Option<(&str, u64)>) = (0, None);
        for point in &policy.curve {
            if let Some((_, last)) = shown.filter(|(phase, _)| *phase != point.phase) {
                before = last + u64::from(point.iteration == 0);
            }
            let iteration = before + point.iteration;
            shown = Some((&point.phase, iteration));
            input.training.push(TrainingPoint {
                iteration,
                stage: point.phase.clone(),
                gain: point.validation,
                ci95: point.error.map(|e| [point.validation - 1.96 * e, point.validation + 1.96 * e]),
            });
        }
        input.importance = policy
            .importance
            .iter()
            .map(|one| Importance {
                name: one.name.clone(),
                mean: one.changed[0],
                ci95: Some([one.changed[1], one.changed[2]]),
            })
            .collect();
    }
    input.course = summary.policy.as_ref().map_or(Vec::new(), |policy| course(&policy.course));
    if let Some(architecture) = &summary.architecture {
        input.search = architecture
            .log
            .iter()
            .enumerate()
            .filter_map(|(at, visit)| {
                let earlier = architecture.log[..at].iter().filter(|other| other.task == visit.task).count();
                Some(SearchPoint {
                    path: visit.task.clone(),
                    step: earlier as u64 + 1,
                    architecture: visit.architecture.clone(),
                    score: visit.score?,
                    accepted: visit.taken,
                    parameters: Some(visit.parameters),
                })
            })
            .collect();
    }
    let options = options(plan, finished);
    input.variants = contrasts::variants(plan);
    input.contrasts = contrast::judge(&finished.rows, &contrasts::contrasts(plan), &options);
    input.separation = separation(plan)?;
    input.times = finished.times.clone();
    input.plan = Some(plan.to_toml());
    input.facts = facts(finished);
    let file = |name: &str, text: String| (name.to_string(), text.into_bytes());
    let mut files: Vec<_> = figures(&input)
        .into_iter()
        .map(|figure| file(&format!("{}/{}.svg", store::FIGURES, figure.name), figure.svg))
        .collect();
    files.extend(export::exports(&input.rows, &input.times).into_iter().map(|one| (one.name, one.bytes)));
    files.push(file(TABLE_MARKDOWN, table::markdown(&input.verdict)));
    files.push(file(TABLE_LATEX, table::latex(&input.verdict)));
    if !input.contrasts.is_empty() {
        files.push(file(TABLE_CONTRASTS, contrast::markdown(&input.contrasts, options.alpha)));
    }
    files.push(file(store::REPORT, html(&input)));
    publish(&finished.dir, &summary.run, &files, force)?;
    Ok(finished.dir.join(store::REPORT))
}

/// The parts of every target's first repetition, and of every source's first split.
fn separation(plan: &Plan) -> Result<Vec<Separation>> {
    let line = |task: &crate::data::Task, role: &str| {
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
    let of_rivals = plan.rivals().map_or(&[][..], |rivals| &rivals.targets);
    for target in plan.transfer().map_or(&[][..], |transfer| &transfer.targets).iter().chain(of_rivals) {
        let dataset = tasks::load(plan, target)?;
        lines.push(line(tasks::ground(plan, &dataset, 0)?.task(), target_role));
    }
    if plan.train().is_some() || plan.searches_sources() {
        let sections = plan.sources();
        for (tasks, generated, role) in [
            (tasks::sources(plan)?, sections.synthetic, "source"),
            (tasks::validation(plan)?, sections.validation_synthetic, "validation"),
        ] {
            let of_tasks: Vec<Separation> =
                tasks.iter().map(|source| line(source.grounds[0].task(), role)).collect();
            lines.extend(in_few_lines(of_tasks, generated, role, sections));
        }
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

fn facts(finished: &Finished) -> Vec<Fact> {
    let summary = &finished.summary;
    let fact = |name: &str, value: String| Fact { name: name.to_string(), value };
    let mut facts = vec![
        fact("rows", summary.rows.to_string()),
        fact("digest of the rows", summary.rows_digest.clone()),
        fact("run", summary.run.clone()),
        fact("version", format!("querist {}", env!("CARGO_PKG_VERSION"))),
    ];
    if let Some(policy) = &summary.policy {
        facts.push(fact("policy", policy.digest.clone()));
    }
    if let Some(peak) = memory::peak_rss_mb() {
        facts.push(fact("peak memory of the last process", format!("{peak:.0} MB")));
    }
    facts
}

/// What a data file holds and what is wrong with it: as JSON, and for people.
pub fn describe(args: &DescribeArgs) -> Result<(Value, String)> {
    let default = ReadOptions::default();
    let options =
        ReadOptions { label: args.label.clone().unwrap_or_else(|| default.label.clone()), ..default };
    let description = describe_data(&readers::read(&args.file, &options)?);
    let list = serde_json::to_value(&description).expect("a description holds strings and finite numbers");
    Ok((list, format!("{description}\n")))
}

/// Every strategy with its card.
pub fn strategies() -> &'static [Entry] {
    registry::all()
}

/// A policy by the name or the folder under which it is asked for.
pub fn policy(name: &str) -> Result<Policy> {
    Ok(shipped::open(name, &SCHEMA)?)
}

/// The names of the policies that come with the program.
pub fn shipped_policies() -> impl Iterator<Item = &'static str> {
    shipped::SHIPPED.iter().map(|one| one.name)
}
