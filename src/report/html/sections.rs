//! The sections of the page, each appended to its body; a section without data leaves no trace.

use super::super::contrast::{self, Judged};
use super::super::figure::Figure;
use super::super::figure::canvas::{Canvas, Stroke};
use super::super::figure::palette::{Palette, Style, Theme};
use super::super::input::{Fact, ReportInput, Separation};
use super::super::roles::{is_ranked, marked};
use super::super::table::{OVER_TASKS, aulc, goal, labels_needed, legend, mark, over_tasks_cells};
use super::super::text::{ABSENT, equals_p, escape, fixed, points, signed, signed_points};
use super::super::verdict::Comparison;
use crate::data::TargetKind;
use std::collections::BTreeMap;

/// The level of significance of contrasts, that of the verdict.
const ALPHA: f64 = 0.05;
/// Rows of the table of searched architectures before it is folded away.
const MOVES_SHOWN: usize = 12;

/// Title, verdict sentence, a sentence per task, warnings.
pub(super) fn head(body: &mut String, input: &ReportInput) {
    let verdict = &input.verdict;
    body.push_str(&format!("<h1>{}</h1>\n", escape(&super::heading(input))));
    body.push_str(&format!("<p class=\"verdict\">{}</p>\n", quiet(&verdict.sentence)));
    if verdict.tasks.len() > 1 {
        body.push_str("<ul class=\"tasks\">\n");
        for task in &verdict.tasks {
            body.push_str(&format!("<li>{}</li>\n", quiet(&task.sentence)));
        }
        body.push_str("</ul>\n");
    }
    if !verdict.warnings.is_empty() {
        body.push_str("<ul class=\"warnings\">\n");
        for warning in &verdict.warnings {
            body.push_str(&format!("<li>{}</li>\n", escape(warning)));
        }
        body.push_str("</ul>\n");
    }
}

/// Learning curves under one legend.
pub(super) fn learning(body: &mut String, drawn: &[Figure], input: &ReportInput, palette: &Palette) {
    if drawn.is_empty() {
        return;
    }
    body.push_str("<h2>Learning curves</h2>\n<ul class=\"legend\">\n");
    for (name, style) in palette.strategies() {
        let line = swatch(style, true);
        body.push_str(&format!(
            "<li>{line}{}</li>\n",
            escape(&marked(name, is_ranked(name, &input.registry)))
        ));
    }
    body.push_str("</ul>\n");
    grid(body, drawn, false, if drawn.len() == 1 { " lead" } else { "" });
    body.push_str(&format!(
        "<p class=\"note\">Mean test {} over repetitions against labels bought, the initial ones included; \
         bands: 95 % interval of the mean (Student's t). Strategies of one repetition share split, initial labels \
         and initial weights.</p>\n",
        input.verdict.metric.name()
    ));
}

/// A section of figures with their captions.
pub(super) fn figures(body: &mut String, heading: &str, drawn: &[Figure]) {
    if drawn.is_empty() {
        return;
    }
    body.push_str(&format!("<h2>{}</h2>\n", escape(heading)));
    grid(body, drawn, true, "");
}

/// Figures side by side where there is room; `class` is added to the grid's.
fn grid(body: &mut String, drawn: &[Figure], captions: bool, class: &str) {
    let single = if drawn.len() == 1 { " single" } else { "" };
    body.push_str(&format!("<div class=\"figures{single}{class}\">\n"));
    for figure in drawn {
        let wide = if figure.wide { " class=\"wide\"" } else { "" };
        let caption = if captions {
            format!("<figcaption>{}</figcaption>\n", escape(&figure.caption))
        } else {
            String::new()
        };
        body.push_str(&format!("<figure{wide}>\n{}{caption}</figure>\n", figure.svg));
    }
    body.push_str("</div>\n");
}

/// The verdict table, one per task.
pub(super) fn verdict_table(body: &mut String, input: &ReportInput, palette: &Palette) {
    if input.verdict.entries.is_empty() {
        return;
    }
    body.push_str("<h2>Verdict table</h2>\n");
    let metrics = input.verdict.metric.targets().metrics();
    let (finals, said) = match input.verdict.metric.targets() {
        TargetKind::Class => (
            "final: accuracy | balanced | macro-F1",
            "accuracy, balanced accuracy (the mean recall of the classes) and macro-F1",
        ),
        TargetKind::Real => (
            "final: 1 − nRMSE | R²",
            "1 − nRMSE (of the root of the mean squared error over the truth's standard deviation) and R²",
        ),
    };
    let heads = ["strategy", "reps", "AULC", "vs random", "vs margin", "early | late", finals];
    for task in &input.verdict.tasks {
        open_table(body, &task_caption(&task.task, task.labels), &heads);
        for entry in input.verdict.entries.iter().filter(|entry| entry.task == task.task) {
            open_row(body, &entry.strategy, input, palette);
            cell(body, heads[1], &entry.repetitions.to_string());
            cell(body, heads[2], &aulc(entry));
            cell(body, heads[3], &versus(entry.vs_random.as_ref()));
            cell(body, heads[4], &versus(entry.vs_margin.as_ref()));
            cell(body, heads[5], &format!("{} | {}", points(entry.aulc_early), points(entry.aulc_late)));
            let finals: Vec<String> = metrics.iter().map(|&metric| points(entry.at_end(metric))).collect();
            cell(body, heads[6], &finals.join(" | "));
            body.push_str("</tr>\n");
        }
        body.push_str("</tbody></table></div>\n");
    }
    // The last two columns of the plain table stand in a section of their own here.
    let legend = legend(input.verdict.metric);
    let legend = legend.split(" Labels:").next().unwrap_or(&legend);
    let rest = format!(
        "Early, late: AULC of the first and second half of the label range; final: {said} at its end."
    );
    body.push_str(&format!("<p class=\"note\">{} {rest}</p>\n", escape(legend)));
}

/// The subject over tasks, what it is within these tasks beside it.
pub(super) fn over_tasks(body: &mut String, input: &ReportInput, palette: &Palette) {
    let across = &input.verdict.across;
    let Some(first) = across.first() else { return };
    let over = format!("over tasks (n = {})", first.tasks);
    let heads = ["against", "points", &over, "tasks won | lost", "within these tasks"];
    body.push_str("<h2>Over tasks</h2>\n");
    open_table(body, &format!("{} over {} tasks", first.strategy, first.tasks), &heads);
    for one in across {
        let look = swatch(palette.style(&one.reference), false);
        body.push_str(&format!("<tr><td class=\"name\">{look}{}</td>", escape(&one.reference_words())));
        let cells = over_tasks_cells(one);
        for (head, text) in heads[1..].iter().zip(&cells) {
            cell(body, head, &escape(text));
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody></table></div>\n");
    body.push_str(&format!("<p class=\"note\">{}</p>\n", escape(OVER_TASKS)));
}

/// Labels needed for every task's targets.
pub(super) fn label_savings(body: &mut String, input: &ReportInput, palette: &Palette) {
    if input.verdict.entries.iter().all(|entry| entry.labels_to_target.is_empty()) {
        return;
    }
    let metric = input.verdict.metric.name();
    body.push_str(&format!("<h2>Labels to a target {metric}</h2>\n"));
    let heads = ["strategy", "median labels", "saved vs random", "saved vs margin"];
    for task in &input.verdict.tasks {
        for (at, target) in task.targets.iter().enumerate() {
            open_table(body, &format!("{}: {metric} {}", task.task, goal(target)), &heads);
            for entry in input.verdict.entries.iter().filter(|entry| entry.task == task.task) {
                open_row(body, &entry.strategy, input, palette);
                cell(body, heads[1], &escape(&labels_needed(entry.labels_to_target.get(at), task.labels)));
                cell(body, heads[2], &saved(entry.vs_random.as_ref(), at));
                cell(body, heads[3], &saved(entry.vs_margin.as_ref(), at));
                body.push_str("</tr>\n");
            }
            body.push_str("</tbody></table></div>\n");
        }
    }
    body.push_str(
        "<p class=\"note\">Fewest labels at which a repetition reaches the target (in brackets: repetitions that did, \
         of all). A repetition that never does is censored: it stands at the far end of the median and counts as the \
         whole label range in the paired means [95 % bootstrap interval], which are then bounds. Positive: fewer labels \
         than the reference. What all labels give is the mean over a few \
         repetitions of the classifier fitted to the whole pool.</p>\n",
    );
}

/// Aggregates over all tasks and what fewer repetitions would have said.
pub(super) fn robustness(body: &mut String, input: &ReportInput, palette: &Palette) {
    let Some(reference) = input.verdict.robustness.iter().find_map(|entry| entry.reference.as_deref()) else {
        return;
    };
    let improvement = format!("beats {reference}, %");
    let heads = ["strategy", "IQM of scores, %", &improvement, "order flips, %: 3 | 5 | 10 runs"];
    body.push_str("<h2>How sure it is</h2>\n");
    open_table(body, "", &heads);
    for entry in &input.verdict.robustness {
        open_row(body, &entry.strategy, input, palette);
        for (head, figure) in [(heads[1], &entry.interquartile), (heads[2], &entry.improvement)] {
            let text = figure.as_ref().map_or_else(
                || ABSENT.to_owned(),
                |(value, ci)| {
                    let (lo, hi) = (points(Some(ci.lo)), points(Some(ci.hi)));
                    format!("{} <small>[{lo}, {hi}]</small>", points(Some(*value)))
                },
            );
            cell(body, head, &text);
        }
        let flips = entry.flips.map(|rate| rate.map_or_else(|| ABSENT.to_owned(), |r| fixed(100.0 * r, 0)));
        cell(body, heads[3], &flips.join(" | "));
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody></table></div>\n");
    body.push_str(&format!(
        "<p class=\"note\">IQM: mean of the middle half of the scores of all runs of all tasks. A score is an AULC on its \
         task's scale, the same for all strategies: 0 is random's mean, 100 the highest mean that any strategy reaches at any number \
         of labels (Agarwal et al. 2021 normalise per task likewise). Beats: the chance that a run of \
         the strategy beats a run of {reference} on the same task, 50 = alike. Both with 95 % intervals that resample \
         runs within each task. Order flips: how often 3, 5 or 10 of the repetitions put the strategy and {reference} \
         in the opposite order to all of them.</p>\n",
        reference = escape(reference)
    ));
}

/// Contrasts, one table per family.
pub(super) fn contrasts(body: &mut String, judged: &[Judged]) {
    if judged.is_empty() {
        return;
    }
    body.push_str("<h2>Contrasts</h2>\n");
    for (family, members) in contrast::families(judged) {
        let tasks = contrast::tasks(&members);
        let heads: Vec<&str> = ["contrast"].into_iter().chain(tasks.iter().copied()).collect();
        open_table(body, family, &heads);
        for one in members {
            body.push_str(&format!("<tr><td class=\"name\">{}</td>", escape(&one.contrast.name)));
            for task in &tasks {
                let effect = one.effects.iter().find(|effect| effect.task == *task);
                cell(body, task, &escape(&contrast::cell(effect, ALPHA)));
            }
            body.push_str("</tr>\n");
        }
        body.push_str("</tbody></table></div>\n");
    }
    body.push_str(&format!("<p class=\"note\">{}</p>\n", escape(contrast::LEGEND)));
}

/// Search figures, and the moves as a table.
pub(super) fn search(body: &mut String, drawn: &[Figure], input: &ReportInput) {
    if drawn.is_empty() {
        return;
    }
    body.push_str("<h2>Architecture search</h2>\n");
    grid(body, drawn, false, "");
    body.push_str(
        "<p class=\"note\">Filled: the search moved there; hollow: tried and left. Hover for the architecture.</p>\n",
    );
    let moves: Vec<_> = input.search.iter().filter(|point| point.accepted).collect();
    if moves.is_empty() {
        return;
    }
    let open = if moves.len() <= MOVES_SHOWN { " open" } else { "" };
    body.push_str(&format!("<details{open}><summary>The {} moves</summary>\n", moves.len()));
    let heads = ["search", "step", "architecture", "score, %", "parameters"];
    open_table(body, "", &heads);
    for point in moves {
        body.push_str(&format!("<tr><td class=\"name\">{}</td>", escape(&point.path)));
        cell(body, heads[1], &point.step.to_string());
        cell(body, heads[2], &escape(&point.architecture));
        cell(body, heads[3], &points(Some(point.score)));
        cell(body, heads[4], &point.parameters.map_or_else(|| ABSENT.to_owned(), |n| n.to_string()));
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody></table></div></details>\n");
}

/// How long the strategies took to choose: median and slow tail per task.
pub(super) fn query_times(body: &mut String, input: &ReportInput, palette: &Palette) {
    let mut seconds: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for row in input.rows.iter() {
        if let Some(time) = input.times.of(row) {
            seconds.entry((&row.task, &row.strategy)).or_default().push(time);
        }
    }
    if seconds.is_empty() {
        return;
    }
    body.push_str("<h2>Time per query</h2>\n");
    let heads = ["strategy", "queries", "median, ms", "95th percentile, ms"];
    for task in &input.verdict.tasks {
        open_table(body, &task.task, &heads);
        for entry in input.verdict.entries.iter().filter(|entry| entry.task == task.task) {
            let Some(times) = seconds.get_mut(&(&*entry.task, &*entry.strategy)) else { continue };
            times.sort_by(f64::total_cmp);
            let at = |share: f64| 1e3 * times[((times.len() - 1) as f64 * share).round() as usize];
            open_row(body, &entry.strategy, input, palette);
            cell(body, heads[1], &times.len().to_string());
            cell(body, heads[2], &fixed(at(0.5), 3));
            cell(body, heads[3], &fixed(at(0.95), 3));
            body.push_str("</tr>\n");
        }
        body.push_str("</tbody></table></div>\n");
    }
    body.push_str(
        "<p class=\"note\">From the classifier's weights to the rows asked for, predictions on the pool included; \
         fits and measurements are not. Other threads of the run compete for the machine.</p>\n",
    );
}

/// The rows that each task keeps apart.
pub(super) fn separation(body: &mut String, tasks: &[Separation]) {
    if tasks.is_empty() {
        return;
    }
    body.push_str("<h2>Separation of rows</h2>\n");
    let heads = ["task", "role", "pool (train)", "reward", "validation", "test"];
    open_table(body, "", &heads);
    for task in tasks {
        body.push_str(&format!("<tr><td class=\"name\">{}</td>", escape(&task.task)));
        cell(body, heads[1], &escape(&task.role));
        for (head, rows) in heads[2..].iter().zip([task.train, task.reward, task.validation, task.test]) {
            cell(body, head, &escape(&span(rows)));
        }
        body.push_str("</tr>\n");
    }
    body.push_str(
        "</tbody></table></div>\n<p class=\"note\">All are disjoint. Strategies ask for labels of pool rows only; \
         a policy's reward reads reward rows only; validation rows are not charged, and tell fits when to stop; the curves above are measured on test rows, which neither a strategy \
         nor a reward reads.</p>\n",
    );
}

/// `80`, or `68 to 80` where tasks of one line differ.
fn span([least, most]: [usize; 2]) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// What the run cost and what identifies it.
pub(super) fn facts(body: &mut String, facts: &[Fact]) {
    if facts.is_empty() {
        return;
    }
    body.push_str("<h2>The run</h2>\n<dl>\n");
    for fact in facts {
        body.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escape(&fact.name), escape(&fact.value)));
    }
    body.push_str("</dl>\n");
}

/// The plan, exactly as it was resolved.
pub(super) fn plan(body: &mut String, plan: Option<&str>) {
    if let Some(plan) = plan {
        body.push_str(&format!("<h2>The plan</h2>\n<pre>{}</pre>\n", escape(plan)));
    }
}

fn task_caption(task: &str, labels: Option<[u32; 2]>) -> String {
    let labels = labels.map_or_else(String::new, |[lo, hi]| format!(", {lo} to {hi} labels"));
    format!("{task}{labels}")
}

fn open_table(body: &mut String, caption: &str, heads: &[&str]) {
    body.push_str("<div class=\"scroll\"><table class=\"stack\">");
    if !caption.is_empty() {
        body.push_str(&format!("<caption>{}</caption>", escape(caption)));
    }
    body.push_str("<thead><tr>");
    for (index, head) in heads.iter().enumerate() {
        let class = if index > 0 { " class=\"r\"" } else { "" };
        body.push_str(&format!("<th{class}>{}</th>", escape(head)));
    }
    body.push_str("</tr></thead>\n<tbody>\n");
}

fn open_row(body: &mut String, strategy: &str, input: &ReportInput, palette: &Palette) {
    let class = if strategy == input.subject { " class=\"subject\"" } else { "" };
    let look = swatch(palette.style(strategy), false);
    body.push_str(&format!(
        "<tr{class}><td class=\"name\">{look}{}</td>",
        escape(&marked(strategy, is_ranked(strategy, &input.registry)))
    ));
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

/// A cell of finished HTML; `head` names it where a narrow screen stacks the table.
fn cell(body: &mut String, head: &str, content: &str) {
    body.push_str(&format!("<td class=\"r\" data-head=\"{}\"><span>{content}</span></td>", escape(head)));
}

fn versus(comparison: Option<&Comparison>) -> String {
    let Some(comparison) = comparison else { return ABSENT.to_owned() };
    let interval = comparison.ci95.map_or_else(String::new, |[lo, hi]| {
        format!(" [{}, {}]", signed_points(Some(lo)), signed_points(Some(hi)))
    });
    let p = comparison.p.map_or_else(String::new, |p| format!(" p {}", escape(&equals_p(p))));
    format!(
        "{} <small>{interval}{p}</small> <span class=\"mark\">{}</span>",
        signed_points(comparison.diff),
        mark(comparison.outcome)
    )
}

fn saved(comparison: Option<&Comparison>, target: usize) -> String {
    let Some(savings) = comparison.and_then(|c| c.label_savings.get(target)) else {
        return ABSENT.to_owned();
    };
    let interval = savings
        .ci95
        .map_or_else(String::new, |[lo, hi]| format!(" <small>[{}, {}]</small>", fixed(lo, 1), fixed(hi, 1)));
    let censored = savings.only_strategy + savings.only_reference + savings.neither;
    let censored = if censored > 0 { format!(" <small>{censored} censored</small>") } else { String::new() };
    format!("{}{interval}{censored}", signed(savings.mean, 1))
}

/// A sentence with its parentheses set back, so that the claim is read first.
fn quiet(sentence: &str) -> String {
    let (mut text, mut depth) = (String::new(), 0usize);
    for letter in sentence.chars() {
        match letter {
            '(' => {
                depth += 1;
                text.push_str("<span class=\"quiet\">(");
            }
            ')' if depth > 0 => {
                depth -= 1;
                text.push_str(")</span>");
            }
            other => text.push_str(&escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    text += &"</span>".repeat(depth);
    // Figures stay on one line.
    [("p = ", "p&nbsp;=&nbsp;"), ("p &lt; ", "p&nbsp;&lt;&nbsp;"), ("95 % CI ", "95&nbsp;%&nbsp;CI&nbsp;")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}
