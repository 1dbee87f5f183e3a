//! Episodes for this layer's tests.

use super::{EpisodePlan, Episodes, InitialPool, Measure, OracleOn, PreparedTask, Replicate, StopOn};
use crate::arch::Block;
use crate::data::{SplitPlan, Task, embedded};
use crate::learner::{DeviceKind, Loss, Metric, Optimiser, Start, Stop, TrainPlan};
use crate::rng::Key;

/// A network of two layers, five queries of ten rows.
pub(super) fn plan(start: Start) -> EpisodePlan {
    EpisodePlan {
        blocks: vec![Block::Dense { width: 24 }, Block::Dense { width: 12 }],
        dropout: 0.0,
        train: TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.01,
            weight_decay: 1e-4,
            batch: 64,
            drop_last: false,
            stop: Stop::Epochs { epochs: 40 },
            start,
        },
        initial: InitialPool::default(),
        initial_per_class: 1,
        query_size: 10,
        budget: 50,
        target_accuracy: None,
        target_share: None,
        measure: Measure::Reward,
        stop_on: StopOn::default(),
        oracle_on: OracleOn::default(),
        first_epochs: None,
        fit_per_label: false,
        metric: Metric::default(),
        device: DeviceKind::Cpu,
        stops: false,
        annotator: None,
        augment: None,
        consistency: None,
        ensemble: 1,
        price: crate::data::Price::default(),
        generator: None,
        rejected: crate::episode::Rejected::default(),
    }
}

/// The same with a logistic regression that is fitted to its optimum.
pub(super) fn logistic() -> EpisodePlan {
    let scratch = plan(Start::Scratch);
    let train = TrainPlan { optimiser: Optimiser::Lbfgs { ridge: 1.0 }, ..scratch.train };
    EpisodePlan { blocks: Vec::new(), train, ..scratch }
}

/// An episode on an embedded set after four queries, of the first ten candidates each.
pub(super) fn played(plan: &EpisodePlan, name: &str) -> Episodes {
    let data = embedded::load(name).unwrap();
    let prepared = PreparedTask::new(Task::split(&data, &SplitPlan::default(), Key::root(1)).unwrap());
    let mut episodes = Episodes::reset(plan, &[Replicate { prepared, key: Key::root(2) }]).unwrap();
    for _ in 0..4 {
        let rows = episodes.envs[0].pool.candidates()[..10].to_vec();
        episodes.step(&[(0, rows)]).unwrap();
    }
    episodes
}
