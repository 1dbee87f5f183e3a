//! Paired differences to one reference as a forest plot: the mean and its 95 % interval, per task.

use super::axis::{Scale, extent};
use super::canvas::{Anchor, BOLD, Canvas, Font, SIZE, Stroke, text_width};
use super::palette::{Ink, Palette, Theme};
use super::{Figure, WIDE};
use crate::report::text::{fixed, signed_points};
use crate::report::verdict::{Comparison, Entry, Outcome, Verdict};

const WIDTH: f64 = 480.0;
const TOP: f64 = 36.0;
const ROW: f64 = 19.0;
const HEAD: f64 = 24.0;
/// The widest names that have room in the figure; wider ones widen it.
const NAME_ROOM: f64 = 130.0;
/// Room for a strategy's marker beside its name.
const MARK: f64 = 10.0;
/// Room for "−12.3 ▼" at the right.
const FIGURES: f64 = 62.0;

/// Draws the differences to `reference` (as picked from an entry by `versus`); `None` if there are none.
pub fn forest(
    verdict: &Verdict,
    reference: &str,
    versus: fn(&Entry) -> Option<&Comparison>,
    palette: &Palette,
    theme: Theme,
) -> Option<Figure> {
    // The lead of what reads hidden labels would only flatten the differences that matter.
    let compared: Vec<(&Entry, &Comparison)> = verdict
        .entries
        .iter()
        .filter(|entry| !entry.reads_hidden_labels)
        .filter_map(|entry| Some((entry, versus(entry)?)))
        .collect();
    let ends = compared.iter().flat_map(|(_, c)| c.ci95.into_iter().flatten().chain(c.diff));
    let (lo, hi) = extent(ends.chain([0.0]).map(|share| 100.0 * share), 0.06)?;
    if compared.is_empty() {
        return None;
    }
    let tasks: Vec<&str> = verdict
        .tasks
        .iter()
        .map(|task| task.task.as_str())
        .filter(|task| compared.iter().any(|(entry, _)| entry.task == *task))
        .collect();
    let height = TOP + tasks.len() as f64 * HEAD + compared.len() as f64 * ROW + 44.0;
    let bottom = height - 40.0;
    let name_width = |(entry, _): &(&Entry, &Comparison)| BOLD * text_width(&entry.strategy, SIZE);
    let names = compared.iter().map(name_width).fold(0.0, f64::max);
    let headings = tasks.iter().map(|task| BOLD * text_width(task, SIZE) + 20.0).fold(0.0, f64::max);
    let width = (WIDTH + (names - NAME_ROOM).max(0.0)).max(headings);
    let left = names + 10.0 + 2.0 * MARK;
    let x = Scale::new((lo, hi), (left, width - FIGURES - 8.0));
    let title = format!("Difference to {reference}");
    let mut canvas = Canvas::new(theme, width, height, &title);
    canvas.text((4.0, 16.0), Font::new(Ink::Text, Anchor::Start).bold().sized(14.0), &title);
    let (ticks, decimals) = x.ticks(5);
    for tick in ticks {
        let at = x.at(tick);
        let stroke = Stroke::solid(Ink::Grid, 1.0);
        canvas.line((at, TOP), (at, bottom), stroke);
        canvas.text((at, bottom + 16.0), Font::new(Ink::Muted, Anchor::Middle), &fixed(tick, decimals));
    }
    canvas.line((x.at(0.0), TOP), (x.at(0.0), bottom), Stroke::solid(Ink::Muted, 1.2));
    let middle = 0.5 * (left + width - FIGURES - 8.0);
    let axis = "AULC difference, points (right = better)";
    canvas.text((middle, bottom + 33.0), Font::new(Ink::Muted, Anchor::Middle).sized(11.0), axis);
    let mut row = TOP;
    for task in tasks {
        // Its own background keeps the grid lines from crossing the task's name.
        canvas.rect((0.0, row), (BOLD * text_width(task, SIZE) + 8.0, HEAD - 4.0), Ink::Paper, 1.0, "");
        canvas.text((4.0, row + 15.0), Font::new(Ink::Text, Anchor::Start).bold(), task);
        row += HEAD;
        for (entry, comparison) in compared.iter().filter(|(entry, _)| entry.task == task) {
            draw(&mut canvas, entry, comparison, (&x, width), row + 0.5 * ROW, palette);
            row += ROW;
        }
    }
    Some(Figure {
        name: format!("difference-to-{}", super::stem(reference)),
        caption: format!(
            "Paired difference of the AULC to {reference}: mean and 95 % bootstrap interval. \
             Filled: better or worse after Holm; hollow: no difference beyond noise, or too \
             few repetitions to tell."
        ),
        wide: width > WIDE,
        svg: canvas.finish(),
    })
}

fn draw(
    canvas: &mut Canvas,
    entry: &Entry,
    comparison: &Comparison,
    (x, width): (&Scale, f64),
    y: f64,
    palette: &Palette,
) {
    let style = palette.style(&entry.strategy);
    canvas.marker(style.marker, (8.0, y), 3.2, (style.ink, style.ink), "");
    let mut font = Font::new(Ink::Text, Anchor::Start);
    font.bold = style.order >= 4;
    canvas.text((6.0 + MARK, y + 4.0), font, &entry.strategy);
    if let Some([lo, hi]) = comparison.ci95 {
        let stroke = Stroke::solid(style.ink, 1.6);
        let (lo, hi) = (x.at(100.0 * lo), x.at(100.0 * hi));
        canvas.line((lo, y), (hi, y), stroke);
        for end in [lo, hi] {
            canvas.line((end, y - 4.0), (end, y + 4.0), stroke);
        }
    }
    if let Some(diff) = comparison.diff {
        let decided = matches!(comparison.outcome, Outcome::Better | Outcome::Worse);
        let fill = if decided { style.ink } else { Ink::Paper };
        canvas.marker(style.marker, (x.at(100.0 * diff), y), 3.2, (fill, style.ink), &entry.strategy);
    }
    let mark = crate::report::table::mark(comparison.outcome);
    canvas.text((width - 22.0, y + 4.0), Font::new(Ink::Text, Anchor::End), &signed_points(comparison.diff));
    canvas.text((width - 16.0, y + 4.0), Font::new(Ink::Text, Anchor::Start).sized(10.0), mark);
}
