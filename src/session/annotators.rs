//! One target per row from the answers of several annotators, and how reliable each of them is.
//!
//! Of classes: A. P. Dawid and A. M. Skene, *Maximum likelihood estimation of observer error-rates using the EM algorithm*, Applied
//! Statistics 28 (1979): every annotator has a confusion matrix, every row a class that is not seen; expectation and
//! maximisation take turns, from majority votes on. The rows of a confusion matrix have a prior here
//! (`prior` answers, of which [`PRIOR_ACCURACY`] are right), since most annotators have seen few rows of most classes, and so have the
//! shares of classes (`prior` rows). Rows of one answer
//! take no part: they would let the estimate explain one disagreement by calling all of somebody's answers wrong.
//! Of numbers, the median; of sets, every label that more than half name; of masks, every pixel that more than half have in the foreground.

use super::answer::Verdict;
use super::spelling::{self, Names, Spelling};
use super::state::{Standing, State, Votes, counted};
use crate::data::mask::pixel;
use crate::data::target::{has_label, word_of};
use crate::data::{Masks, TargetKind};
use std::collections::{BTreeMap, HashMap};

/// Answers that a row of a confusion matrix counts for before any is seen.
pub(super) const PRIOR: f64 = 5.0;
/// The share of them that is right.
const PRIOR_ACCURACY: f64 = 0.8;
/// Rounds of expectation and maximisation, at most.
const MAX_ROUNDS: usize = 100;
/// The largest change of a probability at which they end.
const TOLERANCE: f64 = 1e-6;
/// Entries of all confusion matrices; beyond, an annotator has one number, the share of right answers.
const MAX_ENTRIES: usize = 1 << 22;
/// A row on which annotators disagree is asked again while no class is surer than this.
const SURE: f64 = 0.9;

/// A row with the target that its answers come to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Labelled {
    pub row: u32,
    /// The target as a [word](crate::data::target); of masks, its place among those of the consensus.
    pub word: u32,
    /// A number as it was given; none of other targets. Its word has 32 bits.
    pub number: Option<f64>,
    /// How sure it is, from 0 to 1; none of numbers and masks, where that is not estimated.
    pub confidence: Option<f64>,
    /// Whether annotators disagree so that somebody else is to be asked.
    pub disputed: bool,
}

/// Rows with labels, in the order in which they were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Consensus {
    pub kind: TargetKind,
    /// The names of the classes or labels.
    pub classes: Vec<String>,
    pub labelled: Vec<Labelled>,
    pub annotators: Vec<Reliability>,
    /// The masks that words name, where targets are such.
    pub masks: Option<Masks>,
}

impl Consensus {
    /// Rows of every class, or with every label.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for one in &self.labelled {
            match self.kind {
                TargetKind::Class => counts[one.word as usize] += 1,
                TargetKind::MultiLabel => {
                    let own = counts.iter_mut().enumerate();
                    own.for_each(|(label, rows)| *rows += usize::from(has_label(one.word, label)));
                }
                TargetKind::Real | TargetKind::Mask => {}
            }
        }
        counts
    }

    /// The class of a word, or its first label; 0 where there is none.
    pub fn first(&self, word: u32) -> usize {
        match self.kind {
            TargetKind::Class => word as usize,
            TargetKind::MultiLabel if word > 0 => word.trailing_zeros() as usize,
            TargetKind::MultiLabel | TargetKind::Real | TargetKind::Mask => 0,
        }
    }

    /// How many different targets there are; masks count as different.
    pub fn distinct(&self) -> usize {
        let mut seen: Vec<u32> = self.labelled.iter().map(|one| one.word).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    }
}

/// How an annotator answers.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Reliability {
    pub annotator: String,
    /// Labels that were given.
    pub answers: usize,
    /// Rows that the annotator did not say.
    pub abstained: usize,
    /// The share of right classes by the estimate; none where nobody else has answered the same rows, or targets are no classes.
    pub accuracy: Option<f64>,
}

/// What the answers to a row come to.
struct Agreed {
    word: u32,
    number: Option<f64>,
    confidence: Option<f64>,
    disputed: bool,
}

/// What the answers of `state` come to. Classes are those of the session where it has any, else all that were named, by name.
pub(super) fn consensus(state: &State, spelling: &Spelling<'_>, fixed: &[String]) -> Consensus {
    let mut classes = fixed.to_vec();
    if fixed.is_empty() && spelling.kind == TargetKind::Class {
        let named = state.answers.values().flatten().filter_map(|one| one.verdict.label());
        classes = named.map(str::to_string).collect();
        classes.sort();
        classes.dedup();
    }
    let numbers = Names::new(&classes);
    let mut names: Vec<&str> = state.answers.values().flatten().map(|one| one.annotator.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let who: HashMap<&str, usize> = names.iter().copied().zip(0..).collect();
    let (mut order, mut said) = (Vec::new(), None);
    for (&row, all) in &state.answers {
        let totals = Votes::of(all);
        if !totals.labelled() {
            continue;
        }
        let mut votes: Vec<(usize, u32)> = Vec::new();
        for one in counted(all) {
            let word = one.verdict.label().and_then(|text| spelling.word(text, &numbers, &mut said));
            votes.extend(word.map(|word| (who[one.annotator.as_str()], word)));
        }
        if !votes.is_empty() {
            order.push((state.asked.get(&row).copied().unwrap_or(u64::MAX), row, votes, totals.tied()));
        }
    }
    order.sort_by_key(|&(asked, row, ..)| (asked, row));
    let votes: Vec<&[(usize, u32)]> = order.iter().map(|(_, _, votes, _)| &votes[..]).collect();
    let (mut estimate, mut masks) = (None, None);
    let agreed: Vec<Agreed> = match (spelling.kind, said) {
        (TargetKind::Mask, None) => Vec::new(),
        (TargetKind::Mask, Some(said)) => {
            let (height, width) = said.size();
            let mut all = Masks::new(height, width);
            let agreed = votes.iter().map(|votes| by_pixel(votes, &said, &mut all)).collect();
            masks = Some(all);
            agreed
        }
        (TargetKind::Real, _) => {
            order.iter().map(|(_, row, ..)| median(numbers_of(&state.answers[row]))).collect()
        }
        (TargetKind::MultiLabel, _) => votes.iter().map(|votes| by_label(votes, classes.len())).collect(),
        (TargetKind::Class, _) => {
            let shared: Vec<&[(usize, u32)]> =
                votes.iter().filter(|votes| votes.len() > 1).copied().collect();
            estimate = (!shared.is_empty()).then(|| dawid_skene(&shared, names.len(), classes.len(), PRIOR));
            let mut likeliest = estimate.iter().flat_map(|estimate| &estimate.posteriors);
            votes.iter().map(|votes| by_class(votes, &mut likeliest)).collect()
        }
    };
    let labelled = order
        .iter()
        .zip(agreed)
        .map(|((_, row, _, tied), Agreed { word, number, confidence, disputed })| Labelled {
            row: *row,
            word,
            number,
            confidence,
            disputed: disputed || *tied,
        })
        .collect();
    // Answers, abstentions, and whether anybody else has answered one of the same rows.
    let mut counts = vec![(0, 0, false); names.len()];
    for one in state.answers.values().flatten() {
        let (answers, abstained, _) = &mut counts[who[one.annotator.as_str()]];
        *answers += usize::from(one.verdict.label().is_some());
        *abstained += usize::from(one.verdict == Verdict::Abstained);
    }
    for &(at, _) in votes.iter().filter(|votes| votes.len() > 1).copied().flatten() {
        counts[at].2 = true;
    }
    let reliability = |(at, name): (usize, &&str)| {
        let (answers, abstained, shared) = counts[at];
        let accuracy = estimate.as_ref().filter(|_| shared).map(|estimate| estimate.accuracy[at]);
        Reliability { annotator: name.to_string(), answers, abstained, accuracy }
    };
    let annotators = names.iter().enumerate().map(reliability).collect();
    Consensus { kind: spelling.kind, classes, labelled, annotators, masks }
}

/// The only class that was said; of several answers, the next of `likeliest`. Who is alone is believed: what others say of other rows
/// changes no answer that nobody has contradicted.
fn by_class<'e>(votes: &[(usize, u32)], likeliest: &mut impl Iterator<Item = &'e (u32, f64)>) -> Agreed {
    let (word, confidence) = match votes {
        [(_, only)] => (*only, 1.0),
        _ => *likeliest.next().expect("an estimate for every row of several answers"),
    };
    let disagree = votes.iter().any(|&(_, class)| class != votes[0].1);
    Agreed { word, number: None, confidence: Some(confidence), disputed: disagree && confidence < SURE }
}

/// The numbers among these answers.
fn numbers_of(answers: &[Standing]) -> Vec<f64> {
    counted(answers).filter_map(|one| spelling::number(one.verdict.label()?)).collect()
}

/// The median of numbers; of an even number of them, the mean of the two in the middle.
fn median(mut numbers: Vec<f64>) -> Agreed {
    numbers.sort_by(f64::total_cmp);
    let (low, high) = (numbers[(numbers.len() - 1) / 2], numbers[numbers.len() / 2]);
    let number = low + (high - low) / 2.0;
    Agreed { word: word_of(number as f32), number: Some(number), confidence: None, disputed: false }
}

/// The labels that more than half name. What is sure is the smallest share that agrees about a label; where half do, somebody
/// else is to be asked.
fn by_label(votes: &[(usize, u32)], labels: usize) -> Agreed {
    let (mut word, mut least) = (0, votes.len());
    for label in 0..labels {
        let held = votes.iter().filter(|&&(_, set)| has_label(set, label)).count();
        word |= u32::from(2 * held > votes.len()) << label;
        least = least.min(held.max(votes.len() - held));
    }
    let confidence = Some(least as f64 / votes.len() as f64);
    Agreed { word, number: None, confidence, disputed: 2 * least == votes.len() }
}

/// The pixels that more than half have in the foreground; the mask is added to `all`.
fn by_pixel(votes: &[(usize, u32)], said: &Masks, all: &mut Masks) -> Agreed {
    let on = |at: usize| votes.iter().filter(|&&(_, mask)| pixel(said.mask(mask as usize), at)).count();
    let mask: Vec<bool> = (0..said.pixels()).map(|at| 2 * on(at) > votes.len()).collect();
    all.push(&mask);
    Agreed { word: all.rows() as u32 - 1, number: None, confidence: None, disputed: false }
}

/// What the rounds end with.
pub(super) struct Estimate {
    /// The likeliest class of every row, the first of equals, and its probability.
    pub posteriors: Vec<(u32, f64)>,
    /// The share of right answers of every annotator.
    pub accuracy: Vec<f64>,
}

/// Dawid and Skene's estimate. `votes` has annotator and class of every answer, row by row; no row is empty.
pub(super) fn dawid_skene(
    votes: &[&[(usize, u32)]],
    annotators: usize,
    classes: usize,
    prior: f64,
) -> Estimate {
    let one_coin = annotators.saturating_mul(classes).saturating_mul(classes) > MAX_ENTRIES;
    // Only the classes that a row's answers name, and with whole matrices all, can be likely.
    let mut posteriors: Vec<Vec<(u32, f64)>> = votes
        .iter()
        .map(|votes| {
            let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
            if !one_coin {
                (0..classes as u32).for_each(|class| {
                    shares.insert(class, 0.0);
                });
            }
            let share = 1.0 / votes.len() as f64;
            votes.iter().for_each(|&(_, class)| *shares.entry(class).or_default() += share);
            shares.into_iter().collect()
        })
        .collect();
    let wrong = (1.0 - PRIOR_ACCURACY) / (classes.max(2) - 1) as f64;
    let mut accuracy = vec![PRIOR_ACCURACY; annotators];
    for _ in 0..MAX_ROUNDS {
        // Classes have a prior of as many rows, spread evenly: of a few rows, one class would soon be all.
        let rows = votes.len() as f64 + prior;
        let mut priors = vec![prior / classes as f64 / rows; classes];
        posteriors.iter().flatten().for_each(|&(class, share)| priors[class as usize] += share / rows);
        let (mut right, mut all) = (vec![prior * PRIOR_ACCURACY; annotators], vec![prior; annotators]);
        let mut confusion = vec![0.0; if one_coin { 0 } else { annotators * classes * classes }];
        let place =
            |who: usize, truth: u32, said: u32| (who * classes + truth as usize) * classes + said as usize;
        for (votes, shares) in votes.iter().zip(&posteriors) {
            for &(who, said) in *votes {
                for &(truth, share) in shares {
                    all[who] += share;
                    right[who] += if truth == said { share } else { 0.0 };
                    if !one_coin {
                        confusion[place(who, truth, said)] += share;
                    }
                }
            }
        }
        accuracy =
            right.iter().zip(&all).map(|(right, all)| if *all > 0.0 { right / all } else { 0.0 }).collect();
        for (at, row) in confusion.chunks_exact_mut(classes.max(1)).enumerate() {
            let truth = at % classes;
            let sum: f64 = row.iter().sum::<f64>() + prior;
            for (said, entry) in row.iter_mut().enumerate() {
                let expected = if said == truth { PRIOR_ACCURACY } else { wrong };
                *entry = if sum > 0.0 { (*entry + prior * expected) / sum } else { 0.0 };
            }
        }
        let mut moved = 0.0f64;
        for (votes, shares) in votes.iter().zip(&mut posteriors) {
            let log = |truth: u32| {
                let answer = |&(who, said): &(usize, u32)| match one_coin {
                    true if truth == said => accuracy[who].ln(),
                    true => ((1.0 - accuracy[who]) / (classes.max(2) - 1) as f64).ln(),
                    false => confusion[place(who, truth, said)].ln(),
                };
                priors[truth as usize].ln() + votes.iter().map(answer).sum::<f64>()
            };
            let logs: Vec<f64> = shares.iter().map(|&(truth, _)| log(truth)).collect();
            let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let parts: Vec<f64> = logs.iter().map(|log| (log - top).exp()).collect();
            let sum: f64 = parts.iter().sum();
            for ((_, share), part) in shares.iter_mut().zip(parts) {
                let next = if sum > 0.0 { part / sum } else { *share };
                moved = moved.max((next - *share).abs());
                *share = next;
            }
        }
        if moved < TOLERANCE {
            break;
        }
    }
    let best = |shares: &Vec<(u32, f64)>| {
        shares[1..].iter().fold(shares[0], |best, &one| if one.1 > best.1 { one } else { best })
    };
    Estimate { posteriors: posteriors.iter().map(best).collect(), accuracy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::target::number_of;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        classes: usize,
        annotators: usize,
        votes: Vec<(usize, usize, u32)>,
        class: Vec<u32>,
        probability: Vec<f64>,
    }

    /// Without a prior, the estimate after as many rounds is crowd-kit's: `tests/golden/annotators.py`.
    #[test]
    fn the_estimate_is_that_of_crowd_kit() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/golden/annotators.json")).unwrap();
        let mut rows = vec![Vec::new(); golden.class.len()];
        golden.votes.iter().for_each(|&(row, who, class)| rows[row].push((who, class)));
        let votes: Vec<&[(usize, u32)]> = rows.iter().map(Vec::as_slice).collect();
        let found = dawid_skene(&votes, golden.annotators, golden.classes, 0.0);
        for (row, (class, p)) in found.posteriors.iter().enumerate() {
            assert_eq!(*class, golden.class[row], "row {row}");
            assert!((p - golden.probability[row]).abs() < 1e-3, "row {row}: {p} {}", golden.probability[row]);
        }
    }

    #[test]
    fn numbers_sets_and_masks_by_hand() {
        let votes = |words: &[u32]| words.iter().copied().enumerate().collect::<Vec<_>>();
        let of = |numbers: &[f64]| {
            let Agreed { word, number, .. } = median(numbers.to_vec());
            (number.unwrap(), number_of(word))
        };
        assert_eq!(
            (of(&[3.0]), of(&[3.0, 9.0]), of(&[3.0, 100.0, 4.0])),
            ((3.0, 3.0), (6.0, 6.0), (4.0, 4.0))
        );
        assert_eq!(of(&[16_777_217.0]), (16_777_217.0, 16_777_216.0));
        assert_eq!(of(&[f32::MAX.into(), f32::MAX.into()]), (f32::MAX.into(), f32::MAX));
        let set = |words: &[u32]| {
            let Agreed { word, confidence, disputed, .. } = by_label(&votes(words), 3);
            (word, confidence.unwrap(), disputed)
        };
        assert_eq!(set(&[0b101]), (0b101, 1.0, false));
        assert_eq!(set(&[0b101, 0b100]), (0b100, 0.5, true));
        assert_eq!(set(&[0b101, 0b100, 0b011]), (0b101, 2.0 / 3.0, false));
        let mut said = Masks::new(1, 3);
        for shown in ["##.", "#.#", "#.."] {
            said.push(&shown.chars().map(|c| c == '#').collect::<Vec<_>>());
        }
        let mut all = Masks::new(1, 3);
        for (votes, area) in [(votes(&[0]), 2), (votes(&[0, 1]), 1), (votes(&[0, 1, 2]), 1)] {
            let at = by_pixel(&votes, &said, &mut all).word as usize;
            assert_eq!(all.area(at), area);
        }
    }

    /// Two who agree outvote one who answers at random, and are found to be better.
    #[test]
    fn who_agrees_with_others_is_believed() {
        let rows: Vec<Vec<(usize, u32)>> =
            (0..40).map(|row| vec![(0, row % 2), (1, row % 2), (2, (row / 2) % 2)]).collect();
        let votes: Vec<&[(usize, u32)]> = rows.iter().map(Vec::as_slice).collect();
        for (annotators, classes) in [(3, 2), (3, 2_000)] {
            let found = dawid_skene(&votes, annotators, classes, PRIOR);
            assert!(
                found
                    .posteriors
                    .iter()
                    .enumerate()
                    .all(|(row, &(class, p))| class == row as u32 % 2 && p > 0.9)
            );
            assert!(found.accuracy[0] > 0.9 && found.accuracy[2] < 0.65, "{:?}", found.accuracy);
        }
    }
}
