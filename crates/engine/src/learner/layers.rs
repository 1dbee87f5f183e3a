//! A network cut at a layer: what its first blocks make of a row, and what the others make of that.
//!
//! Layer 0 is the inputs, and layer `k` what hidden block `k` puts out, behind its rectifier and without dropout.
//!
//! ```
//! use querist_engine::arch::NetSpec;
//! use querist_engine::learner::Network;
//!
//! // Two inputs, two hidden units that are the inputs' positive parts, and their difference as the first of two logits.
//! let weights = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0];
//! let network = Network::new(&NetSpec::mlp(2, &[2], 2)?, &weights)?;
//! let mut below = network.below(1)?;
//! assert_eq!(below.activations(&[3.0, -1.0]), [3.0, 0.0]);
//! let mut above = network.above(1)?;
//! assert_eq!(above.logits(&[3.0, 1.0]), [2.0, 0.0]);
//! // The derivative of the first logit by the two hidden values.
//! assert_eq!(above.slopes(&[1.0, 0.0]), [1.0, -1.0]);
//! # Ok::<(), querist_engine::error::Error>(())
//! ```

use super::error::LearnError;
use super::reverse::{Network, Tape, softmax};
use crate::data::{Matrix, MatrixView};
use crate::error::Result;

/// The blocks of a network up to a layer, for one row after another, in 64 bits.
#[derive(Clone, Debug)]
pub struct Below<'n> {
    network: &'n Network,
    tape: Tape,
    /// The buffer of the layer, and the first map behind it.
    cut: (usize, usize),
}

/// The blocks of a network behind a layer, for one row of activations after another, in 64 bits.
#[derive(Clone, Debug)]
pub struct Above<'n> {
    network: &'n Network,
    tape: Tape,
    cut: (usize, usize),
}

impl Network {
    /// The number of hidden layers.
    pub fn layers(&self) -> usize {
        self.program.cuts.len() - 1
    }

    /// The network up to `layer`.
    ///
    /// # Errors
    /// [`LearnError::Layer`] beyond the last hidden one.
    pub fn below(&self, layer: usize) -> Result<Below<'_>, LearnError> {
        Ok(Below { cut: self.cut(layer)?, tape: Tape::new(&self.program), network: self })
    }

    /// The network from `layer` on.
    ///
    /// # Errors
    /// [`LearnError::Layer`] beyond the last hidden one.
    pub fn above(&self, layer: usize) -> Result<Above<'_>, LearnError> {
        Ok(Above { cut: self.cut(layer)?, tape: Tape::new(&self.program), network: self })
    }

    fn cut(&self, layer: usize) -> Result<(usize, usize), LearnError> {
        let error = LearnError::Layer { found: layer, layers: self.layers() };
        self.program.cuts.get(layer).copied().ok_or(error)
    }

    /// The activations of `layer` at rows of `inputs`, all without `rows`: shape `[rows, units]`.
    pub(super) fn activations(
        &self,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        layer: usize,
    ) -> Result<Matrix> {
        let mut below = self.below(layer)?;
        let count = rows.map_or(inputs.rows(), <[u32]>::len);
        let mut out = Matrix::zeros(count, below.units());
        for at in 0..count {
            let values = below.activations(inputs.row(rows.map_or(at, |rows| rows[at] as usize)));
            out.row_mut(at).iter_mut().zip(values).for_each(|(out, &value)| *out = value as f32);
        }
        Ok(out)
    }

    /// Logits of rows of activations of `layer`, shape `[rows, outputs]`.
    pub(super) fn forward_from(&self, layer: usize, hidden: MatrixView<'_>) -> Result<Matrix> {
        let mut above = self.above(layer)?;
        if hidden.cols() != above.units() {
            let (expected, found) = (above.units(), hidden.cols());
            return Err(LearnError::Activations { layer, expected, found }.into());
        }
        let mut out = Matrix::zeros(hidden.rows(), self.spec().outputs());
        for at in 0..hidden.rows() {
            let row: Vec<f64> = hidden.row(at).iter().copied().map(f64::from).collect();
            let logits = above.logits(&row);
            out.row_mut(at).iter_mut().zip(logits).for_each(|(out, &value)| *out = value as f32);
        }
        Ok(out)
    }
}

impl Below<'_> {
    /// Units of the layer.
    pub fn units(&self) -> usize {
        self.network.program.buffers[self.cut.0]
    }

    /// The activations of the layer at `input`.
    ///
    /// # Panics
    /// If `input` has not the network's width.
    pub fn activations(&mut self, input: &[f32]) -> &[f64] {
        let Network { program, weights, .. } = self.network;
        self.tape.set_input(input);
        self.tape.forward_through(program, weights, 0..self.cut.1, &[]);
        self.tape.value(self.cut.0)
    }
}

impl Above<'_> {
    /// Units of the layer.
    pub fn units(&self) -> usize {
        self.network.program.buffers[self.cut.0]
    }

    /// Logits at these activations of the layer.
    ///
    /// # Panics
    /// If they are not as many as the layer has units.
    pub fn logits(&mut self, hidden: &[f64]) -> &[f64] {
        let Network { program, weights, .. } = self.network;
        self.tape.set(self.cut.0, hidden);
        self.tape.forward_through(program, weights, self.cut.1..program.maps.len(), &[]);
        self.tape.value(program.logits())
    }

    /// Class probabilities at these activations of the layer.
    ///
    /// # Panics
    /// As [`logits`](Self::logits).
    pub fn probabilities(&mut self, hidden: &[f64]) -> Vec<f64> {
        softmax(self.logits(hidden))
    }

    /// The derivative of a loss by the activations of the layer that [`logits`](Self::logits) was called with last, from its
    /// derivative by those logits. Where a rectifier is at its kink, it counts as closed.
    ///
    /// # Panics
    /// If there is not one number per logit.
    pub fn slopes(&mut self, by_logits: &[f64]) -> &[f64] {
        let Network { program, weights, .. } = self.network;
        self.tape.start_slopes(program.logits(), by_logits);
        self.tape.backward_through(program, weights, self.cut.1..program.maps.len(), true);
        self.tape.slope(self.cut.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Block, NetSpec};
    use crate::learner::{Bank, Learner};
    use crate::rng::Key;
    use rand::RngExt;

    fn specs() -> Vec<NetSpec> {
        vec![
            NetSpec::mlp(4, &[], 3).unwrap(),
            NetSpec::mlp(4, &[6, 5], 3).unwrap(),
            // An identity skip, and a projection.
            NetSpec::new(
                4,
                vec![Block::Dense { width: 5 }, Block::Residual { width: 5 }, Block::Residual { width: 3 }],
                3,
                0.0,
            )
            .unwrap(),
        ]
    }

    fn network(spec: &NetSpec) -> Network {
        let mut rng = Key::root(3).rng();
        let weights: Vec<f32> = (0..spec.parameters()).map(|_| rng.random::<f32>() * 1.6 - 0.8).collect();
        Network::new(spec, &weights).unwrap()
    }

    /// Whatever the layer, both halves together are the network.
    #[test]
    fn the_halves_make_a_whole() {
        for spec in specs() {
            let mut bank = Bank::new(&spec, 2).unwrap();
            bank.init(1, Key::root(8));
            let mut rng = Key::root(9).rng();
            let inputs = Matrix::new((0..20).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect(), 5, 4);
            let logits = bank.logits(1, inputs.view(), Some(&[4, 0]));
            for layer in 0..=spec.blocks().len() {
                let hidden = Learner::activations(&bank, 1, inputs.view(), Some(&[4, 0]), layer).unwrap();
                let found = bank.forward_from(1, layer, hidden.view()).unwrap();
                let apart = found.values().iter().zip(logits.values()).map(|(a, b)| (a - b).abs());
                assert!(apart.fold(0.0, f32::max) < 1e-5, "{spec}, layer {layer}");
            }
            let last = Learner::activations(&bank, 1, inputs.view(), None, spec.blocks().len()).unwrap();
            let embeddings = bank.embeddings(1, inputs.view(), None);
            assert!(last.values().iter().zip(embeddings.values()).all(|(a, b)| (a - b).abs() < 1e-6));
            let beyond = spec.blocks().len() + 1;
            let refused = Learner::activations(&bank, 1, inputs.view(), None, beyond).unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!("layer {beyond} of a network with {} hidden ones", beyond - 1)
            );
            let refused = bank.forward_from(1, 0, Matrix::zeros(2, 3).view()).unwrap_err();
            assert_eq!(refused.to_string(), "layer 0: 3 activations per row, the network has 4");
        }
    }

    /// The entropy of the probabilities, as a loss, by inputs and by hidden values.
    #[test]
    fn slopes_are_finite_differences() {
        let entropy = |p: &[f64]| -p.iter().map(|p| p * p.ln()).sum::<f64>();
        for spec in specs() {
            let network = network(&spec);
            let mut rng = Key::root(5).rng();
            for layer in 0..=network.layers() {
                let mut above = network.above(layer).unwrap();
                let hidden: Vec<f64> = (0..above.units()).map(|_| rng.random::<f64>() * 2.0 - 0.7).collect();
                let p = above.probabilities(&hidden);
                let value = entropy(&p);
                let by_logits: Vec<f64> = p.iter().map(|p| -p * (p.ln() + value)).collect();
                let found = above.slopes(&by_logits).to_vec();
                assert_eq!(found.len(), hidden.len());
                for (at, &found) in found.iter().enumerate() {
                    let mut moved = |step: f64| {
                        let mut other = hidden.clone();
                        other[at] += step;
                        entropy(&above.probabilities(&other))
                    };
                    let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                    assert!((found - expected).abs() < 1e-8, "{spec} layer {layer}: {found} {expected}");
                }
            }
        }
    }
}
