//! The sections of the page; one without data is left out.

use super::super::contrast::{self, Judged};
use super::super::figure::Figure;
use super::super::figure::canvas::{Canvas, Stroke};
use super::super::figure::palette::{Palette, Style, Theme};
use super::super::input::{Fact, ReportInput, Separation};
use super::super::roles::{is_ranked, marked};
use super::super::table::{OVER_TASKS, aulc, labels_needed, legend, mark, over_tasks_cells};
use super::super::text::{ABSENT, equals_p, fixed, points, signed, signed_points};
use super::super::verdict::Comparison;
use super::page::{Figures, Named, Run, Section, Table, TableRow};
use crate::learner::Metric;
use std::collections::BTreeMap;

/// The level of significance of contrasts, that of the verdict.
const ALPHA: f64 = 0.05;
/// Rows of the table of searched architectures before it is folded away.
const MOVES_SHOWN: usize = 12;

/// Learning curves under one legend.
pub(super) fn learning<'a>(
    drawn: &'a [Figure],
    input: &ReportInput,
    palette: &Palette,
) -> Option<Section<'a>> {
    let entry = |(name, style): (&str, Style)| Named {
        swatch: swatch(style, true),
        name: marked(name, is_ranked(name, &input.registry)).to_string(),
    };
    let note = format!(
        "Mean test {} over repetitions against labels bought, the initial ones included; bands: 95 % interval of the \
         mean (Student's t). Strategies of one repetition share split, initial labels and initial weights.",
        input.verdict.metric.name()
    );
    let figures = Figures { lead: drawn.len() == 1, ..Figures::of(drawn, false) };
    let section = || {
        Section::new("Learning curves")
            .legend(palette.strategies().into_iter().map(entry).collect())
            .figures(figures)
            .note(note)
    };
    (!drawn.is_empty()).then(section)
}

/// A section of figures with their captions.
pub(super) fn figures<'a>(heading: &str, drawn: &'a [Figure]) -> Option<Section<'a>> {
    (!drawn.is_empty()).then(|| Section::new(heading).figures(Figures::of(drawn, true)))
}

/// The verdict table, one per task.
pub(super) fn verdict_table<'a>(input: &ReportInput, palette: &Palette) -> Option<Section<'a>> {
    if input.verdict.entries.is_empty() {
        return None;
    }
    let metrics = input.verdict.metric.beside();
    let of =
        |name: fn(Metric) -> &'static str| metrics.iter().map(|&metric| name(metric)).collect::<Vec<_>>();
    let finals = &*format!("final: {}", of(Metric::short_name).join(" | "));
    let said = match &*of(Metric::explained) {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        all => all.concat(),
    };
    let heads = ["strategy", "reps", "AULC", "vs random", "vs margin", "early | late", finals];
    let mut section = Section::new("Verdict table");
    for task in &input.verdict.tasks {
        let entries = input.verdict.entries.iter().filter(|entry| entry.task == task.task);
        let row = |entry: &super::super::verdict::Entry| {
            let finals: Vec<String> = metrics.iter().map(|&metric| points(entry.at_end(metric))).collect();
            let cells = vec![
                vec![Run::plain(entry.repetitions.to_string())],
                vec![Run::plain(aulc(entry))],
                versus(entry.vs_random.as_ref()),
                versus(entry.vs_margin.as_ref()),
                vec![Run::plain(format!("{} | {}", points(entry.aulc_early), points(entry.aulc_late)))],
                vec![Run::plain(finals.join(" | "))],
            ];
            of_strategy(&entry.strategy, cells, input, palette)
        };
        section = section.table(table(task_caption(&task.task, task.labels), &heads, entries.map(row)));
    }
    // The last two columns of the plain table stand in a section of their own here.
    let legend = legend(input.verdict.metric);
    let legend = legend.split(" Labels:").next().unwrap_or(&legend);
    let rest = format!(
        "Early, late: AULC of the first and second half of the label range; final: {said} at its end."
    );
    Some(section.note(format!("{legend} {rest}")))
}

/// The subject over tasks, what it is within these tasks beside it.
pub(super) fn over_tasks<'a>(input: &ReportInput, palette: &Palette) -> Option<Section<'a>> {
    let across = &input.verdict.across;
    let first = across.first()?;
    let over = format!("over tasks (n = {})", first.tasks);
    let heads = ["against", "points", &over, "tasks won | lost", "within these tasks"];
    let rows = across.iter().map(|one| TableRow {
        swatch: Some(swatch(palette.style(&one.reference), false)),
        ..TableRow::plain(&one.reference_words(), over_tasks_cells(one))
    });
    let caption = format!("{} over {} tasks", first.strategy, first.tasks);
    Some(Section::new("Over tasks").table(table(caption, &heads, rows)).note(OVER_TASKS))
}

/// Labels needed for every task's targets.
pub(super) fn label_savings<'a>(input: &ReportInput, palette: &Palette) -> Option<Section<'a>> {
    if input.verdict.entries.iter().all(|entry| entry.labels_to_target.is_empty()) {
        return None;
    }
    let metric = input.verdict.metric.name();
    let heads = ["strategy", "median labels", "saved vs random", "saved vs margin"];
    let mut section = Section::new(format!("Labels to a target {metric}"));
    for task in &input.verdict.tasks {
        for (at, target) in task.targets.iter().enumerate() {
            let entries = input.verdict.entries.iter().filter(|entry| entry.task == task.task);
            let rows = entries.map(|entry| {
                let cells = vec![
                    vec![Run::plain(labels_needed(entry.labels_to_target.get(at), task.labels))],
                    saved(entry.vs_random.as_ref(), at),
                    saved(entry.vs_margin.as_ref(), at),
                ];
                of_strategy(&entry.strategy, cells, input, palette)
            });
            let caption = format!("{}: {metric} {target}", task.task);
            section = section.table(table(caption, &heads, rows));
        }
    }
    Some(section.note(
        "Fewest labels at which a repetition reaches the target (in brackets: repetitions that did, of all). A repetition \
         that never does is censored: it stands at the far end of the median and counts as the whole label range in the \
         paired means [95 % bootstrap interval], which are then bounds. Positive: fewer labels than the reference. What \
         all labels give is the mean over a few repetitions of the classifier fitted to the whole pool.",
    ))
}

/// Aggregates over all tasks and what fewer repetitions would have said.
pub(super) fn robustness<'a>(input: &ReportInput, palette: &Palette) -> Option<Section<'a>> {
    let reference = input.verdict.robustness.iter().find_map(|entry| entry.reference.as_deref())?;
    let improvement = format!("beats {reference}, %");
    let heads = ["strategy", "IQM of scores, %", &improvement, "order flips, %: 3 | 5 | 10 runs"];
    let rows = input.verdict.robustness.iter().map(|entry| {
        let mut cells: Vec<Vec<Run>> = [&entry.interquartile, &entry.improvement]
            .map(|figure| match figure {
                None => vec![Run::plain(ABSENT)],
                Some((value, ci)) => {
                    let (lo, hi) = (points(Some(ci.lo)), points(Some(ci.hi)));
                    vec![
                        Run::plain(format!("{} ", points(Some(*value)))),
                        Run::small(format!("[{lo}, {hi}]")),
                    ]
                }
            })
            .into();
        let flips = entry.flips.map(|rate| rate.map_or_else(|| ABSENT.to_owned(), |r| fixed(100.0 * r, 0)));
        cells.push(vec![Run::plain(flips.join(" | "))]);
        of_strategy(&entry.strategy, cells, input, palette)
    });
    let note = format!(
        "IQM: mean of the middle half of the scores of all runs of all tasks. A score is an AULC on its task's scale, the \
         same for all strategies: 0 is random's mean, 100 the highest mean that any strategy reaches at any number of \
         labels (Agarwal et al. 2021 normalise per task likewise). Beats: the chance that a run of the strategy beats a \
         run of {reference} on the same task, 50 = alike. Both with 95 % intervals that resample runs within each task. \
         Order flips: how often 3, 5 or 10 of the repetitions put the strategy and {reference} in the opposite order to \
         all of them."
    );
    Some(Section::new("How sure it is").table(table(String::new(), &heads, rows)).note(note))
}

/// Contrasts, one table per family.
pub(super) fn contrasts<'a>(judged: &[Judged]) -> Option<Section<'a>> {
    if judged.is_empty() {
        return None;
    }
    let mut section = Section::new("Contrasts");
    for (family, members) in contrast::families(judged) {
        let tasks = contrast::tasks(&members);
        let heads: Vec<&str> = ["contrast"].into_iter().chain(tasks.iter().copied()).collect();
        let rows = members.iter().map(|one| {
            let effect = |task: &&str| one.effects.iter().find(|effect| effect.task == **task);
            TableRow::plain(&one.contrast.name, tasks.iter().map(|task| contrast::cell(effect(task), ALPHA)))
        });
        section = section.table(table(family.to_string(), &heads, rows));
    }
    Some(section.note(contrast::LEGEND))
}

/// Search figures, and the moves as a table.
pub(super) fn search<'a>(drawn: &'a [Figure], input: &ReportInput) -> Option<Section<'a>> {
    if drawn.is_empty() {
        return None;
    }
    let section = Section::new("Architecture search")
        .figures(Figures::of(drawn, false))
        .note("Filled: the search moved there; hollow: tried and left. Hover for the architecture.");
    let moves: Vec<_> = input.search.iter().filter(|point| point.accepted).collect();
    if moves.is_empty() {
        return Some(section);
    }
    let rows = moves.iter().map(|point| {
        let parameters = point.parameters.map_or_else(|| ABSENT.to_owned(), |n| n.to_string());
        let cells =
            [point.step.to_string(), point.architecture.clone(), points(Some(point.score)), parameters];
        TableRow::plain(&point.path, cells)
    });
    let table = table(String::new(), &["search", "step", "architecture", "score, %", "parameters"], rows);
    Some(section.folded(moves.len() <= MOVES_SHOWN, format!("The {} moves", moves.len()), table))
}

/// How long the strategies took to choose: median and slow tail per task.
pub(super) fn query_times<'a>(input: &ReportInput, palette: &Palette) -> Option<Section<'a>> {
    let mut seconds: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for row in input.rows.iter() {
        if let Some(time) = input.times.of(row) {
            seconds.entry((&row.task, &row.strategy)).or_default().push(time);
        }
    }
    if seconds.is_empty() {
        return None;
    }
    let heads = ["strategy", "queries", "median, ms", "95th percentile, ms"];
    let mut section = Section::new("Time per query");
    for task in &input.verdict.tasks {
        let mut rows = Vec::new();
        for entry in input.verdict.entries.iter().filter(|entry| entry.task == task.task) {
            let Some(times) = seconds.get_mut(&(&*entry.task, &*entry.strategy)) else { continue };
            times.sort_by(f64::total_cmp);
            let at = |share: f64| 1e3 * times[((times.len() - 1) as f64 * share).round() as usize];
            let cells = [times.len().to_string(), fixed(at(0.5), 3), fixed(at(0.95), 3)];
            let cells = cells.map(|text| vec![Run::plain(text)]).into();
            rows.push(of_strategy(&entry.strategy, cells, input, palette));
        }
        section = section.table(table(task.task.clone(), &heads, rows));
    }
    Some(section.note(
        "From the classifier's weights to the rows asked for, predictions on the pool included; fits and measurements are \
         not. Other threads of the run compete for the machine.",
    ))
}

/// The rows that each task keeps apart.
pub(super) fn separation<'a>(tasks: &[Separation]) -> Option<Section<'a>> {
    let heads = ["task", "role", "pool (train)", "reward", "validation", "test"];
    let rows = tasks.iter().map(|task| {
        let counts = [task.train, task.reward, task.validation, task.test].map(span);
        TableRow::plain(&task.task, [task.role.clone()].into_iter().chain(counts))
    });
    let note = "All are disjoint. Strategies ask for labels of pool rows only; a policy's reward reads reward rows only; \
                validation rows are not charged, and tell fits when to stop; the curves above are measured on test rows, \
                which neither a strategy nor a reward reads.";
    (!tasks.is_empty())
        .then(|| Section::new("Separation of rows").table(table(String::new(), &heads, rows)).note(note))
}

/// `80`, or `68 to 80` where tasks of one line differ.
fn span([least, most]: [usize; 2]) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// What the run cost and what identifies it.
pub(super) fn facts(facts: &[Fact]) -> Option<Section<'_>> {
    let all = facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str()));
    (!facts.is_empty()).then(|| Section::new("The run").facts(all))
}

/// The plan, exactly as it was resolved.
pub(super) fn plan(plan: Option<&str>) -> Option<Section<'_>> {
    plan.map(|plan| Section::new("The plan").text(plan))
}

fn task_caption(task: &str, labels: Option<[u32; 2]>) -> String {
    let labels = labels.map_or_else(String::new, |[lo, hi]| format!(", {lo} to {hi} labels"));
    format!("{task}{labels}")
}

fn table(caption: String, heads: &[&str], rows: impl IntoIterator<Item = TableRow>) -> Table {
    let heads = heads.iter().map(|head| head.to_string()).collect();
    Table { caption, heads, rows: rows.into_iter().collect() }
}

/// A strategy's row of a table.
fn of_strategy(strategy: &str, cells: Vec<Vec<Run>>, input: &ReportInput, palette: &Palette) -> TableRow {
    TableRow {
        subject: strategy == input.subject,
        swatch: Some(swatch(palette.style(strategy), false)),
        name: marked(strategy, is_ranked(strategy, &input.registry)).to_string(),
        cells,
    }
}

/// How a strategy is drawn: its marker, and its line behind it where there are lines to be told apart.
fn swatch(style: Style, line: bool) -> String {
    let width = if line { 30.0 } else { 12.0 };
    let mut canvas = Canvas::new(Theme::Page, width, 12.0, "");
    if line {
        let stroke = Stroke { ink: style.ink, width: style.width, dash: style.dash };
        canvas.line((0.0, 6.0), (width, 6.0), stroke);
    }
    canvas.marker(style.marker, (0.5 * width, 6.0), 3.4, (style.ink, style.ink), "");
    format!(
        "<svg class=\"look\" viewBox=\"0 0 {width} 12\" width=\"{width}\" height=\"12\" aria-hidden=\"true\">{}</svg>",
        canvas.into_body().trim_end()
    )
}

fn versus(comparison: Option<&Comparison>) -> Vec<Run> {
    let Some(comparison) = comparison else { return vec![Run::plain(ABSENT)] };
    let interval = comparison.ci95.map_or_else(String::new, |[lo, hi]| {
        format!(" [{}, {}]", signed_points(Some(lo)), signed_points(Some(hi)))
    });
    let p = comparison.p.map_or_else(String::new, |p| format!(" p {}", equals_p(p)));
    vec![
        Run::plain(format!("{} ", signed_points(comparison.diff))),
        Run::small(format!("{interval}{p}")),
        Run::plain(" "),
        Run::mark(mark(comparison.outcome)),
    ]
}

fn saved(comparison: Option<&Comparison>, target: usize) -> Vec<Run> {
    let Some(savings) = comparison.and_then(|c| c.label_savings.get(target)) else {
        return vec![Run::plain(ABSENT)];
    };
    let mut runs = vec![Run::plain(signed(savings.mean, 1))];
    let mut aside = |text: String| runs.extend([Run::plain(" "), Run::small(text)]);
    if let Some([lo, hi]) = savings.ci95 {
        aside(format!("[{}, {}]", fixed(lo, 1), fixed(hi, 1)));
    }
    let censored = savings.only_strategy + savings.only_reference + savings.neither;
    if censored > 0 {
        aside(format!("{censored} censored"));
    }
    runs
}
