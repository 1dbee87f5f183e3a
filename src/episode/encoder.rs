//! Codes of rows that are learned on a pool's inputs, once for every pool, before anything is labelled.
//!
//! ```
//! use querist::Key;
//! use querist::data::{SplitPlan, Task, embedded};
//! use querist::episode::encoder::{CodeReaders, Encode, Encoders};
//! use querist::learner::EncoderPlan;
//!
//! let plan = EncoderPlan { dimensions: 8, epochs: 2, ..EncoderPlan::default() };
//! let encode = Encode { plan, readers: CodeReaders::Strategies, ..Encode::default() };
//! let task = Task::split(&embedded::load("digits")?, &SplitPlan::default(), Key::root(1))?;
//! let prepared = encode.prepare(task, &Encoders::default(), Key::root(2))?;
//! assert_eq!((prepared.task().width(), prepared.seen().cols()), (64, 8));
//! # Ok::<(), querist::Error>(())
//! ```

use super::augment::{hole, shifted};
use super::plan::EpisodeError;
use super::pretrained::{Pretrained, Training};
use super::replicate::PreparedTask;
use crate::data::{Matrix, MatrixView, Scaling, Shape, Task};
use crate::error::Result;
use crate::learner::{Encoder, EncoderPlan};
use crate::query::geometry::normalised;
use crate::rng::Key;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Weights of encoders that are kept for pools that come again: 256 MiB.
const KEPT_WEIGHTS: usize = 1 << 26;
/// An image is moved by up to this part of its shorter side, and the side of what is cut out of it is this part, where a plan does
/// not say.
const MOVED_PART: usize = 8;
const CUT_PART: usize = 4;

/// An encoder of pools.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Encode {
    pub objective: Objective,
    pub plan: EncoderPlan,
    pub readers: CodeReaders,
    /// What becomes of the encoder's layers in the classifier, where that sees codes.
    pub training: Training,
}

/// What an encoder is trained for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Objective {
    /// That inputs can be told from their codes (Hinton & Salakhutdinov, Science 2006).
    #[default]
    Reconstruction,
    /// That views of a row have codes of one direction, and those of other rows have not (Chen, Kornblith, Norouzi & Hinton, ICML
    /// 2020). Codes have length one, since their directions are what is trained.
    Contrast { temperature: f32, views: Views },
}

/// How the views of a row differ. Inputs are scaled before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Views {
    /// Of a row of a table: the standard deviation of Gaussian noise on every input.
    pub deviation: f32,
    /// Of a row of a table: the share of its inputs that are set to zero, the mean of scaled ones.
    pub drop: f32,
    /// Of an image: pixels that it is moved by in each direction, at most; its edges are repeated. `None` for an eighth of its
    /// shorter side.
    pub pixels: Option<usize>,
    /// Of an image: side of the square that is set to zero. `None` for a quarter of its shorter side.
    pub side: Option<usize>,
}

impl Default for Views {
    fn default() -> Self {
        Self { deviation: 0.2, drop: 0.3, pixels: None, side: None }
    }
}

/// Who sees codes in the place of inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodeReaders {
    /// Strategies and policies; the classifier is trained on inputs.
    #[default]
    Strategies,
    /// The classifier, too.
    All,
}

impl Encode {
    /// Refuses a task of which no such encoder can be made.
    ///
    /// # Errors
    /// [`EpisodeError::Encoder`].
    pub fn check_task(&self, task: &Task) -> Result<(), EpisodeError> {
        self.plan
            .check(task.pool().rows(), task.width())
            .map_err(|error| EpisodeError::Encoder { task: task.name().to_string(), why: error.to_string() })
    }

    /// The task with codes of its rows. They are those of an encoder that is trained on the rows of the pool and nothing else, unless
    /// `encoders` has it; it follows from the pool's inputs and `key`.
    ///
    /// # Errors
    /// Those of [`check_task`](Self::check_task); [`DataError`](crate::data::DataError) for a code that is not finite.
    pub fn prepare(&self, task: Task, encoders: &Encoders, key: Key) -> Result<Arc<PreparedTask>> {
        self.check_task(&task)?;
        let key = key.named(&content(task.pool()));
        let encoder = encoders.get(self, key, || self.fit(&task, key))?;
        let codes = |rows: MatrixView<'_>| {
            let codes = encoder.codes(rows);
            match self.objective {
                Objective::Reconstruction => codes,
                Objective::Contrast { .. } => normalised(codes.view()),
            }
        };
        match self.readers {
            CodeReaders::All => {
                let coded = task.encoded(codes, Scaling::Standard)?;
                if self.training == Training::Frozen {
                    return Ok(PreparedTask::new(coded));
                }
                let layers = Pretrained::of(&encoder, task.pool(), self.training);
                let codes = coded.pool();
                let codes = Matrix::new(codes.values().to_vec(), codes.rows(), codes.cols());
                Ok(PreparedTask::with_layers(task, codes, layers))
            }
            CodeReaders::Strategies => {
                let codes = codes(task.pool());
                Ok(PreparedTask::with_codes(task, codes))
            }
        }
    }

    fn fit(&self, task: &Task, key: Key) -> Result<Encoder> {
        match &self.objective {
            Objective::Reconstruction => Encoder::autoencoder(task.pool(), &self.plan, key),
            Objective::Contrast { temperature, views } => {
                let view = |row: &[f32], key: Key| views.of(task, row, &mut key.rng());
                Encoder::contrastive(task.pool(), *temperature, view, &self.plan, key)
            }
        }
    }
}

impl Views {
    /// One view of a row of `task`.
    fn of(&self, task: &Task, row: &[f32], rng: &mut impl Rng) -> Vec<f32> {
        let Shape::Image { height, width, .. } = task.shape() else {
            let mut one = |&x: &f32| {
                let noise: f32 = StandardNormal.sample(rng);
                if rng.random::<f32>() < self.drop { 0.0 } else { x + self.deviation * noise }
            };
            return row.iter().map(&mut one).collect();
        };
        let part = |of: usize| (height.min(width) / of).max(1);
        let pixels = self.pixels.unwrap_or_else(|| part(MOVED_PART));
        let mut view = task.moved(row, &shifted(task.shape(), pixels, rng));
        let side = self.side.unwrap_or_else(|| part(CUT_PART));
        hole(task.shape(), side, rng).into_iter().for_each(|at| view[at] = 0.0);
        view
    }
}

/// SHA-256 of the shape and the numbers of a pool, as 64 hexadecimal digits.
fn content(pool: MatrixView<'_>) -> String {
    let mut sha = Sha256::new();
    sha.update(b"querist/pool/1");
    sha.update((pool.rows() as u64).to_le_bytes());
    sha.update((pool.cols() as u64).to_le_bytes());
    pool.values().iter().for_each(|value| sha.update(value.to_le_bytes()));
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An encoder, once it is trained.
type Trained = Arc<Mutex<Option<Arc<Encoder>>>>;

/// The encoders that were trained last, each once, whoever asks first.
#[derive(Debug, Default)]
pub struct Encoders(Mutex<VecDeque<(Encode, Key, Trained)>>);

impl Encoders {
    /// The encoder of this key, which `train` makes where there is none yet. Who asks for the same one meanwhile waits for it.
    fn get(
        &self,
        encode: &Encode,
        key: Key,
        train: impl FnOnce() -> Result<Encoder>,
    ) -> Result<Arc<Encoder>> {
        let trained = {
            let mut kept = self.0.lock().expect("no panic while it is held");
            match kept.iter().find(|(other, at, _)| (other, *at) == (encode, key)) {
                Some((_, _, trained)) => trained.clone(),
                None => {
                    let trained = Trained::default();
                    kept.push_back((*encode, key, trained.clone()));
                    trained
                }
            }
        };
        // If training panicked, there is nothing in it, and it is tried again.
        let mut slot = trained.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encoder) = &*slot {
            return Ok(encoder.clone());
        }
        let encoder = Arc::new(train()?);
        *slot = Some(encoder.clone());
        drop(slot);
        self.forget();
        Ok(encoder)
    }

    /// Drops the oldest encoders while there are more weights than are kept.
    fn forget(&self) {
        let mut kept = self.0.lock().expect("no panic while it is held");
        // Who trains one holds its lock, and has no weights yet.
        let weights = |trained: &Trained| {
            trained.try_lock().ok().and_then(|slot| slot.as_ref().map(|encoder| encoder.weights().len()))
        };
        let mut held: usize = kept.iter().filter_map(|(_, _, trained)| weights(trained)).sum();
        while held > KEPT_WEIGHTS && kept.len() > 1 {
            held -= kept.pop_front().and_then(|(_, _, trained)| weights(&trained)).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, SplitPlan, Targets, embedded};
    use crate::episode::testing::plan;
    use crate::episode::{EpisodePlan, Episodes, Replicate};
    use crate::learner::Start;
    use crate::query::Needs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn encode(readers: CodeReaders) -> Encode {
        let plan = EncoderPlan { dimensions: 6, epochs: 3, ..EncoderPlan::default() };
        Encode { plan, readers, ..Encode::default() }
    }

    fn contrast(readers: CodeReaders) -> Encode {
        let objective = Objective::Contrast { temperature: 0.5, views: Views::default() };
        Encode { objective, ..encode(readers) }
    }

    fn digits(seed: u64) -> Task {
        let plan = SplitPlan { max_pool: 200, max_held: 40, ..SplitPlan::default() };
        Task::split(&embedded::load("digits").unwrap(), &plan, Key::root(seed)).unwrap()
    }

    /// Two tasks of one pool, of which nothing else is alike.
    #[test]
    fn an_encoder_follows_from_the_pool_alone() {
        let part = |rows: usize, by: usize| {
            let inputs = (0..rows * 8).map(|at| (at * by % 31) as f32 / 31.0).collect();
            (Matrix::new(inputs, rows, 8), (0..rows as u32).map(|row| row % 2).collect())
        };
        let task = |name, by| Task::from_parts(name, 2, part(40, 7), part(5, by), part(9, by + 2)).unwrap();
        for encode in [encode, contrast] {
            let of = |name, by, key| {
                let prepared = encode(CodeReaders::Strategies)
                    .prepare(task(name, by), &Encoders::default(), Key::root(key))
                    .unwrap();
                prepared.seen().values().to_vec()
            };
            assert_eq!(of("a", 11, 1), of("b", 13, 1));
            assert_ne!(of("a", 11, 1), of("a", 11, 2));
            assert_eq!(of("a", 11, 1).len(), 40 * 6);
        }
    }

    #[test]
    fn codes_of_a_contrast_have_length_one() {
        let prepared =
            contrast(CodeReaders::Strategies).prepare(digits(1), &Encoders::default(), Key::root(1)).unwrap();
        let seen = prepared.seen();
        for row in 0..seen.rows() {
            let length = seen.row(row).iter().map(|x| x * x).sum::<f32>().sqrt();
            assert!((length - 1.0).abs() < 1e-5, "row {row}: {length}");
        }
    }

    /// Strategies look at codes; the classifier has the weights that it has without an encoder.
    #[test]
    fn strategies_see_codes_and_the_classifier_does_not() {
        let plan = EpisodePlan { query_size: 5, budget: 10, ..plan(Start::Scratch) };
        let needs = Needs { neighbours: true, components: true, probabilities: true, ..Needs::NONE };
        let play = |prepared: Arc<PreparedTask>| {
            let mut episodes = Episodes::reset(&plan, &[Replicate { prepared, key: Key::root(3) }]).unwrap();
            let signals = episodes.signals(0, needs, Key::root(4));
            let view = episodes.view(0, &signals);
            let rows = view.candidates()[..5].to_vec();
            let widths = (view.inputs().cols(), view.network_inputs().cols());
            let nearest: Vec<f32> =
                rows.iter().map(|&row| signals.nearest.as_ref().unwrap().least(row.index())).collect();
            episodes.step(&[(0, rows)]).unwrap();
            let after = episodes.signals(0, needs, Key::root(4));
            assert_ne!(after.nearest, signals.nearest);
            (widths, nearest, after.probabilities.unwrap())
        };
        let coded = encode(CodeReaders::Strategies);
        let plain = play(PreparedTask::new(digits(2)));
        let coded = play(coded.prepare(digits(2), &Encoders::default(), Key::root(5)).unwrap());
        assert_eq!((plain.0, coded.0), ((64, 64), (6, 64)));
        assert_ne!(plain.1, coded.1);
        assert_eq!(plain.2, coded.2);
    }

    /// Where all see codes, every part has them, scaled by the pool's; a row of the pool has the code that a row of another
    /// part with its inputs has.
    #[test]
    fn all_parts_are_encoded_alike() {
        let (encoders, task) = (Encoders::default(), digits(3));
        let twin = |inputs: MatrixView<'_>| Matrix::new(inputs.row(4).to_vec(), 1, 64);
        let pool = Matrix::new(task.pool().values().to_vec(), 200, 64);
        let labels = (0..200).map(|row| row % 2).collect();
        let held = || (twin(task.pool()), vec![0]);
        let twins = Task::from_parts("twins", 2, (pool, labels), held(), held()).unwrap();
        let prepared = encode(CodeReaders::All).prepare(twins, &encoders, Key::root(1)).unwrap();
        let coded = prepared.task();
        assert_eq!((coded.width(), coded.shape(), prepared.seen().cols()), (6, Shape::Vector(6), 6));
        assert_eq!(coded.reward().inputs().row(0), coded.pool().row(4));
        assert_eq!(coded.test().inputs().row(0), coded.pool().row(4));
        for column in 0..6 {
            let of = |row: usize| f64::from(coded.pool().row(row)[column]);
            let mean = (0..200).map(of).sum::<f64>() / 200.0;
            let variance = (0..200).map(|row| (of(row) - mean).powi(2)).sum::<f64>() / 200.0;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
        }
        let whole = encode(CodeReaders::All).prepare(task.clone(), &encoders, Key::root(1)).unwrap();
        assert_eq!(whole.task().reward().labels(), task.reward().labels());
        assert_eq!(whole.task().test().labels(), task.test().labels());
        assert_eq!(whole.task().separation(), task.separation());
        let plan = EpisodePlan { query_size: 5, budget: 10, ..plan(Start::Scratch) };
        let episodes = Episodes::reset(&plan, &[Replicate { prepared: whole, key: Key::root(3) }]).unwrap();
        assert_eq!(episodes.spec(0).inputs(), 6);
    }

    /// Whoever asks first trains; who asks meanwhile waits, and other settings are other encoders.
    #[test]
    fn an_encoder_is_trained_once() {
        let (encoders, trained) = (Encoders::default(), AtomicUsize::new(0));
        let task = digits(4);
        let get = |encode: Encode, key| {
            let train = || {
                trained.fetch_add(1, Ordering::Relaxed);
                encode.fit(&task, key)
            };
            encoders.get(&encode, key, train).unwrap()
        };
        let one = encode(CodeReaders::Strategies);
        let found: Vec<Arc<Encoder>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| get(one, Key::root(1)))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(found.iter().all(|other| Arc::ptr_eq(other, &found[0])));
        assert_eq!(trained.load(Ordering::Relaxed), 1);
        get(one, Key::root(2));
        get(contrast(CodeReaders::Strategies), Key::root(1));
        assert_eq!(trained.load(Ordering::Relaxed), 3);
        // What failed is tried again.
        let failed = encoders.get(&one, Key::root(3), || Err(EpisodeError::NoQuery.into()));
        assert!(failed.is_err());
        get(one, Key::root(3));
        assert_eq!(trained.load(Ordering::Relaxed), 4);
    }

    fn view(shape: Shape, row: &[f32], views: Views, key: u64) -> Vec<f32> {
        let width = row.len();
        let values = (0..40).flat_map(|_| row.to_vec()).collect();
        let targets = Targets::Class {
            labels: (0..40).map(|row| row % 2).collect(),
            names: vec!["a".into(), "b".into()],
        };
        let set = Dataset::new("rows", shape, Matrix::new(values, 40, width), targets, None).unwrap();
        let plan = SplitPlan { scaling: Scaling::None, ..SplitPlan::default() };
        let task = Task::split(&set, &plan, Key::root(1)).unwrap();
        views.of(&task, row, &mut Key::root(key).rng())
    }

    #[test]
    fn views_of_tables_have_noise_and_gaps() {
        let row = vec![1.0; 4_000];
        let of = |deviation, drop| {
            view(Shape::Vector(4_000), &row, Views { deviation, drop, ..Views::default() }, 1)
        };
        assert_eq!(of(0.0, 0.0), row);
        let seen = of(0.2, 0.3);
        let left: Vec<f32> = seen.iter().copied().filter(|&x| x != 0.0).collect();
        // Four standard errors.
        assert!((left.len() as f64 / 4_000.0 - 0.7).abs() < 4.0 * (0.21f64 / 4_000.0).sqrt());
        let variance = left.iter().map(|x| f64::from(x - 1.0).powi(2)).sum::<f64>() / left.len() as f64;
        assert!((variance.sqrt() - 0.2).abs() < 0.011, "{variance}");
    }

    /// One pixel of an image of 16 x 12: it moves by at most one pixel, or lies under the square of 3.
    #[test]
    fn views_of_images_are_moved_and_cut() {
        let shape = Shape::Image { channels: 1, height: 16, width: 12 };
        let mut row = vec![0.0; 192];
        row[5 * 12 + 6] = 1.0;
        let still = Views { pixels: Some(0), side: Some(0), ..Views::default() };
        assert_eq!(view(shape, &row, still, 1), row);
        let (mut places, mut gone) = (std::collections::BTreeSet::new(), 0);
        for key in 0..300 {
            let seen = view(shape, &row, Views::default(), key);
            match seen.iter().position(|&x| x != 0.0) {
                Some(at) => places.insert((at / 12, at % 12)),
                None => {
                    gone += 1;
                    continue;
                }
            };
        }
        let near: std::collections::BTreeSet<_> =
            (4..=6).flat_map(|y| (5..=7).map(move |x| (y, x))).collect();
        assert_eq!(places, near);
        // Nine of 192 places of the square's centre cover the pixel.
        assert!((3..=30).contains(&gone), "{gone}");
    }

    #[test]
    fn pools_without_an_encoder_are_refused() {
        let iris = embedded::load("iris").unwrap();
        let task = Task::split(&iris, &SplitPlan::default(), Key::root(1)).unwrap();
        let error = Encode::default().prepare(task, &Encoders::default(), Key::root(1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "episode on iris: no codes of its rows: training plan: dimensions is 32 for rows of 4 numbers, expected at least 1, and fewer than a row has"
        );
        let few = SplitPlan { max_pool: 15, ..SplitPlan::default() };
        let task = Task::split(&embedded::load("digits").unwrap(), &few, Key::root(1)).unwrap();
        let error = Encode::default().prepare(task, &Encoders::default(), Key::root(1)).unwrap_err();
        assert!(
            error.to_string().contains("an encoder is fitted to 15 rows, expected at least 16"),
            "{error}"
        );
    }
}
