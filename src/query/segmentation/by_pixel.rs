//! Any score of class probabilities, pixel by pixel.

use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, Passes, PoolView, QueryError, Score, Signals, ties};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "by_pixel",
        summary: "the mean of a score over the pixels of an image, the largest, or that of the top tenth",
        paper: "Gorriz, Carlier, Faure & Giro-i-Nieto, ML4H at NeurIPS 2017 (sums over pixels)",
        family: Family::Segmentation,
        needs: Needs { probabilities: true, ..Needs::NONE },
        cost: "that of the score on two classes, times the pixels",
        example: "by_pixel(margin)",
        deterministic: true,
    },
    make: |params| {
        let lift = params
            .choice("lift", &[("mean", Lift::Mean), ("max", Lift::Max), ("top_tenth", Lift::TopTenth)])?;
        let inner = params.inner_score()?;
        let own = inner.needs();
        let known = Needs { probabilities: false, committee: 0, bootstrap: None, ..own };
        if known != Needs::NONE || !inner.kinds().class {
            return Err(QueryError::ByPixel { strategy: params.strategy().to_string() }.into());
        }
        Built::score(ByPixel { inner, lift })
    },
};

/// How the scores of an image's pixels become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lift {
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The mean of the largest tenth of them, and of one at least.
    TopTenth,
}

/// An image is a pool of pixels of two classes, background and foreground, with the probabilities `1 - p` and `p`; `inner` scores all of its pixels, and
/// the lift makes one number of their scores. The score may ask for probabilities and committees; what else a learner computes is not of one pixel.
pub struct ByPixel {
    /// The score of one pixel.
    pub inner: Box<dyn Score>,
    /// How its values are joined.
    pub lift: Lift,
}

impl Score for ByPixel {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        let needs = self.needs();
        view.check(needs)?;
        let pixels: Vec<RowId> = (0..view.classes() as u32).map(RowId).collect();
        let blank = Matrix::zeros(pixels.len(), 1);
        let mut scores = Vec::with_capacity(view.candidates().len());
        for image in 0..view.candidates().len() {
            let probabilities = match needs.probabilities {
                true => Some(two_classes(view.probabilities()?.row(image))),
                false => None,
            };
            let committee = match needs.committee {
                0 => None,
                _ => {
                    let members = view.committee()?.members.iter();
                    Some(Passes { members: members.map(|member| two_classes(member.row(image))).collect() })
                }
            };
            let signals =
                Signals { probabilities, committee, progress: view.signals().progress, ..Signals::default() };
            let own = PoolView::new(blank.view(), &[], &[], &pixels, 2, &signals);
            scores.push(self.lift.of(self.inner.score(&own, key)?));
        }
        Ok(scores)
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn kinds(&self) -> Kinds {
        Kinds::MASK
    }
}

impl Lift {
    fn of(self, mut scores: Vec<f64>) -> f64 {
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        let kept = match self {
            Lift::Mean => scores.len(),
            Lift::Max => 1,
            Lift::TopTenth => scores.len().div_ceil(10),
        };
        ties::sum(scores[..kept].iter().copied()) / kept as f64
    }
}

/// The probabilities to be background and foreground, shape `[pixels, 2]`.
fn two_classes(p: &[f32]) -> Matrix {
    Matrix::new(p.iter().flat_map(|&p| [1.0 - p, p]).collect(), p.len(), 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TargetKind;
    use crate::query::Registry;

    fn scores(spec: &str, p: &[[f32; 4]]) -> Vec<f64> {
        let inputs = Matrix::zeros(p.len(), 4);
        let candidates: Vec<RowId> = (0..p.len() as u32).map(RowId).collect();
        let probabilities = Matrix::new(p.concat(), p.len(), 4);
        let signals = Signals { probabilities: Some(probabilities), ..Signals::default() };
        let view = PoolView::of_kind(TargetKind::Mask, inputs.view(), &[], &[], &candidates, 4, &signals);
        let mut score = Registry::builtin().build_score(&spec.parse().unwrap()).unwrap();
        score.score(&view, Key::root(0)).unwrap()
    }

    /// Of .5, 1, 0 and .75 the margins are 1, 0, 0 and .5: mean .375, largest 1. Of .75 four times they are .5.
    #[test]
    fn worked_example() {
        let p = [[0.5, 1.0, 0.0, 0.75], [0.75; 4]];
        assert_eq!(scores("by_pixel(margin)", &p), [0.375, 0.5]);
        assert_eq!(scores("by_pixel(margin,lift=max)", &p), [1.0, 0.5]);
        assert_eq!(scores("by_pixel(margin,lift=top_tenth)", &p), [1.0, 0.5], "a tenth of four is one");
        assert_eq!(scores("by_pixel(least_confidence)", &p), [0.1875, 0.25]);
        // Twenty of forty are the top half, two of twenty the top tenth.
        assert_eq!(Lift::TopTenth.of((0..20).map(f64::from).collect()), 18.5);
    }

    #[test]
    fn what_is_not_of_one_pixel_is_refused() {
        for spec in ["by_pixel(llal)", "by_pixel(bald)", "by_pixel(by_label(margin))"] {
            let error = Registry::builtin().build(spec).err().unwrap();
            assert!(matches!(error.downcast_ref(), Some(QueryError::ByPixel { .. })), "{spec}: {error}");
        }
        assert_eq!(Registry::builtin().build("by_pixel(qbc)").unwrap().needs().committee, 5);
    }
}
