//! Scoring candidates on labelled rows: paired cross-validation, all folds as one bank.
//!
//! Every candidate is trained and scored on the *same* folds, and fold `f` draws its initial weights,
//! mini-batches and dropout from the same key for every candidate: differences between two candidates
//! are paired. Training is from scratch for exactly the candidate's steps, and the score is taken after
//! the last of them. (Published Active-iNAS takes the best epoch's score on a single split; the
//! maximum over epochs of a score on few rows is optimistic, most for the network that swings most.)

use super::cache::ScoreCache;
use super::error::SearchError;
use super::folds::Evaluation;
use super::history::{Candidate, Outcome, Record};
use super::plan::SearchPlan;
use super::study::{Answer, SearchLog, Study};
use crate::arch::{NetSpec, Space};
use crate::error::Result;
use crate::learner::{FitReport, ModelData, TrainPlan};
use crate::rng::Key;

/// The most networks that are trained side by side in one call of a [`Trainer`].
pub const MAX_LANES: usize = 256;
/// The most weights of all networks of one call together, unless a single network has more: what keeps
/// a search among large networks from taking memory for all of them at once.
pub const MAX_BANK_WEIGHTS: usize = 1 << 22;

/// One training: the rows to train on, then the rows to score on, of the same pool.
#[derive(Clone, Copy, Debug)]
pub struct FoldJob<'a> {
    /// What to train on.
    pub train: ModelData<'a>,
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

impl Job<'_> {
    fn training(&self) -> TrainPlan {
        self.evaluation.training(self.steps)
    }
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
            job.spec == like.spec && job.training() == like.training()
        };
        let (bank, rest): (Vec<usize>, Vec<usize>) = todo.into_iter().partition(fits);
        todo = rest;
        let models: Vec<(usize, usize)> = bank
            .iter()
            .flat_map(|&at| (0..jobs[at].evaluation.folds()).map(move |fold| (at, fold)))
            .collect();
        let mut scores = Vec::with_capacity(models.len());
        let most = (MAX_BANK_WEIGHTS / like.spec.parameters()).clamp(1, MAX_LANES);
        for models in models.chunks(most) {
            let folds: Vec<FoldJob<'_>> =
                models.iter().map(|&(at, fold)| jobs[at].evaluation.job(fold)).collect();
            let keys: Vec<Key> =
                models.iter().map(|&(at, fold)| jobs[at].evaluation.fold_key(fold)).collect();
            let answers = trainer.fit_score(like.spec, &folds, &like.training(), &keys)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{ArchSpace, Point};
    use crate::learner::Start;
    use crate::search::folds::tests::{evaluation, pool};
    use crate::search::{Grid, HillClimbing, Local, Method, Random, Rule};
    use std::sync::Arc;

    /// Answers a function of everything that one model may depend on, and counts its calls and models.
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
            let crate::learner::Stop::Steps { steps } = plan.stop else { panic!("{:?}", plan.stop) };
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
            method: Arc::new(Local { moves: 1, rule: Rule::Best }),
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

    #[test]
    fn large_networks_train_in_smaller_banks() {
        let pool = pool();
        let own = evaluation(&pool, &[1, 2, 3, 4, 5, 6], &[0, 1, 2, 0, 1, 2], 6);
        let spec = NetSpec::mlp(2, &[1_000, 1_000], 3).unwrap();
        let jobs = [Job { evaluation: &own, spec: &spec, steps: 5 }];
        let mut fake = Fake::default();
        let outcomes = score(&mut fake, &mut ScoreCache::default(), &jobs).unwrap();
        // 1,007,003 weights: four to a bank.
        assert_eq!(fake.calls, [4, 2]);
        assert_eq!(outcomes[0].folds().unwrap().len(), 6);
    }

    /// SearchComparison share scores but not costs: who comes second pays what who came first paid.
    #[test]
    fn a_cached_score_is_charged_like_any_other() {
        let pool = pool();
        let (rows, labels): (Vec<u32>, Vec<u32>) = ((0..12).collect(), (0..12).map(|at| at % 3).collect());
        let own = evaluation(&pool, &rows, &labels, 4);
        let with = |method| SearchPlan {
            method,
            space: ArchSpace { max_blocks: 3, max_stacks: 2, ..ArchSpace::default() },
            start: None,
            steps: 10,
            folds: 4,
            budget: 160,
        };
        let mut cache = ScoreCache::default();
        let mut costs = Vec::new();
        let methods: [Arc<dyn Method<ArchSpace>>; 3] =
            [Arc::new(Grid), Arc::new(Random), Arc::new(HillClimbing { restarts: 9 })];
        for method in methods {
            let mut fresh = ScoreCache::default();
            let plan = with(method);
            let (mut one, mut two) = (Fake::default(), Fake::default());
            let shared = search(&plan, &own, &mut one, &mut cache, Key::root(0), None, |_| Ok(())).unwrap();
            let alone = search(&plan, &own, &mut two, &mut fresh, Key::root(0), None, |_| Ok(())).unwrap();
            assert_eq!(shared, alone);
            costs.push((shared.0.charged, one.calls.len() <= two.calls.len()));
        }
        assert_eq!(costs, [(160, true); 3]);
        assert!((4..=6).contains(&cache.trained()), "six points, four per search: {}", cache.trained());
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
            method: Arc::new(Local { moves: 5, rule: Rule::Best }),
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
}
