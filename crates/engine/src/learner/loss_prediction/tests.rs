//! The module against what was computed by hand, finite differences, and the bank.

use super::layout::Layout;
use super::*;
use crate::arch::Block;
use crate::data::Matrix;
use crate::learner::reverse::Tape;
use crate::learner::{Bank, LearnError, Loss, Optimiser, Start, Stop};
use rand::RngExt;

#[test]
fn ranking_loss_by_hand() {
    // Pairs (0, 3) and (1, 2), the first of each with the larger loss: 1 + 1.8 and 1 - .5.
    let (loss, slopes) = ranking_loss(&[0.2, 1.0, 0.5, 2.0], &[1.0, 2.0, 0.1, 0.9], 1.0);
    assert!((loss - 1.65).abs() < 1e-12);
    assert_eq!(slopes, [-0.5, -0.5, 0.5, 0.5]);
    // Far enough apart in the right order: nothing to learn.
    assert_eq!(ranking_loss(&[3.0, 1.0], &[2.0, 1.0], 1.0), (0.0, vec![0.0, 0.0]));
    // The middle of three has no partner; of equal losses the second counts as the larger.
    assert_eq!(ranking_loss(&[0.0, 9.0, 0.0], &[1.0, 5.0, 1.0], 1.0), (1.0, vec![1.0, 0.0, -1.0]));
    assert_eq!(ranking_loss(&[4.0], &[1.0], 1.0), (0.0, vec![0.0]));
}

#[test]
fn ranking_slopes_are_finite_differences() {
    let losses = [0.3, 1.1, 0.2, 2.0, 0.7, 0.4];
    let predicted = [0.1, -0.4, 0.9, 0.25, 1.3, -0.6];
    let (_, slopes) = ranking_loss(&predicted, &losses, 1.0);
    for at in 0..predicted.len() {
        let moved = |by: f64| {
            let mut predicted = predicted;
            predicted[at] += by;
            ranking_loss(&predicted, &losses, 1.0).0
        };
        let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        assert!((slopes[at] - expected).abs() < 1e-8, "{at}: {} {expected}", slopes[at]);
    }
}

/// Rows in two dimensions whose class is decided near a line, where it is noisy.
fn noisy(count: usize, key: Key) -> (Matrix, Vec<u32>) {
    let mut rng = key.rng();
    let mut draw = || rng.random::<f64>() * 2.0 - 1.0;
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (x, y, noise) = (draw(), draw(), draw());
        values.extend([x as f32, y as f32]);
        labels.push(u32::from(x + 0.4 * noise > 0.0));
    }
    (Matrix::new(values, count, 2), labels)
}

fn plan(optimiser: Optimiser, rate: f32, epochs: u32) -> TrainPlan {
    TrainPlan {
        drop_last: false,
        loss: Loss::CrossEntropy,
        optimiser,
        learning_rate: rate,
        weight_decay: 1e-4,
        batch: 16,
        stop: Stop::Epochs { epochs },
        start: Start::Scratch,
    }
}

fn residual_spec() -> NetSpec {
    let blocks = vec![Block::Dense { width: 6 }, Block::Residual { width: 6 }, Block::Residual { width: 4 }];
    NetSpec::new(2, blocks, 2, 0.0).unwrap()
}

/// The gradient of the whole objective, module and network, and what of it comes through the taps.
#[test]
fn gradients_are_finite_differences_and_stop_at_detached_taps() {
    for loss in [Loss::CrossEntropy, Loss::Squared] {
        let module = LossModule { width: 3, weight: 0.7, ..LossModule::default() };
        let layout = Layout::new(&residual_spec(), module).unwrap();
        assert_eq!(layout.tapped.len(), 3);
        let parameters = layout.start(None, Key::root(3)).unwrap();
        let (inputs, labels) = noisy(6, Key::root(4));
        let run = |parameters: &[f64], steers: bool| {
            let mut tapes = vec![Tape::new(&layout.program); 6];
            for (at, tape) in tapes.iter_mut().enumerate() {
                tape.forward(&layout.program, parameters, inputs.row(at), &[]);
            }
            let mut gradient = vec![0.0; parameters.len()];
            let objective = layout.gradient(parameters, &mut tapes, &labels, loss, steers, &mut gradient);
            (objective, gradient)
        };
        let (objective, joint) = run(&parameters, true);
        assert!(objective.total > objective.target);
        let (_, detached) = run(&parameters, false);
        let own = layout.program.parameters;
        for (at, &found) in joint.iter().enumerate() {
            let moved = |by: f64| {
                let mut parameters = parameters.clone();
                parameters[at] += by;
                run(&parameters, true).0
            };
            let (above, below) = (moved(1e-6), moved(-1e-6));
            let total = (above.total - below.total) / 2e-6;
            let target = (above.target - below.target) / 2e-6;
            // True losses are constants to the module: they only decide which of a pair is larger.
            assert!((found - total).abs() < 1e-7, "parameter {at}: {found} {total}");
            let expected = if at < own { target } else { total };
            assert!((detached[at] - expected).abs() < 1e-7, "detached, {at}");
        }
        assert!(joint[..own] != detached[..own], "the module steers while its taps are attached");
        // Exactly what no module at all would give.
        let silent = Layout { module: LossModule { weight: 0.0, ..module }, ..layout.clone() };
        let mut tapes = vec![Tape::new(&silent.program); 6];
        for (at, tape) in tapes.iter_mut().enumerate() {
            tape.forward(&silent.program, &parameters, inputs.row(at), &[]);
        }
        let mut gradient = vec![0.0; parameters.len()];
        silent.gradient(&parameters, &mut tapes, &labels, loss, true, &mut gradient);
        assert_eq!(gradient[..own], detached[..own]);
        assert!(gradient[own..].iter().all(|&value| value == 0.0));
    }
}

/// A module that does not steer leaves the network that a bank would train, by every optimiser, with
/// dropout.
#[test]
fn without_steering_it_is_the_banks_network() {
    let (inputs, labels) = noisy(50, Key::root(5));
    let rows: Vec<u32> = (0..50).collect();
    let data = ModelData {
        inputs: inputs.view(),
        rows: &rows,
        labels: &labels,
        validation: (&[], &[]),
        extra: None,
    };
    let blocks = vec![Block::Dense { width: 8 }, Block::Residual { width: 5 }];
    let spec = NetSpec::new(2, blocks, 2, 0.25).unwrap();
    for optimiser in [
        Optimiser::Sgd { momentum: 0.9, nesterov: false },
        Optimiser::Sgd { momentum: 0.5, nesterov: true },
        Optimiser::Adam,
        Optimiser::NAdam,
    ] {
        let plan = plan(optimiser, 0.01, 6);
        let mut bank = Bank::new(&spec, 1).unwrap();
        bank.fit(&[data], &plan, &[Key::root(6)]).unwrap();
        let module = LossModule { detach_after: 0.0, ..LossModule::default() };
        let alone = LossPredictor::fit(&spec, None, data, &plan, &module, Key::root(6)).unwrap();
        for (found, expected) in alone.weights().iter().zip(bank.weights(0)) {
            assert!((found - expected).abs() < 2e-4, "{optimiser:?}: {found} {expected}");
        }
        let joint = LossPredictor::fit(&spec, None, data, &plan, &LossModule::default(), Key::root(6));
        assert_ne!(joint.unwrap().weights(), alone.weights());
    }
}

/// It stops by a validation or a training loss where the bank's network does, and starts where it is told.
#[test]
fn it_stops_where_a_bank_stops() {
    let (inputs, labels) = noisy(60, Key::root(11));
    let rows: Vec<u32> = (0..40).collect();
    let held: Vec<u32> = (40..60).collect();
    let data = ModelData {
        inputs: inputs.view(),
        rows: &rows,
        labels: &labels[..40],
        validation: (&held, &labels[40..]),
        extra: None,
    };
    let spec = NetSpec::mlp(2, &[8], 2).unwrap();
    let module = LossModule { detach_after: 0.0, ..LossModule::default() };
    let mut start = Bank::new(&spec, 1).unwrap();
    start.init(0, Key::root(12));
    for stop in [
        Stop::Validation { epochs: 60, patience: 1 },
        Stop::TrainLoss { epochs: 60, loss: 0.5 },
        Stop::Steps { steps: 7 },
    ] {
        let plan = TrainPlan { stop, start: Start::Warm, ..plan(Optimiser::Adam, 0.03, 1) };
        let mut bank = Bank::new(&spec, 1).unwrap();
        bank.set_weights(0, &start.weights(0)).unwrap();
        let steps = bank.fit(&[data], &plan, &[Key::root(6)]).unwrap()[0].steps;
        assert!(steps < 180, "{stop:?} stops before its last epoch");
        let begun = start.weights(0);
        let alone = LossPredictor::fit(&spec, Some(&begun), data, &plan, &module, Key::root(6)).unwrap();
        for (found, expected) in alone.weights().iter().zip(bank.weights(0)) {
            assert!((found - expected).abs() < 1e-3, "{stop:?}: {found} {expected}");
        }
    }
}

/// Spearman's coefficient; no ties.
fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let ranks = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
        let mut ranks = vec![0.0; values.len()];
        order.into_iter().enumerate().for_each(|(rank, at)| ranks[at] = rank as f64);
        ranks
    };
    let n = a.len() as f64;
    let squares: f64 = ranks(a).iter().zip(ranks(b)).map(|(x, y)| (x - y).powi(2)).sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

/// On rows that were never trained on, larger predictions go with larger losses.
#[test]
fn predictions_rank_true_losses() {
    let (inputs, labels) = noisy(600, Key::root(7));
    let rows: Vec<u32> = (0..200).collect();
    let data = ModelData {
        inputs: inputs.view(),
        rows: &rows,
        labels: &labels[..200],
        validation: (&[], &[]),
        extra: None,
    };
    let spec = NetSpec::mlp(2, &[16, 16], 2).unwrap();
    let others: Vec<u32> = (200..600).collect();
    for detach_after in [0.0, 0.6] {
        let module = LossModule { width: 16, detach_after, ..LossModule::default() };
        let plan = plan(Optimiser::Adam, 0.01, 60);
        let predictor = LossPredictor::fit(&spec, None, data, &plan, &module, Key::root(8)).unwrap();
        let predicted = predictor.predicted(inputs.view(), &others);
        let losses = predictor.losses(inputs.view(), &others, &labels[200..]);
        let correlation = rank_correlation(&predicted, &losses);
        assert!(correlation > 0.4, "detached after {detach_after}: {correlation}");
    }
}

#[test]
fn refusals() {
    let (inputs, labels) = noisy(4, Key::root(9));
    let data = ModelData {
        inputs: inputs.view(),
        rows: &[0, 1, 2, 3],
        labels: &labels,
        validation: (&[], &[]),
        extra: None,
    };
    let fit = |spec: &NetSpec, start: Option<&[f32]>, width: usize| {
        let module = LossModule { width, ..LossModule::default() };
        let plan = plan(Optimiser::Adam, 0.01, 2);
        LossPredictor::fit(spec, start, data, &plan, &module, Key::root(1)).unwrap_err()
    };
    let linear = NetSpec::mlp(2, &[], 2).unwrap();
    assert!(matches!(fit(&linear, None, 8).downcast_ref(), Some(LearnError::Taps)));
    let spec = NetSpec::mlp(2, &[3], 2).unwrap();
    let few = fit(&spec, Some(&[0.0; 3]), 8);
    assert!(matches!(few.downcast_ref(), Some(LearnError::Weights { expected: 17, found: 3, .. })));
    let bad = fit(&spec, Some(&[f32::NAN; 17]), 8);
    assert!(matches!(bad.downcast_ref(), Some(LearnError::NotFinite { index: 0, .. })));
    let wide = fit(&spec, None, usize::MAX / 2);
    assert!(matches!(wide.downcast_ref(), Some(LearnError::Memory { .. })));
    assert!(matches!(fit(&spec, None, 0).downcast_ref(), Some(LearnError::Plan { .. })));
}

/// A rate that blows the weights up leaves finite predictions.
#[test]
fn divergence_keeps_finite_parameters() {
    let (inputs, labels) = noisy(32, Key::root(10));
    let rows: Vec<u32> = (0..32).collect();
    let data = ModelData {
        inputs: inputs.view(),
        rows: &rows,
        labels: &labels,
        validation: (&[], &[]),
        extra: None,
    };
    let spec = NetSpec::mlp(2, &[4], 2).unwrap();
    let plan = plan(Optimiser::Sgd { momentum: 0.9, nesterov: false }, 1e30, 50);
    let predictor =
        LossPredictor::fit(&spec, None, data, &plan, &LossModule::default(), Key::root(1)).unwrap();
    assert!(predictor.weights().iter().all(|value| value.is_finite()));
}
