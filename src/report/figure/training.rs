//! The policy's training curve: its lead over a reference on the validation episodes.

use super::Figure;
use super::axis::{Scale, extent};
use super::canvas::{Anchor, Canvas, Font, Stroke, fitted, text_width};
use super::palette::{Ink, Theme};
use crate::report::input::TrainingPoint;
use crate::report::text::fixed;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 300.0;
const TOP: f64 = 62.0;
const BOTTOM: f64 = HEIGHT - 40.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = WIDTH - 54.0;

/// Draws the training, whose gains are over the strategy `reference`; `None` without a finite point.
pub fn training_curve(points: &[TrainingPoint], reference: &str, theme: Theme) -> Option<Figure> {
    let mut points: Vec<&TrainingPoint> = points.iter().filter(|point| point.gain.is_finite()).collect();
    points.sort_by_key(|point| point.iteration);
    let (first, last) = (points.first()?.iteration as f64, points.last()?.iteration as f64);
    let ends = points.iter().flat_map(|p| p.ci95.into_iter().flatten().chain([p.gain]));
    let range = extent(ends.chain([0.0]).map(|share| 100.0 * share), 0.06)?;
    let (x, y) = (Scale::new((first, last), (LEFT, RIGHT)), Scale::new(range, (BOTTOM, TOP)));
    let mut canvas =
        Canvas::new(theme, WIDTH, HEIGHT, &format!("The policy's lead over {reference} in validation"));
    let heading = Font::new(Ink::Text, Anchor::Start).bold().sized(14.0);
    canvas.text((4.0, 16.0), heading, &format!("Lead over {reference} in validation"));
    let small = Font::new(Ink::Muted, Anchor::Start).sized(11.0);
    canvas.text((4.0, 33.0), small, "AULC, points; above the line = better");
    let (ticks, decimals) = y.ticks(5);
    for tick in ticks {
        let height = y.at(tick);
        canvas.line((LEFT, height), (RIGHT, height), Stroke::solid(Ink::Grid, 1.0));
        canvas.text((LEFT - 6.0, height + 4.0), Font::new(Ink::Muted, Anchor::End), &fixed(tick, decimals));
    }
    for tick in x.whole_ticks(6) {
        let at = x.at(tick);
        canvas.text((at, BOTTOM + 17.0), Font::new(Ink::Muted, Anchor::Middle), &format!("{tick:.0}"));
    }
    let middle = 0.5 * (LEFT + RIGHT);
    canvas.text((middle, BOTTOM + 34.0), small_centred(), "iteration");
    canvas.line((LEFT, y.at(0.0)), (RIGHT, y.at(0.0)), Stroke::solid(Ink::Series(1), 1.4));
    canvas.text((RIGHT + 5.0, y.at(0.0) + 4.0), Font::new(Ink::Series(1), Anchor::Start), reference);
    stages(&mut canvas, &points, &x);
    let band: Vec<&&TrainingPoint> = points.iter().filter(|point| point.ci95.is_some()).collect();
    let edge = |point: &TrainingPoint, side: usize| {
        let value = point.ci95.map_or(point.gain, |ci| ci[side]);
        (x.at(point.iteration as f64), y.at(100.0 * value))
    };
    let outline: Vec<(f64, f64)> =
        band.iter().map(|p| edge(p, 1)).chain(band.iter().rev().map(|p| edge(p, 0))).collect();
    canvas.area(&outline, Ink::Series(0), 0.15);
    let line: Vec<(f64, f64)> =
        points.iter().map(|p| (x.at(p.iteration as f64), y.at(100.0 * p.gain))).collect();
    canvas.polyline(&line, Stroke::solid(Ink::Series(0), 2.2), "policy");
    if line.len() <= 40 {
        for &dot in &line {
            canvas.circle(dot, 2.4, Ink::Series(0), Ink::Series(0), "");
        }
    }
    Some(Figure {
        name: "training".to_owned(),
        caption: format!(
            "The policy's lead over {reference} on episodes of the validation tasks, from untrained to trained; \
             band: 95 % interval."
        ),
        wide: false,
        svg: canvas.finish(),
    })
}

fn small_centred() -> Font {
    Font::new(Ink::Muted, Anchor::Middle).sized(11.0)
}

/// A dashed line where a stage begins, its name above the plot where there is room for it.
fn stages(canvas: &mut Canvas, points: &[&TrainingPoint], x: &Scale) {
    let mut starts: Vec<(f64, &str)> = Vec::new();
    for point in points {
        if starts.last().is_none_or(|(_, stage)| *stage != point.stage) {
            starts.push((x.at(point.iteration as f64), &point.stage));
        }
    }
    for (index, (at, stage)) in starts.iter().enumerate() {
        if index > 0 {
            let stroke = Stroke { ink: Ink::Muted, width: 1.0, dash: "3 3" };
            canvas.line((*at, TOP - 14.0), (*at, BOTTOM), stroke);
        }
        let end = starts.get(index + 1).map_or(WIDTH, |next| next.0);
        let room = end - at - 8.0;
        if room > text_width("abc…", 11.0) {
            let font = Font::new(Ink::Muted, Anchor::Start).sized(11.0);
            canvas.text((at + 4.0, TOP - 6.0), font, &fitted(stage, 11.0, room));
        }
    }
}
