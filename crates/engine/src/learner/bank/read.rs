//! What a bank's networks say of rows: logits, probabilities, embeddings, stochastic passes, accuracy.

use super::Bank;
use super::team::{CHUNK, DropKeys, Team};
use super::vector::LINE;
use crate::data::{Matrix, MatrixView};
use crate::learner::{Scores, largest};
use crate::rng::Key;

impl Bank {
    /// Logits of one network, shape `[rows, outputs]`; of all rows of `inputs` without `rows`.
    ///
    /// # Panics
    /// Here and in the other predictions: if there is no such lane or row, or `inputs` has not the
    /// network's width.
    pub fn logits(&self, lane: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        let logits = self.program.logits();
        self.predict(lane, inputs, rows, logits, |team, rows| team.forward(rows, 0, None, None))
    }

    /// Softmax probabilities of one network, shape `[rows, outputs]`.
    pub fn probabilities(&self, lane: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.predict(lane, inputs, rows, self.program.logits(), |team, rows| {
            team.forward(rows, 0, None, None);
            team.softmax(rows);
        })
    }

    /// Softmax probabilities of every network on its own inputs and rows: what one call of
    /// [`Bank::probabilities`] per lane gives, without setting up working memory for each.
    ///
    /// # Panics
    /// If there is not one of each per lane.
    pub fn probabilities_all(&self, inputs: &[MatrixView<'_>], rows: &[Option<&[u32]>]) -> Vec<Matrix> {
        assert!(inputs.len() == self.lanes && rows.len() == self.lanes, "inputs and rows of every lane");
        let mut team = self.reader();
        let one = |lane| {
            self.read(&mut team, lane, inputs[lane], rows[lane], self.program.logits(), |team, rows| {
                team.forward(rows, 0, None, None);
                team.softmax(rows);
            })
        };
        (0..self.lanes).map(one).collect()
    }

    /// Penultimate activations of one network, shape `[rows, embedding]`; the inputs themselves where it
    /// has no hidden block.
    pub fn embeddings(&self, lane: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        let embedding = self.program.embedding();
        self.predict(lane, inputs, rows, embedding, |team, rows| team.forward(rows, 0, None, None))
    }

    /// Softmax probabilities of `count` stochastic passes: see [`Learner::passes`](crate::learner::Learner::passes).
    pub fn passes(
        &self,
        lane: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        count: usize,
        rate: f32,
        key: Key,
    ) -> Vec<Matrix> {
        let pass = |t: usize| {
            let seed = key.at(t as u64).seed64();
            let mut keys = DropKeys { rate, keys: [[0; LINE]; 2] };
            (0..LINE).for_each(|lane| keys.set(lane, seed));
            let mut masks = None;
            self.predict(lane, inputs, rows, self.program.logits(), |team, rows| {
                let masks = masks.get_or_insert_with(|| team.masks(&keys));
                team.forward_masked(rows, masks);
                team.softmax(rows);
            })
        };
        (0..count).map(pass).collect()
    }

    /// The class of the largest logit (the first of equals) of every row, shape `[rows]`.
    pub fn classes(&self, lane: usize, inputs: MatrixView<'_>) -> Vec<u32> {
        largest(&self.logits(lane, inputs, None))
    }

    /// The share of rows whose largest logit (the first of equals) is their label's. Zero rows give 0.
    ///
    /// # Panics
    /// If there is not one label per row of `inputs`.
    pub fn accuracy(&self, lane: usize, inputs: MatrixView<'_>, labels: &[u32]) -> f64 {
        Scores::of(&self.classes(lane, inputs), labels, self.spec.outputs()).accuracy
    }

    fn predict(
        &self,
        lane: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        buffer: usize,
        run: impl FnMut(&mut Team, usize),
    ) -> Matrix {
        self.read(&mut self.reader(), lane, inputs, rows, buffer, run)
    }

    /// Working memory for predictions.
    fn reader(&self) -> Team {
        Team::new(&self.program, self.kernels, false, false)
    }

    /// Runs rows through one network in chunks and collects a buffer.
    fn read(
        &self,
        team: &mut Team,
        lane: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        buffer: usize,
        mut run: impl FnMut(&mut Team, usize),
    ) -> Matrix {
        assert_eq!(inputs.cols(), self.spec.inputs(), "columns of the inputs");
        let count = rows.map_or(inputs.rows(), <[u32]>::len);
        team.pack(0, self.own(lane));
        let mut out = Matrix::zeros(count, self.program.buffers[buffer]);
        for first in (0..count).step_by(CHUNK) {
            let chunk = CHUNK.min(count - first);
            for at in 0..chunk {
                let row = rows.map_or(first + at, |rows| rows[first + at] as usize);
                team.set_input(at, inputs.row(row));
            }
            run(team, chunk);
            for at in 0..chunk {
                out.row_mut(first + at).copy_from_slice(team.row(buffer, at));
            }
        }
        out
    }
}
