//! Believable synthetic results: four tasks, nine strategies.

use querist::episode::Row;
use querist::learner::Metric;
use querist::report::input::{Fact, Importance, SearchPoint, Separation, TrainingPoint};
use querist::report::{ReportInput, VerdictOptions, verdict};
use querist::rng::Key;
use rand::Rng;

/// Accuracy before any and after all labels, labels at which two thirds of the rise are done, rows of
/// the test split, initial labels.
const TASKS: [(&str, f64, f64, f64, f64, u32); 4] = [
    ("digits", 0.32, 0.95, 45.0, 540.0, 10),
    ("wine", 0.55, 0.97, 14.0, 54.0, 3),
    ("breast_cancer", 0.80, 0.965, 20.0, 171.0, 2),
    ("three_clust", 0.45, 0.88, 30.0, 400.0, 3),
];

/// How much faster than random each strategy learns.
const STRATEGIES: [(&str, f64); 9] = [
    ("random", 1.0),
    ("margin", 1.45),
    ("policy", 1.6),
    ("entropy", 1.2),
    ("least_confidence", 1.28),
    ("kcenter_greedy", 1.1),
    ("badge", 1.42),
    ("typiclust", 1.15),
    ("greedy_oracle", 2.6),
];

fn normal(rng: &mut impl Rng) -> f64 {
    // Twelve uniforms: near enough to a normal for a picture.
    (0..12).map(|_| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64).sum::<f64>() - 6.0
}

fn rows(tasks: usize, strategies: usize, repetitions: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    for &(task, start, end, pace, test_rows, initial) in TASKS.iter().take(tasks) {
        for &(strategy, speed) in STRATEGIES.iter().take(strategies) {
            for repetition in 0..repetitions {
                let luck = 0.015 * normal(&mut Key::root(1).named(task).at(repetition.into()).rng());
                let mut rng = Key::root(2).named(task).named(strategy).at(repetition.into()).rng();
                let own = 0.006 * normal(&mut rng);
                let mut drift = 0.0;
                for round in 0..=40u32 {
                    let done = 1.0 - (-f64::from(round) * speed / pace).exp();
                    drift = 0.8 * drift + 0.004 * normal(&mut rng);
                    let accuracy =
                        start + (end - start) * done + luck * (1.0 - 0.7 * done) + own * done + drift;
                    let accuracy = (accuracy * test_rows).round().clamp(0.0, test_rows) / test_rows;
                    rows.push(Row {
                        task: task.to_owned(),
                        strategy: strategy.to_owned(),
                        architecture: "64-48-10".to_owned(),
                        repetition,
                        round,
                        labels: initial + round,
                        accuracy,
                        metric: Metric::Accuracy,
                        balanced_accuracy: Some(accuracy),
                        macro_f1: Some(0.95 * accuracy),
                        verification: None,
                        mean_average_precision: None,
                        iou: None,
                        reward_accuracy: accuracy,
                        steps: u64::from(round) * 400,
                        picks: vec![round],
                        pick_ids: vec![],
                        note: None,
                        answers: None,
                        stops: vec![],
                    });
                }
            }
        }
    }
    rows
}

/// A report with every section over the first tasks and strategies.
pub fn input(tasks: usize, strategies: usize, repetitions: u32) -> ReportInput {
    let rows = rows(tasks, strategies, repetitions);
    let verdict = verdict(&rows, &VerdictOptions::default());
    let mut input = ReportInput::new("quickstart", rows, verdict);
    let mut rng = Key::root(3).rng();
    for iteration in 0..=30u64 {
        let learned = 1.0 - (-(iteration as f64) / 7.0).exp();
        let gain = -0.035 + 0.047 * learned + 0.002 * normal(&mut rng);
        let stage = if iteration < 8 { "imitation" } else { "policy gradient" };
        let ci95 = Some([gain - 0.006, gain + 0.006]);
        input.training.push(TrainingPoint { iteration, stage: stage.to_owned(), gain, ci95 });
    }
    let searches = [("sources", 0.71), ("wine, repetition 0", 0.83)];
    for (path, from) in searches {
        let mut best = from;
        for step in 0..24u64 {
            let score = from + 0.05 * (1.0 - (-(step as f64) / 8.0).exp()) + 0.012 * normal(&mut rng);
            let accepted = step == 0 || score > best;
            best = if accepted { score } else { best };
            let width = 16 + 8 * (step % 7);
            input.search.push(SearchPoint {
                path: path.to_owned(),
                step,
                architecture: format!("64-{width}-{}-10", 8 + 4 * (step % 3)),
                score,
                accepted,
                parameters: Some(64 * width + width * 10),
            });
        }
    }
    let features = [
        "margin quantile",
        "entropy quantile",
        "density of the neighbourhood",
        "distance to the labelled set",
        "share of budget left",
        "disagreement of passes",
        "class balance of the labelled set",
    ];
    for (rank, name) in features.iter().enumerate() {
        let mean = 0.021 / (rank as f64 + 1.0) - 0.003;
        input.importance.push(Importance {
            name: (*name).to_owned(),
            mean,
            ci95: Some([mean - 0.002, mean + 0.003]),
        });
    }
    for (task, role) in [("synthetic family, 12 tasks", "source"), ("digits", "source"), ("wine", "target")] {
        input.separation.push(Separation {
            task: task.to_owned(),
            role: role.to_owned(),
            train: [1_078; 2],
            reward: [150, 179],
            validation: [90; 2],
            test: [540; 2],
        });
    }
    input.plan = Some("[run]\nname = \"quickstart\"\nseed = 0\n\n[target]\ndata = \"wine\"\nbudget = 40\nrepetitions = 20\n".to_owned());
    for (name, value) in [
        ("seconds", "96.2"),
        ("peak memory", "212 MB"),
        ("rows digest", "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"),
    ] {
        input.facts.push(Fact { name: name.to_owned(), value: value.to_owned() });
    }
    input
}
