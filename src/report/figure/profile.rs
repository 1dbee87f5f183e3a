//! Performance profiles (Agarwal et al., NeurIPS 2021): the share of runs above each score.

use super::axis::{Scale, extent};
use super::canvas::{Anchor, Canvas, Font, SIZE, Stroke, text_width};
use super::marker::Marker;
use super::palette::{Ink, Palette, Theme};
use super::{Figure, WIDE};
use crate::report::stats::aggregate::performance_profile;
use crate::report::text::fixed;

const WIDTH: f64 = 480.0;
const TOP: f64 = 44.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = WIDTH - 14.0;
const PLOT: f64 = 220.0;
const THRESHOLDS: usize = 160;
const KEY_ROW: f64 = 17.0;
const MAX_KEY_COLUMNS: usize = 3;
/// The room of a line's sample in the key.
const KEY_SAMPLE: f64 = 34.0;

/// Draws the profiles of strategies given with the score of all their runs, the lead of the
/// AULC over random's mean; `None` without a run.
pub fn performance_profiles(runs: &[(&str, Vec<f64>)], palette: &Palette, theme: Theme) -> Option<Figure> {
    let mut runs: Vec<&(&str, Vec<f64>)> = runs.iter().filter(|(_, values)| !values.is_empty()).collect();
    runs.sort_by_key(|(name, _)| palette.style(name).order);
    let (lo, hi) = extent(runs.iter().flat_map(|(_, values)| values.iter().copied()), 0.02)?;
    // As many columns as the longest name has room in.
    let widest = runs.iter().map(|(name, _)| text_width(name, SIZE)).fold(0.0, f64::max) + KEY_SAMPLE;
    let key_columns = (((RIGHT - LEFT) / widest) as usize).clamp(1, MAX_KEY_COLUMNS);
    let width = WIDTH.max(LEFT + widest + 14.0);
    let key_rows = runs.len().div_ceil(key_columns);
    let bottom = TOP + PLOT;
    let height = bottom + 46.0 + KEY_ROW * key_rows as f64;
    let (x, y) = (Scale::new((lo, hi), (LEFT, RIGHT)), Scale::new((0.0, 1.0), (bottom, TOP)));
    let mut canvas = Canvas::new(theme, width, height, "Performance profiles");
    let heading = Font::new(Ink::Text, Anchor::Start).bold().sized(14.0);
    canvas.text((4.0, 16.0), heading, "Performance profiles");
    canvas.text((4.0, 33.0), Font::new(Ink::Muted, Anchor::Start).sized(11.0), "runs above, %");
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let level = y.at(tick);
        canvas.line((LEFT, level), (RIGHT, level), Stroke::solid(Ink::Grid, 1.0));
        let text = format!("{:.0}", 100.0 * tick);
        canvas.text((LEFT - 6.0, level + 4.0), Font::new(Ink::Muted, Anchor::End), &text);
    }
    let (ticks, decimals) = x.ticks(6);
    for tick in ticks {
        let text = fixed(100.0 * tick, decimals.saturating_sub(2));
        canvas.text((x.at(tick), bottom + 17.0), Font::new(Ink::Muted, Anchor::Middle), &text);
    }
    let middle = 0.5 * (LEFT + RIGHT);
    canvas.text(
        (middle, bottom + 34.0),
        Font::new(Ink::Muted, Anchor::Middle).sized(11.0),
        "AULC lead over random, points",
    );
    let step = (hi - lo) / THRESHOLDS as f64;
    let thresholds: Vec<f64> = (0..=THRESHOLDS).map(|i| lo + step * i as f64).collect();
    for (name, values) in &runs {
        let style = palette.style(name);
        let shares = performance_profile(values, &thresholds)?;
        let line: Vec<(f64, f64)> =
            thresholds.iter().zip(shares).map(|(tau, share)| (x.at(*tau), y.at(share))).collect();
        canvas.polyline(&line, Stroke { ink: style.ink, width: style.width, dash: style.dash }, name);
        if style.marker != Marker::Circle {
            for point in line.iter().step_by(THRESHOLDS / 8) {
                canvas.marker(style.marker, *point, 2.4, (style.ink, style.ink), "");
            }
        }
    }
    let column = (RIGHT - LEFT) / key_columns as f64;
    for (place, (name, _)) in runs.iter().rev().enumerate() {
        let style = palette.style(name);
        let (left, level) = (
            LEFT + column * (place % key_columns) as f64,
            bottom + 50.0 + KEY_ROW * (place / key_columns) as f64,
        );
        let stroke = Stroke { ink: style.ink, width: style.width, dash: style.dash };
        canvas.line((left, level - 4.0), (left + 20.0, level - 4.0), stroke);
        canvas.marker(style.marker, (left + 10.0, level - 4.0), 3.0, (style.ink, style.ink), "");
        canvas.text((left + 26.0, level), Font::new(Ink::Text, Anchor::Start), name);
    }
    Some(Figure {
        name: "performance-profiles".to_owned(),
        caption:
            "The share of all runs, tasks together, whose AULC leads random's mean on its task by more than \
                  the value on the axis: a curve further right is better."
                .to_owned(),
        wide: width > WIDE,
        svg: canvas.finish(),
    })
}
