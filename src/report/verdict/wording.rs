//! What the figures allow to be said.
//!
//! *Better* (or *worse*) needs both: Wilcoxon's p after Holm at most α, and a bootstrap interval of
//! the mean difference that lies on that side of zero. Everything else is *no difference*, and is said
//! with its interval, so that a reader sees how large a difference the repetitions could have missed:
//! "no difference" never claims equality. Where so few repetitions are paired that even a win in every
//! one of them would not have been significant after Holm, nothing is claimed at all: the comparison is
//! *undecided*. Under [`FEW_PAIRS`] pairs every sentence is marked as a first look.
//!
//! Over several tasks a strategy is called better only where the stratified interval of its mean
//! difference lies above zero, the signed-rank test over the pairs of all tasks (Holm over random and
//! margin) agrees, and no single task is worse.

use super::compare::{Comparison, Outcome, differences};
use super::{Entry, FEW_PAIRS, MARGIN, RANDOM, TaskVerdict, VerdictOptions};
use crate::report::curves::TaskCurves;
use crate::report::stats::Interval;
use crate::report::stats::aggregate::stratified_interval;
use crate::report::stats::holm::holm;
use crate::report::stats::mean::mean;
use crate::report::stats::wilcoxon::signed_rank;
use crate::report::text::{equals_p, points, signed_points};
use std::collections::BTreeMap;

/// What a corrected comparison may be called.
pub(super) fn outcome(comparison: &Comparison, alpha: f64) -> Outcome {
    if comparison.family as f64 * least_p(comparison.pairs) > alpha {
        return Outcome::Undecided;
    }
    let (Some(p), Some([lo, hi])) = (comparison.p, comparison.ci95) else {
        return Outcome::NoDifference;
    };
    if p <= alpha && lo > 0.0 {
        Outcome::Better
    } else if p <= alpha && hi < 0.0 {
        Outcome::Worse
    } else {
        Outcome::NoDifference
    }
}

/// The smallest two-sided p that a signed-rank test of `pairs` differences can have: all of one sign.
fn least_p(pairs: usize) -> f64 {
    0.5f64.powi(i32::try_from(pairs).unwrap_or(i32::MAX).saturating_sub(1))
}

/// The sentence of one task: the subject against random and against margin.
pub(super) fn task_sentence(task: &str, entries: &[Entry], options: &VerdictOptions) -> String {
    let Some(best) = entries.first().filter(|entry| entry.aulc.is_some()) else {
        return format!("On {task} there is nothing to compare: no label range is covered by all curves.");
    };
    let subject = entries.iter().find(|entry| entry.strategy == options.subject).unwrap_or(best);
    let mut clauses = Vec::new();
    for (reference, comparison) in [(MARGIN, &subject.vs_margin), (RANDOM, &subject.vs_random)] {
        if let Some(comparison) = comparison {
            clauses.push(clause(&subject.strategy, reference, comparison));
        }
    }
    if clauses.is_empty() {
        return format!(
            "On {task} {} reaches an AULC of {} % and has no partner to be compared with.",
            subject.strategy,
            points(subject.aulc)
        );
    }
    let mut sentence = format!("On {task}, {}.", clauses.join("; "));
    if subject.strategy != options.subject {
        let note = " It has the highest mean of those that ran, which favours it: choosing the best after the fact is not a test.";
        sentence.push_str(note);
    }
    sentence
}

/// "policy is better than margin by +1.2 points (95 % CI +0.4 to +2.0, p = 0.004)".
fn clause(subject: &str, reference: &str, comparison: &Comparison) -> String {
    let p = comparison.p.map_or_else(String::new, |p| format!("p {}", equals_p(p)));
    let figures = match comparison.ci95 {
        Some([lo, hi]) => {
            format!("95 % CI {} to {}, {p}", signed_points(Some(lo)), signed_points(Some(hi)))
        }
        None => p,
    };
    let few = if comparison.pairs < FEW_PAIRS {
        format!("; only {} paired repetition{}, a first look", comparison.pairs, plural(comparison.pairs))
    } else {
        String::new()
    };
    let diff = signed_points(comparison.diff);
    match comparison.outcome {
        Outcome::Better => format!("{subject} is better than {reference} by {diff} points ({figures}{few})"),
        Outcome::Worse => format!("{subject} is worse than {reference} by {diff} points ({figures}{few})"),
        Outcome::Undecided => {
            format!("too few repetitions to tell {subject} from {reference}: {diff} points ({figures}{few})")
        }
        Outcome::NoDifference => {
            format!(
                "no difference between {subject} and {reference} beyond noise: {diff} points ({figures}{few})"
            )
        }
    }
}

/// The verdict over all tasks in one sentence.
pub(super) fn overall(
    curves: &[TaskCurves],
    entries: &[Entry],
    tasks: &[TaskVerdict],
    options: &VerdictOptions,
) -> String {
    let [_, _, ..] = tasks else {
        return tasks
            .first()
            .map_or_else(|| "There are no results yet.".to_owned(), |task| task.sentence.clone());
    };
    let mut pooled: Vec<Pooled> = [MARGIN, RANDOM]
        .into_iter()
        .filter_map(|reference| Pooled::of(curves, entries, reference, options))
        .collect();
    if pooled.is_empty() {
        return format!("{} tasks ran; none has {} beside random or margin.", tasks.len(), options.subject);
    }
    let adjusted = holm(&pooled.iter().map(|clause| clause.p).collect::<Vec<_>>());
    for (clause, p) in pooled.iter_mut().zip(adjusted) {
        clause.p = p;
    }
    let clauses: Vec<String> = pooled.iter().map(|clause| clause.words(options)).collect();
    capitalised(&format!("{}.", clauses.join("; ")))
}

/// The subject against one reference over all tasks on which both ran.
struct Pooled {
    reference: &'static str,
    tasks: usize,
    fewest: usize,
    diff: f64,
    interval: Interval,
    p: f64,
    outcomes: Vec<Outcome>,
}

impl Pooled {
    fn of(
        curves: &[TaskCurves],
        entries: &[Entry],
        reference: &'static str,
        options: &VerdictOptions,
    ) -> Option<Self> {
        let subject = &options.subject;
        let strata: Vec<Vec<f64>> = curves
            .iter()
            .filter_map(|task| {
                let (own, other) = (task.strategies.get(subject)?, task.strategies.get(reference)?);
                let (paired, _) = differences(own, other, task.shared);
                (subject != reference && !paired.is_empty()).then_some(paired)
            })
            .collect();
        let over_tasks =
            |sample: &[Vec<f64>]| mean(&sample.iter().map(|task| mean(task)).collect::<Option<Vec<_>>>()?);
        let key = options.key.named("overall").named(reference);
        let versus = |entry: &Entry| {
            let comparison = if reference == RANDOM { &entry.vs_random } else { &entry.vs_margin };
            comparison.as_ref().map(|comparison| comparison.outcome)
        };
        Some(Self {
            reference,
            tasks: strata.len(),
            fewest: strata.iter().map(Vec::len).min()?,
            diff: over_tasks(&strata)?,
            interval: stratified_interval(&strata, options.level, options.resamples, key, over_tasks)?,
            p: signed_rank(&strata.concat())?.p,
            outcomes: entries.iter().filter(|entry| entry.strategy == *subject).filter_map(versus).collect(),
        })
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.iter().filter(|o| **o == outcome).count()
    }

    fn words(&self, options: &VerdictOptions) -> String {
        let Self { reference, tasks, interval: Interval { lo, hi }, .. } = self;
        let subject = &options.subject;
        let over = format!("over {tasks} task{}", plural(*tasks));
        let (better, worse) = (self.count(Outcome::Better), self.count(Outcome::Worse));
        let significant = self.p <= options.alpha;
        let head = if better > 0 && worse > 0 {
            format!("{subject} against {reference} depends on the task")
        } else if significant && *lo > 0.0 && worse == 0 {
            format!("{subject} is better than {reference} {over}")
        } else if significant && *hi < 0.0 && better == 0 {
            format!("{subject} is worse than {reference} {over}")
        } else {
            format!("no difference between {subject} and {reference} {over} beyond noise")
        };
        let mut counts =
            format!("better on {better}, no difference on {}", self.count(Outcome::NoDifference));
        counts.push_str(&format!(", worse on {worse}"));
        let undecided = self.count(Outcome::Undecided);
        if undecided > 0 {
            counts.push_str(&format!(", too few repetitions on {undecided}"));
        }
        let few = if self.fewest < FEW_PAIRS { "; a first look" } else { "" };
        format!(
            "{head}: {} points on average (95 % CI {} to {}, p {}; {counts}{few})",
            signed_points(Some(self.diff)),
            signed_points(Some(*lo)),
            signed_points(Some(*hi)),
            equals_p(self.p),
        )
    }
}

/// What limits the verdict of one task.
pub(super) fn warnings(task: &TaskCurves, entries: &[Entry]) -> Vec<String> {
    let mut warnings = Vec::new();
    let name = &task.task;
    let has = |strategy: &str| task.strategies.contains_key(strategy);
    if !has(RANDOM) {
        warnings.push(format!("{name}: random did not run, so nothing shows what chance achieves."));
    }
    if !has(MARGIN) {
        warnings.push(format!("{name}: margin did not run, the strong hand-made reference is missing."));
    }
    let fewest = entries.iter().map(|entry| entry.repetitions).min().unwrap_or(0);
    if fewest < FEW_PAIRS {
        warnings.push(format!(
            "{name}: {fewest} repetition{} of at least one strategy, under {FEW_PAIRS}: a first look, not a result.",
            plural(fewest)
        ));
    }
    match task.shared {
        None => warnings.push(format!("{name}: the curves share no label range; nothing is compared.")),
        Some((_, hi)) if hi < task.longest => warnings.push(format!(
            "{name}: curves are compared up to {hi} labels, where the shortest ends; the longest has {}.",
            task.longest
        )),
        Some(_) => {}
    }
    for (strategy, curves) in &task.strategies {
        if let Some((repetition, reason)) = curves.left_out.iter().next() {
            warnings.push(format!(
                "{name}: {} repetition{} of {strategy} left out; in repetition {repetition} {reason}.",
                curves.left_out.len(),
                plural(curves.left_out.len())
            ));
        }
    }
    let unpaired = |c: &Option<Comparison>| c.as_ref().map_or(0, |c| c.unpaired);
    for entry in entries {
        let most = unpaired(&entry.vs_random).max(unpaired(&entry.vs_margin));
        if most > 0 {
            warnings.push(format!(
                "{name}: {most} repetition{} of {} or its reference had no partner and took no part in the paired comparison.",
                plural(most),
                entry.strategy
            ));
        }
    }
    warnings
}

/// The sets that one sentence names; of more, it says how many there are.
const NAMED: usize = 3;

/// Which strategies' rows carry notes, one sentence for each.
pub(super) fn notes(tasks: &[TaskCurves]) -> Vec<String> {
    let mut by_strategy: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for task in tasks {
        for (strategy, curves) in task.strategies.iter().filter(|(_, curves)| curves.notes > 0) {
            by_strategy.entry(strategy).or_default().push((&task.task, curves.notes));
        }
    }
    let sentence = |(strategy, tasks): (&str, Vec<(&str, usize)>)| {
        let rows: usize = tasks.iter().map(|(_, rows)| rows).sum();
        let named: Vec<&str> = tasks.iter().take(NAMED).map(|&(name, _)| name).collect();
        let rest = tasks.len() - named.len();
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!(
            "{rows} row{} of {strategy} on {}{more} carry a note (a diverged fit, a fallback, pseudo-labels, or a remark \
             of the strategy).",
            plural(rows),
            named.join(", "),
        )
    };
    by_strategy.into_iter().map(sentence).collect()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
