//! A network over pixels with a module that predicts its loss.

use super::learner::{check, draw, layout};
use super::loss::loss;
use super::network::{Layout, Tape, Weights};
use super::training::{Module, train};
use crate::arch::NetSpec;
use crate::data::MatrixView;
use crate::data::mask::mask_words;
use crate::error::Result;
use crate::learner::error::LearnError;
use crate::learner::loss_prediction::LossModule;
use crate::learner::plan::{ModelData, TrainPlan};
use crate::rng::Key;

/// See [`LossPredictor`](crate::learner::LossPredictor): the module taps the means of the planes of all three levels, and what it predicts is the
/// loss of a whole mask.
#[derive(Clone, Debug)]
pub struct MaskLossPredictor {
    layout: Layout,
    module: Module,
    parameters: Vec<f64>,
}

impl MaskLossPredictor {
    /// As [`LossPredictor::fit`](crate::learner::LossPredictor::fit).
    pub fn fit(
        spec: &NetSpec,
        start: Option<&[f32]>,
        data: ModelData<'_>,
        plan: &TrainPlan,
        module: &LossModule,
        key: Key,
    ) -> Result<Self> {
        check(spec, &[data], plan, &[key], 1)?;
        let layout = layout(spec)?;
        let module = Module::new(&layout, *module);
        let own = match start {
            None => draw(&layout, key.named("weights")),
            Some(start) => start.to_vec(),
        };
        let (expected, found) = (layout.parameters(), own.len());
        if found != expected {
            return Err(LearnError::Weights { model: 0, expected, found }.into());
        }
        let mut parameters: Vec<f64> = own.into_iter().map(f64::from).collect();
        module.taps.start(key.named("loss module"), &mut parameters);
        train(&layout, Some(&module), &mut parameters, data, plan, key);
        Ok(Self { layout, module, parameters })
    }

    /// The predicted loss of each of `rows`.
    pub fn predicted(&self, inputs: MatrixView<'_>, rows: &[u32]) -> Vec<f64> {
        let (mut tape, weights) =
            (Tape::<f32>::new(&self.layout), Weights::of(&self.layout, &self.parameters));
        let of = |&row: &u32| {
            tape.encode(&self.layout, &weights, inputs.row(row as usize));
            self.module.predict(&self.layout, &self.parameters, &tape).loss
        };
        rows.iter().map(of).collect()
    }

    /// The loss of each of `rows` under the network itself, against their masks.
    pub fn losses(&self, inputs: MatrixView<'_>, rows: &[u32], masks: &[u32]) -> Vec<f64> {
        let words = mask_words(self.layout.pixels());
        assert_eq!(rows.len() * words, masks.len(), "one mask per row");
        let (mut tape, weights) =
            (Tape::<f32>::new(&self.layout), Weights::of(&self.layout, &self.parameters));
        let mut slopes = Vec::new();
        let of = |(&row, mask): (&u32, &[u32])| {
            let logits = tape.forward(&self.layout, &weights, inputs.row(row as usize));
            loss(logits.iter().map(|&logit| f64::from(logit)), mask, &mut slopes)
        };
        rows.iter().zip(masks.chunks(words)).map(of).collect()
    }

    /// The network's weights without the module's.
    pub fn weights(&self) -> Vec<f32> {
        self.parameters[..self.layout.parameters()].iter().map(|&weight| weight as f32).collect()
    }
}
