//! One suite that every registered strategy passes: what [`querist::query::Strategy`] promises.

use proptest::prelude::*;
use querist::arch::NetSpec;
use querist::data::{Matrix, RowId};
use querist::learner::Network;
use querist::query::registry::{self, Card};
use querist::query::{Head, Needs, Passes, PoolView, QueryError, Signals, Strategy};
use querist::{Key, Result};
use rand::RngExt;

/// A pool with everything that a learner can compute, all of it seeded.
#[derive(Clone)]
struct World {
    inputs: Matrix,
    labelled: Vec<RowId>,
    labels: Vec<u32>,
    candidates: Vec<RowId>,
    classes: usize,
    signals: Signals,
    /// What each row is known by, wherever it stands.
    ids: Vec<RowId>,
}

const CLASSES: usize = 3;
const PASSES: usize = 7;

/// Deterministic strategies whose values tie all the time, so that the key often decides: one counts rows, and
/// to the other two rows that resemble only each other are worth the same.
const TIED: [&str; 2] = ["robust_k_center", "suggestive"];

/// Strategies that do not ask for the same rows when the rows come in another order, and what they read in it.
const BY_PLACE: [(&str, &str); 14] = [
    ("badge", "draws from the running sum of squared distances over the rows"),
    ("capped", "its example holds badge"),
    ("split", "its example holds badge"),
    ("k_means", "k-means++ draws from a running sum over the rows"),
    ("k_medoids", "k-means++ draws from a running sum over the rows"),
    ("typiclust", "k-means++ draws from a running sum over the rows"),
    ("switch", "its example holds typiclust"),
    ("clue", "k-means++ draws from a running sum over the rows"),
    ("drop_query", "k-means++ draws from a running sum over the rows"),
    ("prob_cover", "its radius is measured by k-means"),
    ("dal", "mini-batches are drawn by the place of a row among the labelled and the candidates"),
    ("albl", "draws from a running sum over the candidates"),
    ("comb", "draws from a running sum over the candidates"),
    (
        "information_density",
        "sums over the pool, in the order of its rows, decide by their last bit what ties",
    ),
];

fn matrix(rows: usize, cols: usize, mut value: impl FnMut(usize, usize) -> f32) -> Matrix {
    Matrix::new((0..rows * cols).map(|i| value(i / cols, i % cols)).collect(), rows, cols)
}

/// Random rows that sum to one.
fn probabilities(rows: usize, classes: usize, key: Key) -> Matrix {
    let mut rng = key.rng();
    let mut p = matrix(rows, classes, |_, _| -(1.0 - rng.random::<f32>()).ln());
    for row in 0..rows {
        let sum: f32 = p.row(row).iter().sum();
        p.row_mut(row).iter_mut().for_each(|value| *value /= sum);
    }
    p
}

/// A network of one hidden layer with random weights.
fn network(inputs: usize, key: Key) -> Network {
    let spec = NetSpec::mlp(inputs, &[8], CLASSES).unwrap();
    let mut rng = key.rng();
    let weights: Vec<f32> = (0..spec.parameters()).map(|_| rng.random::<f32>() - 0.5).collect();
    Network::new(&spec, &weights).unwrap()
}

impl World {
    /// `labelled` of `n` rows, spread over the pool, bear labels.
    fn new(n: usize, labelled: usize, seed: u64) -> Self {
        let key = Key::root(seed);
        let mut rng = key.named("world").rng();
        let inputs = matrix(n, 5, |row, _| (row % 4) as f32 * 3.0 + rng.random::<f32>());
        let embeddings = matrix(n, 6, |_, _| rng.random::<f32>() * 4.0 - 2.0);
        let step = n.checked_div(labelled).unwrap_or(1);
        let labelled: Vec<RowId> = (0..labelled).rev().map(|i| RowId((i * step) as u32)).collect();
        let labels = (0..labelled.len() as u32).map(|i| i % CLASSES as u32).collect();
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
        let m = candidates.len();
        let members =
            (0..PASSES as u64).map(|t| probabilities(m, CLASSES, key.named("pass").at(t))).collect();
        let lookahead = candidates.iter().step_by(3).map(|&row| (row, rng.random::<f32>() - 0.5)).collect();
        let signals = Signals {
            probabilities: Some(probabilities(m, CLASSES, key.named("p"))),
            embeddings: Some(embeddings),
            passes: Some(Passes { members }),
            lookahead: Some(lookahead),
            committee: Some(Passes {
                members: (0..3).map(|t| probabilities(m, CLASSES, key.named("member").at(t))).collect(),
            }),
            head: Some(Head {
                weights: matrix(CLASSES, 6, |_, _| rng.random::<f32>() - 0.5),
                bias: vec![0.1, 0.0, -0.1],
            }),
            temperature: Some(1.7),
            network: Some(network(5, key.named("network"))),
            predicted_loss: Some((0..m).map(|_| rng.random::<f64>() * 3.0 - 1.0).collect()),
            ..Signals::default()
        };
        let ids = (0..n as u32).map(RowId).collect();
        Self { inputs, labelled, labels, candidates, classes: CLASSES, signals, ids }
    }

    fn view(&self) -> PoolView<'_> {
        PoolView::new(
            self.inputs.view(),
            &self.labelled,
            &self.labels,
            &self.candidates,
            self.classes,
            &self.signals,
        )
        .with_ids(&self.ids)
    }

    fn select(&self, card: &Card, batch: usize, seed: u64) -> Result<Vec<RowId>> {
        build(card).select(&self.view(), batch, Key::root(seed))
    }

    /// The same rows in another order, under their ids: row `i` is now row `names[i]`.
    fn renamed(&self, names: &[usize]) -> Self {
        let mut inverse = vec![0; names.len()];
        for (old, &new) in names.iter().enumerate() {
            inverse[new] = old;
        }
        let rename = |row: &RowId| RowId(names[row.index()] as u32);
        let mut candidates: Vec<RowId> = self.candidates.iter().map(rename).collect();
        candidates.sort_unstable();
        let old_places: Vec<usize> = candidates
            .iter()
            .map(|row| self.candidates.binary_search(&RowId(inverse[row.index()] as u32)).unwrap())
            .collect();
        let per_candidate = |m: &Matrix| m.gather(old_places.iter().copied());
        let signals = &self.signals;
        Self {
            inputs: self.inputs.gather(inverse.iter().copied()),
            labelled: self.labelled.iter().map(rename).collect(),
            labels: self.labels.clone(),
            candidates,
            classes: self.classes,
            ids: inverse.iter().map(|&old| self.ids[old]).collect(),
            signals: Signals {
                probabilities: signals.probabilities.as_ref().map(per_candidate),
                embeddings: signals.embeddings.as_ref().map(|e| e.gather(inverse.iter().copied())),
                passes: signals
                    .passes
                    .as_ref()
                    .map(|passes| Passes { members: passes.members.iter().map(per_candidate).collect() }),
                lookahead: signals
                    .lookahead
                    .as_ref()
                    .map(|gains| gains.iter().map(|(row, gain)| (rename(row), *gain)).collect()),
                committee: signals
                    .committee
                    .as_ref()
                    .map(|passes| Passes { members: passes.members.iter().map(per_candidate).collect() }),
                head: signals.head.clone(),
                temperature: signals.temperature,
                network: signals.network.clone(),
                predicted_loss: (signals.predicted_loss.as_ref())
                    .map(|losses| old_places.iter().map(|&place| losses[place]).collect()),
                ..Signals::default()
            },
        }
    }
}

fn build(card: &Card) -> Box<dyn Strategy> {
    registry::build(card.example).unwrap()
}

fn cards() -> impl Iterator<Item = Card> {
    registry::all().iter().map(|entry| entry.card)
}

/// Panics unless the picks are `min(batch, n)` distinct candidates.
fn check(world: &World, card: &Card, batch: usize, picks: Result<Vec<RowId>>) -> Vec<RowId> {
    let name = card.name;
    let picks = picks.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(picks.len(), batch.min(world.candidates.len()), "{name}: size of {picks:?}");
    let mut sorted = picks.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), picks.len(), "{name}: a row twice in {picks:?}");
    let foreign = picks.iter().find(|pick| world.candidates.binary_search(pick).is_err());
    assert_eq!(foreign, None, "{name}: not a candidate");
    picks
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn picks_are_distinct_candidates_and_repeatable(
        n in 2usize..60, share in 0.0f64..0.9, batch in 0usize..70, seed: u64,
    ) {
        let world = World::new(n, (n as f64 * share) as usize, seed);
        for card in cards() {
            let picks = check(&world, &card, batch, world.select(&card, batch, seed));
            prop_assert_eq!(&picks, &world.select(&card, batch, seed).unwrap(), "{}: same key", card.name);
            // Two rows and nothing labelled are equally far from their mean, wherever they lie.
            if !card.deterministic || TIED.contains(&card.name) || world.candidates.len() < 3 {
                continue;
            }
            match registry::build_score(&card.example.parse().unwrap()) {
                // Scores may tie, and the key decides among equals: what does not depend on it is the score.
                Ok(mut score) => {
                    let mut under = |seed: u64| score.score(&world.view(), Key::root(seed)).unwrap();
                    prop_assert_eq!(under(seed), under(seed ^ 1), "{}: key", card.name);
                }
                Err(_) => {
                    prop_assert_eq!(&picks, &world.select(&card, batch, seed ^ 1).unwrap(), "{}: key", card.name);
                }
            }
        }
    }

    /// Where a row stands in the file does not matter, also where rows are worth the same.
    #[test]
    fn rows_in_another_order_are_asked_for_alike(n in 5usize..50, batch in 1usize..20, seed: u64) {
        let mut worlds = vec![World::new(n, n / 5, seed)];
        worlds.push(worlds[0].clone());
        // Rows that differ in nothing but their ids.
        let m = worlds[1].candidates.len();
        worlds[1].signals.probabilities = Some(votes(m, 0));
        worlds[1].signals.passes = Some(Passes { members: (0..PASSES).map(|t| votes(m, t)).collect() });
        worlds[1].signals.committee = Some(Passes { members: (0..3).map(|t| votes(m, t)).collect() });
        worlds[1].signals.predicted_loss = Some(vec![0.5; m]);
        let mut names: Vec<usize> = (0..n).collect();
        let mut rng = Key::root(seed).named("names").rng();
        for i in (1..n).rev() {
            names.swap(i, rng.random_range(0..=i));
        }
        for world in worlds {
            let renamed = world.renamed(&names);
            for card in cards().filter(|card| BY_PLACE.iter().all(|(name, _)| *name != card.name)) {
                let expected: Vec<RowId> = world.select(&card, batch, seed).unwrap();
                let found: Vec<RowId> = renamed
                    .select(&card, batch, seed)
                    .unwrap()
                    .iter()
                    .map(|row| renamed.ids[row.index()])
                    .collect();
                prop_assert_eq!(expected, found, "{}", card.name);
            }
        }
    }

    /// How classes are numbered decides nothing: not even by the last bit of a sum over them.
    #[test]
    fn renumbered_classes_score_alike(n in 5usize..40, turn in 1usize..CLASSES, swap: bool, tied: bool, seed: u64) {
        let mut world = World::new(n, n / 5, seed);
        let m = world.candidates.len();
        if tied {
            world.signals.passes = Some(Passes { members: (0..PASSES).map(|t| votes(m, t)).collect() });
            world.signals.committee = Some(Passes { members: (0..3).map(|t| votes(m, t)).collect() });
            world.signals.probabilities = Some(votes(m, 0));
        }
        let new_class = |class: usize| {
            let turned = (class + turn) % CLASSES;
            if swap && turned < 2 { 1 - turned } else { turned }
        };
        let renumber = |p: &Matrix| {
            let mut new = p.clone();
            for row in 0..p.rows() {
                for class in 0..CLASSES {
                    new.row_mut(row)[new_class(class)] = p.row(row)[class];
                }
            }
            new
        };
        let all = |passes: &Passes| Passes { members: passes.members.iter().map(renumber).collect() };
        let mut other = world.clone();
        other.labels.iter_mut().for_each(|label| *label = new_class(*label as usize) as u32);
        other.signals.probabilities = world.signals.probabilities.as_ref().map(renumber);
        other.signals.passes = world.signals.passes.as_ref().map(all);
        other.signals.committee = world.signals.committee.as_ref().map(all);
        for card in cards() {
            // dynamicAL's scores come of a network's gradients, whose sums run in the order of its outputs.
            if registry::build_score(&card.example.parse().unwrap()).is_err() || card.name == "dynamic_al" {
                continue;
            }
            prop_assert_eq!(
                world.select(&card, n, seed).unwrap(), other.select(&card, n, seed).unwrap(), "{}", card.name
            );
        }
    }
}

/// Probabilities as few trees make them: shares of five votes, alike for many rows.
fn votes(rows: usize, shift: usize) -> Matrix {
    const SHARES: [[f32; CLASSES]; 4] = [[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [0.6, 0.2, 0.2], [0.2, 0.2, 0.6]];
    matrix(rows, CLASSES, |row, class| SHARES[(row * 7 / 3 + shift) % 4][class])
}

/// In a file that is sorted by class, rows of the first class once came first wherever rows were worth the same.
#[test]
fn rows_that_are_worth_the_same_are_asked_for_alike() {
    const ROWS: usize = 80;
    let (seeds, batch) = (60, 6);
    let mut world = World::new(ROWS, 0, 3);
    // One label, in the middle, for those that need some; all rows are copies of each other.
    world.labelled = vec![RowId(ROWS as u32 / 2)];
    world.labels = vec![1];
    world.candidates.retain(|row| row.0 != ROWS as u32 / 2);
    let m = world.candidates.len();
    let tied = |members: usize| {
        Some(Passes {
            members: (0..members).map(|_| votes(1, 0)).map(|one| one.gather(vec![0; m])).collect(),
        })
    };
    world.inputs = matrix(ROWS, 5, |_, _| 1.5);
    world.signals.embeddings = Some(matrix(ROWS, 6, |_, _| 0.5));
    world.signals.probabilities = Some(votes(1, 0).gather(vec![0; m]));
    world.signals.passes = tied(PASSES);
    world.signals.committee = tied(3);
    world.signals.predicted_loss = Some(vec![0.5; m]);
    world.signals.lookahead = Some(world.candidates.iter().step_by(3).map(|&row| (row, 0.25)).collect());
    for card in cards() {
        let mut counts = [0usize; 4];
        for seed in 0..seeds {
            for pick in check(&world, &card, batch, world.select(&card, batch, seed)) {
                counts[pick.index() * 4 / ROWS] += 1;
            }
        }
        // Each quarter of the pool is asked for in a quarter of the cases, within five standard deviations.
        let expected = seeds as f64 * batch as f64 / 4.0;
        let least = expected - 5.0 * (expected * 0.75).sqrt();
        assert!(
            counts.iter().all(|&count| count as f64 > least),
            "{}: {counts:?}, expected {expected}",
            card.name
        );
    }
}

/// Where a quarter of a sorted file is each class, and votes tie, the first class gets its share of the ties.
#[test]
fn a_sorted_pool_with_ties_is_asked_evenly() {
    const ROWS: usize = 400;
    let (seeds, batch) = (40, 10);
    let mut world = World::new(ROWS, 0, 4);
    // Every fourth row is a toss-up between two classes, in all quarters alike.
    world.signals.probabilities = Some(matrix(ROWS, CLASSES, |row, class| {
        [[0.5, 0.5, 0.0], [0.75, 0.25, 0.0], [1.0, 0.0, 0.0], [0.0, 0.25, 0.75]][row % 4][class]
    }));
    for name in ["margin", "least_confidence", "entropy", "cluster_margin", "class_balanced(margin)"] {
        let mut first = 0;
        for seed in 0..seeds {
            let mut strategy = registry::build(name).unwrap();
            let picks = strategy.select(&world.view(), batch, Key::root(seed)).unwrap();
            first += picks.iter().filter(|pick| pick.index() < ROWS / 4).count();
        }
        let expected = seeds as f64 * batch as f64 / 4.0;
        let slack = 5.0 * (expected * 0.75).sqrt();
        assert!((first as f64 - expected).abs() < slack, "{name}: {first}, expected {expected}");
    }
}

#[test]
fn randomised_strategies_use_their_key() {
    let world = World::new(60, 6, 1);
    for card in cards().filter(|card| !card.deterministic) {
        let answers: std::collections::HashSet<_> =
            (0..30).map(|seed| world.select(&card, 5, seed).unwrap()).collect();
        assert!(answers.len() > 1, "{}: one answer to thirty keys", card.name);
    }
}

/// A pool large enough that the loops over its rows are shared between threads.
#[test]
fn threads_change_nothing() {
    let mut world = World::new(400, 40, 5);
    let mut rng = Key::root(8).rng();
    world.inputs = matrix(400, 2_700, |_, _| rng.random());
    world.signals.embeddings = Some(matrix(400, 2_700, |_, _| rng.random()));
    world.signals.head.as_mut().unwrap().weights = matrix(CLASSES, 2_700, |_, _| rng.random());
    world.signals.network = Some(network(2_700, Key::root(8).named("network")));
    let pools: Vec<_> =
        [1, 4].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()).into();
    for card in cards() {
        let answers: Vec<_> =
            pools.iter().map(|pool| pool.install(|| world.select(&card, 7, 3).unwrap())).collect();
        assert_eq!(answers[0], answers[1], "{}", card.name);
    }
}

#[test]
fn the_whole_pool_can_be_asked_for() {
    let world = World::new(23, 3, 2);
    for card in cards() {
        for batch in [20, 21, 1_000, usize::MAX] {
            let mut picks = check(&world, &card, batch, world.select(&card, batch, 1));
            picks.sort_unstable();
            assert_eq!(picks, world.candidates, "{}", card.name);
        }
    }
}

#[test]
fn poor_pools_are_no_obstacle() {
    let base = World::new(30, 6, 3);
    let m = base.candidates.len();
    let mut constant = base.clone();
    constant.inputs = matrix(30, 5, |_, _| 1.5);
    constant.signals.embeddings = Some(matrix(30, 6, |_, _| 0.0));
    let mut identical = base.clone();
    let same = matrix(m, CLASSES, |_, _| 1.0 / CLASSES as f32);
    identical.signals.passes = Some(Passes { members: vec![same.clone(); PASSES] });
    identical.signals.committee = identical.signals.passes.clone();
    identical.signals.probabilities = Some(same);
    let mut certain = base.clone();
    let sure = matrix(m, CLASSES, |_, class| f32::from(class == 0));
    certain.signals.passes = Some(Passes { members: vec![sure.clone(); PASSES] });
    certain.signals.committee = certain.signals.passes.clone();
    certain.signals.probabilities = Some(sure);
    let mut one_class = base.clone();
    one_class.labels = vec![1; 6];
    let mut no_gain = base.clone();
    no_gain.signals.lookahead = Some(base.candidates.iter().take(4).map(|&row| (row, 0.0)).collect());
    let mut worthless = constant.clone();
    worthless.signals.probabilities = identical.signals.probabilities.clone();
    worthless.signals.passes = identical.signals.passes.clone();
    worthless.signals.predicted_loss = Some(vec![0.0; m]);
    let worlds = [
        ("constant vectors", constant),
        ("identical probabilities", identical),
        ("certain probabilities", certain),
        ("one class labelled", one_class),
        ("no gain", no_gain),
        ("nothing to go by", worthless),
        ("nothing labelled", World::new(30, 0, 4)),
        ("one candidate", World::new(2, 1, 5)),
        ("one row", World::new(1, 0, 6)),
    ];
    for card in cards() {
        for (what, world) in &worlds {
            for batch in [0, 1, 3, 10, 40] {
                let picks = std::panic::catch_unwind(|| world.select(&card, batch, 9))
                    .unwrap_or_else(|_| panic!("{} on {what}, batch {batch}", card.name));
                check(world, &card, batch, picks);
            }
        }
    }
}

/// Squares of finite numbers need not be finite: picks or a typed error, and never a panic.
#[test]
fn huge_numbers_do_not_panic() {
    for huge in [1e19f32, 1e30, f32::MAX] {
        for every in [1, 7] {
            let mut world = World::new(30, 6, 12);
            let scale = |matrix: &mut Matrix| {
                matrix
                    .values_mut()
                    .iter_mut()
                    .step_by(every)
                    .for_each(|value| *value = value.signum() * huge);
            };
            scale(&mut world.inputs);
            scale(world.signals.embeddings.as_mut().unwrap());
            scale(&mut world.signals.head.as_mut().unwrap().weights);
            for card in cards() {
                match world.select(&card, 5, 2) {
                    Ok(picks) => drop(check(&world, &card, 5, Ok(picks))),
                    Err(error) => {
                        let error = error.downcast_ref::<QueryError>();
                        assert!(
                            matches!(error, Some(QueryError::NotFinite { .. })),
                            "{}: {error:?}",
                            card.name
                        );
                    }
                }
            }
        }
    }
}

/// The query error that a strategy answers with.
fn refusal(world: &World, card: &Card, what: &str) -> QueryError {
    match world.select(card, 3, 1) {
        Ok(picks) => panic!("{}: {what} accepted, {picks:?}", card.name),
        Err(error) => error.downcast_ref::<QueryError>().expect("a query error").clone(),
    }
}

#[test]
fn what_is_missing_is_refused() {
    let mut world = World::new(30, 6, 7);
    world.signals = Signals::default();
    let given = |needs: Needs| Needs { inputs: false, labels: false, classes: false, ..needs };
    for card in cards().filter(|card| given(card.needs) != Needs::NONE) {
        let error = refusal(&world, &card, "missing signals");
        assert!(matches!(error, QueryError::Missing { .. }), "{}: {error}", card.name);
    }
}

/// A value that is not finite in any one signal is refused by all that read the signal.
#[test]
fn what_is_not_finite_is_refused() {
    for bad in [f32::NAN, f32::INFINITY] {
        for card in cards() {
            let base = World::new(30, 6, 8);
            let mut spoilt: Vec<(&str, World)> = Vec::new();
            if card.needs.probabilities {
                let mut world = base.clone();
                world.signals.probabilities.as_mut().unwrap().row_mut(20)[1] = bad;
                spoilt.push(("probabilities", world));
            }
            if card.needs.embeddings {
                let mut world = base.clone();
                world.signals.embeddings.as_mut().unwrap().row_mut(29)[5] = bad;
                spoilt.push(("embeddings", world));
            }
            if card.needs.passes > 0 {
                let mut world = base.clone();
                world.signals.passes.as_mut().unwrap().members[PASSES - 1].row_mut(3)[2] = bad;
                spoilt.push(("passes", world));
            }
            if card.needs.committee > 0 {
                let mut world = base.clone();
                world.signals.committee.as_mut().unwrap().members[2].row_mut(0)[0] = bad;
                spoilt.push(("committee", world));
            }
            if card.needs.head {
                let mut world = base.clone();
                world.signals.head.as_mut().unwrap().bias[1] = bad;
                spoilt.push(("head", world));
            }
            if card.needs.temperature {
                let mut world = base.clone();
                world.signals.temperature = Some(bad);
                spoilt.push(("temperature", world));
            }
            if card.needs.predicted_loss {
                let mut world = base.clone();
                world.signals.predicted_loss.as_mut().unwrap()[4] = f64::from(bad);
                spoilt.push(("predicted losses", world));
            }
            if card.needs.lookahead > 0 {
                let mut world = base.clone();
                world.signals.lookahead.as_mut().unwrap()[1].1 = bad;
                spoilt.push(("lookahead", world));
            }
            if card.needs.inputs {
                let mut world = base.clone();
                world.inputs.row_mut(0)[0] = bad;
                spoilt.push(("inputs", world));
            }
            for (what, world) in spoilt {
                let error = refusal(&world, &card, what);
                assert!(matches!(error, QueryError::NotFinite { .. }), "{}, {what}: {error}", card.name);
            }
        }
    }
}

#[test]
fn probabilities_that_are_none_are_refused() {
    for card in cards().filter(|card| card.needs.probabilities) {
        for (a, b) in [(0.9, 0.9), (-0.5, 1.0)] {
            let mut world = World::new(30, 6, 9);
            let row = world.signals.probabilities.as_mut().unwrap().row_mut(4);
            row.copy_from_slice(&[a, b, 0.5]);
            let error = refusal(&world, &card, "probabilities");
            assert!(matches!(error, QueryError::NotProbabilities { row: 4, .. }), "{}: {error}", card.name);
        }
    }
}
