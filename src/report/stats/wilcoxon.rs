//! Wilcoxon's signed-rank test for paired differences (Wilcoxon, Biometrics Bulletin 1945).
//!
//! Zeros are treated as Pratt (JASA 1959) does: they are ranked with the others and then dropped, so
//! that many ties pull towards "no difference". Up to [`EXACT_UP_TO`] non-zero differences the p-value
//! is exact given the ranks, ties included: the distribution of the rank sum over all sign patterns
//! is built by dynamic programming. Above, the normal approximation with tie correction and no
//! continuity correction.

use super::ranks::midranks;
use super::special::normal_two_sided;

/// The largest number of non-zero differences for which the exact distribution is used.
pub const EXACT_UP_TO: usize = 50;

/// The outcome of a signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedRank {
    /// The sum of the ranks of the positive differences.
    pub positive: f64,
    /// The sum of the ranks of the negative differences.
    pub negative: f64,
    /// The two-sided p-value.
    pub p: f64,
    /// Differences that were not zero.
    pub nonzero: usize,
}

/// Tests whether paired differences are symmetric about zero.
///
/// All differences zero is the clearest case of no difference: p = 1. `None` for no differences or one
/// that is not finite.
pub fn signed_rank(differences: &[f64]) -> Option<SignedRank> {
    if differences.is_empty() || !super::all_finite(differences) {
        return None;
    }
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let ranked: Vec<(f64, f64)> = midranks(&sizes)
        .into_iter()
        .zip(differences.iter().copied())
        .filter(|&(_, difference)| difference != 0.0)
        .collect();
    let sum_where = |keep: fn(f64) -> bool| ranked.iter().filter(|r| keep(r.1)).map(|r| r.0).sum::<f64>();
    let (positive, negative) = (sum_where(|d| d > 0.0), sum_where(|d| d < 0.0));
    let ranks: Vec<f64> = ranked.iter().map(|r| r.0).collect();
    let p = if ranks.is_empty() {
        1.0
    } else if ranks.len() <= EXACT_UP_TO {
        exact(&ranks, positive.min(negative))
    } else {
        approximate(&ranks, positive)
    };
    Some(SignedRank { positive, negative, p, nonzero: ranks.len() })
}

/// Twice the share of sign patterns whose rank sum is at most `least`, capped at one.
fn exact(ranks: &[f64], least: f64) -> f64 {
    // Mid-ranks are multiples of one half: doubled, they index the table.
    let doubled: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank).round() as usize).collect();
    let least = (2.0 * least).round() as usize;
    let mut share = vec![0.0f64; least + 1];
    share[0] = 1.0;
    for rank in doubled {
        for sum in (0..=least).rev() {
            let with = if sum >= rank { share[sum - rank] } else { 0.0 };
            share[sum] = 0.5 * (share[sum] + with);
        }
    }
    (2.0 * share.iter().sum::<f64>()).min(1.0)
}

/// The rank sum is a sum of independent `rank · Bernoulli(½)`; ties and Pratt's zeros are already in
/// the ranks, so their variance needs no further correction.
fn approximate(ranks: &[f64], positive: f64) -> f64 {
    let mean = 0.5 * ranks.iter().sum::<f64>();
    let variance = 0.25 * ranks.iter().map(|rank| rank * rank).sum::<f64>();
    normal_two_sided((positive - mean) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn five_of_five_is_not_enough_and_six_of_six_is() {
        let p = |n: usize| signed_rank(&(1..=n).map(|i| i as f64).collect::<Vec<_>>()).unwrap().p;
        assert_eq!(p(5), 0.0625);
        assert_eq!(p(6), 0.03125);
    }

    #[test]
    fn zeros_alone_are_no_difference() {
        assert_eq!(signed_rank(&[0.0; 8]).unwrap().p, 1.0);
        assert_eq!(signed_rank(&[]), None);
        assert_eq!(signed_rank(&[1.0, f64::INFINITY]), None);
    }

    /// Pratt: zeros take the lowest ranks, so the same non-zero differences weigh as ranks 3, 4, 5.
    #[test]
    fn zeros_take_ranks_before_they_are_dropped() {
        let test = signed_rank(&[0.0, 0.0, 1.0, -2.0, 3.0]).unwrap();
        assert_eq!((test.positive, test.negative, test.nonzero), (3.0 + 5.0, 4.0, 3));
        // Sign patterns with a sum of at most 4: {}, {3}, {4}: 2 · 3/8.
        assert_eq!(test.p, 0.75);
    }

    proptest! {
        #[test]
        fn exact_equals_enumeration(raw in prop::collection::vec(-4i32..5, 1..11)) {
            let d: Vec<f64> = raw.iter().map(|&v| f64::from(v)).collect();
            let test = signed_rank(&d).unwrap();
            let ranks = midranks(&d.iter().map(|v| v.abs()).collect::<Vec<_>>());
            let kept: Vec<f64> = ranks.iter().zip(&d).filter(|(_, d)| **d != 0.0).map(|(r, _)| *r).collect();
            let least = test.positive.min(test.negative);
            let at_most = (0..1u32 << kept.len())
                .filter(|mask| {
                    let sum: f64 = kept.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, r)| r).sum();
                    sum <= least + 1e-9
                })
                .count();
            let expected = (2.0 * at_most as f64 / f64::from(1u32 << kept.len())).min(1.0);
            prop_assert!((test.p - expected).abs() < 1e-12);
        }

        #[test]
        fn swapping_the_sides_keeps_p(d in prop::collection::vec(-1.0f64..1.0, 1..80)) {
            let swapped: Vec<f64> = d.iter().map(|v| -v).collect();
            let (a, b) = (signed_rank(&d).unwrap(), signed_rank(&swapped).unwrap());
            prop_assert!((a.p - b.p).abs() < 1e-12 && (0.0..=1.0).contains(&a.p));
        }
    }
}
