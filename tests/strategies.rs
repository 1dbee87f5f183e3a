//! Strategies within simulated episodes: what they are shown there, and what they leave in the rows.

use querist::Key;
use querist::arch::Block;
use querist::data::synthetic::SourceFamily;
use querist::data::{SplitPlan, Task, embedded};
use querist::episode::{
    EpisodePlan, Episodes, InitialPool, Measure, OracleOn, Played, Player, PreparedTask, Replicate, StopOn,
    play,
};
use querist::learner::{DeviceKind, LearnError, Loss, Metric, Optimiser, Start, Stop, TrainPlan};
use querist::query::{Needs, Registry};

fn replicate(data: &str, seed: u64) -> Replicate {
    let data = embedded::load(data).unwrap();
    let key = Key::root(seed);
    Replicate {
        prepared: PreparedTask::new(Task::split(&data, &SplitPlan::default(), key.named("split")).unwrap()),
        key,
    }
}

fn plan(hidden: &[usize], epochs: u32, query_size: usize, budget: usize) -> EpisodePlan {
    EpisodePlan {
        blocks: hidden.iter().map(|&width| Block::Dense { width }).collect(),
        dropout: 0.0,
        train: TrainPlan {
            drop_last: false,
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.02,
            weight_decay: 1e-4,
            batch: 16,
            stop: Stop::Epochs { epochs },
            start: Start::Scratch,
        },
        initial: InitialPool::default(),
        initial_per_class: 1,
        query_size,
        budget,
        metric: Metric::default(),
        target_accuracy: None,
        measure: Measure::RewardAndTest,
        oracle_on: OracleOn::Reward,
        first_epochs: None,
        fit_per_label: false,
        device: DeviceKind::Cpu,
        stops: false,
        annotator: None,
        augment: None,
        consistency: None,
        ensemble: 1,
        price: querist::data::Price::default(),
        generator: None,
        rejected: querist::episode::Rejected::default(),
        target_share: None,
        stop_on: StopOn::default(),
    }
}

fn players(name: &str, seeds: std::ops::Range<u64>) -> Vec<Player> {
    players_on("iris", name, seeds)
}

fn players_on(data: &str, name: &str, seeds: std::ops::Range<u64>) -> Vec<Player> {
    let player = |seed| Player {
        name: name.to_string(),
        strategy: Registry::builtin().build(name).unwrap(),
        replicate: replicate(data, seed),
        repetition: seed as u32,
        architect: None,
    };
    seeds.map(player).collect()
}

fn picks(played: &[Played]) -> Vec<Vec<u32>> {
    played.iter().flat_map(|played| &played.rows).map(|row| row.picks.clone()).collect()
}

/// Whoever plays beside it, and however many threads there are, a learned loss is the same; the episode's own
/// network is not touched by it.
#[test]
fn learned_losses_are_their_episodes_own() {
    let plan = plan(&[8, 6], 40, 3, 9);
    let alone: Vec<Played> =
        (0..3).flat_map(|seed| play(&plan, players("llal", seed..seed + 1)).unwrap()).collect();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let together = pool.install(|| play(&plan, players("llal", 0..3)).unwrap());
        assert_eq!(picks(&together), picks(&alone), "{threads} threads");
    }
    let margin = play(&plan, players("margin", 0..3)).unwrap();
    assert_ne!(picks(&alone), picks(&margin));
    for (llal, margin) in alone.iter().zip(&margin) {
        assert_eq!(llal.rows[0].accuracy, margin.rows[0].accuracy, "the same first network");
        assert_eq!(llal.rows.last().unwrap().steps, margin.rows.last().unwrap().steps);
    }
}

#[test]
fn losses_are_predicted_for_every_candidate_and_only_on_demand() {
    let episodes =
        Episodes::reset(&plan(&[8], 40, 3, 9), &[replicate("iris", 1), replicate("iris", 2)]).unwrap();
    let asking = Needs { predicted_loss: true, ..Needs::NONE };
    let extras = episodes.extras(&[(0, Needs::NONE), (1, asking)]).unwrap();
    assert!(extras[0].predicted_loss.is_none());
    let signals = episodes.signals(1, asking, Key::root(0));
    let losses = extras[1].predicted_loss.as_ref().unwrap();
    assert_eq!(losses.len(), episodes.view(1, &signals).candidates().len());
    assert!(losses.iter().all(|loss| loss.is_finite()) && losses.iter().any(|loss| loss != &losses[0]));
    // Without hidden activations there is nothing to predict from.
    let linear = Episodes::reset(&plan(&[], 40, 3, 9), &[replicate("iris", 1)]).unwrap();
    let error = linear.extras(&[(0, asking)]).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(LearnError::Taps)), "{error}");
}

/// dynamicAL tells in the rows how good its approximation was.
#[test]
fn notes_go_into_the_rows_they_belong_to() {
    for name in ["dynamic_al", "dynamic_al(layers=last,redundancy=2)"] {
        let played = play(&plan(&[8], 40, 3, 9), players(name, 0..1)).unwrap();
        let rows = &played[0].rows;
        let (last, asked) = rows.split_last().unwrap();
        assert_eq!((asked.len(), last.picks.len(), last.note.as_deref()), (3, 0, None));
        for row in asked {
            let note = row.note.as_deref().unwrap();
            assert!(note.contains("squared gradient norm"), "{name}: {note}");
        }
    }
    // Too few labels for a temperature leave it at 1.
    let played = play(&plan(&[8], 40, 3, 9), players("power(scaled(entropy))", 0..1)).unwrap();
    assert!(played[0].rows[0].note.is_none(), "a stochastic batch is not its score's best");
    let played = play(&plan(&[8], 40, 3, 9), players("scaled(capped(entropy,candidates=10))", 0..1)).unwrap();
    let note = played[0].rows[0].note.as_deref().unwrap();
    assert!(note.starts_with("temperature 1.000; chosen among 30 of "), "{note}");
}

/// The greedy oracle's curve lies above random's in at least 95 % of runs.
#[test]
fn the_oracle_is_hardly_ever_behind_random() {
    let plan = plan(&[], 30, 1, 8);
    let area = |played: &Played| played.rows.iter().map(|row| row.reward_accuracy).sum::<f64>();
    let oracle = play(&plan, players("greedy_oracle", 0..20)).unwrap();
    let random = play(&plan, players("random", 0..20)).unwrap();
    let ahead = oracle.iter().zip(&random).filter(|(oracle, random)| area(oracle) >= area(random));
    let ahead = ahead.count();
    assert!(ahead >= 19, "{ahead} of 20");
}

/// What a strategy that tells no candidates apart asks for: the smallest ids, whatever the network says.
fn ascending(played: &[Played]) -> usize {
    let of_one = |played: &Played| {
        let picks: Vec<u32> = played.rows.iter().flat_map(|row| row.picks.iter().copied()).collect();
        assert_eq!(picks.len(), 8);
        picks.is_sorted()
    };
    played.iter().filter(|played| of_one(played)).count()
}

/// Under a warm start and at the optimum of a logistic regression, committees were copies of one network, and asked for
/// rows 0, 1, 2 and so on; so did passes of a network that is trained without dropout.
#[test]
fn several_predictions_differ_whatever_the_network_starts_from() {
    let warm = EpisodePlan {
        train: TrainPlan { start: Start::Warm, batch: 64, ..plan(&[24, 12], 40, 1, 8).train },
        ..plan(&[24, 12], 40, 1, 8)
    };
    let logistic = EpisodePlan {
        train: TrainPlan { optimiser: Optimiser::Lbfgs { ridge: 1.0 }, ..plan(&[], 40, 1, 8).train },
        ..plan(&[], 40, 1, 8)
    };
    for data in ["digits", "breast_cancer"] {
        for (plan, name) in [
            (&warm, "qbc"),
            (&warm, "ensemble(variation_ratio)"),
            (&warm, "variation_ratio(rate=0.5)"),
            (&logistic, "qbc"),
            (&logistic, "ensemble(bald)"),
        ] {
            let played = play(plan, players_on(data, name, 0..3)).unwrap();
            assert_eq!(ascending(&played), 0, "{name} on {data}: {:?}", picks(&played));
        }
    }
}

/// In batches of ten, the best of twenty simulated batches is ahead of a sum of single rows and of random.
#[test]
fn the_best_of_strategies_is_ahead_in_batches() {
    let plan = plan(&[], 30, 10, 40);
    let area = |played: &Played| played.rows.iter().map(|row| row.reward_accuracy).sum::<f64>();
    let name = "best_of_strategies(random,margin,k_center)";
    let best = play(&plan, players_on("breast_cancer", name, 0..10)).unwrap();
    for other in ["random", "margin"] {
        let other = play(&plan, players_on("breast_cancer", other, 0..10)).unwrap();
        let ahead = best.iter().zip(&other).filter(|(best, other)| area(best) >= area(other)).count();
        assert!(ahead >= 9, "{ahead} of 10");
    }
    let note = best[0].rows[0].note.as_deref().unwrap();
    assert!(note.starts_with("drafted by arm "), "{note}");
}

/// A batch is worth what its rows gain together: on 95 % of generated tasks, ten rows of the best of several strategies' batches, the
/// one-step oracle's among them, gain no less than the ten rows whose single gains are largest.
#[test]
fn an_expert_for_batches_is_hardly_ever_behind_the_one_step_oracle() {
    const TASKS: u64 = 40;
    let family = SourceFamily::new(Key::root(11));
    let plan = plan(&[], 30, 10, 10);
    let ahead = (0..TASKS).filter(|&number| {
        let key = Key::root(number);
        let task =
            Task::split(&family.sample(number).unwrap(), &SplitPlan::default(), key.named("split")).unwrap();
        let replicate = Replicate { prepared: PreparedTask::new(task), key };
        let gained = |name: &str| {
            let player = Player {
                name: name.to_string(),
                strategy: Registry::builtin().build(name).unwrap(),
                replicate: replicate.clone(),
                repetition: 0,
                architect: None,
            };
            play(&plan, vec![player]).unwrap()[0].rows[1].reward_accuracy
        };
        let expert = "best_of_strategies(greedy_oracle,margin,badge,k_center,drafts=20)";
        gained(expert) >= gained("greedy_oracle")
    });
    let ahead = ahead.count() as u64;
    assert!(100 * ahead >= 95 * TASKS, "{ahead} of {TASKS}");
}
