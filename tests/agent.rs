//! The agent layer from outside: training a policy in a small environment, stopping and resuming it,
//! freezing it and using it.

use querist::agent::batch::{greedy, sample};
use querist::agent::{
    AgentError, AntitheticPair, Best, Decision, Environment, Evolution, EvolutionConfig, GradientConfig,
    Kind, Learns, Network, NetworkConfig, OptimiserConfig, PairResult, Policy, PolicyGradient, Provenance,
    Returns, Trainer, TrainerConfig, TrainingPoint, Trajectory, Variant,
};
use querist::data::{Matrix, RowId};
use querist::episode::{Observation, Schema};
use querist::query::Ties;
use querist::{Key, Result};
use rand::RngExt;

const SCHEMA: Schema = Schema { version: 1, candidate: &["a", "b", "noise"], global: &["phase", "budget"] };
const POOL: usize = 20;
const ROUNDS: usize = 5;
const CLIPPED: Variant = Variant::Clipped { epsilon: 0.2 };

/// A pool of items is asked for in batches. In one phase items with a large `a` pay, in the other those
/// with a small one: only the product of feature and global tells what to ask for.
struct Toy {
    batch: usize,
    /// The iteration in which an episode returns a reward that is not a number.
    spoil: Option<u32>,
}

fn state(key: Key, round: usize) -> Observation {
    let mut rng = key.at(round as u64).rng();
    let values = (0..POOL * 3).map(|_| rng.random_range(-1.0f32..1.0)).collect();
    let phase = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    Observation {
        candidates: (0..POOL as u32).map(RowId).collect(),
        features: Matrix::new(values, POOL, 3),
        globals: vec![phase, round as f32 / ROUNDS as f32],
    }
}

/// Mean pay of the picks; random picks earn 0 on average.
fn pay(state: &Observation, picks: &[usize]) -> f64 {
    let one = |&pick: &usize| f64::from(state.features.row(pick)[0] * state.globals[0]);
    picks.iter().map(one).sum::<f64>() / picks.len() as f64
}

/// For each round, what is still to be earned.
fn to_go(rewards: &[f64]) -> Vec<f64> {
    let mut sums: Vec<f64> = rewards.to_vec();
    for i in (0..sums.len() - 1).rev() {
        sums[i] += sums[i + 1];
    }
    sums
}

impl Environment for Toy {
    fn rollouts(&mut self, network: &Network, iteration: u32, key: Key) -> Result<Vec<Trajectory>> {
        let episode = |episode: u64| -> Result<Trajectory> {
            let key = key.at(episode);
            let (mut steps, mut earned, mut random) = (Vec::new(), Vec::new(), Vec::new());
            for round in 0..ROUNDS {
                let observation = state(key, round);
                let rows = &observation.candidates;
                let scores = network.score(&observation)?;
                let drawn = sample(&scores, rows, self.batch, key.named("draw").at(round as u64))?;
                let blind = sample(&[0.0; POOL], rows, self.batch, key.named("random").at(round as u64))?;
                earned.push(pay(&observation, &drawn.picks));
                random.push(pay(&observation, &blind.picks));
                let (picks, log_probability) = (drawn.picks, drawn.log_probability);
                steps.push(Decision { observation, picks, log_probability });
            }
            if self.spoil == Some(iteration) {
                earned[2] = f64::NAN;
            }
            let returns = Returns::PerStep { values: to_go(&earned), baselines: to_go(&random) };
            Ok(Trajectory { steps, returns })
        };
        (0..16).map(episode).collect()
    }

    fn duels(&mut self, pairs: &[AntitheticPair], iteration: u32, key: Key) -> Result<Vec<PairResult>> {
        let duel = |(pair, both): (usize, &AntitheticPair)| {
            let replicates = key.at(pair as u64);
            let play = |network: &Network| earned(self.batch, 4, replicates, |seen| network.score(seen));
            let (mut plus, minus) = (play(&both.plus)?, play(&both.minus)?);
            if self.spoil == Some(iteration) {
                plus = f64::NAN;
            }
            Ok(PairResult { pair, task: 0, episodes: 4, plus, minus })
        };
        pairs.iter().enumerate().map(duel).collect()
    }

    fn validate(&mut self, network: &Network) -> Result<f64> {
        validated(self.batch, |observation| network.score(observation))
    }
}

/// Mean pay per round of greedy batches on fixed validation episodes.
fn validated(batch: usize, score: impl Fn(&Observation) -> Result<Vec<f32>>) -> Result<f64> {
    earned(batch, 100, Key::root(99).named("validation"), score)
}

/// Mean pay per round of greedy batches on the episodes of `key`.
fn earned(
    batch: usize,
    episodes: u64,
    key: Key,
    score: impl Fn(&Observation) -> Result<Vec<f32>>,
) -> Result<f64> {
    let mut sum = 0.0;
    for episode in 0..episodes {
        for round in 0..ROUNDS {
            let observation = state(key.at(episode), round);
            let ties = Ties::new(key.at(episode));
            let picks = greedy(&score(&observation)?, &observation.candidates, batch, ties)?;
            sum += pay(&observation, &picks);
        }
    }
    Ok(sum / (episodes as f64 * ROUNDS as f64))
}

fn config(iterations: u32, variant: Variant) -> TrainerConfig<GradientConfig> {
    TrainerConfig {
        iterations,
        validate_every: 4,
        algorithm: GradientConfig {
            variant,
            epochs: if variant == Variant::Reinforce { 1 } else { 2 },
            optimiser: OptimiserConfig { learning_rate: 2e-2, weight_decay: 0.0, clip_norm: 1.0 },
            ..GradientConfig::default()
        },
    }
}

fn evolving(iterations: u32) -> TrainerConfig<EvolutionConfig> {
    let optimiser = OptimiserConfig { learning_rate: 0.1, weight_decay: 0.0, clip_norm: 1e9 };
    let config = EvolutionConfig { pairs: 8, optimiser, ..EvolutionConfig::default() };
    TrainerConfig { iterations, validate_every: 4, algorithm: config }
}

/// A training by evolution strategy with scales that are not all the same.
fn evolved(kind: Kind, iterations: u32) -> Trainer<Evolution> {
    let start = network(kind);
    let scale = (0..start.weights().len()).map(|i| 0.5 + (i % 3) as f32 / 4.0).collect();
    Trainer::by_evolution(evolving(iterations), start, scale, Key::root(6)).unwrap()
}

fn network(kind: Kind) -> Network {
    let config = NetworkConfig { kind, hidden: 8, layers: 1 };
    Network::new(config, 3, 2, Key::root(5).named("weights")).unwrap()
}

fn untrained(kind: Kind, variant: Variant, iterations: u32) -> Trainer<PolicyGradient> {
    Trainer::by_gradient(config(iterations, variant), network(kind), Key::root(6)).unwrap()
}

fn trained(kind: Kind, variant: Variant, batch: usize, iterations: u32) -> Trainer<PolicyGradient> {
    let mut trainer = untrained(kind, variant, iterations);
    trainer.run(&mut Toy { batch, spoil: None }, |_| Ok(true)).unwrap();
    trainer
}

#[test]
fn training_raises_the_return_far_above_the_untrained_network() {
    for (kind, variant, batch) in
        [(Kind::Linear, Variant::Reinforce, 1), (Kind::DeepSets, CLIPPED, 1), (Kind::DeepSets, CLIPPED, 3)]
    {
        let trainer = trained(kind, variant, batch, 40);
        let history = trainer.history();
        assert_eq!((history.len(), history[40].episodes), (41, 640));
        let before = history[0].validation.unwrap();
        let &Best { iteration, validation: best, .. } = trainer.best().unwrap();
        // The largest of 20 uniform values is 0.90 on average, the mean of the three largest 0.81.
        assert!(before.abs() < 0.1, "{before}");
        assert!(best > 0.7 && iteration > 0, "{kind:?} {variant:?} {batch}: {best}");
        let mean = |points: &[TrainingPoint]| {
            points.iter().filter_map(|p| p.mean_advantage).sum::<f64>() / points.len() as f64
        };
        let (early, late) = (mean(&history[1..4]), mean(&history[36..]));
        assert!(late > early + 0.4, "{early} {late}");
        let entropy = |at: usize| history[at].update.unwrap().entropy;
        assert!(entropy(40) < entropy(1));
    }
}

/// The optimum is known: 0.90 for the largest of 20 uniform values.
#[test]
fn an_evolution_strategy_finds_the_feature_times_the_global() {
    for kind in [Kind::Linear, Kind::Mlp, Kind::DeepSets] {
        let mut trainer = evolved(kind, 120);
        trainer.run(&mut Toy { batch: 1, spoil: None }, |_| Ok(true)).unwrap();
        let before = trainer.history()[0].validation.unwrap();
        let &Best { iteration, validation: best, .. } = trainer.best().unwrap();
        assert!(before.abs() < 0.1 && best > 0.75 && iteration > 0, "{kind:?}: {before} {best}");
    }
}

#[test]
fn a_resumed_training_gives_the_bytes_of_an_uninterrupted_one() {
    let whole = trained(Kind::DeepSets, CLIPPED, 2, 11).to_bytes();
    assert_eq!(whole, trained(Kind::DeepSets, CLIPPED, 2, 11).to_bytes());
    assert_resumes(&whole, |iterations| untrained(Kind::DeepSets, CLIPPED, iterations));
}

#[test]
fn a_resumed_evolution_gives_the_bytes_of_an_uninterrupted_one() {
    for kind in [Kind::Linear, Kind::Mlp, Kind::DeepSets] {
        let mut trainer = evolved(kind, 11);
        trainer.run(&mut Toy { batch: 2, spoil: None }, |_| Ok(true)).unwrap();
        assert_eq!(trainer.history()[11].episodes, 11 * 8 * 2 * 4);
        assert_resumes(&trainer.to_bytes(), |iterations| evolved(kind, iterations));
    }
}

/// Training that is stopped after some iterations and goes on from its bytes ends with `whole`.
fn assert_resumes<A: Learns<Toy>>(whole: &[u8], begin: impl Fn(u32) -> Trainer<A>) {
    for interruption in [1, 2, 7, 12] {
        let mut toy = Toy { batch: 2, spoil: None };
        let mut first = begin(11);
        first.run(&mut toy, |trainer| Ok(trainer.history().len() < interruption)).unwrap();
        assert_eq!(first.history().len(), interruption);
        let mut second = begin(11).resumed(&first.to_bytes()).unwrap();
        assert_eq!(second, first);
        second.run(&mut toy, |_| Ok(true)).unwrap();
        assert_eq!(second.to_bytes(), whole, "interrupted after {interruption}");
    }
}

/// burn's automatic differentiation shares one global registry: trainings side by side must not meet in it.
#[test]
fn trainings_side_by_side_do_not_disturb_each_other() {
    let alone: Vec<Vec<u8>> = (1..=4).map(|b| trained(Kind::DeepSets, CLIPPED, b, 12).to_bytes()).collect();
    let together: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let run = |batch| scope.spawn(move || trained(Kind::DeepSets, CLIPPED, batch, 12).to_bytes());
        let threads: Vec<_> = (1..=4).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn a_checkpoint_of_another_training_or_a_damaged_one_is_refused() {
    let bytes = trained(Kind::DeepSets, CLIPPED, 1, 3).to_bytes();
    let (settings, start, key) = (config(3, CLIPPED), network(Kind::DeepSets), Key::root(6));
    let resumed = |bytes: &[u8], config, network: &Network, key| {
        Trainer::by_gradient(config, network.clone(), key)?.resumed(bytes)
    };
    let what = |result: Result<Trainer<PolicyGradient>, AgentError>| match result {
        Err(AgentError::Checkpoint { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let other = config(3, Variant::Reinforce);
    assert_eq!(what(resumed(&bytes, other, &start, key)), "configuration");
    assert_eq!(what(resumed(&bytes, settings, &start, Key::root(7))), "key");
    assert_eq!(what(resumed(&bytes, settings, &network(Kind::Linear), key)), "network");
    let shorter = config(2, CLIPPED);
    assert_eq!(what(resumed(&bytes, shorter, &start, key)), "number of iterations done");
    // A larger budget continues; it neither starts again nor returns the old answer.
    let mut longer = resumed(&bytes, config(5, CLIPPED), &start, key).unwrap();
    assert!(!longer.finished());
    longer.run(&mut Toy { batch: 1, spoil: None }, |_| Ok(true)).unwrap();
    assert_eq!(longer.history().len(), 6);
    for length in 0..bytes.len() {
        let error = resumed(&bytes[..length], settings, &start, key).unwrap_err();
        let damaged = matches!(error, AgentError::Malformed { .. } | AgentError::Damaged { .. });
        assert!(damaged, "{length}: {error}");
    }
    for bit in (0..bytes.len() * 8).step_by(5) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = resumed(&flipped, settings, &start, key).unwrap_err();
        assert!(matches!(error, AgentError::Damaged { .. }), "{bit}: {error}");
    }
}

/// Fault case 40: the iteration fails, and the trainer is as it was before it.
#[test]
fn a_nan_reward_stops_training_and_changes_nothing() {
    let mut trainer = untrained(Kind::DeepSets, CLIPPED, 5);
    let mut toy = Toy { batch: 1, spoil: Some(2) };
    trainer.step(&mut toy).unwrap();
    trainer.step(&mut toy).unwrap();
    let before = trainer.to_bytes();
    let error = trainer.step(&mut toy).unwrap_err();
    let expected = |e: &AgentError| matches!(e, AgentError::Reward { what: "return", trajectory: 0, .. });
    assert!(error.downcast_ref().is_some_and(expected), "{error}");
    assert_eq!(trainer.to_bytes(), before);
    toy.spoil = None;
    trainer.run(&mut toy, |_| Ok(true)).unwrap();
    assert_eq!(trainer.to_bytes(), trained(Kind::DeepSets, CLIPPED, 1, 5).to_bytes());

    let mut trainer = evolved(Kind::Linear, 5);
    let mut toy = Toy { batch: 1, spoil: Some(1) };
    trainer.step(&mut toy).unwrap();
    let before = trainer.to_bytes();
    let error = trainer.step(&mut toy).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(AgentError::PairResult { duel: 0, pair: 0, .. })), "{error}");
    assert_eq!(trainer.to_bytes(), before);
}

#[test]
fn the_frozen_policy_earns_what_the_trained_network_earned() {
    let trainer = trained(Kind::DeepSets, CLIPPED, 1, 20);
    let Best { network, iteration, validation } = trainer.best().unwrap().clone();
    let provenance = Provenance {
        name: "toy".into(),
        source_tasks: vec!["toy".into()],
        figures: [("validation".into(), validation), ("iteration".into(), f64::from(iteration))].into(),
        ..Provenance::default()
    };
    let policy = Policy::new(network.clone(), &SCHEMA, provenance).unwrap();
    let policy = Policy::from_parts(&policy.weights_bytes(), &policy.card_text(), &SCHEMA).unwrap();
    assert_eq!(validated(1, |o| policy.score(o)).unwrap(), policy.card().policy.figures["validation"]);
}

/// All learning algorithms of this crate keep what every one promises.
#[test]
fn every_learning_algorithm_keeps_the_contract() {
    let algorithms = querist::agent::Algorithms::builtin();
    algorithms.names().for_each(|name| querist::testing::algorithm_contract(&algorithms, name));
}
