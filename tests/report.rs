//! A whole report from believable synthetic rows.
//!
//! The page and its figures are left under the target folder's `tmp/report`, to be looked at in a
//! browser; the tests check what a machine can: that texts of a figure do not overlap or leave it.

// The ban on writing files is for the library; these pages are looked at and thrown away.
#![allow(clippy::disallowed_methods)]

#[path = "report/example.rs"]
mod example;

use std::path::PathBuf;

use example::input;
use querist::report::figure::canvas::{BOLD, text_width};
use querist::report::{Figure, figures, html, table};

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report");
    std::fs::create_dir_all(&folder).expect("a folder under target");
    folder
}

/// The boxes `(left, top, right, bottom)` of a figure's texts, with the texts.
fn boxes(figure: &Figure) -> Vec<([f64; 4], String)> {
    let attribute = |tag: &str, name: &str| -> String {
        let from = tag.find(name).unwrap_or_else(|| panic!("{name} in {tag}")) + name.len();
        tag[from..].split(['"', 'p', ';']).next().expect("a value").to_owned()
    };
    let texts = figure.svg.split("<text ").skip(1).map(|rest| {
        let (tag, after) = rest.split_once('>').expect("a tag");
        let content = after.split("</text>").next().expect("content");
        let content = content.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&");
        let (x, y): (f64, f64) =
            (attribute(tag, "x=\"").parse().expect("x"), attribute(tag, " y=\"").parse().expect("y"));
        let size: f64 = attribute(tag, "font-size:").parse().expect("a size");
        let bold = if tag.contains("font-weight") { BOLD } else { 1.0 };
        let width = bold * text_width(&content, size);
        let left = x - match attribute(tag, "text-anchor=\"").as_str() {
            "start" => 0.0,
            "end" => width,
            _ => 0.5 * width,
        };
        ([left, y - 0.75 * size, left + width, y + 0.2 * size], content)
    });
    texts.collect()
}

fn check_texts(figure: &Figure) {
    let view = figure
        .svg
        .split("viewBox=\"0 0 ")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a view box");
    let (width, height) = view.split_once(' ').expect("two numbers");
    let (width, height): (f64, f64) = (width.parse().expect("width"), height.parse().expect("height"));
    let boxes = boxes(figure);
    assert!(!boxes.is_empty(), "{}", figure.name);
    for (i, (a, text)) in boxes.iter().enumerate() {
        let inside = a[0] >= -0.5 && a[1] >= -0.5 && a[2] <= width + 0.5 && a[3] <= height + 0.5;
        assert!(inside, "{}: “{text}” at {a:?} leaves {width}×{height}", figure.name);
        for (b, other) in &boxes[..i] {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assert!(apart, "{}: “{text}” {a:?} overlaps “{other}” {b:?}", figure.name);
        }
    }
}

#[test]
fn texts_of_figures_neither_overlap_nor_leave_the_figure() {
    for (tasks, strategies, repetitions) in [(1, 1, 1), (1, 3, 20), (2, 5, 4), (4, 9, 20)] {
        let drawn = figures(&input(tasks, strategies, repetitions));
        assert!(drawn.len() > 4);
        drawn.iter().for_each(check_texts);
    }
}

#[test]
fn a_page_and_its_figures_are_left_to_be_looked_at() {
    let pages = [("first-look.html", 2, 9, 5), ("one-task.html", 1, 4, 20), ("report.html", 4, 9, 20)];
    for (name, tasks, strategies, repetitions) in pages {
        let input = input(tasks, strategies, repetitions);
        let page = html(&input);
        // A page is sent by mail: it stays well under a megabyte.
        assert!(page.len() < 800_000, "{} bytes", page.len());
        std::fs::write(folder().join(name), page).expect("the page is written");
        std::fs::write(folder().join(format!("{name}.txt")), table(&input.verdict))
            .expect("the table is written");
        for figure in figures(&input) {
            std::fs::write(folder().join(format!("{}.svg", figure.name)), figure.svg)
                .expect("a figure is written");
        }
    }
}
