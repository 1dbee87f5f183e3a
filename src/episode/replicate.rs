//! [`PreparedTask`] and [`Replicate`]: what episodes that are compared share.

use super::features::NEIGHBOURS;
use super::pretrained::Pretrained;
use crate::data::{Matrix, MatrixView, Task};
use crate::query::{KernelPca, Neighbours};
use crate::rng::Key;
use std::sync::{Arc, OnceLock};

/// A task with what is computed from its pool once and shared by every episode on it.
#[derive(Debug)]
pub struct PreparedTask {
    task: Arc<Task>,
    /// Codes of the pool's rows, where strategies look at those.
    codes: Option<Matrix>,
    /// What its classifiers begin with, where that is learned on the pool.
    pretrained: Option<Pretrained>,
    neighbours: OnceLock<Arc<Neighbours>>,
    components: OnceLock<Arc<KernelPca>>,
}

impl PreparedTask {
    /// One task, of which nothing is computed yet.
    pub fn new(task: Task) -> Arc<Self> {
        Arc::new(Self::of(task, None, None))
    }

    /// One task, of whose pool strategies see these codes, one row each, and not the inputs.
    ///
    /// # Panics
    /// If there is not one code per row of the pool.
    pub fn with_codes(task: Task, codes: Matrix) -> Arc<Self> {
        assert_eq!(codes.rows(), task.pool().rows(), "codes per row of the pool");
        Arc::new(Self::of(task, Some(codes), None))
    }

    /// The same, whose classifiers begin with layers that were learned on the pool.
    pub(super) fn with_layers(task: Task, codes: Matrix, layers: Pretrained) -> Arc<Self> {
        Arc::new(Self::of(task, Some(codes), Some(layers)))
    }

    fn of(task: Task, codes: Option<Matrix>, pretrained: Option<Pretrained>) -> Self {
        let (neighbours, components) = Default::default();
        Self { task: Arc::new(task), codes, pretrained, neighbours, components }
    }

    /// The task.
    pub fn task(&self) -> &Arc<Task> {
        &self.task
    }

    /// The layers that its classifiers begin with, where they were learned on the pool.
    pub fn pretrained(&self) -> Option<&Pretrained> {
        self.pretrained.as_ref()
    }

    /// What strategies see of the pool's rows, shape `[n, width]`: their inputs, or their codes. Neighbours, distances to labelled rows
    /// and components are of these.
    pub fn seen(&self) -> MatrixView<'_> {
        self.codes.as_ref().map_or_else(|| self.task.pool(), Matrix::view)
    }

    /// Whether neither neighbour lists nor components were made yet.
    pub fn is_bare(&self) -> bool {
        self.neighbours.get().is_none() && self.components.get().is_none()
    }

    /// The pool's kernel principal components, made when first asked for.
    pub fn components(&self) -> Arc<KernelPca> {
        self.components.get_or_init(|| Arc::new(KernelPca::of(self.seen()))).clone()
    }

    /// The neighbour lists of the pool, made when first asked for.
    pub fn neighbours(&self) -> Arc<Neighbours> {
        self.neighbours.get_or_init(|| Arc::new(Neighbours::of(self.seen(), NEIGHBOURS))).clone()
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
