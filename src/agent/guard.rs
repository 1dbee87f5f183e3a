//! [`DomainGuard`]: where a policy does not trust itself.
//!
//! A policy has learned from states within some range; beyond it, its scores are extrapolation. The guard
//! knows the range of every global feature over the states of training, and names the strategy that asks
//! in the policy's place outside of it.

use super::error::AgentError;
use crate::data::TargetKind;
use crate::episode::{Observation, Schema, features};
use crate::error::{Result, shorten};
use crate::query::{Needs, Registry};
use serde::{Deserialize, Serialize};

/// How far beyond the range of the states a feature may lie, as a share of that range.
const SLACK: f32 = 0.25;

/// Who asks outside of the range whatever the targets are.
pub const ANYWHERE: &str = "k_center(space=inputs)";

/// The range of each global feature, and who asks outside of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainGuard {
    /// A strategy of the registry.
    pub fallback: String,
    /// Smallest value of each global feature, in the schema's order.
    pub low: Vec<f32>,
    /// Largest value.
    pub high: Vec<f32>,
}

/// The smallest and the largest value of each global feature in the states that were seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Range {
    /// Takes the globals of one state in.
    ///
    /// # Panics
    /// If an earlier state had another number of them.
    pub fn include(&mut self, globals: &[f32]) {
        if self.low.is_empty() {
            (self.low, self.high) = (globals.to_vec(), globals.to_vec());
        }
        assert_eq!(self.low.len(), globals.len(), "global features");
        for ((low, high), &value) in self.low.iter_mut().zip(&mut self.high).zip(globals) {
            (*low, *high) = (low.min(value), high.max(value));
        }
    }

    /// Whether it is one of `count` numbers, or of no state at all.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check(&self, count: usize) -> Result<(), String> {
        match [self.low.len(), self.high.len()] {
            [0, 0] => Ok(()),
            found if found == [count; 2] => Ok(()),
            [low, high] => Err(format!("ranges of {low} and {high} numbers, expected {count}")),
        }
    }

    /// Takes all in that another range holds.
    pub fn unite(mut self, other: &Range) -> Self {
        for end in [&other.low, &other.high] {
            if !end.is_empty() {
                self.include(end);
            }
        }
        self
    }
}

/// A global feature outside its range.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfRange {
    /// Index of the feature in the schema.
    pub column: usize,
    pub value: f32,
    pub low: f32,
    pub high: f32,
}

impl DomainGuard {
    /// Around `range`, with some slack; none where no state has been seen.
    pub fn around(range: Range, fallback: &str) -> Option<Self> {
        let Range { mut low, mut high } = range;
        if low.is_empty() {
            return None;
        }
        for (low, high) in low.iter_mut().zip(&mut high) {
            let slack = SLACK * (*high - *low);
            (*low, *high) = (*low - slack, *high + slack);
        }
        Some(Self { fallback: fallback.to_string(), low, high })
    }

    /// The same without a bound on one feature that lies within `-limit..=limit` by itself.
    pub fn unbounded(mut self, column: usize, limit: f32) -> Self {
        (self.low[column], self.high[column]) = (-limit, limit);
        self
    }

    /// Refuses a guard that does not fit the schema, whose ranges are empty or not numbers, or whose fallback
    /// is no strategy or needs what a policy's round does not have.
    ///
    /// # Errors
    /// [`AgentError::Card`].
    pub fn check(&self, schema: &Schema) -> Result<(), AgentError> {
        self.check_fallback()?;
        let expected = schema.global.len();
        for (name, found) in [("low", self.low.len()), ("high", self.high.len())] {
            if found != expected {
                let reason = format!("guard.{name} has {found} values, expected {expected}");
                return Err(AgentError::Card { reason });
            }
        }
        for (column, (low, high)) in self.low.iter().zip(&self.high).enumerate() {
            if !(low.is_finite() && high.is_finite() && low <= high) {
                let name = schema.global[column];
                let reason = format!("guard: the range of \"{name}\" is {low} to {high}");
                return Err(AgentError::Card { reason });
            }
        }
        Ok(())
    }

    /// Who asks for targets of a kind: the fallback, if it serves it, and else [`ANYWHERE`].
    ///
    /// # Errors
    /// If the fallback is no strategy.
    pub fn fallback_on(&self, kind: TargetKind) -> Result<&str> {
        let serves = Registry::builtin().build(&self.fallback)?.kinds().serve(kind);
        Ok(if serves { &self.fallback } else { ANYWHERE })
    }

    fn check_fallback(&self) -> Result<(), AgentError> {
        let refuse = |reason: String| AgentError::Card { reason: format!("guard.fallback: {reason}") };
        let strategy =
            Registry::builtin().build(&self.fallback).map_err(|error| refuse(error.to_string()))?;
        // What every view has, whatever a strategy says of it.
        let everywhere = Needs { inputs: true, labels: true, classes: true, ..features::needs() };
        if everywhere.union(strategy.needs()) != everywhere {
            let name = shorten(&self.fallback);
            return Err(refuse(format!("\"{name}\" needs more than what a policy is shown of a round")));
        }
        Ok(())
    }

    /// The first global feature that is outside its range.
    pub fn out_of_range(&self, state: &Observation) -> Option<OutOfRange> {
        let ranges = self.low.iter().zip(&self.high).zip(&state.globals).enumerate();
        ranges
            .map(|(column, ((&low, &high), &value))| OutOfRange { column, value, low, high })
            .find(|one| !(one.low..=one.high).contains(&one.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

    const SCHEMA: Schema = Schema { version: 1, candidate: &["a"], global: &["labels", "classes"] };

    fn state(globals: [f32; 2]) -> Observation {
        Observation { candidates: vec![], features: Matrix::zeros(0, 1), globals: globals.to_vec() }
    }

    #[test]
    fn ranges_by_hand() {
        let (mut range, mut more) = (Range::default(), Range::default());
        range.include(&[0.0, 1.0]);
        range.include(&[1.0, 1.0]);
        more.include(&[2.0, 1.0]);
        let range = range.unite(&more).unite(&Range::default());
        let guard = DomainGuard::around(range, "margin").unwrap();
        assert_eq!((guard.low.clone(), guard.high.clone()), (vec![-0.5, 1.0], vec![2.5, 1.0]));
        assert_eq!(guard.out_of_range(&state([2.4, 1.0])), None);
        let out_of_range = OutOfRange { column: 0, value: 2.6, low: -0.5, high: 2.5 };
        assert_eq!(guard.out_of_range(&state([2.6, 0.0])), Some(out_of_range));
        assert_eq!(guard.out_of_range(&state([0.0, 1.5])).map(|one| one.column), Some(1));
        assert!(DomainGuard::around(Range::default(), "margin").is_none());
        guard.check(&SCHEMA).unwrap();
        assert_eq!(guard.unbounded(1, 3.0).out_of_range(&state([0.0, 1.5])), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let good = DomainGuard { fallback: "margin".into(), low: vec![0.0; 2], high: vec![1.0; 2] };
        let refused = |guard: DomainGuard, words: &str| {
            let error = guard.check(&SCHEMA).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(DomainGuard { low: vec![0.0], ..good.clone() }, "guard.low has 1 values, expected 2");
        refused(DomainGuard { high: vec![1.0, -1.0], ..good.clone() }, "\"classes\" is 0 to -1");
        refused(DomainGuard { high: vec![f32::NAN, 1.0], ..good.clone() }, "\"labels\" is 0 to NaN");
        // A fallback was once built only when it was asked, in the middle of an episode.
        for (fallback, words) in [
            ("margins", "guard.fallback: strategy `margins` is unknown"),
            ("power(margin, beta=-1)", "guard.fallback: strategy `power`, parameter `beta`"),
            ("badge", "\"badge\" needs more than"),
            ("greedy_oracle", "\"greedy_oracle\" needs more than"),
            (&"m".repeat(1 << 20), "mmm…mmm"),
        ] {
            refused(DomainGuard { fallback: fallback.to_string(), ..good.clone() }, words);
        }
        for fallback in ["margin", "random", "entropy"] {
            DomainGuard { fallback: fallback.to_string(), ..good.clone() }.check(&SCHEMA).unwrap();
        }
    }

    /// A fallback asks for what it serves; for all else, who looks at inputs alone.
    #[test]
    fn the_fallback_serves_the_targets() {
        let guard = |fallback: &str| DomainGuard { fallback: fallback.into(), low: vec![], high: vec![] };
        for kind in TargetKind::ALL {
            let margin = if kind == TargetKind::Class { "margin" } else { ANYWHERE };
            assert_eq!(guard("margin").fallback_on(kind).unwrap(), margin);
            assert_eq!(guard("random").fallback_on(kind).unwrap(), "random");
            assert!(Registry::builtin().build(ANYWHERE).unwrap().kinds().serve(kind));
        }
    }
}
