//! [`Fcn`]: networks over pixels as a learner.

use super::network::{LEVELS, Layout, Tape, Weights};
use super::training::train;
use crate::arch::{Block, NetSpec};
use crate::data::{Matrix, MatrixView};
use crate::error::Result;
use crate::learner::bank::{MAX_NUMBERS, check_fit, check_models};
use crate::learner::between;
use crate::learner::error::LearnError;
use crate::learner::plan::{FitReport, ModelData, Optimiser, Start, TrainPlan};
use crate::learner::reverse::sigmoid;
use crate::learner::{Learner, Loss};
use crate::rng::Key;
use rand::RngExt;
use rayon::prelude::*;

/// Rows that one thread predicts with one tape.
const CHUNK: usize = 16;

/// Networks of one [`NetSpec`] with a [`Block::EncoderDecoder`], trained each on its own images.
///
/// A logit is one of a pixel, and so is a probability, which is a sigmoid; rows of either have a column for every pixel. Embeddings are the means
/// of the deepest planes.
pub struct Fcn {
    spec: NetSpec,
    layout: Layout,
    models: Vec<Vec<f32>>,
}

impl Fcn {
    /// `models` networks whose weights are zero.
    ///
    /// # Errors
    /// What [`NetSpec::check`] refuses; [`LearnError::Lanes`]; [`LearnError::Plan`] for an architecture of another kind; [`LearnError::Memory`].
    pub fn new(spec: &NetSpec, models: usize) -> Result<Self> {
        spec.check()?;
        check_models(models)?;
        let layout = layout(spec)?;
        let parameters = layout.parameters();
        let found = parameters.saturating_mul(models).saturating_add(layout.numbers());
        if found > MAX_NUMBERS {
            return Err(LearnError::Memory { models, parameters, found, limit: MAX_NUMBERS }.into());
        }
        Ok(Self { spec: spec.clone(), models: vec![vec![0.0; layout.parameters()]; models], layout })
    }

    /// What `read` says of every row, in order, after it went through `pass`.
    fn each(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        width: usize,
        read: impl Fn(&mut Tape<f32>, &Weights<f32>, &[f32], &mut [f32]) + Sync,
    ) -> Matrix {
        let count = rows.map_or(inputs.rows(), <[u32]>::len);
        let wide: Vec<f64> = self.models[model].iter().map(|&weight| f64::from(weight)).collect();
        let weights = Weights::of(&self.layout, &wide);
        let mut out = Matrix::zeros(count, width);
        out.values_mut().par_chunks_mut(CHUNK * width).enumerate().for_each(|(chunk, out)| {
            let mut tape = Tape::new(&self.layout);
            for (at, out) in out.chunks_exact_mut(width).enumerate() {
                let at = chunk * CHUNK + at;
                let row = rows.map_or(at, |rows| rows[at] as usize);
                read(&mut tape, &weights, inputs.row(row), out);
            }
        });
        out
    }
}

/// The layout of the one architecture that there is.
pub(super) fn layout(spec: &NetSpec) -> Result<Layout, LearnError> {
    match spec.blocks() {
        &[Block::EncoderDecoder { image, filters }] => Ok(Layout::new(image, filters)),
        _ => Err(LearnError::Plan {
            field: "architecture",
            found: spec.to_string(),
            expected: "an encoder and decoder alone",
        }),
    }
}

/// Refuses how no network over pixels is trained.
pub(super) fn check(
    spec: &NetSpec,
    data: &[ModelData<'_>],
    plan: &TrainPlan,
    keys: &[Key],
    models: usize,
) -> Result<()> {
    check_fit(spec, models, data, plan, keys)?;
    let wrong = |field, found: String, expected| Err(LearnError::Plan { field, found, expected }.into());
    if plan.loss != Loss::CrossEntropyDice {
        return wrong("loss", format!("{:?} for {spec}", plan.loss), "that of masks");
    }
    if let Optimiser::Lbfgs { .. } = plan.optimiser {
        return wrong("optimiser", "lbfgs".into(), "one that makes gradient steps");
    }
    if plan.start == Start::Continue {
        let expected = "scratch or warm: these networks forget the optimiser's state";
        return wrong("start", "continue".into(), expected);
    }
    if let Some(extra) = data.iter().find_map(|data| data.extra) {
        return wrong("extra", format!("{} virtual rows", extra.weights.len()), "none: an image has a mask");
    }
    Ok(())
}

/// Draws the weights of a network uniformly in `±sqrt(6 / fan_in)` (He et al., ICCV 2015), map by map; biases are zero.
pub(super) fn draw(layout: &Layout, key: Key) -> Vec<f32> {
    let mut rng = key.rng();
    let mut weights = Vec::with_capacity(layout.parameters());
    for (fan_in, count) in layout.drawn() {
        let (bound, outputs) = ((6.0 / fan_in as f32).sqrt(), count / (fan_in + 1));
        weights.extend((0..count - outputs).map(|_| bound * (rng.random::<f32>() * 2.0 - 1.0)));
        weights.extend((0..outputs).map(|_| 0.0));
    }
    weights
}

impl Fcn {
    /// The weights of another network, for network `model`.
    fn fitting(&self, model: usize, other: &dyn Learner, from: usize) -> Result<Vec<f32>> {
        let weights = other.weights(from);
        let (expected, found) = (self.layout.parameters(), weights.len());
        match found == expected {
            true => Ok(weights),
            false => Err(LearnError::Weights { model, expected, found }.into()),
        }
    }
}

impl Learner for Fcn {
    fn spec(&self) -> &NetSpec {
        &self.spec
    }

    fn models(&self) -> usize {
        self.models.len()
    }

    fn fit(&mut self, data: &[ModelData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>> {
        let plan = &plan.of(&self.spec);
        check(&self.spec, data, plan, keys, self.models.len())?;
        let layout = &self.layout;
        let fit = |((weights, &data), &key): ((&mut Vec<f32>, &ModelData<'_>), &Key)| {
            if plan.start == Start::Scratch {
                *weights = draw(layout, key.named("weights"));
            }
            let mut parameters: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
            let report = train(layout, None, &mut parameters, data, plan, key);
            weights.iter_mut().zip(parameters).for_each(|(weight, trained)| *weight = trained as f32);
            report
        };
        Ok(self.models.par_iter_mut().zip(data).zip(keys).map(fit).collect())
    }

    fn init(&mut self, model: usize, key: Key) {
        self.models[model] = draw(&self.layout, key);
    }

    fn adopt(&mut self, model: usize, other: &dyn Learner, from: usize) -> Result<()> {
        self.models[model] = self.fitting(model, other, from)?;
        Ok(())
    }

    fn approach(&mut self, model: usize, other: &dyn Learner, from: usize, share: f32) -> Result<()> {
        let weights = self.fitting(model, other, from)?;
        self.models[model] = between(&self.models[model], weights, share);
        Ok(())
    }

    fn logits(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.each(model, inputs, rows, self.layout.pixels(), |tape, weights, image, out| {
            out.copy_from_slice(tape.forward(&self.layout, weights, image));
        })
    }

    /// Sigmoids.
    fn probabilities(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.each(model, inputs, rows, self.layout.pixels(), |tape, weights, image, out| {
            let logits = tape.forward(&self.layout, weights, image);
            out.iter_mut().zip(logits).for_each(|(p, &logit)| *p = sigmoid(f64::from(logit)) as f32);
        })
    }

    fn embeddings(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        let deepest = LEVELS - 1;
        self.each(model, inputs, rows, self.layout.planes(deepest), |tape, weights, image, out| {
            tape.encode(&self.layout, weights, image);
            let means = tape.means(&self.layout, deepest);
            out.iter_mut().zip(means).for_each(|(own, mean)| *own = mean as f32);
        })
    }

    /// There is no dropout: every pass is the network itself.
    fn passes(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        count: usize,
        _rate: f32,
        _key: Key,
    ) -> Vec<Matrix> {
        let one = self.probabilities(model, inputs, rows);
        vec![one; count]
    }

    fn weights(&self, model: usize) -> Vec<f32> {
        self.models[model].clone()
    }
}
