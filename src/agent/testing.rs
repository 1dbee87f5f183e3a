//! Made-up observations and networks for this layer's tests.

use super::network::{Network, NetworkConfig};
use super::simulation::Source;
use crate::arch::Block;
use crate::data::{Matrix, RowId, SplitPlan, Task, embedded};
use crate::episode::{EpisodePlan, Ground, InitialPool, Measure, Observation, OracleOn, StopOn};
use crate::learner::{DeviceKind, Loss, Metric, Optimiser, Start, Stop, TrainPlan};
use crate::rng::Key;
use rand::RngExt;

/// `m` candidates with uniform features in `[-1, 1]`.
pub(super) fn observation(m: usize, features: usize, globals: usize, key: Key) -> Observation {
    let mut rng = key.rng();
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
    Observation {
        candidates: (0..m as u32).map(|i| RowId(3 * i + 1)).collect(),
        features: Matrix::new(draw(m * features), m, features),
        globals: draw(globals),
    }
}

/// A network none of whose weights is zero.
pub(super) fn random_network(config: NetworkConfig, features: usize, globals: usize, key: Key) -> Network {
    let mut network = Network::new(config, features, globals, key).unwrap();
    let mut rng = key.named("all").rng();
    for weight in network.weights_mut() {
        *weight += rng.random_range(-0.3f32..0.3);
    }
    network
}

/// Four queries on each of two small real sets.
pub(super) fn sources() -> Vec<Source> {
    let plan = EpisodePlan {
        blocks: vec![Block::Dense { width: 6 }],
        dropout: 0.0,
        train: TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.02,
            weight_decay: 1e-4,
            batch: 16,
            drop_last: false,
            stop: Stop::Epochs { epochs: 20 },
            start: Start::Scratch,
        },
        initial: InitialPool::default(),
        initial_per_class: 1,
        query_size: 1,
        budget: 4,
        metric: Metric::default(),
        target_accuracy: None,
        measure: Measure::RewardAndTest,
        oracle_on: OracleOn::Reward,
        first_epochs: None,
        fit_per_label: false,
        device: DeviceKind::Cpu,
        target_share: None,
        stop_on: StopOn::default(),
    };
    let source = |name: &str| {
        let dataset = embedded::load(name).unwrap();
        let grounds = vec![Ground::new(Task::split(&dataset, &SplitPlan::default(), Key::root(1)).unwrap())];
        Source { name: name.into(), identity: dataset.identity().into(), grounds, plan: plan.clone() }
    };
    vec![source("iris"), source("wine")]
}
