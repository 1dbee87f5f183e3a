//! What the figures allow to be said.
//!
//! *Better* (or *worse*) needs both: Wilcoxon's p after Holm at most α, and a bootstrap interval of
//! the mean difference that lies on that side of zero. Everything else is *no difference*, and is said
//! with its interval, so that a reader sees how large a difference the repetitions could have missed:
//! "no difference" never claims equality. Where so few repetitions are paired that even a win in every
//! one of them would not have been significant after Holm, nothing is claimed at all: the comparison is
//! *undecided*. Under [`FEW_PAIRS`] pairs every sentence is marked as a first look.
//!
//! What is said over several tasks is the matter of [`across`](super::across), and what is said of the best hand-made
//! strategy that of [`choice`](super::choice).

use super::across::AcrossTasks;
use super::choice::AgainstBest;
use super::compare::{Comparison, Outcome};
use super::{Entry, FEW_PAIRS, MARGIN, RANDOM, TaskVerdict, VerdictOptions};
use crate::data::TargetKind;
use crate::report::curves::TaskCurves;
use crate::report::roles::ranked_everywhere;
use crate::report::stats::mean::mean;
use crate::report::text::{capitalised, equals_p, points, signed_points};
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
pub(super) fn least_p(pairs: usize) -> f64 {
    0.5f64.powi(i32::try_from(pairs).unwrap_or(i32::MAX).saturating_sub(1))
}

/// The sentence of one task: the subject against margin, random and the best hand-made strategy.
pub(super) fn task_sentence(task: &str, entries: &[Entry], options: &VerdictOptions) -> String {
    let ranked = |entry: &&Entry| entry.aulc.is_some() && !entry.reads_hidden_labels;
    let Some(best) = entries.iter().find(ranked) else {
        let curves = entries.iter().any(|entry| entry.aulc.is_some());
        let why = if curves {
            "only what reads hidden labels ran"
        } else {
            "no label range is covered by all curves"
        };
        return format!("On {task} there is nothing to compare: {why}.");
    };
    let subject = entries.iter().find(|entry| entry.strategy == options.subject).unwrap_or(best);
    let mut clauses = Vec::new();
    for (reference, comparison) in [(MARGIN, &subject.vs_margin), (RANDOM, &subject.vs_random)] {
        if let Some(comparison) = comparison {
            clauses.push(clause(&subject.strategy, reference, &comparison.into()));
        }
    }
    if let Some(against) = &subject.vs_best_hand_made {
        let reference = match against.candidates {
            1 => against.strategy.clone(),
            count => format!("{}, the best of {count} hand-made strategies,", against.strategy),
        };
        let words = clause(&subject.strategy, &reference, &against.into());
        // That something beats the subject is the first thing to know.
        let place = if against.outcome == Outcome::Worse { 0 } else { clauses.len() };
        clauses.insert(place, words);
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

/// What a clause says of a comparison.
struct Told {
    diff: Option<f64>,
    ci95: Option<[f64; 2]>,
    p: Option<f64>,
    pairs: usize,
    outcome: Outcome,
    chosen: bool,
}

impl From<&Comparison> for Told {
    fn from(of: &Comparison) -> Self {
        let Comparison { diff, ci95, p, pairs, outcome, .. } = *of;
        Self { diff, ci95, p, pairs, outcome, chosen: false }
    }
}

impl From<&AgainstBest> for Told {
    fn from(of: &AgainstBest) -> Self {
        let AgainstBest { diff, ci95, p, pairs, outcome, candidates, .. } = *of;
        Self { diff: Some(diff), ci95, p: Some(p), pairs, outcome, chosen: candidates > 1 }
    }
}

/// "policy is better than margin by +1.2 points (95 % CI +0.4 to +2.0, p = 0.004)".
fn clause(subject: &str, reference: &str, told: &Told) -> String {
    let p = told.p.map_or_else(String::new, |p| format!("p {}", equals_p(p)));
    let figures = match told.ci95 {
        Some([lo, hi]) => {
            format!("95 % CI {} to {}, {p}", signed_points(Some(lo)), signed_points(Some(hi)))
        }
        None => p,
    };
    let chosen = if told.chosen { ", corrected for the choice" } else { "" };
    let few = if told.pairs < FEW_PAIRS {
        format!("; only {} paired repetition{}, a first look", told.pairs, plural(told.pairs))
    } else {
        String::new()
    };
    let diff = signed_points(told.diff);
    let head = match told.outcome {
        Outcome::Better => format!("{subject} is better than {reference} by"),
        Outcome::Worse => format!("{subject} is worse than {reference} by"),
        Outcome::Undecided => {
            format!("too few repetitions to tell {subject} from {}:", reference.trim_end_matches(','))
        }
        Outcome::NoDifference => format!("no difference between {subject} and {reference} beyond noise:"),
    };
    format!("{head} {diff} points ({figures}{chosen}{few})")
}

/// The verdict over all tasks in one sentence.
pub(super) fn overall(
    curves: &[TaskCurves],
    entries: &[Entry],
    tasks: &[TaskVerdict],
    across: &[AcrossTasks],
    options: &VerdictOptions,
) -> String {
    let [_, _, ..] = tasks else {
        return tasks
            .first()
            .map_or_else(|| "There are no results yet.".to_owned(), |task| task.sentence.clone());
    };
    if across.is_empty() {
        return without_subject(curves, entries, options);
    }
    let mut clauses: Vec<&AcrossTasks> = across.iter().collect();
    // That a hand-made strategy beats the subject is the first thing to know.
    clauses.sort_by_key(|clause| !(clause.chosen_among.is_some() && clause.outcome == Outcome::Worse));
    let clauses: Vec<String> = clauses.into_iter().map(|clause| clause.words(options)).collect();
    capitalised(&format!("{}.", clauses.join("; ")))
}

/// The sentence over tasks where the subject has no partner.
fn without_subject(curves: &[TaskCurves], entries: &[Entry], options: &VerdictOptions) -> String {
    let classes = options.metric.targets() == TargetKind::Class;
    let beside = match classes {
        // Policies ask for classes.
        false => format!("{} tasks ran.", curves.len()),
        true => format!("{} tasks ran; none has {} beside random or margin.", curves.len(), options.subject),
    };
    let areas = |name: &str| {
        let own = entries.iter().filter(|entry| entry.strategy == name).map(|entry| entry.aulc);
        mean(&own.collect::<Option<Vec<f64>>>()?)
    };
    let scored = ranked_everywhere(curves, &options.registry)
        .into_iter()
        .filter_map(|name| Some((areas(name)?, name)));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1))) {
        Some((aulc, name)) => format!(
            "{beside} {} has the highest mean AULC, {} %: choosing the best after the fact is not a test.",
            capitalised(name),
            points(Some(aulc))
        ),
        None => beside,
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
    // It asks for classes: where targets are others, nobody could have run it.
    let could = task.metric.targets() == TargetKind::Class;
    if could && !has(MARGIN) {
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

pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
