//! `select_al(A, B)`: which regime a labelling is in is measured before more labels are bought.

use crate::data::RowId;
use crate::error::Result;
use crate::query::random::Random;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::TopScore;
use crate::query::{Ablations, Needs, PoolView, Size, Strategy, subsample};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "select_al",
        summary: "one strategy where typical labels are missed most, another where uncertain ones are: select_al(typiclust, margin)",
        paper: "Hacohen & Weinshall, NeurIPS 2023",
        family: Family::Wrapper,
        needs: Needs { inputs: true, probabilities: true, ablations: true, ..Needs::NONE },
        cost: "fifteen fits, and that of the strategy in charge",
        example: "select_al(typiclust,margin)",
        deterministic: false,
    },
    make: |params| {
        let [few, many] = params.two_strategies()?;
        params.only_ask(&[few.needs(), many.needs()])?;
        Built::batch(SelectAl { few, many, note: None })
    },
};

/// A fifth of the labels in hand is left out, once the typical ones, once the uncertain ones and once at random, and each time
/// five networks are fitted without a fold of the rest ([`Ablations`]). Where predictions suffer most without the typical labels, the labelling is in
/// the low-budget regime and `few` asks; where they suffer most without the uncertain ones, `many` does; where some at random
/// are missed most, a random batch is asked for, which is neither. While there are too few labels to tell, `few` asks.
pub struct SelectAl {
    pub few: Box<dyn Strategy>,
    pub many: Box<dyn Strategy>,
    note: Option<String>,
}

impl Strategy for SelectAl {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        // Both, so that an episode does not fail for want of a signal on the day that it switches.
        view.check(self.needs())?;
        let mut random = TopScore::new(Random);
        let ablations = view.ablations()?;
        let (regime, in_charge): (&str, &mut dyn Strategy) = match ablations {
            None => ("low budget, by too few labels", &mut *self.few),
            Some(Ablations { typical, uncertain, random: any }) => {
                if typical <= uncertain && typical <= any {
                    ("low budget", &mut *self.few)
                } else if uncertain <= any {
                    ("high budget", &mut *self.many)
                } else {
                    ("neither regime", &mut random)
                }
            }
        };
        let picks = in_charge.select(view, batch, key)?;
        self.note = subsample::join([Some(regime.to_string()), in_charge.note()]);
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        let own = Needs { ablations: true, ..Needs::NONE };
        self.few.needs().union(self.many.needs()).union(own)
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
    use crate::query::Registry;
    use crate::testing::ExamplePool;

    #[test]
    fn what_is_missed_most_decides() {
        let mut pool = ExamplePool::new(50, 8, 1);
        let ask = |name: &str, pool: &ExamplePool, seed| {
            Registry::builtin().build(name).unwrap().select(&pool.view(), 4, Key::root(seed)).unwrap()
        };
        let few = ask("entropy", &pool, 2);
        assert_eq!(ask("select_al(entropy,k_center)", &pool, 2), few, "too few labels");
        for (values, expected) in [
            ([0.5, 0.6, 0.7], "entropy"),
            ([0.6, 0.5, 0.7], "k_center"),
            ([0.7, 0.6, 0.5], "random"),
            ([0.5, 0.5, 0.5], "entropy"),
        ] {
            let [typical, uncertain, random] = values;
            pool.signals.ablations = Some(Ablations { typical, uncertain, random });
            for seed in 0..3 {
                assert_eq!(
                    ask("select_al(entropy,k_center)", &pool, seed),
                    ask(expected, &pool, seed),
                    "{values:?}"
                );
            }
        }
    }
}
