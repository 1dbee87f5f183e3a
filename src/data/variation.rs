//! [`Variation`]: another task out of a data set.
//!
//! Real sets are few, and a policy's transfer depends on the number of different tasks it has learned from.
//! A subset of the classes and of the columns, turned and made harder, is a task of its own whose columns
//! and clusters are still those of real data.

use super::dataset::{Dataset, Shape, Targets, filled};
use super::matrix::Matrix;
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::{SliceRandom, index};
use rand_distr::{Distribution, StandardNormal};

/// Fewest rows of a class that is kept, where the set has as many.
pub const MIN_CLASS_ROWS: usize = 12;
/// The widest input that is rotated: a rotation costs its square per row.
pub const MAX_ROTATED: usize = 128;

/// How a data set is varied. The default changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Variation {
    /// Classes that are kept, at least two.
    pub classes: usize,
    /// Columns that are kept, at least one.
    pub columns: usize,
    /// Whether the columns are turned by a random rotation, which hides what is aligned with them. Not
    /// done beyond [`MAX_ROTATED`] columns.
    pub rotate: bool,
    /// Rows of the most frequent kept class over rows of the rarest, at least, as far as
    /// [`MIN_CLASS_ROWS`] allow; 1 leaves the frequencies as they are.
    pub imbalance: f64,
    /// Share of the labels that is moved to another kept class.
    pub label_noise: f64,
    /// Rows of a class that was not kept, per kept row, at most: distractors, whose label is drawn among the
    /// kept classes.
    pub distractors: f64,
}

impl Variation {
    /// What leaves `dataset` as it is.
    pub fn none(dataset: &Dataset) -> Self {
        Self {
            classes: dataset.classes(),
            columns: dataset.width(),
            rotate: false,
            imbalance: 1.0,
            label_noise: 0.0,
            distractors: 0.0,
        }
    }

    /// A variation of `dataset`, each kind of change with a probability of its own.
    pub fn draw(dataset: &Dataset, key: Key) -> Self {
        let mut rng = key.named("variation").rng();
        let (classes, width) = (dataset.classes(), dataset.width());
        let fewer_classes = rng.random_bool(0.6);
        let some_classes = rng.random_range(2..=classes.max(2));
        let fewer_columns = rng.random_bool(0.6);
        let some_columns = (width as f64 * rng.random_range(0.3..1.0)).ceil() as usize;
        let (rotate, uneven) = (rng.random_bool(0.3), rng.random_bool(0.4));
        let imbalance = rng.random_range(1.0f64..8.0);
        let (noisy, label_noise) = (rng.random_bool(0.3), rng.random_range(0.0..0.15));
        let (strange, distractors) = (rng.random_bool(0.15), rng.random_range(0.0..0.3));
        Self {
            classes: if fewer_classes { some_classes } else { classes },
            columns: if fewer_columns { some_columns.clamp(1, width) } else { width },
            rotate,
            imbalance: if uneven { imbalance } else { 1.0 },
            label_noise: if noisy { label_noise } else { 0.0 },
            distractors: if strange { distractors } else { 0.0 },
        }
    }

    /// The data set that this variation of `dataset` and `key` stand for. An official split is left
    /// behind; images become vectors.
    ///
    /// # Errors
    /// Those of [`Dataset::new`].
    ///
    /// # Panics
    /// If it keeps fewer than two classes, no column, or more than there are.
    pub fn apply(&self, dataset: &Dataset, name: &str, key: Key) -> Result<Dataset> {
        let (classes, width) = (dataset.classes(), dataset.width());
        assert!((2..=classes).contains(&self.classes), "{} of {classes} classes", self.classes);
        assert!((1..=width).contains(&self.columns), "{} of {width} columns", self.columns);
        let mut rng = key.named("rows").rng();
        let kept = sorted(index::sample(&mut rng, classes, self.classes).into_vec());
        let mut place = vec![None; classes];
        for (new, &old) in kept.iter().enumerate() {
            place[old] = Some(new as u32);
        }
        let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); self.classes];
        let mut strangers = Vec::new();
        for (row, &label) in dataset.labels().iter().enumerate() {
            match place[label as usize] {
                Some(new) => of_class[new as usize].push(row),
                None => strangers.push(row),
            }
        }
        if self.imbalance > 1.0 {
            // In random order, so that it is not always the same class that is rare.
            of_class.shuffle(&mut rng);
            let last = (self.classes - 1) as f64;
            for (nth, rows) in of_class.iter_mut().enumerate() {
                rows.shuffle(&mut rng);
                let share = self.imbalance.powf(-(nth as f64) / last);
                let wanted = (rows.len() as f64 * share) as usize;
                rows.truncate(wanted.max(MIN_CLASS_ROWS));
            }
        }
        let mut rows: Vec<(usize, u32)> = of_class
            .iter()
            .flatten()
            .map(|&row| (row, place[dataset.labels()[row] as usize].expect("a kept class")))
            .collect();
        strangers.shuffle(&mut rng);
        strangers.truncate((rows.len() as f64 * self.distractors) as usize);
        rows.extend(strangers.into_iter().map(|row| (row, rng.random_range(0..self.classes as u32))));
        for (_, label) in &mut rows {
            let flip = rng.random::<f64>() < self.label_noise;
            let other = rng.random_range(1..self.classes as u32);
            if flip {
                *label = (*label + other) % self.classes as u32;
            }
        }
        rows.sort_unstable();
        let columns = sorted(index::sample(&mut key.named("columns").rng(), width, self.columns).into_vec());
        let values = rows.iter().flat_map(|&(row, _)| {
            let inputs = dataset.inputs().row(row);
            columns.iter().map(|&column| inputs[column])
        });
        let mut inputs = Matrix::new(values.collect(), rows.len(), self.columns);
        let gaps = dataset.gaps().of(&rows.iter().map(|&(row, _)| row as u32).collect::<Vec<_>>(), &columns);
        let turned = self.rotate && self.columns <= MAX_ROTATED;
        if turned && !gaps.is_empty() {
            // Turned columns mix those with gaps and those without.
            inputs = filled(&inputs, &gaps, &(0..rows.len() as u32).collect::<Vec<_>>());
        }
        if turned {
            inputs = rotated(&inputs, key.named("rotation"));
        }
        let labels = rows.iter().map(|&(_, label)| label).collect();
        let names = kept.iter().map(|&class| dataset.class_names()[class].clone()).collect();
        let shape = Shape::Vector(self.columns);
        let varied = Dataset::new(name, shape, inputs, Targets::Class { labels, names }, None)?;
        Ok(if turned { varied } else { varied.with_gaps(gaps) })
    }
}

fn sorted(mut values: Vec<usize>) -> Vec<usize> {
    values.sort_unstable();
    values
}

/// The rows in units of each column's standard deviation, turned by a random orthogonal matrix: the
/// Gram–Schmidt basis of normal vectors.
fn rotated(inputs: &Matrix, key: Key) -> Matrix {
    let (n, d) = (inputs.rows(), inputs.cols());
    let mut rng = key.rng();
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(d);
    while basis.len() < d {
        let mut vector: Vec<f64> = (0..d).map(|_| StandardNormal.sample(&mut rng)).collect();
        for other in &basis {
            let along: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
            vector.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
        }
        let length = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
        // A vector that lies in the span of the others would only add rounding errors; draw again.
        if length > 1e-6 {
            vector.iter_mut().for_each(|a| *a /= length);
            basis.push(vector);
        }
    }
    let (mut mean, mut square) = (vec![0.0f64; d], vec![0.0f64; d]);
    for row in 0..n {
        for (column, &value) in inputs.row(row).iter().enumerate() {
            mean[column] += f64::from(value) / n as f64;
            square[column] += f64::from(value).powi(2) / n as f64;
        }
    }
    let deviation = |column: usize| (square[column] - mean[column].powi(2)).max(0.0).sqrt();
    let unit: Vec<f64> =
        (0..d).map(|column| if deviation(column) > 0.0 { deviation(column) } else { 1.0 }).collect();
    let mut out = Matrix::zeros(n, d);
    for row in 0..n {
        let scaled: Vec<f64> = inputs
            .row(row)
            .iter()
            .enumerate()
            .map(|(column, &value)| (f64::from(value) - mean[column]) / unit[column])
            .collect();
        for (value, direction) in out.row_mut(row).iter_mut().zip(&basis) {
            *value = direction.iter().zip(&scaled).map(|(a, b)| a * b).sum::<f64>() as f32;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::embedded;
    use crate::data::gaps::{Gap, Gaps};

    fn digits() -> Dataset {
        embedded::load("digits").unwrap()
    }

    fn counts(set: &Dataset) -> Vec<usize> {
        (0..set.classes() as u32).map(|class| set.labels().iter().filter(|&&l| l == class).count()).collect()
    }

    #[test]
    fn nothing_changed_is_the_same_set() {
        let set = digits();
        let same = Variation::none(&set).apply(&set, set.name(), Key::root(1)).unwrap();
        assert_eq!((same.rows(), same.width()), (set.rows(), set.width()));
        assert_eq!((same.labels(), same.inputs().values()), (set.labels(), set.inputs().values()));
    }

    #[test]
    fn classes_columns_and_imbalance_are_as_asked_for() {
        let set = digits();
        let plan = Variation { classes: 3, columns: 20, imbalance: 4.0, ..Variation::none(&set) };
        let found = plan.apply(&set, "varied", Key::root(2)).unwrap();
        assert_eq!((found.classes(), found.width(), found.name()), (3, 20, "varied"));
        let mut sizes = counts(&found);
        sizes.sort_unstable();
        // About 178 rows per class, of which a quarter and a half are left.
        assert!(
            (40..=47).contains(&sizes[0]) && (84..=93).contains(&sizes[1]) && sizes[2] > 170,
            "{sizes:?}"
        );
        assert_ne!(found.digest(), plan.apply(&set, "varied", Key::root(3)).unwrap().digest());
        assert_eq!(found.digest(), plan.apply(&set, "varied", Key::root(2)).unwrap().digest());
    }

    /// A variation must not know what a pool will fill in.
    #[test]
    fn gaps_go_with_their_rows_and_columns() {
        let rows = (0..150u32).filter(|row| row % 3 == 0).collect::<Vec<_>>();
        let gaps = Gaps::new(vec![Gap { column: 2, rows: rows.into() }]);
        let set = embedded::load("iris").unwrap().with_gaps(gaps);
        let plan = Variation { columns: 2, classes: 2, ..Variation::none(&set) };
        for seed in 0..20 {
            let found = plan.apply(&set, "v", Key::root(seed)).unwrap();
            assert!(found.gaps().columns().iter().all(|gap| (30..=37).contains(&gap.rows.len())));
        }
        let turned = Variation { rotate: true, ..Variation::none(&set) };
        assert!(turned.apply(&set, "v", Key::root(1)).unwrap().gaps().is_empty());
    }

    #[test]
    fn noise_and_distractors_take_their_share() {
        let set = digits();
        let noisy = Variation { label_noise: 0.2, ..Variation::none(&set) };
        let noisy = noisy.apply(&set, "noisy", Key::root(4)).unwrap();
        let moved = noisy.labels().iter().zip(set.labels()).filter(|(a, b)| a != b).count();
        assert!((moved as f64 / set.rows() as f64 - 0.2).abs() < 0.04, "{moved} of {}", set.rows());
        let plain = Variation { classes: 2, ..Variation::none(&set) };
        let strange = Variation { distractors: 0.5, ..plain.clone() };
        let rows = |plan: &Variation| plan.apply(&set, "two", Key::root(5)).unwrap().rows();
        assert_eq!(rows(&strange), rows(&plain) + rows(&plain) / 2);
    }

    #[test]
    fn a_rotation_keeps_distances_of_standard_scores() {
        let values: Vec<f32> = vec![0.0, 0.0, 2.0, 0.0, 0.0, 2.0, 2.0, 2.0];
        let turned = rotated(&Matrix::new(values, 4, 2), Key::root(6));
        let squared = |a: usize, b: usize| {
            turned.row(a).iter().zip(turned.row(b)).map(|(x, y)| (x - y).powi(2)).sum::<f32>()
        };
        // Both columns have a standard deviation of one.
        for (a, b, expected) in [(0, 1, 4.0), (0, 2, 4.0), (0, 3, 8.0), (1, 2, 8.0)] {
            assert!((squared(a, b) - expected).abs() < 1e-4);
        }
        assert!((turned.row(0)[0] - turned.row(1)[0]).abs() > 1e-3, "it turned");
    }

    #[test]
    fn every_draw_can_be_applied() {
        let set = embedded::load("wine").unwrap();
        for seed in 0..60 {
            let key = Key::root(seed);
            let found = Variation::draw(&set, key).apply(&set, "wine", key).unwrap();
            assert!(found.rows() >= 2 * MIN_CLASS_ROWS && found.classes() >= 2);
        }
    }
}
