//! What every architecture search promises, on tables of made-up scores.

use crate::arch::{ArchSpace, Domain, FreeMlp};
use crate::error::Result;
use crate::rng::Key;
use crate::search::{
    Answer, AnyMethod, Candidate, Method, Methods, NamedSpace, Outcome, SearchError, SearchLog, SearchPlan,
    Study,
};
use std::sync::Arc;

/// Folds of a candidate, and steps of a whole training: what many numbers divide.
const FOLDS: u32 = 2;
const STEPS: u32 = 5_040;
/// Trainings that a search may spend.
const TRAININGS: [u64; 3] = [1, 7, 40];

/// Checks what every search promises for the one called `name`, as it is set unless something is said, in both kinds of
/// spaces:
///
/// - it spends no more than its budget, and asks for points of its space, none of them twice;
/// - the same key walks the same path, and one that was interrupted goes on as if it had not been;
/// - scores that are no numbers are never its answer, and end nothing.
///
/// # Panics
/// If there is no such search, or it breaks a promise; the message says which.
pub fn search_contract(methods: &Methods, name: &str) {
    let entry = methods.find(name).unwrap_or_else(|error| panic!("{error}"));
    let method = (entry.make)(&entry.defaults());
    let own = Method::<ArchSpace>::name(&*method);
    assert_eq!(own, name, "the name that it is registered under");
    in_space(&method, ArchSpace { max_blocks: 6, max_stacks: 4, ..ArchSpace::default() });
    in_space(&method, FreeMlp { max_depth: 1, ..FreeMlp::default() });
}

fn in_space<S: NamedSpace>(any: &Arc<dyn AnyMethod>, space: S) {
    let method = S::method(any.clone());
    let name = method.name();
    for (seed, trainings) in (0..).zip(TRAININGS) {
        let budget = trainings * u64::from(STEPS) * u64::from(FOLDS);
        let plan = SearchPlan {
            method: method.clone(),
            space: space.clone(),
            start: None,
            steps: STEPS,
            folds: FOLDS,
            budget,
        };
        for failing in [0, 3] {
            let (answer, log) = walked(&plan, seed, failing, None);
            check_path(name, &plan, &log, budget);
            assert_eq!(walked(&plan, seed, failing, None).1, log, "{name}: the same key, another path");
            let scored = log.records.iter().any(|record| record.outcome.mean().is_some());
            match &answer {
                Ok(answer) => {
                    let own = log.records.iter().filter(|record| record.candidate.point == answer.point);
                    let scored = own.filter(|record| record.outcome.mean().is_some()).count();
                    assert!(
                        scored > 0 && answer.score.is_finite(),
                        "{name}: it answers what was never scored"
                    );
                }
                Err(error) => {
                    let failed = matches!(error.downcast_ref(), Some(SearchError::AllFailed { .. }));
                    assert!(failed && !scored, "{name}: {error}");
                }
            }
            let half = SearchLog { records: log.records[..log.records.len() / 2].to_vec(), ..log.clone() };
            assert_eq!(walked(&plan, seed, failing, Some(&half)).1, log, "{name}: interrupted, another path");
        }
    }
}

/// One search with made-up scores, of which one in `failing` is no number.
fn walked<S: NamedSpace>(
    plan: &SearchPlan<S>,
    seed: u64,
    failing: u64,
    log: Option<&SearchLog<S>>,
) -> (Result<Answer<S::Point>>, SearchLog<S>) {
    let key = Key::root(seed);
    let study = match log {
        None => Study::new(plan, 8, 3, "made up", key),
        Some(log) => Study::resume(plan, 8, 3, "made up", key, log),
    };
    let mut study = study.unwrap_or_else(|error| panic!("{}: {error}", plan.method.name()));
    let score = |_: &Domain<S>, asked: &[Candidate<S::Point>]| {
        let one = |candidate: &Candidate<S::Point>| {
            let drawn = key.named("score").named(&candidate.point.to_string()).seed64();
            let fails = failing > 0 && drawn.is_multiple_of(failing);
            let of = |fold| if fails { f64::NAN } else { ((drawn >> (8 * fold)) % 1_000) as f64 / 1_000.0 };
            Outcome::of((0..FOLDS).map(of).collect())
        };
        Ok(asked.iter().map(one).collect())
    };
    let answer = study.run(score, |_| Ok(()));
    (answer, study.log())
}

fn check_path<S: NamedSpace>(name: &str, plan: &SearchPlan<S>, log: &SearchLog<S>, budget: u64) {
    let charged: u64 = log.records.iter().map(|record| record.charged).sum();
    assert!(charged <= budget, "{name}: it was charged {charged} steps of {budget}");
    let mut asked: Vec<_> = log.records.iter().map(|record| &record.candidate).collect();
    for candidate in &asked {
        let within = plan.space.spec(&candidate.point, 8, 3);
        assert!(within.is_ok(), "{name}: {} is no point of the space", candidate.point);
    }
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), log.records.len(), "{name}: it asks for a candidate twice");
}
