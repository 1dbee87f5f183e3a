//! Signals that take fits of their own: simulated look-ahead, committees, calibration, and learned losses.
//!
//! The fits of all episodes that ask for them are made together, one bank per network shape; a learned loss is a
//! network with a module of its own, which no bank trains.

use super::augment::Steering;
use super::env::Episodes;
use super::fitting::{distinct, fit_all};
use super::holdout::Divided;
use super::plan::{Measure, OracleOn};
use super::replicate::PreparedTask;
use crate::data::{Matrix, MatrixView, RowId, TargetKind};
use crate::error::Result;
use crate::learner::{
    Learner, LossModule, LossPredictor, Start, Temperature, TrainPlan, calibration, ensembles,
};
use crate::query::{Needs, Passes, Signals};
use crate::rng::Key;
use rayon::prelude::*;

/// Folds whose held-out logits calibrate.
pub const FOLDS: usize = 5;

/// Networks that are trained for one query of a strategy with these needs.
pub fn fits(needs: Needs) -> usize {
    // The labels in hand are fitted once more, to compare the simulated ones with.
    let compared = |simulated: usize| if simulated > 0 { simulated + 1 } else { 0 };
    let folds = if needs.temperature || needs.out_of_fold { FOLDS } else { 0 };
    let ablations = if needs.ablations { 3 * FOLDS } else { 0 };
    compared(needs.lookahead)
        + compared(needs.drafts)
        + needs.committee
        + folds
        + ablations
        + usize::from(needs.predicted_loss)
}

/// The places of `count` labels that fold `fold` leaves out.
pub(super) fn of_fold(count: usize, fold: usize) -> impl Iterator<Item = usize> {
    (fold..count).step_by(FOLDS)
}

/// What simulated labels are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The network as it stands. It has other seeds than the simulated ones, which shifts all gains of a round alike:
    /// for whoever only compares them with each other.
    Present,
    /// The labels in hand, fitted with the seeds of the simulations, so that a positive gain is one of the label. One
    /// more fit per episode.
    Refitted,
}

/// One extra fit.
pub(super) struct Trial {
    pub env: usize,
    pub rows: Vec<u32>,
    pub labels: Vec<u32>,
    pub key: Key,
    /// Whether it is on a resample of the rows.
    pub bootstrap: bool,
}

/// Errors below this share of the targets' spread are as good as none.
const LEAST_ERROR: f64 = 1e-3;

impl Episodes {
    /// What the given episodes need beyond [`signals`](Self::signals), in their order, and nothing else.
    pub fn extras(&self, envs: &[(usize, Needs)]) -> Result<Vec<Signals>> {
        let mut extras = vec![Signals::default(); envs.len()];
        let mut counts: Vec<usize> =
            envs.iter().map(|(_, needs)| needs.lookahead).filter(|&n| n > 0).collect();
        counts.sort_unstable();
        counts.dedup();
        for count in counts {
            let (slots, asking): (Vec<usize>, Vec<usize>) = envs
                .iter()
                .enumerate()
                .filter(|(_, (_, needs))| needs.lookahead == count)
                .map(|(slot, &(env, _))| (slot, env))
                .unzip();
            for (slot, gains) in
                slots.into_iter().zip(self.look_ahead(&asking, count, 0.0, Reference::Refitted)?)
            {
                extras[slot].lookahead = Some(gains);
            }
        }
        for (slot, committee) in self.committees(envs)? {
            extras[slot].committee = Some(Passes { members: committee.members });
            extras[slot].descriptors = committee.descriptors;
        }
        for (slot, temperature) in self.temperatures(envs)? {
            extras[slot].temperature = Some(temperature);
        }
        for (slot, probabilities) in self.out_of_fold(envs)? {
            extras[slot].out_of_fold = Some(probabilities);
        }
        for (slot, ablations) in self.ablations(envs)? {
            extras[slot].ablations = Some(ablations);
        }
        for (slot, losses) in self.predicted_losses(envs)? {
            extras[slot].predicted_loss = Some(losses);
        }
        Ok(extras)
    }

    /// Simulates, for each of the given episodes, the labelling of `count` random candidates, each alone
    /// and with its true label, and gives the gain over `reference` on the rows that the plan names: `1 - soft` parts
    /// of it in accuracy, `soft` in the mean probability of the true class, which one label moves less by chance. The
    /// network of every simulation is the one that the next label would be fitted with.
    pub fn look_ahead(
        &self,
        envs: &[usize],
        count: usize,
        soft: f64,
        reference: Reference,
    ) -> Result<Vec<Vec<(RowId, f32)>>> {
        let (mut trials, mut asked) = (Vec::new(), Vec::new());
        for &env in envs {
            let at = &self.envs[env];
            let next = at.fit_key(at.fit_number(&self.plan) + 1);
            if reference == Reference::Refitted {
                trials.push(self.trial(env, next));
            }
            for row in self.sample_candidates(env, count) {
                let mut trial = self.trial(env, next);
                self.add_answered(env, &mut trial, &[row]);
                trials.push(trial);
                asked.push(row);
            }
        }
        let worths = self.fit_trials(&trials, &self.plan.train, |bank, place, trial| {
            self.validation_score(trial.env, bank, place, soft)
        })?;
        let mut asked = asked.into_iter();
        let mut gains = |&env: &usize| {
            let mut own = trials.iter().zip(&worths).filter(|(trial, _)| trial.env == env);
            let before = match reference {
                Reference::Refitted => *own.next().expect("the reference comes first").1,
                Reference::Present => self.judged(env, soft),
            };
            let gain = |(_, score): (&Trial, &f64)| (score - before) as f32;
            own.map(gain).zip(asked.by_ref()).map(|(gain, row)| (row, gain)).collect()
        };
        Ok(envs.iter().map(&mut gains).collect())
    }

    /// The gain in accuracy, on the rows that the plan names, that labelling each of these batches with its true labels would
    /// bring episode `env`: over the labels in hand, fitted with the seeds of the simulations.
    pub fn rehearse(&self, env: usize, batches: &[Vec<RowId>]) -> Result<Vec<f32>> {
        let at = &self.envs[env];
        let next = at.fit_key(at.fit_number(&self.plan) + 1);
        let mut trials = vec![self.trial(env, next)];
        for batch in batches {
            let mut trial = self.trial(env, next);
            self.add_answered(env, &mut trial, batch);
            trials.push(trial);
        }
        let worths = self.fit_trials(&trials, &self.plan.train, |bank, place, _| {
            self.validation_score(env, bank, place, 0.0)
        })?;
        Ok(worths[1..].iter().map(|validation_score| (validation_score - worths[0]) as f32).collect())
    }

    /// Adds the rows of `batch` that have an answer, and their labels.
    fn add_answered(&self, env: usize, trial: &mut Trial, batch: &[RowId]) {
        let at = &self.envs[env];
        let task = at.replicate.prepared.task();
        let answered: Vec<RowId> = batch.iter().copied().filter(|&row| task.has_answer(row)).collect();
        trial.labels.extend(at.oracle.peek(&answered));
        trial.rows.extend(answered.iter().map(|row| row.0));
    }

    /// What look-ahead judges network `place` of `bank` in episode `env` by.
    pub(super) fn validation_score(&self, env: usize, bank: &dyn Learner, place: usize, soft: f64) -> f64 {
        let task = self.envs[env].replicate.prepared.task();
        let (inputs, labels) = match (self.plan.oracle_on, self.plan.measure) {
            (OracleOn::Test, Measure::RewardAndTest) => (task.test().inputs(), task.test().labels()),
            (OracleOn::Validation, _) => (task.validation().inputs(), task.validation().labels()),
            _ => (task.reward().inputs(), task.reward().labels()),
        };
        let accuracy = task.kind().scores(bank, place, inputs, &task.in_full(labels)).accuracy;
        if soft == 0.0 || labels.is_empty() {
            return accuracy;
        }
        match task.kind() {
            TargetKind::Class => {}
            // Few labels can leave errors many times the spread of the targets, which would drown all others: their logarithm does not.
            TargetKind::Real => {
                return soft * -(1.0 - accuracy).max(LEAST_ERROR).ln() + (1.0 - soft) * accuracy;
            }
            // Their scores move with every label by themselves.
            TargetKind::MultiLabel | TargetKind::Mask => return accuracy,
        }
        soft * true_class_probability(bank, place, inputs, labels) + (1.0 - soft) * accuracy
    }

    /// What returns are made of: `1 - soft` parts the plan's metric and `soft` parts the mean probability of the true class, both on
    /// reward rows. Plans refuse `soft` where targets are no classes, which have the metric alone.
    pub fn soft_metric(&self, env: usize, soft: f64) -> f64 {
        let (measured, task) = (self.state(env).measured, self.envs[env].replicate.prepared.task());
        let (inputs, labels) = (task.reward().inputs(), task.reward().labels());
        if soft == 0.0 || labels.is_empty() || task.kind() != TargetKind::Class {
            return measured;
        }
        let (group, place) = self.places[env];
        let probability = true_class_probability(&*self.groups[group].bank, place, inputs, labels);
        soft * probability + (1.0 - soft) * measured
    }

    /// Temperatures from out-of-fold logits of the labels in hand (Guo et al., ICML 2017), for the slots
    /// that ask for one. Too few labels say nothing about a temperature, and cost no fits: 1.
    fn temperatures(&self, envs: &[(usize, Needs)]) -> Result<Vec<(usize, f32)>> {
        let asking = || envs.iter().enumerate().filter(|(_, (_, needs))| needs.temperature);
        let enough = |env: usize| self.envs[env].pool.labels().len() >= calibration::MIN_ROWS;
        let fitted: Vec<usize> = asking().map(|(_, &(env, _))| env).filter(|&env| enough(env)).collect();
        let logits =
            self.held_out(&fitted, |bank, place, pool, rows| bank.logits(place, pool, Some(rows)))?;
        let mut logits = logits.into_iter();
        asking()
            .map(|(slot, &(env, _))| {
                if !enough(env) {
                    return Ok((slot, 1.0));
                }
                let (all, labels) =
                    (logits.next().expect("one per environment"), self.envs[env].pool.labels());
                let by_fold = (0..FOLDS).flat_map(|fold| of_fold(labels.len(), fold));
                let (values, truth): (Vec<&[f32]>, Vec<u32>) =
                    by_fold.map(|place| (all.row(place), labels[place])).unzip();
                let values = values.concat();
                let found = Temperature::fit(MatrixView::new(&values, truth.len(), all.cols()), &truth)?;
                Ok((slot, found.value() as f32))
            })
            .collect()
    }

    /// Out-of-fold probabilities of the labels in hand, for the slots that ask for them and have a label per
    /// fold. Behind them those of the rows that count as labelled without a label, by the network itself, which has not seen them.
    fn out_of_fold(&self, envs: &[(usize, Needs)]) -> Result<Vec<(usize, Matrix)>> {
        let (slots, asking): (Vec<usize>, Vec<usize>) = envs
            .iter()
            .enumerate()
            .filter(|(_, (env, needs))| needs.out_of_fold && self.envs[*env].pool.labels().len() >= FOLDS)
            .map(|(slot, &(env, _))| (slot, env))
            .unzip();
        let found =
            self.held_out(&asking, |bank, place, pool, rows| bank.probabilities(place, pool, Some(rows)))?;
        let whole = |(env, found): (usize, Matrix)| {
            let rows: Vec<u32> = self.envs[env].expected.iter().map(|(row, _)| row.0).collect();
            let waiting = self.probabilities(env, &rows);
            let (count, width) = (found.rows() + rows.len(), found.cols());
            Matrix::new([found.values(), waiting.values()].concat(), count, width)
        };
        Ok(slots.into_iter().zip(asking.into_iter().zip(found).map(whole)).collect())
    }

    /// For each of the given episodes, what `read` says of the labelled rows, shape `[labelled, classes]`, each by
    /// the one of [`FOLDS`] networks that was trained without the row. They start from weights of their own: those of
    /// the round before have seen the row.
    fn held_out(
        &self,
        envs: &[usize],
        read: impl Fn(&dyn Learner, usize, MatrixView<'_>, &[u32]) -> Matrix,
    ) -> Result<Vec<Matrix>> {
        let mut trials = Vec::new();
        for &env in envs {
            let at = &self.envs[env];
            let key = at.fit_key(at.fit_number(&self.plan)).named("fold");
            for fold in 0..FOLDS {
                let mut trial = self.trial(env, key.at(fold as u64));
                let kept = |index: &usize| index % FOLDS != fold;
                trial.rows = (0..trial.rows.len()).filter(kept).map(|index| trial.rows[index]).collect();
                trial.labels =
                    (0..trial.labels.len()).filter(kept).map(|index| trial.labels[index]).collect();
                trials.push(trial);
            }
        }
        let mut by_fold = self
            .fit_trials(&trials, &self.plan.from_scratch(), |bank, place, trial| {
                let pool = self.envs[trial.env].replicate.prepared.task().pool();
                let labelled: Vec<u32> =
                    self.envs[trial.env].pool.labelled().iter().map(|row| row.0).collect();
                read(bank, place, pool, &labelled)
            })?
            .into_iter();
        let joined = |&env: &usize| {
            let env = &self.envs[env];
            let mut all = Matrix::zeros(env.pool.labels().len(), env.spec.outputs());
            for (fold, part) in by_fold.by_ref().take(FOLDS).enumerate() {
                for place in of_fold(all.rows(), fold) {
                    all.row_mut(place).copy_from_slice(part.row(place));
                }
            }
            all
        };
        Ok(envs.iter().map(joined).collect())
    }

    /// Every candidate's loss as a module predicts it (Yoo & Kweon, CVPR 2019), for the slots that ask for
    /// it. The module is trained with a second network, from the key of the episode's own fit: the same first
    /// weights, mini-batches and dropout; it learns the losses of labelled rows, not of changed copies. The episode's network stays as it is, so that what differs between
    /// strategies is what they asked for, and not how the classifier was trained.
    fn predicted_losses(&self, envs: &[(usize, Needs)]) -> Result<Vec<(usize, Vec<f64>)>> {
        let asking: Vec<(usize, usize)> = (envs.iter().enumerate())
            .filter(|(_, (_, needs))| needs.predicted_loss)
            .map(|(slot, &(env, _))| (slot, env))
            .collect();
        asking
            .into_par_iter()
            .map(|(slot, env)| {
                let at = &self.envs[env];
                let task = at.replicate.prepared.task();
                let trial = self.trial(env, at.fit_key(at.fit_number(&self.plan)));
                let divided =
                    Divided::of(&self.plan, &self.plan.train, task, &trial.rows, &trial.labels, trial.key)
                        .in_full(task);
                let start = (self.plan.train.start != Start::Scratch).then(|| {
                    let (own, place) = self.places[env];
                    self.groups[own].bank.weights(place)
                });
                let module = LossModule::default();
                let (start, data) = (start.as_deref(), divided.env(task));
                let predictor =
                    LossPredictor::fit(&at.spec, start, data, &self.plan.train, &module, trial.key)?;
                let rows: Vec<u32> = at.pool.candidates().iter().map(|row| row.0).collect();
                Ok((slot, predictor.predicted(task.pool(), &rows)))
            })
            .collect()
    }

    /// A fit on the labels in hand.
    pub(super) fn trial(&self, env: usize, key: Key) -> Trial {
        let pool = &self.envs[env].pool;
        let rows = pool.labelled().iter().map(|row| row.0).collect();
        Trial { env, rows, labels: pool.labels().to_vec(), key, bootstrap: false }
    }

    /// Fits every trial as `train` says, from the episode's weights unless it starts from scratch, one bank per
    /// network shape, and measures it; results in the order of `trials`.
    pub(super) fn fit_trials<T>(
        &self,
        trials: &[Trial],
        train: &TrainPlan,
        measure: impl Fn(&dyn Learner, usize, &Trial) -> T,
    ) -> Result<Vec<T>> {
        let mut results: Vec<(usize, T)> = Vec::with_capacity(trials.len());
        for spec in distinct(trials.iter().map(|trial| &self.envs[trial.env].spec)) {
            let group: Vec<(usize, &Trial)> =
                trials.iter().enumerate().filter(|(_, trial)| self.envs[trial.env].spec == spec).collect();
            let mut bank = ensembles(&spec, group.len(), self.plan.ensemble, self.plan.device)?;
            if train.start != Start::Scratch {
                for (place, (_, trial)) in group.iter().enumerate() {
                    let (own, at) = self.places[trial.env];
                    bank.adopt(place, &*self.groups[own].bank, at)?;
                }
            }
            let divided: Vec<Divided> = group
                .iter()
                .map(|(_, trial)| {
                    let task = self.envs[trial.env].replicate.prepared.task();
                    let all = Divided::of(&self.plan, train, task, &trial.rows, &trial.labels, trial.key);
                    let all = if trial.bootstrap { all.resampled(task.kind(), trial.key) } else { all };
                    all.and_make(&self.plan, task, &Steering::default(), trial.key).in_full(task)
                })
                .collect();
            let models: Vec<(&PreparedTask, &Divided, Key)> = (group.iter().zip(&divided))
                .map(|((_, trial), divided)| (&*self.envs[trial.env].replicate.prepared, divided, trial.key))
                .collect();
            fit_all(&mut *bank, &self.plan, train, &models)?;
            results.extend(
                group.iter().enumerate().map(|(place, &(at, trial))| (at, measure(&*bank, place, trial))),
            );
        }
        results.sort_by_key(|&(at, _)| at);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }
}

/// The mean probability that network `place` of `bank` gives to the true class of rows, of which there is at least one.
fn true_class_probability(bank: &dyn Learner, place: usize, inputs: MatrixView<'_>, labels: &[u32]) -> f64 {
    let probabilities = bank.probabilities(place, inputs, None);
    let of_true = labels.iter().enumerate().map(|(row, &label)| probabilities.row(row)[label as usize]);
    of_true.map(f64::from).sum::<f64>() / labels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::testing::{logistic, plan, played};

    /// Simulated labels were compared with the network as it stands, which other seeds had made: in an unlucky round
    /// no gain was positive, and the oracle left the choice to margin.
    #[test]
    fn gains_are_of_the_label_and_not_of_the_seeds() {
        let mut shifts = Vec::new();
        for plan in [plan(Start::Scratch), plan(Start::Warm), plan(Start::Continue), logistic()] {
            let episodes = played(&plan, "digits");
            let gains = |reference| episodes.look_ahead(&[0], 12, 0.0, reference).unwrap().remove(0);
            let (present, refitted) = (gains(Reference::Present), gains(Reference::Refitted));
            assert_eq!((present.len(), refitted.len()), (12, 12));
            // The same labels with the seeds of the round to come.
            let mut later = played(&plan, "digits");
            later.envs[0].state.round += 1;
            later.refit().unwrap();
            let shift = later.state(0).reward_accuracy - episodes.state(0).reward_accuracy;
            for ((row, present), (other, refitted)) in present.into_iter().zip(refitted) {
                assert_eq!(row, other);
                assert!((f64::from(present - refitted) - shift).abs() < 1e-6, "{present} {refitted} {shift}");
            }
            shifts.push(shift);
        }
        assert!(shifts[..3].iter().any(|&shift| shift != 0.0), "{shifts:?}");
        assert_eq!(shifts[3], 0.0, "an optimum has no seeds");
    }
}
