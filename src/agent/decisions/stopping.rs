//! [`LearnedStop`]: a rule to stop that was learned, and what it goes by.

use super::decider::Decider;
use super::decision_state::DecisionState;
use crate::agent::dqn::network::{ACTION, STATE};
use crate::episode::stop::curve::PowerLaw;
use crate::episode::stop::{Reason, Seen, Stop, kappa};
use std::array;

/// Figures of one look.
const FIGURES: usize = 10;
/// Looks that the state holds, the last one first.
const LOOKS: usize = STATE / FIGURES;
/// Pairs of successive predictions, and points of the curve, that a figure goes back over.
const BACK: usize = 3;
/// To stop, and to go on.
pub(super) const OPTIONS: [[f32; ACTION]; 2] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
/// The option of stopping.
pub(super) const STOP: usize = 0;

/// What labels cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Labels that are worth as much as one percentage point of accuracy.
    pub labels_per_point: f64,
}

impl Price {
    /// What an accuracy (share of 1) is worth after so many labels, in percentage points; higher = better.
    pub fn utility(&self, accuracy: f64, labels: usize) -> f64 {
        100.0 * accuracy - labels as f64 / self.labels_per_point
    }
}

/// What is seen at the last look, under a budget of so many labels in all. In order:
///
/// 0. the share of the budget that is spent;
/// 1. the mean uncertainty of the fixed set of rows;
/// 2. one minus Cohen's kappa between the last two predictions of it (1 where there is one alone);
/// 3. the mean of that over the last three pairs;
/// 4. ten times the fall of the uncertainty since the look before (0 where there is none);
/// 5. the error out of fold (1 where there are too few labels);
/// 6. five times the gain in accuracy out of fold over the last three looks (0 where there is none);
/// 7. the points that the next labels are expected to add, out of three: by the power law through the accuracy out of fold (1 where
///    there are too few points);
/// 8. the share of accuracy that the rest of the budget is expected to add (1 where there are too few points);
/// 9. one over the number of classes that are predicted.
fn figures(seen: &Seen<'_>, budget: usize) -> [f32; FIGURES] {
    let Some(now) = seen.looks.last() else { return [0.0; FIGURES] };
    let changed: Vec<f64> = seen
        .looks
        .windows(2)
        .rev()
        .take(BACK)
        .map(|pair| 1.0 - kappa(&pair[0].classes, &pair[1].classes))
        .collect();
    let mean = match changed.is_empty() {
        true => 1.0,
        false => changed.iter().sum::<f64>() / changed.len() as f64,
    };
    let before = seen.looks.len().checked_sub(2).map(|at| seen.looks[at].uncertainty);
    let point = seen.curve.last();
    let earlier = seen.curve.get(seen.curve.len().saturating_sub(BACK + 1));
    let gained = point.zip(earlier).map_or(0.0, |(now, then)| now.accuracy - then.accuracy);
    let law = PowerLaw::fit(seen.curve);
    let left = budget.saturating_sub(now.labels);
    let expected = |more: usize| law.map(|law| law.gain(now.labels, more));
    let mut predicted = now.classes.clone();
    predicted.sort_unstable();
    predicted.dedup();
    let figures = [
        now.labels as f64 / budget.max(1) as f64,
        now.uncertainty,
        changed.first().copied().unwrap_or(1.0),
        mean,
        before.map_or(0.0, |before| 10.0 * (before - now.uncertainty)),
        point.map_or(1.0, |point| 1.0 - point.accuracy),
        5.0 * gained,
        expected(seen.step).map_or(1.0, |gain| 100.0 * gain / 3.0),
        expected(left).unwrap_or(1.0),
        1.0 / predicted.len().max(1) as f64,
    ];
    figures.map(|figure| figure.clamp(-1.0, 1.0) as f32)
}

impl DecisionState {
    /// Whether to stop, by the figures of the last looks: where there are fewer, the first is seen again.
    pub(super) fn to_stop(seen: &Seen<'_>, budget: usize) -> Self {
        let looks: [[f32; FIGURES]; LOOKS] = array::from_fn(|back| {
            let looks = &seen.looks[..seen.looks.len().saturating_sub(back).max(1).min(seen.looks.len())];
            let labels = looks.last().map_or(0, |look| look.labels);
            let points = seen.curve.partition_point(|point| point.labels <= labels);
            figures(&Seen { looks, curve: &seen.curve[..points], ..*seen }, budget)
        });
        Self::new(&looks.concat(), &OPTIONS)
    }
}

/// A rule to stop that a [`Decider`] learned.
#[derive(Clone, Debug)]
pub struct LearnedStop {
    decider: Decider,
    budget: usize,
}

impl LearnedStop {
    /// The rule of a decider, under a budget of so many labels, those that were there at the start included: with that many it
    /// always stops.
    pub fn new(decider: Decider, budget: usize) -> Self {
        Self { decider, budget }
    }
}

impl Stop for LearnedStop {
    /// What cannot be scored is no reason to stop.
    fn decide(&self, seen: &Seen<'_>) -> Option<Reason> {
        let labels = seen.looks.last()?.labels;
        let stop = |saw| Reason { rule: "learned", saw };
        if labels >= self.budget {
            return Some(stop(format!("{labels} labels, and the budget is {}", self.budget)));
        }
        let scores = self.decider.scores(&DecisionState::to_stop(seen, self.budget)).ok()?;
        let (stopping, going) = (scores[STOP], scores[1 - STOP]);
        let saw = || format!("after {labels} labels, stopping scores {stopping:.3} and going on {going:.3}");
        (stopping > going).then(|| stop(saw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::decisions::DeciderKind;
    use crate::episode::stop::Look;
    use crate::episode::stop::curve::Point;
    use crate::rng::Key;

    fn look(labels: usize, classes: &[u32], uncertainty: f64) -> Look {
        Look { labels, classes: classes.to_vec(), uncertainty }
    }

    /// Four looks at four rows. The kappas of successive predictions are 0.5 (three of four agree, by chance a half), 0 and 1.
    #[test]
    fn figures_are_as_by_hand() {
        let looks = [
            look(10, &[0, 0, 1, 1], 0.5),
            look(20, &[0, 0, 0, 1], 0.44),
            look(30, &[0, 1, 0, 0], 0.4),
            look(40, &[0, 1, 0, 0], 0.37),
        ];
        // 1 - error = 1 - 4 / n: a law of floor 0, scale 4 and rate 1, which is between two that are tried.
        let curve = [10, 20, 30, 40].map(|labels| Point {
            labels,
            accuracy: 1.0 - 4.0 / labels as f64,
            judged: labels,
        });
        let seen = Seen { looks: &looks, curve: &curve, rows: 100, step: 10 };
        let found = figures(&seen, 80);
        // Of the second pair, two of four agree, by chance (3 / 4)^2 + (1 / 4)^2 = 0.625: kappa -1/3.
        let mean = (0.5 + 4.0 / 3.0 + 0.0) / 3.0;
        for (at, expected) in [
            (0, 0.5),
            (1, 0.37),
            (2, 0.0),
            (3, mean),
            (4, 0.3),
            (5, 0.1),
            // 0.9 - 0.6, times five, is cut to one.
            (6, 1.0),
            (9, 0.5),
        ] {
            assert!((f64::from(found[at]) - expected).abs() < 1e-6, "{at}: {} {expected}", found[at]);
        }
        // 4 / 40 - 4 / 50 = two points, out of three; 4 / 40 - 4 / 80 = 0.05.
        assert!((found[7] - 2.0 / 3.0).abs() < 0.02 && (found[8] - 0.05).abs() < 0.003, "{found:?}");
        // The state: the last three looks, each as it was seen then.
        let state = DecisionState::to_stop(&seen, 80).state;
        assert_eq!(state[..FIGURES], found);
        let then = Seen { looks: &looks[..3], curve: &curve[..3], ..seen };
        assert_eq!(state[FIGURES..2 * FIGURES], figures(&then, 80));
        // With a single look there is nothing to compare with, and it stands for all three.
        let first = Seen { looks: &looks[..1], curve: &[], ..seen };
        let state = DecisionState::to_stop(&first, 80).state;
        assert_eq!(state[..FIGURES], [0.125, 0.5, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.5]);
        assert_eq!(state[..FIGURES], state[2 * FIGURES..]);
    }

    #[test]
    fn utility_is_as_by_hand() {
        let price = Price { labels_per_point: 20.0 };
        assert_eq!(price.utility(0.9, 60), 87.0);
        assert_eq!(Price { labels_per_point: f64::INFINITY }.utility(0.9, 60), 90.0);
    }

    #[test]
    fn a_rule_says_what_it_scored_and_stops_at_its_budget() {
        let stops = Decider::Policy(Decider::start([1.0, -1.0, 0.0], Key::root(1)).unwrap());
        let goes = Decider::untrained(DeciderKind::Policy, Key::root(1)).unwrap();
        let looks = [look(10, &[0, 1], 0.5)];
        let seen = Seen { looks: &looks, curve: &[], rows: 9, step: 1 };
        let reason = LearnedStop::new(stops.clone(), 50).decide(&seen).unwrap();
        assert_eq!(reason.saw, "after 10 labels, stopping scores 1.000 and going on -1.000");
        assert_eq!(LearnedStop::new(goes.clone(), 50).decide(&seen), None, "of equals it goes on");
        assert_eq!(LearnedStop::new(goes, 10).decide(&seen).unwrap().rule, "learned");
        assert_eq!(LearnedStop::new(stops, 50).decide(&Seen { looks: &[], ..seen }), None);
    }
}
