//! The critical-difference diagram (Demšar, JMLR 2006).
//!
//! Groups come from pairwise Wilcoxon tests with Holm's correction, so they need not be consecutive in
//! rank: every member of a group carries a dot on the group's line; a line passing over a strategy
//! without a dot does not include it.

use super::Figure;
use super::axis::Scale;
use super::canvas::{Anchor, Canvas, Font, SIZE, Stroke, fitted};
use super::palette::{Ink, Palette, Theme};
use crate::report::stats::critical::CriticalDifference;

const WIDTH: f64 = 680.0;
const LEFT: f64 = 175.0;
const RIGHT: f64 = WIDTH - 175.0;
const AXIS: f64 = 66.0;
const ROW: f64 = 18.0;

/// Draws the diagram; `names` are in the order of its ranks.
pub fn critical_difference(
    diagram: &CriticalDifference,
    names: &[&str],
    palette: &Palette,
    theme: Theme,
) -> Option<Figure> {
    let strategies = diagram.ranks.len();
    if strategies < 3 || names.len() != strategies {
        return None;
    }
    let x = Scale::new((1.0, strategies as f64), (LEFT, RIGHT));
    let mut order: Vec<usize> = (0..strategies).collect();
    order
        .sort_by(|&a, &b| diagram.ranks[a].total_cmp(&diagram.ranks[b]).then_with(|| names[a].cmp(names[b])));
    let groups = AXIS + 14.0 + 9.0 * diagram.cliques.len() as f64;
    let half = strategies.div_ceil(2);
    let height = groups + ROW * half as f64 + 22.0;
    let mut canvas = Canvas::new(theme, WIDTH, height, "Critical-difference diagram");
    let heading = Font::new(Ink::Text, Anchor::Start).bold().sized(14.0);
    canvas.text((4.0, 16.0), heading, "Average ranks");
    nemenyi(&mut canvas, diagram, &x);
    canvas.line((LEFT, AXIS), (RIGHT, AXIS), Stroke::solid(Ink::Text, 1.2));
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
        let edge = if on_left { LEFT - 8.0 } else { RIGHT + 8.0 };
        canvas.polyline(&[(at, AXIS), (at, y), (edge, y)], Stroke::solid(style.ink, 1.4), names[index]);
        let label = format!("{} {:.2}", fitted(names[index], SIZE, 122.0), diagram.ranks[index]);
        let anchor = if on_left { Anchor::End } else { Anchor::Start };
        let shift = if on_left { -4.0 } else { 4.0 };
        let mut font = Font::new(Ink::Text, anchor);
        font.bold = style.order >= 4;
        canvas.text((edge + shift, y + 4.0), font, &label);
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
    Some(Figure {
        name: "critical-difference".to_owned(),
        caption: format!(
            "Average ranks over {} blocks (task × repetition), 1 = best.{friedman} {groups}. CD: Nemenyi's critical \
             difference.",
            diagram.blocks
        ),
        wide: true,
        svg: canvas.finish(),
    })
}

/// Nemenyi's critical difference as a ruler above the axis, cut where it would leave it.
fn nemenyi(canvas: &mut Canvas, diagram: &CriticalDifference, x: &Scale) {
    let length = x.at(1.0 + diagram.nemenyi) - x.at(1.0);
    if !(length.is_finite() && length <= RIGHT - LEFT) {
        return;
    }
    let (y, stroke) = (34.0, Stroke::solid(Ink::Muted, 1.2));
    canvas.line((LEFT, y), (LEFT + length, y), stroke);
    for end in [LEFT, LEFT + length] {
        canvas.line((end, y - 4.0), (end, y + 4.0), stroke);
    }
    let label = format!("CD {:.2}", diagram.nemenyi);
    canvas.text((LEFT + length + 8.0, y + 4.0), Font::new(Ink::Muted, Anchor::Start), &label);
}
