//! The critical-difference diagram (Demšar, JMLR 2006).
//!
//! Groups come from pairwise Wilcoxon tests with Holm's correction, so they need not be consecutive in
//! rank: every member of a group carries a dot on the group's line; a line passing over a strategy
//! without a dot does not include it.

use super::Figure;
use super::axis::Scale;
use super::canvas::{Anchor, BOLD, Canvas, Font, SIZE, Stroke, text_width};
use super::palette::{Ink, Palette, Theme};
use crate::report::stats::critical::CriticalDifference;

const WIDTH: f64 = 680.0;
/// Room for names on either side; longer ones widen the figure.
const SIDE: f64 = 175.0;
/// The room between a name's end and the axis.
const GAP: f64 = 16.0;
const AXIS: f64 = 66.0;
const ROW: f64 = 18.0;

/// What the blocks of a diagram are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// Tasks, each by its strategies' means: the diagram speaks of tasks like these.
    Tasks,
    /// The repetitions of a single task: the diagram speaks of this task alone.
    Repetitions,
}

/// Draws the diagram; `names` are in the order of its ranks.
pub fn critical_difference(
    diagram: &CriticalDifference,
    blocks: Blocks,
    names: &[&str],
    palette: &Palette,
    theme: Theme,
) -> Option<Figure> {
    let strategies = diagram.ranks.len();
    if strategies < 3 || names.len() != strategies {
        return None;
    }
    let label = |index: usize| format!("{} {:.2}", names[index], diagram.ranks[index]);
    let widest = (0..strategies).map(|index| BOLD * text_width(&label(index), SIZE)).fold(0.0, f64::max);
    let side = SIDE.max(widest + GAP);
    let (width, right) = (WIDTH + 2.0 * (side - SIDE), WIDTH + side - 2.0 * SIDE);
    let x = Scale::new((1.0, strategies as f64), (side, right));
    let mut order: Vec<usize> = (0..strategies).collect();
    order
        .sort_by(|&a, &b| diagram.ranks[a].total_cmp(&diagram.ranks[b]).then_with(|| names[a].cmp(names[b])));
    let groups = AXIS + 14.0 + 9.0 * diagram.cliques.len() as f64;
    let half = strategies.div_ceil(2);
    let height = groups + ROW * half as f64 + 22.0;
    let mut canvas = Canvas::new(theme, width, height, "Critical-difference diagram");
    let heading = Font::new(Ink::Text, Anchor::Start).bold().sized(14.0);
    canvas.text((4.0, 16.0), heading, "Average ranks");
    nemenyi(&mut canvas, diagram, &x, (side, right));
    canvas.line((side, AXIS), (right, AXIS), Stroke::solid(Ink::Text, 1.2));
    for tick in x.whole_ticks(strategies.min(10)) {
        let at = x.at(tick);
        canvas.line((at, AXIS - 5.0), (at, AXIS), Stroke::solid(Ink::Text, 1.2));
        canvas.text((at, AXIS - 9.0), Font::new(Ink::Muted, Anchor::Middle), &format!("{tick:.0}"));
    }
    for (place, &index) in order.iter().enumerate() {
        let style = palette.style(names[index]);
        let at = x.at(diagram.ranks[index]);
        let on_left = place < half;
        let row = if on_left { place } else { strategies - 1 - place };
        let y = groups + ROW * (row as f64 + 0.7);
        let edge = if on_left { side - 8.0 } else { right + 8.0 };
        canvas.polyline(
            &[(at, AXIS), (at, y), (edge, y)],
            Stroke { ink: style.ink, width: 1.4, dash: style.dash },
            names[index],
        );
        canvas.marker(style.marker, (at, AXIS), 3.0, (style.ink, style.ink), names[index]);
        let anchor = if on_left { Anchor::End } else { Anchor::Start };
        let shift = if on_left { -4.0 } else { 4.0 };
        let mut font = Font::new(Ink::Text, anchor);
        font.bold = style.order >= 4;
        canvas.text((edge + shift, y + 4.0), font, &label(index));
    }
    for (level, clique) in diagram.cliques.iter().enumerate() {
        let y = AXIS + 10.0 + 9.0 * level as f64;
        let ends: Vec<f64> =
            clique.iter().filter_map(|&i| diagram.ranks.get(i)).map(|&rank| x.at(rank)).collect();
        let (lo, hi) = ends.iter().fold((f64::MAX, f64::MIN), |(lo, hi), &e| (lo.min(e), hi.max(e)));
        canvas.line((lo - 3.0, y), (hi + 3.0, y), Stroke::solid(Ink::Text, 2.6));
        for end in ends {
            canvas.circle((end, y), 3.0, Ink::Text, Ink::Paper, "");
        }
    }
    let friedman = diagram.friedman.map_or_else(String::new, |test| {
        format!(" Friedman χ² = {:.1}, p {}.", test.statistic, crate::report::text::equals_p(test.p))
    });
    let groups = if diagram.cliques.is_empty() {
        "All pairs differ by Wilcoxon tests with Holm's correction"
    } else {
        "Lines join strategies that pairwise Wilcoxon tests with Holm's correction do not tell apart, a dot on every \
         member"
    };
    let count = diagram.blocks;
    let (over, beyond) = match blocks {
        Blocks::Tasks => (format!("{count} tasks, one mean per task"), too_few(diagram)),
        Blocks::Repetitions => {
            (format!("{count} repetitions of one task"), " It says nothing about other tasks.".to_owned())
        }
    };
    Some(Figure {
        name: "critical-difference".to_owned(),
        caption: format!(
            "Average ranks over {over}; 1 = best.{friedman} {groups}. CD: Nemenyi's critical difference.{beyond}"
        ),
        wide: true,
        svg: canvas.finish(),
    })
}

/// Said where even the same order on every task would leave all strategies together.
fn too_few(diagram: &CriticalDifference) -> String {
    let least = 0.5f64.powi(i32::try_from(diagram.blocks).unwrap_or(i32::MAX).saturating_sub(1));
    let pairs = diagram.pairs.len();
    if pairs as f64 * least <= diagram.alpha {
        return String::new();
    }
    format!(
        " Too few tasks: with {} of them and {pairs} pairs no difference whatever could be significant after Holm.",
        diagram.blocks
    )
}

/// Nemenyi's critical difference as a ruler above the axis, cut where it would leave it.
fn nemenyi(canvas: &mut Canvas, diagram: &CriticalDifference, x: &Scale, (left, right): (f64, f64)) {
    let length = x.at(1.0 + diagram.nemenyi) - x.at(1.0);
    if !(length.is_finite() && length <= right - left) {
        return;
    }
    let (y, stroke) = (34.0, Stroke::solid(Ink::Muted, 1.2));
    canvas.line((left, y), (left + length, y), stroke);
    for end in [left, left + length] {
        canvas.line((end, y - 4.0), (end, y + 4.0), stroke);
    }
    let label = format!("CD {:.2}", diagram.nemenyi);
    canvas.text((left + length + 8.0, y + 4.0), Font::new(Ink::Muted, Anchor::Start), &label);
}
