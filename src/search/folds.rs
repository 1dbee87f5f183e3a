//! [`Evaluation`]: labelled rows, split into folds, and how candidates are trained on them.

use super::error::SearchError;
use super::evaluate::FoldJob;
use crate::arch::NetSpec;
use crate::data::MatrixView;
use crate::learner::{ModelData, Start, Stop, TrainPlan};
use crate::rng::Key;
use rand::seq::SliceRandom;
use sha2::{Digest, Sha256};

/// One row in five is held out where there is a single split (`folds = 1`), as published.
const SINGLE_SPLIT: u32 = 5;

/// One split of the labelled rows.
#[derive(Clone, Debug, PartialEq)]
struct Fold {
    train: (Vec<u32>, Vec<u32>),
    held: (Vec<u32>, Vec<u32>),
}

/// Labelled rows, split into folds, and how candidates are trained on them.
#[derive(Clone, Debug)]
pub struct Evaluation<'a> {
    inputs: MatrixView<'a>,
    classes: usize,
    plan: TrainPlan,
    key: Key,
    folds: Vec<Fold>,
    digest: [u8; 32],
}

impl<'a> Evaluation<'a> {
    /// Splits `rows` of `inputs` (shape `[n, width]`, labels below `classes`) into `folds` folds, or
    /// into one part of four fifths and one of a fifth where `folds` is 1.
    ///
    /// Folds are stratified: the rows of each class are shuffled and dealt out in turn, so that folds
    /// differ by at most one row, in all and per class. A class with a single row is held out like any
    /// other; the fold that holds it out cannot be right about it, for no candidate. The order in which
    /// the rows were asked for does not matter. `plan.stop` and `plan.start` are ignored: candidates
    /// train from scratch for their own number of steps.
    ///
    /// # Errors
    /// [`SearchError::TooFewLabels`] with fewer rows than folds, or than two;
    /// [`SearchError::Labelled`] for a row or a label that does not exist or stands there twice.
    pub fn new(
        inputs: MatrixView<'a>,
        rows: &[u32],
        labels: &[u32],
        classes: usize,
        folds: u32,
        plan: TrainPlan,
        key: Key,
    ) -> Result<Self, SearchError> {
        let needed = folds.max(2) as usize;
        if rows.len() < needed {
            return Err(SearchError::TooFewLabels { found: rows.len(), needed });
        }
        if rows.len() != labels.len() {
            let expected = format!("{}, one per row", rows.len());
            return Err(SearchError::Labelled {
                what: "the number of labels",
                found: labels.len() as u64,
                expected,
            });
        }
        let mut labelled: Vec<(u32, u32)> = rows.iter().copied().zip(labels.iter().copied()).collect();
        labelled.sort_unstable();
        for (at, &(row, label)) in labelled.iter().enumerate() {
            if row as usize >= inputs.rows() {
                let expected = format!("a row of a pool of {}", inputs.rows());
                return Err(SearchError::Labelled { what: "a labelled row", found: row.into(), expected });
            }
            if at > 0 && labelled[at - 1].0 == row {
                let expected = "each row once".to_string();
                return Err(SearchError::Labelled {
                    what: "a row labelled twice",
                    found: row.into(),
                    expected,
                });
            }
            if label as usize >= classes {
                let expected = format!("below {classes}");
                return Err(SearchError::Labelled { what: "a label", found: label.into(), expected });
            }
        }
        let plan = TrainPlan { start: Start::Scratch, stop: Stop::Steps { steps: 0 }, ..plan };
        let digest = digest(inputs, &labelled, classes, folds, &plan, key);
        let folds = split(&labelled, folds, key.named("folds"));
        Ok(Self { inputs, classes, plan, key, folds, digest })
    }

    /// Trainings of one candidate.
    pub fn folds(&self) -> usize {
        self.folds.len()
    }

    /// Numbers per example.
    pub fn inputs(&self) -> usize {
        self.inputs.cols()
    }

    /// Classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Identifies what scores are made of, in hexadecimal: the labelled rows with their inputs and
    /// labels, the training plan, the number of folds and the key.
    pub fn digest(&self) -> String {
        self.digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The cache's name for `spec` trained for `steps` steps here.
    pub(super) fn score_key(&self, spec: &NetSpec, steps: u32) -> [u8; 32] {
        let mut sha = Sha256::new();
        sha.update(self.digest);
        sha.update(steps.to_le_bytes());
        sha.update(spec.dropout().to_bits().to_le_bytes());
        sha.update(spec.weight_decay().map_or([0xff; 4], |decay| decay.to_bits().to_le_bytes()));
        // Shapes print injectively; dropout and weight decay, which they leave out, stand before.
        sha.update(spec.to_string());
        sha.finalize().into()
    }

    /// How a candidate is trained for `steps` steps.
    pub(super) fn training(&self, steps: u32) -> TrainPlan {
        TrainPlan { stop: Stop::Steps { steps }, ..self.plan }
    }

    /// What the training of a fold draws from: the same for every candidate.
    pub(super) fn fold_key(&self, fold: usize) -> Key {
        self.key.named("fold").at(fold as u64)
    }

    pub(super) fn job(&self, fold: usize) -> FoldJob<'_> {
        let Fold { train: (rows, labels), held: (held_rows, held_labels) } = &self.folds[fold];
        let train = ModelData { inputs: self.inputs, rows, labels, validation: (&[], &[]), extra: None };
        FoldJob { train, held: (held_rows, held_labels) }
    }
}

/// Deals `labelled`, ascending by row, to folds.
fn split(labelled: &[(u32, u32)], folds: u32, key: Key) -> Vec<Fold> {
    let parts = if folds == 1 { SINGLE_SPLIT } else { folds } as usize;
    let mut classes: Vec<u32> = labelled.iter().map(|&(_, label)| label).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut part_of = vec![0; labelled.len()];
    let mut dealt = 0;
    for class in classes {
        let mut own: Vec<usize> = (0..labelled.len()).filter(|&at| labelled[at].1 == class).collect();
        own.shuffle(&mut key.at(class.into()).rng());
        for at in own {
            part_of[at] = dealt % parts;
            dealt += 1;
        }
    }
    (0..folds as usize)
        .map(|fold| {
            let part = |held: bool| -> (Vec<u32>, Vec<u32>) {
                let rows = labelled.iter().zip(&part_of).filter(|&(_, &part)| (part == fold) == held);
                rows.map(|(&pair, _)| pair).unzip()
            };
            Fold { train: part(false), held: part(true) }
        })
        .collect()
}

fn digest(
    inputs: MatrixView<'_>,
    labelled: &[(u32, u32)],
    classes: usize,
    folds: u32,
    plan: &TrainPlan,
    key: Key,
) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(b"querist/evaluation/1");
    for number in [inputs.cols(), classes, folds as usize, labelled.len()] {
        sha.update((number as u64).to_le_bytes());
    }
    // `Debug` shows every field; the text need only be the same within one build.
    sha.update(format!("{plan:?}"));
    sha.update(key.named("digest").seed64().to_le_bytes());
    for &(row, label) in labelled {
        sha.update(row.to_le_bytes());
        sha.update(label.to_le_bytes());
        for value in inputs.row(row as usize) {
            sha.update(value.to_bits().to_le_bytes());
        }
    }
    sha.finalize().into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::learner::{Loss, Optimiser};

    pub fn train_plan() -> TrainPlan {
        TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.01,
            weight_decay: 0.0,
            batch: 16,
            drop_last: false,
            stop: Stop::Steps { steps: 1 },
            start: Start::Warm,
        }
    }

    pub fn pool() -> Matrix {
        Matrix::new((0..200).map(|value| value as f32).collect(), 100, 2)
    }

    pub fn evaluation<'a>(pool: &'a Matrix, rows: &[u32], labels: &[u32], folds: u32) -> Evaluation<'a> {
        Evaluation::new(pool.view(), rows, labels, 3, folds, train_plan(), Key::root(1)).unwrap()
    }

    #[test]
    fn folds_partition_the_labelled_rows_and_are_stratified() {
        let rows: Vec<u32> = (0..37).map(|at| (at * 7) % 100).collect();
        let labels: Vec<u32> = (0..37).map(|at| if at < 20 { 0 } else { 1 + at % 2 }).collect();
        let pool = pool();
        let own = evaluation(&pool, &rows, &labels, 5);
        let mut held: Vec<u32> = own.folds.iter().flat_map(|fold| fold.held.0.clone()).collect();
        held.sort_unstable();
        let mut all = rows.clone();
        all.sort_unstable();
        assert_eq!(held, all);
        for fold in &own.folds {
            assert_eq!(fold.train.0.len() + fold.held.0.len(), 37);
            assert!((7..=8).contains(&fold.held.0.len()));
            assert_eq!(fold.held.1.iter().filter(|&&label| label == 0).count(), 4);
            for (row, label) in fold.held.0.iter().zip(&fold.held.1) {
                assert_eq!(labels[rows.iter().position(|r| r == row).unwrap()], *label);
                assert!(!fold.train.0.contains(row));
            }
        }
        let single = evaluation(&pool, &rows, &labels, 1);
        assert_eq!(single.folds(), 1);
        assert_eq!(single.folds[0].held.0.len(), 8, "a fifth of 37");
    }

    #[test]
    fn the_order_of_asking_does_not_matter_but_everything_else_does() {
        let pool = pool();
        let (rows, labels) = ([4, 9, 2, 30, 31, 32], [0, 1, 2, 0, 1, 2]);
        let own = evaluation(&pool, &rows, &labels, 3);
        let turned = evaluation(&pool, &[32, 31, 30, 2, 9, 4], &[2, 1, 0, 2, 1, 0], 3);
        assert_eq!((own.digest(), &own.folds), (turned.digest(), &turned.folds));
        assert_ne!(own.digest(), evaluation(&pool, &rows, &[0, 1, 2, 0, 1, 1], 3).digest());
        assert_ne!(own.digest(), evaluation(&pool, &[5, 9, 2, 30, 31, 32], &labels, 3).digest());
        assert_ne!(own.digest(), evaluation(&pool, &rows, &labels, 2).digest());
        let mut other = pool.clone();
        other.row_mut(9)[1] += 0.5;
        assert_ne!(own.digest(), evaluation(&other, &rows, &labels, 3).digest());
        let plan = TrainPlan { learning_rate: 0.02, ..train_plan() };
        let with =
            |plan, seed| Evaluation::new(pool.view(), &rows, &labels, 3, 3, plan, Key::root(seed)).unwrap();
        assert_ne!(own.digest(), with(plan, 1).digest());
        assert_ne!(own.digest(), with(train_plan(), 2).digest());
    }

    #[test]
    fn labelled_rows_that_make_no_folds_are_refused() {
        let pool = pool();
        let new = |rows: &[u32], labels: &[u32], folds| {
            Evaluation::new(pool.view(), rows, labels, 3, folds, train_plan(), Key::root(1)).err()
        };
        assert!(matches!(new(&[], &[], 1), Some(SearchError::TooFewLabels { found: 0, needed: 2 })));
        assert!(matches!(new(&[1], &[0], 1), Some(SearchError::TooFewLabels { found: 1, needed: 2 })));
        assert!(matches!(new(&[1, 2], &[0, 1], 5), Some(SearchError::TooFewLabels { found: 2, needed: 5 })));
        assert!(matches!(new(&[1, 100], &[0, 1], 2), Some(SearchError::Labelled { found: 100, .. })));
        assert!(matches!(new(&[1, 2], &[0, 3], 2), Some(SearchError::Labelled { found: 3, .. })));
        assert!(matches!(new(&[7, 7], &[0, 1], 2), Some(SearchError::Labelled { found: 7, .. })));
        assert!(matches!(new(&[1, 2], &[0], 2), Some(SearchError::Labelled { found: 1, .. })));
        // Fault case 28: one class only is possible, if pointless.
        assert!(new(&[1, 2], &[0, 0], 2).is_none());
    }
}
