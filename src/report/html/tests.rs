//! Tests of the page as a whole.

use super::*;
use crate::report::example::rows;
use crate::report::input::{Fact, Importance, Separation, TrainingPoint};
use crate::report::verdict::{VerdictOptions, verdict};

const ATTACK: &str = "<script>alert('x')</script>\"&";

fn input(task: &str, policy: &str) -> ReportInput {
    let rows = [rows(task, "random", 20, 0.0), rows(task, "margin", 20, 0.04), rows(task, policy, 20, 0.05)]
        .concat();
    let options = VerdictOptions { resamples: 300, ..VerdictOptions::default() };
    let verdict = verdict(&rows, &options);
    ReportInput::new("quickstart", rows, verdict)
}

fn full(text: &str) -> ReportInput {
    let mut input = input(text, text);
    input.title = text.to_owned();
    input.training = (0..5)
        .map(|i| TrainingPoint {
            iteration: i,
            stage: text.to_owned(),
            gain: 0.01 * i as f64,
            ci95: Some([0.0, 0.05]),
        })
        .collect();
    input.search = (0..5)
        .map(|step| SearchPoint {
            path: text.to_owned(),
            step,
            architecture: text.to_owned(),
            score: 0.5 + 0.01 * step as f64,
            accepted: step % 2 == 0,
            parameters: Some(100),
        })
        .collect();
    input.importance = vec![Importance { name: text.to_owned(), mean: 0.01, ci95: Some([0.0, 0.02]) }];
    input.separation = vec![Separation {
        task: text.to_owned(),
        role: text.to_owned(),
        train: [90; 2],
        reward: [30; 2],
        validation: [20; 2],
        test: [40; 2],
    }];
    for (at, row) in input.rows.iter().enumerate() {
        input.times.insert(row, 1e-3 * (at % 7) as f64);
    }
    input.plan = Some(text.to_owned());
    input.facts = vec![Fact { name: text.to_owned(), value: text.to_owned() }];
    input
}

#[test]
fn the_sentence_comes_first_and_absent_sections_leave_no_trace() {
    let page = html(&input("wine", "policy"));
    let sentence =
        page.find("class=\"verdict\">On wine, policy is better than margin").expect("the sentence");
    let curves = page.find("<h2>Learning curves</h2>").expect("the curves");
    assert!(sentence < curves);
    assert!(page.contains("<h2>Verdict table</h2>") && page.contains("<h2>Labels to a target accuracy</h2>"));
    for absent in
        ["Training of the policy", "What the policy looks at", "Architecture search", "The plan", "The run"]
    {
        assert!(!page.contains(&format!("<h2>{absent}</h2>")), "{absent}");
    }
    let page = html(&full("wine"));
    for present in
        ["Training of the policy", "What the policy looks at", "Architecture search", "The plan", "The run"]
    {
        assert!(page.contains(&format!("<h2>{present}</h2>")), "{present}");
    }
}

#[test]
fn every_string_of_the_user_is_escaped() {
    let input = full(ATTACK);
    let page = html(&input);
    assert!(page.contains("<h2>Time per query</h2>"));
    assert!(page.contains("&lt;script&gt;"));
    assert!(!page.contains("<script"), "a script got through");
    for figure in figures(&input) {
        assert!(!figure.svg.contains("<script"), "{}", figure.name);
        assert!(figure.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{}", figure.name);
    }
}

#[test]
fn the_page_asks_nothing_of_the_network() {
    let page = html(&full("wine"));
    let without_namespace = page.replace("http://www.w3.org/2000/svg", "");
    for request in ["http:", "https:", "src=", "@import", "url(", "<link", "<script"] {
        assert!(!without_namespace.contains(request), "{request}");
    }
}

#[test]
fn figures_alone_need_no_style_sheet_and_have_their_own_names() {
    let mut input = full("wine");
    input.rows = input.rows.iter().cloned().chain(rows("Wine!", "random", 3, 0.0)).collect();
    let all = figures(&input);
    let mut names: Vec<&str> = all.iter().map(|figure| figure.name.as_str()).collect();
    assert!(names.contains(&"learning-wine") && names.contains(&"learning-wine-2"), "{names:?}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len());
    for figure in &all {
        assert!(figure.svg.starts_with("<svg ") && !figure.svg.contains("var(--"), "{}", figure.name);
    }
}

#[test]
fn nothing_at_all_is_still_a_page() {
    let empty = ReportInput::new("empty", Vec::new(), verdict(&[], &VerdictOptions::default()));
    let page = html(&empty);
    assert!(page.contains("There are no results yet."));
    assert!(!page.contains("<figure>") && !page.contains("NaN"));
    assert!(figures(&empty).is_empty());
}

/// A run of one repetition and one round has neither intervals nor ranks, and numbers that are none
/// must not reach the page.
#[test]
fn the_smallest_run_has_a_page() {
    let rows = vec![crate::report::example::row("wine", "random", 0, 0, 0.5)];
    let verdict = verdict(&rows, &VerdictOptions::default());
    let mut input = ReportInput::new("small", rows, verdict);
    input.training = vec![TrainingPoint { iteration: 0, stage: "s".into(), gain: f64::NAN, ci95: None }];
    input.importance = vec![Importance { name: "f".into(), mean: f64::INFINITY, ci95: None }];
    let page = html(&input);
    assert!(page.contains("<figure>"));
    assert!(!page.contains("NaN") && !page.contains("inf"), "a number that is none");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(html(&full("wine")), html(&full("wine")));
}
