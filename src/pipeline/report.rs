//! What is made of the rows of a finished run: report, figures, tables, exports.

use super::contrasts;
use super::finished::Finished;
use super::separation::separation;
use crate::agent::selection_profile::Phase;
use crate::episode::features::SCHEMA;
use crate::error::Result;
use crate::report::input::{Fact, Importance, Picks, SearchPoint, TrainingPoint};
use crate::report::{ReportInput, contrast, export, figures, html, table};
use crate::run::{Publication, publish, store, usage};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is made of the rows anew every time: what of it an earlier report had and this one has not is removed.
const WHOLE: [&str; 3] = ["figures/", "tables/", "tensorboard/"];
/// The verdict's table for a text.
const TABLE_MARKDOWN: &str = "tables/verdict.md";
/// Contrasts between architectures, or searches.
const TABLE_CONTRASTS: &str = "tables/contrasts.md";
/// The same for a paper.
const TABLE_LATEX: &str = "tables/verdict.tex";

/// The phases of an episode, with the names of what was measured: once, where a policy sees both a value and its rank.
fn selection_profile(phases: &[Phase]) -> Vec<Picks> {
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

/// Writes what is made of the rows of a finished run into `dir`: `report.html`, figures, tables, exports. With `force`,
/// also over files that the run has not written, or that somebody has changed. Returns the path of the report.
pub(super) fn write(finished: &Finished, dir: &Path, force: bool) -> Result<PathBuf> {
    let plan = finished.plan();
    let summary = &finished.summary;
    let verdict = finished.verdict().clone();
    let mut input = ReportInput::new(plan.name(), Arc::clone(&finished.rows), verdict);
    input.registry = plan.registry().clone();
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
    input.selection_profile =
        summary.policy.as_ref().map_or(Vec::new(), |policy| selection_profile(&policy.selection_profile));
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
    let options = finished.verdict_options();
    input.variants = contrasts::variants(plan);
    input.contrasts = contrast::judge(&finished.rows, &contrasts::contrasts(plan), &options);
    input.separation = separation(plan)?;
    input.times = finished.times.clone();
    input.overlays.clone_from(&finished.overlays);
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
    let how = Publication { whole: &WHOLE, force, ..Publication::of(&summary.run) };
    publish(dir, &files, how)?;
    Ok(dir.join(store::REPORT))
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
    if let Some(peak) = usage::peak_rss_mb() {
        facts.push(fact("peak memory of the last process", format!("{peak:.0} MB")));
    }
    facts
}
