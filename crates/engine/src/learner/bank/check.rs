//! What is checked before a bank trains: everything that a caller can get wrong.

use crate::arch::NetSpec;
use crate::data::TargetKind;
use crate::learner::error::LearnError;
use crate::learner::plan::{Loss, ModelData, Optimiser, Stop, TrainPlan};
use crate::rng::Key;

/// The most gradient steps or epochs of one training.
pub const MAX_STEPS: u32 = 100_000_000;
/// The most networks of one bank.
pub const MAX_LANES: usize = 65_536;

/// Refuses no networks at all, and too many.
pub fn check_models(models: usize) -> Result<(), LearnError> {
    if (1..=MAX_LANES).contains(&models) {
        Ok(())
    } else {
        Err(LearnError::Lanes { found: models, limit: MAX_LANES })
    }
}

/// Refuses a training of `models` networks that cannot be carried out.
pub fn check_fit(
    spec: &NetSpec,
    models: usize,
    data: &[ModelData<'_>],
    plan: &TrainPlan,
    keys: &[Key],
) -> Result<(), LearnError> {
    for (what, found) in [("data sets", data.len()), ("keys", keys.len())] {
        if found != models {
            return Err(LearnError::Count { what, expected: models, found });
        }
    }
    check_plan(plan)?;
    if let Optimiser::Lbfgs { .. } = plan.optimiser
        && (!spec.blocks().is_empty() || plan.loss != Loss::CrossEntropy)
    {
        return Err(LearnError::Plan {
            field: "optimiser",
            found: format!("lbfgs for {spec} with {:?}", plan.loss),
            expected: "a network without hidden blocks, and cross-entropy",
        });
    }
    if plan.loss.targets() == TargetKind::Real && spec.outputs() != plan.loss.outputs(0) {
        return Err(LearnError::Plan {
            field: "loss",
            found: format!("{:?} for {spec}", plan.loss),
            expected: match plan.loss {
                Loss::BetaNll => "a network of two outputs, for the mean and the logarithm of the variance",
                _ => "a network of one output, for the one number of a row",
            },
        });
    }
    data.iter().enumerate().try_for_each(|(model, data)| check_model(model, spec, data, plan))
}

/// Refuses a plan whose numbers are out of range.
pub fn check_plan(plan: &TrainPlan) -> Result<(), LearnError> {
    let wrong = |field, found: String, expected| Err(LearnError::Plan { field, found, expected });
    if !(plan.learning_rate.is_finite() && plan.learning_rate > 0.0) {
        return wrong("learning_rate", plan.learning_rate.to_string(), "a finite number above 0");
    }
    if !(plan.weight_decay.is_finite() && plan.weight_decay >= 0.0) {
        return wrong("weight_decay", plan.weight_decay.to_string(), "a finite number of at least 0");
    }
    if plan.batch == 0 {
        return wrong("batch", plan.batch.to_string(), "at least 1");
    }
    if let Optimiser::Lbfgs { ridge } = plan.optimiser
        && !(ridge.is_finite() && ridge > 0.0)
    {
        return wrong("ridge", ridge.to_string(), "a finite number above 0");
    }
    if let Optimiser::Sgd { momentum, nesterov } = plan.optimiser {
        if !(0.0..1.0).contains(&momentum) {
            return wrong("momentum", momentum.to_string(), "a number in [0, 1)");
        }
        if nesterov && momentum == 0.0 {
            return wrong("momentum", momentum.to_string(), "above 0 with Nesterov's rule");
        }
    }
    let (field, length) = match plan.stop {
        Stop::Steps { steps } => ("steps", steps),
        Stop::Epochs { epochs } | Stop::Validation { epochs, .. } => ("epochs", epochs),
        Stop::TrainLoss { epochs, loss } => {
            if !loss.is_finite() {
                return wrong("loss", loss.to_string(), "a finite number");
            }
            ("epochs", epochs)
        }
    };
    if !(1..=MAX_STEPS).contains(&length) {
        return wrong(field, length.to_string(), "1 to 100,000,000");
    }
    Ok(())
}

/// Refuses rows and labels that do not fit the network or each other.
pub fn check_model(
    model: usize,
    spec: &NetSpec,
    data: &ModelData<'_>,
    plan: &TrainPlan,
) -> Result<(), LearnError> {
    if data.inputs.cols() != spec.inputs() {
        return Err(LearnError::Width { model, expected: spec.inputs(), found: data.inputs.cols() });
    }
    if data.rows.is_empty() {
        return Err(LearnError::NoRows { model });
    }
    let (held_rows, held_labels) = data.validation;
    if matches!(plan.stop, Stop::Validation { .. }) && held_rows.is_empty() {
        return Err(LearnError::NoValidation { model });
    }
    for (rows, labels) in [(data.rows, data.labels), (held_rows, held_labels)] {
        let words = plan.loss.words(spec.outputs());
        if rows.len().checked_mul(words) != Some(labels.len()) {
            return Err(LearnError::Labels { model, rows: rows.len(), labels: labels.len() / words });
        }
        for (&row, &label) in rows.iter().zip(labels.iter().step_by(words)) {
            if row as usize >= data.inputs.rows() {
                return Err(LearnError::Row { model, found: row, rows: data.inputs.rows() });
            }
            let kind = plan.loss.targets();
            if !kind.admits(label, spec.outputs()) {
                return Err(LearnError::target(kind, model, row, label, spec.outputs()));
            }
        }
    }
    data.extra.map_or(Ok(()), |extra| extra.check(model, spec, plan))
}
