//! The statistics against SciPy, scikit-posthocs and rliable.
//!
//! `golden/statistics.json` is made by `golden/statistics.py`, which says how; the versions are in it.

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
