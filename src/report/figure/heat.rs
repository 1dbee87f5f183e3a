//! The pairwise penalty matrix as a heat map.

use super::canvas::{Anchor, BOLD, Canvas, Font, SIZE, text_width};
use super::palette::{Ink, Theme};
use super::{Figure, WIDE};
use crate::report::stats::penalty::column_means;

const CELL: f64 = 44.0;
const ROW: f64 = 26.0;
/// A narrow matrix is not blown up beside its neighbours.
const WIDTH: f64 = 480.0;
const TOTAL: &str = "mean beaten";

/// Draws the matrix `[winner][loser]` over `tasks` tasks; `None` where it is empty.
pub fn penalty_heat(matrix: &[Vec<f64>], names: &[&str], tasks: usize, theme: Theme) -> Option<Figure> {
    let size = matrix.len();
    if size < 2 || names.len() != size || tasks == 0 {
        return None;
    }
    let widest = names.iter().map(|name| text_width(name, SIZE)).fold(0.0, f64::max);
    let left = (widest + 24.0).max(BOLD * text_width(TOTAL, SIZE)) + 12.0;
    let top = 58.0;
    let (width, height) =
        ((left + CELL * size as f64 + 6.0).max(WIDTH), top + ROW * (size + 1) as f64 + 16.0);
    let mut canvas = Canvas::new(theme, width, height, "Pairwise penalties");
    let heading = Font::new(Ink::Text, Anchor::Start).bold().sized(14.0);
    canvas.text((4.0, 16.0), heading, "Row beats column");
    let muted = Font::new(Ink::Muted, Anchor::Middle);
    for j in 0..size {
        // Columns are numbered like the rows: names at an angle are hard to read on a phone.
        canvas.text((left + CELL * (j as f64 + 0.5), top - 8.0), muted, &format!("{}", j + 1));
    }
    let cell = |canvas: &mut Canvas, i: usize, j: usize, share: f64, text: &str, hover: &str| {
        let corner = (left + CELL * j as f64, top + ROW * i as f64);
        canvas.rect(
            (corner.0 + 1.0, corner.1 + 1.0),
            (CELL - 2.0, ROW - 2.0),
            Ink::Series(1),
            0.04 + 0.5 * share,
            hover,
        );
        let middle = (corner.0 + 0.5 * CELL, corner.1 + 0.5 * ROW + 4.0);
        canvas.text(middle, Font::new(Ink::Text, Anchor::Middle).sized(11.0), text);
    };
    for (i, name) in names.iter().enumerate() {
        let y = top + ROW * (i as f64 + 0.5) + 4.0;
        let label = format!("{name} {}", i + 1);
        canvas.text((left - 8.0, y), Font::new(Ink::Text, Anchor::End), &label);
        for (j, loser) in names.iter().enumerate().filter(|(j, _)| *j != i) {
            let value = matrix[i].get(j).copied().unwrap_or(0.0);
            let hover = format!("{name} beats {loser}: {value:.2} of {tasks}");
            cell(&mut canvas, i, j, value / tasks as f64, &format!("{value:.2}"), &hover);
        }
    }
    let y = top + ROW * (size as f64 + 0.5) + 10.0;
    canvas.text((left - 8.0, y), Font::new(Ink::Text, Anchor::End).bold(), TOTAL);
    for (j, value) in column_means(matrix).into_iter().enumerate() {
        let at = left + CELL * (j as f64 + 0.5);
        canvas.text((at, y), Font::new(Ink::Text, Anchor::Middle).bold().sized(11.0), &format!("{value:.2}"));
    }
    Some(Figure {
        name: "penalty-matrix".to_owned(),
        caption: format!(
            "Share of label counts at which the row's strategy beats the column's by a paired t-test at 5 %, matched by \
             repetition, summed over {tasks} task{}; last line: how often a strategy is beaten on average, lower = better.",
            if tasks == 1 { "" } else { "s" }
        ),
        wide: width > WIDE,
        svg: canvas.finish(),
    })
}
