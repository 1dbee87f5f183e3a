//! GALAXY: bisection towards where one class ends, class by class.

use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::class_balanced::predicted;
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;
use rayon::prelude::*;

const NEEDS: Needs = Needs { probabilities: true, embeddings: true, head: true, labels: true, ..Needs::NONE };
/// By how much a row's largest probability tells apart those that are predicted to be of the class.
const TIE: f64 = 1e-8;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "galaxy",
        summary: "halfway between labels of a class and of others, in the order of the class's margin, class by class",
        paper: "Zhang, Katz-Samuels & Nowak, ICML 2022",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time C n log n + b C n + L C d, memory n C",
        example: "galaxy",
        deterministic: true,
    },
    make: |_| Built::batch(Galaxy),
};

/// For each class all rows stand in a line, by `p_c - max p`. Where two labelled rows, one of the class and one of another, have
/// only unlabelled ones between them, the one in the middle of the closest such pair is asked for. Without a pair, both
/// labels being neighbours, it is the row whose farther one of the nearest label of the class and the nearest of another is
/// the nearest, which is what the paper's graphs of growing order come to. Classes take turns; those without labels of both kinds
/// are passed over, and where all are, a row is drawn at random.
///
/// In the paper every label is there before the next row is asked for. Within a batch, picks count as labelled
/// with the class that is predicted.
pub struct Galaxy;

impl Strategy for Galaxy {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (p, head, embeddings) = (view.probabilities()?, view.head()?, view.embeddings()?);
        let of_labelled = head.probabilities(view.labelled_rows(embeddings));
        let rows: Vec<RowId> = view.candidates().iter().chain(view.labelled()).copied().collect();
        let (m, ties) = (view.candidates().len(), view.ties(key));
        let at = |place: usize| if place < m { p.row(place) } else { of_labelled.row(place - m) };
        let line = |class: usize| -> Vec<usize> {
            let score = |place: usize| {
                let largest = f64::from(at(place).iter().copied().fold(0.0, f32::max));
                f64::from(at(place)[class]) - largest + TIE * largest
            };
            let mut line: Vec<(f64, u64, usize)> =
                (0..rows.len()).map(|place| (score(place), ties.rank(rows[place]), place)).collect();
            line.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            line.into_iter().map(|(_, _, place)| place).collect()
        };
        let lines: Vec<Vec<usize>> = (0..view.classes()).map(line).collect();
        let mut known: Vec<Option<usize>> = vec![None; m];
        known.extend(view.labels().iter().map(|&label| Some(label as usize)));
        let mut picks = Vec::with_capacity(batch.min(m));
        while picks.len() < batch.min(m) {
            let first = view.labelled().len() + picks.len();
            let mut turns = (0..lines.len()).map(|turn| (first + turn) % lines.len());
            let found = turns.find_map(|class| next(&lines[class], class, &known));
            let open = || (0..m).filter(|&place| known[place].is_none());
            let Some(pick) = found.or_else(|| open().min_by_key(|&place| ties.rank(rows[place]))) else {
                break;
            };
            known[pick] = Some(predicted(p.row(pick)));
            picks.push(pick);
        }
        Ok(picks.into_iter().map(|place| rows[place]).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn memory(&self, size: &Size) -> u64 {
        let rows = size.candidates + size.labelled;
        Size::items(rows, 8 * size.classes as u64 + 60) + Size::items(size.labelled, 4 * size.classes as u64)
    }
}

/// The unlabelled row of `line` that tells most of where `class` ends; `None` without labels of it and of another, or without unlabelled rows.
fn next(line: &[usize], class: usize, known: &[Option<usize>]) -> Option<usize> {
    let labels = || (0..line.len()).filter_map(|at| known[line[at]].map(|label| (at, label == class)));
    let pairs = labels().zip(labels().skip(1)).filter(|((_, a), (_, b))| a != b);
    let apart = pairs.map(|((a, _), (b, _))| (b - a, a)).filter(|&(gap, _)| gap > 1).min();
    if let Some((gap, start)) = apart {
        return Some(line[start + gap / 2]);
    }
    // How far the nearest label of either kind is, from the left and from the right.
    let mut nearest = vec![[usize::MAX; 2]; line.len()];
    let mut sweep = |order: &mut dyn Iterator<Item = usize>| {
        let mut last: [Option<usize>; 2] = [None; 2];
        for at in order {
            if let Some(label) = known[line[at]] {
                last[usize::from(label == class)] = Some(at);
            }
            for (nearest, last) in nearest[at].iter_mut().zip(last) {
                *nearest = (*nearest).min(last.map_or(usize::MAX, |last| last.abs_diff(at)));
            }
        }
    };
    sweep(&mut (0..line.len()));
    sweep(&mut (0..line.len()).rev());
    let open = (0..line.len()).filter(|&at| known[line[at]].is_none());
    let farther = open.map(|at| (nearest[at][0].max(nearest[at][1]), at)).min()?;
    (farther.0 < usize::MAX).then(|| line[farther.1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of 1,000 rows of which those from 337 on are of the class: ten labels find the place.
    #[test]
    fn bisection_finds_where_a_class_ends() {
        let line: Vec<usize> = (0..1_000).collect();
        let mut known: Vec<Option<usize>> = vec![None; 1_000];
        (known[0], known[999]) = (Some(0), Some(1));
        for _ in 0..10 {
            let pick = next(&line, 1, &known).unwrap();
            known[pick] = Some(usize::from(pick >= 337));
        }
        assert_eq!((known[336], known[337]), (Some(0), Some(1)));
        // From now on, around it: the second label of either side is two away from the other's.
        let around: Vec<usize> = (0..4)
            .map(|_| {
                let pick = next(&line, 1, &known).unwrap();
                known[pick] = Some(usize::from(pick >= 337));
                pick
            })
            .collect();
        assert!(around.iter().all(|pick| (332..342).contains(pick)), "{around:?}");
    }

    #[test]
    fn without_both_kinds_there_is_nothing_to_halve() {
        let line = [2, 0, 1];
        assert_eq!(next(&line, 0, &[None, Some(0), None]), None);
        assert_eq!(next(&line, 0, &[Some(1), Some(0), Some(0)]), None);
        assert_eq!(next(&line, 0, &[Some(1), Some(0), None]), Some(2));
        assert_eq!(next(&[0, 1, 2], 0, &[Some(1), None, Some(0)]), Some(1));
    }
}
