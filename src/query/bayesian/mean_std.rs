//! Mean standard deviation.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::members::{DropoutPasses, PASSES};
use crate::query::{Needs, PoolView, Score, ties};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "mean_std",
        summary: "the largest standard deviation over dropout passes, averaged over classes",
        paper: "Kampffmeyer, Salberg & Jenssen, CVPR workshops 2016",
        family: Family::Bayesian,
        needs: Needs { passes: PASSES, ..Needs::NONE },
        cost: "time n C T, memory n C",
        example: "mean_std",
        deterministic: true,
    },
    make: |params| Built::score(MeanStd { passes: DropoutPasses::read(params)? }),
};

/// The population standard deviation over passes of each class's probability, averaged over classes.
pub struct MeanStd {
    /// Passes asked of the learner.
    pub passes: DropoutPasses,
}

impl Score for MeanStd {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let passes = view.passes()?;
        let count = passes.len() as f64;
        let deviation = |row: usize, class: usize| {
            let values = || passes.iter().map(|pass| f64::from(pass.row(row)[class]));
            let mean = values().sum::<f64>() / count;
            (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
        };
        let classes = view.classes();
        let mean = |row| ties::sum((0..classes).map(|class| deviation(row, class))) / classes as f64;
        Ok((0..view.candidates().len()).map(mean).collect())
    }

    fn needs(&self) -> Needs {
        self.passes.needs()
    }
}
