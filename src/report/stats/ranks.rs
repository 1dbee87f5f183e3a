//! Ranks with ties averaged, and Friedman's test (Friedman, JASA 1937).

use super::special::chi_square_tail;

/// Ranks from 1 in rising order; equal values share the mean of their ranks.
pub fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..].iter().take_while(|&&i| values[i] == values[order[start]]).count();
        // Positions start+1 ..= start+tied; a value unequal to itself stands alone.
        let tied = tied.max(1);
        for &index in &order[start..start + tied] {
            ranks[index] = start as f64 + 0.5 * (tied + 1) as f64;
        }
        start += tied;
    }
    ranks
}

/// Scores `[blocks][strategies]`, higher = better: a block is a task by its strategies' means or, within
/// one task, a repetition.
pub type Scores = [Vec<f64>];

/// The average rank of every strategy over blocks, 1 = best. `None` for no blocks, ragged blocks or a
/// score that is not finite.
pub fn average_ranks(scores: &Scores) -> Option<Vec<f64>> {
    let strategies = sound(scores)?;
    let mut sums = vec![0.0; strategies];
    for block in scores {
        let losses: Vec<f64> = block.iter().map(|score| -score).collect();
        for (sum, rank) in sums.iter_mut().zip(midranks(&losses)) {
            *sum += rank;
        }
    }
    Some(sums.into_iter().map(|sum| sum / scores.len() as f64).collect())
}

/// Friedman's statistic with tie correction, and its chi-square p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Friedman {
    /// The statistic.
    pub statistic: f64,
    /// The probability of a statistic at least as large if all strategies were equal.
    pub p: f64,
}

/// Tests whether all strategies rank alike. All scores tied in every block gives a statistic of 0 and
/// p = 1. `None` under two blocks or two strategies.
pub fn friedman(scores: &Scores) -> Option<Friedman> {
    let strategies = sound(scores)?;
    if strategies < 2 || scores.len() < 2 {
        return None;
    }
    let (n, k) = (scores.len() as f64, strategies as f64);
    let ranks = average_ranks(scores)?;
    let ties: f64 = scores.iter().map(|block| tie_sum(block)).sum();
    let correction = 1.0 - ties / (n * k * (k * k - 1.0));
    if correction <= 0.0 {
        return Some(Friedman { statistic: 0.0, p: 1.0 });
    }
    let spread: f64 = ranks.iter().map(|rank| (rank - 0.5 * (k + 1.0)).powi(2)).sum();
    let statistic = 12.0 * n / (k * (k + 1.0)) * spread / correction;
    Some(Friedman { statistic, p: chi_square_tail(statistic, k - 1.0) })
}

/// `Σ t³ − t` over the groups of `t` equal values.
fn tie_sum(block: &[f64]) -> f64 {
    let mut sorted = block.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|group| (group.len() as f64).powi(3) - group.len() as f64).sum()
}

/// The number of strategies, if the table is sound.
fn sound(scores: &Scores) -> Option<usize> {
    let strategies = scores.first()?.len();
    let even = scores.iter().all(|block| block.len() == strategies && super::all_finite(block));
    (strategies > 0 && even).then_some(strategies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(midranks(&[0.3, 0.1, 0.3, 0.2]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(midranks(&[]), Vec::<f64>::new());
        // Zero and minus zero are one value.
        assert_eq!(midranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    #[test]
    fn equal_strategies_rank_equal() {
        let scores = vec![vec![0.5, 0.5, 0.5]; 7];
        assert_eq!(average_ranks(&scores).unwrap(), [2.0, 2.0, 2.0]);
        assert_eq!(friedman(&scores).unwrap(), Friedman { statistic: 0.0, p: 1.0 });
    }

    #[test]
    fn the_best_has_rank_one_and_ragged_tables_have_none() {
        assert_eq!(average_ranks(&[vec![0.9, 0.1], vec![0.8, 0.2]]).unwrap(), [1.0, 2.0]);
        assert_eq!(average_ranks(&[vec![0.9, 0.1], vec![0.8]]), None);
        assert_eq!(average_ranks(&[vec![0.9, f64::NAN]]), None);
        assert_eq!(friedman(&[vec![0.9, 0.1]]), None);
    }
}
