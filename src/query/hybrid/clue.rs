//! CLUE: clusters of the embeddings, weighted by how unsure the model is.

use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::{Scale, Weights, kmeans, nearest_distinct};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::uncertainty::entropy;
use crate::query::wrapper::scaled::tempered;
use crate::query::{Needs, PoolView, Size, Strategy, subsample};
use crate::rng::Key;

const NEEDS: Needs = Needs { probabilities: true, embeddings: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "clue",
        summary: "the candidate nearest each of b cluster centres weighted by entropy (embeddings)",
        paper: "Prabhu, Chandrasekaran, Saenko & Hoffman, ICCV 2021",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "ten times b n d + 50 b m d for m = n rows up to 50,000, beyond that once, for m = 50 b, from 20,000 to 50,000; memory n C + b d",
        example: "clue",
        deterministic: false,
    },
    make: |params| Built::batch(Clue::new(params.real("temperature", 1.0, 0.01..=100.0)?)),
};

/// Weighted k-means with `k = b` over the candidates' embeddings; a weight is the entropy of
/// `softmax(z / temperature)`; of ten starts the one of the smallest weighted cost is kept, as in the authors' code (above 50,000 candidates, where centres are
/// those of a part of the pool, there is one start). Each centre takes the nearest candidate that no larger cluster took.
pub struct Clue {
    /// Below one, only the least sure candidates move the centres (the paper uses .1 for hard shifts).
    pub temperature: f64,
    note: Option<String>,
}

impl Clue {
    /// With weights at this temperature.
    pub fn new(temperature: f64) -> Self {
        Self { temperature, note: None }
    }
}

impl Strategy for Clue {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let p = tempered(view.probabilities()?, self.temperature as f32);
        let rows = view.candidate_rows(view.embeddings()?);
        let batch = batch.min(rows.len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        let weights: Vec<f64> = (0..p.rows()).map(|row| entropy::of(p.row(row))).collect();
        let part = kmeans::note(rows.len(), batch);
        // Of a part of the pool, another start is worth less than what it costs.
        let starts = if part.is_some() { 1 } else { kmeans::STARTS };
        let one_start = part.is_some().then(|| "of one start".to_string());
        let clusters = kmeans::best_of(starts, rows, Scale::AsIs, Weights::Each(&weights), batch, key);
        self.note = subsample::join([part, one_start]);
        Ok(nearest_distinct(rows, &clusters, view.ties(key))
            .into_iter()
            .map(|place| rows.ids()[place])
            .collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        // The tempered probabilities, and the weights.
        let own = Size::items(size.candidates, 8 + 4 * size.classes as u64);
        own + kmeans::memory(size.candidates, Scale::AsIs, size.batch, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;

    #[test]
    fn worked_example() {
        // Entropies in the ratio .1 : .3 : .6 pull the centre of 0, 1, 10 to 6.3; the nearest point is 10.
        let share = |entropy: f64| {
            let (mut low, mut high) = (0.0f64, 0.5f64);
            for _ in 0..60 {
                let p = (low + high) / 2.0;
                let found = -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
                if found < entropy { low = p } else { high = p }
            }
            low as f32
        };
        let p = [0.1, 0.3, 0.6].iter().flat_map(|&h| [share(h), 1.0 - share(h)]).collect();
        let signals = Signals {
            probabilities: Some(Matrix::new(p, 3, 2)),
            embeddings: Some(Matrix::new(vec![0.0, 1.0, 10.0], 3, 1)),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(3, 1);
        let candidates: Vec<RowId> = (0..3).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        assert_eq!(Clue::new(1.0).select(&view, 1, Key::root(0)).unwrap(), [RowId(2)]);
        let weights: Vec<f64> =
            (0..3).map(|row| entropy::of(signals.probabilities.as_ref().unwrap().row(row))).collect();
        let rows = view.candidate_rows(view.embeddings().unwrap());
        let centre = kmeans(rows, Weights::Each(&weights), 1, Key::root(0)).centres.values()[0];
        assert!((centre - 6.3).abs() < 1e-4, "{centre}");
    }
}
