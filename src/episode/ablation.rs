//! How much the labels in hand are missed, by kind: the typical ones, the uncertain ones, and any.

use super::env::Episodes;
use super::extras::{FOLDS, Trial, of_fold};
use crate::data::Matrix;
use crate::error::Result;
use crate::query::draw::RowDraws;
use crate::query::uncertainty::margin;
use crate::query::{Ablations, Needs};

/// The share of the labels that is left out.
const SHARE: f64 = 0.2;
/// Fewer labels than this say nothing about what some of them are worth.
pub const MIN_LABELS: usize = 2 * FOLDS;

impl Episodes {
    /// For the slots that ask for it and have labels enough: what out-of-fold predictions of all labels in hand are worth after
    /// some are left out (Hacohen & Weinshall, NeurIPS 2023). Three orders times [`FOLDS`] fits, from weights of their own.
    pub(super) fn ablations(&self, envs: &[(usize, Needs)]) -> Result<Vec<(usize, Ablations)>> {
        let enough = |env: usize| self.envs[env].pool.labels().len() >= MIN_LABELS;
        let asking: Vec<(usize, usize)> = (envs.iter().enumerate())
            .filter(|(_, (env, needs))| needs.ablations && enough(*env))
            .map(|(slot, &(env, _))| (slot, env))
            .collect();
        let mut trials = Vec::with_capacity(asking.len() * 3 * FOLDS);
        for &(_, env) in &asking {
            for order in self.orders(env) {
                let left_out = &order[..(SHARE * order.len() as f64).ceil() as usize];
                for fold in 0..FOLDS {
                    trials.push(self.without(env, left_out, fold));
                }
            }
        }
        let parts = self.fit_trials(&trials, &self.plan.from_scratch(), |bank, place, trial| {
            let at = &self.envs[trial.env];
            let labelled: Vec<u32> = at.pool.labelled().iter().map(|row| row.0).collect();
            bank.probabilities(place, at.replicate.prepared.task().pool(), Some(&labelled))
        })?;
        let mut parts = parts.into_iter();
        let score = |env: usize, parts: &mut dyn Iterator<Item = Matrix>| {
            let labels = self.envs[env].pool.labels();
            let mut sum = 0.0;
            for (fold, p) in parts.take(FOLDS).enumerate() {
                sum += of_fold(labels.len(), fold)
                    .map(|at| f64::from(p.row(at)[labels[at] as usize]))
                    .sum::<f64>();
            }
            sum / labels.len() as f64
        };
        let of_slot = |(slot, env): (usize, usize)| {
            let [typical, uncertain, random] = [0, 1, 2].map(|_| score(env, &mut parts));
            (slot, Ablations { typical, uncertain, random })
        };
        Ok(asking.into_iter().map(of_slot).collect())
    }

    /// Places of the labels of an episode, in the three orders in which they are left out: those with the nearest neighbours in
    /// the pool first, those of the smallest margin first, and at random.
    fn orders(&self, env: usize) -> [Vec<usize>; 3] {
        let at = &self.envs[env];
        let (group, place) = self.places[env];
        let rows: Vec<u32> = at.pool.labelled().iter().map(|row| row.0).collect();
        let neighbours = at.replicate.prepared.neighbours();
        let p =
            self.groups[group].bank.probabilities(place, at.replicate.prepared.task().pool(), Some(&rows));
        let apart = |place: usize| {
            neighbours.distances(rows[place] as usize).iter().map(|&d| f64::from(d)).sum::<f64>()
        };
        let by = |value: &dyn Fn(usize) -> f64| {
            let mut order: Vec<(f64, usize)> = (0..rows.len()).map(|place| (value(place), place)).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            order.into_iter().map(|(_, place)| place).collect::<Vec<usize>>()
        };
        let key = at.fit_key(at.fit_number(&self.plan)).named("ablation");
        let draws = RowDraws::new(key);
        [
            by(&apart),
            by(&|place| -margin::of(p.row(place))),
            by(&|place| draws.uniform(at.pool.labelled()[place])),
        ]
    }

    /// A fit on the labels in hand without those at some places and those of a fold.
    fn without(&self, env: usize, left_out: &[usize], fold: usize) -> Trial {
        let at = &self.envs[env];
        let mut trial = self.trial(env, at.fit_key(at.fit_number(&self.plan)).named("fold").at(fold as u64));
        let kept = |place: &usize| place % FOLDS != fold && !left_out.contains(place);
        let places: Vec<usize> = (0..trial.rows.len()).filter(kept).collect();
        trial.rows = places.iter().map(|&place| trial.rows[place]).collect();
        trial.labels = places.iter().map(|&place| trial.labels[place]).collect();
        trial
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::testing::{plan, played};
    use crate::learner::Start;

    #[test]
    fn a_fifth_is_left_out_by_each_order() {
        let episodes = played(&plan(Start::Scratch), "digits");
        let labels = episodes.envs[0].pool.labels().len();
        assert!(labels >= MIN_LABELS, "{labels}");
        for order in episodes.orders(0) {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..labels).collect::<Vec<_>>());
        }
        let trial = episodes.without(0, &[0, 1, 2], 1);
        assert!(trial.rows.len() + labels.div_ceil(FOLDS) + 3 >= labels && trial.rows.len() < labels - 3);
        let asking = Needs { ablations: true, ..Needs::NONE };
        let found = episodes.ablations(&[(0, Needs::NONE), (0, asking)]).unwrap();
        assert_eq!(found.len(), 1);
        let (slot, Ablations { typical, uncertain, random }) = found[0];
        assert_eq!(slot, 1);
        assert!([typical, uncertain, random].iter().all(|score| (0.0..=1.0).contains(score)), "{found:?}");
    }
}
