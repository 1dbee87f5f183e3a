//! Expected model change: how far a label would move the last layer, by what a committee thinks the label is.

use crate::error::Result;
use crate::query::geometry::lanes;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::members::{Committee, MEMBERS};
use crate::query::{Kinds, Needs, PoolView, Score};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "model_change",
        summary: "the largest mean length, over what a committee predicts as the label, of the gradient by the last layer",
        paper: "Cai, Zhang & Zhou, ICDM 2013 (EMCM)",
        family: Family::Regression,
        needs: Needs { predictions: true, embeddings: true, committee: MEMBERS, ..Needs::NONE },
        cost: "one training per member; time n (d + M), memory n M",
        example: "model_change",
        deterministic: true,
    },
    make: |params| Built::score(ModelChange { committee: Committee::read(params)? }),
};

/// The mean over members of `|f(x) - f_m(x)| ‖(h, 1)‖`: of the squared error's gradient by weights and bias of the last
/// layer, whose embedding of the candidate is `h`, were the member's prediction the label.
pub struct ModelChange {
    /// Whose predictions stand for the label.
    pub committee: Committee,
}

impl Score for ModelChange {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let (predictions, members) = (view.predictions()?, &view.committee()?.members);
        let embeddings = view.candidate_rows(view.embeddings()?);
        let change = |row: usize| {
            let own = f64::from(predictions[row]);
            let miss: f64 = members.iter().map(|member| (own - f64::from(member.row(row)[0])).abs()).sum();
            let h = embeddings.get(row);
            miss / members.len() as f64 * (1.0 + f64::from(lanes::dot(h, h))).sqrt()
        };
        Ok((0..predictions.len()).map(change).collect())
    }

    fn needs(&self) -> Needs {
        let Committee { members, bootstrap } = self.committee;
        Needs { predictions: true, embeddings: true, committee: members, bootstrap, ..Needs::NONE }
    }

    fn kinds(&self) -> Kinds {
        Kinds::REAL
    }
}
