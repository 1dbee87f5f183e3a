//! ALFA-Mix: candidates whose prediction changes when their embedding is mixed a little with those of labels.

use crate::data::{Matrix, MatrixView, RowId};
use crate::error::Result;
use crate::query::geometry::kmeans::{self, kmeans_scaled};
use crate::query::geometry::{Rows, Scale, Weights, lanes, mean, nearest_distinct};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::signals::Head;
use crate::query::wrapper::class_balanced::predicted;
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;
use rayon::prelude::*;

const NEEDS: Needs = Needs { probabilities: true, embeddings: true, head: true, labels: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "alfa_mix",
        summary: "cluster centres among candidates whose prediction changes when mixed a little with labelled classes (embeddings)",
        paper: "Parvaneh, Abbasnejad, Teney, Haffari, van den Hengel & Shi, CVPR 2022",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time n C d + 50 b n d, memory n d",
        example: "alfa_mix",
        deterministic: false,
    },
    make: |params| Built::batch(AlfaMix { step: params.real("step", 0.031_25, 1e-6..=1.0)? }),
};

/// Mixes the embedding `z` of a candidate with the mean embedding `z*` of every labelled class, `z + a (z* - z)` with a
/// coefficient per column. Those that raise the loss at the predicted class most, to first order and within a bound on
/// `a`, have a closed form, which comes to a step of `e |z* - z|` along the gradient by `z` (columns where the two are equal
/// aside). What is predicted otherwise after the step for any class is kept, for the smallest `e` of `step`, `2 step`, ..., 1 over
/// `sqrt d` that keeps `b`; of these, the candidate nearest each of `b` k-means centres of the normalised embeddings. The
/// rest of the batch is drawn at random.
pub struct AlfaMix {
    /// By how much the bound on coefficients grows until enough predictions change.
    pub step: f64,
}

impl Strategy for AlfaMix {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (p, head, embeddings) = (view.probabilities()?, view.head()?, view.embeddings()?);
        let rows = view.candidate_rows(embeddings);
        let batch = batch.min(rows.len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        let bounds = bounds(p, head, rows, &anchors(view, embeddings));
        let kept: Vec<RowId> =
            kept(&bounds, self.step, batch).into_iter().map(|place| rows.ids()[place]).collect();
        let mut picks = match kept.len() > batch {
            true => {
                let kept = Rows::new(embeddings, &kept);
                let clusters = kmeans_scaled(kept, Scale::Unit, Weights::Equal, batch, key.named("k-means"));
                let places = nearest_distinct(kept, &clusters, view.ties(key));
                places.into_iter().map(|place| kept.ids()[place]).collect()
            }
            false => kept,
        };
        let mut taken = picks.clone();
        taken.sort_unstable();
        let left: Vec<RowId> =
            rows.ids().iter().copied().filter(|row| taken.binary_search(row).is_err()).collect();
        let fill = view.draws(key.named("fill")).sample(&left, batch - picks.len());
        picks.extend(fill.into_iter().map(|place| left[place]));
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn memory(&self, size: &Size) -> u64 {
        Size::items(size.candidates, 24) + kmeans::memory(size.candidates, Scale::Unit, size.batch, size)
    }
}

/// The mean embedding of every class that has labels.
fn anchors(view: &PoolView<'_>, embeddings: MatrixView<'_>) -> Vec<Vec<f32>> {
    let of_class = |class: usize| {
        let labelled = view.labelled().iter().zip(view.labels());
        let ids: Vec<RowId> =
            labelled.filter(|&(_, &label)| label as usize == class).map(|(&row, _)| row).collect();
        (!ids.is_empty()).then(|| mean(Rows::new(embeddings, &ids)))
    };
    (0..view.classes()).filter_map(of_class).collect()
}

/// For each candidate, the least bound on coefficients, times the root of the width, at which its prediction changes; infinite where none does.
fn bounds(p: MatrixView<'_>, head: &Head, rows: Rows<'_>, anchors: &[Vec<f32>]) -> Vec<f64> {
    let products = inner_products(&head.weights);
    let (classes, root) = (head.bias.len(), (rows.width() as f64).sqrt());
    let one = |place: usize| {
        let z = rows.get(place);
        let apart = anchors.iter().map(|anchor| f64::from(lanes::squared_distance(z, anchor)));
        let apart = apart.fold(0.0, f64::max).sqrt();
        let own = predicted(p.row(place));
        let logit =
            |class: usize| f64::from(lanes::dot(head.weights.row(class), z)) + f64::from(head.bias[class]);
        // The gradient is the sum of the classes' weights by what the probabilities are off from the prediction.
        let off = |class: usize| f64::from(p.row(place)[class]) - f64::from(u8::from(class == own));
        let along: Vec<f64> = (0..classes)
            .map(|class| (0..classes).map(|k| products[class * classes + k] * off(k)).sum())
            .collect();
        let length = (0..classes).map(|class| off(class) * along[class]).sum::<f64>().max(0.0).sqrt();
        if !(apart > 0.0 && length > 0.0) {
            return f64::INFINITY;
        }
        let of_own = logit(own);
        let steps = (0..classes).filter(|&class| class != own).filter_map(|class| {
            let nearing = (along[class] - along[own]) / length;
            (nearing > 0.0).then(|| (of_own - logit(class)).max(0.0) / nearing)
        });
        let least = steps.fold(f64::INFINITY, f64::min) / apart * root;
        if least.is_nan() { f64::INFINITY } else { least }
    };
    (0..rows.len()).into_par_iter().map(one).collect()
}

/// Inner products of all pairs of rows.
fn inner_products(matrix: &Matrix) -> Vec<f64> {
    let rows = 0..matrix.rows();
    let of = |a: usize| rows.clone().map(move |b| f64::from(lanes::dot(matrix.row(a), matrix.row(b))));
    rows.clone().flat_map(of).collect()
}

/// Places, ascending, of what changes under the smallest multiple of `step` that changes `batch` predictions, at most one.
fn kept(bounds: &[f64], step: f64, batch: usize) -> Vec<usize> {
    let mut sorted = bounds.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let needed = sorted.get(batch - 1).copied().unwrap_or(f64::INFINITY);
    let most = ((needed / step).ceil().max(1.0) * step).min(1.0);
    (0..bounds.len()).filter(|&place| bounds[place] <= most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ExamplePool;

    /// A step along the gradient that is a little longer changes the prediction, and one a little shorter does not.
    #[test]
    fn bounds_are_where_predictions_change() {
        let pool = ExamplePool::new(40, 6, 3);
        let view = pool.view();
        let (head, embeddings) = (view.head().unwrap(), view.embeddings().unwrap());
        let rows = view.candidate_rows(embeddings);
        let p = head.probabilities(rows);
        let anchors = anchors(&view, embeddings);
        assert_eq!(anchors.len(), 3);
        let mut changing = 0;
        for (place, bound) in bounds(p.view(), head, rows, &anchors).into_iter().enumerate() {
            if bound.is_infinite() {
                continue;
            }
            changing += 1;
            let (z, own) = (rows.get(place), predicted(p.row(place)));
            let gradient: Vec<f32> = (0..6)
                .map(|j| {
                    (0..3)
                        .map(|c| (p.row(place)[c] - f32::from(u8::from(c == own))) * head.weights.row(c)[j])
                        .sum()
                })
                .collect();
            let length = lanes::dot(&gradient, &gradient).sqrt();
            let apart = anchors.iter().map(|a| lanes::squared_distance(z, a)).fold(0.0, f32::max).sqrt();
            let after = |factor: f64| {
                let step = (bound * factor / 6f64.sqrt()) as f32 * apart / length;
                let moved: Vec<f32> = z.iter().zip(&gradient).map(|(z, g)| z + step * g).collect();
                let moved = Matrix::new(moved, 1, 6);
                predicted(head.probabilities(Rows::new(moved.view(), &[RowId(0)])).row(0))
            };
            assert_eq!(after(0.99), own);
            assert_ne!(after(1.01), own);
        }
        assert!(changing > 20, "{changing}");
    }

    #[test]
    fn the_bound_grows_until_enough_change() {
        let bounds = [0.05, 0.9, 0.02, 0.07, f64::INFINITY, 1.2];
        assert_eq!(kept(&bounds, 0.03, 1), [2]);
        assert_eq!(kept(&bounds, 0.03, 2), [0, 2]);
        assert_eq!(kept(&bounds, 0.04, 2), [0, 2, 3]);
        assert_eq!(kept(&bounds, 0.03, 5), [0, 1, 2, 3], "no bound is larger than one");
    }
}
