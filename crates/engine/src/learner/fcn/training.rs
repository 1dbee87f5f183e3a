//! How a network over pixels is trained, with or without a module that learns to predict its loss.

use super::loss::loss;
use super::network::{LEVELS, Layout, Tape, Weights};
use super::scalar::Scalar;
use crate::data::mask::mask_words;
use crate::learner::descent::Descent;
use crate::learner::loss_prediction::taps::Taps;
use crate::learner::loss_prediction::{LossModule, ranking_loss};
use crate::learner::plan::{FitReport, ModelData, Stop, TrainPlan};
use crate::learner::schedule::ModelRun;
use crate::rng::Key;

/// A module that taps the means of every level's planes.
#[derive(Clone, Debug)]
pub struct Module {
    pub settings: LossModule,
    pub taps: Taps,
}

impl Module {
    pub fn new(layout: &Layout, settings: LossModule) -> Self {
        let activations = (0..LEVELS).map(|level| layout.planes(level));
        Self { settings, taps: Taps::new(settings.width, activations, layout.parameters()) }
    }

    /// The module's hidden units and the loss that it predicts of the image that a tape holds.
    pub fn predict<T: Scalar>(&self, layout: &Layout, parameters: &[f64], tape: &Tape<T>) -> Predicted {
        let means: [Vec<f64>; LEVELS] = std::array::from_fn(|level| tape.means(layout, level));
        let (hidden, loss) = self.taps.predict(parameters, &means.each_ref().map(Vec::as_slice));
        Predicted { means, hidden, loss }
    }
}

/// What a module says of one image.
pub struct Predicted {
    means: [Vec<f64>; LEVELS],
    hidden: Vec<f64>,
    pub loss: f64,
}

/// What a mini-batch costs.
pub struct Objective {
    /// Mean loss of the masks.
    pub target: f64,
    /// With the weighted ranking loss.
    pub total: f64,
}

/// The objective of a mini-batch of images with their masks, and its gradient by all `parameters`. Where the module does not steer, the
/// network's part of the gradient is that of the masks' loss alone.
pub fn objective<T: Scalar>(
    layout: &Layout,
    module: Option<(&Module, bool)>,
    parameters: &[f64],
    batch: &[(&[f32], &[u32])],
    tapes: &mut Vec<Tape<T>>,
    gradient: &mut [f64],
) -> Objective {
    let weights = Weights::<T>::of(layout, parameters);
    let share = 1.0 / batch.len() as f64;
    let mut sums = vec![T::ZERO; layout.parameters()];
    gradient.fill(0.0);
    // A module compares images with each other, so that all have to be forward before one can go back.
    let held = if module.is_some() { batch.len() } else { 1 };
    tapes.resize_with(held.max(tapes.len()), || Tape::new(layout));
    let (mut slopes, mut losses, mut predicted) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (image, mask)) in batch.iter().enumerate() {
        let tape = &mut tapes[at % held];
        let logits = tape.forward(layout, &weights, image);
        losses.push(loss(logits.iter().map(|logit| logit.wide()), mask, &mut slopes));
        slopes.iter_mut().for_each(|slope| *slope *= share);
        match module {
            None => tape.backward(layout, &weights, &slopes, None, &mut sums),
            Some((module, _)) => predicted.push((module.predict(layout, parameters, tape), slopes.clone())),
        }
    }
    let target = losses.iter().sum::<f64>() * share;
    let mut total = target;
    if let Some((module, steers)) = module {
        let Module { settings, taps } = module;
        let guesses: Vec<f64> = predicted.iter().map(|(predicted, _)| predicted.loss).collect();
        let (ranking, by_guess) = ranking_loss(&guesses, &losses, settings.margin);
        total += settings.weight * ranking;
        for (((own, slopes), by_guess), tape) in predicted.iter().zip(by_guess).zip(tapes) {
            let means = own.means.each_ref().map(Vec::as_slice);
            let of_means =
                taps.gradient(parameters, &means, &own.hidden, settings.weight * by_guess, gradient);
            let of_means: Option<[Vec<f64>; LEVELS]> = of_means.try_into().ok().filter(|_| steers);
            tape.backward(layout, &weights, slopes, of_means.as_ref(), &mut sums);
        }
    }
    gradient.iter_mut().zip(sums).for_each(|(own, sum)| *own += sum.wide());
    Objective { target, total }
}

/// Trains `parameters` with the optimiser, mini-batches and stop rule of `plan`; `key` feeds the stream `order`. Where a loss stops being
/// finite, the last parameters with a finite one are kept.
pub fn train(
    layout: &Layout,
    module: Option<&Module>,
    parameters: &mut Vec<f64>,
    data: ModelData<'_>,
    plan: &TrainPlan,
    key: Key,
) -> FitReport {
    let words = mask_words(layout.pixels());
    let mask = |place: usize| &data.labels[place * words..][..words];
    let detached_from = module.map_or(0.0, |module| {
        (module.settings.detach_after * f64::from(plan.steps_for(data.rows.len()))).ceil()
    });
    let mut descent = Descent::new(plan, parameters.len());
    let mut before = parameters.clone();
    let mut gradient = vec![0.0; parameters.len()];
    let mut tapes: Vec<Tape<f32>> = Vec::new();
    let mut run = ModelRun::new(data, plan, key);
    let mut made = 0.0;
    while run.is_active() {
        run.begin_step();
        let rows = run.rows_left();
        let places = (0..rows).map(|at| run.place(at));
        let batch: Vec<(&[f32], &[u32])> =
            places.map(|place| (run.input(data.rows[place]), mask(place))).collect();
        let module = module.map(|module| (module, made < detached_from));
        let objective = objective(layout, module, parameters, &batch, &mut tapes, &mut gradient);
        if !objective.total.is_finite() || gradient.iter().any(|value| !value.is_finite()) {
            run.diverge();
            *parameters = before;
            return run.report();
        }
        before.copy_from_slice(parameters);
        descent.step(parameters, &gradient);
        made += 1.0;
        let ended = run.end_step(objective.target * rows as f64, rows);
        let held = match plan.stop {
            Stop::Validation { .. } if ended => held_loss(layout, parameters, data, &mut tapes[0]),
            _ => 0.0,
        };
        if !run.goes_on(ended, held) {
            run.stop_here();
        }
    }
    if parameters.iter().any(|value| !value.is_finite()) {
        run.diverged_at_last();
        *parameters = before;
    }
    run.report()
}

/// The mean loss on the validation rows; zero without any.
fn held_loss(layout: &Layout, parameters: &[f64], data: ModelData<'_>, tape: &mut Tape<f32>) -> f64 {
    let weights = Weights::of(layout, parameters);
    let (rows, words) = data.validation;
    let mut slopes = Vec::new();
    let of = |(&row, mask): (&u32, &[u32])| {
        let logits = tape.forward(layout, &weights, data.inputs.row(row as usize));
        loss(logits.iter().map(|&logit| f64::from(logit)), mask, &mut slopes)
    };
    let sum: f64 = rows.iter().zip(words.chunks(mask_words(layout.pixels()))).map(of).sum();
    sum / rows.len().max(1) as f64
}
