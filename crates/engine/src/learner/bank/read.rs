//! What a bank's networks say of rows: logits, probabilities, embeddings, stochastic passes, accuracy.

use super::Bank;
use super::tile::{CHUNK, DropKeys, Tile};
use super::vector::LINE;
use crate::data::{Matrix, MatrixView};
use crate::learner::{Scores, largest};
use crate::rng::Key;

impl Bank {
    /// Logits of one network, shape `[rows, outputs]`; of all rows of `inputs` without `rows`.
    ///
    /// # Panics
    /// Here and in the other predictions: if there is no such model or row, or `inputs` has not the
    /// network's width.
    pub fn logits(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        let logits = self.program.logits();
        self.predict(model, inputs, rows, logits, |tile, rows| tile.forward(rows, 0, None, None))
    }

    /// Softmax probabilities of one network, shape `[rows, outputs]`.
    pub fn probabilities(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.predict(model, inputs, rows, self.program.logits(), |tile, rows| {
            tile.forward(rows, 0, None, None);
            tile.softmax(rows);
        })
    }

    /// Softmax probabilities of every network on its own inputs and rows: what one call of
    /// [`Bank::probabilities`] per model gives, without setting up working memory for each.
    ///
    /// # Panics
    /// If there is not one of each per model.
    pub fn probabilities_all(&self, inputs: &[MatrixView<'_>], rows: &[Option<&[u32]>]) -> Vec<Matrix> {
        assert!(inputs.len() == self.models && rows.len() == self.models, "inputs and rows of every lane");
        let mut tile = self.reader();
        let one = |model| {
            self.read(&mut tile, model, inputs[model], rows[model], self.program.logits(), |tile, rows| {
                tile.forward(rows, 0, None, None);
                tile.softmax(rows);
            })
        };
        (0..self.models).map(one).collect()
    }

    /// Penultimate activations of one network, shape `[rows, embedding]`; the inputs themselves where it
    /// has no hidden block.
    pub fn embeddings(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        let embedding = self.program.embedding();
        self.predict(model, inputs, rows, embedding, |tile, rows| tile.forward(rows, 0, None, None))
    }

    /// Softmax probabilities of `count` stochastic passes: see [`Learner::passes`](crate::learner::Learner::passes).
    pub fn passes(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        count: usize,
        rate: f32,
        key: Key,
    ) -> Vec<Matrix> {
        let pass = |t: usize| {
            let seed = key.at(t as u64).seed64();
            let mut keys = DropKeys { rate, keys: [[0; LINE]; 2] };
            (0..LINE).for_each(|model| keys.set(model, seed));
            let mut masks = None;
            self.predict(model, inputs, rows, self.program.logits(), |tile, rows| {
                let masks = masks.get_or_insert_with(|| tile.masks(&keys));
                tile.forward_masked(rows, masks);
                tile.softmax(rows);
            })
        };
        (0..count).map(pass).collect()
    }

    /// The class of the largest logit (the first of equals) of every row, shape `[rows]`.
    pub fn classes(&self, model: usize, inputs: MatrixView<'_>) -> Vec<u32> {
        largest(&self.logits(model, inputs, None))
    }

    /// The share of rows whose largest logit (the first of equals) is their label's. Zero rows give 0.
    ///
    /// # Panics
    /// If there is not one label per row of `inputs`.
    pub fn accuracy(&self, model: usize, inputs: MatrixView<'_>, labels: &[u32]) -> f64 {
        Scores::of(&self.classes(model, inputs), labels, self.spec.outputs()).accuracy
    }

    fn predict(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        buffer: usize,
        run: impl FnMut(&mut Tile, usize),
    ) -> Matrix {
        self.read(&mut self.reader(), model, inputs, rows, buffer, run)
    }

    /// Working memory for predictions.
    fn reader(&self) -> Tile {
        Tile::new(&self.program, self.kernels, false, false)
    }

    /// Runs rows through one network in chunks and collects a buffer.
    fn read(
        &self,
        tile: &mut Tile,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        buffer: usize,
        mut run: impl FnMut(&mut Tile, usize),
    ) -> Matrix {
        assert_eq!(inputs.cols(), self.spec.inputs(), "columns of the inputs");
        let count = rows.map_or(inputs.rows(), <[u32]>::len);
        tile.pack(0, self.own(model));
        let mut out = Matrix::zeros(count, self.program.buffers[buffer]);
        for first in (0..count).step_by(CHUNK) {
            let chunk = CHUNK.min(count - first);
            for at in 0..chunk {
                let row = rows.map_or(first + at, |rows| rows[first + at] as usize);
                tile.set_input(at, inputs.row(row));
            }
            run(tile, chunk);
            for at in 0..chunk {
                out.row_mut(first + at).copy_from_slice(tile.row(buffer, at));
            }
        }
        out
    }
}
