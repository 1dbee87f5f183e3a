//! BADGE: k-means++ sampling of hallucinated last-layer gradients.

use super::lazy_draws::{self, Bound, Distances};
use crate::data::{Matrix, MatrixView, RowId, TargetKind};
use crate::error::Result;
use crate::query::draw;
use crate::query::geometry::lanes;
use crate::query::geometry::{Rows, rows};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Size, Strategy, Ties};
use crate::rng::Key;
use crate::simd::dispatched;

const NEEDS: Needs = Needs { probabilities: true, embeddings: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "badge",
        summary: "k-means++ over the gradients that the predicted labels would cause (embeddings)",
        paper: "Ash, Zhang, Krishnamurthy, Langford & Agarwal, ICLR 2020",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time at most b n (C + d), memory n C",
        example: "badge",
        deterministic: false,
    },
    make: |params| {
        let first = params.choice("first", &[("largest", First::Largest), ("uniform", First::Uniform)])?;
        Built::batch(Badge { first })
    },
};

/// Candidates above which picks are drawn by [`lazy_draws`]: from the same distribution, by other draws.
const MANY: usize = 50_000;

/// How the first pick is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The largest gradient, as in the authors' code. In batches of one there is no other pick.
    Largest,
    /// Any candidate, as k-means++ starts (Arthur & Vassilvitskii, SODA 2007).
    Uniform,
}

/// The gradient of a candidate's loss at its predicted class with respect to the last layer's weights is
/// `g = (p - onehot(argmax p)) h'`, an outer product that is never formed. The first pick has the largest
/// norm, as in the authors' code; each other is drawn with probability proportional to the squared
/// distance to the nearest pick, uniformly once all distances are zero. Of more than 50,000 candidates, those that a draw
/// meets are measured, and not all of them for every pick; the probabilities of picks are the same.
///
/// Where targets are sets of labels, the loss is a sum over labels, and the gradient at the predicted set is
/// `g = (p - 1[p >= 1/2]) h'`, up to a factor; all else is the same. Where they are masks, `h` is the mean of the deepest planes, and the
/// residual the mean of `p - 1[p >= 1/2]` over the pixels: one number. See also
/// [`split`](crate::query::wrapper::split).
pub struct Badge {
    pub first: First,
}

impl Strategy for Badge {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let embeddings = view.candidate_rows(view.embeddings()?);
        let gradients = Gradients::of_kind(view.kind(), view.probabilities()?, embeddings);
        let picks = gradients.plus_plus(batch, self.first, key, view.ties(key));
        Ok(picks.into_iter().map(|place| view.candidates()[place]).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn kinds(&self) -> Kinds {
        Kinds::PROBABLE.or(Kinds::MASK)
    }

    fn memory(&self, size: &Size) -> u64 {
        // Residuals; a place, a norm, a minimum, an inner product and a flag per row.
        Size::items(size.candidates, 4 * size.classes as u64 + 29)
    }
}

/// Places of `batch` rows of gradient embeddings that are there in full, in the order in which k-means++ takes them: the largest
/// first, equals in the order of `ties`. What BADGE does with the gradients of a loss without classes.
pub(crate) fn plus_plus(gradients: Rows<'_>, batch: usize, key: Key, ties: Ties<'_>) -> Vec<usize> {
    Gradients::plain(gradients).plus_plus(batch, First::Largest, key, ties)
}

/// What is left of predictions after what is predicted by them is taken away; of masks, its mean over the pixels.
fn residuals(kind: TargetKind, probabilities: MatrixView<'_>) -> Matrix {
    let (n, outputs) = (probabilities.rows(), probabilities.cols());
    let mut residuals = Matrix::new(probabilities.values().to_vec(), n, outputs);
    (0..n).for_each(|row| kind.take_predicted(residuals.row_mut(row)));
    if kind != TargetKind::Mask {
        return residuals;
    }
    let mean = |row: usize| {
        let sum: f64 = residuals.row(row).iter().map(|&value| f64::from(value)).sum();
        (sum / outputs as f64) as f32
    };
    Matrix::new((0..n).map(mean).collect(), n, 1)
}

/// Gradient embeddings in factored form: `g_x = r_x h_x'`.
pub(in crate::query) struct Gradients<'a> {
    /// `p - onehot(argmax p)`, shape `[n, C]`; of labels, `p - 1[p >= 1/2]`; of masks, the mean of that, shape `[n, 1]`.
    residuals: Matrix,
    /// `0..n`, what `residuals` is indexed by.
    places: Vec<RowId>,
    embeddings: Rows<'a>,
    /// `|r|^2 |h|^2`.
    norms: Vec<f64>,
}

impl<'a> Gradients<'a> {
    /// Of candidates' class probabilities and embeddings, in the same order.
    #[cfg(test)]
    pub fn new(probabilities: MatrixView<'_>, embeddings: Rows<'a>) -> Self {
        Self::of_kind(TargetKind::Class, probabilities, embeddings)
    }

    /// Of candidates' probabilities, of classes, labels or pixels, and embeddings, in the same order.
    pub fn of_kind(kind: TargetKind, probabilities: MatrixView<'_>, embeddings: Rows<'a>) -> Self {
        let n = probabilities.rows();
        let residuals = residuals(kind, probabilities);
        let mut norms = Vec::with_capacity(n);
        for row in 0..n {
            let residual = residuals.row(row);
            let embedding = embeddings.get(row);
            norms.push(
                f64::from(lanes::dot(residual, residual)) * f64::from(lanes::dot(embedding, embedding)),
            );
        }
        Self { residuals, places: (0..n as u32).map(RowId).collect(), embeddings, norms }
    }

    /// Of gradients that are there in full: `r_x` is one.
    fn plain(gradients: Rows<'a>) -> Self {
        let n = gradients.len();
        let squared = |row| f64::from(lanes::dot(gradients.get(row), gradients.get(row)));
        Self {
            residuals: Matrix::new(vec![1.0; n], n, 1),
            places: (0..n as u32).map(RowId).collect(),
            embeddings: gradients,
            norms: (0..n).map(squared).collect(),
        }
    }

    /// Places in the order in which they are taken.
    fn plus_plus(&self, batch: usize, first: First, key: Key, ties: Ties<'_>) -> Vec<usize> {
        let n = self.norms.len();
        let batch = batch.min(n);
        let mut rng = key.named("badge").rng();
        if n > MANY {
            let start = match first {
                First::Largest => self.largest(ties),
                First::Uniform => draw::proportional(n, |_| 1.0, &mut rng),
            };
            let start = start.expect("more than none");
            return match batch {
                0 => Vec::new(),
                _ => lazy_draws::plus_plus(n, batch, start, self, &mut rng),
            };
        }
        let mut minima = vec![f64::INFINITY; n];
        let mut free = vec![true; n];
        let mut picks = Vec::with_capacity(batch);
        while picks.len() < batch {
            let pick = if picks.is_empty() && first == First::Largest {
                self.largest(ties)
            } else {
                // Without a pick all distances are infinite, and the draw is uniform.
                let mass = |place: usize| if free[place] { minima[place] } else { 0.0 };
                draw::proportional(n, mass, &mut rng)
                    .or_else(|| draw::proportional(n, |place| f64::from(free[place]), &mut rng))
            };
            let Some(pick) = pick else { break };
            picks.push(pick);
            free[pick] = false;
            if picks.len() < batch {
                self.shrink(pick, &mut minima);
            }
        }
        picks
    }

    /// The place of the largest gradient; none where there are no candidates.
    fn largest(&self, ties: Ties<'_>) -> Option<usize> {
        let (norms, ids) = (&self.norms, self.embeddings.ids());
        let larger =
            |&a: &usize, &b: &usize| norms[a].total_cmp(&norms[b]).then_with(|| ties.order(ids[b], ids[a]));
        (0..norms.len()).max_by(larger)
    }

    /// `minima[i] = min(minima[i], |g_i - g_pick|^2)`.
    pub fn shrink(&self, pick: usize, minima: &mut [f64]) {
        let mut inner = vec![0.0f64; minima.len()];
        rows::in_blocks(Rows::new(self.residuals.view(), &self.places), &mut inner, 1, |block, out| {
            let first = block.ids()[0].index();
            inner_here(block, self.embeddings, first, pick, self.residuals.row(pick), out);
        });
        for (place, least) in minima.iter_mut().enumerate() {
            let squared = self.norms[place] + self.norms[pick] - 2.0 * inner[place];
            *least = least.min(squared.max(0.0));
        }
    }
}

impl Distances for Gradients<'_> {
    fn update(&self, picks: &[usize], first: usize, bounds: &mut [Bound]) {
        let residuals = Rows::new(self.residuals.view(), &self.places).slice(first, bounds.len());
        rows::in_blocks(residuals, bounds, picks.len(), |rows, bounds| {
            update_here(self, picks, rows, bounds)
        });
    }
}

/// Rows that are brought up to date together, so that each pick is read once for all of them.
const TOGETHER: usize = 16;

dispatched! {
    /// Brings the bounds of a block of rows up to date.
    fn update_here(gradients: &Gradients<'_>, picks: &[usize], residuals: Rows<'_>, bounds: &mut [Bound]) {
        for (number, bounds) in bounds.chunks_mut(TOGETHER).enumerate() {
            let start = residuals.ids()[number * TOGETHER].index();
            let first = bounds.iter().map(|bound| bound.seen as usize).min().unwrap_or(picks.len());
            for (at, &pick) in picks.iter().enumerate().skip(first) {
                let (residual, embedding) = (gradients.residuals.row(pick), gradients.embeddings.get(pick));
                for (place, bound) in bounds.iter_mut().enumerate() {
                    if bound.seen as usize > at {
                        continue;
                    }
                    let row = start + place;
                    let inner = f64::from(lanes::dot(gradients.residuals.row(row), residual))
                        * f64::from(lanes::dot(gradients.embeddings.get(row), embedding));
                    let squared = gradients.norms[row] + gradients.norms[pick] - 2.0 * inner;
                    bound.squared = bound.squared.min(squared.max(0.0));
                }
            }
            bounds.iter_mut().for_each(|bound| bound.seen = picks.len() as u32);
        }
    }
}

dispatched! {
    /// `<g_x, g_pick> = (r_x . r_pick)(h_x . h_pick)` for a block of rows that begins at place `first`.
    fn inner_here(
        residuals: Rows<'_>,
        embeddings: Rows<'_>,
        first: usize,
        pick: usize,
        residual: &[f32],
        out: &mut [f64]
    ) {
        let embedding = embeddings.get(pick);
        for (place, out) in out.iter_mut().enumerate() {
            let inner = lanes::dot(residuals.get(place), residual);
            *out = f64::from(inner) * f64::from(lanes::dot(embeddings.get(first + place), embedding));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampled(gradients: &Gradients<'_>, batch: usize, first: First, seed: u64) -> Vec<usize> {
        let key = Key::root(seed);
        gradients.plus_plus(batch, first, key, Ties::new(key))
    }

    fn distance(gradients: &Gradients<'_>, a: usize, b: usize) -> f64 {
        let mut minima = vec![f64::INFINITY; gradients.norms.len()];
        gradients.shrink(b, &mut minima);
        minima[a]
    }

    #[test]
    fn worked_example() {
        let p = Matrix::new(vec![0.7, 0.2, 0.1, 0.3, 0.4, 0.3], 2, 3);
        let h = Matrix::new(vec![1.0, 2.0, 0.0, 1.0], 2, 2);
        let ids = [RowId(0), RowId(1)];
        let gradients = Gradients::new(p.view(), Rows::new(h.view(), &ids));
        assert!((gradients.norms[0] - 0.70).abs() < 1e-6);
        assert!((gradients.norms[1] - 0.54).abs() < 1e-6);
        assert!((distance(&gradients, 0, 1) - 1.96).abs() < 1e-6);
        assert_eq!(distance(&gradients, 0, 0), 0.0);
        // The largest norm comes first, whatever the key.
        assert!((0..20).all(|seed| sampled(&gradients, 1, First::Largest, seed) == [0]));
    }

    #[test]
    fn gradients_that_are_there_in_full_have_their_own_distances() {
        let g = Matrix::new(vec![3.0, 0.0, 0.0, 4.0, 3.0, 0.5], 3, 2);
        let ids: Vec<RowId> = (0..3).map(RowId).collect();
        let gradients = Gradients::plain(Rows::new(g.view(), &ids));
        assert_eq!(distance(&gradients, 0, 1), 25.0);
        assert_eq!(distance(&gradients, 0, 2), 0.25);
        // The largest is (0, 4); (3, 0) is at 25 and (3, .5) at 21.25 of it.
        let key = Key::root(1);
        let found = plus_plus(Rows::new(g.view(), &ids), 3, key, Ties::new(key));
        assert_eq!(found[0], 1);
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn without_distance_the_draw_is_uniform() {
        let p = Matrix::new(vec![0.5; 8], 4, 2);
        let h = Matrix::new(vec![1.0; 4], 4, 1);
        let ids: Vec<RowId> = (0..4).map(RowId).collect();
        let gradients = Gradients::new(p.view(), Rows::new(h.view(), &ids));
        // The largest norms tie, so that the first pick is drawn as well.
        let mut counts = [[0; 4]; 2];
        for seed in 0..3_000 {
            let picks = sampled(&gradients, 2, First::Largest, seed);
            assert_ne!(picks[0], picks[1]);
            picks.into_iter().enumerate().for_each(|(turn, pick)| counts[turn][pick] += 1);
        }
        assert!(counts.iter().flatten().all(|&count| (640..860).contains(&count)), "{counts:?}");
        let mut firsts = [0; 4];
        (0..4_000).for_each(|seed| firsts[sampled(&gradients, 1, First::Uniform, seed)[0]] += 1);
        assert!(firsts.iter().all(|&count| (880..1_120).contains(&count)), "{firsts:?}");
    }

    /// Bounds that have seen different picks come to the distances of plain passes, to the bit.
    #[test]
    fn bounds_come_to_the_minima_of_plain_passes() {
        let mut rng = Key::root(3).rng();
        let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| rand::RngExt::random(&mut rng)).collect() };
        let (p, h) = (Matrix::new(draw(50 * 4), 50, 4), Matrix::new(draw(50 * 20), 50, 20));
        let ids: Vec<RowId> = (0..50).map(RowId).collect();
        let gradients = Gradients::new(p.view(), Rows::new(h.view(), &ids));
        let picks = [7, 31, 12, 49, 0];
        let mut minima = vec![f64::INFINITY; 50];
        picks.iter().for_each(|&pick| gradients.shrink(pick, &mut minima));
        let mut bounds = vec![Bound { squared: f64::INFINITY, seen: 0 }; 50];
        gradients.update(&picks[..2], 20, &mut bounds[20..33]);
        gradients.update(&picks[..4], 25, &mut bounds[25..26]);
        gradients.update(&picks, 0, &mut bounds);
        assert!(bounds.iter().zip(&minima).all(|(bound, least)| bound.squared == *least && bound.seen == 5));
    }

    proptest! {
        #[test]
        fn distances_match_explicit_outer_products(
            raw in prop::collection::vec(0.01f32..1.0, 5 * 4),
            h in prop::collection::vec(-2.0f32..2.0, 5 * 3),
        ) {
            let mut p = Matrix::new(raw, 5, 4);
            for row in 0..5 {
                let sum: f32 = p.row(row).iter().sum();
                p.row_mut(row).iter_mut().for_each(|value| *value /= sum);
            }
            let h = Matrix::new(h, 5, 3);
            let ids: Vec<RowId> = (0..5).map(RowId).collect();
            let gradients = Gradients::new(p.view(), Rows::new(h.view(), &ids));
            let outer = |row: usize| -> Vec<f64> {
                let p = p.row(row);
                let top = (0..4).max_by(|&a, &b| p[a].total_cmp(&p[b]).then(b.cmp(&a))).unwrap();
                (0..12).map(|i| {
                    let (class, dim) = (i / 3, i % 3);
                    let r = f64::from(p[class]) - f64::from(class == top);
                    r * f64::from(h.row(row)[dim])
                }).collect()
            };
            for a in 0..5 {
                for b in 0..5 {
                    let plain: f64 = outer(a).iter().zip(outer(b)).map(|(x, y)| (x - y).powi(2)).sum();
                    prop_assert!((distance(&gradients, a, b) - plain).abs() < 1e-5 * (1.0 + plain));
                }
            }
        }
    }
}
