//! A learned policy on plain arrays: what an episode would know of the pool is made here, for one query.

use crate::agent::{Choice, Policy, PolicyStrategy};
use crate::data::{Matrix, RowId};
use crate::episode::features::{NEIGHBOURS, needs};
use crate::error::Result;
use crate::query::kernel_pca::{COMPONENTS, KERNELS};
use crate::query::subsample::Subsample;
use crate::query::{KernelPca, Nearest, Needs, Neighbours, PoolView, Progress, Signals, Size, Strategy};
use crate::rng::Key;
use std::sync::Arc;

/// Candidates that a policy looks at, at most: their neighbours take time that grows with the square.
const MOST_CANDIDATES: usize = 20_000;
/// Rows whose distances to all others are in memory at a time, on two threads.
const BLOCK: usize = 512;

/// A policy that makes its signals itself, from inputs, labels and probabilities.
pub struct Frozen {
    policy: Arc<Policy>,
    progress: Progress,
    note: Option<String>,
    utilities: Option<Vec<f64>>,
}

impl Frozen {
    /// The policy, at a point of a labelling that has come as far as `progress` says.
    pub fn new(policy: Arc<Policy>, progress: Progress) -> Self {
        Self { policy, progress, note: None, utilities: None }
    }
}

impl Strategy for Frozen {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let most = MOST_CANDIDATES.max(batch);
        let cut = Subsample::new(view.candidates(), most, view.draws(key.named("candidates")));
        // What is looked at, as a pool of its own: the labelled rows and these candidates, in their order.
        let mut rows: Vec<RowId> = view.labelled().iter().chain(&cut.rows).copied().collect();
        rows.sort_unstable();
        let place = |row: &RowId| RowId(rows.partition_point(|other| other < row) as u32);
        let inputs = view.inputs();
        let values: Vec<f32> = rows.iter().flat_map(|row| inputs.row(row.index())).copied().collect();
        let inputs = Matrix::new(values, rows.len(), inputs.cols());
        let labelled: Vec<RowId> = view.labelled().iter().map(place).collect();
        let candidates: Vec<RowId> = cut.rows.iter().map(place).collect();
        let part = |all: &Matrix| all.gather(cut.places.iter().copied());
        let signals = Signals {
            probabilities: view.signals().probabilities.as_ref().map(part),
            neighbours: Some(Arc::new(Neighbours::of(inputs.view(), NEIGHBOURS))),
            components: Some(Arc::new(KernelPca::of(inputs.view()))),
            nearest: Some(Arc::new(Nearest::of(inputs.view(), &labelled, view.labels()))),
            progress: self.progress,
            ..Signals::default()
        };
        let seen =
            PoolView::new(inputs.view(), &labelled, view.labels(), &candidates, view.classes(), &signals)
                .with_ids(&rows);
        let mut strategy = PolicyStrategy::new(Arc::clone(&self.policy), Choice::Greedy);
        let picks = strategy.select(&seen, batch, key)?;
        self.utilities = strategy.utilities().map(<[f64]>::to_vec);
        self.note = match (cut.note("the policy looked at"), strategy.note()) {
            (Some(one), Some(two)) => Some(format!("{one}; {two}")),
            (one, two) => one.or(two),
        };
        Ok(picks.into_iter().map(|row| rows[row.index()]).collect())
    }

    fn needs(&self) -> Needs {
        // The rest of what the policy looks at is made from these.
        Needs { probabilities: needs().probabilities, labels: true, ..Needs::default() }
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn utilities(&self) -> Option<&[f64]> {
        self.utilities.as_deref()
    }

    fn memory(&self, size: &Size) -> u64 {
        let candidates = size.candidates.min(MOST_CANDIDATES.max(size.batch));
        let rows = candidates + size.labelled;
        // Per row: neighbours, components, probabilities and the distance to labels; its neighbours' order while
        // they are found.
        let per_row = 8 * NEIGHBOURS + 4 * COMPONENTS * KERNELS + 4 * size.classes + 64;
        size.vectors(rows) + Size::items(rows, per_row as u64) + Size::items(rows, 4 * BLOCK as u64)
    }
}
