//! The verdict as a table: aligned text for a terminal, Markdown, LaTeX.

use super::roles::marked;
use super::text::{ABSENT, escape_latex, escape_markdown, fixed, p_value, points, signed_points};
use super::verdict::{AcrossTasks, Comparison, Entry, LabelsToTarget, Outcome, TaskVerdict, Verdict};
use crate::learner::Metric;
use std::fmt;

const HEADER: [&str; 6] = ["strategy", "reps", "AULC", "vs random", "vs margin", "labels to target"];

/// What the columns and marks mean; stands below every table.
pub fn legend(metric: Metric) -> String {
    format!(
        "AULC: mean normalised area under the learning curve ± half its 95 % interval, in {} points. \
         vs: mean paired difference in points [95 % bootstrap interval] p (Wilcoxon signed-rank, Holm). \
         ▲ better, ▼ worse: p and interval both say so; no mark: no difference beyond noise, or too few repetitions \
         to tell. \
         Labels: median to reach the target (runs that reached it / all); > N: most did not within N labels.",
        metric.name()
    )
}

/// What the table over tasks means.
pub const OVER_TASKS: &str = "Over tasks: what may be expected on another task like these. Each task counts once, by its mean \
difference: 95 % interval from resampling tasks and then repetitions within them, p by Wilcoxon signed-rank over the means \
of tasks (Demšar 2006), after Holm over the lines; ▲ better, ▼ worse. Within these tasks: what holds of just these, \
repetitions being the observations: 95 % interval from resampling repetitions within each task, p over all pairs, not corrected. \
The best hand-made strategy is chosen after the fact; its line is corrected for that: better only where every hand-made \
strategy is beaten (intersection–union test, Berger 1982), worse where one wins after Holm over all of them.";

const OVER_TASKS_HEADER: [&str; 5] =
    ["against", "points", "over tasks", "tasks won | lost", "within these tasks"];

/// Columns of [`legend`] when it is wrapped for a terminal.
const WIDTH: usize = 100;

/// The table for a terminal: one block per task, then the legend, the sentence and the warnings.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self))
    }
}

fn text(verdict: &Verdict) -> String {
    let mut text = String::new();
    for task in &verdict.tasks {
        let entries: Vec<&Entry> = verdict.entries.iter().filter(|entry| entry.task == task.task).collect();
        text.push_str(&caption(&printable(&task.task), task, verdict.metric));
        text.push('\n');
        let mut rows = vec![HEADER.map(str::to_owned)];
        rows.extend(entries.iter().map(|entry| {
            let mut cells = cells(entry, task.labels);
            cells[0] = printable(&cells[0]);
            cells
        }));
        text.push_str(&aligned(&rows, [false, true, true, false, false, true]));
        text.push('\n');
    }
    if let Some(first) = verdict.across.first() {
        text.push_str(&format!("{} over {} tasks\n", printable(&first.strategy), first.tasks));
        let mut rows = vec![OVER_TASKS_HEADER.map(str::to_owned)];
        rows.extend(verdict.across.iter().map(|one| {
            let [points, over, won, within] = over_tasks_cells(one);
            [printable(&one.reference_words()), points, over, won, within]
        }));
        text.push_str(&aligned(&rows, [false, true, false, true, false]));
        text.push_str(&format!("\n{}\n", wrapped(OVER_TASKS, WIDTH)));
    }
    for paragraph in [&legend(verdict.metric), &verdict.sentence]
        .into_iter()
        .map(String::as_str)
        .chain(verdict.warnings.iter().map(String::as_str))
    {
        text.push_str(&wrapped(&printable(paragraph), WIDTH));
        text.push('\n');
    }
    text
}

/// The table in Markdown, one per task.
pub fn markdown(verdict: &Verdict) -> String {
    let mut text = String::new();
    for task in &verdict.tasks {
        text.push_str(&format!("**{}**\n\n", escape_markdown(&caption(&task.task, task, verdict.metric))));
        text.push_str(&format!("| {} |\n|:---|---:|---:|:---|:---|---:|\n", HEADER.join(" | ")));
        for entry in verdict.entries.iter().filter(|entry| entry.task == task.task) {
            let cells = cells(entry, task.labels).map(|cell| escape_markdown(&cell));
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        text.push('\n');
    }
    text.push_str(&escape_markdown(&legend(verdict.metric)));
    text.push('\n');
    if let Some(first) = verdict.across.first() {
        let caption = format!("{} over {} tasks", first.strategy, first.tasks);
        text.push_str(&format!("\n**{}**\n\n", escape_markdown(&caption)));
        let heads = OVER_TASKS_HEADER.map(escape_markdown);
        text.push_str(&format!("| {} |\n|:---|---:|:---|---:|:---|\n", heads.join(" | ")));
        for one in &verdict.across {
            let cells = over_tasks_cells(one).map(|cell| escape_markdown(&cell));
            let reference = escape_markdown(&one.reference_words());
            text.push_str(&format!("| {reference} | {} |\n", cells.join(" | ")));
        }
        text.push_str(&format!("\n{}\n", escape_markdown(OVER_TASKS)));
    }
    text
}

/// The table in LaTeX (`booktabs`), one `tabular` over all tasks.
pub fn latex(verdict: &Verdict) -> String {
    let mut text = String::from("% \\usepackage{booktabs,amssymb}\n\\begin{tabular}{lrrllr}\n\\toprule\n");
    text.push_str(&format!("{} \\\\\n", HEADER.map(escape_latex).join(" & ")));
    for task in &verdict.tasks {
        let caption = escape_latex(&caption(&task.task, task, verdict.metric));
        text.push_str(&format!("\\midrule\n\\multicolumn{{6}}{{l}}{{{caption}}} \\\\\n"));
        for entry in verdict.entries.iter().filter(|entry| entry.task == task.task) {
            let cells = cells(entry, task.labels).map(|cell| {
                let cell = escape_latex(&cell)
                    .replace('▲', "$\\blacktriangle$")
                    .replace('▼', "$\\blacktriangledown$");
                cell.replace('±', "$\\pm$").replace('>', "$>$").replace('<', "$<$")
            });
            text.push_str(&format!("{} \\\\\n", cells.join(" & ")));
        }
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    text
}

fn caption(name: &str, task: &TaskVerdict, metric: Metric) -> String {
    let labels = task.labels.map_or_else(String::new, |[lo, hi]| format!(", {lo} to {hi} labels"));
    let target = task
        .targets
        .first()
        .map_or_else(String::new, |target| format!(", target {} {target}", metric.name()));
    format!("{name}{labels}{target}")
}

/// The six cells of one entry.
pub(crate) fn cells(entry: &Entry, labels: Option<[u32; 2]>) -> [String; 6] {
    [
        marked(&entry.strategy, !entry.reads_hidden_labels),
        entry.repetitions.to_string(),
        aulc(entry),
        versus(entry.vs_random.as_ref()),
        versus(entry.vs_margin.as_ref()),
        labels_needed(entry.labels_to_target.first(), labels),
    ]
}

/// `81.2 ± 0.6`.
pub(crate) fn aulc(entry: &Entry) -> String {
    match entry.ci95 {
        Some([lo, hi]) => format!("{} ± {}", points(entry.aulc), points(Some(0.5 * (hi - lo)))),
        None => points(entry.aulc),
    }
}

/// `+1.2 [+0.4, +2.0] 0.004 ▲`.
fn versus(comparison: Option<&Comparison>) -> String {
    let Some(comparison) = comparison else { return ABSENT.to_owned() };
    let interval = comparison.ci95.map_or_else(String::new, |[lo, hi]| {
        format!(" [{}, {}]", signed_points(Some(lo)), signed_points(Some(hi)))
    });
    let diff = signed_points(comparison.diff);
    format!("{diff}{interval} {} {}", p_value(comparison.p), mark(comparison.outcome)).trim_end().to_owned()
}

/// The four cells of a comparison over tasks, behind its reference.
pub(crate) fn over_tasks_cells(one: &AcrossTasks) -> [String; 4] {
    let interval = |ci95: Option<[f64; 2]>| {
        ci95.map_or_else(String::new, |[lo, hi]| {
            format!("[{}, {}] ", signed_points(Some(lo)), signed_points(Some(hi)))
        })
    };
    let [won, _, lost] = one.wins_ties_losses;
    let mark = if one.outcome == Outcome::Undecided { "too few tasks" } else { mark(one.outcome) };
    [
        signed_points(Some(one.diff)),
        format!("{}{} {mark}", interval(one.ci95), p_value(Some(one.p))).trim_end().to_owned(),
        format!("{won} | {lost}"),
        format!("{}{}, {} pairs", interval(one.within_ci95), p_value(Some(one.within_p)), one.pairs),
    ]
}

/// The mark of an outcome.
pub(crate) fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Better => "▲",
        Outcome::Worse => "▼",
        Outcome::NoDifference | Outcome::Undecided => "",
    }
}

/// `14 (20/20)`, or `> 23 (4/20)` where most runs did not reach the target.
pub(crate) fn labels_needed(needs: Option<&LabelsToTarget>, labels: Option<[u32; 2]>) -> String {
    let Some(needs) = needs else { return ABSENT.to_owned() };
    let runs = needs.reached + needs.censored;
    let median = match (needs.median, labels) {
        (Some(median), _) => fixed(median, usize::from(median.fract() != 0.0)),
        (None, Some([_, end])) => format!("> {end}"),
        (None, None) => ABSENT.to_owned(),
    };
    format!("{median} ({}/{runs})", needs.reached)
}

/// Columns padded to their widest cell, the header underlined; `right` says which stand on the right.
fn aligned<const N: usize>(rows: &[[String; N]], right: [bool; N]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(widths).zip(right) {
            let padding = " ".repeat(width - cell.chars().count());
            line.push_str("  ");
            line.push_str(&if right { padding + cell } else { cell.clone() + &padding });
        }
        text.push_str(line.trim_end());
        text.push('\n');
        if index == 0 {
            text.push_str(&format!(
                "  {}\n",
                "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1))
            ));
        }
    }
    text
}

/// Words broken into lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> String {
    let (mut lines, mut used) = (String::new(), 0);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push('\n');
            used = 0;
        } else if used > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += length;
    }
    lines.push('\n');
    lines
}

/// A user's name without the control characters that would move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::rows;
    use crate::report::verdict::{VerdictOptions, verdict};

    fn example() -> Verdict {
        let rows = [
            rows("wine_1", "random", 20, 0.0),
            rows("wine_1", "margin", 20, 0.04),
            rows("wine_1", "policy", 20, 0.07),
        ];
        verdict(&rows.concat(), &VerdictOptions { resamples: 500, ..VerdictOptions::default() })
    }

    #[test]
    fn the_terminal_table_is_aligned_and_marked() {
        let text = example().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("wine_1, 3 to 23 labels, target accuracy "), "{text}");
        assert!(lines[3].starts_with("  policy "), "{text}");
        assert!(lines[3].contains("▲") && lines[5].contains("▼"), "{text}");
        // Columns stand below their headings.
        let column = |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count());
        assert_eq!(column(lines[1], "vs random"), column(lines[3], "+7"), "{text}");
        assert!(text.contains("no difference beyond noise"), "{text}");
        assert!(lines.iter().skip(6).all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn markdown_and_latex_escape_names() {
        let markdown = markdown(&example());
        assert!(markdown.contains("**wine\\_1, 3 to 23 labels"), "{markdown}");
        assert_eq!(markdown.lines().filter(|line| line.starts_with("| ")).count(), 4, "{markdown}");
        let latex = latex(&example());
        assert!(latex.contains("wine\\_1") && latex.contains("$\\blacktriangle$"), "{latex}");
        assert_eq!(latex.matches("\\\\\n").count(), 5, "{latex}");
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        let rows = rows("bad\u{1b}[2J", "random", 2, 0.0);
        let text = verdict(&rows, &VerdictOptions { resamples: 50, ..VerdictOptions::default() }).to_string();
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
