//! The subject against the best hand-made strategy of the run.
//!
//! Which one is best is seen only afterwards, and comparing with it as if it had been named beforehand would be
//! wrong in both directions. Two claims are possible, and each is tested as what it is:
//!
//! - *Better than the best* means better than every one of them. Such a claim needs every single test to
//!   reject, each at the full level: an intersection–union test (Berger, Technometrics 1982), whose p is
//!   the largest of theirs.
//! - *Worse than the best* means worse than at least one, whichever: Holm's correction over all of them.
//!
//! The interval covers the distance to the truly best one, the least of the true differences: its lower end is the least of
//! the lower ends, its upper end the least of upper ends that hold together (Bonferroni). It is therefore wide where many
//! strategies are close, as it has to be.

use serde::Serialize;

use super::compare::Outcome;
use super::wording::least_p;
use crate::report::stats::Interval;
use crate::report::stats::holm::holm;

/// The subject minus the best hand-made strategy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgainstBest {
    /// The hand-made strategy with the highest mean; where another one beats the subject and this one does not, that one.
    pub strategy: String,
    /// Hand-made strategies among which it was chosen.
    pub candidates: usize,
    /// The mean difference to it.
    pub diff: f64,
    /// The 95 % interval of the difference to the truly best one, corrected for the choice, `[lo, hi]`.
    pub ci95: Option<[f64; 2]>,
    /// The p of the claim, corrected for the choice.
    pub p: f64,
    /// Paired repetitions (over tasks: tasks) behind it, the fewest of all candidates.
    pub pairs: usize,
    /// What it may be called.
    pub outcome: Outcome,
}

/// One hand-made strategy: the subject minus it.
pub(super) struct Candidate<'a> {
    pub(super) name: &'a str,
    pub(super) diff: f64,
    /// The signed-rank test's p, not corrected.
    pub(super) p: f64,
    pub(super) pairs: usize,
    /// The interval at the level of the verdict; of a single pair there is none.
    pub(super) single: Option<Interval>,
    /// The interval at a level at which those of all candidates hold together.
    pub(super) joint: Option<Interval>,
}

/// The level of an interval that is one of `count` which are to hold together at `level`.
pub(super) fn joint_level(level: f64, count: usize) -> f64 {
    1.0 - (1.0 - level) / count.max(1) as f64
}

/// Chooses among candidates; `None` without any.
pub(super) fn against_best(candidates: &[Candidate<'_>], alpha: f64) -> Option<AgainstBest> {
    let by_diff = |a: &&usize, b: &&usize| candidates[**a].diff.total_cmp(&candidates[**b].diff);
    let all: Vec<usize> = (0..candidates.len()).collect();
    let highest = *all.iter().min_by(by_diff)?;
    let adjusted = holm(&candidates.iter().map(|one| one.p).collect::<Vec<_>>());
    let beats = |&&at: &&usize| adjusted[at] <= alpha && candidates[at].joint.is_some_and(|ci| ci.hi < 0.0);
    let beating = all.iter().filter(beats).min_by(by_diff).copied();
    let named = beating.unwrap_or(highest);
    let leads = candidates[highest].diff > 0.0;
    let p = if leads { candidates.iter().map(|one| one.p).fold(0.0, f64::max) } else { adjusted[named] };
    let least = |ends: Option<Vec<f64>>| ends?.into_iter().reduce(f64::min);
    let lo = least(candidates.iter().map(|one| Some(one.single?.lo)).collect());
    let hi = least(candidates.iter().map(|one| Some(one.joint?.hi)).collect());
    let pairs = candidates.iter().map(|one| one.pairs).min()?;
    let family = if leads { 1 } else { candidates.len() };
    let outcome = if beating.is_some() {
        Outcome::Worse
    } else if leads && p <= alpha && lo.is_some_and(|lo| lo > 0.0) {
        Outcome::Better
    } else if family as f64 * least_p(pairs) > alpha {
        Outcome::Undecided
    } else {
        Outcome::NoDifference
    };
    Some(AgainstBest {
        strategy: candidates[named].name.to_owned(),
        candidates: candidates.len(),
        diff: candidates[named].diff,
        ci95: lo.zip(hi).map(|(lo, hi)| [lo, hi]),
        p,
        pairs,
        outcome,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, diff: f64, p: f64, half: f64) -> Candidate<'_> {
        let around = |half: f64| Interval { lo: diff - half, hi: diff + half };
        Candidate { name, diff, p, pairs: 20, single: Some(around(half)), joint: Some(around(1.5 * half)) }
    }

    /// Better than the best is better than each: the weakest of the tests decides, and nothing is divided.
    #[test]
    fn the_weakest_test_decides_on_a_lead() {
        let told =
            against_best(&[candidate("a", 0.03, 0.001, 0.01), candidate("b", 0.02, 0.04, 0.015)], 0.05);
        let told = told.unwrap();
        assert_eq!((told.strategy.as_str(), told.p, told.outcome), ("b", 0.04, Outcome::Better));
        let [lo, hi] = told.ci95.unwrap();
        assert!((lo - 0.005).abs() < 1e-12 && (hi - 0.0425).abs() < 1e-12, "{lo} {hi}");
        let one_fails = [candidate("a", 0.03, 0.001, 0.01), candidate("b", 0.02, 0.06, 0.01)];
        assert_eq!(against_best(&one_fails, 0.05).unwrap().outcome, Outcome::NoDifference);
    }

    /// Of five strategies one is ahead by luck at p = 0.02: Holm makes 0.1 of it.
    #[test]
    fn to_be_beaten_is_corrected_for_the_number_of_candidates() {
        let others = [("a", 0.01), ("b", 0.02), ("c", 0.0), ("d", 0.01)];
        let mut all: Vec<Candidate<'_>> =
            others.iter().map(|(name, diff)| candidate(name, *diff, 0.5, 0.02)).collect();
        all.push(candidate("lucky", -0.01, 0.02, 0.004));
        let told = against_best(&all, 0.05).unwrap();
        assert_eq!(
            (told.strategy.as_str(), told.outcome, told.candidates),
            ("lucky", Outcome::NoDifference, 5)
        );
        assert!((told.p - 0.1).abs() < 1e-12);
        all.push(candidate("strong", -0.008, 0.0001, 0.002));
        let told = against_best(&all, 0.05).unwrap();
        assert_eq!((told.strategy.as_str(), told.outcome), ("strong", Outcome::Worse));
        assert_eq!(against_best(&[], 0.05), None);
    }

    #[test]
    fn few_pairs_decide_nothing() {
        let few = Candidate { pairs: 5, ..candidate("a", 0.03, 0.0625, 0.01) };
        assert_eq!(against_best(&[few], 0.05).unwrap().outcome, Outcome::Undecided);
    }
}
