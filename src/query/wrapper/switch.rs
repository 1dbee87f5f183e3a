//! `switch(A, B)`: coverage while labels are few, uncertainty afterwards.

use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "switch",
        summary: "one strategy below five labels per class, another above: switch(typiclust, margin)",
        paper: "the low- and high-budget regimes of Hacohen et al., ICML 2022",
        family: Family::Wrapper,
        needs: Needs { inputs: true, probabilities: true, classes: true, ..Needs::NONE },
        cost: "that of the strategy in charge",
        example: "switch(typiclust,margin)",
        deterministic: false,
    },
    make: |params| {
        let per_class = params.real("labels_per_class", 5.0, 0.0..=1e9)?;
        let [few, many] = params.two_strategies()?;
        Built::batch(Switch { per_class, few, many, scarce: None })
    },
};

/// `few` while there are fewer than `per_class` labels per class on average, then `many`.
pub struct Switch {
    pub per_class: f64,
    pub few: Box<dyn Strategy>,
    pub many: Box<dyn Strategy>,
    /// Whether labels were few at the last choice; `None` before the first.
    scarce: Option<bool>,
}

impl Strategy for Switch {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        // Both, so that an episode does not fail for want of a signal on the day that it switches.
        view.check(self.needs())?;
        let scarce = (view.labelled().len() as f64) < self.per_class * view.classes() as f64;
        self.scarce = None;
        let in_charge = if scarce { &mut self.few } else { &mut self.many };
        let picks = in_charge.select(view, batch, key)?;
        self.scarce = Some(scarce);
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        let classes = Needs { classes: true, ..Needs::NONE };
        self.few.needs().union(self.many.needs()).union(classes)
    }

    fn in_charge(&self) -> Option<&dyn Strategy> {
        self.scarce.map(|scarce| if scarce { &*self.few } else { &*self.many })
    }

    fn note(&self) -> Option<String> {
        self.in_charge()?.note()
    }

    fn memory(&self, size: &Size) -> u64 {
        self.few.memory(size).max(self.many.memory(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{QueryError, Registry, Signals};

    /// Pseudo-labels and mixtures were dropped on the way through other strategies.
    #[test]
    fn what_the_learner_trains_on_is_handed_on_or_refused() {
        let p = vec![0.9999, 0.0001, 0.5, 0.5, 0.0001, 0.9999];
        let inputs = Matrix::zeros(3, 1);
        let candidates: Vec<RowId> = (0..3).map(RowId).collect();
        let signals = Signals { probabilities: Some(Matrix::new(p, 3, 2)), ..Signals::default() };
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        for text in ["ceal(margin)", "capped(ceal(margin))", "switch(ceal(margin),margin)"] {
            let mut strategy = Registry::builtin().build(text).unwrap();
            assert!(strategy.needs().pseudo_labels && strategy.pseudo_labels().is_empty(), "{text}");
            strategy.select(&view, 1, Key::root(0)).unwrap();
            assert_eq!(strategy.pseudo_labels(), [(RowId(0), 0), (RowId(2), 1)], "{text}");
        }
        let mut other = Registry::builtin().build("switch(margin,ceal(margin))").unwrap();
        other.select(&view, 1, Key::root(0)).unwrap();
        assert!(other.pseudo_labels().is_empty(), "the one that asked has none");
        for text in [
            "mixture(ceal(margin),margin)",
            "split(lada)",
            "ceal(ceal(margin))",
            "albl(margin,capped(ceal(margin)))",
            "select_al(lada,margin)",
        ] {
            let error = Registry::builtin().build(text).err().unwrap();
            assert!(
                matches!(error.downcast_ref(), Some(QueryError::SteersTraining { .. })),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn switches_at_the_stated_number() {
        let p: Vec<f32> = (0..20).flat_map(|i| [0.5 + i as f32 * 0.02, 0.5 - i as f32 * 0.02]).collect();
        let inputs = Matrix::zeros(30, 1);
        let candidates: Vec<RowId> = (10..30).map(RowId).collect();
        let labelled: Vec<RowId> = (0..10).map(RowId).collect();
        let signals = Signals { probabilities: Some(Matrix::new(p, 20, 2)), ..Signals::default() };
        for (known, by_margin) in [(9, false), (10, true)] {
            let labels = vec![0; known];
            let view = PoolView::new(inputs.view(), &labelled[..known], &labels, &candidates, 2, &signals);
            let mut switch = Registry::builtin().build("switch(random,margin)").unwrap();
            let firsts =
                (0..20).filter(|&seed| switch.select(&view, 1, Key::root(seed)).unwrap() == [RowId(10)]);
            assert_eq!(firsts.count() == 20, by_margin);
        }
    }
}
