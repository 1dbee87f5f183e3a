//! One suite that every registered strategy passes: what [`querist::query::Strategy`] promises.

use querist::data::{Matrix, RowId};
use querist::query::distribution::Space;
use querist::query::registry::{Built, Card, Entry};
use querist::query::regression::kernel::{Base, Kernel};
use querist::query::regression::lcmd::Lcmd;
use querist::query::uncertainty::{Entropy, Margin};
use querist::query::{Needs, PoolView, Registry, Score, Strategy};
use querist::testing::{Contract, ExamplePool, Rule, strategy_contract};
use querist::{Key, Result};
use rayon::prelude::*;

/// What builtin strategies do not keep, and why.
const EXCEPTIONS: [(&str, Rule, &str); 27] = [
    ("robust_k_center", Rule::Deterministic, "counts rows, so that its values tie all the time"),
    ("max_herding", Rule::Deterministic, "two rows that cover only each other are worth the same"),
    (
        "uherding",
        Rule::Deterministic,
        "two rows that cover only each other are worth the same while nothing is labelled",
    ),
    ("similar", Rule::Deterministic, "is max_herding while nothing is labelled"),
    ("dcom", Rule::Deterministic, "counts rows while little is covered, so that its values tie all the time"),
    ("galaxy", Rule::Deterministic, "draws where no class has labels of its own and of others"),
    ("suggestive", Rule::Deterministic, "two rows that resemble only each other are worth the same"),
    ("dynamic_al", Rule::ClassOrder, "sums of gradients run in the order of the network's outputs"),
    ("info_stn", Rule::Random, "the key draws where the maps start, which moves no rank in a small pool"),
    ("badge", Rule::RowOrder, "draws from the running sum of squared distances over the rows"),
    ("capped", Rule::RowOrder, "its example holds badge"),
    ("split", Rule::RowOrder, "its example holds badge"),
    ("k_means", Rule::RowOrder, "k-means++ draws from a running sum over the rows"),
    ("k_medoids", Rule::RowOrder, "k-means++ draws from a running sum over the rows"),
    ("typiclust", Rule::RowOrder, "k-means++ draws from a running sum over the rows"),
    ("switch", Rule::RowOrder, "its example holds typiclust"),
    ("select_al", Rule::RowOrder, "its example holds typiclust"),
    ("alfa_mix", Rule::RowOrder, "k-means++ draws from a running sum over the rows"),
    ("core_gcn", Rule::RowOrder, "gradients are summed in the order of the rows"),
    ("clue", Rule::RowOrder, "k-means++ draws from a running sum over the rows"),
    ("drop_query", Rule::RowOrder, "k-means++ draws from a running sum over the rows"),
    ("prob_cover", Rule::RowOrder, "its radius is measured by k-means"),
    (
        "dal",
        Rule::RowOrder,
        "mini-batches are drawn by the place of a row among the labelled and the candidates",
    ),
    ("tailor", Rule::RowOrder, "its example holds badge"),
    ("albl", Rule::RowOrder, "draws from a running sum over the candidates"),
    ("comb", Rule::RowOrder, "draws from a running sum over the candidates"),
    (
        "information_density",
        Rule::RowOrder,
        "sums over the pool, in the order of its rows, decide by their last bit what ties",
    ),
];

#[test]
fn every_builtin_strategy_keeps_the_contract() {
    let registry = Registry::builtin();
    let broken: Vec<String> = registry
        .entries()
        .par_iter()
        .flat_map_iter(|entry| {
            let name = entry.card.name;
            let excepted = EXCEPTIONS.iter().filter(|(of, ..)| *of == name);
            let contract = excepted.fold(Contract::of(&registry, name).unwrap(), |contract, (_, rule, _)| {
                contract.except(*rule)
            });
            contract.check().into_iter().map(|breach| breach.to_string())
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn exceptions_are_of_registered_strategies() {
    for (name, ..) in EXCEPTIONS {
        Registry::builtin().find(name).unwrap();
    }
}

/// Kernels of full gradients, and posteriors, keep what the strategies over them promise.
#[test]
fn kernels_keep_the_contract() {
    fn lcmd(base: Base) -> Result<Built> {
        Built::batch(Lcmd { kernel: Kernel { base, posterior: Some(0.3) } })
    }
    let gradients = Needs { network: true, ..Needs::NONE };
    let card = Card { needs: gradients, ..Card::new("of_gradients", "lcmd over sketched gradients") };
    let registry = with(Entry { card, make: |_| lcmd(Base::Gradients { sketch: 16 }) });
    let registry = registry
        .with(Entry {
            card: Card {
                needs: Needs { embeddings: true, ..Needs::NONE },
                deterministic: true,
                ..Card::new("of_embeddings", "lcmd under a posterior")
            },
            make: |_| lcmd(Base::Space(Space::Embeddings)),
        })
        .unwrap();
    for name in ["of_gradients", "of_embeddings"] {
        let broken = Contract::of(&registry, name).unwrap().check();
        assert!(broken.is_empty(), "{broken:?}");
    }
}

fn with(entry: Entry) -> Registry {
    Registry::builtin().with(entry).unwrap()
}

const CARD: Card = Card { deterministic: true, ..Card::new("mine", "one of another crate") };

/// Asks for the first rows, whatever they are, and cannot be asked for many.
#[derive(Default)]
struct First;

impl Strategy for First {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, _key: Key) -> Result<Vec<RowId>> {
        assert!(batch < 1_000, "too many");
        Ok(view.candidates().iter().take(batch).copied().collect())
    }
}

#[test]
fn another_crates_strategy_is_held_to_it() {
    strategy_contract(&with(Entry::score::<Margin>("mine", "one of another crate")), "mine");
    let registry = with(Entry::batch::<First>("mine", "one of another crate"));
    let broken: Vec<_> = Contract::of(&registry, "mine").unwrap().check();
    let rules: Vec<Rule> = broken.iter().map(|breach| breach.rule).collect();
    assert_eq!(rules, [Rule::RowOrder, Rule::Ties, Rule::WholePool]);
    assert!(broken[2].found.contains("too many"), "{}", broken[2]);
    // A card that promises less than the strategy needs.
    let registry = with(Entry::new(CARD, |_| Built::score(Margin)));
    let broken = Contract::of(&registry, "mine").unwrap().check();
    assert_eq!(broken.iter().map(|breach| breach.rule).collect::<Vec<_>>(), [Rule::Card]);
    // One that says that it draws, and does not.
    let registry = with(Entry::score::<Margin>("mine", "one of another crate").random());
    let broken = Contract::of(&registry, "mine").unwrap().check();
    assert_eq!(broken.iter().map(|breach| breach.rule).collect::<Vec<_>>(), [Rule::Random]);
}

/// Scores beside the picks, whatever a strategy is wrapped in.
#[test]
fn utilities_are_the_scores_of_the_picks() {
    let pool = ExamplePool::new(40, 5, 1);
    let scores = Entropy.score(&pool.view(), Key::root(1)).unwrap();
    let mut strategy = Registry::builtin().build("entropy").unwrap();
    let picks = strategy.select(&pool.view(), 4, Key::root(1)).unwrap();
    let expected: Vec<f64> =
        picks.iter().map(|pick| scores[pool.candidates.binary_search(pick).unwrap()]).collect();
    assert_eq!(strategy.utilities(), Some(&expected[..]));
    let mut batch = Registry::builtin().build("k_center").unwrap();
    batch.select(&pool.view(), 4, Key::root(1)).unwrap();
    assert_eq!(batch.utilities(), None);
}

/// Where a quarter of a sorted file is each class, and votes tie, the first class gets its share of the ties.
#[test]
fn a_sorted_pool_with_ties_is_asked_evenly() {
    const ROWS: usize = 400;
    let (seeds, batch) = (40, 10);
    let mut pool = ExamplePool::new(ROWS, 0, 4);
    // Every fourth row is a toss-up between two classes, in all quarters alike.
    let shares = [[0.5, 0.5, 0.0], [0.75, 0.25, 0.0], [1.0, 0.0, 0.0], [0.0, 0.25, 0.75]];
    let values = (0..ROWS).flat_map(|row| shares[row % 4]).collect();
    pool.signals.probabilities = Some(Matrix::new(values, ROWS, 3));
    for name in ["margin", "least_confidence", "entropy", "cluster_margin", "class_balanced(margin)"] {
        let mut first = 0;
        for seed in 0..seeds {
            let mut strategy = Registry::builtin().build(name).unwrap();
            let picks = strategy.select(&pool.view(), batch, Key::root(seed)).unwrap();
            first += picks.iter().filter(|pick| pick.index() < ROWS / 4).count();
        }
        let expected = seeds as f64 * batch as f64 / 4.0;
        let slack = 5.0 * (expected * 0.75).sqrt();
        assert!((first as f64 - expected).abs() < slack, "{name}: {first}, expected {expected}");
    }
}
