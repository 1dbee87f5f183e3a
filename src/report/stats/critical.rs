//! What a critical-difference diagram shows (Demšar, JMLR 2006; Benavoli et al., JMLR 2016).
//!
//! Friedman's test over blocks, Nemenyi's critical difference of average ranks, and, since that
//! difference depends on which other strategies take part, pairwise Wilcoxon signed-rank tests with
//! Holm's correction. Groups that the tests do not tell apart are maximal cliques of the graph of
//! insignificant pairs; they need not be consecutive in rank, and the diagram must show that.

use super::holm::holm;
use super::ranks::{Friedman, Scores, average_ranks, friedman};
use super::special::{nemenyi_multiplier, studentised_range_cdf};
use super::wilcoxon::signed_rank;

/// The most strategies whose cliques are enumerated.
pub const MAX_STRATEGIES: usize = 64;

/// One pair's signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Index of the first strategy.
    pub a: usize,
    /// Index of the second strategy, `b > a`.
    pub b: usize,
    /// The raw p-value.
    pub p_raw: f64,
    /// The p-value after Holm over all pairs.
    pub p: f64,
}

/// The contents of a critical-difference diagram.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticalDifference {
    /// The average rank of every strategy, 1 = best.
    pub ranks: Vec<f64>,
    /// The number of blocks ranked.
    pub blocks: usize,
    /// The level of significance.
    pub alpha: f64,
    /// The omnibus test; `None` under two blocks.
    pub friedman: Option<Friedman>,
    /// Nemenyi's critical difference of two average ranks.
    pub nemenyi: f64,
    /// All pairs.
    pub pairs: Vec<Pair>,
    /// Maximal sets of two or more strategies no two of which differ, each in rising index.
    pub cliques: Vec<Vec<usize>>,
}

/// Builds the diagram's contents from scores `[blocks][strategies]` (higher = better) at level `alpha`.
/// `None` for a table that is not sound, under two strategies or over [`MAX_STRATEGIES`].
pub fn critical_difference(scores: &Scores, alpha: f64) -> Option<CriticalDifference> {
    let ranks = average_ranks(scores)?;
    let strategies = ranks.len();
    if !(2..=MAX_STRATEGIES).contains(&strategies) {
        return None;
    }
    let mut pairs = Vec::with_capacity(strategies * (strategies - 1) / 2);
    for a in 0..strategies {
        for b in a + 1..strategies {
            let differences: Vec<f64> = scores.iter().map(|block| block[a] - block[b]).collect();
            let p_raw = signed_rank(&differences)?.p;
            pairs.push(Pair { a, b, p_raw, p: p_raw });
        }
    }
    let adjusted = holm(&pairs.iter().map(|pair| pair.p_raw).collect::<Vec<_>>());
    for (pair, p) in pairs.iter_mut().zip(adjusted) {
        pair.p = p;
    }
    let alike: Vec<(usize, usize)> = pairs.iter().filter(|pair| pair.p > alpha).map(|p| (p.a, p.b)).collect();
    let k = strategies as f64;
    let nemenyi =
        nemenyi_multiplier(strategies, alpha) * (k * (k + 1.0) / (6.0 * scores.len() as f64)).sqrt();
    Some(CriticalDifference {
        ranks,
        blocks: scores.len(),
        alpha,
        friedman: friedman(scores),
        nemenyi,
        pairs,
        cliques: maximal_cliques(strategies, &alike),
    })
}

/// Nemenyi's p-value of the difference of two average ranks.
pub fn nemenyi_p(rank_difference: f64, strategies: usize, blocks: usize) -> f64 {
    let k = strategies as f64;
    let error = (k * (k + 1.0) / (6.0 * blocks as f64)).sqrt();
    let q = rank_difference.abs() / error * std::f64::consts::SQRT_2;
    (1.0 - studentised_range_cdf(q, strategies)).clamp(0.0, 1.0)
}

/// Maximal cliques of at least two vertices (Bron–Kerbosch with pivot), in lexicographic order.
pub fn maximal_cliques(vertices: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    if vertices > MAX_STRATEGIES {
        return Vec::new();
    }
    let mut neighbours = vec![0u64; vertices];
    for &(a, b) in edges.iter().filter(|(a, b)| *a < vertices && *b < vertices && a != b) {
        neighbours[a] |= 1 << b;
        neighbours[b] |= 1 << a;
    }
    let all = if vertices == 64 { u64::MAX } else { (1 << vertices) - 1 };
    let mut found = Vec::new();
    expand(0, all, 0, &neighbours, &mut found);
    let mut cliques: Vec<Vec<usize>> = found
        .into_iter()
        .filter(|set: &u64| set.count_ones() > 1)
        .map(|set| members(set).collect())
        .collect();
    cliques.sort();
    cliques
}

fn expand(clique: u64, mut candidates: u64, mut excluded: u64, neighbours: &[u64], found: &mut Vec<u64>) {
    if candidates == 0 {
        if excluded == 0 {
            found.push(clique);
        }
        return;
    }
    let pivot = members(candidates | excluded).max_by_key(|&v| (candidates & neighbours[v]).count_ones());
    let skip = pivot.map_or(0, |v| neighbours[v]);
    for v in members(candidates & !skip) {
        expand(clique | 1 << v, candidates & neighbours[v], excluded & neighbours[v], neighbours, found);
        candidates &= !(1 << v);
        excluded |= 1 << v;
    }
}

fn members(set: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |v| set >> v & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cliques_need_not_follow_rank_order() {
        // 0–2 and 1–2 are alike, 0–1 are not; 3 stands alone.
        assert_eq!(maximal_cliques(4, &[(0, 2), (1, 2)]), [vec![0, 2], vec![1, 2]]);
        assert_eq!(maximal_cliques(3, &[(0, 1), (0, 2), (1, 2)]), [vec![0, 1, 2]]);
        assert!(maximal_cliques(3, &[]).is_empty());
        assert_eq!(maximal_cliques(64, &[(0, 63)]), [vec![0, 63]]);
    }

    #[test]
    fn equal_strategies_form_one_group() {
        let scores: Vec<Vec<f64>> = (0..20).map(|i| vec![0.5 + 0.01 * f64::from(i); 3]).collect();
        let diagram = critical_difference(&scores, 0.05).unwrap();
        assert_eq!(diagram.ranks, [2.0, 2.0, 2.0]);
        assert!(diagram.pairs.iter().all(|pair| pair.p == 1.0));
        assert_eq!(diagram.cliques, [vec![0, 1, 2]]);
    }

    #[test]
    fn a_clear_winner_stands_apart() {
        let scores: Vec<Vec<f64>> = (0..20)
            .map(|i| {
                let noise = 0.001 * f64::from((i * 7) % 5) - 0.002;
                vec![0.9, 0.7 + noise, 0.7 - noise]
            })
            .collect();
        let diagram = critical_difference(&scores, 0.05).unwrap();
        assert_eq!(diagram.cliques, [vec![1, 2]]);
        assert_eq!(diagram.ranks[0], 1.0);
        // k = 3, N = 20: 2.3437 · sqrt(12 / 120).
        assert!((diagram.nemenyi - 0.741_1).abs() < 1e-3);
    }
}
