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
        Built::batch(Switch { per_class, few, many, note: None })
    },
};

/// `few` while there are fewer than `per_class` labels per class on average, then `many`.
pub struct Switch {
    pub per_class: f64,
    pub few: Box<dyn Strategy>,
    pub many: Box<dyn Strategy>,
    /// That of the strategy in charge.
    note: Option<String>,
}

impl Strategy for Switch {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        // Both, so that an episode does not fail for want of a signal on the day that it switches.
        view.check(self.needs())?;
        let scarce = (view.labelled().len() as f64) < self.per_class * view.classes() as f64;
        let in_charge = if scarce { &mut self.few } else { &mut self.many };
        let picks = in_charge.select(view, batch, key)?;
        self.note = in_charge.note();
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        let classes = Needs { classes: true, ..Needs::NONE };
        self.few.needs().union(self.many.needs()).union(classes)
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        self.few.memory(size).max(self.many.memory(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{Registry, Signals};

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
