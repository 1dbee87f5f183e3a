//! Query by committee for numbers and masks: where the members' predictions vary most.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::members::{Committee, MEMBERS};
use crate::query::{Kinds, Needs, PoolView, Score, ties};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "committee_variance",
        summary: "the largest variance of the predictions of a committee (of masks, the mean over pixels)",
        paper: "Burbidge, Rowland & King, IDEAL 2007",
        family: Family::Regression,
        needs: Needs { committee: MEMBERS, ..Needs::NONE },
        cost: "one training per member; time n M, memory n M",
        example: "committee_variance",
        deterministic: true,
    },
    make: |params| Built::score(CommitteeVariance { committee: Committee::read(params)? }),
};

/// The population variance, over the members, of what they predict; of masks, the mean over the pixels of the variance of their probabilities.
pub struct CommitteeVariance {
    /// Who is asked.
    pub committee: Committee,
}

impl Score for CommitteeVariance {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let members = &view.committee()?.members;
        let count = members.len() as f64;
        let outputs = members[0].cols();
        let variance = |row: usize| {
            let of = |output: usize| {
                let values = || members.iter().map(|member| f64::from(member.row(row)[output]));
                let mean = values().sum::<f64>() / count;
                values().map(|value| (value - mean).powi(2)).sum::<f64>() / count
            };
            ties::sum((0..outputs).map(of)) / outputs as f64
        };
        Ok((0..view.candidates().len()).map(variance).collect())
    }

    fn needs(&self) -> Needs {
        let Committee { members, bootstrap } = self.committee;
        Needs { committee: members, bootstrap, ..Needs::NONE }
    }

    fn kinds(&self) -> Kinds {
        Kinds::REAL.or(Kinds::MASK)
    }
}
