//! Scoring candidates on labelled rows: paired cross-validation, all folds as one bank.
//!
//! Every candidate is trained and scored on the *same* folds, and fold `f` draws its initial weights,
//! mini-batches and dropout from the same key for every candidate: differences between two candidates
//! are paired. Training is from scratch for exactly the candidate's steps, and the score is taken after
//! the last of them. (Published Active-iNAS takes the best epoch's score on a single split; the
//! maximum over epochs of a score on few rows is optimistic, most for the network that swings most.)

use super::cache::ScoreCache;
use super::error::SearchError;
use super::history::{Candidate, Outcome, Record};
use super::plan::SearchPlan;
use super::study::{Answer, SearchLog, Study};
use crate::arch::{NetSpec, Space};
use crate::data::MatrixView;
use crate::error::Result;
use crate::learner::{FitReport, LaneData, Start, Stop, TrainPlan};
use crate::rng::Key;
use rand::seq::SliceRandom;
use sha2::{Digest, Sha256};

/// One row in five is held out where there is a single split (`folds = 1`), as published.
const SINGLE_SPLIT: u32 = 5;
/// The most networks that are trained side by side in one call of a [`Trainer`].
pub const MAX_LANES: usize = 256;

/// One training: the rows to train on, then the rows to score on, of the same pool.
#[derive(Clone, Copy, Debug)]
pub struct FoldJob<'a> {
    /// What to train on.
    pub train: LaneData<'a>,
    /// Rows and classes to score on.
    pub held: (&'a [u32], &'a [u32]),
}

/// What one training came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoldScore {
    /// Share of the held-out rows classified correctly.
    pub accuracy: f64,
    /// How the training went.
    pub report: FitReport,
}

/// Trains networks of one shape side by side: what evaluation needs of the learner.
pub trait Trainer {
    /// Fits one network of shape `spec` per job, network `l` drawing from `keys[l]`, and scores each on
    /// its held-out rows; answers in the order of the jobs. A network's answer must not depend on the
    /// other jobs of the call.
    ///
    /// # Errors
    /// Whatever the learner refuses. A diverged training is an answer, not an error.
    fn fit_score(
        &mut self,
        spec: &NetSpec,
        jobs: &[FoldJob<'_>],
        plan: &TrainPlan,
        keys: &[Key],
    ) -> Result<Vec<FoldScore>>;
}

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
        // Shapes print injectively; dropout, which they leave out, stands before.
        sha.update(spec.to_string());
        sha.finalize().into()
    }

    fn job(&self, fold: usize) -> FoldJob<'_> {
        let Fold { train: (rows, labels), held: (held_rows, held_labels) } = &self.folds[fold];
        let train = LaneData { inputs: self.inputs, rows, labels, validation: (&[], &[]) };
        FoldJob { train, held: (held_rows, held_labels) }
    }
}

/// A candidate to be scored on one evaluation's rows.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Where.
    pub evaluation: &'a Evaluation<'a>,
    /// Which network.
    pub spec: &'a NetSpec,
    /// Gradient steps of each training.
    pub steps: u32,
}

/// Scores `jobs`, in any number and over any number of evaluations (episodes that run side by side have
/// one each). Networks of one shape, number of steps and training plan train as one bank; what `cache`
/// holds, or what stands in `jobs` twice, is trained once. Outcomes come in the order of the jobs and do
/// not depend on what else is scored with them.
///
/// # Errors
/// What the trainer fails with; [`SearchError::Answers`] if it loses count.
pub fn score(trainer: &mut dyn Trainer, cache: &mut ScoreCache, jobs: &[Job<'_>]) -> Result<Vec<Outcome>> {
    let keys: Vec<[u8; 32]> = jobs.iter().map(|job| job.evaluation.score_key(job.spec, job.steps)).collect();
    let mut todo: Vec<usize> = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        if cache.get(key).is_none() && !todo.iter().any(|&earlier| keys[earlier] == *key) {
            todo.push(at);
        }
    }
    while let Some(&first) = todo.first() {
        let like = &jobs[first];
        let fits = |at: &usize| {
            let job = &jobs[*at];
            job.spec == like.spec && job.steps == like.steps && job.evaluation.plan == like.evaluation.plan
        };
        let (bank, rest): (Vec<usize>, Vec<usize>) = todo.into_iter().partition(fits);
        todo = rest;
        let lanes: Vec<(usize, usize)> = bank
            .iter()
            .flat_map(|&at| (0..jobs[at].evaluation.folds()).map(move |fold| (at, fold)))
            .collect();
        let mut scores = Vec::with_capacity(lanes.len());
        for lanes in lanes.chunks(MAX_LANES) {
            let folds: Vec<FoldJob<'_>> =
                lanes.iter().map(|&(at, fold)| jobs[at].evaluation.job(fold)).collect();
            let keys: Vec<Key> = lanes
                .iter()
                .map(|&(at, fold)| jobs[at].evaluation.key.named("fold").at(fold as u64))
                .collect();
            let plan = TrainPlan { stop: Stop::Steps { steps: like.steps }, ..like.evaluation.plan };
            let answers = trainer.fit_score(like.spec, &folds, &plan, &keys)?;
            if answers.len() != folds.len() {
                return Err(SearchError::Answers { found: answers.len(), expected: folds.len() }.into());
            }
            scores.extend(answers);
        }
        let mut scores = scores.as_slice();
        for at in bank {
            let (own, others) = scores.split_at(jobs[at].evaluation.folds());
            scores = others;
            cache.put(keys[at], outcome(own));
        }
    }
    keys.iter()
        .map(|key| {
            cache.get(key).cloned().ok_or_else(|| SearchError::Answers { found: 0, expected: 1 }.into())
        })
        .collect()
}

/// One step of several searches side by side (the episodes that a runner advances together, or rivals on
/// one labelled set): asks all of them, scores everything as one, and tells. `observe` sees every new
/// record with the number of its study. `false`: all are finished, and
/// [`Study::answer`] says what each came to; one that fails does not stop the others.
///
/// # Errors
/// What the trainer or `observe` fail with.
pub fn advance<S: Space>(
    studies: &mut [(Study<S>, &Evaluation<'_>)],
    trainer: &mut dyn Trainer,
    cache: &mut ScoreCache,
    mut observe: impl FnMut(usize, &Record<S::Point>) -> Result<()>,
) -> Result<bool> {
    let mut asked: Vec<(usize, Candidate<S::Point>, NetSpec)> = Vec::new();
    for (at, (study, _)) in studies.iter().enumerate() {
        for candidate in study.ask()? {
            let spec = study.domain().spec(&candidate.point)?;
            asked.push((at, candidate, spec));
        }
    }
    let jobs: Vec<Job<'_>> = asked
        .iter()
        .map(|(at, candidate, spec)| Job { evaluation: studies[*at].1, spec, steps: candidate.steps })
        .collect();
    let outcomes = score(trainer, cache, &jobs)?;
    for ((at, candidate, _), outcome) in asked.iter().zip(outcomes) {
        observe(*at, studies[*at].0.tell(candidate, outcome)?)?;
    }
    Ok(!asked.is_empty())
}

/// A whole search on one evaluation, continued from `log` if there is one. `observe` sees every new
/// record as it is made.
///
/// # Errors
/// A plan that is refused (its folds must be the evaluation's), a log of another search, what the
/// trainer or `observe` fail with, and [`SearchError::AllFailed`].
pub fn search<S: Space>(
    plan: &SearchPlan<S>,
    evaluation: &Evaluation<'_>,
    trainer: &mut dyn Trainer,
    cache: &mut ScoreCache,
    key: Key,
    log: Option<&SearchLog<S>>,
    mut observe: impl FnMut(&Record<S::Point>) -> Result<()>,
) -> Result<(Answer<S::Point>, SearchLog<S>)> {
    let mut studies = [(open_study(plan, evaluation, key, log)?, evaluation)];
    while advance(&mut studies, trainer, cache, |_, record| observe(record))? {}
    let [(study, _)] = studies;
    Ok((study.answer()?, study.log()))
}

/// A study whose scores are made on `evaluation`, continued from `log` if there is one.
///
/// # Errors
/// As [`Study::new`] and [`Study::resume`]; [`SearchError::Setting`] if the plan's folds are not the
/// evaluation's.
pub fn open_study<S: Space>(
    plan: &SearchPlan<S>,
    evaluation: &Evaluation<'_>,
    key: Key,
    log: Option<&SearchLog<S>>,
) -> Result<Study<S>> {
    if plan.folds as usize != evaluation.folds() {
        let (found, expected) = (plan.folds.to_string(), format!("{}, the evaluation's", evaluation.folds()));
        return Err(SearchError::Setting { setting: "folds", found, expected }.into());
    }
    let (inputs, outputs, digest) = (evaluation.inputs(), evaluation.classes(), evaluation.digest());
    match log {
        Some(log) => Study::resume(plan, inputs, outputs, &digest, key, log),
        None => Study::new(plan, inputs, outputs, &digest, key),
    }
}

/// One outcome of a candidate's folds; any training that broke down makes it a failure.
fn outcome(folds: &[FoldScore]) -> Outcome {
    for (fold, score) in folds.iter().enumerate() {
        if let Some(step) = score.report.diverged_at {
            return Outcome::Failed {
                reason: format!("the training of fold {fold} diverged at step {step}"),
            };
        }
        if !score.report.loss.is_finite() {
            return Outcome::Failed { reason: format!("the loss of fold {fold} is {}", score.report.loss) };
        }
    }
    Outcome::of(folds.iter().map(|fold| fold.accuracy).collect())
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
mod tests {
    use super::*;
    use crate::arch::{ArchSpace, Point};
    use crate::data::Matrix;
    use crate::learner::{Loss, Optimiser};
    use crate::search::{Method, Rule};

    fn train_plan() -> TrainPlan {
        TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.01,
            weight_decay: 0.0,
            batch: 16,
            stop: Stop::Steps { steps: 1 },
            start: Start::Warm,
        }
    }

    /// Answers a function of everything that one lane may depend on, and counts its calls and lanes.
    #[derive(Default)]
    struct Fake {
        calls: Vec<usize>,
        diverge: Option<usize>,
    }

    impl Trainer for Fake {
        fn fit_score(
            &mut self,
            spec: &NetSpec,
            jobs: &[FoldJob<'_>],
            plan: &TrainPlan,
            keys: &[Key],
        ) -> Result<Vec<FoldScore>> {
            assert_eq!(jobs.len(), keys.len());
            assert_eq!(plan.start, Start::Scratch);
            let Stop::Steps { steps } = plan.stop else { panic!("{:?}", plan.stop) };
            self.calls.push(jobs.len());
            let answer = |(job, key): (&FoldJob<'_>, &Key)| {
                let held: u64 = job.held.0.iter().map(|&row| u64::from(row)).sum();
                let mixed = key.at(held).named(&spec.to_string()).at(steps.into()).seed64();
                let diverged_at = (self.diverge == Some(spec.blocks().len())).then_some(3);
                let report = FitReport { steps, loss: 0.5, diverged_at };
                FoldScore { accuracy: (mixed % 1_000) as f64 / 1_000.0, report }
            };
            Ok(jobs.iter().zip(keys).map(answer).collect())
        }
    }

    fn pool() -> Matrix {
        Matrix::new((0..200).map(|value| value as f32).collect(), 100, 2)
    }

    fn evaluation<'a>(pool: &'a Matrix, rows: &[u32], labels: &[u32], folds: u32) -> Evaluation<'a> {
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
    fn candidates_of_one_shape_train_as_one_bank_and_scores_are_shared() {
        let pool = pool();
        let (rows, labels): (Vec<u32>, Vec<u32>) = ((0..12).collect(), (0..12).map(|at| at % 3).collect());
        let one = evaluation(&pool, &rows, &labels, 4);
        let two = evaluation(&pool, &rows[..9], &labels[..9], 3);
        let (small, large) = (NetSpec::mlp(2, &[4], 3).unwrap(), NetSpec::mlp(2, &[8], 3).unwrap());
        let job = |evaluation, spec, steps| Job { evaluation, spec, steps };
        let jobs = [
            job(&one, &small, 10),
            job(&one, &large, 10),
            job(&two, &small, 10),
            job(&one, &small, 30),
            job(&one, &small, 10),
        ];
        let (mut fake, mut cache) = (Fake::default(), ScoreCache::default());
        let together = score(&mut fake, &mut cache, &jobs).unwrap();
        assert_eq!(fake.calls, [7, 4, 4], "small on both evaluations, large, small for longer");
        assert_eq!(together[0], together[4]);
        assert_ne!(together[0], together[3]);
        // Alone and in another order, the same.
        for (at, &job) in jobs.iter().enumerate() {
            let alone = score(&mut Fake::default(), &mut ScoreCache::default(), &[job]).unwrap();
            assert_eq!(alone[0], together[at]);
        }
        let again = score(&mut fake, &mut cache, &jobs).unwrap();
        assert_eq!((again, fake.calls.len()), (together, 3), "all from the cache");
        assert_eq!((cache.len(), cache.trained()), (4, 4));
    }

    /// Fault case 37: a training that diverges is a failed candidate.
    #[test]
    fn a_diverged_fold_fails_the_candidate_and_the_search_goes_on() {
        let pool = pool();
        let (rows, labels): (Vec<u32>, Vec<u32>) = ((0..12).collect(), (0..12).map(|at| at % 3).collect());
        let own = evaluation(&pool, &rows, &labels, 4);
        let plan = SearchPlan {
            method: Method::Local { moves: 1, rule: Rule::Best },
            space: ArchSpace::default(),
            start: None,
            steps: 10,
            folds: 4,
            budget: 1_000,
        };
        // (1, 1) has one block; the moves have two.
        let mut fake = Fake { diverge: Some(2), ..Fake::default() };
        let mut seen = 0;
        let (answer, log) =
            search(&plan, &own, &mut fake, &mut ScoreCache::default(), Key::root(0), None, |_| {
                seen += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(answer.point, Point::new(1, 1));
        assert_eq!((seen, log.records.len(), answer.charged), (3, 3, 120));
        let Outcome::Failed { reason } = &log.records[1].outcome else { panic!() };
        assert_eq!(reason, "the training of fold 0 diverged at step 3");
        let mut fake = Fake::default();
        let resumed =
            search(&plan, &own, &mut fake, &mut ScoreCache::default(), Key::root(0), Some(&log), |_| Ok(()));
        assert_eq!(resumed.unwrap(), (answer, log));
        assert!(fake.calls.is_empty(), "nothing is left to train");
        let folds = SearchPlan { folds: 5, ..plan };
        let refused =
            search(&folds, &own, &mut fake, &mut ScoreCache::default(), Key::root(0), None, |_| Ok(()));
        assert!(matches!(refused.unwrap_err().downcast_ref(), Some(SearchError::Setting { .. })));
    }

    /// Episodes that search side by side share banks, and find what each would have found alone.
    #[test]
    fn searches_side_by_side_do_not_touch_one_another() {
        let pool = pool();
        let rows: Vec<u32> = (0..40).collect();
        let labels: Vec<u32> = (0..40).map(|at| at % 3).collect();
        let evaluations: Vec<_> =
            (0..4).map(|at| evaluation(&pool, &rows[at..at + 12], &labels[at..at + 12], 4)).collect();
        let plan = SearchPlan {
            method: Method::Local { moves: 5, rule: Rule::Best },
            space: ArchSpace::default(),
            start: None,
            steps: 10,
            folds: 4,
            budget: 2_000,
        };
        let mut studies: Vec<_> = evaluations
            .iter()
            .enumerate()
            .map(|(at, own)| (open_study(&plan, own, Key::root(at as u64), None).unwrap(), own))
            .collect();
        let (mut fake, mut cache, mut seen) = (Fake::default(), ScoreCache::default(), 0);
        let mut observe = |_: usize, _: &Record<Point>| {
            seen += 1;
            Ok(())
        };
        while advance(&mut studies, &mut fake, &mut cache, &mut observe).unwrap() {}
        assert_eq!(fake.calls[0], 16, "the start of all four episodes in one bank");
        assert_eq!(seen, studies.iter().map(|(study, _)| study.history().records().len()).sum::<usize>());
        for (at, (own, evaluation)) in studies.iter().enumerate() {
            let (mut fake, mut cache) = (Fake::default(), ScoreCache::default());
            let key = Key::root(at as u64);
            let alone = search(&plan, evaluation, &mut fake, &mut cache, key, None, |_| Ok(())).unwrap();
            assert_eq!(alone, (own.answer().unwrap(), own.log()));
        }
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
