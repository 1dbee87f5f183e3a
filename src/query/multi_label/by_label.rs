//! Any score of class probabilities, label by label.

use crate::data::{Matrix, MatrixView};
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, Passes, PoolView, QueryError, Score, Signals, ties};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "by_label",
        summary: "the mean, or the largest, of a score over the labels, each taken as two classes",
        paper: "Brinker, GfKl 2005 (largest); Reyes, Morell & Ventura, Neurocomputing 2018 (a survey of both)",
        family: Family::MultiLabel,
        needs: Needs { probabilities: true, ..Needs::NONE },
        cost: "that of the score on two classes, times the labels",
        example: "by_label(margin)",
        deterministic: true,
    },
    make: |params| {
        let lift = params.choice("lift", &[("mean", Lift::Mean), ("max", Lift::Max)])?;
        let inner = params.inner_score()?;
        let own = inner.needs();
        let known = Needs { probabilities: false, committee: 0, bootstrap: None, ..own };
        if known != Needs::NONE || !inner.kinds().class {
            return Err(QueryError::ByLabel { strategy: params.strategy().to_string() }.into());
        }
        Built::score(ByLabel { inner, lift })
    },
};

/// How the scores of a row's labels become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lift {
    /// Their mean: a row counts by all of its labels.
    Mean,
    /// The largest: a row counts by the label that is least known.
    Max,
}

/// Every label is a task of two classes, not to have it and to have it, with the probabilities `1 - p` and `p` and the labelled rows'
/// own labels; `inner` scores the candidates in each, and the lift makes one number of a candidate's scores. Of two classes, `margin`,
/// `least_confidence` and `entropy` are the same order of rows for one label, but not for means over labels. The score may ask for probabilities and
/// committees; what else a learner computes is not of one label.
pub struct ByLabel {
    /// The score of one label.
    pub inner: Box<dyn Score>,
    /// How its values are joined.
    pub lift: Lift,
}

impl Score for ByLabel {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        view.check(self.needs())?;
        let (labels, needs) = (view.classes(), self.needs());
        let mut by_label = Vec::with_capacity(labels);
        for label in 0..labels {
            let probabilities = match needs.probabilities {
                true => Some(two_classes(view.probabilities()?, label)),
                false => None,
            };
            let committee = match needs.committee {
                0 => None,
                _ => {
                    let members = view.committee()?.members.iter();
                    Some(Passes {
                        members: members.map(|member| two_classes(member.view(), label)).collect(),
                    })
                }
            };
            let signals =
                Signals { probabilities, committee, progress: view.signals().progress, ..Signals::default() };
            let own: Vec<u32> =
                view.labels().iter().map(|&set| u32::from(view.kind().holds(set, label))).collect();
            // One key for all labels: how they are numbered decides nothing.
            by_label.push(self.inner.score(&view.of_label(&own, &signals), key)?);
        }
        let of = |row: usize| by_label.iter().map(move |scores: &Vec<f64>| scores[row]);
        let lifted = |row: usize| match self.lift {
            Lift::Mean => ties::sum(of(row)) / labels as f64,
            Lift::Max => of(row).fold(f64::NEG_INFINITY, f64::max),
        };
        Ok((0..view.candidates().len()).map(lifted).collect())
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn kinds(&self) -> Kinds {
        Kinds::MULTI_LABEL
    }
}

/// The probabilities not to have and to have a label, shape `[rows, 2]`.
fn two_classes(p: MatrixView<'_>, label: usize) -> Matrix {
    let both = (0..p.rows()).flat_map(|row| [1.0 - p.row(row)[label], p.row(row)[label]]).collect();
    Matrix::new(both, p.rows(), 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{RowId, TargetKind};
    use crate::query::Registry;

    fn scores(spec: &str, p: &[[f32; 2]]) -> Vec<f64> {
        let inputs = Matrix::zeros(p.len(), 1);
        let candidates: Vec<RowId> = (0..p.len() as u32).map(RowId).collect();
        let probabilities = Matrix::new(p.concat(), p.len(), 2);
        let signals = Signals { probabilities: Some(probabilities), ..Signals::default() };
        let view =
            PoolView::of_kind(TargetKind::MultiLabel, inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut score = Registry::builtin().build_score(&spec.parse().unwrap()).unwrap();
        score.score(&view, Key::root(0)).unwrap()
    }

    /// Of .5 and 1 the margins are 1 and 0: mean .5, largest 1. Of .75 twice they are .5: mean .5, largest .5. Entropies in bits:
    /// (1 + 0) / 2 against .8113.
    #[test]
    fn worked_example() {
        let p = [[0.5, 1.0], [0.75, 0.25]];
        assert_eq!(scores("by_label(margin)", &p), [0.5, 0.5]);
        assert_eq!(scores("by_label(margin,lift=max)", &p), [1.0, 0.5]);
        assert_eq!(scores("by_label(least_confidence)", &p), [0.25, 0.25]);
        let bits: Vec<f64> =
            scores("by_label(entropy)", &p).into_iter().map(|nats| nats / 2f64.ln()).collect();
        assert!((bits[0] - 0.5).abs() < 1e-6 && (bits[1] - 0.811_278).abs() < 1e-6, "{bits:?}");
    }

    #[test]
    fn what_is_not_of_one_label_is_refused() {
        for spec in ["by_label(llal)", "by_label(bald)", "by_label(cvirs)"] {
            let error = Registry::builtin().build(spec).err().unwrap();
            assert!(matches!(error.downcast_ref(), Some(QueryError::ByLabel { .. })), "{spec}: {error}");
        }
        assert_eq!(Registry::builtin().build("by_label(qbc)").unwrap().needs().committee, 5);
    }
}
