//! The subject over several tasks.
//!
//! Two questions look alike and are not. *Over tasks*: would it be better on another task like these? There a task
//! is one observation, its mean difference, however many repetitions it has: Wilcoxon's signed-rank test over the means
//! of tasks (Demšar, JMLR 2006), an interval that resamples tasks and then repetitions within them. *Within these tasks*:
//! is the mean over just these tasks above zero? There repetitions are the observations: the test over the pairs
//! of all tasks, an interval that resamples repetitions within each task. Sentences speak of the first; the report
//! shows both and names them.
//!
//! A strategy is called better over tasks only where both the test and the interval over tasks say so. With so few tasks
//! that even a win on every one of them would not be significant after Holm, nothing is claimed over tasks.

use serde::Serialize;

use super::choice::{Candidate, against_best, joint_level};
use super::compare::{Outcome, differences};
use super::wording::{least_p, plural};
use super::{Entry, FEW_PAIRS, MARGIN, RANDOM, VerdictOptions};
use crate::report::curves::TaskCurves;
use crate::report::roles::is_hand_made;
use crate::report::stats::aggregate::stratified_interval;
use crate::report::stats::bootstrap::{percentile_interval, two_level_means};
use crate::report::stats::holm::holm;
use crate::report::stats::mean::mean;
use crate::report::stats::wilcoxon::signed_rank;
use crate::report::text::{equals_p, signed_points};

/// The subject minus one reference over all tasks on which both ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AcrossTasks {
    /// The strategy.
    pub strategy: String,
    /// The reference.
    pub reference: String,
    /// Hand-made strategies among which the reference was chosen as the best; `None` where it was named beforehand.
    pub chosen_among: Option<usize>,
    /// Tasks: the observations of the test over tasks.
    pub tasks: usize,
    /// The mean over tasks of the mean difference.
    pub diff: f64,
    /// Its 95 % interval over tasks: tasks resampled, then repetitions within them; corrected for the choice, if one was
    /// made.
    pub ci95: Option<[f64; 2]>,
    /// Wilcoxon's p over the means of tasks, after Holm over the references (and corrected for the choice).
    pub p: f64,
    /// Tasks whose mean difference is above, at and below zero.
    pub wins_ties_losses: [usize; 3],
    /// What may be said over tasks.
    pub outcome: Outcome,
    /// Pairs of all tasks: the observations of the test within these tasks.
    pub pairs: usize,
    /// The fewest pairs of a task.
    pub fewest_pairs: usize,
    /// The 95 % interval within these tasks: repetitions resampled.
    pub within_ci95: Option<[f64; 2]>,
    /// Wilcoxon's p over the pairs of all tasks, not corrected.
    pub within_p: f64,
    /// What each task's own test says, where there is one: better, no difference, worse, too few repetitions.
    pub outcomes: Option<[usize; 4]>,
    /// Comparisons that Holm corrected together.
    pub family: usize,
}

/// Paired differences by task, of the tasks on which both ran.
fn strata(curves: &[TaskCurves], subject: &str, reference: &str) -> Vec<Vec<f64>> {
    let of = |task: &TaskCurves| {
        let (own, other) = (task.strategies.get(subject)?, task.strategies.get(reference)?);
        let (paired, _) = differences(own, other, task.shared);
        (subject != reference && !paired.is_empty()).then_some(paired)
    };
    curves.iter().filter_map(of).collect()
}

fn task_means(strata: &[Vec<f64>]) -> Option<Vec<f64>> {
    strata.iter().map(|task| mean(task)).collect()
}

/// The subject over tasks: against margin, random and the best hand-made strategy. Empty under two tasks, or where the
/// subject did not run beside any of them.
pub(super) fn across(curves: &[TaskCurves], entries: &[Entry], options: &VerdictOptions) -> Vec<AcrossTasks> {
    if curves.len() < 2 {
        return Vec::new();
    }
    let named = [MARGIN, RANDOM].into_iter().filter_map(|reference| against(curves, reference, options));
    let mut all: Vec<AcrossTasks> = named.collect();
    all.extend(best(curves, options));
    let adjusted = holm(&all.iter().map(|one| one.p).collect::<Vec<_>>());
    let family = all.len();
    for (one, p) in all.iter_mut().zip(adjusted) {
        (one.p, one.family) = (p, family);
        one.outcome = match one.ci95 {
            _ if one.undecidable(options.alpha) => Outcome::Undecided,
            Some([lo, _]) if p <= options.alpha && lo > 0.0 => Outcome::Better,
            Some([_, hi]) if p <= options.alpha && hi < 0.0 => Outcome::Worse,
            _ => Outcome::NoDifference,
        };
        one.outcomes = outcomes(entries, &one.strategy, &one.reference);
    }
    all
}

/// The subject against one reference, before Holm.
fn against(curves: &[TaskCurves], reference: &str, options: &VerdictOptions) -> Option<AcrossTasks> {
    let strata = strata(curves, &options.subject, reference);
    let means = task_means(&strata)?;
    let key = options.key.named("overall").named(reference);
    let distribution = two_level_means(&strata, options.resamples, key.named("tasks"));
    let over_tasks = |sample: &[Vec<f64>]| mean(&task_means(sample)?);
    let ends = |ci: crate::report::stats::Interval| [ci.lo, ci.hi];
    let count = |sign: fn(f64) -> bool| means.iter().filter(|d| sign(**d)).count();
    Some(AcrossTasks {
        strategy: options.subject.clone(),
        reference: reference.to_owned(),
        chosen_among: None,
        tasks: strata.len(),
        diff: mean(&means)?,
        ci95: percentile_interval(&distribution, options.level).map(ends),
        p: signed_rank(&means)?.p,
        wins_ties_losses: [count(|d| d > 0.0), count(|d| d == 0.0), count(|d| d < 0.0)],
        outcome: Outcome::NoDifference,
        pairs: strata.iter().map(Vec::len).sum(),
        fewest_pairs: strata.iter().map(Vec::len).min()?,
        within_ci95: stratified_interval(&strata, options.level, options.resamples, key, over_tasks)
            .map(ends),
        within_p: signed_rank(&strata.concat())?.p,
        outcomes: None,
        family: 1,
    })
}

/// The subject against the best hand-made strategy that ran on all of its tasks, before Holm over the references; `None`
/// where there is none but margin, which is named beforehand.
fn best(curves: &[TaskCurves], options: &VerdictOptions) -> Option<AcrossTasks> {
    let own: Vec<&TaskCurves> =
        curves.iter().filter(|task| task.strategies.contains_key(&options.subject)).collect();
    let everywhere = |name: &str| own.iter().all(|task| task.strategies.contains_key(name));
    let names: Vec<&str> = own
        .first()?
        .strategies
        .keys()
        .map(String::as_str)
        .filter(|name| is_hand_made(name, &options.registry) && *name != options.subject && everywhere(name))
        .collect();
    if names.iter().all(|name| *name == MARGIN) {
        return None;
    }
    let joint = joint_level(options.level, names.len());
    let mut computed = Vec::new();
    for name in names {
        let strata = strata(curves, &options.subject, name);
        let key = options.key.named("overall").named(name).named("tasks");
        let distribution = two_level_means(&strata, options.resamples, key);
        computed.extend(task_means(&strata).map(|means| (name, means, distribution)));
    }
    let candidates: Vec<Candidate<'_>> = computed
        .iter()
        .filter_map(|(name, means, distribution)| {
            Some(Candidate {
                name,
                diff: mean(means)?,
                p: signed_rank(means)?.p,
                pairs: means.len(),
                single: percentile_interval(distribution, options.level),
                joint: percentile_interval(distribution, joint),
            })
        })
        .collect();
    let chosen = against_best(&candidates, options.alpha)?;
    let plain = against(curves, &chosen.strategy, options)?;
    Some(AcrossTasks { chosen_among: Some(chosen.candidates), ci95: chosen.ci95, p: chosen.p, ..plain })
}

/// Per outcome of the tasks' own tests, how many tasks; they are made against random and margin only.
fn outcomes(entries: &[Entry], subject: &str, reference: &str) -> Option<[usize; 4]> {
    let versus = |entry: &Entry| {
        let comparison = match reference {
            RANDOM => &entry.vs_random,
            MARGIN => &entry.vs_margin,
            _ => &None,
        };
        comparison.as_ref().map(|comparison| comparison.outcome)
    };
    let told: Vec<Outcome> =
        entries.iter().filter(|entry| entry.strategy == subject).filter_map(versus).collect();
    let order = [Outcome::Better, Outcome::NoDifference, Outcome::Worse, Outcome::Undecided];
    (!told.is_empty()).then(|| order.map(|outcome| told.iter().filter(|o| **o == outcome).count()))
}

impl AcrossTasks {
    /// Whether a win on every task would not be significant.
    fn undecidable(&self, alpha: f64) -> bool {
        self.family as f64 * least_p(self.tasks) > alpha
    }

    /// The fewest tasks with which something could be claimed.
    fn tasks_needed(&self, alpha: f64) -> usize {
        (1..64).find(|&tasks| self.family as f64 * least_p(tasks) <= alpha).unwrap_or(64)
    }

    /// How the reference is called: the best says that it was chosen, and from how many.
    pub fn reference_words(&self) -> String {
        match self.chosen_among {
            None | Some(1) => self.reference.clone(),
            Some(count) => format!("{}, the best of {count} hand-made strategies", self.reference),
        }
    }

    /// The clause of the sentence over all tasks.
    pub(super) fn words(&self, options: &VerdictOptions) -> String {
        let Self { strategy, tasks, .. } = self;
        let reference = self.reference_words();
        let comma = if reference.contains(", ") { "," } else { "" };
        let head = match self.outcome {
            Outcome::Better => format!("{strategy} is better than {reference}{comma} over {tasks} tasks"),
            Outcome::Worse => format!("{strategy} is worse than {reference}{comma} over {tasks} tasks"),
            Outcome::NoDifference => {
                format!(
                    "no difference between {strategy} and {reference}{comma} over {tasks} tasks beyond noise"
                )
            }
            Outcome::Undecided => format!(
                "too few tasks to claim it over tasks ({tasks} of at least {}): {strategy} against {reference}",
                self.tasks_needed(options.alpha)
            ),
        };
        let interval = self.ci95.map_or_else(String::new, |[lo, hi]| {
            format!("95 % CI {} to {}, ", signed_points(Some(lo)), signed_points(Some(hi)))
        });
        let [above, _, below] = self.wins_ties_losses;
        let own = self.outcomes.map_or_else(
            || format!("its mean is above on {above}, below on {below}"),
            |[better, alike, worse, undecided]| {
                let few = match undecided {
                    0 => String::new(),
                    count => format!(", too few repetitions on {count}"),
                };
                format!(
                    "by the repetitions of each task better on {better}, no difference on {alike}, worse on {worse}{few}"
                )
            },
        );
        let few = if self.fewest_pairs < FEW_PAIRS { "; a first look" } else { "" };
        let colon = if self.outcome == Outcome::Undecided { "," } else { ":" };
        format!(
            "{head}{colon} {} points on average ({interval}p {} over {tasks} task mean{}; {own}{few})",
            signed_points(Some(self.diff)),
            equals_p(self.p),
            plural(*tasks),
        )
    }
}
