//! k-means: one candidate for each of `b` clusters.

use super::Space;
use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::kmeans::{self, kmeans_scaled};
use crate::query::geometry::{Scale, Weights, nearest_distinct};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Size, Strategy};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "k_means",
        summary: "the candidate nearest each of b cluster centres of the normalised vectors (inputs)",
        paper: "Nguyen & Smeulders, ICML 2004; Bodo, Minier & Csato 2011",
        family: Family::Distribution,
        needs: Needs { inputs: true, ..Needs::NONE },
        cost: "time b n d + 50 b m d for m = n rows up to 50,000, beyond that m = 50 b, from 20,000 to 50,000; memory n + m d",
        example: "k_means",
        deterministic: false,
    },
    make: |params| {
        Built::batch(KMeansCentres { space: params.choice("space", &Space::INPUTS_FIRST)?, note: None })
    },
};

/// k-means with `k = b` over the candidates' vectors scaled to length one; each centre takes the nearest
/// candidate that no larger cluster took.
pub struct KMeansCentres {
    pub space: Space,
    note: Option<String>,
}

impl Strategy for KMeansCentres {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let rows = view.candidate_rows(self.space.of(view)?);
        let batch = batch.min(rows.len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        self.note = kmeans::note(rows.len(), batch);
        let clusters = kmeans_scaled(rows, Scale::Unit, Weights::Equal, batch, key);
        Ok(nearest_distinct(rows, &clusters, view.ties(key))
            .into_iter()
            .map(|place| rows.ids()[place])
            .collect())
    }

    fn needs(&self) -> Needs {
        self.space.needs()
    }

    fn kinds(&self) -> Kinds {
        Kinds::ALL
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        kmeans::memory(size.candidates, Scale::Unit, size.batch, size)
    }
}

#[cfg(test)]
pub(in crate::query) mod tests {
    use crate::data::{Matrix, RowId};
    use crate::query::{PoolView, Registry, Signals};
    use crate::rng::Key;

    /// Five blobs on a circle, twelve rows each: row `i` belongs to blob `i % 5`.
    pub fn blobs() -> Matrix {
        let values = (0..60).flat_map(|i| {
            let angle = (i % 5) as f32 * 1.2566 + (i / 5) as f32 * 0.004;
            [3.0 * angle.cos(), 3.0 * angle.sin()]
        });
        Matrix::new(values.collect(), 60, 2)
    }

    /// That a batch of five holds one row of each blob.
    pub fn takes_one_of_each_blob(name: &str) {
        let inputs = blobs();
        let candidates: Vec<RowId> = (0..60).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        for seed in 0..20 {
            let picks = Registry::builtin().build(name).unwrap().select(&view, 5, Key::root(seed)).unwrap();
            let mut found: Vec<u32> = picks.iter().map(|row| row.0 % 5).collect();
            found.sort_unstable();
            assert_eq!(found, [0, 1, 2, 3, 4], "{name}, seed {seed}");
        }
    }

    #[test]
    fn one_pick_per_blob() {
        takes_one_of_each_blob("k_means");
    }
}
