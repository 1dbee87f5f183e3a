//! What all rules promise, and their decisions beside scikit-activeml's.

use super::*;
use crate::rng::Key;
use crate::stream::{Draws, Offer, Reason};
use rand::RngExt;

fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

/// The rows that a rule keeps of a stream of confidences in two classes, with numbers that mean nothing.
fn kept(spec: &str, budget: f64, confidence: impl Iterator<Item = f64>, key: Key) -> Vec<usize> {
    let mut rule = build(spec, budget).unwrap();
    let offered = confidence.enumerate().filter(|&(at, confidence)| {
        let mut rng = Key::root(9).at(at as u64).rng();
        let inputs: [f32; 2] = std::array::from_fn(|_| rng.random());
        let value = if rule.looks() { 2.0 * confidence - 1.0 } else { confidence };
        let offer = Offer { confidence, value, classes: 2, inputs: &inputs };
        rule.offer(&offer, &mut Draws::new(key.at(at as u64))).keep
    });
    offered.map(|(at, _)| at).collect()
}

/// `tests/golden/streams.py` made the reference with scikit-activeml.
#[test]
fn decisions_are_those_of_scikit_activeml() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/golden/streams.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 40);
    let numbers = |value: &serde_json::Value| -> Vec<f64> {
        value.as_array().iter().flat_map(|n| n.iter()).map(|n| n.as_f64().unwrap()).collect()
    };
    for case in cases {
        let stream = &golden["streams"][case["stream"].as_u64().unwrap() as usize];
        let (spec, budget) = (case["rule"].as_str().unwrap(), case["budget"].as_f64().unwrap());
        let mut rule = build(spec, budget).unwrap();
        let mut found = Vec::new();
        for (at, confidence) in stream["confidence"].as_array().unwrap().iter().enumerate() {
            let (drawn, inputs) = (numbers(&case["draws"][at]), numbers(&golden["rows"][at]));
            let inputs: Vec<f32> = inputs.into_iter().map(|x| x as f32).collect();
            let confidence = confidence.as_f64().unwrap();
            let margin = confidence - stream["second"][at].as_f64().unwrap();
            let value = if rule.looks() { margin } else { confidence };
            let classes = stream["classes"].as_u64().unwrap() as usize;
            let offer = Offer { confidence, value, classes, inputs: &inputs };
            if rule.offer(&offer, &mut Draws::given(&drawn)).keep {
                found.push(at as u64);
            }
        }
        let expected: Vec<u64> =
            case["kept"].as_array().unwrap().iter().map(|at| at.as_u64().unwrap()).collect();
        assert_eq!(found, expected, "{spec}, budget {budget}, stream {}", case["stream"]);
    }
}

/// At every row, whatever the confidences: `b n` where spending is counted, `b (n + window)` where it is estimated.
#[test]
fn the_budget_is_never_exceeded() {
    let mut rng = Key::root(3).rng();
    let wild: Vec<f64> =
        (0..4_000).map(|at| if at % 700 < 350 { 0.5 } else { rng.random_range(0.5..1.0) }).collect();
    for name in names() {
        let window = if matches!(name, "random" | "periodic" | "density") { 0.0 } else { WINDOW };
        for budget in [0.01, 0.1, 0.7, 1.0] {
            let kept = kept(name, budget, wild.iter().copied(), Key::root(4));
            for (count, &at) in kept.iter().enumerate() {
                let seen = (at + 1) as f64;
                let most = budget * (seen + window) + 1e-9;
                assert!((count + 1) as f64 <= most, "{name}, {budget}: {} of {seen}", count + 1);
            }
        }
    }
}

/// A classifier that is unsure of everything alike: the budget is spent, neither more nor less.
#[test]
fn a_constant_stream_is_kept_at_the_rate_of_the_budget() {
    for name in names() {
        for budget in [0.05, 0.2] {
            let rows = 20_000;
            let rate =
                kept(name, budget, std::iter::repeat_n(0.5, rows), Key::root(5)).len() as f64 / rows as f64;
            assert!((rate / budget - 1.0).abs() < 0.06, "{name}, {budget}: {rate}");
        }
    }
}

#[test]
fn the_key_decides_and_nothing_else() {
    let stream = |at: usize| 0.5 + 0.5 * ((at * 7919 % 1_000) as f64 / 1_000.0);
    for name in names() {
        let run = |seed| kept(name, 0.2, (0..2_000).map(stream), Key::root(seed));
        let again = std::thread::spawn(move || kept(name, 0.2, (0..2_000).map(stream), Key::root(1)));
        assert_eq!(run(1), again.join().unwrap(), "{name}");
        let draws = matches!(name, "random" | "random_variable_uncertainty" | "split" | "density");
        assert_eq!(run(1) != run(2), draws, "{name}");
    }
}

/// Three classes and a budget of 0.1: the threshold is 1/3 + 0.1 x 2/3 = 0.4.
#[test]
fn a_worked_example_of_the_fixed_threshold() {
    let mut rule = build("fixed_uncertainty", 0.1).unwrap();
    let mut offer = |confidence| rule.offer(&Offer::by_confidence(confidence, 3), &mut Draws::given(&[]));
    assert_eq!(offer(0.399).reason, Reason::Uncertain);
    assert_eq!(offer(0.401).reason, Reason::Certain);
    // Ten kept rows are what a window of 100 has.
    for _ in 0..10 {
        offer(0.34);
    }
    assert_eq!(offer(0.34).reason, Reason::NoBudget);
}

/// On a line: 0, 10, 1, 9, 5. The second row is the first's nearest so far, the third is nearer to both, the fourth to the
/// second; the fifth is nearer to none than what is known.
#[test]
fn a_worked_example_of_density() {
    let mut rule = build("density", 1.0).unwrap();
    let mut offer = |x: f32| {
        let offer = Offer { confidence: 0.5, value: 0.0, classes: 2, inputs: &[x] };
        rule.offer(&offer, &mut Draws::given(&[1.0])).reason
    };
    let found = [0.0, 10.0, 1.0, 9.0, 5.0].map(&mut offer);
    let (sparse, kept) = (Reason::Sparse, Reason::Uncertain);
    assert_eq!(found, [sparse, kept, kept, kept, sparse]);
    let mut rule = build("density(window=0)", 1.0).err();
    assert!(rule.take().unwrap().to_string().contains("a whole number from 1 to 10000"));
}

/// Three classes: the difference of the two largest probabilities, whichever classes have them.
#[test]
fn the_value_of_density_is_the_margin() {
    let rule = build("density", 0.1).unwrap();
    let learner = crate::stream::OnlineLearner::new(1, 1);
    for probabilities in [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]] {
        let look = crate::stream::Look { inputs: &[0.0], probabilities: &probabilities, learner: &learner };
        assert_eq!(rule.value(&look).unwrap(), 0.25);
    }
}

#[test]
fn what_cannot_be_built_is_refused_by_name() {
    let refused = |spec: &str, budget: f64| match build(spec, budget) {
        Ok(_) => panic!("{spec} was built"),
        Err(error) => format!("{error} / {}", error.hint().unwrap_or_default()),
    };
    assert!(refused("perodic", 0.1).contains("did you mean `periodic`?"));
    assert!(refused("split(step=2)", 0.1).contains("parameter `step` is `2`, expected a number from"));
    assert!(refused("split(steps=0.1)", 0.1).contains("did you mean `step`?"));
    assert!(refused("periodic(split)", 0.1).contains("no other strategy"));
    assert!(refused("split(random=NaN)", 0.1).contains("NaN"));
    for budget in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(refused("split", budget).contains("budget is"), "{budget}");
    }
}
