//! [`SourceFamily`]: unlimited diverse source tasks for training a query policy.
//!
//! What a policy learns transfers as far as its source tasks are varied: the number of different tasks
//! matters more than the states seen in each. So size, width, classes, imbalance, noise and geometry
//! are all drawn anew for every task.

use super::draw::{flip_labels, geometric, log_uniform, log_uniform_count, shuffled};
use super::plan::SyntheticPlan;
use super::scores::MIN_CLASS_ROWS;
use super::{categorical, manifold, numbers, sequence, survey, teacher, tree, warp};
use crate::data::{Dataset, Matrix, Shape, TargetKind};
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Rows of a task, smallest and largest.
pub const ROWS: (usize, usize) = (400, 2_500);
/// Numbers per example, smallest and largest.
/// Of a manifold up to 256, of sequences up to 240; strays come on top.
pub const WIDTH: (usize, usize) = (2, 60);
/// Classes, fewest and most, but in tasks of many. Every other task is binary.
pub const CLASSES: (usize, usize) = (2, 20);
/// The most classes of a task of many; the fewest are one more than others have.
pub const MANY_CLASSES: usize = 150;
/// A task has forty rows per class or at least so many, which is enough for sixteen rows of each of the most classes.
const LEAST_ROWS_OF_MANY: usize = 16 * MANY_CLASSES;
/// Largest imbalance: rows of the most frequent class over rows of the rarest, before label noise. Where
/// there are many classes it is less, so that the rarest still has rows enough.
pub const MAX_IMBALANCE: f64 = 30.0;
/// Largest share of flipped labels.
pub const MAX_LABEL_NOISE: f64 = 0.15;

/// A way to make source tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Gaussian clusters, several per class, with noise dimensions.
    Clusters,
    /// Labels given by a random network of one or two hidden layers.
    Teacher,
    /// One-hot blocks of categories; a few categories and pairs of them decide.
    Categorical,
    /// Labels given by a random axis-parallel decision tree.
    Tree,
    /// Clusters on a curved surface of few dimensions, as images and embeddings are.
    Manifold,
    /// Aligned sequences with a motif per class, and much noise around it.
    Sequence,
    /// Numbers, grades and categories that each say a little of an uncertain outcome.
    Survey,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 7] = [
        Family::Clusters,
        Family::Teacher,
        Family::Categorical,
        Family::Tree,
        Family::Manifold,
        Family::Sequence,
        Family::Survey,
    ];

    /// As it stands in the names of tasks.
    pub fn name(self) -> &'static str {
        match self {
            Family::Clusters => "clusters",
            Family::Teacher => "teacher",
            Family::Categorical => "categorical",
            Family::Tree => "tree",
            Family::Manifold => "manifold",
            Family::Sequence => "sequence",
            Family::Survey => "survey",
        }
    }

    /// The task of this family that `key` stands for; draws on it are derived from `name`.
    pub fn sample(self, name: &str, key: Key, many_classes: f64) -> Result<Dataset> {
        Ok(self.draw(name, key, many_classes)?.generated_as(name))
    }

    fn draw(self, name: &str, key: Key, many_classes: f64) -> Result<Dataset> {
        let knobs = Knobs::draw(key.named("knobs"), many_classes);
        let (mut inputs, mut labels) = match self {
            Family::Clusters => return clusters(name, &knobs, key),
            Family::Teacher => teacher::draw(&knobs, key.named("teacher")),
            Family::Categorical => categorical::draw(&knobs, key.named("categorical")),
            Family::Tree => tree::draw(&knobs, key.named("tree")),
            Family::Manifold => manifold::draw(&knobs, key.named("manifold")),
            Family::Sequence => sequence::draw(&knobs, key.named("sequence")),
            Family::Survey => survey::draw(&knobs, key.named("survey")),
        };
        if self == Family::Teacher {
            warp::columns(&mut inputs, key.named("warp"));
        }
        if matches!(self, Family::Teacher | Family::Tree | Family::Survey) {
            inputs = warp::strays(inputs, key.named("strays"));
        }
        flip_labels(&mut labels, knobs.classes, knobs.label_noise, &mut key.named("flips").rng());
        shuffled(name, &inputs, &labels, knobs.classes, &mut key.named("order").rng())
    }
}

/// Draws source tasks by number, the families taking turns. Task `i` does not depend on which others
/// are drawn.
#[derive(Clone, Debug)]
pub struct SourceFamily {
    families: Vec<Family>,
    key: Key,
    many_classes: f64,
    numbers: bool,
}

impl SourceFamily {
    /// A sampler over all families.
    pub fn new(key: Key) -> Self {
        Self { families: Family::ALL.to_vec(), key, many_classes: 0.0, numbers: false }
    }

    /// A sampler over `families` only; `None` for none.
    pub fn of(families: &[Family], key: Key) -> Option<Self> {
        (!families.is_empty()).then(|| Self {
            families: families.to_vec(),
            key,
            many_classes: 0.0,
            numbers: false,
        })
    }

    /// The same with this share of tasks, from 0 to 1, that have from 21 to [`MANY_CLASSES`] classes. The others stay as
    /// they are.
    pub fn with_many_classes(self, share: f64) -> Self {
        Self { many_classes: share, ..self }
    }

    /// The same with numbers in the place of classes where `kind` is [`TargetKind::Real`]: a random function of a few columns, with
    /// noise.
    pub fn with_targets(self, kind: TargetKind) -> Self {
        Self { numbers: kind == TargetKind::Real, ..self }
    }

    /// Task number `index`, called for example `synthetic/clusters-00017`: 400 to 2,500 rows, 2 to 256
    /// numbers per example, 2 to 20 classes (or [many](Self::with_many_classes)) with at least 8 rows each before label noise. It has no official split.
    pub fn sample(&self, index: u64) -> Result<Dataset> {
        let family = self.families[(index % self.families.len() as u64) as usize];
        let key = self.key.named(family.name()).at(index);
        if self.numbers {
            return numbers::draw(family, &format!("synthetic/regression-{}-{index:05}", family.name()), key);
        }
        family.sample(&format!("synthetic/{}-{index:05}", family.name()), key, self.many_classes)
    }
}

/// What every family heeds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Knobs {
    pub rows: usize,
    pub width: usize,
    pub classes: usize,
    pub imbalance: f64,
    pub label_noise: f64,
}

impl Knobs {
    fn draw(key: Key, many_classes: f64) -> Self {
        let mut rng = key.rng();
        let binary = rng.random_bool(0.5);
        let few = if binary { CLASSES.0 } else { log_uniform_count(&mut rng, 3, CLASSES.1) };
        // A stream of its own: the other tasks are the same whatever the share.
        let mut many = key.named("many classes").rng();
        let crowded = many.random_bool(many_classes);
        let classes = if crowded { log_uniform_count(&mut many, CLASSES.1 + 1, MANY_CLASSES) } else { few };
        let balanced = rng.random_bool(0.5);
        let imbalance = log_uniform(&mut rng, 1.0, MAX_IMBALANCE);
        let clean = rng.random_bool(0.5);
        let label_noise = rng.random::<f64>() * MAX_LABEL_NOISE;
        let rows = log_uniform_count(&mut rng, ROWS.0.max((40 * classes).min(LEAST_ROWS_OF_MANY)), ROWS.1);
        Self {
            rows,
            width: log_uniform_count(&mut rng, WIDTH.0, WIDTH.1),
            classes,
            imbalance: if balanced { 1.0 } else { bearable(imbalance, rows, classes) },
            label_noise: if clean { 0.0 } else { label_noise },
        }
    }
}

/// `imbalance`, or as much of it as leaves the rarest of `classes` classes a few rows more than
/// [`MIN_CLASS_ROWS`].
fn bearable(mut imbalance: f64, rows: usize, classes: usize) -> f64 {
    let rarest = |imbalance| {
        let weights = geometric(classes, imbalance);
        rows as f64 * weights[classes - 1] / weights.iter().sum::<f64>()
    };
    while imbalance > 1.0 && rarest(imbalance) < 1.25 * MIN_CLASS_ROWS as f64 {
        imbalance *= 0.9;
    }
    imbalance.max(1.0)
}

fn clusters(name: &str, knobs: &Knobs, key: Key) -> Result<Dataset> {
    let mut rng = key.named("clusters").rng();
    let informative = rng.random_range(knobs.width.div_ceil(4).max(2).min(knobs.width)..=knobs.width);
    let separation = log_uniform(&mut rng, 1.2, 5.0);
    let plan = SyntheticPlan {
        rows: knobs.rows,
        classes: knobs.classes,
        clusters: log_uniform_count(&mut rng, 1, 6),
        informative,
        noise: knobs.width - informative,
        imbalance: knobs.imbalance,
        label_noise: knobs.label_noise,
        // Distances grow with the square root of the dimension; without this, wide tasks are all easy.
        separation: separation / (informative as f64 / 2.0).sqrt().max(1.0),
        correlation: rng.random::<f64>() * 0.95,
    };
    let set = plan.generate(name, key.named("examples"))?;
    let mut inputs = Matrix::new(set.inputs().values().to_vec(), set.rows(), set.width());
    warp::columns(&mut inputs, key.named("warp"));
    let inputs = warp::strays(inputs, key.named("strays"));
    Dataset::new(name, Shape::Vector(inputs.cols()), inputs, set.targets().clone(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SplitPlan, Task};
    use std::collections::HashSet;

    #[test]
    fn tasks_are_varied_valid_and_can_be_split() {
        let source = SourceFamily::new(Key::root(1));
        let (mut digests, mut classes, mut widths) = (HashSet::new(), HashSet::new(), HashSet::new());
        for index in 0..80 {
            let set = source.sample(index).unwrap();
            assert!((ROWS.0..=ROWS.1).contains(&set.rows()), "{} {}", set.name(), set.rows());
            let most = (2 * WIDTH.1).max(manifold::WIDTH.1).max(sequence::MAX_WIDTH);
            assert!((WIDTH.0..=most).contains(&set.width()), "{} {}", set.name(), set.width());
            assert!((CLASSES.0..=CLASSES.1).contains(&set.classes()), "{}", set.name());
            let task = Task::split(&set, &SplitPlan::default(), Key::root(2)).unwrap();
            assert_eq!(task.classes(), set.classes());
            digests.insert(set.digest().to_string());
            classes.insert(set.classes());
            widths.insert(set.width());
        }
        assert_eq!(digests.len(), 80);
        assert!(classes.len() >= 6, "{classes:?}");
        assert!(widths.len() >= 25, "{widths:?}");
    }

    /// A share of many classes changes the tasks that have them and no other.
    #[test]
    fn some_tasks_have_many_classes() {
        let few = SourceFamily::new(Key::root(1));
        let some = few.clone().with_many_classes(0.2);
        let mut crowded = 0;
        for index in 0..60 {
            let (a, b) = (few.sample(index).unwrap(), some.sample(index).unwrap());
            if b.classes() > CLASSES.1 {
                assert!(
                    (CLASSES.1 + 1..=MANY_CLASSES).contains(&b.classes()) && b.rows() >= 16 * b.classes()
                );
                crowded += 1;
            } else {
                assert_eq!(a.digest(), b.digest());
            }
        }
        assert!((4..=22).contains(&crowded), "{crowded} of 60, expected about 12");
    }

    #[test]
    fn names_and_content_depend_on_key_and_number_only() {
        let source = SourceFamily::new(Key::root(1));
        let seventeen = source.sample(17).unwrap();
        assert_eq!(seventeen.name(), "synthetic/tree-00017");
        assert_eq!(seventeen.digest(), SourceFamily::new(Key::root(1)).sample(17).unwrap().digest());
        assert_ne!(seventeen.digest(), SourceFamily::new(Key::root(2)).sample(17).unwrap().digest());
        let only = SourceFamily::of(&[Family::Tree], Key::root(1)).unwrap();
        assert_eq!(seventeen.digest(), only.sample(17).unwrap().digest());
        assert!(SourceFamily::of(&[], Key::root(1)).is_none());
    }

    #[test]
    fn every_class_has_enough_rows_where_labels_are_clean() {
        for family in Family::ALL {
            for seed in 0..40 {
                let key = Key::root(seed);
                let many = if seed % 4 == 0 { 1.0 } else { 0.0 };
                if Knobs::draw(key.named("knobs"), many).label_noise > 0.0 {
                    continue;
                }
                let set = family.sample("s", key, many).unwrap();
                for class in 0..set.classes() as u32 {
                    let count = set.labels().iter().filter(|&&label| label == class).count();
                    assert!(count >= MIN_CLASS_ROWS, "{family:?} {seed}: class {class} has {count} rows");
                }
            }
        }
    }

    /// Labels can be learned: on most tasks one nearest neighbour beats the most frequent class; where
    /// distances say little by design, on some.
    #[test]
    fn labels_follow_from_inputs() {
        let source = SourceFamily::new(Key::root(3));
        let plan = SplitPlan { max_pool: 700, max_held: 200, ..SplitPlan::default() };
        let mut better = [0; Family::ALL.len()];
        for index in 0..70 {
            let set = source.sample(index).unwrap();
            let task = Task::split(&set, &plan, Key::root(4)).unwrap();
            let pool = task.pool();
            let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
            let test = task.test();
            let label = |row: usize| set.labels()[task.dataset_row(crate::data::RowId(row as u32)) as usize];
            let right = (0..test.labels().len()).filter(|&at| {
                let query = test.inputs().row(at);
                let nearest = (0..pool.rows())
                    .min_by(|&a, &b| distance(pool.row(a), query).total_cmp(&distance(pool.row(b), query)));
                nearest.map(label) == Some(test.labels()[at])
            });
            let count = |class: u32| test.labels().iter().filter(|&&label| label == class).count();
            let most = (0..task.classes() as u32).map(count).max().unwrap();
            better[index as usize % Family::ALL.len()] += usize::from(right.count() > most);
        }
        for (family, tasks) in Family::ALL.into_iter().zip(better) {
            let least = if matches!(family, Family::Sequence | Family::Survey) { 3 } else { 7 };
            assert!(tasks >= least, "of 10 each: {better:?}");
        }
    }
}
