//! Made-up observations and networks for this layer's tests.

use super::error::AgentError;
use super::network::{Network, NetworkConfig};
use super::parts::Parts;
use super::simulation::Source;
use crate::arch::Block;
use crate::data::{Matrix, RowId, SplitPlan, Task, embedded};
use crate::episode::{EpisodePlan, InitialPool, Measure, Observation, OracleOn, PreparedTask, StopOn};
use crate::error::Result;
use crate::learner::{DeviceKind, Loss, Metric, Optimiser, Start, Stop, TrainPlan};
use crate::rng::Key;
use rand::RngExt;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Keeps parts in memory, counts them, and ends the computation after as many as it is told.
#[derive(Debug)]
pub(super) struct Kept {
    parts: Mutex<BTreeMap<String, Vec<u8>>>,
    made: AtomicUsize,
    last: AtomicUsize,
}

impl Default for Kept {
    fn default() -> Self {
        let last = AtomicUsize::new(usize::MAX);
        Self { parts: Mutex::default(), made: AtomicUsize::default(), last }
    }
}

impl Kept {
    /// Parts made so far.
    pub(super) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    /// Every part from number `last` on, counted from one, ends the computation.
    pub(super) fn stop_after(&self, last: usize) {
        self.last.store(last, Ordering::SeqCst);
    }

    /// The names of the parts.
    pub(super) fn names(&self) -> Vec<String> {
        self.parts.lock().unwrap().keys().cloned().collect()
    }
}

impl Parts for Kept {
    fn recall(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.parts.lock().unwrap().get(name).cloned())
    }

    fn keep(&self, name: &str, part: Vec<u8>) -> Result<()> {
        assert!(!name.contains(char::is_whitespace) && !part.contains(&b'\n'), "{name}");
        self.parts.lock().unwrap().insert(name.to_owned(), part);
        let made = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        match made >= self.last.load(Ordering::SeqCst) {
            true => Err(AgentError::NothingToLearn { place: "asked to stop" }.into()),
            false => Ok(()),
        }
    }
}

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
        stops: false,
        annotator: None,
        augment: None,
        consistency: None,
        ensemble: 1,
        price: crate::data::Price::default(),
        generator: None,
        rejected: crate::episode::Rejected::default(),
        target_share: None,
        stop_on: StopOn::default(),
    };
    let source = |name: &str| {
        let dataset = embedded::load(name).unwrap();
        let prepared_tasks =
            vec![PreparedTask::new(Task::split(&dataset, &SplitPlan::default(), Key::root(1)).unwrap())];
        Source { name: name.into(), identity: dataset.identity().into(), prepared_tasks, plan: plan.clone() }
    };
    vec![source("iris"), source("wine")]
}
