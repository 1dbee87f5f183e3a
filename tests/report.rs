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
use querist::episode::Row;
use querist::report::figure::canvas::{BOLD, text_width};
use querist::report::{Figure, ReportInput, VerdictOptions, figures, html, verdict};

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
    let compared = ["difference-to-margin", "difference-to-random", "critical-difference", "penalty-matrix"];
    let always = ["training", "importance", "search-sources", "search-wine-repetition-0"];
    for (tasks, strategies, repetitions, learning, others) in [
        (1, 1, 1, &["digits"][..], vec![]),
        (1, 3, 20, &["digits"], compared.to_vec()),
        (2, 5, 4, &["digits", "wine"], [&compared[..], &["performance-profiles"]].concat()),
        (
            4,
            9,
            20,
            &["breast-cancer", "digits", "three-clust", "wine"],
            [&compared[..], &["performance-profiles", "gap-closed"]].concat(),
        ),
    ] {
        let drawn = figures(&input(tasks, strategies, repetitions));
        let learning = learning.iter().map(|task| format!("learning-{task}"));
        let expected: Vec<String> =
            learning.chain(others.iter().chain(&always).map(|name| name.to_string())).collect();
        let names: Vec<&String> = drawn.iter().map(|figure| &figure.name).collect();
        assert_eq!(names, expected.iter().collect::<Vec<_>>(), "{tasks} tasks, {strategies} strategies");
        drawn.iter().for_each(check_texts);
    }
}

/// A report of `count` strategies, all but three of them with long names.
fn crowd(count: usize) -> ReportInput {
    let example = input(2, 3, 6);
    let mut rows = example.rows.to_vec();
    for number in 3..count {
        let of = |row: &&Row| row.strategy == "margin";
        let named = |row: &Row| Row { strategy: long_name(number), ..row.clone() };
        rows.extend(example.rows.iter().filter(of).map(named));
    }
    let judged = verdict(&rows, &VerdictOptions { resamples: 200, ..VerdictOptions::default() });
    ReportInput::new("crowd", rows, judged)
}

fn long_name(number: usize) -> String {
    format!("switch(typiclust,margin,labels_per_class={number})+head+search")
}

/// Names were cut with an ellipsis, so that strategies that differ at their ends could not be told apart.
#[test]
fn long_names_are_never_cut_and_still_do_not_overlap() {
    let drawn = figures(&crowd(12));
    let with_names = ["learning-digits", "difference-to-margin", "critical-difference", "penalty-matrix"];
    for figure in &drawn {
        check_texts(figure);
        assert!(!figure.svg.contains('…'), "{}", figure.name);
        if with_names.contains(&figure.name.as_str()) {
            for number in 3..12 {
                let name = format!(">{}", long_name(number));
                assert!(figure.svg.contains(&name), "{name} in {}", figure.name);
            }
        }
    }
    assert!(with_names.iter().all(|name| drawn.iter().any(|figure| figure.name == *name)));
}

/// Colours repeated in tables and dot plots, where there are no dashes to tell strategies apart.
#[test]
fn looks_are_unique_in_the_tables_of_48_strategies() {
    let page = html(&crowd(48));
    let table = page.split("<h2>Verdict table</h2>").nth(1).expect("the table");
    let table = table.split("</table>").next().expect("the first task");
    let mut looks: Vec<&str> =
        table.split("<svg class=\"look\"").skip(1).filter_map(|rest| rest.split("</svg>").next()).collect();
    assert_eq!(looks.len(), 48);
    looks.sort_unstable();
    looks.dedup();
    assert_eq!(looks.len(), 48);
}

#[test]
fn the_heading_names_the_targets() {
    assert!(html(&input(2, 3, 3)).contains("<h1>quickstart on digits, wine</h1>"));
    assert!(
        html(&input(4, 3, 3))
            .contains("<h1>quickstart on 4 tasks (breast_cancer, digits, three_clust and 1 more)</h1>")
    );
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
        std::fs::write(folder().join(format!("{name}.txt")), input.verdict.to_string())
            .expect("the table is written");
        for figure in figures(&input) {
            std::fs::write(folder().join(format!("{}.svg", figure.name)), figure.svg)
                .expect("a figure is written");
        }
    }
}
