//! The path of architectures: how often each was in use after how many labels.

use super::canvas::{Anchor, BOLD, Canvas, Font, Stroke, fitted, text_width};
use super::palette::{Ink, Theme};
use super::{Figure, WIDE, stem};
use crate::arch::NetSpec;
use crate::episode::Row;
use std::collections::{BTreeMap, BTreeSet};

const WIDTH: f64 = 480.0;
const TOP: f64 = 50.0;
const ROW: f64 = 20.0;
const FOOT: f64 = 44.0;
const NAME: f64 = 11.0;
/// The widest that the names of architectures may be.
const MAX_NAME: f64 = 190.0;
/// The most architectures with a line of their own; those that were in use least share one.
const MAX_ROWS: usize = 16;
/// What those that share a line are called.
const OTHERS: &str = "others";
/// The least room of a label count below the columns.
const TICK: f64 = 26.0;

/// The number of an architecture's weights, and its words: ordered by size.
type Shape = (usize, String);

/// An architecture in few words, and the number of its weights, from the text that rows hold: of
/// `64-r32-r32-r64-10`, `2 r32, 1 r64`; of `64-s8@1x8x8-c8-c16/2-c16-a-10`, `1 c8, 2 c16`. What cannot be read keeps its text and counts as the largest.
pub fn brief(architecture: &str) -> (String, usize) {
    let Some(spec) = NetSpec::read(architecture) else { return (architecture.to_owned(), usize::MAX) };
    let parts: Vec<&str> = architecture.split('-').collect();
    // Stems and averages are in every network for images; where a stack halves is where its width changes.
    let hidden = parts[1..parts.len() - 1].iter().map(|part| part.trim_end_matches("/2"));
    let hidden: Vec<&str> = hidden.filter(|part| !part.contains('@') && *part != "a").collect();
    let runs = hidden.chunk_by(|a, b| a == b).map(|run| format!("{} {}", run.len(), run[0]));
    let name = runs.collect::<Vec<_>>().join(", ");
    (if name.is_empty() { "linear".to_owned() } else { name }, spec.parameters())
}

/// Draws the path of one strategy on one task from its rows; `None` where its architecture never changed.
pub fn architecture_path(task: &str, name: &str, rows: &[&Row], theme: Theme) -> Option<Figure> {
    let mut columns: BTreeMap<u32, (u32, BTreeMap<Shape, usize>)> = BTreeMap::new();
    for row in rows {
        let (words, size) = brief(&row.architecture);
        let column = columns.entry(row.round).or_default();
        column.0 = row.labels;
        *column.1.entry((size, words)).or_default() += 1;
    }
    let mut uses: BTreeMap<Shape, usize> = BTreeMap::new();
    for (architecture, count) in columns.values().flat_map(|(_, column)| column) {
        *uses.entry(architecture.clone()).or_default() += count;
    }
    if uses.len() < 2 {
        return None;
    }
    let mut frequent: Vec<&Shape> = uses.keys().collect();
    frequent.sort_by_key(|architecture| std::cmp::Reverse(uses[*architecture]));
    let kept = if uses.len() > MAX_ROWS { MAX_ROWS - 1 } else { uses.len() };
    let own: BTreeSet<&Shape> = frequent.iter().take(kept).copied().collect();
    // The smallest at the bottom; what shares a line at the very top.
    let mut lines: Vec<String> = own.iter().map(|(_, words)| words.clone()).collect();
    if uses.len() > kept {
        lines.push(format!("{} {OTHERS}", uses.len() - kept));
    }
    let line_of =
        |architecture: &Shape| own.iter().position(|kept| *kept == architecture).unwrap_or(lines.len() - 1);
    let left = lines.iter().map(|line| text_width(line, NAME)).fold(0.0, f64::max).min(MAX_NAME) + 14.0;
    let height = TOP + ROW * lines.len() as f64 + FOOT;
    let bottom = TOP + ROW * lines.len() as f64;
    let heading = format!("{task}: {name}");
    let width = WIDTH.max(BOLD * text_width(&heading, 14.0) + 8.0);
    let column_width = (width - 14.0 - left) / columns.len() as f64;
    let title = format!("Path of architectures: {name} on {task}");
    let mut canvas = Canvas::new(theme, width, height, &title);
    canvas.text((4.0, 16.0), Font::new(Ink::Text, Anchor::Start).bold().sized(14.0), &heading);
    let muted = Font::new(Ink::Muted, Anchor::Start).sized(11.0);
    canvas.text((4.0, 33.0), muted, "share of repetitions by architecture, smallest below");
    for (at, line) in lines.iter().enumerate() {
        let y = bottom - ROW * at as f64;
        canvas.line((left, y), (width - 14.0, y), Stroke::solid(Ink::Grid, 0.6));
        let font = Font::new(Ink::Text, Anchor::End).sized(NAME);
        canvas.text((left - 6.0, y - 0.5 * ROW + 4.0), font, &fitted(line, NAME, MAX_NAME));
    }
    canvas.line((left, TOP), (width - 14.0, TOP), Stroke::solid(Ink::Grid, 0.6));
    let mut free = f64::NEG_INFINITY;
    for (at, (labels, column)) in columns.values().enumerate() {
        let x = left + column_width * at as f64;
        let total: usize = column.values().sum();
        let mut shares: BTreeMap<usize, (f64, Vec<String>)> = BTreeMap::new();
        for (architecture, count) in column {
            let entry = shares.entry(line_of(architecture)).or_default();
            entry.0 += *count as f64 / total as f64;
            entry.1.push(format!("{} of {total}: {}", count, architecture.1));
        }
        for (line, (share, hover)) in shares {
            let corner = (x + 0.5, bottom - ROW * (line + 1) as f64 + 1.0);
            let size = (column_width - 1.0, ROW - 2.0);
            let hover = format!("{labels} labels, {}", hover.join("; "));
            canvas.rect(corner, size, Ink::Series(1), 0.08 + 0.87 * share, &hover);
        }
        let middle = x + 0.5 * column_width;
        if middle >= free {
            let font = Font::new(Ink::Muted, Anchor::Middle).sized(11.0);
            canvas.text((middle, bottom + 16.0), font, &labels.to_string());
            free = middle + TICK;
        }
    }
    let middle = 0.5 * (left + width - 14.0);
    canvas.text((middle, bottom + 33.0), Font::new(Ink::Muted, Anchor::Middle).sized(11.0), "labels");
    Some(Figure {
        name: format!("path-{}-{}", stem(task), stem(name)),
        caption: format!(
            "How often each architecture was in use under {name} on {task}; \"2 r32\" are two residual blocks of \
             width 32, and darker means more repetitions."
        ),
        wide: width > WIDE,
        svg: canvas.finish(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::row;

    #[test]
    fn architectures_in_few_words() {
        assert_eq!(brief("64-r32-r32-r64-10").0, "2 r32, 1 r64");
        assert_eq!(brief("64-10"), ("linear".to_owned(), 650));
        assert_eq!(brief("64-24-12-10").1, 64 * 24 + 24 + 24 * 12 + 12 + 130);
        assert_eq!(brief("what"), ("what".to_owned(), usize::MAX));
        assert_eq!(brief("3-x-2").1, usize::MAX);
    }

    fn grown(rounds: u32, repetitions: u32, at: impl Fn(u32, u32) -> String) -> Vec<Row> {
        let one = |(repetition, round): (u32, u32)| Row {
            architecture: at(repetition, round),
            ..row("wine", "margin+search", repetition, round, 0.5)
        };
        (0..repetitions).flat_map(|r| (0..rounds).map(move |round| (r, round))).map(one).collect()
    }

    #[test]
    fn one_cell_per_architecture_in_use() {
        let rows = grown(4, 3, |repetition, round| match repetition < round {
            true => "13-r32-r32-3".to_owned(),
            false => "13-r32-3".to_owned(),
        });
        let rows: Vec<&Row> = rows.iter().collect();
        let svg = architecture_path("wine", "margin+search", &rows, Theme::Alone).unwrap().svg;
        // Rounds 0 and 3 have one architecture each, rounds 1 and 2 have two.
        assert_eq!(svg.matches("labels, ").count(), 6);
        assert!(svg.contains("3 labels, 3 of 3: 1 r32") && svg.contains("4 labels, 1 of 3: 2 r32"), "{svg}");
        let still = grown(4, 3, |_, _| "13-3".to_owned());
        assert_eq!(architecture_path("wine", "x", &still.iter().collect::<Vec<_>>(), Theme::Alone), None);
    }

    #[test]
    fn rare_architectures_share_a_line() {
        let rows = grown(30, 1, |_, round| format!("13-r{}-3", 1 + round));
        let rows: Vec<&Row> = rows.iter().collect();
        let svg = architecture_path("wine", "x", &rows, Theme::Alone).unwrap().svg;
        assert!(svg.contains(">15 others</text>"), "{svg}");
    }
}
