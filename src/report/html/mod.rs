//! The report as one HTML file that opens offline: no script, no font, no request.
//!
//! The verdict's sentence comes first, then what supports it. Colours follow the reader's light or dark
//! setting; paper is always light. The page is the template `report.html`, filled with a [`page::Page`]; every text is escaped there.

mod page;
mod sections;

use super::curves::{TaskCurves, gather};
use super::figure::critical::Blocks;
use super::figure::palette::{Palette, Theme, variables};
use super::figure::{
    Figure, bars, critical, forest, heat, learning, overlays, path, profile, search, selection_profile,
    steps, training,
};
use super::input::{ReportInput, SearchPoint};
use super::roles::{is_ranked, ranked_everywhere};
use super::stats::critical::{CriticalDifference, critical_difference};
use super::stats::mean::mean;
use super::stats::penalty::penalty_matrix;
use super::verdict::compare::aulc_by_repetition;
use super::verdict::{MARGIN, RANDOM};
use crate::episode::Row;
use crate::query::usual;
use page::{Page, Run};

const STYLE: &str = include_str!("style.css");

/// The permutation importances shown, largest first.
const MAX_IMPORTANCES: usize = 30;
/// The searches drawn; a run over many repetitions would bury the first in the rest.
const MAX_SEARCHES: usize = 12;

/// The whole report.
pub fn html(input: &ReportInput) -> String {
    let curves = gather(&input.rows, input.verdict.metric);
    let palette = palette(input, &curves);
    let drawn = Drawn::new(input, &curves, &palette, Theme::Page);
    let sections = [
        sections::learning(&drawn.learning, input, &palette),
        sections::over_tasks(input, &palette),
        sections::figures("What was asked for and predicted", &drawn.overlays),
        sections::figures("Differences", &drawn.differences),
        sections::verdict_table(input, &palette),
        sections::label_savings(input, &palette),
        sections::figures("Ranking", &drawn.ranking),
        sections::robustness(input, &palette),
        sections::figures("Training of the policy", &drawn.training),
        sections::figures("What the policy looks at", &drawn.importance),
        sections::contrasts(&input.contrasts),
        sections::figures("Learning for the same computation", &drawn.steps),
        sections::figures("Path of architectures", &drawn.paths),
        sections::search(&drawn.search, input),
        sections::query_times(input, &palette),
        sections::separation(&input.separation),
        sections::facts(&input.facts),
        sections::plan(input.plan.as_deref()),
    ];
    let verdict = &input.verdict;
    let several = verdict.tasks.len() > 1;
    let tasks = verdict.tasks.iter().filter(|_| several).map(|task| Run::sentence(&task.sentence));
    let page = Page {
        heading: heading(input),
        light: format!("{{{}}}", variables(false)),
        dark: format!("{{{}}}", variables(true)),
        style: STYLE,
        verdict: Run::sentence(&verdict.sentence),
        tasks: tasks.collect(),
        warnings: &verdict.warnings,
        sections: sections.into_iter().flatten().collect(),
    };
    page.html()
}

/// Targets that the heading names; of more, it says how many there are.
const NAMED_TARGETS: usize = 3;

/// The heading: the run's name, and on what it was played.
fn heading(input: &ReportInput) -> String {
    let tasks: Vec<&str> = input.verdict.tasks.iter().map(|task| task.task.as_str()).collect();
    let count = tasks.len();
    match tasks.as_slice() {
        [] => input.title.clone(),
        few if count <= NAMED_TARGETS => format!("{} on {}", input.title, few.join(", ")),
        [.., _] => format!(
            "{} on {count} tasks ({} and {} more)",
            input.title,
            tasks[..NAMED_TARGETS].join(", "),
            count - NAMED_TARGETS
        ),
    }
}

/// Every figure as a file of its own, in the colours of paper.
pub fn figures(input: &ReportInput) -> Vec<Figure> {
    let curves = gather(&input.rows, input.verdict.metric);
    let palette = palette(input, &curves);
    let drawn = Drawn::new(input, &curves, &palette, Theme::Alone);
    let groups = [
        drawn.learning,
        drawn.overlays,
        drawn.differences,
        drawn.ranking,
        drawn.training,
        drawn.importance,
        drawn.steps,
        drawn.paths,
        drawn.search,
    ];
    let mut all: Vec<Figure> = groups.into_iter().flatten().collect();
    // Names of tasks may differ in what a file name cannot hold.
    for index in 1..all.len() {
        let taken = |name: &str, all: &[Figure]| all[..index].iter().any(|figure| figure.name == name);
        let base = all[index].name.clone();
        let mut number = 2;
        while taken(&all[index].name, &all) {
            all[index].name = format!("{base}-{number}");
            number += 1;
        }
    }
    all
}

fn palette(input: &ReportInput, curves: &[TaskCurves]) -> Palette {
    let names = curves.iter().flat_map(|task| task.strategies.keys().map(String::as_str));
    Palette::new(names, &input.subject, &input.registry)
}

/// All figures of a report, by section.
struct Drawn {
    learning: Vec<Figure>,
    overlays: Vec<Figure>,
    differences: Vec<Figure>,
    ranking: Vec<Figure>,
    training: Vec<Figure>,
    importance: Vec<Figure>,
    steps: Vec<Figure>,
    paths: Vec<Figure>,
    search: Vec<Figure>,
}

impl Drawn {
    fn new(input: &ReportInput, curves: &[TaskCurves], palette: &Palette, theme: Theme) -> Self {
        let margin = forest::forest(&input.verdict, MARGIN, |entry| entry.vs_margin.as_ref(), palette, theme);
        let random = forest::forest(&input.verdict, RANDOM, |entry| entry.vs_random.as_ref(), palette, theme);
        let mut names = ranked_everywhere(curves, &input.registry);
        let diagram = ranking(curves, &names);
        let ranks = diagram.as_ref().and_then(|(diagram, blocks)| {
            critical::critical_difference(diagram, *blocks, &names, palette, theme)
        });
        if let Some((diagram, _)) = &diagram {
            let mut ranked: Vec<(f64, &str)> = diagram.ranks.iter().copied().zip(names).collect();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
            names = ranked.into_iter().map(|(_, name)| name).collect();
        }
        let penalties = heat::penalty_heat(&penalties(curves, &names), &names, curves.len(), theme);
        let profiles = profiles(curves, &names, palette, theme);
        let gaps = gap_figures(input, palette, theme);
        Self {
            learning: curves
                .iter()
                .filter_map(|task| learning::learning_curves(task, palette, theme))
                .collect(),
            overlays: overlays::overlays(&input.overlays, palette, theme),
            differences: margin.into_iter().chain(random).collect(),
            ranking: ranks.into_iter().chain(penalties).chain(profiles).chain(gaps).collect(),
            training: training::training_curve(&input.training, usual(input.verdict.metric.targets()), theme)
                .into_iter()
                .collect(),
            importance: importance(input, theme)
                .into_iter()
                .chain(selection_profile::selection_profile(&input.selection_profile, theme))
                .collect(),
            steps: steps_figures(input, curves, theme),
            paths: path_figures(input, curves, theme),
            search: searches(input)
                .into_iter()
                .take(MAX_SEARCHES)
                .filter_map(|(path, points)| search::search_path(path, &points, theme))
                .collect(),
        }
    }
}

/// The metric against gradient steps, by task and strategy.
fn steps_figures(input: &ReportInput, curves: &[TaskCurves], theme: Theme) -> Vec<Figure> {
    let mut figures = Vec::new();
    for task in curves {
        for strategy in strategies(input) {
            let lines: Vec<steps::Line<'_>> = input
                .variants
                .iter()
                .filter(|variant| variant.strategy == strategy)
                .map(|variant| steps::Line {
                    name: &variant.architecture,
                    rows: rows_of(input, &task.task, &variant.name),
                })
                .collect();
            figures.extend(steps::metric_by_steps(&task.task, strategy, &lines, task.metric, theme));
        }
    }
    figures
}

/// The paths of all architectures that changed, by task.
fn path_figures(input: &ReportInput, curves: &[TaskCurves], theme: Theme) -> Vec<Figure> {
    let mut figures = Vec::new();
    for task in curves {
        for variant in &input.variants {
            let rows = rows_of(input, &task.task, &variant.name);
            figures.extend(path::architecture_path(&task.task, &variant.name, &rows, theme));
        }
    }
    figures
}

/// The strategies of the variants, in order.
fn strategies(input: &ReportInput) -> Vec<&str> {
    let mut strategies: Vec<&str> = input.variants.iter().map(|variant| variant.strategy.as_str()).collect();
    strategies.dedup();
    strategies
}

fn rows_of<'a>(input: &'a ReportInput, task: &str, strategy: &str) -> Vec<&'a Row> {
    input.rows.iter().filter(|row| row.task == task && row.strategy == strategy).collect()
}

/// Searches by path, in the order in which they first appear.
fn searches(input: &ReportInput) -> Vec<(&str, Vec<&SearchPoint>)> {
    let mut paths: Vec<(&str, Vec<&SearchPoint>)> = Vec::new();
    for point in &input.search {
        match paths.iter_mut().find(|(path, _)| *path == point.path) {
            Some((_, points)) => points.push(point),
            None => paths.push((&point.path, vec![point])),
        }
    }
    paths
}

fn importance(input: &ReportInput, theme: Theme) -> Option<Figure> {
    let mut shown: Vec<_> = input.importance.iter().filter(|feature| feature.mean.is_finite()).collect();
    shown.sort_by(|a, b| b.mean.total_cmp(&a.mean).then_with(|| a.name.cmp(&b.name)));
    shown.truncate(MAX_IMPORTANCES);
    let rows: Vec<bars::Bar> = shown
        .iter()
        .map(|feature| bars::Bar {
            name: feature.name.clone(),
            value: 100.0 * feature.mean,
            whisker: feature.ci95.map(|ci| ci.map(|share| 100.0 * share)),
            ink: super::figure::palette::Ink::Series(0),
        })
        .collect();
    let svg =
        bars::bars("Permutation importance", "first choices that change when shuffled, %", 2, &rows, theme)?;
    Some(Figure {
        name: "importance".to_owned(),
        caption:
            "In how many states of the validation tasks the policy's first choice changes when one feature is \
             shuffled among the candidates (a global one: among the states); whiskers: 95 % interval. Near \
             zero: the policy does without it. Features that say the same hide each other."
                .to_owned(),
        wide: false,
        svg,
    })
}

/// The share of the oracle's lead that every strategy closes, averaged over tasks that have an oracle.
fn gap_figures(input: &ReportInput, palette: &Palette, theme: Theme) -> Option<Figure> {
    let mut rows: Vec<bars::Bar> = palette
        .strategies()
        .into_iter()
        .filter(|(name, _)| *name != RANDOM && is_ranked(name, &input.registry))
        .filter_map(|(name, style)| {
            let closed: Vec<f64> = input
                .verdict
                .entries
                .iter()
                .filter(|entry| entry.strategy == name)
                .filter_map(|entry| entry.gap_closed)
                .collect();
            let value = 100.0 * mean(&closed)?;
            Some(bars::Bar { name: name.to_owned(), value, whisker: None, ink: style.ink })
        })
        .collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    let svg = bars::bars("Oracle gap closed", "share of the oracle's lead over random, %", 0, &rows, theme)?;
    Some(Figure {
        name: "gap-closed".to_owned(),
        caption: "(strategy − random) / (oracle − random) of the mean AULC, averaged over tasks; the oracle is the \
                  best of what reads labels that no strategy may see."
            .to_owned(),
        wide: false,
        svg,
    })
}

/// Profiles over all runs, each as its lead over random's mean on its task: raw accuracies would show
/// the tasks apart rather than the strategies. One task's would repeat what its learning curve says.
fn profiles(curves: &[TaskCurves], names: &[&str], palette: &Palette, theme: Theme) -> Option<Figure> {
    if curves.len() < 2 {
        return None;
    }
    let areas = |task: &TaskCurves, name: &str| -> Vec<f64> {
        aulc_by_repetition(&task.strategies[name], task.shared).into_values().collect()
    };
    let centre = |task| names.contains(&RANDOM).then(|| mean(&areas(task, RANDOM))).flatten();
    let centres = curves.iter().map(centre).collect::<Option<Vec<f64>>>()?;
    let of = |name: &str| {
        let lead = |(task, centre): (&TaskCurves, &f64)| -> Vec<f64> {
            areas(task, name).into_iter().map(|area| area - centre).collect()
        };
        curves.iter().zip(&centres).flat_map(lead).collect()
    };
    let runs: Vec<(&str, Vec<f64>)> = names.iter().map(|name| (*name, of(name))).collect();
    profile::performance_profiles(&runs, palette, theme)
}

/// Ranks of `names`: over several tasks with one block per task, the means over the repetitions that all of
/// them completed (Demšar, JMLR 2006: repetitions of a task are not independent observations of "tasks like
/// these"); on a single task with one block per repetition.
fn ranking(curves: &[TaskCurves], names: &[&str]) -> Option<(CriticalDifference, Blocks)> {
    let repetitions = |task: &TaskCurves| -> Option<Vec<Vec<f64>>> {
        let scores: Vec<_> =
            names.iter().map(|name| aulc_by_repetition(&task.strategies[*name], task.shared)).collect();
        let complete = |r: &u32| scores.iter().map(|by| by.get(r).copied()).collect::<Option<Vec<f64>>>();
        Some(scores.first()?.keys().filter_map(complete).collect())
    };
    let means = |task: &TaskCurves| -> Option<Vec<f64>> {
        let blocks = repetitions(task)?;
        (0..names.len()).map(|at| mean(&blocks.iter().map(|block| block[at]).collect::<Vec<_>>())).collect()
    };
    let (blocks, kind) = match curves {
        [] => return None,
        [task] => (repetitions(task)?, Blocks::Repetitions),
        tasks => (tasks.iter().filter_map(means).collect(), Blocks::Tasks),
    };
    Some((critical_difference(&blocks, 0.05)?, kind))
}

fn penalties(curves: &[TaskCurves], names: &[&str]) -> Vec<Vec<f64>> {
    let task_accuracies = |task: &TaskCurves| {
        let repetitions: std::collections::BTreeSet<u32> =
            task.strategies.values().flat_map(|strategy| strategy.curves.keys().copied()).collect();
        let grid = task.grid();
        let of = |name: &&str| {
            let strategy = &task.strategies[*name];
            let at = |labels: &u32| {
                let accuracy =
                    |r: &u32| strategy.curves.get(r).and_then(|curve| curve.at(f64::from(*labels)));
                repetitions.iter().map(accuracy).collect()
            };
            grid.iter().map(at).collect()
        };
        names.iter().map(of).collect()
    };
    penalty_matrix(&curves.iter().map(task_accuracies).collect::<Vec<_>>(), 0.05)
}

#[cfg(test)]
mod tests;
