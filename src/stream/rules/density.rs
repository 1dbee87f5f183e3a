//! Doubt where rows are dense.

use super::variable_uncertainty::Threshold;
use super::{Entry, exact};
use crate::error::Result;
use crate::stream::{Counted, Decision, Draws, Look, Offer, Reason, StreamRule};
use std::collections::VecDeque;

pub(super) const ENTRY: Entry = Entry {
    name: "density",
    summary: "random_variable_uncertainty by the margin, among rows that are the nearest so far of one of the last `window`",
    paper: "Ienco, Žliobaitė & Pfahringer, BigMine 2014",
    make: |params, budget| {
        Ok(Box::new(Density {
            spent: Counted::new(budget),
            exact: exact(params)?,
            threshold: Threshold::read(params)?,
            deviation: params.real("deviation", 1.0, f64::MIN_POSITIVE, 1e3)?,
            recent: Recent::new(params.whole("window", 100, 1, MAX_WINDOW)?),
        }))
    },
};

/// The most rows that a new one is compared with.
const MAX_WINDOW: usize = 10_000;

/// Keeps what the classifier doubts (a small difference of the two largest probabilities), unless it lies apart: a row must
/// be nearer to one of the last rows than any that came after that one.
///
/// Spending is counted since the start of the stream and, as published, may be ahead of the budget by a part of one row;
/// with `exact` it never is.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    spent: Counted,
    exact: bool,
    threshold: Threshold,
    deviation: f64,
    recent: Recent,
}

/// The last rows, oldest first, with the squared distance of each to the nearest that it was offered beside.
#[derive(Clone, Debug, PartialEq)]
struct Recent {
    window: usize,
    rows: VecDeque<(Vec<f32>, f64)>,
}

impl Recent {
    fn new(window: usize) -> Self {
        Self { window, rows: VecDeque::new() }
    }

    /// Takes a row in; whether it is now the nearest of another.
    fn is_dense(&mut self, inputs: &[f32]) -> bool {
        let (mut dense, mut nearest) = (false, f64::INFINITY);
        for (row, least) in &mut self.rows {
            let square: f64 =
                row.iter().zip(inputs).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
            if square < *least {
                (*least, dense) = (square, true);
            }
            nearest = nearest.min(square);
        }
        if self.rows.len() == self.window {
            self.rows.pop_front();
        }
        self.rows.push_back((inputs.to_vec(), nearest));
        dense
    }
}

impl StreamRule for Density {
    fn offer(&mut self, offer: &Offer<'_>, draws: &mut Draws<'_>) -> Decision {
        let dense = self.recent.is_dense(offer.inputs);
        let left = self.spent.offer();
        if left < 1.0 && (self.exact || left <= 0.0) {
            return Decision::skip(Reason::NoBudget);
        }
        if !dense {
            self.threshold.follow(false);
            return Decision::skip(Reason::Sparse);
        }
        let keep = offer.value < self.threshold.value * draws.normal(1.0, self.deviation);
        self.threshold.follow(keep);
        if !keep {
            return Decision::skip(Reason::Certain);
        }
        self.spent.keep();
        Decision::keep(Reason::Uncertain)
    }

    /// The difference of the two largest probabilities.
    fn value(&self, look: &Look<'_>) -> Result<f64> {
        let largest = |(first, second): (f32, f32), &p: &f32| (first.max(p), second.max(p.min(first)));
        let (first, second) = look.probabilities.iter().fold((0.0, 0.0), largest);
        Ok(f64::from(first) - f64::from(second))
    }

    fn looks(&self) -> bool {
        true
    }
}
