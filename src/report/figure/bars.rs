//! Horizontal bars with whiskers: permutation importance, the oracle's gap closed.

use super::axis::{Scale, extent};
use super::canvas::{Anchor, Canvas, Font, SIZE, Stroke, text_width};
use super::palette::{Ink, Theme};
use crate::report::text::fixed;

const WIDTH: f64 = 480.0;
const TOP: f64 = 30.0;
const ROW: f64 = 21.0;
/// The widest names that have room in the figure; wider ones widen it.
const NAME_ROOM: f64 = 215.0;
const FIGURES: f64 = 52.0;

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What it stands for.
    pub name: String,
    /// Its length, in the unit of the axis.
    pub value: f64,
    /// Its whisker, in the same unit.
    pub whisker: Option<[f64; 2]>,
    /// Its colour.
    pub ink: Ink,
}

/// Draws bars from top to bottom in the given order; `None` where there is no finite one.
pub fn bars(title: &str, axis: &str, decimals: usize, bars: &[Bar], theme: Theme) -> Option<String> {
    let bars: Vec<&Bar> = bars.iter().filter(|bar| bar.value.is_finite()).collect();
    if bars.is_empty() {
        return None;
    }
    let ends = bars.iter().flat_map(|bar| bar.whisker.into_iter().flatten().chain([bar.value]));
    let (lo, hi) = extent(ends.chain([0.0]), 0.04)?;
    let height = TOP + bars.len() as f64 * ROW + 46.0;
    let bottom = height - 40.0;
    let names = bars.iter().map(|bar| text_width(&bar.name, SIZE)).fold(0.0, f64::max);
    let width = WIDTH + (names - NAME_ROOM).max(0.0);
    let (left, right) = (names + 12.0, width - FIGURES);
    let x = Scale::new((lo, hi), (left, right));
    let mut canvas = Canvas::new(theme, width, height, title);
    canvas.text((4.0, 16.0), Font::new(Ink::Text, Anchor::Start).bold().sized(14.0), title);
    let (ticks, places) = x.ticks(5);
    for tick in ticks {
        let at = x.at(tick);
        canvas.line((at, TOP), (at, bottom), Stroke::solid(Ink::Grid, 1.0));
        canvas.text((at, bottom + 16.0), Font::new(Ink::Muted, Anchor::Middle), &fixed(tick, places));
    }
    for (index, bar) in bars.iter().enumerate() {
        let y = TOP + (index as f64 + 0.5) * ROW;
        let (from, to) = (x.at(bar.value.min(0.0)), x.at(bar.value.max(0.0)));
        canvas.rect((from, y - 6.0), (to - from, 12.0), bar.ink, 0.75, &bar.name);
        if let Some([lo, hi]) = bar.whisker {
            let stroke = Stroke::solid(Ink::Text, 1.2);
            let (lo, hi) = (x.at(lo), x.at(hi));
            canvas.line((lo, y), (hi, y), stroke);
            canvas.line((lo, y - 3.0), (lo, y + 3.0), stroke);
            canvas.line((hi, y - 3.0), (hi, y + 3.0), stroke);
        }
        canvas.text((left - 8.0, y + 4.0), Font::new(Ink::Text, Anchor::End), &bar.name);
        canvas.text((width - 4.0, y + 4.0), Font::new(Ink::Text, Anchor::End), &fixed(bar.value, decimals));
    }
    canvas.line((x.at(0.0), TOP), (x.at(0.0), bottom), Stroke::solid(Ink::Muted, 1.2));
    let middle = 0.5 * (left + right);
    canvas.text((middle, bottom + 33.0), Font::new(Ink::Muted, Anchor::Middle).sized(11.0), axis);
    Some(canvas.finish())
}
