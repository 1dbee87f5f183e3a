//! [`Guide`]: rules that say where to start on a task, and what each loses on tasks it did not learn from.
//!
//! A rule that knows more about a task can fit it better or be led astray by the few sources that resemble it.
//! Which of the two it is, only tasks that were left out can tell: [`held_out`] leaves out one task after the
//! other. The features are scale-free: logarithms of labels per class, classes and inputs, in standard deviations
//! over the sources. How far the labelled rows are from the pool (the proxy distance that a policy sees) is left
//! out on purpose: on sources they are drawn at random, so that it is zero there but for noise.

use super::choice::paired;
use super::prior::{Evidence, Prior, summarise};
use crate::arch::Space;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Searches on other tasks that [`Guide::Neighbours`] asks.
const NEIGHBOURS: usize = 16;
const FEATURES: usize = 3;

/// How a start is chosen from what sources say. The simpler first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guide {
    /// One start for all.
    Overall,
    /// That of the nearest level of labels per class: [`Prior::start`].
    Levels,
    /// That of the sixteen searches whose labels per class, classes and inputs are nearest.
    Neighbours,
}

impl Guide {
    pub const ALL: [Self; 3] = [Self::Overall, Self::Levels, Self::Neighbours];
}

/// What a rule loses on tasks that it did not learn from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    pub guide: Guide,
    /// Mean over tasks of how far the start's score lies below the best that was scored there; lower is better.
    pub regret: f64,
    /// How much less it loses than [`Guide::Overall`], task by task, and the standard error of that.
    pub ahead: f64,
    pub error: f64,
    /// Tasks that were left out.
    pub tasks: usize,
}

/// Leaves out one task after the other and follows every rule, learned from the others, on it. Empty with fewer
/// than two tasks.
///
/// # Errors
/// As [`Prior::learn`].
pub fn held_out<S: Space>(space: &S, evidence: &[Evidence<S::Point>]) -> Result<Vec<HeldOut>> {
    let mut by_task: BTreeMap<&str, Vec<&Evidence<S::Point>>> = BTreeMap::new();
    for own in evidence.iter().filter(|own| !own.scores.is_empty()) {
        by_task.entry(&own.task).or_default().push(own);
    }
    if by_task.len() < 2 {
        return Ok(Vec::new());
    }
    let mut regrets: [Vec<f64>; Guide::ALL.len()] = Default::default();
    for (task, own) in &by_task {
        let others = || evidence.iter().filter(|other| other.task != *task && !other.scores.is_empty());
        let prior = Prior::learn(space.clone(), others().cloned().collect())?;
        let mut sums = [0.0; Guide::ALL.len()];
        for one in own {
            for (sum, guide) in sums.iter_mut().zip(Guide::ALL) {
                let start = match guide {
                    Guide::Overall => prior.start_overall().clone(),
                    Guide::Levels => prior.start(one.labels as f64 / one.classes as f64).clone(),
                    Guide::Neighbours => match summarise(space, &nearest(others().collect(), one))? {
                        Some(level) => level.start,
                        None => prior.start_overall().clone(),
                    },
                };
                *sum += regret(one, &start);
            }
        }
        for (all, sum) in regrets.iter_mut().zip(sums) {
            all.push(sum / own.len() as f64);
        }
    }
    let of = |(guide, own): (Guide, &Vec<f64>)| {
        let (ahead, error) = paired(&regrets[0], own);
        let regret = own.iter().sum::<f64>() / own.len() as f64;
        HeldOut { guide, regret, ahead, error, tasks: own.len() }
    };
    Ok(Guide::ALL.into_iter().zip(&regrets).map(of).collect())
}

/// The simplest rule that does not lose: none of the others is ahead of it by more than a standard error.
pub fn simplest(found: &[HeldOut]) -> Option<Guide> {
    let best = found.iter().max_by(|a, b| a.ahead.total_cmp(&b.ahead))?;
    found.iter().find(|own| best.ahead - own.ahead <= best.error.max(own.error)).map(|own| own.guide)
}

/// How far `point` is below the best; one that was not scored counts as the worst that was.
fn regret<P: Ord>(own: &Evidence<P>, point: &P) -> f64 {
    let scores = || own.scores.iter().map(|line| line.score);
    let best = scores().fold(f64::NEG_INFINITY, f64::max);
    let known = own.scores.iter().find(|line| line.point == *point).map(|line| line.score);
    best - known.unwrap_or_else(|| scores().fold(best, f64::min))
}

fn features<P>(own: &Evidence<P>) -> [f64; FEATURES] {
    let (labels, classes, width) = (own.labels as f64, own.classes as f64, own.width as f64);
    [labels / classes, classes, width].map(f64::log2)
}

/// The searches nearest to `target`, nearest first; the earlier of equals.
fn nearest<'a, P>(mut all: Vec<&'a Evidence<P>>, target: &Evidence<P>) -> Vec<&'a Evidence<P>> {
    let of: Vec<[f64; FEATURES]> = all.iter().map(|own| features(*own)).collect();
    let count = of.len() as f64;
    let scale: [f64; FEATURES] = std::array::from_fn(|at| {
        let mean = of.iter().map(|own| own[at]).sum::<f64>() / count;
        let spread = (of.iter().map(|own| (own[at] - mean).powi(2)).sum::<f64>() / count).sqrt();
        if spread > 0.0 { spread } else { 1.0 }
    });
    let target = features(target);
    let distance = |own: &Evidence<P>| -> f64 {
        let own = features(own);
        (0..FEATURES).map(|at| ((own[at] - target[at]) / scale[at]).powi(2)).sum()
    };
    // A stable sort keeps the order of equals.
    all.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    all.truncate(NEIGHBOURS);
    all
}

#[cfg(test)]
mod tests {
    use super::super::prior::PointScore;
    use super::*;
    use crate::arch::{ArchSpace, Point};

    const SMALL: (usize, usize) = (1, 1);
    const LARGE: (usize, usize) = (2, 1);

    fn one(task: usize, labels: usize, classes: usize, best: (usize, usize)) -> Evidence<Point> {
        let line =
            |(blocks, stacks): (usize, usize), score| PointScore { point: Point::new(blocks, stacks), score };
        let other = if best == SMALL { LARGE } else { SMALL };
        let noise = 0.001 * (task % 5) as f64;
        let scores = vec![line(best, 0.8 + noise), line(other, 0.7)];
        Evidence { task: format!("task {task}"), width: 16, classes, labels, scores }
    }

    fn by_guide(evidence: &[Evidence<Point>]) -> (Vec<f64>, Option<Guide>) {
        let found = held_out(&ArchSpace::default(), evidence).unwrap();
        assert!(found.iter().all(|own| own.tasks == evidence.len()));
        (found.iter().map(|own| (own.regret * 10.0).round()).collect(), simplest(&found))
    }

    /// Twenty tasks with two classes want the small network and twenty with sixteen the large one, all at four
    /// labels per class: only who looks at the classes knows.
    #[test]
    fn neighbours_see_what_levels_cannot() {
        let evidence: Vec<_> = (0..40)
            .map(|at| if at % 2 == 0 { one(at, 8, 2, SMALL) } else { one(at, 64, 16, LARGE) })
            .collect();
        let (regrets, kept) = by_guide(&evidence);
        assert_eq!((regrets[2], kept), (0.0, Some(Guide::Neighbours)));
        assert!(regrets[0] > 0.0 && regrets[1] > 0.0, "{regrets:?}");
    }

    /// Where labels per class say it all, levels are enough; where nothing matters, one start for all is.
    #[test]
    fn the_simplest_that_does_not_lose_is_kept() {
        let by_level = |at| if at % 2 == 0 { one(at, 2, 2, SMALL) } else { one(at, 64, 2, LARGE) };
        let evidence: Vec<_> = (0..40).map(by_level).collect();
        assert_eq!(by_guide(&evidence).1, Some(Guide::Levels));
        let same: Vec<_> = (0..40).map(|at| one(at, 2 << (at % 5), 2, SMALL)).collect();
        assert_eq!(by_guide(&same), (vec![0.0; 3], Some(Guide::Overall)));
        assert!(held_out(&ArchSpace::default(), &evidence[..1]).unwrap().is_empty());
        assert_eq!(simplest(&[]), None);
    }

    #[test]
    fn what_was_not_scored_counts_as_the_worst() {
        let own = one(0, 8, 2, LARGE);
        assert!((regret(&own, &Point::new(3, 3)) - 0.1).abs() < 1e-12);
        assert_eq!(regret(&own, &Point::new(2, 1)), 0.0);
    }
}
