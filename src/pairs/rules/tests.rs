//! What all rules promise, and what they choose of beliefs that are written down.

use super::*;
use crate::pairs::real::Dense;
use rand::RngExt;
use std::collections::HashSet;

/// Beliefs of `members` networks about all pairs of `genes` genes.
fn beliefs(genes: u32, members: usize, seed: u64) -> (Vec<[u32; 2]>, Beliefs) {
    let mut rng = Key::root(seed).rng();
    let pairs: Vec<[u32; 2]> = (0..genes).flat_map(|a| (a + 1..genes).map(move |b| [a, b])).collect();
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
    let predictions = (0..members).map(|_| draw(pairs.len())).collect();
    let embeddings = (0..members).map(|_| Dense { values: draw(4 * genes as usize), width: 4 }).collect();
    (pairs, Beliefs { predictions, embeddings })
}

#[test]
fn a_batch_is_of_different_hidden_pairs_and_the_key_alone_decides() {
    let (pairs, beliefs) = beliefs(12, 5, 1);
    let hidden: Vec<u32> = (0..66).filter(|at| at % 3 != 0).collect();
    let seen: Vec<u32> = (0..66).filter(|at| at % 3 == 0).collect();
    for entry in ENTRIES {
        let rule = build(entry.name).unwrap();
        for batch in [0, 1, 7, 44, 100] {
            for choice in [[1, 3], [2, 3], [3, 3], [1, 1]] {
                let view =
                    PairView { beliefs: &beliefs, pairs: &pairs, hidden: &hidden, seen: &seen, choice };
                let picks = rule.choose(&view, batch, Key::root(9)).unwrap();
                assert_eq!(picks.len(), batch.min(44), "{}, {batch}", entry.name);
                let distinct: HashSet<u32> = picks.iter().copied().collect();
                assert_eq!(distinct.len(), picks.len(), "{}", entry.name);
                assert!(picks.iter().all(|pick| hidden.contains(pick)), "{}", entry.name);
                assert_eq!(rule.choose(&view, batch, Key::root(9)).unwrap(), picks, "{}", entry.name);
            }
        }
    }
}

/// Four pairs, four members; the values stand beside them.
fn four(choice: [usize; 2], rule: &str, batch: usize) -> Vec<u32> {
    let members = [[1.0, 4.0, 2.0, 0.9], [1.0, 0.0, 2.2, 1.1], [1.0, 4.0, 1.8, 0.9], [1.0, 0.4, 2.0, 1.1]];
    // Genes 0 to 3 with one number each; the pairs (0, 1), (0, 2), (0, 3) and (1, 2).
    let embeddings = vec![Dense { values: vec![1.0, 1.0, 2.0, 5.0], width: 1 }; 4];
    let beliefs = Beliefs { predictions: members.map(|member| member.to_vec()).to_vec(), embeddings };
    let pairs = [[0, 1], [0, 2], [0, 3], [1, 2]];
    let view = PairView { beliefs: &beliefs, pairs: &pairs, hidden: &[0, 1, 2, 3], seen: &[], choice };
    build(rule).unwrap().choose(&view, batch, Key::root(1)).unwrap()
}

/// Means 1, 2.1, 2, 1; deviations 0, 1.905, .141, .1; 10 % quantiles 1, .12, 1.86, .9; gradients 1, 2, 5, 2.
#[test]
fn by_hand() {
    // Of means that tie but for rounding, either comes first.
    assert_eq!(four([1, 4], "greedy", 3)[2], 2);
    // 1, .195, 1.859, .9.
    assert_eq!(four([1, 4], "optimism", 4), [1, 3, 0, 2]);
    assert_eq!(four([1, 4], "optimism(weight=0)", 3)[2], 2);
    assert_eq!(four([1, 4], "max_optimism", 4), [1, 3, 0, 2]);
    assert_eq!(four([1, 4], "max_optimism(quantile=1)", 2), [0, 3]);
    assert_eq!(four([1, 4], "variance", 4), [1, 2, 3, 0]);
    assert_eq!(four([3, 4], "annealing", 2), [1, 2]);
    assert_eq!(four([4, 4], "annealing", 2), [1, 3]);
    // No greedy share, a third (of three pairs: one), and all.
    assert_eq!(four([1, 4], "greedy_explore", 1), [2]);
    assert_eq!(four([2, 4], "greedy_explore", 3)[1], 2);
    assert!(!four([4, 4], "greedy_explore", 2).contains(&2));
    // The largest gradient is 5; the squared distances from it are 16, 9 and 9.
    assert_eq!(four([1, 4], "badge", 1), [2]);
    assert_eq!(four([1, 4], "epsilon_greedy(epsilon=0)", 3)[2], 2);
}

/// One number per gradient: what is known grows with its square, and so the largest is asked first.
#[test]
fn bait_asks_where_most_is_to_be_learned() {
    assert_eq!(four([1, 4], "bait", 1), [2]);
}

/// Of eight members that each like another pair best, all are asked in turn.
#[test]
fn thompson_asks_for_what_single_members_like() {
    let n = 40;
    let predictions =
        (0..8).map(|member| (0..n).map(|pair| if pair == member { -1.0 } else { pair as f32 }).collect());
    let beliefs = Beliefs { predictions: predictions.collect(), embeddings: vec![Dense::zeros(2, 1); 8] };
    let hidden: Vec<u32> = (0..n as u32).collect();
    let pairs = vec![[0, 1]; n];
    let view = PairView { beliefs: &beliefs, pairs: &pairs, hidden: &hidden, seen: &[], choice: [1, 2] };
    let mut first = HashSet::new();
    for seed in 0..100 {
        first.insert(build("thompson").unwrap().choose(&view, 1, Key::root(seed)).unwrap()[0]);
    }
    assert_eq!(first, (0..8).collect());
}

#[test]
fn epsilon_is_the_share_that_is_drawn() {
    let (pairs, beliefs) = beliefs(40, 3, 2);
    let hidden: Vec<u32> = (0..pairs.len() as u32).collect();
    let view = PairView { beliefs: &beliefs, pairs: &pairs, hidden: &hidden, seen: &[], choice: [1, 2] };
    let choose = |rule: &str| build(rule).unwrap().choose(&view, 50, Key::root(3)).unwrap();
    let (greedy, mixed) = (choose("greedy"), choose("epsilon_greedy(epsilon=0.4)"));
    assert_eq!(mixed.iter().take(30).filter(|pick| greedy[..30].contains(pick)).count(), 30);
    let drawn = mixed[30..].iter().filter(|pick| !greedy.contains(pick)).count();
    assert!(drawn >= 15, "{drawn}");
}

#[test]
fn what_cannot_be_built_is_refused_by_name() {
    let refused = |spec: &str| match build(spec) {
        Ok(_) => panic!("{spec} was built"),
        Err(error) => format!("{error} / {}", error.hint().unwrap_or_default()),
    };
    assert!(refused("optimsm").contains("did you mean `optimism`?"));
    assert!(refused("greedy(weight=1)").contains("no parameters"));
    assert!(refused("max_optimism(quantile=2)").contains("expected a number from 0 to 1"));
    assert!(refused("variance(greedy)").contains("no other strategy"));
}
