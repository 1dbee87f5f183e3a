//! LCMD: largest cluster maximum distance, over the gradients of a network's last layer.

use super::kernel::Kernel;
use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::{blocks, lanes};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::{Kinds, Needs, PoolView, Size, Strategy};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "lcmd",
        summary: "of the cluster around a labelled row that is spread widest, the candidate farthest from it, again and again \
                  (last-layer gradients)",
        paper: "Holzmüller, Zaverkin, Kästner & Steinwart, JMLR 2023 (LCMD-TP)",
        family: Family::Regression,
        needs: Needs { embeddings: true, ..Needs::NONE },
        cost: "time (L + b) n d, memory n; of gradients sketched to s of P weights s P (n + L), and of a posterior s² (n + L)",
        example: "lcmd",
        deterministic: true,
    },
    make: |params| Built::batch(Lcmd { kernel: Kernel::read(params)? }),
};

/// Every candidate belongs to the nearest of the centres, which are the labelled rows and then the picks. A cluster's size
/// is the sum of squared distances to its centre; of the largest, the farthest candidate is picked.
///
/// The gradient of a prediction with respect to the weights of the last layer is the embedding and a 1 for the bias, so
/// distances are those of embeddings; `space=gradients` takes all layers. With nothing labelled, the first pick is the candidate of the largest gradient.
pub struct Lcmd {
    /// What distances are of.
    pub kernel: Kernel,
}

/// Which centre every candidate belongs to.
struct Clusters {
    /// Squared distance to the centre.
    squared: Vec<f32>,
    /// The centre's number.
    centre: Vec<u32>,
    centres: u32,
}

impl Clusters {
    fn new(candidates: usize) -> Self {
        Self { squared: vec![f32::INFINITY; candidates], centre: vec![0; candidates], centres: 0 }
    }

    /// Takes one more centre into account, from which the candidates are so far; the first of equally near ones keeps them.
    fn add(&mut self, distances: &[f32]) {
        for ((least, centre), &distance) in self.squared.iter_mut().zip(&mut self.centre).zip(distances) {
            if distance < *least {
                (*least, *centre) = (distance, self.centres);
            }
        }
        self.centres += 1;
    }

    /// The squared distances of the candidates in the largest cluster, and nothing of the others or of what is taken.
    fn scores(&self, taken: &[usize]) -> Vec<f64> {
        let mut sizes = vec![0.0f64; self.centres as usize];
        for (&centre, &squared) in self.centre.iter().zip(&self.squared) {
            sizes[centre as usize] += f64::from(squared);
        }
        let free = |place: usize| !taken.contains(&place);
        // Where all that are free lie on their centres, any of them will do.
        let largest = (0..self.centre.len())
            .filter(|&place| free(place))
            .map(|place| sizes[self.centre[place] as usize])
            .fold(f64::NEG_INFINITY, f64::max);
        let score = |place: usize| match free(place) && sizes[self.centre[place] as usize] == largest {
            true => f64::from(self.squared[place]),
            false => f64::NEG_INFINITY,
        };
        (0..self.centre.len()).map(score).collect()
    }
}

impl Strategy for Lcmd {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = self.kernel.vectors(view, key.named("kernel"))?;
        let vectors = vectors.view();
        let candidates = view.candidates();
        let rows = view.candidate_rows(vectors).to_matrix();
        let mut clusters = Clusters::new(candidates.len());
        let mut distances = vec![0.0f32; candidates.len()];
        let mut add = |clusters: &mut Clusters, row: RowId| {
            blocks::squared_distances_to(rows.values(), vectors.row(row.index()), &mut distances);
            clusters.add(&distances);
        };
        view.labelled().iter().for_each(|&row| add(&mut clusters, row));
        let mut picked: Vec<usize> = Vec::new();
        while picked.len() < batch.min(candidates.len()) {
            let scores = match clusters.centres {
                0 => (0..rows.rows()).map(|at| f64::from(lanes::dot(rows.row(at), rows.row(at)))).collect(),
                _ => clusters.scores(&picked),
            };
            let next = top_places(candidates, &scores, 1, view.ties(key))?[0];
            picked.push(next);
            add(&mut clusters, candidates[next]);
        }
        Ok(picked.into_iter().map(|place| candidates[place]).collect())
    }

    fn needs(&self) -> Needs {
        self.kernel.needs()
    }

    fn kinds(&self) -> Kinds {
        self.kernel.kinds()
    }

    fn memory(&self, size: &Size) -> u64 {
        self.kernel.memory(size)
            + size.vectors(size.candidates)
            + size.scores()
            + Size::items(size.candidates, 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;
    use crate::query::distribution::Space;

    fn picks(values: &[f32], labelled: &[u32], batch: usize) -> Vec<u32> {
        let matrix = Matrix::new(values.to_vec(), values.len(), 1);
        let signals = Signals { embeddings: Some(matrix.clone()), ..Signals::default() };
        let labelled: Vec<RowId> = labelled.iter().copied().map(RowId).collect();
        let candidates: Vec<RowId> =
            (0..values.len() as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
        let labels = vec![0; labelled.len()];
        let view = PoolView::new(matrix.view(), &labelled, &labels, &candidates, 1, &signals);
        let picks = Lcmd { kernel: Space::Embeddings.into() }.select(&view, batch, Key::root(1)).unwrap();
        picks.into_iter().map(|row| row.0).collect()
    }

    /// Centres 0 and 10 are labelled. Cluster 0 holds 1, 2, 2.5 (1 + 4 + 6.25 = 11.25), cluster 10 holds 13 (9): k-center would
    /// take 13, LCMD takes 2.5. Then cluster 0 holds 1 alone (1), 2.5 holds 2 (.25), and 13 is next; then 1.
    #[test]
    fn worked_example() {
        assert_eq!(picks(&[0.0, 10.0, 1.0, 2.0, 2.5, 13.0], &[0, 1], 3), [4, 5, 2]);
    }

    #[test]
    fn the_largest_gradient_comes_first_without_labels() {
        assert_eq!(picks(&[1.0, -5.0, 2.0], &[], 1), [1]);
    }

    #[test]
    fn what_repeats_a_centre_can_be_asked_for_once() {
        let mut all = picks(&[3.0, 3.0, 3.0, 3.0], &[0], 3);
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
    }
}
