//! [`PreparedTask`] and [`Replicate`]: what episodes that are compared share.

use super::features::NEIGHBOURS;
use crate::data::Task;
use crate::query::{KernelPca, Neighbours};
use crate::rng::Key;
use std::sync::{Arc, OnceLock};

/// A task with what is computed from its pool once and shared by every episode on it.
#[derive(Debug)]
pub struct PreparedTask {
    task: Arc<Task>,
    neighbours: OnceLock<Arc<Neighbours>>,
    components: OnceLock<Arc<KernelPca>>,
}

impl PreparedTask {
    /// One task, of which nothing is computed yet.
    pub fn new(task: Task) -> Arc<Self> {
        Arc::new(Self { task: Arc::new(task), neighbours: OnceLock::new(), components: OnceLock::new() })
    }

    /// The task.
    pub fn task(&self) -> &Arc<Task> {
        &self.task
    }

    /// Whether neither neighbour lists nor components were made yet.
    pub fn is_bare(&self) -> bool {
        self.neighbours.get().is_none() && self.components.get().is_none()
    }

    /// The pool's kernel principal components, made when first asked for.
    pub fn components(&self) -> Arc<KernelPca> {
        self.components.get_or_init(|| Arc::new(KernelPca::of(self.task.pool()))).clone()
    }

    /// The neighbour lists of the pool, made when first asked for.
    pub fn neighbours(&self) -> Arc<Neighbours> {
        self.neighbours.get_or_init(|| Arc::new(Neighbours::of(self.task.pool(), NEIGHBOURS))).clone()
    }
}

/// A prepared task and the key of one repetition on it: episodes on equal replicates have common random numbers.
///
/// Two episodes with equal replicates share initial labels, initial weights, mini-batch orders and dropout
/// masks: what differs between them is what was asked for.
#[derive(Clone, Debug)]
pub struct Replicate {
    /// The task.
    pub prepared: Arc<PreparedTask>,
    /// Which repetition.
    pub key: Key,
}
