//! Labelled rows that are held back where training stops early by a validation loss.

use super::augment::{self, Extra, Steering};
use super::plan::{EpisodePlan, StopOn};
use crate::data::TargetKind;
use crate::data::{Matrix, RowId, Task};
use crate::learner::{ModelData, Stop, TrainPlan};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::index;
use std::collections::BTreeSet;

/// One labelled row in this many is held back, and at least one.
const SHARE: usize = 5;

/// Labelled rows, divided into those that are trained on and those that tell when to stop.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Divided {
    train: (Vec<u32>, Vec<u32>),
    validation: (Vec<u32>, Vec<u32>),
    /// Rows that are made up; none without a word about them.
    extra: Option<Extra>,
}

impl Divided {
    /// The labelled rows of a fit on `task` that is trained by `train`, divided as `plan` says.
    pub fn of(
        plan: &EpisodePlan,
        train: &TrainPlan,
        task: &Task,
        rows: &[u32],
        labels: &[u32],
        key: Key,
    ) -> Self {
        // Those rows lie behind the pool's.
        let behind = task.pool().rows();
        let (first, held) = match (train.stop, plan.stop_on) {
            (Stop::Validation { .. }, StopOn::Reward) => (behind, task.reward().labels()),
            (Stop::Validation { .. }, StopOn::Validation) => {
                (behind + task.reward().labels().len(), task.validation().labels())
            }
            _ => return Self::new(train, rows, labels, key),
        };
        let first = first as u32;
        let validation = ((first..first + held.len() as u32).collect(), held.to_vec());
        Self { train: (rows.to_vec(), labels.to_vec()), validation, extra: None }
    }

    /// Holds back a random fifth where `plan` stops by a validation loss and there is more than one row;
    /// else nothing.
    fn new(plan: &TrainPlan, rows: &[u32], labels: &[u32], key: Key) -> Self {
        let holds = matches!(plan.stop, Stop::Validation { .. }) && rows.len() > 1;
        if !holds {
            return Self {
                train: (rows.to_vec(), labels.to_vec()),
                validation: Default::default(),
                extra: None,
            };
        }
        let count = (rows.len() / SHARE).max(1);
        let mut held = vec![false; rows.len()];
        for at in index::sample(&mut key.named("validation").rng(), rows.len(), count) {
            held[at] = true;
        }
        let part = |wanted: bool| {
            let places = || (0..rows.len()).filter(|&at| held[at] == wanted);
            (places().map(|at| rows[at]).collect(), places().map(|at| labels[at]).collect())
        };
        Self { train: part(false), validation: part(true), extra: None }
    }

    /// Trains on as many rows, drawn from those with replacement (bagging: Breiman, Machine Learning 1996), and on one
    /// more of every class that has a label and was not drawn: with few labels, a plain resample lacks most classes.
    /// The rows that tell when to stop are the same for all resamples. Where targets are no classes, rows are resampled plainly.
    pub fn resampled(self, kind: TargetKind, key: Key) -> Self {
        let (rows, labels) = self.train;
        let mut rng = key.named("bootstrap").rng();
        let mut drawn: Vec<usize> = rows.iter().map(|_| rng.random_range(0..rows.len())).collect();
        let by_class = kind == TargetKind::Class;
        let classes: BTreeSet<u32> = labels.iter().copied().filter(|_| by_class).collect();
        for class in classes {
            if drawn.iter().all(|&at| labels[at] != class) {
                let own: Vec<usize> = (0..labels.len()).filter(|&at| labels[at] == class).collect();
                drawn.push(own[rng.random_range(0..own.len())]);
            }
        }
        let train = drawn.iter().map(|&at| (rows[at], labels[at])).unzip();
        Self { train, ..self }
    }

    /// Trains on what `plan` and a strategy make of the rows that are trained on by now, too.
    pub fn and_make(mut self, plan: &EpisodePlan, task: &Task, steering: &Steering, key: Key) -> Self {
        let (rows, labels) = (&self.train.0[..], &self.train.1[..]);
        let epochs = plan.train.stop.epochs().map_or(augment::DRAWS, |epochs| epochs as usize);
        self.extra = Extra::of(
            (plan.augment.as_ref(), plan.generator.as_ref()),
            steering,
            task,
            (rows, labels),
            epochs,
            key,
        );
        self
    }

    /// Trains on pseudo-labels too; they never tell when to stop.
    pub fn and_train(mut self, pseudo: &[(RowId, u32)]) -> Self {
        self.train.0.extend(pseudo.iter().map(|(row, _)| row.0));
        self.train.1.extend(pseudo.iter().map(|&(_, class)| class));
        self
    }

    /// How many rows are trained on whose label counts as known.
    pub fn trained_on(&self) -> usize {
        self.train.0.len()
    }

    /// Rows of a pool of `pool` rows that are neither trained on nor held back, ascending.
    pub fn others(&self, pool: usize) -> Vec<u32> {
        let mut own = vec![false; pool];
        let known = self.train.0.iter().chain(&self.validation.0);
        known.filter(|&&row| (row as usize) < pool).for_each(|&row| own[row as usize] = true);
        (0..pool as u32).filter(|&row| !own[row as usize]).collect()
    }

    /// Rows that are made up.
    pub fn extra(&self) -> Option<&Extra> {
        self.extra.as_ref()
    }

    /// The rows that a decoder made for the first epoch, and their classes.
    pub fn generated(&self) -> Option<(Matrix, Vec<u32>)> {
        self.extra.as_ref().and_then(Extra::generated)
    }

    /// With targets as fits take them: see [`Task::in_full`].
    pub fn in_full(mut self, task: &Task) -> Self {
        for words in [&mut self.train.1, &mut self.validation.1] {
            *words = task.in_full(words).into_owned();
        }
        self
    }

    /// As the bank wants it.
    pub fn env<'a>(&'a self, task: &'a Task) -> ModelData<'a> {
        self.with(task, self.extra.as_ref())
    }

    /// The same with `extra` in the place of the rows that are made up, if it has any.
    pub fn beside<'a>(&'a self, task: &'a Task, extra: &'a Extra) -> ModelData<'a> {
        self.with(task, Some(extra).filter(|extra| !extra.is_empty()))
    }

    fn with<'a>(&'a self, task: &'a Task, extra: Option<&'a Extra>) -> ModelData<'a> {
        ModelData {
            inputs: task.all_but_test(),
            rows: &self.train.0,
            labels: &self.train.1,
            validation: (&self.validation.0, &self.validation.1),
            extra: extra.map(Extra::view),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::{Loss, Optimiser, Start};

    #[test]
    fn a_resample_differs_by_key_and_keeps_every_class() {
        let rows: Vec<u32> = (10..30).collect();
        // Two classes have a single label each.
        let labels: Vec<u32> = (0..20).map(|at| if at < 2 { at } else { 2 + at % 2 }).collect();
        let held = (vec![90], vec![1]);
        let all = Divided { train: (rows.clone(), labels.clone()), validation: held.clone(), extra: None };
        let mut left_out = 0;
        for seed in 0..50 {
            let drawn = all.clone().resampled(TargetKind::Class, Key::root(seed));
            assert_eq!(drawn, all.clone().resampled(TargetKind::Class, Key::root(seed)));
            assert_ne!(drawn, all.clone().resampled(TargetKind::Class, Key::root(seed + 1)));
            let (own, classes) = drawn.train;
            assert!((20..=22).contains(&own.len()), "as many, and one of either rare class at most");
            assert!(own.iter().zip(&classes).all(|(&row, &class)| labels[row as usize - 10] == class));
            assert!((0..4).all(|class| classes.contains(&class)), "{classes:?}");
            assert_eq!(drawn.validation, held);
            left_out += rows.iter().filter(|row| !own.contains(row)).count();
        }
        // (1 - 1/20)^20 = .358 of the rows, fewer of the rare classes: .323 in all.
        assert!((280..365).contains(&left_out), "{left_out} of 1000");
        // One label per class leaves something to draw all the same.
        let few =
            Divided { train: (vec![1, 2, 3], vec![0, 1, 2]), validation: Default::default(), extra: None };
        let members: BTreeSet<Vec<u32>> =
            (0..20).map(|seed| few.clone().resampled(TargetKind::Class, Key::root(seed)).train.0).collect();
        assert!(members.len() > 10, "{members:?}");
    }

    #[test]
    fn a_fifth_is_held_back_only_where_it_is_needed() {
        let plan = |stop| TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.01,
            weight_decay: 0.0,
            batch: 8,
            drop_last: false,
            stop,
            start: Start::Scratch,
        };
        let rows: Vec<u32> = (10..22).collect();
        let labels: Vec<u32> = (0..12).map(|i| i % 3).collect();
        let all = Divided::new(&plan(Stop::Epochs { epochs: 3 }), &rows, &labels, Key::root(1));
        assert_eq!((all.train.0.clone(), all.validation.0.len()), (rows.clone(), 0));
        let patient = plan(Stop::Validation { epochs: 3, patience: 1 });
        let divided = Divided::new(&patient, &rows, &labels, Key::root(1));
        assert_eq!((divided.train.0.len(), divided.validation.0.len()), (10, 2));
        let mut together = [divided.train.0.clone(), divided.validation.0.clone()].concat();
        together.sort_unstable();
        assert_eq!(together, rows);
        for (row, label) in divided.validation.0.iter().zip(&divided.validation.1) {
            assert_eq!((row - 10) % 3, *label);
        }
        assert_eq!(Divided::new(&patient, &rows[..1], &labels[..1], Key::root(1)).validation.0.len(), 0);
    }
}
