//! dynamicAL, last-layer variant: the candidates that would make training fastest.

use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::query::geometry::{Rows, lanes};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::{Score, top_places};
use crate::query::wrapper::class_balanced::predicted;
use crate::query::{Needs, PoolView, Strategy};
use crate::rng::Key;

const NEEDS: Needs = Needs { probabilities: true, embeddings: true, head: true, labels: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "dynamic_al",
        summary: "the largest growth of the last layer's squared gradient norm (embeddings)",
        paper: "Wang, Huang, Wu, Tong, Margenot & He, NeurIPS 2022",
        family: Family::Gradient,
        needs: NEEDS,
        cost: "time (n + L) C d, memory n C + C d",
        example: "dynamic_al",
        deterministic: true,
    },
    make: |params| {
        let factor = params.real("factor", 1.0, 0.0..=1e6)?;
        let redundancy = params.count("redundancy", 0, 1..=1_000_000)?;
        let strategy = DynamicAl { factor, redundancy };
        if redundancy == 0 { Built::score(strategy) } else { Built::batch(strategy) }
    },
};

/// `|g_u|^2 + 2 factor <g_u, g_L>`, where `g` is the gradient of the cross-entropy with respect to the
/// last layer's weights and biases, `g_L` the sum over the labelled rows with their labels, and `g_u` that
/// of a candidate with its predicted class. With `factor = 1` this is how much `|g_L|^2`, the rate at
/// which the loss falls under gradient flow, grows by adding the candidate.
///
/// With `redundancy = s`, after every `s` picks the inner product with the sum of the picks' gradients is
/// subtracted from each score, as the authors' code can.
pub struct DynamicAl {
    /// Weight of the inner product.
    pub factor: f64,
    /// Picks between two corrections; zero for none.
    pub redundancy: usize,
}

impl Score for DynamicAl {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let (candidates, labelled) = gradients(view)?;
        let mut total = Gradient::zeros(view.classes(), candidates.embeddings.width());
        (0..labelled.embeddings.len()).for_each(|place| total.add(&labelled, place));
        let inner = |place| candidates.norm(place) + 2.0 * self.factor * total.inner(&candidates, place);
        Ok((0..candidates.embeddings.len()).map(inner).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }
}

impl Strategy for DynamicAl {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let mut scores = self.score(view, key)?;
        let (candidates, _) = gradients(view)?;
        let step = if self.redundancy == 0 { usize::MAX } else { self.redundancy };
        let batch = batch.min(scores.len());
        let mut open: Vec<usize> = (0..scores.len()).collect();
        let mut picks = Vec::with_capacity(batch);
        while picks.len() < batch {
            let rows: Vec<RowId> = open.iter().map(|&place| view.candidates()[place]).collect();
            let left: Vec<f64> = open.iter().map(|&place| scores[place]).collect();
            let best = top_places(&rows, &left, step.min(batch - picks.len()))?;
            let taken: Vec<usize> = best.into_iter().map(|place| open[place]).collect();
            let mut added = Gradient::zeros(view.classes(), candidates.embeddings.width());
            taken.iter().for_each(|&place| added.add(&candidates, place));
            open.retain(|place| !taken.contains(place));
            open.iter().for_each(|&place| scores[place] -= added.inner(&candidates, place));
            picks.extend(taken.into_iter().map(|place| view.candidates()[place]));
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        NEEDS
    }
}

/// How much of the picks' true gain the sum of their scores is: the growth of the squared gradient norm
/// by the whole set, over the sum of each member's own. One where the picks' gradients are orthogonal to
/// each other; `None` where the scores sum to zero.
///
/// # Errors
/// If a signal that the strategy needs is missing or not finite.
pub fn approximation_ratio(view: &PoolView<'_>, picks: &[RowId]) -> Result<Option<f64>> {
    let scores = DynamicAl { factor: 1.0, redundancy: 0 }.score(view, Key::root(0))?;
    let (candidates, labelled) = gradients(view)?;
    let mut total = Gradient::zeros(view.classes(), candidates.embeddings.width());
    (0..labelled.embeddings.len()).for_each(|place| total.add(&labelled, place));
    let before = total.norm();
    let mut sum = 0.0;
    for place in picks.iter().filter_map(|row| view.candidates().binary_search(row).ok()) {
        total.add(&candidates, place);
        sum += scores[place];
    }
    Ok((sum != 0.0).then(|| (total.norm() - before) / sum))
}

/// Gradients `(p - onehot(class)) (h, 1)'` of several rows, in factored form.
struct Factored<'a> {
    residuals: Matrix,
    embeddings: Rows<'a>,
}

impl Factored<'_> {
    /// `|r|^2 (|h|^2 + 1)`.
    fn norm(&self, place: usize) -> f64 {
        let (r, h) = (self.residuals.row(place), self.embeddings.get(place));
        f64::from(lanes::dot(r, r)) * (f64::from(lanes::dot(h, h)) + 1.0)
    }
}

/// A sum of such gradients: weights `[C, d]`, then biases.
struct Gradient {
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl Gradient {
    fn zeros(classes: usize, width: usize) -> Self {
        Self { weights: vec![0.0; classes * width], bias: vec![0.0; classes] }
    }

    fn add(&mut self, of: &Factored<'_>, place: usize) {
        let (residual, h) = (of.residuals.row(place), of.embeddings.get(place));
        for (class, &r) in residual.iter().enumerate() {
            let r = f64::from(r);
            self.bias[class] += r;
            for (sum, &value) in self.weights[class * h.len()..][..h.len()].iter_mut().zip(h) {
                *sum += r * f64::from(value);
            }
        }
    }

    fn inner(&self, of: &Factored<'_>, place: usize) -> f64 {
        let (residual, h) = (of.residuals.row(place), of.embeddings.get(place));
        let along = |class: usize| -> f64 {
            let weights = &self.weights[class * h.len()..][..h.len()];
            weights.iter().zip(h).map(|(sum, &value)| sum * f64::from(value)).sum::<f64>() + self.bias[class]
        };
        residual.iter().enumerate().map(|(class, &r)| f64::from(r) * along(class)).sum()
    }

    fn norm(&self) -> f64 {
        self.weights.iter().chain(&self.bias).map(|value| value * value).sum()
    }
}

/// Of the candidates by predicted class, and of the labelled rows by label.
fn gradients<'a>(view: &PoolView<'a>) -> Result<(Factored<'a>, Factored<'a>)> {
    let (p, embeddings, head) = (view.probabilities()?, view.embeddings()?, view.head()?);
    let mut residuals = Matrix::new(p.values().to_vec(), p.rows(), p.cols());
    for row in 0..p.rows() {
        residuals.row_mut(row)[predicted(p.row(row))] -= 1.0;
    }
    let candidates = Factored { residuals, embeddings: view.candidate_rows(embeddings) };
    let labelled = view.labelled_rows(embeddings);
    let mut residuals = head.probabilities(labelled);
    for (row, &label) in view.labels().iter().enumerate() {
        residuals.row_mut(row)[label as usize] -= 1.0;
    }
    Ok((candidates, Factored { residuals, embeddings: labelled }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Head, Signals};
    use proptest::{collection, prop_assert, proptest};

    #[test]
    fn worked_example() {
        // g_S = (1, 0); candidates (.5, .5) and (-1, 0): as residuals over an embedding of nothing.
        let empty = Matrix::zeros(2, 0);
        let ids = [RowId(0), RowId(1)];
        let candidates = Factored {
            residuals: Matrix::new(vec![0.5, 0.5, -1.0, 0.0], 2, 2),
            embeddings: Rows::new(empty.view(), &ids),
        };
        let total = Gradient { weights: Vec::new(), bias: vec![1.0, 0.0] };
        for (place, expected) in [(0, 1.5), (1, -1.0)] {
            let found = candidates.norm(place) + 2.0 * total.inner(&candidates, place);
            assert!((found - expected).abs() < 1e-7);
            let mut with = Gradient { weights: Vec::new(), bias: vec![1.0, 0.0] };
            with.add(&candidates, place);
            assert!((with.norm() - total.norm() - expected).abs() < 1e-7);
        }
    }

    proptest! {
        /// The score is the growth of the squared norm, computed from explicit gradients.
        #[test]
        fn score_is_the_growth_of_the_norm(
            h in collection::vec(-2.0f32..2.0, 6 * 3),
            w in collection::vec(-1.0f32..1.0, 4 * 3),
            labels in collection::vec(0u32..4, 2),
        ) {
            let head = Head { weights: Matrix::new(w, 4, 3), bias: vec![0.1, -0.2, 0.3, 0.0] };
            let h = Matrix::new(h, 6, 3);
            let all: Vec<RowId> = (0..6).map(RowId).collect();
            let p = head.probabilities(Rows::new(h.view(), &all));
            let signals = Signals {
                probabilities: Some(p.gather(2..6)),
                embeddings: Some(h.clone()),
                head: Some(head),
                ..Signals::default()
            };
            let inputs = Matrix::zeros(6, 1);
            let view = PoolView::new(inputs.view(), &all[..2], &labels, &all[2..], 4, &signals);
            let explicit = |row: usize, class: usize| -> Vec<f64> {
                (0..4).flat_map(|c| {
                    let r = f64::from(p.row(row)[c]) - f64::from(u8::from(c == class));
                    (0..4).map(|j| r * if j < 3 { f64::from(h.row(row)[j]) } else { 1.0 }).collect::<Vec<_>>()
                }).collect()
            };
            let norm = |g: &[f64]| g.iter().map(|v| v * v).sum::<f64>();
            let add = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(b).map(|(x, y)| x + y).collect::<Vec<f64>>();
            let labelled = add(explicit(0, labels[0] as usize), explicit(1, labels[1] as usize));
            let scores = DynamicAl { factor: 1.0, redundancy: 0 }.score(&view, Key::root(0)).unwrap();
            let mut union = labelled.clone();
            for (place, &found) in scores.iter().enumerate() {
                let own = explicit(place + 2, predicted(p.row(place + 2)));
                let growth = norm(&add(labelled.clone(), own.clone())) - norm(&labelled);
                prop_assert!((found - growth).abs() < 1e-4, "{found} {growth}");
                union = add(union, own);
            }
            let sum: f64 = scores.iter().sum();
            if sum.abs() > 1e-2 {
                let ratio = approximation_ratio(&view, &all[2..]).unwrap().unwrap();
                prop_assert!((ratio - (norm(&union) - norm(&labelled)) / sum).abs() < 1e-2);
            }
        }
    }

    #[test]
    fn redundancy_avoids_what_was_picked() {
        // Rows 0 and 1 are twins with the largest scores; row 2 points elsewhere.
        let h = Matrix::new(vec![2.0, 0.0, 2.0, 0.0, 0.0, 1.9], 3, 2);
        let signals = Signals {
            probabilities: Some(Matrix::new(vec![0.5; 6], 3, 2)),
            embeddings: Some(h),
            head: Some(Head { weights: Matrix::zeros(2, 2), bias: vec![0.0; 2] }),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(3, 1);
        let ids: Vec<RowId> = (0..3).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &ids, 2, &signals);
        let ask = |redundancy| DynamicAl { factor: 1.0, redundancy }.select(&view, 2, Key::root(0)).unwrap();
        assert_eq!(ask(0), [RowId(0), RowId(1)]);
        assert_eq!(ask(1), [RowId(0), RowId(2)]);
    }
}
