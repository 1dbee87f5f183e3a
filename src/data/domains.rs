//! [`Domains`]: a source domain in which labelling starts, beside a target domain in which it goes on and that is tested on.
//!
//! ```
//! use querist::Key;
//! use querist::data::{Domains, SplitPlan, Task, World, embedded};
//!
//! let domains = Domains { per_class: 5, translation: 1.0, concept_shift: 0.2, ..Domains::default() };
//! let world = World { domains: Some(domains), ..World::default() };
//! let plan = SplitPlan { world, ..SplitPlan::default() };
//! let task = Task::split(&embedded::load("digits")?, &plan, Key::root(1))?;
//! assert_eq!(task.source().len(), 50);
//! # Ok::<(), querist::Error>(())
//! ```

use super::dataset::Dataset;
use super::matrix::Matrix;
use super::scaling::{Scaler, Scaling};
use super::world::{along_most_variance, falling, filled};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The most rows of a class in the source domain.
pub const MAX_PER_CLASS: usize = 100_000;
/// The largest factor by which a column is stretched.
pub const MAX_SCALE: f64 = 100.0;
/// The farthest move of a column, in standard deviations.
pub const MAX_TRANSLATION: f64 = 100.0;

/// Which of two domains a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// Where labelling starts.
    Source,
    /// Where it goes on, and what is tested on.
    Target,
}

/// A source domain: rows of the pool that have their label from the start, and that differ from all other rows as this says, or
/// are of it by a [column](super::columns::DomainColumn) of the data set.
///
/// Columns are moved, stretched and rotated in units of the pool's standard deviations; what is random about a change is drawn once
/// per split. The other rows of the pool are the target domain: what is asked for, rewarded, validated and tested on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Domains {
    /// Rows of the most frequent class of the source, or all of a class that has fewer; at least 1.
    pub per_class: usize,
    /// Whether the [data set](Dataset::domains) says which rows are of the source. They are drawn of those then, evenly of all classes,
    /// and changed in nothing; the pool's other rows and all that is held out are of the target alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_column: bool,
    /// Covariate shift by selection: within a class, rows are drawn with weights `exp(-s z)`, `z` being a row's standardised place along the
    /// direction in which the pool varies most, with a sign that is drawn. What a label says of an input is the same in both domains.
    pub selection: f64,
    /// Columns are paired at random, and every pair is rotated by so many degrees, one way or the other.
    pub rotation: f64,
    /// Every column is stretched by a factor between the reciprocal of this one and this one, drawn evenly in its logarithm.
    pub scale: f64,
    /// Every column is moved by so many standard deviations, up or down.
    pub translation: f64,
    /// Rows of the source's most frequent class over those of its rarest; in between they fall geometrically, in an order that is drawn.
    pub label_shift: f64,
    /// The share of the source in which another rule gives labels: in the rows that lie farthest along a direction that is drawn, every
    /// class is called by another one's name, by a permutation without a fixed point.
    pub concept_shift: f64,
}

impl Default for Domains {
    fn default() -> Self {
        Self {
            per_class: 1,
            by_column: false,
            selection: 0.0,
            rotation: 0.0,
            scale: 1.0,
            translation: 0.0,
            label_shift: 1.0,
            concept_shift: 0.0,
        }
    }
}

impl Domains {
    /// The ranges that [`SplitPlan::check`](super::SplitPlan::check) holds the numbers to. Domains that a column tells apart differ by
    /// nothing else.
    pub(super) fn settings(&self) -> [(&'static str, f64, f64, f64); 7] {
        let own = [
            ("initial_per_class", self.per_class as f64, 1.0, MAX_PER_CLASS as f64),
            ("domains.selection", self.selection, 0.0, super::world::MAX_SHIFT),
            ("domains.rotation", self.rotation, 0.0, 180.0),
            ("domains.scale", self.scale, 1.0, MAX_SCALE),
            ("domains.translation", self.translation, 0.0, MAX_TRANSLATION),
            ("domains.label_shift", self.label_shift, 1.0, super::world::MAX_TAIL),
            ("domains.concept_shift", self.concept_shift, 0.0, 1.0),
        ];
        own.map(|(key, found, low, high)| match key {
            "initial_per_class" => (key, found, low, high),
            _ => (key, found, low, if self.by_column { low } else { high }),
        })
    }

    /// Those of the rows `pool` that are of the source, `class` giving the class of a row that is wanted.
    pub(super) fn source(
        &self,
        dataset: &Dataset,
        pool: &[u32],
        (classes, class): (usize, impl Fn(u32) -> Option<u32>),
        key: Key,
    ) -> HashSet<u32> {
        let mut order: Vec<usize> = (0..pool.len()).collect();
        order.shuffle(&mut key.named("order").rng());
        if self.selection > 0.0 {
            let rows = super::scaling::standardised(filled(dataset, pool, pool));
            let places = along_most_variance(&rows, key.named("start"));
            let mut rng = key.named("selection").rng();
            let sign = if rng.random::<bool>() { 1.0 } else { -1.0 };
            let scores: Vec<f64> = places
                .iter()
                .map(|place| super::world::gumbel(-sign * self.selection * place, &mut rng))
                .collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        }
        let mut left = falling(self.per_class as f64, self.label_shift, classes, key.named("label shift"));
        let mut taken = HashSet::new();
        for row in order.into_iter().map(|at| pool[at]) {
            if let Some(left) = class(row).map(|class| &mut left[class as usize]).filter(|left| **left > 0) {
                *left -= 1;
                taken.insert(row);
            }
        }
        taken
    }

    /// Gives the rows `source` of a pool, of inputs and classes, those of the source domain.
    pub(super) fn shift(
        &self,
        (inputs, labels): (&mut Matrix, &mut [u32]),
        source: &[usize],
        classes: usize,
        key: Key,
    ) {
        let scaler = Scaler::fit(Scaling::Standard, inputs.view());
        let scaled = scaler.scale(inputs.gather(source.iter().copied()));
        self.rename(&scaled, labels, source, classes, key.named("concept"));
        if (self.rotation, self.scale, self.translation) == (0.0, 1.0, 0.0) {
            return;
        }
        let columns = inputs.cols();
        let mut rng = key.named("columns").rng();
        let mut sign = || if rng.random::<bool>() { 1.0 } else { -1.0 };
        let moves: Vec<f64> = (0..columns).map(|_| sign() * self.translation).collect();
        let turns: Vec<f64> = (0..columns / 2).map(|_| sign() * self.rotation.to_radians()).collect();
        let factors: Vec<f64> = (0..columns).map(|_| self.scale.powf(rng.random_range(-1.0..=1.0))).collect();
        let mut order: Vec<usize> = (0..columns).collect();
        order.shuffle(&mut key.named("pairs").rng());
        for (at, &row) in source.iter().enumerate() {
            let mut values: Vec<f64> = scaled.row(at).iter().copied().map(f64::from).collect();
            for (pair, turn) in order.chunks_exact(2).zip(&turns) {
                let (a, b) = (values[pair[0]], values[pair[1]]);
                let (sine, cosine) = turn.sin_cos();
                (values[pair[0]], values[pair[1]]) = (cosine * a - sine * b, sine * a + cosine * b);
            }
            for ((value, factor), by) in values.iter_mut().zip(&factors).zip(&moves) {
                *value = *value * factor + by;
            }
            let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
            let before = scaler.before(&values);
            inputs.row_mut(row).iter_mut().zip(before).for_each(|(to, value)| *to = value as f32);
        }
    }

    /// Calls classes by other names where the rule of the source is another one.
    fn rename(&self, scaled: &Matrix, labels: &mut [u32], source: &[usize], classes: usize, key: Key) {
        let other = (self.concept_shift * source.len() as f64).round() as usize;
        let mut rng = key.rng();
        let direction: Vec<f64> = (0..scaled.cols()).map(|_| StandardNormal.sample(&mut rng)).collect();
        let place = |at: usize| -> f64 {
            scaled.row(at).iter().zip(&direction).map(|(x, w)| f64::from(*x) * w).sum()
        };
        let mut order: Vec<(f64, usize)> = (0..source.len()).map(|at| (place(at), at)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        // A cycle through all classes in an order that is drawn leaves none in its place.
        let mut cycle: Vec<usize> = (0..classes).collect();
        cycle.shuffle(&mut rng);
        let mut names = vec![0; classes];
        (0..classes).for_each(|at| names[cycle[at]] = cycle[(at + 1) % classes] as u32);
        for &(_, at) in &order[..other] {
            let label = &mut labels[source[at]];
            *label = names[*label as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Oracle, RowId, Shape, SplitPlan, Targets, Task, World, embedded};
    use std::sync::Arc;

    fn split(name: &str, domains: Option<Domains>, seed: u64) -> Arc<Task> {
        let world = World { domains, ..World::default() };
        let set = embedded::load(name).unwrap();
        let plan = SplitPlan { world, scaling: Scaling::None, ..SplitPlan::default() };
        Arc::new(Task::split(&set, &plan, Key::root(seed)).unwrap())
    }

    fn labels(task: &Arc<Task>, rows: &[RowId]) -> Vec<u32> {
        Oracle::new(task.clone(), 0).peek(rows)
    }

    fn all(task: &Task) -> Vec<RowId> {
        (0..task.pool().rows() as u32).map(RowId).collect()
    }

    #[test]
    fn a_source_without_a_shift_is_rows_of_the_pool() {
        let plain = split("digits", None, 1);
        assert!(plain.source().is_empty());
        let task = split("digits", Some(Domains { per_class: 4, ..Domains::default() }), 1);
        assert_eq!((task.source().len(), task.source().is_sorted()), (40, true));
        assert_eq!(task.pool().values(), plain.pool().values());
        assert_eq!(labels(&task, &all(&task)), labels(&plain, &all(&plain)));
        let mut counts = [0; 10];
        labels(&task, task.source()).iter().for_each(|&label| counts[label as usize] += 1);
        assert_eq!(counts, [4; 10]);
    }

    /// Whatever differs, the rows that are asked for, rewarded and tested on are those of the data set.
    #[test]
    fn the_target_domain_is_as_it_was() {
        let domains = Domains {
            per_class: 5,
            selection: 1.0,
            rotation: 30.0,
            scale: 2.0,
            translation: 0.5,
            label_shift: 3.0,
            concept_shift: 0.4,
            ..Domains::default()
        };
        let (plain, task) = (split("digits", None, 2), split("digits", Some(domains), 2));
        assert_eq!(task.test().inputs().values(), plain.test().inputs().values());
        assert_eq!(task.reward().labels(), plain.reward().labels());
        let (truth, said) = (labels(&plain, &all(&plain)), labels(&task, &all(&task)));
        let mut moved = 0;
        for row in all(&task) {
            if task.source().binary_search(&row).is_err() {
                assert_eq!(task.pool().row(row.index()), plain.pool().row(row.index()));
                assert_eq!(said[row.index()], truth[row.index()]);
            } else {
                moved += usize::from(task.pool().row(row.index()) != plain.pool().row(row.index()));
            }
        }
        assert_eq!(moved, task.source().len());
        let again = split("digits", Some(domains), 2);
        assert_eq!((again.pool().values(), again.source()), (task.pool().values(), task.source()));
    }

    /// Five to one: the classes of the source fall to a third geometrically; those of the target do not.
    #[test]
    fn classes_of_the_source_have_other_frequencies() {
        let task =
            split("digits", Some(Domains { per_class: 12, label_shift: 4.0, ..Domains::default() }), 3);
        let mut counts = vec![0usize; 10];
        labels(&task, task.source()).iter().for_each(|&label| counts[label as usize] += 1);
        counts.sort_unstable();
        let expected: Vec<usize> =
            (0..10).rev().map(|k| (12.0 * 4f64.powf(-f64::from(k) / 9.0)).round() as usize).collect();
        assert_eq!(counts, expected);
    }

    /// Of a shift of inputs the labels stay; of the rule, the inputs, and the other rule holds on one side of a plane.
    #[test]
    fn another_rule_gives_every_class_another_name_where_it_holds() {
        for share in [0.0, 0.25, 1.0] {
            let domains = Domains { per_class: 20, concept_shift: share, ..Domains::default() };
            let (plain, task) = (split("iris", None, 4), split("iris", Some(domains), 4));
            assert_eq!(task.pool().values(), plain.pool().values());
            let (truth, said) = (labels(&plain, task.source()), labels(&task, task.source()));
            let changed: Vec<usize> = (0..truth.len()).filter(|&at| truth[at] != said[at]).collect();
            assert_eq!(changed.len(), (share * truth.len() as f64).round() as usize);
            let names: HashSet<(u32, u32)> = changed.iter().map(|&at| (truth[at], said[at])).collect();
            let of: HashSet<u32> = names.iter().map(|&(class, _)| class).collect();
            assert_eq!(names.len(), of.len(), "one other name per class: {names:?}");
        }
        assert_eq!(
            split("iris", Some(Domains { per_class: 9, rotation: 90.0, ..Domains::default() }), 1)
                .source()
                .len(),
            27
        );
    }

    /// A column of variance one moves by what is said, and stretches by no more; a rotation keeps lengths.
    #[test]
    fn inputs_move_by_what_is_said() {
        let plain = split("wine", None, 5);
        let scaler = Scaler::fit(Scaling::Standard, plain.pool());
        let scaled = |task: &Task| {
            let rows: Vec<f32> =
                task.source().iter().flat_map(|row| task.pool().row(row.index()).to_vec()).collect();
            scaler.scale(Matrix::new(rows, task.source().len(), task.width()))
        };
        let own = Domains { per_class: 10, ..Domains::default() };
        let before = scaled(&split("wine", Some(own), 5));
        let after = |domains| scaled(&split("wine", Some(domains), 5));
        let near = |a: f64, b: f64| (a - b).abs() < 1e-3 * b.abs().max(1.0);
        let moved = after(Domains { translation: 1.5, ..own });
        let by: Vec<f32> = before.row(0).iter().zip(moved.row(0)).map(|(a, b)| b - a).collect();
        assert!(by.iter().all(|by| near(f64::from(by.abs()), 1.5)), "{by:?}");
        assert!(by.iter().any(|&by| by > 0.0) && by.iter().any(|&by| by < 0.0));
        let turned = after(Domains { rotation: 40.0, ..own });
        let stretched = after(Domains { scale: 3.0, ..own });
        for row in 0..before.rows() {
            let length = |m: &Matrix| m.row(row).iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
            assert!(near(length(&turned), length(&before)));
            assert!(turned.row(row) != before.row(row));
            for column in 0..before.cols() {
                let (a, b) = (f64::from(before.row(row)[column]), f64::from(stretched.row(row)[column]));
                let factor = f64::from(stretched.row(0)[column] / before.row(0)[column]);
                assert!(near(b, factor * a) && (0.33..3.01).contains(&factor), "{a} {b} {factor}");
            }
        }
    }

    /// Points along a line, whatever their class: by selection the source lies to one side of the pool.
    #[test]
    fn rows_are_selected_along_the_direction_of_most_variance() {
        let mut rng = Key::root(7).rng();
        let mut normal = move || -> f64 { StandardNormal.sample(&mut rng) };
        let values = (0..2_000).flat_map(|_| {
            let along = normal();
            [along, along + 0.1 * normal(), normal()].map(|x| x as f32)
        });
        let inputs = Matrix::new(values.collect(), 2_000, 3);
        let targets = Targets::Class {
            labels: (0..2_000).map(|row| row % 2).collect(),
            names: vec!["a".into(), "b".into()],
        };
        let set = Dataset::new("line", Shape::Vector(3), inputs, targets, None).unwrap();
        let middle = |selection: f64, seed| {
            let domains = Domains { per_class: 40, selection, ..Domains::default() };
            let world = World { domains: Some(domains), ..World::default() };
            let plan = SplitPlan { world, scaling: Scaling::None, ..SplitPlan::default() };
            let task = Task::split(&set, &plan, Key::root(seed)).unwrap();
            task.source().iter().map(|row| f64::from(task.pool().row(row.index())[0])).sum::<f64>() / 80.0
        };
        let means: Vec<f64> = (0..8).map(|seed| middle(2.0, seed)).collect();
        assert!((0..8).all(|seed| middle(0.0, seed).abs() < 0.5));
        assert!(means.iter().all(|mean| mean.abs() > 1.0), "{means:?}");
        assert!(means.iter().any(|&mean| mean > 0.0) && means.iter().any(|&mean| mean < 0.0), "{means:?}");
    }

    /// Iris with the domains that `of` gives its rows.
    fn told_apart(of: impl Fn(u32) -> Domain) -> Dataset {
        let set = embedded::load("iris").unwrap();
        let domains = (0..set.rows() as u32).map(of).collect();
        set.with_domains(domains).unwrap()
    }

    fn by_column(per_class: usize) -> SplitPlan {
        let domains = Domains { per_class, by_column: true, ..Domains::default() };
        let world = World { domains: Some(domains), ..World::default() };
        SplitPlan { world, scaling: Scaling::None, ..SplitPlan::default() }
    }

    /// Rows of the one domain teach at the start, and nothing else is of it.
    #[test]
    fn a_column_tells_the_domains_apart() {
        let of = |row: u32| if row.is_multiple_of(3) { Domain::Source } else { Domain::Target };
        let set = told_apart(of);
        let plan = by_column(4);
        for seed in 0..5 {
            let task = Arc::new(Task::split(&set, &plan, Key::root(seed)).unwrap());
            assert_eq!(task.source().len(), 12);
            let mut counts = [0; 3];
            labels(&task, task.source()).iter().for_each(|&label| counts[label as usize] += 1);
            assert_eq!(counts, [4; 3]);
            for row in all(&task) {
                let is_source = task.source().binary_search(&row).is_ok();
                assert_eq!(of(task.dataset_row(row)) == Domain::Source, is_source);
                assert_eq!(task.pool().row(row.index()), set.inputs().row(task.dataset_row(row) as usize));
            }
            assert!(task.test_rows().iter().all(|&row| of(row) == Domain::Target));
            // A hundred rows of the target, of which thirty are tested on and 21 rewarded.
            let sizes = [task.pool().rows() - 12, task.reward().labels().len(), task.test().labels().len()];
            assert_eq!((sizes, task.separation().shared), ([49, 21, 30], 0));
            let again = Task::split(&set, &plan, Key::root(seed)).unwrap();
            assert_eq!(again.separation(), task.separation());
        }
        // Not all of the source lie at one end of the pool, where ids would tell them.
        let task = Task::split(&set, &plan, Key::root(1)).unwrap();
        let (first, last) = (task.source()[0].index(), task.source()[11].index());
        assert!(first < 20 && last > 40, "{first} {last}");
        let few = Task::split(&set, &SplitPlan { max_pool: 20, ..plan }, Key::root(1)).unwrap();
        assert_eq!((few.pool().rows(), few.source().len()), (20, 12));
        // What rows are of is content: draws and digests of runs follow from it.
        let other = told_apart(|row| if row < 50 { Domain::Source } else { Domain::Target });
        assert_ne!(set.digest(), other.digest());
        assert_ne!(set.content(), embedded::load("iris").unwrap().content());
    }

    /// A class that one domain lacks is learned in the other; what nobody may test on is not trained on.
    #[test]
    fn classes_and_an_official_test_part_may_be_of_one_domain() {
        let of = |row: u32| if row < 90 { Domain::Source } else { Domain::Target };
        let task = Arc::new(Task::split(&told_apart(of), &by_column(5), Key::root(1)).unwrap());
        let classes: HashSet<u32> = labels(&task, task.source()).into_iter().collect();
        assert_eq!((task.source().len(), classes), (10, HashSet::from([0, 1])));
        let set = embedded::load("iris").unwrap();
        let tag = |row: u32| {
            if row.is_multiple_of(2) { crate::data::SplitTag::Train } else { crate::data::SplitTag::Test }
        };
        let inputs = Matrix::new(set.inputs().values().to_vec(), set.rows(), set.width());
        let tags = (0..150).map(tag).collect();
        let set = Dataset::new("iris", set.shape(), inputs, set.targets().clone(), Some(tags)).unwrap();
        let of = |row: u32| if row % 4 < 2 { Domain::Source } else { Domain::Target };
        let set = set.with_domains((0..150).map(of).collect()).unwrap();
        let task = Task::split(&set, &by_column(3), Key::root(1)).unwrap();
        assert!(task.test_rows().iter().all(|row| row % 4 == 3));
        assert!(task.source().iter().all(|&row| task.dataset_row(row).is_multiple_of(4)));
    }

    #[test]
    fn domains_that_are_too_small_are_refused_with_their_numbers() {
        let refused =
            |set: &Dataset, plan: &SplitPlan| Task::split(set, plan, Key::root(1)).unwrap_err().to_string();
        let of =
            |source: u32| told_apart(move |row| if row < source { Domain::Source } else { Domain::Target });
        for (set, plan, words) in [
            (
                of(0),
                by_column(1),
                "iris: the source domain's part would get 0 rows, but needs at least 1 (0 rows",
            ),
            (
                of(149),
                by_column(1),
                "iris: the target domain's pool part would get 1 rows, but needs at least 2 (1 rows",
            ),
            (of(148), by_column(1), "iris: the target domain's pool part would get 1 rows"),
            (of(75), SplitPlan { max_pool: 11, ..by_column(5) }, "`max_pool` is 11, but must be at least 12"),
            (
                embedded::load("iris").unwrap(),
                by_column(1),
                "iris: no column says which rows are of the source domain",
            ),
        ] {
            let message = refused(&set, &plan);
            assert!(message.contains(words), "{message}");
        }
        let mut plan = by_column(1);
        plan.world.domains.as_mut().unwrap().rotation = 20.0;
        assert!(refused(&of(75), &plan).contains("`domains.rotation` is 20, expected 0 to 0"));
        let short = embedded::load("iris").unwrap().with_domains(vec![Domain::Source; 3]).unwrap_err();
        assert_eq!(short.to_string(), "iris: 3 domains, but 150 were expected");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let set = embedded::load("iris").unwrap();
        let refused = |domains| {
            let world = World { domains: Some(domains), ..World::default() };
            let plan = SplitPlan { world, ..SplitPlan::default() };
            Task::split(&set, &plan, Key::root(1)).unwrap_err().to_string()
        };
        let own = Domains::default();
        for (domains, words) in [
            (Domains { per_class: 0, ..own }, "`initial_per_class` is 0, expected 1 to 100000"),
            (Domains { scale: 0.5, ..own }, "`domains.scale` is 0.5, expected 1 to 100"),
            (Domains { concept_shift: f64::NAN, ..own }, "`domains.concept_shift` is NaN"),
            (
                Domains { per_class: 1_000, ..own },
                "the target domain's part would get 0 rows, but needs at least 2",
            ),
        ] {
            let message = refused(domains);
            assert!(message.contains(words), "{message}");
        }
    }
}
