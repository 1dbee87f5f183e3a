//! From scores to an ordered batch: Plackett–Luce sampling, its log-probability, and the greedy batch.
//!
//! Drawing without replacement in proportion to `exp(score)` equals taking the `b` largest of
//! `score + Gumbel noise` (Kool et al., "Stochastic Beams and Where to Find Them", ICML 2019). The noise
//! of a candidate depends on its row id and the key alone, so a sample does not depend on the order of
//! the candidates.

use super::error::AgentError;
use crate::data::RowId;
use crate::query::Ties;
use crate::query::score::top_places;
use crate::rng::Key;

/// An ordered batch that was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Indices of candidates, first drawn first; `min(batch, candidates)` of them.
    pub picks: Vec<usize>,
    /// The natural logarithm of the probability of exactly this ordered batch.
    pub log_probability: f64,
}

/// Draws an ordered batch from the Plackett–Luce distribution of `scores`.
///
/// # Errors
/// If there is not one finite score per candidate.
pub fn sample(scores: &[f32], candidates: &[RowId], batch: usize, key: Key) -> Result<Sample, AgentError> {
    check(scores, candidates)?;
    let seed = key.seed64();
    let noisy: Vec<f64> =
        scores.iter().zip(candidates).map(|(&s, &row)| f64::from(s) + gumbel(seed, row)).collect();
    let picks = largest(&noisy, candidates, batch, Ties::new(key));
    let log_probability = log_probability(scores, &picks);
    Ok(Sample { picks, log_probability })
}

/// The `min(batch, candidates)` largest scores, best first; equal ones in the order of `ties`.
///
/// # Errors
/// If there is not one finite score per candidate.
pub fn greedy(
    scores: &[f32],
    candidates: &[RowId],
    batch: usize,
    ties: Ties<'_>,
) -> Result<Vec<usize>, AgentError> {
    check(scores, candidates)?;
    let wide: Vec<f64> = scores.iter().map(|&s| f64::from(s)).collect();
    Ok(largest(&wide, candidates, batch, ties))
}

/// The log-probability of an ordered batch, `Σ_t log softmax(scores of the remaining)[pick_t]`.
///
/// # Panics
/// If a pick is not an index of `scores`.
pub fn log_probability(scores: &[f32], picks: &[usize]) -> f64 {
    let mut taken = vec![false; scores.len()];
    let mut sum = 0.0;
    for &pick in picks {
        let remaining = || scores.iter().zip(&taken).filter(|(_, taken)| !**taken);
        let max = remaining().fold(f32::NEG_INFINITY, |max, (s, _)| max.max(*s));
        let partition: f64 = remaining().map(|(s, _)| (f64::from(*s) - f64::from(max)).exp()).sum();
        sum += f64::from(scores[pick]) - f64::from(max) - partition.ln();
        taken[pick] = true;
    }
    sum
}

fn check(scores: &[f32], candidates: &[RowId]) -> Result<(), AgentError> {
    if scores.len() != candidates.len() {
        return Err(AgentError::Scores { scores: scores.len(), candidates: candidates.len() });
    }
    match scores.iter().position(|s| !s.is_finite()) {
        Some(at) => Err(AgentError::Score { row: candidates[at].0, score: scores[at] }),
        None => Ok(()),
    }
}

/// The indices of the `count` largest values in falling order; all values were [checked](check).
fn largest(values: &[f64], candidates: &[RowId], count: usize, ties: Ties<'_>) -> Vec<usize> {
    top_places(candidates, values, count, ties).expect("no value is NaN")
}

/// Standard Gumbel noise of one row: a counter-based generator (SplitMix64), as a stream would tie the
/// noise to the order of the candidates.
fn gumbel(seed: u64, row: RowId) -> f64 {
    let mut z = seed.wrapping_add((u64::from(row.0) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // In (0, 1), both ends excluded.
    let uniform = ((z >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -(-uniform.ln()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(n: u32) -> Vec<RowId> {
        (0..n).map(|i| RowId(10 * i + 3)).collect()
    }

    #[test]
    fn probabilities_of_all_ordered_batches_sum_to_one() {
        let scores = [0.3, -1.2, 2.0, 0.0];
        let mut total = 0.0;
        for a in 0..4 {
            for b in (0..4).filter(|&b| b != a) {
                total += log_probability(&scores, &[a, b]).exp();
            }
        }
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        // By hand: the weights 1, 1, 2 give (2/4)(1/2).
        let by_hand = log_probability(&[0.0, 0.0, 2f32.ln()], &[2, 0]);
        assert!((by_hand - 0.25f64.ln()).abs() < 1e-7);
    }

    #[test]
    fn samples_have_their_stated_frequency() {
        let scores = [0.3, -1.2, 1.0, 0.0];
        let mut counts = std::collections::BTreeMap::<Vec<usize>, (f64, f64)>::new();
        let draws = 40_000;
        for i in 0..draws {
            let s = sample(&scores, &rows(4), 2, Key::root(9).at(i)).unwrap();
            counts.entry(s.picks).or_insert((0.0, s.log_probability.exp())).0 += 1.0;
        }
        assert_eq!(counts.len(), 12);
        for (picks, (count, p)) in counts {
            let n = draws as f64;
            let error = (count / n - p) / (p * (1.0 - p) / n).sqrt();
            assert!(error.abs() < 4.5, "{picks:?}: {} against {p}", count / n);
        }
    }

    #[test]
    fn ties_are_drawn_and_nan_is_refused() {
        let candidates = [RowId(9), RowId(2), RowId(5)];
        let ask =
            |scores: &[f32], batch, seed| greedy(scores, &candidates, batch, Ties::new(Key::root(seed)));
        let firsts: std::collections::BTreeSet<usize> =
            (0..40).map(|seed| ask(&[1.0, 1.0, 1.0], 2, seed).unwrap()[0]).collect();
        assert_eq!(firsts.len(), 3);
        assert_eq!(ask(&[1.0, 0.0, 2.0], 9, 0).unwrap(), [2, 0, 1]);
        assert_eq!(ask(&[1.0, 0.0, 2.0], 0, 0).unwrap(), [0usize; 0]);
        let error = ask(&[1.0, f32::NAN, 2.0], 1, 0).unwrap_err();
        assert!(matches!(error, AgentError::Score { row: 2, .. }));
        let error = sample(&[1.0], &candidates, 1, Key::root(0)).unwrap_err();
        assert_eq!(error, AgentError::Scores { scores: 1, candidates: 3 });
    }

    proptest! {
        #[test]
        fn a_sample_follows_a_permutation_of_the_candidates(
            scores in prop::collection::vec(-3.0f32..3.0, 1..40), turn in 0usize..40, seed: u64,
        ) {
            let candidates = rows(scores.len() as u32);
            let by = turn % scores.len();
            let (mut turned, mut moved) = (scores.clone(), candidates.clone());
            turned.rotate_left(by);
            moved.rotate_left(by);
            let a = sample(&scores, &candidates, 5, Key::root(seed)).unwrap();
            let b = sample(&turned, &moved, 5, Key::root(seed)).unwrap();
            let named = |s: &Sample, rows: &[RowId]| s.picks.iter().map(|&i| rows[i]).collect::<Vec<_>>();
            prop_assert_eq!(named(&a, &candidates), named(&b, &moved));
            prop_assert!((a.log_probability - b.log_probability).abs() < 1e-9);
            prop_assert_eq!(a.picks.len(), scores.len().min(5));
        }
    }
}
