//! The metric against gradient steps: what architectures come to for the same computation.

use super::axis::{Scale, extent, spread};
use super::canvas::{Anchor, BOLD, Canvas, Font, SIZE, Stroke, text_width};
use super::palette::{Ink, Theme};
use super::{Figure, WIDE, stem};
use crate::episode::Row;
use crate::learner::Metric;
use crate::report::stats::mean::mean;
use crate::report::text::capitalised;
use std::collections::BTreeMap;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 320.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = HEIGHT - 40.0;
const LEFT: f64 = 40.0;
/// The widest labels that have room in the figure; wider ones widen it.
const LABEL_ROOM: f64 = 120.0;
const LABEL_GAP: f64 = 13.5;
const DASHES: [&str; 3] = ["", "6 3", "2 2.5"];

/// One line: what it is called, and its rows.
pub struct Line<'a> {
    /// Its name.
    pub name: &'a str,
    /// The rows of all its repetitions.
    pub rows: Vec<&'a Row>,
}

/// Draws the lines of one task and strategy; `None` where all take the same steps.
pub fn metric_by_steps(
    task: &str,
    strategy: &str,
    lines: &[Line<'_>],
    metric: Metric,
    theme: Theme,
) -> Option<Figure> {
    let points: Vec<(&str, Vec<(f64, f64)>)> = lines
        .iter()
        .map(|line| (line.name, means(&line.rows, metric)))
        .filter(|(_, own)| !own.is_empty())
        .collect();
    let ends: Vec<f64> = points.iter().filter_map(|(_, own)| own.last()).map(|end| end.0).collect();
    if ends.iter().all(|&end| end == ends[0]) {
        return None;
    }
    let all = || points.iter().flat_map(|(_, own)| own);
    let (low, high) = extent(all().map(|point| point.0.log10()), 0.0)?;
    let range = extent(all().map(|point| point.1), 0.06)?;
    let room = points.iter().map(|(name, _)| text_width(name, SIZE)).fold(0.0, f64::max);
    let heading = format!("{task}: {strategy}");
    let width = (WIDTH + (room - LABEL_ROOM).max(0.0)).max(BOLD * text_width(&heading, 14.0) + 8.0);
    let right = width - room - 24.0;
    let x = Scale::new((low, high), (LEFT, right));
    let y = Scale::new((range.0.max(metric.least()), range.1.min(1.0)), (BOTTOM, TOP));
    let title = format!("{} by gradient steps: {strategy} on {task}", capitalised(metric.name()));
    let mut canvas = Canvas::new(theme, width, HEIGHT, &title);
    canvas.text((4.0, 16.0), Font::new(Ink::Text, Anchor::Start).bold().sized(14.0), &heading);
    canvas.text(
        (4.0, 33.0),
        Font::new(Ink::Muted, Anchor::Start).sized(11.0),
        &format!("test {}, %", metric.name()),
    );
    let (ticks, decimals) = y.ticks(5);
    for tick in ticks {
        let height = y.at(tick);
        canvas.line((LEFT, height), (right, height), Stroke::solid(Ink::Grid, 1.0));
        let text = format!("{:.*}", decimals.saturating_sub(2), 100.0 * tick);
        canvas.text((LEFT - 6.0, height + 4.0), Font::new(Ink::Muted, Anchor::End), &text);
    }
    canvas.line((LEFT, BOTTOM), (right, BOTTOM), Stroke::solid(Ink::Muted, 1.0));
    let mut free = f64::NEG_INFINITY;
    for (value, text) in round_numbers(low, high) {
        let at = x.at(value);
        canvas.line((at, BOTTOM), (at, BOTTOM + 4.0), Stroke::solid(Ink::Muted, 1.0));
        if at >= free {
            canvas.text((at, BOTTOM + 17.0), Font::new(Ink::Muted, Anchor::Middle), &text);
            free = at + text_width(&text, SIZE) + 10.0;
        }
    }
    let middle = 0.5 * (LEFT + right);
    let font = Font::new(Ink::Muted, Anchor::Middle).sized(11.0);
    canvas.text((middle, BOTTOM + 34.0), font, "gradient steps, searches included");
    let ink = |at: usize| (Ink::Series(at), DASHES[(at / super::palette::SERIES) % DASHES.len()]);
    for (at, (name, own)) in points.iter().enumerate() {
        let line: Vec<(f64, f64)> = own.iter().map(|p| (x.at(p.0.log10()), y.at(p.1))).collect();
        let (ink, dash) = ink(at);
        canvas.polyline(&line, Stroke { ink, width: 1.8, dash }, name);
    }
    let ends: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|(_, own)| own.last())
        .map(|point| (x.at(point.0.log10()), y.at(point.1)))
        .collect();
    let wanted: Vec<f64> = ends.iter().map(|end| end.1).collect();
    let placed = spread(&wanted, LABEL_GAP, (TOP - 4.0, BOTTOM + 4.0));
    for (at, (((label, _), end), height)) in points.iter().zip(&ends).zip(placed).enumerate() {
        let (ink, _) = ink(at);
        let path = [(end.0 + 2.0, end.1), (right + 8.0, height), (right + 14.0, height)];
        canvas.polyline(&path, Stroke::solid(ink, 0.8), "");
        canvas.text((right + 17.0, height + 4.0), Font::new(ink, Anchor::Start), label);
    }
    Some(Figure {
        name: format!("steps-{}-{}", stem(task), stem(strategy)),
        caption: format!(
            "Mean test {} of {strategy} on {task} against the mean number of gradient steps so far, those of \
             searches included; one line per architecture, on a logarithmic scale.",
            metric.name()
        ),
        wide: width > WIDE,
        svg: canvas.finish(),
    })
}

/// Per round, mean steps and mean metric over repetitions.
fn means(rows: &[&Row], metric: Metric) -> Vec<(f64, f64)> {
    let mut rounds: BTreeMap<u32, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.steps > 0) {
        let own = rounds.entry(row.round).or_default();
        own.0.push(row.steps as f64);
        own.1.push(row.by(metric));
    }
    rounds.into_values().filter_map(|(steps, measured)| Some((mean(&steps)?, mean(&measured)?))).collect()
}

/// 1, 2 and 5 times the powers of ten between two logarithms, with their text.
fn round_numbers(low: f64, high: f64) -> Vec<(f64, String)> {
    let decades = low.floor() as i32..=high.ceil() as i32;
    let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|factor| factor * 10f64.powi(decade)));
    let text = |value: f64| match value {
        v if v >= 1e6 => format!("{}M", v / 1e6),
        v if v >= 1e3 => format!("{}k", v / 1e3),
        v => format!("{v}"),
    };
    all.filter(|v| (low..=high).contains(&v.log10())).map(|v| (v.log10(), text(v))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::row;

    #[test]
    fn round_numbers_on_a_logarithmic_scale() {
        let texts = |low: f64, high: f64| -> Vec<String> {
            round_numbers(low.log10(), high.log10()).into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(texts(250.0, 12_000.0), ["500", "1k", "2k", "5k", "10k"]);
        assert_eq!(texts(0.9e6, 2.1e6), ["1M", "2M"]);
    }

    #[test]
    fn lines_only_where_the_cost_differs() {
        let fixed: Vec<Row> = (1..5).map(|round| row("wine", "a", 0, round, 0.5)).collect();
        let grown: Vec<Row> = fixed.iter().map(|row| Row { steps: 3 * row.steps, ..row.clone() }).collect();
        fn line<'a>(name: &'a str, rows: &'a [Row]) -> Line<'a> {
            Line { name, rows: rows.iter().collect() }
        }
        let same = [line("a", &fixed), line("b", &fixed)];
        assert_eq!(metric_by_steps("wine", "margin", &same, Metric::Accuracy, Theme::Alone), None);
        let two = [line("a", &fixed), line("b", &grown)];
        let svg = metric_by_steps("wine", "margin", &two, Metric::Accuracy, Theme::Alone).unwrap().svg;
        assert!(svg.contains("<title>a</title>") && svg.contains("<title>b</title>"));
    }
}
