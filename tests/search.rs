//! Every architecture search on a table of made-up scores: within budget, inside the grid, repeatable,
//! resumable, and sound when scores are not numbers.

use proptest::prelude::*;
use querist::arch::{ArchSpace, Cell, Domain, FreeMlp, FreePoint, Point, Space, SpaceError, Widths};
use querist::error::Exit;
use querist::search::{
    Annealing, Answer, Candidate, Evolution, Fixed, Grid, Halving, HillClimbing, Local, Method, Methods,
    Outcome, Random, Record, Rule, SearchError, SearchLog, SearchPlan, Study,
};
use querist::{Key, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

const STEPS: u32 = 90;
const FOLDS: u32 = 5;
const COST: u64 = STEPS as u64 * FOLDS as u64;

type AMethod = Arc<dyn Method<ArchSpace>>;

fn every_method() -> Vec<AMethod> {
    vec![
        Arc::new(Local { moves: 1, rule: Rule::Best }),
        Arc::new(Local { moves: 20, rule: Rule::OneStandardError }),
        Arc::new(HillClimbing { restarts: 1_000 }),
        Arc::new(Annealing { temperature: 0.05, cooling: 0.9, reheat: 50, iterations: 1_000 }),
        Arc::new(Random),
        evolution(),
        Arc::new(Halving { eta: 3, rungs: 3, brackets: 1_000 }),
        Arc::new(Grid),
        Arc::new(Fixed { points: vec![Point::new(1, 1), Point::new(2, 4), Point::new(12, 5)] }),
    ]
}

fn evolution() -> AMethod {
    Arc::new(Evolution { population: 8, sample: 3, cycles: 1_000 })
}

fn plan(method: AMethod, budget: u64) -> SearchPlan<ArchSpace> {
    SearchPlan { method, space: ArchSpace::default(), start: None, steps: STEPS, folds: FOLDS, budget }
}

fn study(method: &AMethod, budget: u64, seed: u64) -> Study<ArchSpace> {
    Study::new(&plan(method.clone(), budget), 64, 10, "table", Key::root(seed)).unwrap()
}

/// One summit at `A(5, 2)`, no other local one along ±1 moves; folds differ by a common offset.
fn smooth(candidate: &Candidate<Point>) -> Outcome {
    let Point { blocks, stacks } = candidate.point;
    let height = 0.9 - 0.02 * (blocks as f64 - 5.0).powi(2) / 5.0 - 0.05 * (stacks as f64 - 2.0).powi(2);
    Outcome::of((0..FOLDS).map(|fold| height - 0.03 * f64::from(fold)).collect())
}

/// A rugged table without structure, the same in every process.
fn rugged(seed: u64) -> impl Fn(&Candidate<Point>) -> Outcome {
    move |candidate| {
        let key = Key::root(seed).at(candidate.point.blocks as u64).at(candidate.point.stacks as u64);
        Outcome::of(
            (0..FOLDS).map(|fold| (key.at(u64::from(fold)).seed64() % 1_000) as f64 / 1_000.0).collect(),
        )
    }
}

fn run(study: &mut Study<ArchSpace>, score: impl Fn(&Candidate<Point>) -> Outcome) -> Result<Answer<Point>> {
    study.run(|_, asked| Ok(asked.iter().map(&score).collect()), |_| Ok(()))
}

fn json(log: &SearchLog<ArchSpace>) -> String {
    serde_json::to_string(log).unwrap()
}

#[test]
fn every_search_stays_within_budget_and_grid() {
    for method in every_method() {
        for budget in [COST, 2 * COST, 10 * COST + 7, 37 * COST, 200 * COST] {
            let mut study = study(&method, budget, 1);
            let answer = run(&mut study, rugged(3)).unwrap();
            let records = study.history().records();
            let name = method.name();
            assert!(answer.charged <= budget, "{name}: {} of {budget}", answer.charged);
            assert_eq!(answer.charged, records.iter().map(|r| r.charged).sum::<u64>());
            assert!(records.iter().all(|r| r.charged == u64::from(r.candidate.steps) * u64::from(FOLDS)));
            assert!(records.iter().all(|r| study.domain().admits(&r.candidate.point)), "{name}");
            let mut once: Vec<_> = records.iter().map(|r| &r.candidate).collect();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), records.len(), "{name} paid twice for one candidate");
            let curve = study.history().best_so_far();
            assert!(curve.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name}: {curve:?}");
        }
    }
}

/// Jamieson & Talwalkar 2016: a third goes on with three times the steps, so rungs cost the same.
#[test]
fn the_rungs_of_successive_halving_cost_the_same() {
    for (eta, rungs) in [(3, 3), (2, 4), (3, 2), (7, 1)] {
        let method = Arc::new(Halving { eta, rungs, brackets: 1 });
        let steps = 72;
        let plan = SearchPlan { steps, ..plan(method, u64::MAX) };
        let mut study = Study::new(&plan, 64, 10, "table", Key::root(8)).unwrap();
        let answer = run(&mut study, rugged(2)).unwrap();
        let records = study.history().records();
        let mut rung_of: BTreeMap<u32, Vec<&Record<Point>>> = BTreeMap::new();
        for record in records {
            rung_of.entry(record.candidate.steps).or_default().push(record);
        }
        assert_eq!(rung_of.len() as u32, rungs);
        for (own, rung) in &rung_of {
            assert_eq!(rung.iter().map(|r| r.charged).sum::<u64>(), u64::from(steps * FOLDS), "{own} steps");
        }
        // Only the best of a rung go on.
        for (below, above) in rung_of.values().zip(rung_of.values().skip(1)) {
            let went = |r: &Record<Point>| above.iter().any(|a| a.candidate.point == r.candidate.point);
            let worst_in =
                below.iter().filter(|r| went(r)).map(|r| r.outcome.mean().unwrap()).fold(1.0, f64::min);
            let best_out =
                below.iter().filter(|r| !went(r)).map(|r| r.outcome.mean().unwrap()).fold(0.0, f64::max);
            assert!(worst_in >= best_out);
        }
        assert_eq!(records.last().unwrap().candidate.steps, steps);
        assert!(records.iter().any(|r| r.candidate.steps == steps && r.candidate.point == answer.point));
    }
}

#[test]
fn the_same_key_walks_the_same_path_and_another_key_another() {
    for method in every_method() {
        let path = |seed| {
            let mut study = study(&method, 12 * COST, seed);
            run(&mut study, rugged(3)).unwrap();
            study.history().records().iter().map(|r| r.candidate.clone()).collect::<Vec<_>>()
        };
        assert_eq!(path(1), path(1), "{}", method.name());
        let random = !["local", "grid", "fixed"].contains(&method.name());
        assert_eq!((2..6).any(|seed| path(seed) != path(1)), random, "{}", method.name());
    }
}

/// Paths are part of what a stored plan and seed promise: the same in every process and build.
#[test]
fn paths_are_pinned() {
    let path = |method: AMethod| {
        let mut study = study(&method, 12 * COST, 1);
        run(&mut study, rugged(3)).unwrap();
        let last = study.history().records().iter().rev().take(4).rev();
        last.map(|r| format!("{}.{}", r.candidate.point.blocks, r.candidate.point.stacks))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let found = every_method().into_iter().map(|method| format!("{}: {}", method.name(), path(method)));
    assert_eq!(found.collect::<Vec<_>>(), PATHS);
}

/// The last four points of twelve trainings, or fewer, of each search.
const PATHS: [&str; 9] = [
    "local: 1.1 2.1 1.2",
    "local: 2.1 1.2 3.1 2.2",
    "hill_climbing: 7.5 7.4 8.5 4.1",
    "annealing: 2.1 3.1 2.2 3.2",
    "random: 7.1 2.3 8.2 1.5",
    "evolution: 6.2 7.2 3.5 2.5",
    "halving: 11.1 1.4 10.3 11.1",
    "grid: 8.1 9.1 10.1 2.2",
    "fixed: 1.1 2.4 12.5",
];

/// The state of a search is its log: wherever it was killed, it continues byte for byte.
#[test]
fn a_search_resumes_at_any_record() {
    for method in every_method() {
        let plan = plan(method.clone(), 14 * COST);
        let mut whole = study(&method, plan.budget, 5);
        let answer = run(&mut whole, rugged(9)).unwrap();
        let log = whole.log();
        for kept in 0..=log.records.len() {
            let torn = SearchLog { header: log.header.clone(), records: log.records[..kept].to_vec() };
            let torn: SearchLog<ArchSpace> = serde_json::from_str(&json(&torn)).unwrap();
            let mut again = Study::resume(&plan, 64, 10, "table", Key::root(5), &torn).unwrap();
            assert_eq!(run(&mut again, rugged(9)).unwrap(), answer, "{} after {kept}", method.name());
            assert_eq!(json(&again.log()), json(&log), "{} after {kept}", method.name());
        }
    }
}

/// A finished search with a larger budget goes on from where it was, and ends as if it had had it.
#[test]
fn a_larger_budget_continues_the_same_path() {
    for method in every_method() {
        let mut short = study(&method, 6 * COST, 5);
        run(&mut short, rugged(9)).unwrap();
        let mut long = study(&method, 15 * COST, 5);
        let answer = run(&mut long, rugged(9)).unwrap();
        let plan = plan(method.clone(), 15 * COST);
        let mut more = Study::resume(&plan, 64, 10, "table", Key::root(5), &short.log()).unwrap();
        assert_eq!(run(&mut more, rugged(9)).unwrap(), answer, "{}", method.name());
        assert_eq!(more.log(), long.log(), "{}", method.name());
    }
}

#[test]
fn a_log_of_another_search_is_refused() {
    let method: AMethod = Arc::new(Random);
    let mut own = study(&method, 6 * COST, 5);
    run(&mut own, rugged(9)).unwrap();
    let log = own.log();
    let plan = plan(method, 6 * COST);
    let resume = |plan: &SearchPlan<ArchSpace>, inputs, digest: &str, seed, log: &SearchLog<ArchSpace>| {
        Study::resume(plan, inputs, 10, digest, Key::root(seed), log).err().map(|e| (e.exit(), e.to_string()))
    };
    assert_eq!(resume(&plan, 64, "table", 5, &log), None);
    let field = |answer: Option<(Exit, String)>, name: &str| {
        let (exit, message) = answer.unwrap();
        assert_eq!(exit, Exit::BadInput);
        assert!(message.starts_with(&format!("search log: {name}")), "{message}");
    };
    field(resume(&plan, 65, "table", 5, &log), "inputs");
    field(resume(&plan, 64, "other", 5, &log), "evaluation");
    field(resume(&plan, 64, "table", 6, &log), "key");
    field(resume(&SearchPlan { steps: 91, ..plan.clone() }, 64, "table", 5, &log), "steps");
    field(resume(&SearchPlan { method: Arc::new(Grid), ..plan.clone() }, 64, "table", 5, &log), "method");
    let altered = |change: fn(&mut Vec<Record<Point>>)| {
        let mut log = log.clone();
        change(&mut log.records);
        log
    };
    field(resume(&plan, 64, "table", 5, &altered(|r| r.swap(0, 1))), "record 0");
    field(resume(&plan, 64, "table", 5, &altered(|r| drop(r.remove(2)))), "record 2");
    field(resume(&plan, 64, "table", 5, &altered(|r| r[3].charged -= 1)), "record 3");
    field(
        resume(&plan, 64, "table", 5, &altered(|r| r[4].outcome = Outcome::Scored { folds: vec![0.5] })),
        "record 4",
    );
    field(
        resume(
            &plan,
            64,
            "table",
            5,
            &altered(|r| r[1].outcome = Outcome::Scored { folds: vec![f64::NAN; 5] }),
        ),
        "record 1",
    );
}

/// Fault case 41: scores that are not numbers, the first one among them.
#[test]
fn failures_are_recorded_charged_and_never_the_best() {
    for method in every_method() {
        for failing in [[true, false], [false, true]] {
            let mut study = study(&method, 30 * COST, 2);
            let score = |candidate: &Candidate<Point>| {
                let start = candidate.point == Point::new(1, 1);
                let fails =
                    if start { failing[0] } else { failing[1] && candidate.point.total().is_multiple_of(2) };
                if fails { Outcome::of(vec![f64::NAN; FOLDS as usize]) } else { smooth(candidate) }
            };
            let answer = run(&mut study, score).unwrap();
            let name = method.name();
            assert!(answer.score.is_finite());
            assert!(failing[1] || answer.point != Point::new(1, 1), "{name}");
            assert!(!failing[1] || answer.point.total() % 2 == 1, "{name} took {}", answer.point);
            let failed = study.history().records().iter().filter(|r| r.outcome.mean().is_none()).count();
            assert!(failed > 0, "{name}");
            assert!(study.history().records().iter().all(|r| r.charged > 0));
        }
    }
}

/// Fault cases 41 and 42: nothing can be scored.
#[test]
fn a_search_without_a_single_score_fails_with_the_reason() {
    for method in every_method() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut study = study(&method, 9 * COST, 2);
            let error =
                run(&mut study, |_| Outcome::Scored { folds: vec![bad; FOLDS as usize] }).unwrap_err();
            let Some(SearchError::AllFailed { tried, .. }) = error.downcast_ref() else { panic!("{error}") };
            assert!(*tried > 0 && *tried == study.history().records().len());
            assert_eq!(error.exit(), Exit::Failed);
            assert!(study.history().best_so_far().is_empty());
        }
    }
}

/// Fault case 42: a start without any valid move.
#[test]
fn a_space_of_one_point_answers_that_point() {
    let space = ArchSpace { max_blocks: 1, max_stacks: 1, ..ArchSpace::default() };
    let needs_more = |m: &AMethod| ["fixed", "halving"].contains(&m.name());
    let methods = every_method().into_iter().filter(|method| !needs_more(method));
    for method in methods {
        let plan = SearchPlan { space, ..plan(method.clone(), 50 * COST) };
        let mut study = Study::new(&plan, 64, 10, "table", Key::root(0)).unwrap();
        let answer = run(&mut study, smooth).unwrap();
        assert_eq!((answer.point, answer.charged), (Point::new(1, 1), COST), "{}", method.name());
    }
}

/// An answer to a question that was not asked changes nothing.
#[test]
fn telling_out_of_turn_is_refused() {
    let grid: AMethod = Arc::new(Grid);
    let mut study = study(&grid, 5 * COST, 0);
    let asked = study.ask().unwrap();
    assert_eq!(asked.len(), 5, "what the budget affords");
    let error = study.tell(&asked[1], smooth(&asked[1])).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(SearchError::Record { at: 0, .. })), "{error}");
    let error = study.tell(&asked[0], Outcome::of(vec![0.5; 4])).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(SearchError::Answers { found: 4, expected: 5 })), "{error}");
    assert!(study.history().records().is_empty());
    assert_eq!(study.tell(&asked[0], smooth(&asked[0])).unwrap().charged, COST);
    assert_eq!((study.left(), study.ask().unwrap()), (4 * COST, asked[1..].to_vec()));
}

#[test]
fn plans_that_cannot_run_are_refused() {
    let refused = |plan: SearchPlan<ArchSpace>| {
        let error = Study::new(&plan, 64, 10, "table", Key::root(0)).err().unwrap();
        assert_eq!(error.exit(), Exit::BadInput);
        error
    };
    let error = refused(plan(Arc::new(Grid), COST - 1));
    assert!(matches!(error.downcast_ref(), Some(SearchError::Budget { needed: COST, .. })), "{error}");
    let outside = SearchPlan { start: Some(Point::new(13, 1)), ..plan(Arc::new(Grid), COST) };
    assert!(matches!(refused(outside).downcast_ref(), Some(SpaceError::Outside { .. })));
    let point = Arc::new(Fixed { points: vec![Point::new(1, 6)] });
    assert!(matches!(refused(plan(point, COST)).downcast_ref(), Some(SpaceError::Outside { .. })));
    let anneal = |temperature, cooling| -> AMethod {
        Arc::new(Annealing { temperature, cooling, reheat: 5, iterations: 5 })
    };
    let wrong: [AMethod; 14] = [
        Arc::new(Local { moves: 0, rule: Rule::Best }),
        Arc::new(Fixed::<Point> { points: vec![] }),
        anneal(0.0, 0.9),
        anneal(f64::NAN, 0.9),
        anneal(0.1, 1.5),
        anneal(0.1, f64::NAN),
        Arc::new(Annealing { temperature: 0.1, cooling: 0.9, reheat: 0, iterations: 5 }),
        Arc::new(Evolution { population: 0, sample: 3, cycles: 5 }),
        Arc::new(Evolution { population: 8, sample: 0, cycles: 5 }),
        Arc::new(Halving { eta: 1, rungs: 3, brackets: 1 }),
        Arc::new(Halving { eta: 3, rungs: 0, brackets: 1 }),
        Arc::new(Halving { eta: 3, rungs: 5, brackets: 1 }), // 81 of 60 points
        Arc::new(Halving { eta: 4, rungs: 2, brackets: 1 }), // 90 is no multiple of 4
        Arc::new(Halving { eta: 100, rungs: 20, brackets: 1 }),
    ];
    for method in wrong {
        let error = refused(plan(method, COST));
        assert!(matches!(error.downcast_ref(), Some(SearchError::Setting { .. })), "{error}");
    }
    for (steps, folds) in [(0, 5), (5, 0), (5, 101), (u32::MAX, 1)] {
        let error = refused(SearchPlan { steps, folds, ..plan(Arc::new(Grid), u64::MAX) });
        assert!(matches!(error.downcast_ref(), Some(SearchError::Setting { .. })), "{error}");
    }
}

/// `T_i` moves of Active-iNAS by hand: the scores make it deepen, spread, and stop.
#[test]
fn local_search_follows_the_published_loop() {
    let table = |candidate: &Candidate<Point>| {
        let mean = match (candidate.point.blocks, candidate.point.stacks) {
            (1, 1) => 0.50,
            (2, 1) => 0.60,
            (1, 2) => 0.55,
            (3, 1) => 0.61,
            (2, 2) => 0.70,
            (3, 2) => 0.69,
            _ => 0.40,
        };
        Outcome::of(vec![mean; FOLDS as usize])
    };
    let path = |moves, start| {
        let method = Arc::new(Local { moves, rule: Rule::Best });
        let plan = SearchPlan { start, ..plan(method, 100 * COST) };
        let mut study = Study::new(&plan, 64, 10, "table", Key::root(0)).unwrap();
        let answer = run(&mut study, table).unwrap();
        let asked: Vec<_> = study
            .history()
            .records()
            .iter()
            .map(|r| (r.candidate.point.blocks, r.candidate.point.stacks))
            .collect();
        (answer.point, asked)
    };
    assert_eq!(path(1, None), (Point::new(2, 1), vec![(1, 1), (2, 1), (1, 2)]));
    assert_eq!(
        path(9, None),
        (Point::new(2, 2), vec![(1, 1), (2, 1), (1, 2), (3, 1), (2, 2), (3, 2), (2, 3)]),
        "from (2, 2) it may go to (3, 2) and to (2, 3)"
    );
}

/// With noise and no signal, the one-standard-error rule keeps the small network more often.
#[test]
fn the_standard_error_keeps_networks_small_without_a_signal() {
    let grown = |rule| {
        (0..200)
            .filter(|&seed| {
                let local: AMethod = Arc::new(Local { moves: 1, rule });
                let mut study = study(&local, 10 * COST, 0);
                run(&mut study, rugged(seed)).unwrap().point != Point::new(1, 1)
            })
            .count()
    };
    let (best, careful) = (grown(Rule::Best), grown(Rule::OneStandardError));
    // By the best score alone, the start wins one time in three.
    assert!(best > 110 && careful < best / 2 + 20, "grown {best} times by best, {careful} by one error");
}

/// Across the rounds of active learning, each starting where the one before ended, no network shrinks.
#[test]
fn the_sequence_of_networks_is_monotone() {
    for rule in [Rule::Best, Rule::OneStandardError] {
        for seed in 0..20 {
            let mut at = Point::new(1, 1);
            let mut path = vec![at];
            for round in 0..15 {
                let plan =
                    SearchPlan { start: Some(at), ..plan(Arc::new(Local { moves: 1, rule }), 3 * COST) };
                let mut study = Study::new(&plan, 64, 10, "table", Key::root(0)).unwrap();
                let to = run(&mut study, rugged(100 * seed + round)).unwrap().point;
                assert!(to == at || to.total() > at.total(), "{at} -> {to}");
                assert!(to == at || plan.space.moves(&at).contains(&to));
                at = to;
                path.push(at);
            }
            assert!(path.is_sorted_by_key(Point::total));
        }
    }
}

#[test]
fn climbing_and_annealing_find_a_single_summit_and_the_grid_is_the_ceiling() {
    let best = |method: AMethod| run(&mut study(&method, 60 * COST, 4), smooth).unwrap();
    assert_eq!(best(Arc::new(Grid)).point, Point::new(5, 2));
    assert_eq!(best(Arc::new(Random)).point, Point::new(5, 2));
    assert_eq!(best(Arc::new(HillClimbing { restarts: 0 })).point, Point::new(5, 2));
    let annealing = Arc::new(Annealing { temperature: 0.02, cooling: 0.95, reheat: 100, iterations: 1_000 });
    assert_eq!(best(annealing).point, Point::new(5, 2));
}

#[test]
fn the_free_space_is_searched_by_the_same_code() {
    let plan = SearchPlan {
        method: Arc::new(HillClimbing { restarts: 0 }),
        space: FreeMlp::default(),
        start: None,
        steps: 10,
        folds: 1,
        budget: 10 * 200,
    };
    let mut study = Study::new(&plan, 8, 3, "table", Key::root(0)).unwrap();
    let score = |domain: &Domain<FreeMlp>, asked: &[Candidate<_>]| {
        let size = |c: &Candidate<_>| (domain.size(&c.point) as f64).ln();
        Ok(asked.iter().map(|c| Outcome::of(vec![-(size(c) - 7.0).abs()])).collect())
    };
    let answer = study.run(score, |_| Ok(())).unwrap();
    assert!(answer.score > -0.2, "{} {}", answer.spec, answer.score);
    assert_ne!(answer.point, FreeMlp::default().start());
}

/// Activation and weight decay are searched like any other coordinate: with a score that favours one of each, every
/// search that follows scores ends there.
#[test]
fn activation_and_weight_decay_are_mutated() {
    let evolution = Arc::new(Evolution { population: 8, sample: 3, cycles: 400 });
    let methods: [Arc<dyn Method<FreeMlp>>; 2] = [Arc::new(HillClimbing { restarts: 3 }), evolution];
    for method in methods {
        let space = FreeMlp { widths: vec![8, 16], max_depth: 1, ..FreeMlp::default() };
        let plan = SearchPlan { method, space, start: None, steps: 10, folds: 1, budget: 10 * 120 };
        let mut study = Study::new(&plan, 8, 3, "table", Key::root(0)).unwrap();
        let score = |_: &Domain<FreeMlp>, asked: &[Candidate<FreePoint>]| {
            let worth = |at: &FreePoint| {
                0.1 * at.hidden.len() as f64
                    + 0.2 * f64::from(at.activation)
                    + 0.1 * f64::from(at.weight_decay)
            };
            Ok(asked.iter().map(|c| Outcome::of(vec![worth(&c.point)])).collect())
        };
        let answer = study.run(score, |_| Ok(())).unwrap();
        assert!(answer.spec.to_string().contains("-g"), "{:?}: {}", plan.method, answer.point);
        assert_eq!(answer.spec.weight_decay(), Some(1e-2), "{:?}", plan.method);
    }
}

/// What a search on a small grid of its own must never do, whatever the scores.
fn small_space() -> impl Strategy<Value = ArchSpace> {
    (1usize..6, 1usize..4, prop_oneof![Just(0.5), Just(1.0), Just(2.0)], any::<bool>()).prop_map(
        |(max_blocks, max_stacks, growth, dense)| ArchSpace {
            cell: if dense { Cell::Dense } else { Cell::Residual },
            max_blocks,
            max_stacks,
            widths: Widths { base: 8, growth, floor: 2, ceiling: 64 },
            dropout: 0.0,
            images: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn searches_end_on_any_grid(space in small_space(), seed: u64, trainings in 1u64..40, bad in 0u64..4) {
        for method in every_method() {
            if method.name() == "fixed" {
                continue;
            }
            let plan = SearchPlan { space, ..plan(method.clone(), trainings * COST) };
            let mut study = match Study::new(&plan, 4, 2, "table", Key::root(seed)) {
                Ok(study) => study,
                // Successive halving needs as many points as its first rung has.
                Err(error) => {
                    let setting = matches!(error.downcast_ref(), Some(SearchError::Setting { .. }));
                    prop_assert!(setting, "{}", error);
                    continue;
                }
            };
            let table = rugged(seed);
            let outcome = run(&mut study, |candidate| {
                if candidate.point.total() as u64 % 4 < bad { Outcome::of(vec![f64::NAN]) } else { table(candidate) }
            });
            let scored = study.history().records().iter().any(|r| r.outcome.mean().is_some());
            prop_assert_eq!(outcome.is_ok(), scored);
            prop_assert!(study.history().charged() <= plan.budget);
            if let (Ok(answer), "local") = (&outcome, method.name()) {
                prop_assert!(answer.point.total() >= 1);
            }
        }
    }
}

/// What files say of a search, by its name and its settings; those that are left out are as the entry says.
#[test]
fn searches_are_found_by_name_with_their_settings() {
    let methods = Methods::builtin();
    let usual = |name: &str| {
        let entry = methods.find(name).unwrap();
        format!("{:?}", (entry.make)(&entry.defaults()))
    };
    assert_eq!(usual("local"), "Local { moves: 4294967295, rule: OneStandardError }");
    assert_eq!(usual("hill_climbing"), "HillClimbing { restarts: 1000 }");
    let annealing = "Annealing { temperature: 0.05, cooling: 0.9, reheat: 50, iterations: 1000 }";
    assert_eq!(usual("annealing"), annealing);
    assert_eq!(usual("evolution"), "Evolution { population: 8, sample: 3, cycles: 1000 }");
    assert_eq!(usual("halving"), "Halving { eta: 3, rungs: 3, brackets: 1000 }");
    let error = querist::Error::from(methods.find("halve").unwrap_err());
    assert_eq!(error.hint().as_deref(), Some("did you mean `halving`?"));
}

/// All searches of this crate keep what every search promises.
#[test]
fn every_search_keeps_the_contract() {
    let methods = Methods::builtin();
    methods.names().for_each(|name| querist::testing::search_contract(&methods, name));
}
