//! Fits of the live episodes: one bank (or what trains images) per network shape, one fit per round or per label.

use super::augment::Steering;
use super::consistency::{Trained, go_on};
use super::env::{Episodes, Group};
use super::holdout::Divided;
use super::plan::{EpisodeError, EpisodePlan, Measure, Rejected};
use super::pretrained::{self, Pretrained};
use super::replicate::{PreparedTask, Replicate};
use super::state::{Env, PseudoLabels, Termination};
use crate::arch::NetSpec;
use crate::data::{Matrix, Oracle, RowId, argmax};
use crate::error::Result;
use crate::learner::{FitReport, Learner, ModelData, Scores, TrainPlan, ensembles};
use crate::rng::Key;

impl Episodes {
    /// Fits the live episodes to the labels in hand, measures them, and says which are over.
    pub(super) fn fit(&mut self) -> Result<()> {
        self.regroup()?;
        for group in &mut self.groups {
            let reports = fit_group(group, &self.envs, &self.plan)?;
            for (place, (&env, report)) in group.envs.iter().zip(reports).enumerate() {
                let env = &mut self.envs[env];
                let task = env.replicate.prepared.task();
                let (reward, test) = (task.reward(), task.test());
                let mut pseudo = std::mem::take(&mut env.pseudo);
                pseudo.extend(report.sure);
                env.steering = Steering::default();
                // What no class is for has none.
                let right = |row, class| task.has_answer(row) && env.oracle.peek(&[row]) == [class];
                let wrong = pseudo.iter().filter(|&&(row, class)| !right(row, class)).count();
                env.state.pseudo_labels =
                    (!pseudo.is_empty()).then_some(PseudoLabels { count: pseudo.len(), wrong });
                let made = report.generated.as_ref().zip(env.judge.as_ref());
                env.state.generated = made.map(|((rows, classes), judge)| judge.judge(rows, classes));
                env.fresh = 0;
                env.state.fit = report.last;
                env.state.steps += report.steps;
                let waiting = env.pool.waiting();
                let out = waiting.len();
                let rejected = match self.plan.rejected {
                    Rejected::Ignored => &[][..],
                    Rejected::Covered => env.pool.rejected(),
                };
                let without_label = [rejected, &waiting].concat();
                let mut expected = Vec::new();
                if !without_label.is_empty() {
                    let rows: Vec<u32> = without_label.iter().map(|row| row.0).collect();
                    let looks = group.bank.probabilities(place, task.pool(), Some(&rows));
                    let like = (0..looks.rows()).map(|at| argmax(looks.row(at)) as u32);
                    expected.extend(without_label.into_iter().zip(like));
                }
                let (kind, metric) = (task.kind(), self.plan.metric);
                let scores = |inputs, targets| {
                    kind.scores_with(metric, &*group.bank, place, inputs, &task.in_full(targets))
                };
                let rewarded = scores(reward.inputs(), reward.labels());
                env.state.reward_accuracy = rewarded.accuracy;
                env.state.test = (self.plan.measure == Measure::RewardAndTest)
                    .then(|| scores(test.inputs(), test.labels()));
                let measured = env.state.test.unwrap_or(rewarded).by(self.plan.metric);
                env.state.measured = measured;
                env.expect(expected, out);
                let target = env.state.target.or(self.plan.target_accuracy);
                env.end = if target.is_some_and(|target| measured >= target) {
                    Some(Termination::Target)
                } else if env.oracle.left() == 0 {
                    Some(Termination::Budget)
                } else if env.pool.candidates().is_empty() {
                    Some(Termination::PoolEmpty)
                } else {
                    None
                };
            }
        }
        Ok(())
    }

    /// Puts the live episodes into one bank per network shape, taking their weights along.
    fn regroup(&mut self) -> Result<()> {
        let live = self.live();
        let shapes = distinct(live.iter().map(|&env| &self.envs[env].spec));
        let wanted: Vec<Vec<usize>> = shapes
            .iter()
            .map(|spec| live.iter().copied().filter(|&env| self.envs[env].spec == *spec).collect())
            .collect();
        let fits =
            |group: &Group, spec: &NetSpec, envs: &[usize]| group.bank.spec() == spec && group.envs == envs;
        if self.groups.len() == wanted.len()
            && self
                .groups
                .iter()
                .zip(&shapes)
                .zip(&wanted)
                .all(|((group, spec), envs)| fits(group, spec, envs))
        {
            return Ok(());
        }
        let old = std::mem::take(&mut self.groups);
        let old_places = self.places.clone();
        for (spec, envs) in shapes.iter().zip(wanted) {
            let mut bank = ensembles(spec, envs.len(), self.plan.ensemble, self.plan.device)?;
            for (place, &env) in envs.iter().enumerate() {
                let (group, at) = old_places[env];
                match old.get(group) {
                    Some(group) if group.bank.spec() == spec => bank.adopt(place, &*group.bank, at)?,
                    // A warm start needs weights to start from, also in the first round.
                    _ => {
                        let own = &self.envs[env];
                        bank.init(place, own.fit_key(own.fit_number(&self.plan)).named("weights"));
                    }
                }
                self.places[env] = (self.groups.len(), place);
            }
            self.groups.push(Group { bank, envs });
        }
        Ok(())
    }
}

/// What the fits of one round came to in one episode.
struct Fitted {
    /// Gradient steps of all of them.
    steps: u64,
    last: FitReport,
    /// What the last one took for known, by [`go_on`].
    sure: Vec<(RowId, u32)>,
    /// Rows that a decoder made for the last one, and their classes.
    generated: Option<(Matrix, Vec<u32>)>,
}

/// Fits the networks of `bank` to their rows, and has them go on with others where the plan says so.
///
/// # Errors
/// As [`Learner::fit`].
pub(super) fn fit_all(
    bank: &mut dyn Learner,
    plan: &EpisodePlan,
    train: &TrainPlan,
    models: &[(&PreparedTask, &Divided, Key)],
) -> Result<Vec<Trained>> {
    let data: Vec<ModelData<'_>> =
        models.iter().map(|(prepared, divided, _)| divided.env(prepared.task())).collect();
    let keys: Vec<Key> = models.iter().map(|&(.., key)| key).collect();
    let starts: Vec<&Pretrained> = models.iter().filter_map(|(prepared, ..)| prepared.pretrained()).collect();
    // Episodes of one plan have an encoder all or none.
    let reports = match starts.len() == models.len() {
        true => pretrained::fit(bank, &starts, &data, train, &keys)?,
        false => bank.fit(&data, train, &keys)?,
    };
    let Some(consistency) = &plan.consistency else {
        return Ok(reports.into_iter().map(|report| Trained { report, sure: Vec::new() }).collect());
    };
    let gone_on = go_on(consistency, bank, plan, train, models)?;
    let whole = |(first, own): (FitReport, Trained)| Trained { report: first.then(own.report), ..own };
    Ok(reports.into_iter().zip(gone_on).map(whole).collect())
}

/// Fits the networks of a group: once, or once for every label that is new, in the order in which they were
/// asked for.
fn fit_group(group: &mut Group, envs: &[Env], plan: &EpisodePlan) -> Result<Vec<Fitted>> {
    let envs: Vec<&Env> = group.envs.iter().map(|&env| &envs[env]).collect();
    // Episodes advance in lock-step, so one round is everybody's.
    let train = plan.train_in(envs[0].state.round);
    let fits = if plan.fit_per_label { fresh(&envs)?.max(1) } else { 1 };
    let mut fitted: Vec<Fitted> = Vec::new();
    for withheld in (0..fits).rev() {
        let keys: Vec<Key> =
            envs.iter().map(|env| env.fit_key(env.fit_number(plan) - withheld as u64)).collect();
        let divided: Vec<Divided> = envs
            .iter()
            .zip(&keys)
            .map(|(env, &key)| {
                let known = env.pool.labelled().len() - withheld;
                let rows: Vec<u32> = env.pool.labelled()[..known].iter().map(|row| row.0).collect();
                let (task, labels) = (env.replicate.prepared.task(), &env.pool.labels()[..known]);
                Divided::of(plan, &train, task, &rows, labels, key)
                    .and_make(plan, task, &env.steering, key)
                    .and_train(&env.pseudo)
                    .in_full(task)
            })
            .collect();
        let models: Vec<(&PreparedTask, &Divided, Key)> = (envs.iter().zip(&divided).zip(&keys))
            .map(|((env, divided), &key)| (&*env.replicate.prepared, divided, key))
            .collect();
        let reports = fit_all(&mut *group.bank, plan, &train, &models)?;
        fitted = (reports.into_iter().enumerate())
            .map(|(place, Trained { report: last, sure })| {
                let before = fitted.get(place).map_or(0, |fitted| fitted.steps);
                let generated = divided[place].generated();
                Fitted { steps: before + u64::from(last.steps), last, sure, generated }
            })
            .collect();
    }
    Ok(fitted)
}

/// How many labels each of the environments has that no fit has seen.
fn fresh(envs: &[&Env]) -> Result<usize, EpisodeError> {
    let first = envs[0];
    match envs.iter().find(|env| env.fresh != first.fresh) {
        None => Ok(first.fresh),
        Some(other) => Err(EpisodeError::Uneven {
            task: other.replicate.prepared.task().name().to_string(),
            found: other.fresh,
            expected: first.fresh,
        }),
    }
}

/// What the plan's classifier, fitted from scratch to every label of the pool, is measured at.
///
/// # Errors
/// If the network's shape is refused.
pub fn full_pool(plan: &EpisodePlan, replicate: &Replicate) -> Result<Scores> {
    let task = replicate.prepared.task();
    let plan = &plan.on(task.kind());
    let bank = knowing_all(plan, replicate)?;
    let (inputs, targets) = match plan.measure {
        Measure::Reward => (task.reward().inputs(), task.reward().labels()),
        Measure::RewardAndTest => (task.test().inputs(), task.test().labels()),
    };
    Ok(task.kind().scores_with(plan.metric, &*bank, 0, inputs, &task.in_full(targets)))
}

/// The plan's classifier, fitted from scratch to every label of the pool.
pub(super) fn knowing_all(plan: &EpisodePlan, replicate: &Replicate) -> Result<Box<dyn Learner>> {
    let task = replicate.prepared.task();
    let all: Vec<RowId> =
        (0..task.pool().rows() as u32).map(RowId).filter(|&row| task.has_answer(row)).collect();
    let labels = Oracle::new(task.clone(), 0).peek(&all);
    let rows: Vec<u32> = all.iter().map(|row| row.0).collect();
    let key = replicate.key.named("ceiling");
    let train = plan.from_scratch();
    plan.check_memory(task, rows.len())?;
    let none = Steering::default();
    let divided =
        Divided::of(plan, &train, task, &rows, &labels, key).and_make(plan, task, &none, key).in_full(task);
    let mut bank = ensembles(&plan.spec(task)?, 1, plan.ensemble, plan.device)?;
    fit_all(&mut *bank, plan, &train, &[(&*replicate.prepared, &divided, key)])?;
    Ok(bank)
}

/// The distinct values in order of first appearance.
pub(super) fn distinct<'a, T: PartialEq + Clone + 'a>(values: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut seen: Vec<T> = Vec::new();
    for value in values {
        if !seen.contains(value) {
            seen.push(value.clone());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Block;
    use crate::data::{SplitPlan, Task, embedded};
    use crate::episode::{InitialPool, OracleOn, StopOn};
    use crate::learner::{DeviceKind, Loss, Metric, Optimiser, Start, Stop};

    const EPOCHS: u32 = 3;

    fn plan(query_size: usize, fit_per_label: bool) -> EpisodePlan {
        EpisodePlan {
            blocks: vec![Block::Dense { width: 5 }],
            dropout: 0.2,
            train: TrainPlan {
                loss: Loss::CrossEntropy,
                optimiser: Optimiser::NAdam,
                learning_rate: 0.02,
                weight_decay: 1e-4,
                batch: 2,
                drop_last: false,
                stop: Stop::Epochs { epochs: EPOCHS },
                start: Start::Continue,
            },
            initial: InitialPool::default(),
            initial_per_class: 1,
            query_size,
            budget: 6,
            metric: Metric::default(),
            target_accuracy: None,
            target_share: None,
            measure: Measure::RewardAndTest,
            stop_on: StopOn::default(),
            oracle_on: OracleOn::default(),
            first_epochs: Some(7),
            fit_per_label,
            device: DeviceKind::Cpu,
            stops: false,
            annotator: None,
            augment: None,
            consistency: None,
            ensemble: 1,
            price: crate::data::Price::default(),
            generator: None,
            rejected: crate::episode::Rejected::default(),
        }
    }

    fn start(plan: &EpisodePlan, replicates: u64) -> Episodes {
        let iris = embedded::load("iris").unwrap();
        let prepared = PreparedTask::new(Task::split(&iris, &SplitPlan::default(), Key::root(1)).unwrap());
        let replicates: Vec<Replicate> = (0..replicates)
            .map(|at| Replicate { prepared: prepared.clone(), key: Key::root(2).at(at) })
            .collect();
        Episodes::reset(plan, &replicates).unwrap()
    }

    /// Rows that are candidates, not in the order of their numbers.
    fn picks(episodes: &Episodes) -> Vec<RowId> {
        let candidates = episodes.envs[0].pool.candidates();
        [9, 2, 30, 5, 17, 11].map(|at| candidates[at]).to_vec()
    }

    /// Asks in batches of `size`; steps made and weights after every batch.
    fn course(size: usize, fit_per_label: bool) -> Vec<(u64, Vec<f32>)> {
        let mut episodes = start(&plan(size, fit_per_label), 1);
        let picks = picks(&episodes);
        let after = |rows: &[RowId]| {
            episodes.step(&[(0, rows.to_vec())]).unwrap();
            (episodes.state(0).steps, episodes.groups[0].bank.weights(0).to_vec())
        };
        picks.chunks(size).map(after).collect()
    }

    #[test]
    fn queries_of_one_row_are_as_they_were() {
        assert_eq!(course(1, true), course(1, false));
    }

    #[test]
    fn a_batch_is_as_if_its_rows_had_been_asked_for_one_by_one() {
        let singly = course(1, false);
        for size in [2, 3] {
            let ends: Vec<_> = singly.iter().skip(size - 1).step_by(size).cloned().collect();
            assert_eq!(course(size, true), ends, "batches of {size}");
            assert_ne!(course(size, false), ends, "one fit per batch is another thing");
        }
    }

    /// Three labels in mini-batches of two are two steps an epoch; then four, five and six labels, one by one.
    #[test]
    fn steps_of_all_fits_are_counted() {
        let steps: Vec<u64> = course(3, true).iter().map(|&(steps, _)| steps).collect();
        let first = 7 * 2 + u64::from(EPOCHS) * (2 + 3 + 3);
        assert_eq!(steps, [first, first + u64::from(EPOCHS) * (4 + 4 + 5)]);
        let steps: Vec<u64> = course(3, false).iter().map(|&(steps, _)| steps).collect();
        assert_eq!(steps, [7 * 2 + 3 * 3, 7 * 2 + 3 * 3 + 3 * 5]);
    }

    #[test]
    fn batches_that_differ_in_length_are_refused() {
        let mut episodes = start(&plan(2, true), 2);
        let rows = picks(&episodes);
        let other = episodes.envs[1].pool.candidates()[..1].to_vec();
        let error = episodes.step(&[(0, rows[..2].to_vec()), (1, other)]).unwrap_err();
        let expected = EpisodeError::Uneven { task: "iris".into(), found: 1, expected: 2 };
        assert_eq!(error.downcast_ref(), Some(&expected), "{error}");
    }
}
