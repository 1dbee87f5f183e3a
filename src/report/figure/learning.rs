//! Learning curves of one task: mean metric on the test rows against labels, with the 95 % interval of the mean.

use super::axis::{Scale, extent, spread};
use super::canvas::{Anchor, BOLD, Canvas, Font, SIZE, Stroke, text_width};
use super::marker::Marker;
use super::palette::{Ink, Palette, Theme};
use super::{Figure, WIDE, stem};
use crate::learner::Metric;
use crate::report::curves::{StrategyCurves, TaskCurves};
use crate::report::stats::mean::{MeanIntervals, mean};

const WIDTH: f64 = 480.0;
const TOP: f64 = 44.0;
/// Where the plot of a figure with few labels ends.
const BOTTOM: f64 = 280.0;
/// What stands below the plot.
const FOOT: f64 = 40.0;
const LEFT: f64 = 40.0;
/// The widest labels that have room in the figure; wider ones widen it.
const LABEL_ROOM: f64 = 120.0;
/// Points of a line that carry its marker.
const MARKED: usize = 6;
const LABEL_GAP: f64 = 13.5;
/// More points than this would be closer than a pixel and only make the page heavy.
const MAX_POINTS: usize = 200;

/// The mean curve of a strategy with its band, per point of a grid of label counts.
struct Band {
    name: String,
    /// `(labels, mean, lo, hi)`; accuracies as shares.
    points: Vec<(f64, f64, f64, f64)>,
}

impl Band {
    fn of(name: &str, strategy: &StrategyCurves, grid: &[u32], intervals: &mut MeanIntervals) -> Self {
        let point = |&labels: &u32| {
            let x = f64::from(labels);
            let values: Vec<f64> = strategy.curves.values().filter_map(|curve| curve.at(x)).collect();
            let centre = mean(&values)?;
            let interval = intervals.of(&values);
            let (lo, hi) = interval.map_or((centre, centre), |ci| (ci.lo.max(0.0), ci.hi.min(1.0)));
            Some((x, centre, lo, hi))
        };
        Self { name: name.to_owned(), points: grid.iter().filter_map(point).collect() }
    }
}

/// Draws one task; `None` where its curves share no label range.
pub fn learning_curves(task: &TaskCurves, palette: &Palette, theme: Theme) -> Option<Figure> {
    let grid = thinned(task.grid());
    let mut intervals = MeanIntervals::new(0.95);
    let mut bands: Vec<Band> = task
        .strategies
        .iter()
        .map(|(name, strategy)| Band::of(name, strategy, &grid, &mut intervals))
        .filter(|band| !band.points.is_empty())
        .collect();
    bands.sort_by_key(|band| palette.style(&band.name).order);
    let (first, last) = (f64::from(*grid.first()?), f64::from(*grid.last()?));
    let range = extent(bands.iter().flat_map(|band| &band.points).flat_map(|p| [p.2, p.3]), 0.04)?;
    // The subject's is bold.
    let room = bands.iter().map(|band| BOLD * text_width(&band.name, SIZE)).fold(0.0, f64::max);
    let title_width = BOLD * text_width(&task.task, 14.0) + 8.0;
    let width = (WIDTH + (room - LABEL_ROOM).max(0.0)).max(title_width);
    let right = width - room - 24.0;
    // Labels stand one under the other; the plot grows with them.
    let bottom = BOTTOM.max(TOP + LABEL_GAP * bands.len().saturating_sub(1) as f64);
    let x = Scale::new((first, last), (LEFT, right));
    let y = Scale::new((range.0.max(task.metric.least()), range.1.min(1.0)), (bottom, TOP));
    let mut canvas = Canvas::new(theme, width, bottom + FOOT, &format!("Learning curves on {}", task.task));
    frame(&mut canvas, &task.task, task.metric, (&x, &y), (LEFT, right), bottom);
    for band in &bands {
        let style = palette.style(&band.name);
        let upper = band.points.iter().map(|p| (x.at(p.0), y.at(p.3)));
        let lower = band.points.iter().rev().map(|p| (x.at(p.0), y.at(p.2)));
        canvas.area(&upper.chain(lower).collect::<Vec<_>>(), style.ink, 0.13);
    }
    for band in &bands {
        let style = palette.style(&band.name);
        let line: Vec<(f64, f64)> = band.points.iter().map(|p| (x.at(p.0), y.at(p.1))).collect();
        let stroke = Stroke { ink: style.ink, width: style.width, dash: style.dash };
        if let [only] = line.as_slice() {
            canvas.marker(style.marker, *only, 3.0, (style.ink, style.ink), &band.name);
        }
        canvas.polyline(&line, stroke, &band.name);
        // Discs are the marker of those whose colour is their own.
        if style.marker != Marker::Circle && line.len() > 1 {
            for at in 0..MARKED {
                let point = line[at * (line.len() - 1) / (MARKED - 1)];
                canvas.marker(style.marker, point, 2.4, (style.ink, style.ink), "");
            }
        }
    }
    let ends: Vec<(f64, f64)> =
        bands.iter().filter_map(|band| band.points.last()).map(|p| (x.at(p.0), y.at(p.1))).collect();
    let wanted: Vec<f64> = ends.iter().map(|end| end.1).collect();
    let placed = spread(&wanted, LABEL_GAP, (TOP - 4.0, bottom + 4.0));
    for ((band, end), height) in bands.iter().zip(&ends).zip(placed) {
        let style = palette.style(&band.name);
        let thin = Stroke::solid(style.ink, 0.8);
        canvas.polyline(&[(end.0 + 2.0, end.1), (right + 8.0, height), (right + 14.0, height)], thin, "");
        let mut font = Font::new(if style.ink == Ink::Grey { Ink::Muted } else { style.ink }, Anchor::Start);
        font.bold = style.order >= 4;
        canvas.text((right + 17.0, height + 4.0), font, &band.name);
    }
    Some(Figure {
        name: format!("learning-{}", stem(&task.task)),
        caption: format!(
            "Mean test {} on {}; bands: 95 % interval of the mean.",
            task.metric.name(),
            task.task
        ),
        wide: width > WIDE,
        svg: canvas.finish(),
    })
}

/// At most [`MAX_POINTS`] label counts, evenly chosen, the first and the last among them.
fn thinned(grid: Vec<u32>) -> Vec<u32> {
    if grid.len() <= MAX_POINTS {
        return grid;
    }
    let last = grid.len() - 1;
    (0..MAX_POINTS).map(|i| grid[i * last / (MAX_POINTS - 1)]).collect()
}

/// Title, grid, ticks and axis names.
fn frame(
    canvas: &mut Canvas,
    title: &str,
    metric: Metric,
    (x, y): (&Scale, &Scale),
    across: (f64, f64),
    bottom: f64,
) {
    let muted = Font::new(Ink::Muted, Anchor::Start);
    canvas.text((4.0, 16.0), Font::new(Ink::Text, Anchor::Start).bold().sized(14.0), title);
    canvas.text((4.0, 33.0), muted.sized(11.0), &format!("test {}, %", metric.name()));
    let (ticks, decimals) = y.ticks(5);
    for tick in ticks {
        let height = y.at(tick);
        canvas.line((across.0, height), (across.1, height), Stroke::solid(Ink::Grid, 1.0));
        let text = format!("{:.*}", decimals.saturating_sub(2), 100.0 * tick);
        canvas.text((across.0 - 6.0, height + 4.0), Font::new(Ink::Muted, Anchor::End), &text);
    }
    canvas.line((across.0, bottom), (across.1, bottom), Stroke::solid(Ink::Muted, 1.0));
    for tick in x.whole_ticks(6) {
        let at = x.at(tick);
        canvas.line((at, bottom), (at, bottom + 4.0), Stroke::solid(Ink::Muted, 1.0));
        canvas.text((at, bottom + 17.0), Font::new(Ink::Muted, Anchor::Middle), &format!("{tick:.0}"));
    }
    let middle = 0.5 * (across.0 + across.1);
    canvas.text((middle, bottom + 34.0), Font::new(Ink::Muted, Anchor::Middle).sized(11.0), "labels");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::curves::gather;
    use crate::report::example::rows;

    #[test]
    fn long_grids_are_thinned_and_keep_their_ends() {
        let thin = thinned((3..1_003).collect());
        assert_eq!((thin.len(), thin[0], thin[MAX_POINTS - 1]), (MAX_POINTS, 3, 1_002));
        assert!(thin.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(thinned(vec![1, 2]), [1, 2]);
    }

    #[test]
    fn one_line_one_band_one_label_per_strategy() {
        let all = [rows("wine", "random", 5, 0.0), rows("wine", "margin", 5, 0.04)].concat();
        let palette = Palette::new(["random", "margin"], "policy", &crate::query::Registry::builtin());
        let figure = learning_curves(&gather(&all, Metric::Accuracy)[0], &palette, Theme::Alone).unwrap();
        assert_eq!(figure.svg.matches("fill-opacity:0.13").count(), 2);
        assert_eq!(figure.svg.matches("<title>margin</title>").count(), 1);
        assert_eq!(figure.svg.matches(">margin</text>").count(), 1);
    }
}
