//! Consistency training: after its fit to the labels in hand, a classifier goes on with candidates that it is sure of.
//!
//! ```
//! use querist::Key;
//! use querist::data::{SplitPlan, Task, embedded};
//! use querist::episode::{Consistency, EpisodePlan, Episodes, PreparedTask, Replicate};
//!
//! let plan = EpisodePlan { consistency: Some(Consistency::default()), ..EpisodePlan::default() };
//! let task = Task::split(&embedded::load("iris")?, &SplitPlan::default(), Key::root(1))?;
//! let replicate = Replicate { prepared: PreparedTask::new(task), key: Key::root(2) };
//! let episodes = Episodes::reset(&plan, &[replicate])?;
//! let taught = episodes.state(0).pseudo_labels.expect("it is sure of some");
//! assert!(taught.wrong <= taught.count);
//! # Ok::<(), querist::Error>(())
//! ```

use super::augment::{Extra, MAX_NUMBERS, hole, shifted};
use super::holdout::Divided;
use super::plan::{EpisodeError, EpisodePlan};
use super::replicate::PreparedTask;
use crate::data::{Matrix, RowId, Shape, Task, argmax};
use crate::error::Result;
use crate::learner::{FitReport, Learner, Start, Stop, TrainPlan, ensembles};
use crate::rng::Key;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// The most candidates per labelled row, rounds, and epochs of a round.
pub const MAX_UNLABELLED: usize = 1_000;
pub const MAX_ROUNDS: usize = 1_000;
pub const MAX_EPOCHS: usize = 10_000;

/// FixMatch (Sohn et al., NeurIPS 2020) for short trainings, in all fits of an episode.
///
/// Behind the ordinary fit there are `rounds`. In each, a teacher looks at weakly changed rows of the pool of which the
/// fit has no label; where its largest probability is `threshold` and more, the network trains for `epochs` towards that
/// class from strongly changed versions of the row, a new one in every epoch, and towards the labels in hand beside. The
/// teacher, which is the mean of the networks at the ends of rounds by exponential weights, is what the episode goes on with.
///
/// What differs from the paper: labels come once per round and not once per step, and by the mean network, as Tarvainen &
/// Valpola (NeurIPS 2017) have it; `decay` is per round, since the paper's .999 per step averages over more steps than a
/// fit of this size has; labelled rows are as they are; strong changes are two, not drawn among many. Labelled and other
/// rows are shuffled together; weights see to it that together the others count for `weight` times what the labelled do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// What the teacher's largest probability must be, 0 to 1.
    pub threshold: f64,
    /// What all rows that the teacher looked at count for, beside the labelled rows' 1; those that it is not sure of count for nothing.
    pub weight: f64,
    /// Rows that the teacher looks at in a round, per labelled one.
    pub unlabelled: usize,
    pub rounds: usize,
    /// Passes of a round over labelled rows and those that the teacher is sure of.
    pub epochs: usize,
    /// The teacher's share in its successor, 0 to 1: at 0, it is the network as it stands.
    pub decay: f64,
    /// Of rows that are no images: the standard deviation of a weak change's Gaussian noise, in units of scaled inputs; a strong
    /// change has twice as much.
    pub deviation: f64,
    /// Of rows that are no images: the share of inputs that a strong change sets to zero.
    pub dropped: f64,
    /// Of images: by how many pixels either change moves them in each direction, at most.
    pub pixels: usize,
    /// Of images: the side of the square that a strong change sets to zero; half of the image's shorter side without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<usize>,
}

impl Default for Consistency {
    fn default() -> Self {
        Self {
            threshold: 0.95,
            weight: 1.0,
            unlabelled: 7,
            rounds: 5,
            epochs: 8,
            decay: 0.5,
            deviation: 0.1,
            dropped: 0.3,
            pixels: 1,
            side: None,
        }
    }
}

impl Consistency {
    /// The ranges that [`EpisodePlan::check`] holds the numbers to.
    pub(super) fn settings(&self) -> [(&'static str, f64, f64, f64); 9] {
        let count = |key, found: usize, most: usize| (key, found as f64, 1.0, most as f64);
        [
            ("consistency.threshold", self.threshold, 0.0, 1.0),
            ("consistency.weight", self.weight, 0.0, 1e6),
            count("consistency.unlabelled", self.unlabelled, MAX_UNLABELLED),
            count("consistency.rounds", self.rounds, MAX_ROUNDS),
            count("consistency.epochs", self.epochs, MAX_EPOCHS),
            ("consistency.decay", self.decay, 0.0, 1.0),
            ("consistency.deviation", self.deviation, 0.0, 1e6),
            ("consistency.dropped", self.dropped, 0.0, 1.0),
            ("consistency.pixels", self.pixels as f64, 0.0, super::plan::MAX_PIXELS as f64),
        ]
    }

    /// Rows that the teacher looks at in a round of a fit on `labels` labelled rows of a pool of `pool`.
    pub fn looked_at(&self, labels: usize, pool: usize) -> usize {
        labels.saturating_mul(self.unlabelled).min(pool.saturating_sub(labels))
    }

    /// Refuses more virtual rows of `labels` than memory is for.
    ///
    /// # Errors
    /// [`EpisodeError::Augmented`].
    pub fn check_task(&self, task: &Task, labels: usize) -> Result<(), EpisodeError> {
        let rows = self.looked_at(labels, task.pool().rows());
        let numbers = rows.saturating_mul(self.epochs).saturating_mul(task.width() + task.classes());
        match numbers > MAX_NUMBERS {
            true => {
                let task = task.name().to_string();
                Err(EpisodeError::Augmented { task, labels, numbers, limit: MAX_NUMBERS })
            }
            false => Ok(()),
        }
    }

    /// A weakly or strongly changed version of a row.
    fn changed(&self, task: &Task, row: &[f32], strong: bool, rng: &mut impl Rng) -> Vec<f32> {
        let Shape::Image { height, width, .. } = task.shape() else {
            let deviation = if strong { 2.0 * self.deviation } else { self.deviation };
            let mut one = |&x: &f32| {
                let noise: f64 = StandardNormal.sample(rng);
                let dropped = strong && rng.random::<f64>() < self.dropped;
                if dropped { 0.0 } else { x + (deviation * noise) as f32 }
            };
            return row.iter().map(&mut one).collect();
        };
        let mut changed = task.moved(row, &shifted(task.shape(), self.pixels, rng));
        if strong {
            let side = self.side.unwrap_or((height.min(width) / 2).max(1));
            hole(task.shape(), side, rng).into_iter().for_each(|at| changed[at] = 0.0);
        }
        changed
    }

    /// Rows of the pool that the teacher is sure of, and their classes, for a round with this key.
    fn sure_of(
        &self,
        teacher: &dyn Learner,
        model: usize,
        task: &Task,
        divided: &Divided,
        key: Key,
    ) -> Vec<(RowId, u32)> {
        let pool = task.pool();
        let others = divided.others(pool.rows());
        let count = self.looked_at(divided.trained_on(), pool.rows()).min(others.len());
        let mut rng = key.named("rows").rng();
        let mut drawn: Vec<u32> = rand::seq::index::sample(&mut rng, others.len(), count)
            .into_iter()
            .map(|at| others[at])
            .collect();
        drawn.sort_unstable();
        let mut rng = key.named("weak").rng();
        let weak: Vec<f32> = (drawn.iter())
            .flat_map(|&row| self.changed(task, pool.row(row as usize), false, &mut rng))
            .collect();
        let weak = Matrix::new(weak, drawn.len(), pool.cols());
        let p = teacher.probabilities(model, weak.view(), None);
        let sure = |at: usize| {
            let class = argmax(p.row(at)) as u32;
            (f64::from(p.row(at)[class as usize]) >= self.threshold).then_some((RowId(drawn[at]), class))
        };
        (0..drawn.len()).filter_map(sure).collect()
    }

    /// Strongly changed versions of these rows, one of each per epoch, beside what the fit trains on anyway.
    fn strongly(
        &self,
        task: &Task,
        divided: &Divided,
        sure: &[(RowId, u32)],
        (round, key): (usize, Key),
    ) -> Extra {
        let (pool, labels) = (task.pool(), divided.trained_on());
        let looked_at = self.looked_at(labels, pool.rows()).max(1);
        let weight = (self.weight * labels as f64 / looked_at as f64) as f32;
        let mut extra = Extra::beside(task, divided.extra());
        let mut rng = key.named("strong").rng();
        for epoch in 0..self.epochs {
            extra.begin_draw();
            if let Some(own) = divided.extra() {
                extra.append_draw(own, round * self.epochs + epoch);
            }
            for &(row, class) in sure {
                let changed = self.changed(task, pool.row(row.index()), true, &mut rng);
                extra.push(changed, [(class, 1.0), (class, 0.0)], weight);
            }
        }
        extra
    }
}

/// What the training of one network came to.
pub(super) struct Trained {
    pub report: FitReport,
    /// Rows that were trained on in the last round as if their class were known; none without rounds.
    pub sure: Vec<(RowId, u32)>,
}

/// Goes on with networks that are fitted to their labels, and leaves the mean networks in their place. Nothing but inputs of the
/// pool is read of rows without a label.
///
/// # Errors
/// As [`Learner::fit`].
pub(super) fn go_on(
    consistency: &Consistency,
    bank: &mut dyn Learner,
    plan: &EpisodePlan,
    train: &TrainPlan,
    models: &[(&PreparedTask, &Divided, Key)],
) -> Result<Vec<Trained>> {
    let mut teacher = ensembles(bank.spec(), models.len(), plan.ensemble, plan.device)?;
    for model in 0..models.len() {
        teacher.adopt(model, bank, model)?;
    }
    let epochs = consistency.epochs as u32;
    let train = TrainPlan { stop: Stop::Epochs { epochs }, start: Start::Warm, ..*train };
    let mut trained: Vec<Trained> = Vec::new();
    for round in 0..consistency.rounds {
        let keys: Vec<Key> =
            models.iter().map(|(.., key)| key.named("consistency").at(round as u64)).collect();
        let (mut sure, mut extras) = (Vec::new(), Vec::new());
        for (model, (&(prepared, divided, _), &key)) in models.iter().zip(&keys).enumerate() {
            let task = prepared.task();
            let own = consistency.sure_of(&*teacher, model, task, divided, key);
            extras.push(consistency.strongly(task, divided, &own, (round, key)));
            sure.push(own);
        }
        let data: Vec<_> = models
            .iter()
            .zip(&extras)
            .map(|((prepared, divided, _), extra)| divided.beside(prepared.task(), extra))
            .collect();
        let reports = bank.fit(&data, &train, &keys)?;
        for model in 0..models.len() {
            teacher.approach(model, bank, model, (1.0 - consistency.decay) as f32)?;
        }
        trained = (reports.into_iter().zip(sure).enumerate())
            .map(|(model, (report, sure))| {
                let before = trained.get(model).map(|trained| trained.report);
                Trained { report: before.map_or(report, |before| before.then(report)), sure }
            })
            .collect();
    }
    for model in 0..models.len() {
        bank.adopt(model, &*teacher, model)?;
    }
    Ok(trained)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Scaling, SplitPlan, Targets};
    use crate::episode::augment::Steering;
    use crate::episode::{Episodes, Replicate};
    use crate::learner::Loss;

    /// Six spherical clusters in sixty columns, a class each: one label of each says little of where its centre is, and the pool
    /// says much. Classes that nobody has asked for are `hidden(row, class)`.
    fn clusters(hidden: impl Fn(u32, u32) -> u32) -> Task {
        const CLUSTERS: u32 = 6;
        const WIDTH: usize = 60;
        let mut rng = Key::root(11).rng();
        let mut normals = |count: usize, deviation: f64| -> Vec<f64> {
            let mut one = || -> f64 { StandardNormal.sample(&mut rng) };
            (0..count).map(|_| deviation * one()).collect()
        };
        let centres: Vec<Vec<f64>> = (0..CLUSTERS).map(|_| normals(WIDTH, 0.6)).collect();
        let mut part = |rows: u32, class: &dyn Fn(u32) -> u32| {
            let row = |row: u32| {
                let centre = &centres[(row % CLUSTERS) as usize];
                normals(WIDTH, 1.0)
                    .into_iter()
                    .zip(centre)
                    .map(|(x, centre)| (x + centre) as f32)
                    .collect::<Vec<_>>()
            };
            let values = (0..rows).flat_map(row).collect();
            (Matrix::new(values, rows as usize, WIDTH), (0..rows).map(class).collect::<Vec<u32>>())
        };
        let pool = part(540, &|row| hidden(row, row % CLUSTERS));
        let (reward, test) = (part(60, &|row| row % CLUSTERS), part(300, &|row| row % CLUSTERS));
        Task::from_parts("clusters", CLUSTERS as usize, pool, reward, test).unwrap()
    }

    fn consistent(consistency: Option<Consistency>) -> EpisodePlan {
        EpisodePlan { consistency, budget: 12, query_size: 6, ..EpisodePlan::default() }
    }

    fn replicates(task: Task, count: u64) -> Vec<Replicate> {
        let prepared = PreparedTask::new(task);
        (0..count).map(|at| Replicate { prepared: prepared.clone(), key: Key::root(7).at(at) }).collect()
    }

    /// One label per class, and sixty other rows for each: twenty replicates.
    #[test]
    fn beats_the_learner_that_knows_labelled_rows_alone() {
        let replicates = replicates(clusters(|_, class| class), 20);
        let mean = |consistency| {
            let episodes = Episodes::reset(&consistent(consistency), &replicates).unwrap();
            (0..20).map(|env| episodes.state(env).measured).sum::<f64>() / 20.0
        };
        let most = Consistency { unlabelled: 60, ..Consistency::default() };
        let (plain, consistent) = (mean(None), mean(Some(most)));
        assert!(consistent > plain + 0.08, "{plain} {consistent}");
    }

    /// All labels that were not asked for are others; what is learned, and taken for known, is the same to the bit.
    #[test]
    fn no_label_that_was_not_asked_for_is_read() {
        let plan = consistent(Some(Consistency::default()));
        let rows: Vec<u32> = (30..42).collect();
        let labels: Vec<u32> = rows.iter().map(|row| row % 6).collect();
        let course = |task: &Task| {
            let key = Key::root(4);
            let divided = Divided::of(&plan, &plan.train, task, &rows, &labels, key).and_make(
                &plan,
                task,
                &Steering::default(),
                key,
            );
            let mut bank = ensembles(&plan.spec(task).unwrap(), 1, 1, plan.device).unwrap();
            bank.fit(&[divided.env(task)], &plan.train, &[key]).unwrap();
            let prepared = PreparedTask::new(task.clone());
            let models = [(&*prepared, &divided, key)];
            let trained = go_on(&Consistency::default(), &mut *bank, &plan, &plan.train, &models).unwrap();
            assert!(trained[0].sure.iter().all(|(row, _)| !rows.contains(&row.0)));
            (bank.weights(0), trained[0].sure.clone(), trained[0].report)
        };
        let as_it_is = course(&clusters(|_, class| class));
        let others = course(&clusters(|row, class| (class + 1 + row % 3) % 6));
        assert!(!as_it_is.1.is_empty());
        assert_eq!(as_it_is, others);
    }

    /// A network's course depends neither on its neighbours nor on how many threads there are.
    #[test]
    fn neighbours_and_threads_change_nothing() {
        let plan = consistent(Some(Consistency { rounds: 2, ..Consistency::default() }));
        let replicates = replicates(clusters(|_, class| class), 3);
        let course = |replicates: &[Replicate], env: usize| {
            let mut episodes = Episodes::reset(&plan, replicates).unwrap();
            let candidates = |episodes: &Episodes, env| {
                let signals = episodes.signals(env, Default::default(), Key::root(0));
                episodes.view(env, &signals).candidates()[..6].to_vec()
            };
            let picks: Vec<_> = (0..replicates.len()).map(|env| (env, candidates(&episodes, env))).collect();
            episodes.step(&picks).unwrap();
            let state = episodes.state(env);
            let rows: Vec<u32> = (0..50).collect();
            (state.pseudo_labels, state.steps, episodes.probabilities(env, &rows))
        };
        let together = course(&replicates, 2);
        assert_eq!(together, course(&replicates[2..], 0));
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(together, one.install(|| course(&replicates, 2)));
        // Forty steps, and two rounds of eight epochs each on more than a mini-batch; no look beyond the pool.
        let steps = |env: usize| Episodes::reset(&plan, &replicates).unwrap().state(env).steps;
        assert_eq!(steps(0), 40 + 2 * 8);
    }

    /// Of all rows with labels, there is nobody to teach; a teacher who is never sure says nothing.
    #[test]
    fn a_teacher_who_is_never_sure_teaches_nothing() {
        let replicates = replicates(clusters(|_, class| class), 1);
        let plan = consistent(Some(Consistency { threshold: 1.0, ..Consistency::default() }));
        let episodes = Episodes::reset(&plan, &replicates).unwrap();
        assert_eq!(episodes.state(0).pseudo_labels, None);
        let sure = consistent(Some(Consistency { threshold: 0.0, ..Consistency::default() }));
        let episodes = Episodes::reset(&sure, &replicates).unwrap();
        let taught = episodes.state(0).pseudo_labels.unwrap();
        // Seven of each of six labelled rows.
        assert_eq!(taught.count, 42);
        assert!(taught.wrong < 42 && taught.wrong > 0, "{taught:?}");
        assert!(super::super::full_pool(&plan, &replicates[0]).unwrap().accuracy > 0.9);
    }

    #[test]
    fn changes_are_what_they_say() {
        let task = clusters(|_, class| class);
        let consistency = Consistency { deviation: 0.2, dropped: 0.4, ..Consistency::default() };
        let mut rng = Key::root(5).rng();
        let row = task.pool().row(3);
        let (mut weak, mut strong, mut dropped) = (0.0, 0.0, 0);
        const DRAWS: usize = 200;
        for _ in 0..DRAWS {
            let changed = consistency.changed(&task, row, false, &mut rng);
            weak += changed.iter().zip(row).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
            for (a, b) in consistency.changed(&task, row, true, &mut rng).iter().zip(row) {
                match *a == 0.0 {
                    true => dropped += 1,
                    false => strong += f64::from(a - b).powi(2),
                }
            }
        }
        let all = (DRAWS * row.len()) as f64;
        let kept = all - f64::from(dropped);
        // Standard errors are below .002, .004 and .005.
        assert!(((weak / all).sqrt() - 0.2).abs() < 0.01);
        assert!(((strong / kept).sqrt() - 0.4).abs() < 0.02);
        assert!((f64::from(dropped) / all - 0.4).abs() < 0.02);
        // Images: a square of half their side is cut out, and nothing by a weak change without a move.
        let values = (0..40 * 36).map(|_| rng.random::<f32>() + 0.1).collect();
        let labels = (0..40).map(|row| row % 2).collect();
        let targets = Targets::Class { labels, names: vec!["a".into(), "b".into()] };
        let shape = Shape::Image { channels: 1, height: 6, width: 6 };
        let set = Dataset::new("images", shape, Matrix::new(values, 40, 36), targets, None).unwrap();
        let plan = SplitPlan { scaling: Scaling::None, ..SplitPlan::default() };
        let images = Task::split(&set, &plan, Key::root(1)).unwrap();
        let still = Consistency { pixels: 0, ..Consistency::default() };
        let row = images.pool().row(0);
        let weak = still.changed(&images, row, false, &mut rng);
        assert_eq!(weak, row);
        let strong = still.changed(&images, row, true, &mut rng);
        let cut: Vec<usize> = (0..36).filter(|&at| strong[at] != row[at]).collect();
        assert!((1..=9).contains(&cut.len()) && cut.iter().all(|&at| strong[at] == 0.0), "{cut:?}");
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let plan = consistent(Some(Consistency::default()));
        assert_eq!(plan.check(), Ok(()));
        let wrong = consistent(Some(Consistency { threshold: 1.5, ..Consistency::default() }));
        let expected =
            EpisodeError::Setting { key: "consistency.threshold", found: 1.5, low: 0.0, high: 1.0 };
        assert_eq!(wrong.check(), Err(expected));
        let train = TrainPlan { loss: Loss::Squared, ..plan.train };
        let refused = EpisodePlan { train, ..plan }.check().unwrap_err();
        assert!(refused.to_string().contains("episode.consistency makes rows"), "{refused}");
        let many = Consistency { unlabelled: 1_000, epochs: 10_000, ..Consistency::default() };
        let part = |rows: usize| (Matrix::zeros(rows, 400), (0..rows as u32).map(|row| row % 2).collect());
        let wide = Task::from_parts("wide", 2, part(400), part(2), part(2)).unwrap();
        let refused = many.check_task(&wide, 200).unwrap_err();
        assert!(matches!(refused, EpisodeError::Augmented { labels: 200, .. }), "{refused}");
    }
}
