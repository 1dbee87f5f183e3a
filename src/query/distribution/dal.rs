//! Discriminative active learning: what can be told apart from the labelled rows is asked for.

use super::Space;
use crate::arch::NetSpec;
use crate::data::{Matrix, MatrixView, RowId};
use crate::error::Result;
use crate::learner::{Bank, Loss, ModelData, Optimiser, Start, Stop, TrainPlan};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;

/// Unlabelled rows per labelled row that the discriminator sees.
const UNLABELLED_PER_LABELLED: usize = 10;
/// Training ends once this share of the rows is told apart.
const ENOUGH: f64 = 0.98;
/// Columns below which the network is [`NARROW`], and [`WIDE`] otherwise.
const FEW_COLUMNS: usize = 30;
const NARROW: usize = 20;
const WIDE: usize = 256;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "dal",
        summary: "what a small network most surely tells apart from the labelled rows (embeddings)",
        paper: "Gissin & Shalev-Shwartz 2019; Du, Zhong & Shao, ICIP 2019",
        family: Family::Distribution,
        needs: Needs { embeddings: true, ..Needs::NONE },
        cost: "20 trainings of a 3 x 256 network on at most 11 L rows each; memory n d",
        example: "dal(sub_batches=2,epochs=5,width=8)",
        deterministic: false,
    },
    make: |params| {
        // Zero stands for a width by the number of columns.
        let width = params.count("width", 0, 1..=4_096)?;
        Built::batch(Dal {
            space: params.choice("space", &Space::EMBEDDINGS_FIRST)?,
            sub_batches: params.count("sub_batches", 20, 1..=1_000)?,
            epochs: params.count("epochs", 1_000, 1..=10_000)? as u32,
            width: (width > 0).then_some(width),
        })
    },
};

/// In `sub_batches` turns, a network of three hidden layers learns to tell the labelled rows and the picks
/// so far from a random part of the candidates (ten per labelled row; vectors standardised per column),
/// until it does so for more than 98 % of them after an epoch, or for `epochs` epochs; the candidates of that
/// part that are most surely unlabelled are picked. Without a label the first pick is random.
///
/// Turns, epochs, mini-batches of 32 rows, Adam's rate and the width (20 units below 30 columns, 256 otherwise) are
/// those of the authors' code over learned representations. Rows of both sides weigh the same, whatever their numbers,
/// as they do there: its class weights divide the number of rows by the zeros, and by the ones, among labels that are
/// one-hot by then, which gives one for both.
pub struct Dal {
    pub space: Space,
    /// Turns that the batch is split into.
    pub sub_batches: usize,
    /// The most epochs per turn.
    pub epochs: u32,
    /// Units per hidden layer; by the number of columns where `None`.
    pub width: Option<usize>,
}

impl Strategy for Dal {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = standardised(self.space.of(view)?);
        let batch = batch.min(view.candidates().len());
        let mut known: Vec<RowId> = view.labelled().to_vec();
        let mut open: Vec<RowId> = view.candidates().to_vec();
        let mut picks: Vec<RowId> = Vec::with_capacity(batch);
        let turn = batch.div_ceil(self.sub_batches).max(1);
        while picks.len() < batch {
            let key = key.at(picks.len() as u64);
            let wanted = turn.min(batch - picks.len());
            let most = known.len().saturating_mul(UNLABELLED_PER_LABELLED).max(wanted);
            let part = view.draws(key.named("part")).sample(&open, most);
            let part: Vec<RowId> = part.into_iter().map(|place| open[place]).collect();
            let chosen: Vec<RowId> = if known.is_empty() {
                part.into_iter().min_by_key(|&row| view.ties(key).rank(row)).into_iter().collect()
            } else {
                let surely = self.surely_unlabelled(vectors.view(), &known, &part, key)?;
                top_places(&part, &surely, wanted, view.ties(key))?
                    .into_iter()
                    .map(|place| part[place])
                    .collect()
            };
            open.retain(|row| !chosen.contains(row));
            known.extend_from_slice(&chosen);
            picks.extend(chosen);
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.space.needs()
    }

    fn memory(&self, size: &Size) -> u64 {
        // The standardised copy.
        size.vectors(size.candidates + size.labelled) + Size::items(size.candidates, 40)
    }
}

impl Dal {
    /// The probability of each of `part` to be unlabelled.
    fn surely_unlabelled(
        &self,
        vectors: MatrixView<'_>,
        known: &[RowId],
        part: &[RowId],
        key: Key,
    ) -> Result<Vec<f64>> {
        let width = self.width.unwrap_or(if vectors.cols() < FEW_COLUMNS { NARROW } else { WIDE });
        let rows: Vec<u32> = known.iter().chain(part).map(|row| row.0).collect();
        let labels: Vec<u32> = (0..rows.len()).map(|place| u32::from(place >= known.len())).collect();
        let bank = discriminator(vectors, &rows, &labels, width, self.epochs, key)?;
        let p = bank.probabilities(0, vectors, Some(&rows[known.len()..]));
        Ok((0..p.rows()).map(|place| f64::from(p.row(place)[1])).collect())
    }
}

/// A network of three hidden layers that was trained to tell rows of label 0 from rows of label 1, until it
/// does so for more than 98 % of them or for `epochs` epochs.
fn discriminator(
    vectors: MatrixView<'_>,
    rows: &[u32],
    labels: &[u32],
    width: usize,
    epochs: u32,
    key: Key,
) -> Result<Bank> {
    let spec = NetSpec::mlp(vectors.cols(), &[width; 3], 2)?;
    let mut bank = Bank::new(&spec, 1)?;
    let data = ModelData { inputs: vectors, rows, labels, validation: (&[], &[]), extra: None };
    for epoch in 0..epochs {
        let plan = TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            batch: 32,
            drop_last: false,
            stop: Stop::Epochs { epochs: 1 },
            start: if epoch == 0 { Start::Scratch } else { Start::Continue },
        };
        bank.fit(&[data], &plan, &[key.named("fit").at(u64::from(epoch))])?;
        if hits(&bank, vectors, rows, labels) as f64 > ENOUGH * rows.len() as f64 {
            break;
        }
    }
    Ok(bank)
}

/// How many of `rows` a [`discriminator`] tells rightly.
fn hits(bank: &Bank, vectors: MatrixView<'_>, rows: &[u32], labels: &[u32]) -> usize {
    let p = bank.probabilities(0, vectors, Some(rows));
    (0..rows.len()).filter(|&place| u32::from(p.row(place)[1] > 0.5) == labels[place]).count()
}

/// Zero mean and unit variance per column; constant columns become zero.
fn standardised(matrix: MatrixView<'_>) -> Matrix {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let (mut sums, mut squares) = (vec![0.0f64; cols], vec![0.0f64; cols]);
    for row in 0..rows {
        sums.iter_mut().zip(matrix.row(row)).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let means: Vec<f64> = sums.into_iter().map(|sum| sum / rows.max(1) as f64).collect();
    for row in 0..rows {
        for ((square, mean), &value) in squares.iter_mut().zip(&means).zip(matrix.row(row)) {
            *square += (f64::from(value) - mean).powi(2);
        }
    }
    let mut out = Matrix::zeros(rows, cols);
    for row in 0..rows {
        for (column, (out, &value)) in out.row_mut(row).iter_mut().zip(matrix.row(row)).enumerate() {
            let deviation = (squares[column] / rows as f64).sqrt();
            if deviation > 0.0 {
                *out = ((f64::from(value) - means[column]) / deviation) as f32;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Signals;

    /// Labels cover one of two blobs: nearly all picks come from the other.
    #[test]
    fn asks_for_what_the_labels_do_not_cover() {
        let n = 120;
        let values = (0..n * 2).map(|i| {
            let blob = if i / 2 % 2 == 0 { 0.0 } else { 4.0 };
            blob + ((i * 7919 % 101) as f32 / 101.0 - 0.5)
        });
        let signals = Signals { embeddings: Some(Matrix::new(values.collect(), n, 2)), ..Signals::default() };
        let inputs = Matrix::zeros(n, 1);
        let labelled: Vec<RowId> = (0..10).map(|i| RowId(i * 2)).collect();
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
        let view = PoolView::new(inputs.view(), &labelled, &[0; 10], &candidates, 2, &signals);
        let mut dal = Dal { space: Space::Embeddings, sub_batches: 2, epochs: 1_000, width: None };
        let picks = dal.select(&view, 20, Key::root(0)).unwrap();
        let other = picks.iter().filter(|row| row.0 % 2 == 1).count();
        assert!(other >= 19, "{other} of 20");
    }

    /// Of rows that cannot be told apart, the unlabelled share is learned; weights by size would make it one half.
    #[test]
    fn rows_of_both_sides_weigh_the_same() {
        let vectors = Matrix::new(vec![1.0; 110 * 3], 110, 3);
        let rows: Vec<RowId> = (0..110).map(RowId).collect();
        let dal = Dal { space: Space::Embeddings, sub_batches: 1, epochs: 500, width: Some(8) };
        let surely = dal.surely_unlabelled(vectors.view(), &rows[..10], &rows[10..], Key::root(0)).unwrap();
        assert!(surely.iter().all(|p| (p - 10.0 / 11.0).abs() < 0.06), "{}", surely[0]);
    }

    #[test]
    fn constant_columns_become_zero() {
        let out = standardised(Matrix::new(vec![1.0, 5.0, 3.0, 5.0], 2, 2).view());
        assert_eq!(out.values(), [-1.0, 0.0, 1.0, 0.0]);
    }
}
