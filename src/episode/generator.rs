//! Rows that a class-conditional decoder makes up, on which every fit of an episode trains, too.
//!
//! ```
//! use querist::Key;
//! use querist::data::{SplitPlan, Task, embedded};
//! use querist::episode::{EpisodePlan, Episodes, Generate, PreparedTask, Replicate};
//!
//! let generator = Some(Generate { steps: 50, ..Generate::default() });
//! let plan = EpisodePlan { generator, ..EpisodePlan::default() };
//! let task = Task::split(&embedded::load("iris")?, &SplitPlan::default(), Key::root(1))?;
//! let replicate = Replicate { prepared: PreparedTask::new(task), key: Key::root(2) };
//! let episodes = Episodes::reset(&plan, &[replicate])?;
//! let made = episodes.state(0).generated.expect("rows were made");
//! assert!(made.count == 3 && made.wrong <= 3);
//! # Ok::<(), querist::Error>(())
//! ```

use super::augment::{DRAWS, Extra, MAX_NUMBERS};
use super::plan::EpisodeError;
use super::state::PseudoLabels;
use crate::data::{Matrix, MatrixView, Task};
use crate::learner::{Generator, GeneratorPlan, Learner};
use crate::rng::Key;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most numbers of a code, units of a hidden layer, and steps.
pub const MAX_UNITS: usize = 4_096;
pub const MAX_STEPS: usize = 1_000_000;

/// A conditional variational autoencoder ([`Generator`]) that every fit of an episode trains anew on its labelled rows, and whose
/// decoder then makes rows for that fit: [`DRAWS`] times `copies` per labelled row, of its class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// Rows per labelled one, at least 1.
    pub copies: usize,
    /// The weight of a row beside a labelled one's 1.
    pub weight: f64,
    /// Whether inputs of the pool teach the decoder, too: half of the rows of each step, without a class. They teach it what rows look
    /// like, and drown what little the labels say of classes.
    pub pool: bool,
    /// Numbers of a code.
    pub dimensions: usize,
    /// Units of the hidden layers.
    pub hidden: usize,
    /// Gradient steps.
    pub steps: usize,
    /// Standard deviation of what a row has beyond its code, in units of scaled inputs.
    pub noise: f64,
}

impl Default for Generate {
    fn default() -> Self {
        let GeneratorPlan { dimensions, hidden, steps, noise, .. } = GeneratorPlan::default();
        let (steps, noise) = (steps as usize, f64::from(noise));
        Self { copies: 1, weight: 0.5, pool: false, dimensions, hidden, steps, noise }
    }
}

impl Generate {
    /// The ranges that [`EpisodePlan::check`](super::EpisodePlan::check) holds the numbers to.
    pub(super) fn settings(&self) -> [(&'static str, f64, f64, f64); 6] {
        let count = |key, found: usize, most: usize| (key, found as f64, 1.0, most as f64);
        [
            count("generator.copies", self.copies, super::plan::MAX_COPIES),
            ("generator.weight", self.weight, 0.0, 1e6),
            count("generator.dimensions", self.dimensions, MAX_UNITS),
            count("generator.hidden", self.hidden, MAX_UNITS),
            count("generator.steps", self.steps, MAX_STEPS),
            ("generator.noise", self.noise, 1e-3, 1e3),
        ]
    }

    /// How the decoder is trained.
    pub fn plan(&self) -> GeneratorPlan {
        GeneratorPlan {
            dimensions: self.dimensions,
            hidden: self.hidden,
            steps: self.steps as u32,
            noise: self.noise as f32,
            ..GeneratorPlan::default()
        }
    }

    /// Refuses more virtual rows of `labels` than memory is for.
    ///
    /// # Errors
    /// [`EpisodeError::Augmented`].
    pub fn check_task(&self, task: &Task, labels: usize) -> Result<(), EpisodeError> {
        let numbers =
            labels.saturating_mul(self.copies).saturating_mul(DRAWS * (task.width() + task.classes()));
        if numbers > MAX_NUMBERS {
            let task = task.name().to_string();
            return Err(EpisodeError::Augmented { task, labels, numbers, limit: MAX_NUMBERS });
        }
        Ok(())
    }

    /// A decoder for labelled rows of `task`.
    pub(super) fn fit(&self, task: &Task, (rows, labels): (&[u32], &[u32]), key: Key) -> Generator {
        let inputs = task.all_but_test();
        let known = rows.iter().flat_map(|&row| inputs.row(row as usize)).copied().collect();
        let known = Matrix::new(known, rows.len(), inputs.cols());
        let others = match self.pool {
            true => task.pool(),
            false => MatrixView::new(&[], 0, task.width()),
        };
        let mut rng = key.named("codes").rng();
        let normal = || StandardNormal.sample(&mut rng);
        Generator::fit((known.view(), labels), others, task.classes(), &self.plan(), key, normal)
            .expect("numbers were checked to be in their ranges")
    }

    /// Adds the rows of a draw.
    pub(super) fn push(&self, generator: &mut Generator, labels: &[u32], extra: &mut Extra, key: Key) {
        let mut rng = key.rng();
        for &label in labels {
            for _ in 0..self.copies {
                let code: Vec<f32> =
                    (0..generator.dimensions()).map(|_| StandardNormal.sample(&mut rng)).collect();
                let row = generator.row(label, &code).to_vec();
                extra.push(row, [(label, 1.0), (label, 0.0)], self.weight as f32);
            }
        }
    }
}

/// A classifier that knows every label of the pool, as far as a simulation can tell whether a row that was made is of its class.
#[derive(Clone)]
pub(super) struct Judge(pub Arc<dyn Learner>);

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Judge").field(&self.0.spec().to_string()).finish()
    }
}

impl Judge {
    /// How many of these rows it takes for another class than they were made for.
    pub fn judge(&self, rows: &Matrix, classes: &[u32]) -> PseudoLabels {
        let found = self.0.classes(0, rows.view());
        let wrong = found.iter().zip(classes).filter(|(found, class)| found != class).count();
        PseudoLabels { count: classes.len(), wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SplitPlan, embedded};
    use crate::episode::{EpisodePlan, Episodes, PreparedTask, Replicate};
    use crate::learner::{Loss, TrainPlan};

    fn plan(generator: Option<Generate>) -> EpisodePlan {
        EpisodePlan { generator, initial_per_class: 4, budget: 6, query_size: 3, ..EpisodePlan::default() }
    }

    fn start(plan: &EpisodePlan) -> Episodes {
        let task =
            Task::split(&embedded::load("iris").unwrap(), &SplitPlan::default(), Key::root(1)).unwrap();
        Episodes::reset(plan, &[Replicate { prepared: PreparedTask::new(task), key: Key::root(2) }]).unwrap()
    }

    /// Of every class as many rows as it has labels, in every fit; most of them are of their class, and a decoder without steps makes
    /// rows of none.
    #[test]
    fn rows_are_made_for_every_fit_and_judged() {
        let generator = Generate { copies: 2, ..Generate::default() };
        let mut episodes = start(&plan(Some(generator)));
        let made = episodes.state(0).generated.unwrap();
        assert_eq!(made.count, 24);
        assert!(made.wrong < 8, "{made:?}");
        let signals = episodes.signals(0, Default::default(), Key::root(0));
        let picks = episodes.view(0, &signals).candidates()[..3].to_vec();
        episodes.step(&[(0, picks)]).unwrap();
        assert_eq!(episodes.state(0).generated.unwrap().count, 30);
        let untaught = start(&plan(Some(Generate { steps: 1, ..generator })));
        assert!(untaught.state(0).generated.unwrap().wrong >= 12);
        assert_eq!(start(&plan(None)).state(0).generated, None);
    }

    /// Without a weight they change nothing but the mini-batches.
    #[test]
    fn a_generator_is_heeded_by_its_weight_and_pool() {
        let loss = |generator| start(&plan(Some(generator))).state(0).fit.loss;
        let own = Generate::default();
        assert_ne!(loss(own), loss(Generate { weight: 2.0, ..own }));
        assert_ne!(loss(own), loss(Generate { pool: true, ..own }));
        assert_eq!(loss(own), loss(own));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let wrong = plan(Some(Generate { noise: 0.0, ..Generate::default() }));
        let expected = EpisodeError::Setting { key: "generator.noise", found: 0.0, low: 1e-3, high: 1e3 };
        assert_eq!(wrong.check(), Err(expected));
        let own = plan(Some(Generate::default()));
        let train = TrainPlan { loss: Loss::Squared, ..own.train };
        let refused = EpisodePlan { train, ..own }.check().unwrap_err();
        assert!(refused.to_string().contains("episode.generator makes rows"), "{refused}");
    }
}
