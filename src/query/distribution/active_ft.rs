//! ActiveFT: a batch whose distribution is that of the pool, found by moving centres.

use super::Space;
use crate::data::{Matrix, MatrixView, RowId};
use crate::error::Result;
use crate::learner::bank::multiply_transposed;
use crate::query::geometry::rows::{self, Rows};
use crate::query::geometry::{KMeans, Scale, lanes, nearest_distinct};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy, Subsample, Subset, size, subsample};
use crate::rng::Key;
use crate::simd::dispatched;
use rayon::prelude::*;

/// Candidates above which the centres follow a random part of this many.
pub const MAX_CANDIDATES: usize = 20_000;
/// Centres that move together; larger batches are those of several random parts of the candidates.
pub const MAX_CENTRES: usize = 500;
/// Pairs of row and centre that are looked at in each step.
const MAX_PAIRS: usize = 2_000_000;
/// Labelled rows that keep centres away.
const MAX_LABELLED: usize = 1_000;
/// What gradients are summed in: whole units, so that a sum does not depend on the order of the rows.
pub(super) const UNITS: f32 = (1u32 << 30) as f32;
/// Rows of one product; results do not depend on it.
const BLOCK: usize = 512;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "active_ft",
        summary: "the candidates nearest b centres that were moved to be near all rows and far from each other (inputs)",
        paper: "Xie, Lu, Yan, Yang, Tomizuka & Zhan, CVPR 2023",
        family: Family::Distribution,
        needs: Needs { inputs: true, ..Needs::NONE },
        cost: "time 300 m b d for m = min(n, 20,000, 2,000,000 / b), memory m d",
        example: "active_ft",
        deterministic: false,
    },
    make: |params| {
        Built::batch(ActiveFt {
            space: params.choice("space", &Space::INPUTS_FIRST)?,
            temperature: params.real("temperature", 0.07, 1e-3..=10.0)?,
            balance: params.real("balance", 1.0, 0.0..=1e3)?,
            rate: params.real("rate", 1e-3, 1e-6..=1.0)?,
            steps: params.count("steps", 300, 1..=10_000)?,
            note: None,
        })
    },
};

/// Moves `b` centres on the sphere, random candidates at first, by Adam down the gradient of
/// `mean over rows of -ln(e^(s / t) / (e^(s / t) + balance sum over centres k of e^(k . c / t)))`, with `c` the centre
/// that is most similar to the row and `s` their cosine; the centres in the inner sum count as fixed. Then each centre takes
/// the nearest candidate that none before it took, centres of more rows first.
///
/// The paper selects once, before there is any label. Where there are some, labelled rows are centres that do not move: rows that are
/// nearest to them pull nothing.
pub struct ActiveFt {
    pub space: Space,
    pub temperature: f64,
    /// How much the centres keep away from each other.
    pub balance: f64,
    /// Adam's.
    pub rate: f64,
    pub steps: usize,
    note: Option<String>,
}

impl Strategy for ActiveFt {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = self.space.of(view)?;
        let rows = view.candidates();
        let batch = batch.min(rows.len());
        self.note = None;
        if batch == 0 {
            return Ok(Vec::new());
        }
        let parts = batch.div_ceil(MAX_CENTRES);
        let draws = view.ties(key.named("parts"));
        let mut order: Vec<usize> = (0..rows.len()).collect();
        if parts > 1 {
            order.sort_unstable_by_key(|&place| draws.rank(rows[place]));
        }
        let mut picks = Vec::with_capacity(batch);
        for part in 0..parts {
            // Bounds of an even division: parts of the batch are never larger than those of the candidates.
            let share = |total: usize| total * part / parts..total * (part + 1) / parts;
            let mut places = order[share(rows.len())].to_vec();
            places.sort_unstable();
            let subset = Subset::new(view, &places);
            let own = subset.view(*view);
            picks.extend(self.of_part(&own, vectors, share(batch).len(), key.named("part").at(part as u64)));
        }
        let divided = (parts > 1).then(|| format!("chosen in {parts} random parts of the candidates"));
        self.note = subsample::join([divided, self.note.take()]);
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.space.needs()
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let centres = size.batch.min(MAX_CENTRES);
        let kept = size.candidates.min(most_rows(centres));
        let drawn = if kept < size.candidates { Size::items(size.candidates, size::DRAW) } else { 0 };
        let copies = size.vectors(kept + MAX_LABELLED.min(size.labelled) + 8 * centres);
        drawn.max(copies + Size::items(kept, 24) + Size::items(centres, 4 * centres as u64)) + size.scores()
    }
}

/// Rows that `centres` follow at most.
fn most_rows(centres: usize) -> usize {
    (MAX_PAIRS / centres.max(1)).min(MAX_CANDIDATES)
}

impl ActiveFt {
    /// As published.
    pub fn published(space: Space) -> Self {
        Self { space, temperature: 0.07, balance: 1.0, rate: 1e-3, steps: 300, note: None }
    }

    /// `batch` of the view's candidates, no more than [`MAX_CENTRES`].
    fn of_part(
        &mut self,
        view: &PoolView<'_>,
        vectors: MatrixView<'_>,
        batch: usize,
        key: Key,
    ) -> Vec<RowId> {
        let cut = Subsample::new(view.candidates(), most_rows(batch), view.draws(key.named("candidates")));
        self.note = cut.note("the centres follow");
        let unit = |ids: &[RowId]| {
            let mut unit = Rows::new(vectors, ids).to_matrix();
            rows::normalise(&mut unit);
            unit
        };
        let (own, ties) = (unit(&cut.rows), view.ties(key));
        let held = view.draws(key.named("labelled")).sample(view.labelled(), MAX_LABELLED);
        let held: Vec<RowId> = held.into_iter().map(|place| view.labelled()[place]).collect();
        let mut first: Vec<usize> = (0..cut.rows.len()).collect();
        let start = view.ties(key.named("start"));
        first.sort_unstable_by_key(|&place| start.rank(cut.rows[place]));
        first.truncate(batch);
        let mut moving = Moving::new(&own, unit(&held), own.gather(first), self);
        for step in 1..=self.steps {
            moving.step(step, self);
        }
        let assignment = moving.nearest().into_iter().filter_map(|(centre, _)| centre).collect();
        let clusters = KMeans { centres: moving.units(), assignment, scale: Scale::Unit };
        let candidates = view.candidate_rows(vectors);
        nearest_distinct(candidates, &clusters, ties)
            .into_iter()
            .map(|place| candidates.ids()[place])
            .collect()
    }
}

/// Centres on their way.
struct Moving<'a> {
    rows: &'a Matrix,
    fixed: Matrix,
    /// Of each row, the largest cosine to a fixed centre.
    held: Vec<f32>,
    centres: Matrix,
    /// Adam's two means.
    means: [Vec<f64>; 2],
    temperature: f64,
    balance: f64,
}

impl<'a> Moving<'a> {
    fn new(rows: &'a Matrix, fixed: Matrix, centres: Matrix, rule: &ActiveFt) -> Self {
        let held = most_similar(rows, &fixed).into_iter().map(|(_, cosine)| cosine).collect();
        let means = [vec![0.0; centres.values().len()], vec![0.0; centres.values().len()]];
        Self { rows, fixed, held, centres, means, temperature: rule.temperature, balance: rule.balance }
    }

    /// The centres, on the sphere.
    fn units(&self) -> Matrix {
        rows::normalised(self.centres.view())
    }

    /// Of each row the moving centre that is most similar, `None` where a fixed one is more so, and the cosine.
    fn nearest(&self) -> Vec<(Option<u32>, f32)> {
        let found = most_similar(self.rows, &self.units());
        let best = found.into_iter().zip(&self.held);
        best.map(|((centre, s), &held)| if held > s { (None, held) } else { (Some(centre), s) }).collect()
    }

    /// For each centre, the logarithm of the sum over all centres of `e^(k . c / t)`, and the mean of them by these terms.
    fn crowd(&self, units: &Matrix) -> Vec<(f64, Vec<f64>)> {
        let one = |centre: usize| {
            let own = units.row(centre);
            let all = [units, &self.fixed];
            let others = || all.iter().flat_map(|matrix| (0..matrix.rows()).map(move |row| matrix.row(row)));
            let at = |other: &[f32]| f64::from(lanes::dot(own, other)) / self.temperature;
            // No cosine is larger than one, and its own is among them.
            let largest = 1.0 / self.temperature;
            let (mut sum, mut mean) = (0.0, vec![0.0f64; own.len()]);
            for other in others() {
                let weight = (at(other) - largest).exp();
                sum += weight;
                mean.iter_mut().zip(other).for_each(|(mean, &x)| *mean += weight * f64::from(x));
            }
            let sum = f64::max(sum, f64::MIN_POSITIVE);
            mean.iter_mut().for_each(|mean| *mean /= sum);
            (largest + sum.ln(), mean)
        };
        (0..units.rows()).into_par_iter().map(one).collect()
    }

    /// The share of a row's loss that is left: `1 - e^(s / t) / (e^(s / t) + balance e^crowd)`.
    fn left(&self, s: f32, crowd: f64) -> f64 {
        if self.balance == 0.0 {
            return 0.0;
        }
        1.0 / (1.0 + (f64::from(s) / self.temperature - crowd - self.balance.ln()).exp())
    }

    /// The loss, of rows whose centre moves.
    #[cfg(test)]
    fn loss(&self) -> f64 {
        let (units, nearest) = (self.units(), self.nearest());
        let crowd = self.crowd(&units);
        let of = |&(centre, s): &(Option<u32>, f32)| {
            centre.map(|centre| -(1.0 - self.left(s, crowd[centre as usize].0)).ln())
        };
        nearest.iter().filter_map(of).sum::<f64>() / self.rows.rows() as f64
    }

    /// The gradient of the loss by the centres.
    fn gradient(&self) -> Vec<f64> {
        let (units, nearest) = (self.units(), self.nearest());
        let (crowd, width) = (self.crowd(&units), units.cols());
        // Of each centre, what its rows have left in all, and the sum of the rows by that.
        let mut left = vec![0i64; units.rows()];
        let mut pull = vec![0i64; units.rows() * width];
        for (row, &(centre, s)) in nearest.iter().enumerate() {
            let Some(centre) = centre.map(|centre| centre as usize) else { continue };
            let weight = self.left(s, crowd[centre].0) as f32;
            left[centre] += i64::from((weight * UNITS) as i32);
            add_units(&mut pull[centre * width..(centre + 1) * width], self.rows.row(row), weight);
        }
        let scale = 1.0 / (self.rows.rows() as f64 * self.temperature);
        let mut gradient = vec![0.0; pull.len()];
        for centre in 0..units.rows() {
            let own = centre * width..(centre + 1) * width;
            let (unit, out) = (units.row(centre), &mut gradient[own.clone()]);
            let share = left[centre] as f64 / f64::from(UNITS);
            for ((out, &pull), &away) in out.iter_mut().zip(&pull[own]).zip(&crowd[centre].1) {
                *out = scale * (share * away - pull as f64 / f64::from(UNITS));
            }
            // Along the sphere, and for the length that the centre has.
            let along: f64 = out.iter().zip(unit).map(|(g, &x)| g * f64::from(x)).sum();
            let length = self.centres.row(centre).iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
            let length = if length > 0.0 { length } else { 1.0 };
            out.iter_mut().zip(unit).for_each(|(g, &x)| *g = (*g - along * f64::from(x)) / length);
        }
        gradient
    }

    /// One of Adam's, the `number`-th from one.
    fn step(&mut self, number: usize, rule: &ActiveFt) {
        let gradient = self.gradient();
        let [first, second] = &mut self.means;
        let (one, two) = (1.0 - 0.9f64.powi(number as i32), 1.0 - 0.999f64.powi(number as i32));
        for (at, value) in self.centres.values_mut().iter_mut().enumerate() {
            let g = gradient[at];
            first[at] = 0.9 * first[at] + 0.1 * g;
            second[at] = 0.999 * second[at] + 0.001 * g * g;
            *value -= (rule.rate * (first[at] / one) / ((second[at] / two).sqrt() + 1e-8)) as f32;
        }
    }
}

/// The centre of the largest cosine to each row, the first of several, and the cosine; the least number there is without centres.
fn most_similar(rows: &Matrix, centres: &Matrix) -> Vec<(u32, f32)> {
    let (n, k, width) = (rows.rows(), centres.rows(), rows.cols());
    let mut found = vec![(0u32, f32::NEG_INFINITY); n];
    found.par_chunks_mut(BLOCK).enumerate().for_each(|(block, found)| {
        let own = &rows.values()[block * BLOCK * width..][..found.len() * width];
        let mut products = vec![0.0f32; found.len() * k];
        multiply_transposed(own, centres.values(), found.len(), k, width, &mut products);
        for (found, products) in found.iter_mut().zip(products.chunks_exact(k.max(1))) {
            for (centre, &cosine) in products.iter().enumerate() {
                if cosine > found.1 {
                    *found = (centre as u32, cosine);
                }
            }
        }
    });
    found
}

dispatched! {
    /// Adds `weight` times a row of numbers between -1 and 1, in units.
    pub(super) fn add_units(to: &mut [i64], row: &[f32], weight: f32) {
        for (to, &x) in to.iter_mut().zip(row) {
            *to += i64::from((weight * x * UNITS) as i32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Registry, Signals};
    use crate::testing::ExamplePool;
    use std::collections::HashSet;

    /// Five blobs of twenty rows each, in five directions.
    fn blobs() -> Matrix {
        let mut values = Vec::new();
        for row in 0..100 {
            let noise = |at: usize| 0.05 * ((row * 7 + at * 13) as f32).sin();
            values.extend((0..5).map(|at| f32::from(u8::from(row % 5 == at)) + noise(at)));
        }
        Matrix::new(values, 100, 5)
    }

    /// Five draws hit 3.4 of five blobs on average; centres that start there hit 4.6: where two share a blob, a third may stand between
    /// two others.
    #[test]
    fn blobs_get_a_pick_each() {
        let inputs = blobs();
        let candidates: Vec<RowId> = (0..100).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 5, &signals);
        let hit = |seed: u64| {
            let mut strategy = Registry::builtin().build("active_ft(rate=0.05)").unwrap();
            let picks = strategy.select(&view, 5, Key::root(seed)).unwrap();
            picks.iter().map(|row| row.0 % 5).collect::<HashSet<u32>>().len()
        };
        let hits: Vec<usize> = (0..20).map(hit).collect();
        assert!(hits.iter().all(|&hit| hit >= 3) && hits.iter().sum::<usize>() >= 84, "{hits:?}");
    }

    #[test]
    fn rows_at_a_label_pull_nothing() {
        let own = rows::normalised(blobs().view());
        let moving =
            Moving::new(&own, own.gather([7, 8]), own.gather([0, 1, 4]), &ActiveFt::published(Space::Inputs));
        let nearest = moving.nearest();
        assert!([7, 8].iter().all(|&row| nearest[row].0.is_none()));
        assert!([0, 1, 4].iter().zip(0..).all(|(&row, centre)| nearest[row].0 == Some(centre)));
    }

    #[test]
    fn the_loss_ends_below_its_start() {
        for seed in 0..6 {
            let pool = ExamplePool::new(60, 0, seed);
            let own = rows::normalised(pool.inputs.view());
            let rule = ActiveFt::published(Space::Inputs);
            let mut moving = Moving::new(&own, Matrix::zeros(0, 5), own.gather([1, 5, 9, 30]), &rule);
            let start = moving.loss();
            (1..=rule.steps).for_each(|number| moving.step(number, &rule));
            assert!(moving.loss() < start, "seed {seed}: {start}, then {}", moving.loss());
        }
    }

    /// Against differences of the loss, the other centres of the inner sum held fixed as the rule has it.
    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let pool = ExamplePool::new(40, 0, 3);
        let own = rows::normalised(pool.signals.embeddings.unwrap().view());
        let rule = ActiveFt { temperature: 0.3, ..ActiveFt::published(Space::Inputs) };
        let centres = own.gather([2, 20, 33]);
        let moving = Moving::new(&own, own.gather([7, 8]), centres.clone(), &rule);
        let gradient = moving.gradient();
        let nearest = moving.nearest();
        for (at, &found) in gradient.iter().enumerate() {
            let (centre, step) = (at / 6, 1e-3f32);
            let loss = |by: f32| {
                let mut moved = centres.clone();
                moved.values_mut()[at] += by;
                let units = rows::normalised(moved.view());
                // Of the rows of this centre alone, with all others where they were.
                let mine = units.row(centre);
                let crowd: f64 = (0..3)
                    .map(|k| centres.row(k))
                    .chain((0..2).map(|k| moving.fixed.row(k)))
                    .map(|other| (f64::from(lanes::dot(mine, other)) / 0.3).exp())
                    .sum();
                let of = |row: usize| {
                    let s = (f64::from(lanes::dot(mine, own.row(row))) / 0.3).exp();
                    -(s / (s + crowd)).ln()
                };
                let rows = (0..40).filter(|&row| nearest[row].0 == Some(centre as u32));
                rows.map(of).sum::<f64>() / 40.0
            };
            let plain = (loss(step) - loss(-step)) / (2.0 * f64::from(step));
            assert!((found - plain).abs() < 2e-3, "{at}: {found} {plain}");
        }
    }
}
