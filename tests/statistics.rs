//! The statistics against SciPy, scikit-posthocs and rliable.
//!
//! `golden/statistics.json` is made by `golden/statistics.py`, `golden/verdict.json` by `golden/verdict.py`, which say how;
//! the versions are in them.

use querist::episode::Row;
use querist::learner::{Metric, Scores};
use querist::report::stats::aggregate::{
    interquartile_mean, performance_profile, probability_of_improvement,
};
use querist::report::stats::aulc::Curve;
use querist::report::stats::bootstrap::{bca_from, percentile_interval};
use querist::report::stats::critical::nemenyi_p;
use querist::report::stats::holm::holm;
use querist::report::stats::mean::{mean, mean_interval};
use querist::report::stats::penalty::penalty_matrix;
use querist::report::stats::ranks::{average_ranks, friedman};
use querist::report::stats::special;
use querist::report::stats::wilcoxon::signed_rank;
use querist::report::{VerdictOptions, verdict};
use serde_json::Value;

fn golden(section: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("golden/statistics.json")).expect("JSON");
    all[section].clone()
}

fn cases(section: &str) -> Vec<Value> {
    let cases = golden(section).as_array().expect("an array").clone();
    assert!(!cases.is_empty());
    cases
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(number).collect()
}

fn table(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("an array").iter().map(numbers).collect()
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let scale = expected.abs().max(1e-300);
    let near = (found - expected).abs() <= tolerance * scale.max(1e-3);
    assert!(near, "found {found}, the reference has {expected}");
}

#[track_caller]
fn all_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        close(*found, *expected, tolerance);
    }
}

/// `golden/metrics.json` is made by `golden/metrics.py` with scikit-learn.
#[test]
fn metrics_of_predictions() {
    let all: Value = serde_json::from_str(include_str!("golden/metrics.json")).expect("JSON");
    let classes =
        |value: &Value| -> Vec<u32> { numbers(value).into_iter().map(|class| class as u32).collect() };
    for case in all["cases"].as_array().expect("an array") {
        let count = number(&case["classes"]) as usize;
        let scores = Scores::of(&classes(&case["predicted"]), &classes(&case["truth"]), count);
        for metric in Metric::OF_CLASSES {
            close(scores.by(metric), number(&case[metric.key()]), 1e-12);
        }
    }
}

#[test]
fn signed_rank_test() {
    for case in cases("wilcoxon") {
        let test = signed_rank(&numbers(&case["differences"])).expect("a test");
        close(test.p, number(&case["p"]), 1e-9);
    }
}

#[test]
fn bootstrap_intervals_from_the_same_resamples() {
    for case in cases("bootstrap") {
        let (values, distribution) = (numbers(&case["values"]), numbers(&case["distribution"]));
        let bca = bca_from(&values, &distribution, 0.95).expect("an interval");
        all_close(&[bca.lo, bca.hi], &numbers(&case["bca"]), 1e-7);
        let plain = percentile_interval(&distribution, 0.95).expect("an interval");
        all_close(&[plain.lo, plain.hi], &numbers(&case["percentile"]), 1e-9);
    }
}

#[test]
fn intervals_of_a_mean() {
    for case in cases("mean_interval") {
        let values = numbers(&case["values"]);
        close(mean(&values).expect("a mean"), number(&case["mean"]), 1e-12);
        let found = mean_interval(&values, 0.95).expect("an interval");
        all_close(&[found.lo, found.hi], &numbers(&case["interval"]), 1e-9);
    }
}

#[test]
fn holm_adjustment() {
    for case in cases("holm") {
        all_close(&holm(&numbers(&case["p"])), &numbers(&case["adjusted"]), 1e-12);
    }
}

#[test]
fn friedman_and_nemenyi() {
    for case in cases("friedman") {
        let scores = table(&case["scores"]);
        let ranks = average_ranks(&scores).expect("ranks");
        all_close(&ranks, &numbers(&case["ranks"]), 1e-12);
        let test = friedman(&scores).expect("a test");
        close(test.statistic, number(&case["statistic"]), 1e-9);
        close(test.p, number(&case["p"]), 1e-8);
        for (i, row) in table(&case["nemenyi_p"]).iter().enumerate() {
            for (j, expected) in row.iter().enumerate().filter(|(j, _)| *j != i) {
                close(nemenyi_p(ranks[i] - ranks[j], ranks.len(), scores.len()), *expected, 1e-6);
            }
        }
    }
}

#[test]
fn distribution_functions() {
    let golden = golden("distributions");
    let map =
        |key: &str, f: &dyn Fn(f64) -> f64| numbers(&golden[key]).into_iter().map(f).collect::<Vec<_>>();
    let map2 = |key: &str, f: &dyn Fn(f64, f64) -> f64| {
        table(&golden[key]).iter().map(|pair| f(pair[0], pair[1])).collect::<Vec<_>>()
    };
    all_close(&map("x", &special::normal_cdf), &numbers(&golden["normal_cdf"]), 1e-12);
    all_close(&map("x", &special::normal_two_sided), &numbers(&golden["normal_two_sided"]), 1e-12);
    all_close(&map("p", &special::normal_quantile), &numbers(&golden["normal_quantile"]), 1e-11);
    all_close(&map2("t", &special::t_two_sided), &numbers(&golden["t_two_sided"]), 1e-11);
    all_close(&map("df", &|df| special::t_critical(0.05, df)), &numbers(&golden["t_critical"]), 1e-9);
    all_close(&map2("chi_square", &special::chi_square_tail), &numbers(&golden["chi_square_tail"]), 1e-11);
    let range = |q: f64, k: f64| special::studentised_range_cdf(q, k as usize);
    all_close(&map2("range", &range), &numbers(&golden["range_cdf"]), 1e-8);
    let nemenyi = |k: f64| special::nemenyi_multiplier(k as usize, 0.05);
    all_close(&map("groups", &nemenyi), &numbers(&golden["nemenyi"]), 1e-6);
}

/// The multipliers as published, to the three places they are published with.
#[test]
fn published_nemenyi_multipliers() {
    let published = [(2, 1.960), (3, 2.344), (4, 2.569), (5, 2.728), (6, 2.850), (8, 3.031), (10, 3.164)];
    for (groups, expected) in published {
        let found = special::nemenyi_multiplier(groups, 0.05);
        assert!((found - expected).abs() < 6e-4, "{groups} groups: {found}, published {expected}");
    }
}

#[test]
fn aggregates_over_tasks() {
    let golden = golden("aggregates");
    let (x, y) = (table(&golden["x"]), table(&golden["y"]));
    close(interquartile_mean(&x.concat()).expect("a mean"), number(&golden["iqm"]), 1e-12);
    let profile = performance_profile(&x.concat(), &numbers(&golden["taus"])).expect("a profile");
    all_close(&profile, &numbers(&golden["profile"]), 1e-12);
    let tasks: Vec<_> = x.into_iter().zip(y).collect();
    let probability = probability_of_improvement(&tasks).expect("a probability");
    close(probability, number(&golden["probability"]), 1e-12);
}

#[test]
fn areas_under_curves() {
    for case in cases("areas") {
        let labels: Vec<u32> = numbers(&case["labels"]).into_iter().map(|l| l as u32).collect();
        let curve = Curve::new(labels, numbers(&case["accuracy"])).expect("a curve");
        let (lo, hi) = (f64::from(curve.range().0), f64::from(curve.range().1));
        close(curve.aulc(lo, hi).expect("an area"), number(&case["aulc"]), 1e-12);
        close(curve.auc(lo, hi).expect("an area"), number(&case["auc"]), 1e-12);
    }
}

#[test]
fn penalties_by_paired_t_tests() {
    let golden = golden("penalty");
    let scores = golden["scores"].as_array().expect("an array").iter();
    let task = scores
        .map(|points| table(points).into_iter().map(|runs| runs.into_iter().map(Some).collect()).collect())
        .collect();
    let expected = table(&golden["matrix"]);
    assert!(expected.concat().iter().any(|cell| *cell > 0.0));
    for (found, expected) in penalty_matrix(&[task], 0.05).iter().zip(&expected) {
        all_close(found, expected, 1e-12);
    }
}

/// The rows that `golden/verdict.json` holds the accuracies of.
fn verdict_rows(golden: &Value) -> Vec<Row> {
    let labels = numbers(&golden["labels"]);
    let mut rows = Vec::new();
    for (task, strategies) in golden["accuracy"].as_array().expect("tasks").iter().enumerate() {
        let names = golden["strategies"].as_array().expect("names").iter();
        for (strategy, runs) in names.zip(strategies.as_array().expect("strategies")) {
            for (repetition, run) in table(runs).into_iter().enumerate() {
                for (round, (accuracy, labels)) in run.into_iter().zip(&labels).enumerate() {
                    rows.push(Row {
                        task: format!("task {task}"),
                        strategy: strategy.as_str().expect("a name").to_owned(),
                        architecture: "13-24-3".to_owned(),
                        repetition: repetition as u32,
                        round: round as u32,
                        labels: *labels as u32,
                        accuracy,
                        metric: Metric::Accuracy,
                        balanced_accuracy: Some(accuracy),
                        macro_f1: Some(accuracy),
                        verification: None,
                        mean_average_precision: None,
                        iou: None,
                        reward_accuracy: accuracy,
                        steps: 0,
                        picks: Vec::new(),
                        pick_ids: Vec::new(),
                        note: None,
                        answers: None,
                        stops: Vec::new(),
                    });
                }
            }
        }
    }
    rows
}

/// Ends of two bootstrap intervals, from other random numbers: near by a share of the interval's width.
#[track_caller]
fn ends_near(found: [f64; 2], expected: &[f64]) {
    let slack = 0.06 * (expected[1] - expected[0]);
    let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= slack);
    assert!(near, "found {found:?}, the reference has {expected:?}");
}

#[test]
fn the_verdict_over_tasks_against_numpy_and_scipy() {
    let golden: Value = serde_json::from_str(include_str!("golden/verdict.json")).expect("JSON");
    let judged = verdict(&verdict_rows(&golden), &VerdictOptions::default());
    let scores = golden["scores"].as_object().expect("by strategy");
    assert_eq!(judged.robustness.len(), scores.len(), "what reads hidden labels is not among them");
    for (strategy, expected) in scores {
        let of = judged.robustness.iter().find(|one| one.strategy == *strategy).expect("judged");
        let (iqm, interval) = of.interquartile.expect("a scale");
        close(iqm, number(&expected["iqm"]), 1e-9);
        ends_near([interval.lo, interval.hi], &numbers(&expected["interval"]));
    }
    // Two of three comparisons are of references named beforehand; Holm is over all three.
    let raw = |name: &str| number(&golden["against"][name]["p"]);
    let adjusted = holm(&["margin", "random", "badge"].map(|name| match name {
        // Badge leads: a policy that is worse than the best is corrected for two candidates.
        "badge" => holm(&[raw("badge"), raw("margin")])[0],
        name => raw(name),
    }));
    for (at, name) in ["margin", "random", "badge"].into_iter().enumerate() {
        let (one, expected) = (&judged.across[at], &golden["against"][name]);
        assert_eq!((one.reference.as_str(), one.tasks, one.pairs), (name, 8, 80));
        close(one.diff, number(&expected["diff"]), 1e-9);
        close(one.p, adjusted[at], 1e-9);
        close(one.within_p, number(&expected["within_p"]), 1e-6);
        assert_eq!(one.wins_ties_losses[0] as f64, number(&expected["won"]));
        if name == "badge" {
            assert_eq!(one.chosen_among, Some(2));
            // The least of the lower ends, the least of upper ends that hold together.
            let ends = [numbers(&expected["interval"])[0], numbers(&expected["joint"])[1]];
            ends_near(one.ci95.expect("an interval"), &ends);
        } else {
            ends_near(one.ci95.expect("an interval"), &numbers(&expected["interval"]));
        }
    }
}

/// One block per task: eight, not eighty.
#[test]
fn ranks_over_the_means_of_tasks_against_scipy() {
    let golden: Value = serde_json::from_str(include_str!("golden/verdict.json")).expect("JSON");
    let rows = verdict_rows(&golden);
    let judged = verdict(&rows, &VerdictOptions::default());
    let input = querist::report::ReportInput::new("golden", rows, judged);
    let figures = querist::report::figures(&input);
    let diagram = figures.iter().find(|figure| figure.name == "critical-difference").expect("the diagram");
    assert!(
        diagram.caption.starts_with("Average ranks over 8 tasks, one mean per task"),
        "{}",
        diagram.caption
    );
    let chi = format!(
        "Friedman χ² = {:.1}, p = {:.3}.",
        number(&golden["friedman"]["statistic"]),
        number(&golden["friedman"]["p"])
    );
    assert!(diagram.caption.contains(&chi), "{chi}: {}", diagram.caption);
    for (rank, name) in numbers(&golden["ranks"]).iter().zip(["random", "margin", "badge", "policy"]) {
        assert!(diagram.svg.contains(&format!(">{name} {rank:.2}</text>")), "{name} {rank}");
    }
    assert!(!diagram.svg.contains("oracle"));
}
