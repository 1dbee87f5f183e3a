//! [`SyntheticPlan`]: Gaussian clusters with everything that makes a pool easy or hard as a number.

use super::draw::{apportion, flip_labels, geometric, normal, normals, shuffled};
use crate::data::error::DataError;
use crate::data::{Dataset, Matrix};
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// Rows that a plan may ask for.
pub const MAX_PLAN_ROWS: usize = 1_000_000;
/// Informative and noise dimensions together.
pub const MAX_PLAN_DIMS: usize = 4_096;
/// Classes that a plan may ask for.
pub const MAX_PLAN_CLASSES: usize = 1_000;
/// Clusters over all classes.
pub const MAX_PLAN_CLUSTERS: usize = 10_000;

/// A data set of Gaussian clusters, in the manner of the Madelon generator (Guyon, 2003).
///
/// Each class owns `clusters` centres, drawn from a normal distribution of standard deviation
/// `separation` in the `informative` dimensions; each cluster has unit variance about its centre, in
/// a random orientation where `correlation` is above zero. `noise` further dimensions are standard
/// normal and say nothing. The columns are then shuffled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyntheticPlan {
    /// Examples, at least four per class.
    pub rows: usize,
    /// Classes, at least 2.
    pub classes: usize,
    /// Clusters per class.
    pub clusters: usize,
    /// Dimensions in which the clusters differ.
    pub informative: usize,
    /// Dimensions that are noise.
    pub noise: usize,
    /// Rows of the most frequent class over rows of the rarest; the others fall geometrically between.
    pub imbalance: f64,
    /// Share of the labels that is moved to another class.
    pub label_noise: f64,
    /// Standard deviation of the cluster centres; 0 makes the classes indistinguishable.
    pub separation: f64,
    /// 0 for round clusters; towards 1, each cluster is stretched along random directions, which
    /// correlates its informative features.
    pub correlation: f64,
}

impl Default for SyntheticPlan {
    fn default() -> Self {
        Self {
            rows: 1_000,
            classes: 3,
            clusters: 2,
            informative: 8,
            noise: 4,
            imbalance: 1.0,
            label_noise: 0.0,
            separation: 1.5,
            correlation: 0.5,
        }
    }
}

impl SyntheticPlan {
    /// Refuses a plan that cannot be carried out or exceeds the limits of this module.
    pub fn check(&self) -> Result<(), DataError> {
        let within = |key, value: usize, low: usize, high: usize| {
            let rule = format!("from {low} to {high}");
            if (low..=high).contains(&value) { Ok(()) } else { refuse(key, value, rule) }
        };
        within("classes", self.classes, 2, MAX_PLAN_CLASSES)?;
        within("rows", self.rows, 4 * self.classes, MAX_PLAN_ROWS)?;
        within("clusters", self.clusters, 1, MAX_PLAN_CLUSTERS / self.classes)?;
        within("informative", self.informative, 1, MAX_PLAN_DIMS)?;
        within("noise", self.noise, 0, MAX_PLAN_DIMS - self.informative)?;
        // `contains` is false for NaN.
        let between = |key, value: f64, low: f64, high: f64| {
            let rule = format!("from {low} to {high}");
            if (low..=high).contains(&value) { Ok(()) } else { refuse(key, value, rule) }
        };
        between("imbalance", self.imbalance, 1.0, 1_000.0)?;
        between("label_noise", self.label_noise, 0.0, 1.0)?;
        between("separation", self.separation, 0.0, 1_000.0)?;
        between("correlation", self.correlation, 0.0, 0.99)
    }

    /// The data set that this plan and `key` stand for.
    ///
    /// # Errors
    /// [`DataError::Plan`] as [`check`](Self::check) says.
    pub fn generate(&self, name: &str, key: Key) -> Result<Dataset> {
        self.check()?;
        let counts = apportion(self.rows, &geometric(self.classes, self.imbalance));
        let width = self.informative + self.noise;
        let mut rng = key.named("examples").rng();
        let clusters: Vec<Cluster> = (0..self.classes * self.clusters)
            .map(|index| Cluster::draw(self, key.named("cluster").at(index as u64)))
            .collect();
        let mut columns: Vec<usize> = (0..width).collect();
        rand::seq::SliceRandom::shuffle(&mut columns[..], &mut key.named("columns").rng());
        let mut inputs = Matrix::zeros(self.rows, width);
        let mut labels = Vec::with_capacity(self.rows);
        for (class, count) in counts.into_iter().enumerate() {
            for nth in 0..count {
                let cluster = &clusters[class * self.clusters + nth % self.clusters];
                let mut example = cluster.example(&mut rng);
                example.extend(normals(&mut rng, self.noise));
                let row = inputs.row_mut(labels.len());
                for (&column, value) in columns.iter().zip(example) {
                    row[column] = value;
                }
                labels.push(class as u32);
            }
        }
        flip_labels(&mut labels, self.classes, self.label_noise, &mut key.named("flips").rng());
        shuffled(name, &inputs, &labels, self.classes, &mut key.named("order").rng())
    }
}

fn refuse(key: &'static str, value: impl ToString, rule: String) -> Result<(), DataError> {
    Err(DataError::Plan { key, value: value.to_string(), rule })
}

/// A centre, and a few unit directions along which the cluster is stretched.
struct Cluster {
    centre: Vec<f32>,
    directions: Vec<Vec<f32>>,
    stretch: f32,
}

impl Cluster {
    /// Directions along which a cluster is stretched.
    const DIRECTIONS: usize = 2;

    fn draw(plan: &SyntheticPlan, key: Key) -> Self {
        let mut rng = key.rng();
        let centre = normals(&mut rng, plan.informative).iter().map(|z| z * plan.separation as f32).collect();
        let directions = (0..Self::DIRECTIONS)
            .map(|_| {
                let direction = normals(&mut rng, plan.informative);
                let length = direction.iter().map(|z| z * z).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
                direction.iter().map(|z| z / length).collect()
            })
            .collect();
        // A direction's variance becomes 1 / (1 - correlation): 1 when round, 100 at the limit of 0.99.
        let stretch = (1.0 / (1.0 - plan.correlation) - 1.0).sqrt() as f32;
        Self { centre, directions, stretch }
    }

    fn example(&self, rng: &mut rand_chacha::ChaCha8Rng) -> Vec<f32> {
        let mut example: Vec<f32> = self.centre.iter().map(|centre| centre + normal(rng)).collect();
        for direction in &self.directions {
            let along = normal(rng) * self.stretch;
            example.iter_mut().zip(direction).for_each(|(value, unit)| *value += along * unit);
        }
        example
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_makes_what_it_says() {
        let plan = SyntheticPlan { rows: 700, classes: 3, imbalance: 4.0, ..Default::default() };
        let set = plan.generate("s", Key::root(1)).unwrap();
        assert_eq!((set.rows(), set.width(), set.classes()), (700, 12, 3));
        let counts = [0, 1, 2].map(|class| set.labels().iter().filter(|&&label| label == class).count());
        // Weights 1, 1/2, 1/4 over 697 spare rows, plus one each: 399.3, 200.1, 100.6.
        assert_eq!(counts, [399, 200, 101]);
    }

    /// The nearest class mean tells far clusters apart, and not those without separation.
    #[test]
    fn separation_separates() {
        let accuracy = |separation| {
            let plan = SyntheticPlan { clusters: 1, separation, rows: 900, ..Default::default() };
            let set = plan.generate("s", Key::root(3)).unwrap();
            let means: Vec<Vec<f32>> = (0..3u32)
                .map(|class| {
                    let rows: Vec<usize> = (0..900).filter(|&row| set.labels()[row] == class).collect();
                    let sum = |j: usize| rows.iter().map(|&row| set.inputs().row(row)[j]).sum::<f32>();
                    (0..12).map(|j| sum(j) / rows.len() as f32).collect()
                })
                .collect();
            let distance = |row: usize, mean: &[f32]| -> f32 {
                set.inputs().row(row).iter().zip(mean).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            let nearest = |row: usize| {
                (0..3).min_by(|&a, &b| distance(row, &means[a]).total_cmp(&distance(row, &means[b])))
            };
            (0..900).filter(|&row| nearest(row) == Some(set.labels()[row] as usize)).count() as f64 / 900.0
        };
        assert!(accuracy(4.0) > 0.97, "{}", accuracy(4.0));
        assert!(accuracy(0.0) < 0.5, "{}", accuracy(0.0));
    }

    #[test]
    fn correlation_correlates() {
        let strongest = |correlation| {
            let plan = SyntheticPlan {
                rows: 4_000,
                classes: 2,
                clusters: 1,
                informative: 4,
                noise: 0,
                separation: 0.0,
                correlation,
                ..Default::default()
            };
            let set = plan.generate("s", Key::root(5)).unwrap();
            let rows: Vec<&[f32]> =
                (0..4_000).filter(|&row| set.labels()[row] == 0).map(|row| set.inputs().row(row)).collect();
            let moment = |i: usize, j: usize| rows.iter().map(|row| row[i] * row[j]).sum::<f32>();
            let pairs = (0..4).flat_map(|i| (0..i).map(move |j| (i, j)));
            pairs.map(|(i, j)| moment(i, j).abs() / (moment(i, i) * moment(j, j)).sqrt()).fold(0.0, f32::max)
        };
        assert!(strongest(0.0) < 0.1, "{}", strongest(0.0));
        assert!(strongest(0.95) > 0.5, "{}", strongest(0.95));
    }

    #[test]
    fn impossible_plans_are_refused_by_key() {
        let base = SyntheticPlan::default();
        let cases = [
            (SyntheticPlan { rows: 11, ..base }, "`rows` is 11, but must be from 12 to 1000000"),
            (SyntheticPlan { classes: 1, ..base }, "`classes` is 1, but must be from 2 to 1000"),
            (SyntheticPlan { clusters: 0, ..base }, "`clusters` is 0"),
            (SyntheticPlan { informative: 0, ..base }, "`informative` is 0"),
            (SyntheticPlan { noise: usize::MAX, ..base }, "`noise` is 18446744073709551615"),
            (SyntheticPlan { imbalance: 0.5, ..base }, "`imbalance` is 0.5, but must be from 1 to 1000"),
            (SyntheticPlan { label_noise: f64::NAN, ..base }, "`label_noise` is NaN"),
            (SyntheticPlan { separation: f64::INFINITY, ..base }, "`separation` is inf"),
            (SyntheticPlan { correlation: 1.0, ..base }, "`correlation` is 1"),
        ];
        for (plan, message) in cases {
            let error = plan.generate("s", Key::root(0)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert!(toml::from_str::<SyntheticPlan>("rows = 100\nclases = 3").is_err());
        assert_eq!(toml::from_str::<SyntheticPlan>("").unwrap(), base);
    }
}
