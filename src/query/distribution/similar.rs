//! SIMILAR, where some classes are rare: candidates that are like the labelled rows of these classes.

use super::Space;
use super::part::Part;
use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::{Kernel, lanes};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::{Needs, PoolView, Size, Strategy, Subsample};
use crate::rng::Key;

/// The most labelled rows that candidates are compared with.
const MAX_RARE: usize = 500;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "similar",
        summary: "rows most like the labelled ones of classes with few labels, and not like each other (inputs)",
        paper: "Kothawade, Beck, Killamsetty & Iyer, NeurIPS 2021",
        family: Family::Distribution,
        needs: Needs { inputs: true, labels: true, ..Needs::NONE },
        cost: "time n Q (d + b) for Q <= 500 labels of such classes, memory n (Q + d)",
        example: "similar",
        deterministic: true,
    },
    make: |params| {
        Built::batch(Similar {
            space: params.choice("space", &Space::INPUTS_FIRST)?,
            eta: params.real("eta", 1.0, 0.0..=1e6)?,
            delta: params.real("delta", 1.0, 1e-6..=1e6)?,
            note: None,
        })
    },
};

/// `b` times the candidate that adds most to the facility-location mutual information (FLQMI) of the batch `A` and the labelled rows `Q` of rare
/// classes, `sum over q in Q of max over a in A of s(a, q)  +  eta * sum over a in A of max over q in Q of s(a, q)`.
///
/// A class is rare that has fewer labels than the mean of the classes that have any; where none is, all labelled rows are in `Q`. The
/// similarity `s` is a Gaussian kernel of width `delta` on vectors of length one. The paper has it of gradients, is told which classes are
/// rare, and has other measures for open sets and for redundant pools, which are not here. Without a label it is
/// [`max_herding`](super::max_herding).
///
/// Deterministic up to [`MAX_CANDIDATES`](super::part::MAX_CANDIDATES) candidates and 500 rows in `Q`; above, a random part of as many.
pub struct Similar {
    pub space: Space,
    /// What likeness to `Q` counts for beside its coverage.
    pub eta: f64,
    /// The kernel's width.
    pub delta: f64,
    note: Option<String>,
}

/// The places among `labels` of those of rare classes; all where none is rare.
fn rare(labels: &[u32]) -> Vec<usize> {
    let mut counts = std::collections::BTreeMap::<u32, usize>::new();
    labels.iter().for_each(|&label| *counts.entry(label).or_default() += 1);
    let few = |label: &u32| counts[label] * counts.len() < labels.len();
    let places: Vec<usize> = (0..labels.len()).filter(|&at| few(&labels[at])).collect();
    if places.is_empty() { (0..labels.len()).collect() } else { places }
}

impl Strategy for Similar {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let part = Part::of(view, self.space.of(view)?, batch, key);
        self.note = part.note();
        let places: Vec<RowId> = rare(view.labels()).into_iter().map(|at| RowId(at as u32)).collect();
        if places.is_empty() {
            let weights = vec![1.0; part.cut.rows.len()];
            let rank = |place: usize| view.ties(key).rank(part.cut.rows[place]);
            return Ok(part.cover(Kernel::gaussian(self.delta), &weights, batch, rank));
        }
        let query = Subsample::new(&places, MAX_RARE, view.draws(key.named("rare"))).rows;
        let (candidates, labelled) = (part.candidates(), part.labelled());
        let width = self.delta * self.delta;
        let like = |candidate: usize, at: &RowId| {
            let apart = lanes::squared_distance(candidates.get(candidate), labelled.get(at.index()));
            (-f64::from(apart) / width).exp() as f32
        };
        let rows = &part.cut.rows;
        let mut likeness = Vec::with_capacity(rows.len() * query.len());
        (0..rows.len()).for_each(|candidate| likeness.extend(query.iter().map(|at| like(candidate, at))));
        let of = |candidate: usize| &likeness[candidate * query.len()..(candidate + 1) * query.len()];
        let most: Vec<f64> = (0..rows.len())
            .map(|candidate| f64::from(of(candidate).iter().copied().fold(0.0, f32::max)))
            .collect();
        let mut covered = vec![0.0f32; query.len()];
        let mut taken = vec![false; rows.len()];
        let mut picks = Vec::new();
        while picks.len() < batch.min(rows.len()) {
            let gain = |candidate: usize| match taken[candidate] {
                true => f64::NEG_INFINITY,
                false => {
                    let more = of(candidate).iter().zip(&covered).map(|(s, c)| f64::from((s - c).max(0.0)));
                    more.sum::<f64>() + self.eta * most[candidate]
                }
            };
            let gains: Vec<f64> = (0..rows.len()).map(gain).collect();
            let next = top_places(rows, &gains, 1, view.ties(key))?[0];
            taken[next] = true;
            covered.iter_mut().zip(of(next)).for_each(|(c, &s)| *c = c.max(s));
            picks.push(rows[next]);
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        Needs { labels: true, ..self.space.needs() }
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let kept = Part::kept(size);
        let compared = Size::items(kept, 4).saturating_mul(size.labelled.min(MAX_RARE) as u64);
        Part::memory_with(size, compared + Size::items(kept, 24)).max(Part::memory(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{Registry, Signals};
    use crate::testing::ExamplePool;

    /// Classes 0, 0, 0, 1, 2, 2: the mean is two labels, and class 1 alone has fewer.
    #[test]
    fn rare_classes_have_fewer_labels_than_the_mean() {
        assert_eq!(rare(&[0, 0, 0, 1, 2, 2]), [3]);
        assert_eq!(rare(&[0, 1, 1, 0]), [0, 1, 2, 3]);
        assert!(rare(&[]).is_empty());
    }

    /// On the unit circle, three labels of class 0 at 0 degrees and one of class 1 at 90: the candidate at 80 is asked for, then 45, then 10.
    #[test]
    fn asks_for_what_is_like_the_rare_class() {
        let at = |degrees: f32| [degrees.to_radians().cos(), degrees.to_radians().sin()];
        let values: Vec<f32> = [0.0, 0.0, 0.0, 90.0, 10.0, 45.0, 80.0].into_iter().flat_map(at).collect();
        let (inputs, signals) = (Matrix::new(values, 7, 2), Signals::default());
        let labelled: Vec<RowId> = (0..4).map(RowId).collect();
        let candidates: Vec<RowId> = (4..7).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &labelled, &[0, 0, 0, 1], &candidates, 2, &signals);
        let picks = Registry::builtin().build("similar").unwrap().select(&view, 3, Key::root(1)).unwrap();
        assert_eq!(picks, [RowId(6), RowId(5), RowId(4)]);
    }

    /// Every pick is the one that adds most to the set function itself.
    #[test]
    fn every_pick_adds_most_to_the_mutual_information() {
        for seed in 0..20 {
            let pool = ExamplePool::new(40, 9, seed);
            let view = pool.view();
            let eta = [0.0, 0.5, 1.0][seed as usize % 3];
            let mut strategy = Registry::builtin().build(&format!("similar(eta={eta})")).unwrap();
            let picks = strategy.select(&view, 6, Key::root(seed)).unwrap();
            let unit = |row: RowId| -> Vec<f64> {
                let x: Vec<f64> = view.inputs().row(row.index()).iter().map(|&v| f64::from(v)).collect();
                let length = x.iter().map(|v| v * v).sum::<f64>().sqrt();
                x.into_iter().map(|v| v / length.max(1e-30)).collect()
            };
            let s = |a: RowId, q: RowId| {
                let apart: f64 = unit(a).iter().zip(unit(q)).map(|(x, y)| (x - y).powi(2)).sum();
                (-apart).exp()
            };
            let query: Vec<RowId> = rare(view.labels()).into_iter().map(|at| view.labelled()[at]).collect();
            let worth = |set: &[RowId]| {
                let over_q: f64 =
                    query.iter().map(|&q| set.iter().map(|&a| s(a, q)).fold(0.0, f64::max)).sum();
                let over_a: f64 =
                    set.iter().map(|&a| query.iter().map(|&q| s(a, q)).fold(0.0, f64::max)).sum();
                over_q + eta * over_a
            };
            for at in 0..picks.len() {
                let with = |row: RowId| worth(&[&picks[..at], &[row]].concat());
                let others = view.candidates().iter().filter(|row| !picks[..at].contains(row));
                let best = others.map(|&row| with(row)).fold(f64::MIN, f64::max);
                assert!(with(picks[at]) >= best - 1e-5, "seed {seed}, pick {at}");
            }
        }
    }
}
