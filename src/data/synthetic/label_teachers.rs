//! Sets of labels given by random networks over shared inputs, with a declared correlation and declared shares of the labels.

use super::draw::{normal, normals};
use super::teacher::Layer;
use crate::data::{Dataset, Matrix, Shape, Targets};
use crate::error::Result;
use crate::rng::Key;
use rand_chacha::ChaCha8Rng;

/// Rows of each set.
pub const ROWS: usize = 600;
/// Inputs of a row, each standard normal.
const WIDTH: usize = 12;
/// Hidden units of a teacher.
const HIDDEN: usize = 5;
/// The share of a label's score that is noise, by variance.
const NOISE: f64 = 0.05;

/// One of the problems. A label is held by the rows with the highest scores, as many as its share says; its score is
/// `sqrt(1 - NOISE) (sqrt(ρ) c(x) + sqrt(1 - ρ) t(x)) + sqrt(NOISE) N(0, 1)`, of one teacher `c` that all labels share and one of its own `t`,
/// each a network of one hidden layer of five tanh units with random weights, standardised over the rows. Teachers are drawn
/// anew with the rows. So without noise the scores of two labels have the expected correlation ρ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelTeachers {
    /// Six labels that 30 % of the rows hold each, ρ = 0.
    Independent,
    /// Eight labels that 25 % of the rows hold each, ρ = 0.6.
    Correlated,
    /// Ten labels that 40 % down to 3 % of the rows hold, ρ = 0.3.
    Rare,
}

impl LabelTeachers {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Independent, Self::Correlated, Self::Rare];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Independent => "labels_independent",
            Self::Correlated => "labels_correlated",
            Self::Rare => "labels_rare",
        }
    }

    /// The share of the rows that hold each label.
    pub fn shares(self) -> &'static [f64] {
        match self {
            Self::Independent => &[0.3; 6],
            Self::Correlated => &[0.25; 8],
            Self::Rare => &[0.4, 0.3, 0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03],
        }
    }

    /// The expected correlation ρ of two labels' scores without noise.
    pub fn correlation(self) -> f64 {
        match self {
            Self::Independent => 0.0,
            Self::Correlated => 0.6,
            Self::Rare => 0.3,
        }
    }

    /// A draw of [`ROWS`] rows.
    ///
    /// # Errors
    /// None that a caller could cause.
    pub fn draw(self, key: Key) -> Result<Dataset> {
        let (inputs, scores) = self.scores(key);
        let mut sets = vec![0u32; ROWS];
        for (label, (mut own, share)) in scores.into_iter().zip(self.shares()).enumerate() {
            let mut noise = key.named(self.name()).named("noise").at(label as u64).rng();
            for score in &mut own {
                *score = (1.0 - NOISE).sqrt() * *score + NOISE.sqrt() * f64::from(normal(&mut noise));
            }
            let mut order: Vec<usize> = (0..ROWS).collect();
            order.sort_by(|&a, &b| own[b].total_cmp(&own[a]));
            let holders = (ROWS as f64 * share).round() as usize;
            order[..holders].iter().for_each(|&row| sets[row] |= 1 << label);
        }
        let names = (0..self.shares().len()).map(|label| format!("label{label}")).collect();
        let targets = Targets::MultiLabel { sets, names };
        let set = Dataset::new(self.name(), Shape::Vector(WIDTH), inputs, targets, None)?;
        Ok(set.generated_as(self.name()))
    }

    /// The inputs, and every label's scores without noise.
    fn scores(self, key: Key) -> (Matrix, Vec<Vec<f64>>) {
        let key = key.named(self.name());
        let inputs = Matrix::new(normals(&mut key.named("inputs").rng(), ROWS * WIDTH), ROWS, WIDTH);
        let common = teacher(&inputs, &mut key.named("common").rng());
        let rho = self.correlation();
        let of = |label: usize| {
            let own = teacher(&inputs, &mut key.named("label").at(label as u64).rng());
            let join = |(common, own): (&f64, f64)| rho.sqrt() * common + (1.0 - rho).sqrt() * own;
            common.iter().zip(own).map(join).collect()
        };
        let scores = (0..self.shares().len()).map(of).collect();
        (inputs, scores)
    }
}

/// What a random network says of every row, with mean 0 and deviation 1.
fn teacher(inputs: &Matrix, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let (hidden, out) = (Layer::draw(rng, WIDTH, HIDDEN, 1.5), Layer::draw(rng, HIDDEN, 1, 1.0));
    let value = |row: usize| {
        let state: Vec<f32> = hidden.apply(inputs.row(row)).into_iter().map(f32::tanh).collect();
        f64::from(out.apply(&state)[0])
    };
    let mut values: Vec<f64> = (0..inputs.rows()).map(value).collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    values.iter_mut().for_each(|value| *value = (*value - mean) / deviation.max(f64::MIN_POSITIVE));
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TargetKind;

    #[test]
    fn labels_are_held_by_their_shares_of_the_rows() {
        for problem in LabelTeachers::ALL {
            let set = problem.draw(Key::root(3)).unwrap();
            assert_eq!((set.kind(), set.rows(), set.width()), (TargetKind::MultiLabel, ROWS, WIDTH));
            assert_eq!(set.classes(), problem.shares().len());
            for (label, share) in problem.shares().iter().enumerate() {
                let holders =
                    (0..ROWS).filter(|&row| set.kind().holds(set.targets().word(row), label)).count();
                assert_eq!(holders as f64, (ROWS as f64 * share).round(), "{problem:?} {label}");
            }
            assert_eq!(set.digest(), problem.draw(Key::root(3)).unwrap().digest());
            assert_ne!(set.digest(), problem.draw(Key::root(4)).unwrap().digest());
        }
    }

    /// The mean correlation of two labels' scores over draws is the declared one: of 15 to 45 pairs, which share teachers, in
    /// each of 60 draws.
    #[test]
    fn scores_are_correlated_as_declared() {
        for problem in LabelTeachers::ALL {
            let (mut sum, mut pairs) = (0.0, 0);
            for seed in 0..60 {
                let (_, scores) = problem.scores(Key::root(seed));
                let deviation = |own: &[f64]| (own.iter().map(|x| x * x).sum::<f64>() / ROWS as f64).sqrt();
                for (at, a) in scores.iter().enumerate() {
                    for b in &scores[..at] {
                        let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                        sum += product / ROWS as f64 / (deviation(a) * deviation(b));
                        pairs += 1;
                    }
                }
            }
            let found = sum / f64::from(pairs);
            assert!((found - problem.correlation()).abs() < 0.05, "{problem:?}: {found}");
        }
    }
}
