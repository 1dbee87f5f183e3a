//! One architecture search: what it looked at and where it moved.

use super::axis::{Scale, extent};
use super::canvas::{Anchor, Canvas, Font, SIZE, Stroke, fitted, text_width};
use super::palette::{Ink, Theme};
use super::{Figure, stem};
use crate::report::input::SearchPoint;
use crate::report::text::points as percent;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 280.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = HEIGHT - 40.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = WIDTH - 14.0;

/// Draws the search called `path`; `None` without a finite score.
pub fn search_path(path: &str, points: &[&SearchPoint], theme: Theme) -> Option<Figure> {
    let mut points: Vec<&SearchPoint> = points.iter().copied().filter(|p| p.score.is_finite()).collect();
    points.sort_by_key(|point| point.step);
    let (first, last) = (points.first()?.step as f64, points.last()?.step as f64);
    let (lo, hi) = extent(points.iter().map(|point| 100.0 * point.score), 0.08)?;
    // A free strip above the points holds the name of the architecture found.
    let y = Scale::new((lo, hi + 0.12 * (hi - lo)), (BOTTOM, TOP));
    let x = Scale::new((first, last), (LEFT + 6.0, RIGHT - 6.0));
    let title = format!("Architecture search: {path}");
    let mut canvas = Canvas::new(theme, WIDTH, HEIGHT, &title);
    let heading = Font::new(Ink::Text, Anchor::Start).bold().sized(14.0);
    canvas.text((4.0, 16.0), heading, &fitted(path, 14.0, WIDTH - 8.0));
    canvas.text((4.0, 33.0), Font::new(Ink::Muted, Anchor::Start).sized(11.0), "score, %");
    let (ticks, decimals) = y.ticks(5);
    for tick in ticks {
        let height = y.at(tick);
        canvas.line((LEFT, height), (RIGHT, height), Stroke::solid(Ink::Grid, 1.0));
        let text = format!("{tick:.decimals$}");
        canvas.text((LEFT - 6.0, height + 4.0), Font::new(Ink::Muted, Anchor::End), &text);
    }
    for tick in x.whole_ticks(6) {
        let at = x.at(tick);
        canvas.text((at, BOTTOM + 17.0), Font::new(Ink::Muted, Anchor::Middle), &format!("{tick:.0}"));
    }
    let middle = 0.5 * (LEFT + RIGHT);
    canvas.text((middle, BOTTOM + 34.0), Font::new(Ink::Muted, Anchor::Middle).sized(11.0), "step");
    let at = |point: &SearchPoint| (x.at(point.step as f64), y.at(100.0 * point.score));
    let hover = |p: &SearchPoint| {
        let parameters = p.parameters.map_or_else(String::new, |n| format!(", {n} parameters"));
        format!("{}: {} %{parameters}", p.architecture, percent(Some(p.score)))
    };
    for point in points.iter().filter(|point| !point.accepted) {
        canvas.circle(at(point), 2.6, Ink::Paper, Ink::Grey, &hover(point));
    }
    let taken: Vec<&SearchPoint> = points.iter().copied().filter(|point| point.accepted).collect();
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for point in &taken {
        let (right, height) = at(point);
        // The search stays where it is until it moves.
        if let Some(&(_, before)) = steps.last() {
            steps.push((right, before));
        }
        steps.push((right, height));
    }
    if let Some(&(_, height)) = steps.last() {
        steps.push((x.at(last), height));
    }
    canvas.polyline(&steps, Stroke::solid(Ink::Series(2), 2.0), path);
    for point in &taken {
        canvas.circle(at(point), 3.6, Ink::Series(2), Ink::Series(2), &hover(point));
    }
    if let Some(found) = taken.last() {
        let label = fitted(&found.architecture, SIZE, RIGHT - LEFT - 60.0);
        let half = 0.5 * text_width(&label, SIZE);
        let (across, height) = at(found);
        let across = across.clamp(LEFT + half, RIGHT - half);
        canvas.text((across, height - 10.0), Font::new(Ink::Text, Anchor::Middle).bold(), &label);
    }
    Some(Figure {
        name: format!("search-{}", stem(path)),
        caption: format!(
            "Architectures tried by the search “{path}”: filled = moved to, hollow = tried and left."
        ),
        wide: false,
        svg: canvas.finish(),
    })
}
