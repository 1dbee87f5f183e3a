//! `ceal(X)`: cost-effective active learning, which also trains on what the model is sure of.

use super::class_balanced::predicted;
use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::uncertainty::entropy;
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "ceal",
        summary: "another strategy, and pseudo-labels for candidates of low entropy: ceal(margin)",
        paper: "Wang, Zhang, Li, Zhang & Lin, TCSVT 2016",
        family: Family::Wrapper,
        needs: Needs { probabilities: true, pseudo_labels: true, ..Needs::NONE },
        cost: "time n C, memory n, and the inner strategy's",
        example: "ceal(margin)",
        deterministic: true,
    },
    make: |params| {
        let inner = params.inner()?.into_strategy();
        params.only_ask(&[inner.needs()])?;
        Built::batch(Ceal {
            threshold: params.real("threshold", 0.005, 0.0..=100.0)?,
            decay: params.real("decay", 0.00033, 0.0..=100.0)?,
            inner,
            round: 0,
            pseudo: Vec::new(),
        })
    },
};

/// After the inner strategy's picks, each remaining candidate whose entropy is below the threshold gets
/// its predicted class as a pseudo-label. Pseudo-labels hold for one round: the rows stay candidates,
/// are judged anew in the next, and cost nothing. After round `t` (from 1) the threshold sinks by
/// `decay * t`, never below zero.
pub struct Ceal {
    /// Entropy in nats below which a prediction is believed.
    pub threshold: f64,
    /// How fast the threshold sinks.
    pub decay: f64,
    pub inner: Box<dyn Strategy>,
    round: u32,
    pseudo: Vec<(RowId, u32)>,
}

impl Strategy for Ceal {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let p = view.probabilities()?;
        let picks = self.inner.select(view, batch, key)?;
        let mut asked = picks.clone();
        asked.sort_unstable();
        self.pseudo = (view.candidates().iter().enumerate())
            .filter(|(place, row)| {
                asked.binary_search(row).is_err() && entropy::of(p.row(*place)) < self.threshold
            })
            .map(|(place, &row)| (row, predicted(p.row(place)) as u32))
            .collect();
        self.round += 1;
        self.threshold = (self.threshold - self.decay * f64::from(self.round)).max(0.0);
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.inner.needs().union(Needs { probabilities: true, pseudo_labels: true, ..Needs::NONE })
    }

    fn note(&self) -> Option<String> {
        self.inner.note()
    }

    fn memory(&self, size: &Size) -> u64 {
        self.inner.memory(size).max(size.scores())
    }

    fn pseudo_labels(&self) -> &[(RowId, u32)] {
        &self.pseudo
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{Registry, Signals};

    #[test]
    fn worked_example() {
        // Entropies .0043 (accepted), .0079 (rejected), .0043 (accepted), .69 (asked).
        let p = vec![0.9995, 0.0005, 0.999, 0.001, 0.0005, 0.9995, 0.5, 0.5];
        let signals = Signals { probabilities: Some(Matrix::new(p, 4, 2)), ..Signals::default() };
        let inputs = Matrix::zeros(4, 1);
        let candidates: Vec<RowId> = (0..4).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut ceal = Registry::builtin().build("ceal(margin)").unwrap();
        assert!(ceal.pseudo_labels().is_empty());
        for round in 1..=3 {
            assert_eq!(ceal.select(&view, 1, Key::root(0)).unwrap(), [RowId(3)]);
            // The threshold is .005, .00467, .00401.
            let expected: &[(RowId, u32)] = if round < 3 { &[(RowId(0), 0), (RowId(2), 1)] } else { &[] };
            assert_eq!(ceal.pseudo_labels(), expected, "round {round}");
        }
        let mut all = Registry::builtin().build("ceal(margin)").unwrap();
        all.select(&view, 4, Key::root(0)).unwrap();
        assert!(all.pseudo_labels().is_empty(), "what is asked for needs no pseudo-label");
    }
}
