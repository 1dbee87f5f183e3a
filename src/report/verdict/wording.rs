//! What the figures allow to be said.
//!
//! *Better* (or *worse*) needs both: Wilcoxon's p after Holm at most α, and a bootstrap interval of
//! the mean difference that lies on that side of zero. Everything else is *no difference*, and is said
//! with its interval, so that a reader sees how large a difference the repetitions could have missed:
//! "no difference" never claims equality. Under [`FEW_PAIRS`] pairs every sentence is marked as a
//! first look. Over several tasks a strategy is called better only where the stratified interval of
//! its mean difference lies above zero and no single task is worse.

use super::compare::{Comparison, Outcome, differences};
use super::{Entry, FEW_PAIRS, MARGIN, RANDOM, TaskVerdict, VerdictOptions};
use crate::report::curves::TaskCurves;
use crate::report::stats::Interval;
use crate::report::stats::aggregate::stratified_interval;
use crate::report::stats::mean::mean;
use crate::report::text::{equals_p, points, signed_points};

/// What a corrected comparison may be called.
pub(super) fn outcome(comparison: &Comparison, alpha: f64) -> Outcome {
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
    let clauses: Vec<String> = [MARGIN, RANDOM]
        .iter()
        .filter_map(|reference| overall_clause(curves, entries, reference, options))
        .collect();
    if clauses.is_empty() {
        return format!("{} tasks ran; none has {} beside random or margin.", tasks.len(), options.subject);
    }
    let joined = format!("{}.", clauses.join("; "));
    capitalised(&joined)
}

fn overall_clause(
    curves: &[TaskCurves],
    entries: &[Entry],
    reference: &str,
    options: &VerdictOptions,
) -> Option<String> {
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
        |sample: &[Vec<f64>]| mean(&sample.iter().filter_map(|task| mean(task)).collect::<Vec<_>>());
    let diff = over_tasks(&strata)?;
    let key = options.key.named("overall").named(reference);
    let interval = stratified_interval(&strata, options.level, options.resamples, key, over_tasks)?;
    let outcomes: Vec<Outcome> = entries
        .iter()
        .filter(|entry| entry.strategy == *subject)
        .filter_map(
            |entry| if reference == RANDOM { entry.vs_random.as_ref() } else { entry.vs_margin.as_ref() },
        )
        .map(|comparison| comparison.outcome)
        .collect();
    let count = |outcome| outcomes.iter().filter(|o| **o == outcome).count();
    let (better, worse, same) = (count(Outcome::Better), count(Outcome::Worse), count(Outcome::NoDifference));
    let Interval { lo, hi } = interval;
    let head = if lo > 0.0 && worse == 0 {
        format!("{subject} is better than {reference} over {} tasks", strata.len())
    } else if hi < 0.0 && better == 0 {
        format!("{subject} is worse than {reference} over {} tasks", strata.len())
    } else if better > 0 && worse > 0 {
        format!("{subject} against {reference} depends on the task")
    } else {
        format!("no difference between {subject} and {reference} over {} tasks beyond noise", strata.len())
    };
    Some(format!(
        "{head}: {} points on average (95 % CI {} to {}; better on {better}, no difference on {same}, worse on {worse})",
        signed_points(Some(diff)),
        signed_points(Some(lo)),
        signed_points(Some(hi)),
    ))
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
        if curves.notes > 0 {
            warnings.push(format!(
                "{name}: {} row{} of {strategy} carry a note (a diverged fit or a fallback).",
                curves.notes,
                plural(curves.notes)
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

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
