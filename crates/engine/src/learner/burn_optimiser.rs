//! The plan's optimisers in burn, as PyTorch defines them.

use super::plan::{Optimiser, TrainPlan};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, ModuleOptimizer, Optimizer as BurnOptimizer,
    SgdConfig,
};
use burn::tensor::{Device, Tensor};

/// The optimiser of a plan, with its weight decay.
pub(super) fn optimiser(plan: &TrainPlan) -> ModuleOptimizer {
    let decay = (plan.weight_decay > 0.0).then(|| WeightDecayConfig::new(plan.weight_decay));
    match plan.optimiser {
        Optimiser::Sgd { momentum, nesterov } => {
            // PyTorch's default is no dampening; burn's is 0.1.
            let momentum = MomentumConfig::new()
                .with_momentum(f64::from(momentum))
                .with_dampening(0.0)
                .with_nesterov(nesterov);
            SgdConfig::new().with_momentum(Some(momentum)).with_weight_decay(decay).init()
        }
        Optimiser::Adam => AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).init(),
        // `fit` refuses L-BFGS before it comes here.
        Optimiser::NAdam | Optimiser::Lbfgs { .. } => {
            ModuleOptimizer::from(NAdam { decay: plan.weight_decay })
        }
    }
}

/// PyTorch's `NAdam`, which burn lacks.
#[derive(Clone)]
struct NAdam {
    decay: f32,
}

impl BurnOptimizer for NAdam {
    /// Adam's moments are all that it keeps, too.
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let gradient = gradient + tensor.clone().mul_scalar(self.decay);
        let (time, first, second) = match state {
            Some(AdamState { momentum: old }) => {
                (old.time + 1, old.moment_1.mul_scalar(0.9), old.moment_2.mul_scalar(0.999))
            }
            None => (1, gradient.zeros_like(), gradient.zeros_like()),
        };
        let first = first + gradient.clone().mul_scalar(1.0 - 0.9);
        let second = second + gradient.clone().square().mul_scalar(1.0 - 0.999);
        let momentum = |step: usize| 0.9 * (1.0 - 0.5 * 0.96f64.powf(step as f64 * 0.004));
        let product: f64 = (1..=time).map(momentum).product();
        let (now, next) = (momentum(time), momentum(time + 1));
        let correction = 1.0 - 0.999f64.powi(time as i32);
        let denominator = second.clone().div_scalar(correction).sqrt().add_scalar(1e-8);
        let direction = gradient.mul_scalar((1.0 - now) / (1.0 - product))
            + first.clone().mul_scalar(next / (1.0 - product * next));
        let tensor = tensor - (direction / denominator).mul_scalar(rate);
        (tensor, Some(AdamState::new(AdaptiveMomentumState::new(time, first, second))))
    }

    fn to_device<const D: usize>(mut state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}
