//! Classifiers whose first layers are an encoder's: fine-tuned with the head, or trained in turn with it.
//!
//! An encoder `inputs → hidden → code` has a linear code, and a hidden layer of a classifier a rectifier. So the code becomes a layer of twice
//! as many units, every number and its negative, behind which a linear map can make of the code what it could make of it as it is.

use super::plan::{EpisodeError, EpisodePlan};
use crate::arch::Block;
use crate::data::{MatrixView, Task};
use crate::error::Result;
use crate::learner::{Bank, Encoder, FitReport, Learner, ModelData, Start, Stop, TrainPlan};
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// What becomes of an encoder's layers in a classifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// They stay as they are: the classifier is trained on codes.
    #[default]
    Frozen,
    /// Every fit starts from them, and trains all layers.
    FineTuned,
    /// Every fit starts from them, and trains in one epoch the layers behind them and in the next these.
    Alternating,
}

/// The first layers of a classifier, learned on a pool without labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Pretrained {
    /// In the order of the engine's weights.
    weights: Vec<f32>,
    /// Numbers of an input, units of the encoder's hidden layer, and of the code's.
    units: [usize; 3],
    training: Training,
}

impl Pretrained {
    /// The layers of `encoder`, with codes that have mean 0 and variance 1 over the rows of `pool`.
    pub(super) fn of(encoder: &Encoder, pool: MatrixView<'_>, training: Training) -> Self {
        let spec = encoder.spec();
        let (hidden, code) = (spec.embedding(), spec.outputs());
        let (first, second) = encoder.weights().split_at((spec.inputs() + 1) * hidden);
        let codes = encoder.codes(pool);
        let n = codes.rows() as f64;
        let moments: Vec<(f64, f64)> = (0..code)
            .map(|at| {
                let of = || (0..codes.rows()).map(|row| f64::from(codes.row(row)[at]));
                let mean = of().sum::<f64>() / n;
                let variance = of().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                (mean, if variance > 0.0 { 1.0 / variance.sqrt() } else { 0.0 })
            })
            .collect();
        let mut weights = first.to_vec();
        for (unit, row) in second.chunks_exact(code).enumerate() {
            let scaled: Vec<f32> = (row.iter().zip(&moments))
                .map(|(&weight, (mean, factor))| {
                    let own = f64::from(weight) - if unit == hidden { *mean } else { 0.0 };
                    (own * factor) as f32
                })
                .collect();
            weights.extend(scaled.iter().flat_map(|&weight| [weight, -weight]));
        }
        Self { weights, units: [spec.inputs(), hidden, 2 * code], training }
    }

    /// The hidden blocks that a classifier begins with.
    pub fn blocks(encoder: &crate::learner::EncoderPlan) -> [Block; 2] {
        [Block::Dense { width: encoder.hidden }, Block::Dense { width: 2 * encoder.dimensions }]
    }

    /// Refuses a plan whose classifiers do not begin with these layers, or whose fits do not start from them.
    pub(super) fn check(&self, plan: &EpisodePlan, task: &Task) -> Result<(), EpisodeError> {
        let units = |at: usize| plan.blocks.get(at).and_then(Block::units);
        let refused = |why: &str| {
            let (task, why) = (task.name().to_string(), why.to_string());
            Err(EpisodeError::Pretrained { task, why })
        };
        if [0, 1].map(units) != [1, 2].map(|at| Some(self.units[at])) || task.width() != self.units[0] {
            return refused(&format!(
                "its classifier does not begin with dense layers of {} and {} units on {} inputs",
                self.units[1], self.units[2], self.units[0]
            ));
        }
        if plan.train.start != Start::Scratch {
            return refused("fits go on from the round before, and not from the encoder");
        }
        if plan.ensemble > 1 || !plan.device.is_cpu() {
            return refused("a classifier is an ensemble, or is fitted on a device");
        }
        let made = plan.augment.is_some() || plan.consistency.is_some() || plan.generator.is_some();
        let in_turn = self.training == Training::Alternating;
        if in_turn && (made || !matches!(plan.train.stop, Stop::Epochs { .. })) {
            return refused("layers are trained in turn, which takes epochs of labelled rows alone");
        }
        Ok(())
    }
}

/// Fits the networks of `bank`, each from its own first layers and a head that is drawn.
///
/// # Errors
/// As [`Learner::fit`].
pub(super) fn fit(
    bank: &mut dyn Learner,
    starts: &[&Pretrained],
    data: &[ModelData<'_>],
    train: &TrainPlan,
    keys: &[Key],
) -> Result<Vec<FitReport>> {
    let mut scratch = Bank::new(bank.spec(), 1)?;
    for (model, (start, key)) in starts.iter().zip(keys).enumerate() {
        scratch.init(0, key.named("weights"));
        let mut weights = scratch.weights(0).to_vec();
        weights[..start.weights.len()].copy_from_slice(&start.weights);
        scratch.set_weights(0, &weights)?;
        bank.adopt(model, &scratch, 0)?;
    }
    let warm = TrainPlan { start: Start::Warm, ..*train };
    let (Training::Alternating, Stop::Epochs { epochs }) = (starts[0].training, train.stop) else {
        return bank.fit(data, &warm, keys);
    };
    let mut reports: Vec<FitReport> = Vec::new();
    for epoch in 0..epochs {
        // The optimiser remembers the steps of this fit alone.
        let start = if epoch == 0 { Start::Warm } else { Start::Continue };
        let one = TrainPlan { stop: Stop::Epochs { epochs: 1 }, start, ..*train };
        let before: Vec<Vec<f32>> = (0..starts.len()).map(|model| bank.weights(model)).collect();
        let own: Vec<Key> = keys.iter().map(|key| key.named("turn").at(u64::from(epoch))).collect();
        let found = bank.fit(data, &one, &own)?;
        for (model, (mut weights, start)) in before.into_iter().zip(starts).enumerate() {
            let after = bank.weights(model);
            let trained = match epoch % 2 {
                0 => start.weights.len()..weights.len(),
                _ => 0..start.weights.len(),
            };
            weights[trained.clone()].copy_from_slice(&after[trained]);
            scratch.set_weights(0, &weights)?;
            bank.adopt(model, &scratch, 0)?;
        }
        reports = match reports.is_empty() {
            true => found,
            false => reports.iter().zip(found).map(|(first, next)| first.then(next)).collect(),
        };
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::NetSpec;
    use crate::data::{SplitPlan, embedded};
    use crate::episode::encoder::{CodeReaders, Encode, Encoders};
    use crate::episode::{EpisodePlan, Episodes, PreparedTask, Replicate};
    use crate::learner::EncoderPlan;
    use std::sync::Arc;

    const ENCODER: EncoderPlan =
        EncoderPlan { dimensions: 5, hidden: 12, epochs: 20, batch: 64, learning_rate: 1e-3 };

    fn digits() -> Task {
        let plan = SplitPlan { max_pool: 150, max_held: 60, ..SplitPlan::default() };
        Task::split(&embedded::load("digits").unwrap(), &plan, Key::root(1)).unwrap()
    }

    fn prepared(training: Training) -> Arc<PreparedTask> {
        let encode = Encode { plan: ENCODER, readers: CodeReaders::All, training, ..Encode::default() };
        encode.prepare(digits(), &Encoders::default(), Key::root(2)).unwrap()
    }

    fn plan(epochs: u32) -> EpisodePlan {
        let plan = EpisodePlan {
            blocks: Pretrained::blocks(&ENCODER).to_vec(),
            budget: 4,
            ..EpisodePlan::default()
        };
        EpisodePlan { train: TrainPlan { stop: Stop::Epochs { epochs }, ..plan.train }, ..plan }
    }

    /// A network that begins with the layers and whose head reads code `k` off its two units gives what the frozen codes are.
    #[test]
    fn layers_give_the_codes_that_a_frozen_encoder_gives() {
        let (frozen, tuned) = (prepared(Training::Frozen), prepared(Training::FineTuned));
        assert_eq!((frozen.task().width(), tuned.task().width()), (5, 64));
        assert_eq!(frozen.seen().values(), tuned.seen().values());
        let pretrained = tuned.pretrained().unwrap();
        let spec = NetSpec::mlp(64, &[12, 10], 5).unwrap();
        let mut weights = pretrained.weights.clone();
        for unit in 0..10 {
            weights.extend((0..5).map(|k| match unit / 2 == k {
                true => [1.0, -1.0][unit % 2],
                false => 0.0,
            }));
        }
        weights.extend([0.0; 5]);
        let mut bank = Bank::new(&spec, 1).unwrap();
        bank.set_weights(0, &weights).unwrap();
        let found = bank.logits(0, tuned.task().pool(), None);
        for (found, code) in found.values().iter().zip(frozen.seen().values()) {
            assert!((found - code).abs() < 1e-3 * code.abs().max(1.0), "{found} {code}");
        }
    }

    /// One epoch in turn moves the head alone, a second one the layers as well; fine-tuning moves all in the first.
    #[test]
    fn layers_are_trained_with_the_head_or_in_turn() {
        let weights = |training, epochs, learning_rate| {
            let prepared = prepared(training);
            let first = prepared.pretrained().unwrap().weights.clone();
            let own = plan(epochs);
            let own =
                EpisodePlan { train: TrainPlan { learning_rate, weight_decay: 0.0, ..own.train }, ..own };
            let episodes = Episodes::reset(&own, &[Replicate { prepared, key: Key::root(3) }]).unwrap();
            assert_eq!(episodes.state(0).steps, u64::from(epochs));
            let own = episodes.groups[0].bank.weights(0);
            (own[..first.len()] == first, own[first.len()..].to_vec())
        };
        let untrained = weights(Training::FineTuned, 1, 1e-30);
        assert!(untrained.0);
        let (in_turn, both, tuned) = (
            weights(Training::Alternating, 1, 0.01),
            weights(Training::Alternating, 2, 0.01),
            weights(Training::FineTuned, 1, 0.01),
        );
        assert!(in_turn.0 && in_turn.1 != untrained.1);
        assert!(!both.0 && both.1 == in_turn.1);
        assert!(!tuned.0 && tuned.1 != untrained.1);
    }

    #[test]
    fn plans_that_do_not_heed_it_are_refused() {
        let refused = |training, plan: &EpisodePlan| {
            let replicate = Replicate { prepared: prepared(training), key: Key::root(3) };
            Episodes::reset(plan, &[replicate]).err().unwrap().to_string()
        };
        let other = EpisodePlan { blocks: vec![Block::Dense { width: 12 }], ..plan(3) };
        let message = refused(Training::FineTuned, &other);
        assert!(message.contains("dense layers of 12 and 10 units on 64 inputs"), "{message}");
        let warm = EpisodePlan { train: TrainPlan { start: Start::Warm, ..plan(3).train }, ..plan(3) };
        assert!(refused(Training::FineTuned, &warm).contains("go on from the round before"));
        let train = TrainPlan { stop: Stop::Steps { steps: 3 }, ..plan(3).train };
        let steps = EpisodePlan { train, ..plan(3) };
        assert!(refused(Training::Alternating, &steps).contains("in turn"));
        assert_eq!(prepared(Training::Frozen).pretrained(), None);
    }
}
