//! Policy gradient on ordered batches: REINFORCE with a baseline, and the clipped-ratio variant.
//!
//! A decision's probability is that of its ordered batch (Plackett–Luce), so one learner serves query
//! size 1 and batches. The advantage of a decision is its return minus the return of a baseline that the
//! environment gives, such as another strategy's episode from the same seed.
//!
//! Williams, "Simple statistical gradient-following algorithms", Machine Learning 1992; the clipped ratio
//! is Schulman et al., "Proximal policy optimization algorithms", 2017, without a value network.

use super::error::AgentError;
use super::gradients;
use super::network::{Network, NetworkShape};
use super::optimiser::{AdamW, OptimiserConfig};
use super::trainer::{Algorithm, Environment, Learns, Shape, Trainer, TrainerConfig, TrainingPoint};
use super::trajectory::{Advantage, Trajectory, Weighted, weigh};
use crate::error::Result;
use crate::rng::Key;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The surrogate whose gradient is followed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Variant {
    /// `advantage · log π`; one pass over the decisions.
    Reinforce,
    /// `min(ratio · advantage, clamp(ratio, 1 ± epsilon) · advantage)`; allows several passes.
    Clipped { epsilon: f32 },
}

/// How one update is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GradientConfig {
    /// The surrogate.
    pub variant: Variant,
    /// Passes over the decisions of one update; 1 for [`Variant::Reinforce`].
    pub epochs: u32,
    /// Decisions per step of the optimiser.
    pub minibatch: usize,
    /// Weight of the entropy bonus, per pick, in nats.
    pub entropy: f32,
    /// Scaling of advantages.
    pub advantage: Advantage,
    /// The step itself.
    pub optimiser: OptimiserConfig,
}

impl Default for GradientConfig {
    fn default() -> Self {
        Self {
            variant: Variant::Clipped { epsilon: 0.2 },
            epochs: 2,
            minibatch: 256,
            entropy: 0.01,
            advantage: Advantage::Scaled,
            optimiser: OptimiserConfig { learning_rate: 1e-3, weight_decay: 0.0, clip_norm: 1.0 },
        }
    }
}

/// What one update came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Decisions learned from.
    pub decisions: usize,
    /// Steps of the optimiser.
    pub steps: u32,
    /// Mean entropy per pick under the policy, in nats, over all passes.
    pub entropy: f64,
    /// Mean norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Mean of `log π_old − log π_new` over all passes: an estimate of how far the policy moved.
    pub approx_kl: f64,
}

impl GradientConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`AgentError::Rate`] or [`AgentError::Setting`] for one outside its limits.
    pub fn check(&self) -> Result<(), AgentError> {
        self.optimiser.check()?;
        let most = match self.variant {
            Variant::Reinforce => 1,
            Variant::Clipped { .. } => 100,
        };
        let rules = [
            ("policy gradient: epochs", self.epochs as usize, most),
            ("policy gradient: minibatch", self.minibatch, 1 << 20),
        ];
        for (place, found, most) in rules {
            if !(1..=most).contains(&found) {
                return Err(AgentError::Setting { place, found, least: 1, most });
            }
        }
        let found = f64::from(self.entropy);
        if !(found.is_finite() && found >= 0.0) {
            let expected = "a number of at least 0";
            return Err(AgentError::Rate { place: "policy gradient: entropy", found, expected });
        }
        if let Variant::Clipped { epsilon } = self.variant
            && !(epsilon > 0.0 && epsilon < 1.0)
        {
            let (place, expected) = ("policy gradient: epsilon", "a number in (0, 1)");
            return Err(AgentError::Rate { place, found: f64::from(epsilon), expected });
        }
        Ok(())
    }
}

/// Moves `network` along the gradient of the episodes' advantage; minibatches are drawn from `key`.
///
/// # Errors
/// [`AgentError`] if a setting, a return or a pick is refused, there is no decision, or the gradient is
/// not finite. A refused trajectory is found before anything is learned; a gradient that is not finite ends
/// the update between two steps.
pub fn update(
    network: &mut Network,
    optimiser: &mut AdamW,
    trajectories: &[Trajectory],
    config: &GradientConfig,
    key: Key,
) -> Result<Update> {
    config.check()?;
    let decisions = weigh(network, trajectories, config.advantage)?;
    if decisions.is_empty() {
        return Err(AgentError::NothingToLearn { place: "policy gradient" }.into());
    }
    let (mut steps, mut norms, mut totals) = (0u32, 0.0, Totals::default());
    for epoch in 0..config.epochs {
        let mut order: Vec<usize> = (0..decisions.len()).collect();
        order.shuffle(&mut key.at(u64::from(epoch)).rng());
        for minibatch in order.chunks(config.minibatch) {
            let chosen: Vec<&Weighted<'_>> = minibatch.iter().map(|&i| &decisions[i]).collect();
            let (gradient, sums) = gradients::policy_gradient(network, &chosen, config)?;
            norms += optimiser.update(network, gradient)?;
            totals.add(&sums);
            steps += 1;
        }
    }
    Ok(Update {
        decisions: decisions.len(),
        steps,
        entropy: totals.entropy / totals.count,
        gradient_norm: norms / f64::from(steps),
        approx_kl: totals.approx_kl / totals.count,
    })
}

/// The gradient of the loss (the negative surrogate and entropy bonus, a mean over all decisions), in the
/// order of the flat weights: what [`update`] would follow with all decisions in one minibatch.
///
/// # Errors
/// As [`update`].
pub fn gradient(network: &Network, trajectories: &[Trajectory], config: &GradientConfig) -> Result<Vec<f32>> {
    config.check()?;
    let decisions = weigh(network, trajectories, config.advantage)?;
    Ok(gradients::policy_gradient(network, &decisions.iter().collect::<Vec<_>>(), config)?.0)
}

/// Policy gradient between two updates.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyGradient {
    network: Network,
    optimiser: AdamW,
}

impl Trainer<PolicyGradient> {
    /// Training of `network` by policy gradient that has not begun.
    ///
    /// # Errors
    /// If a setting is outside its limits.
    pub fn by_gradient(
        config: TrainerConfig<GradientConfig>,
        network: Network,
        key: Key,
    ) -> Result<Self, AgentError> {
        config.algorithm.check()?;
        let optimiser = AdamW::new(config.algorithm.optimiser);
        Self::of(config, PolicyGradient { network, optimiser }, key)
    }
}

impl<E: Environment + ?Sized> Learns<E> for PolicyGradient {
    /// The start is validated as it is; every further iteration plays episodes that explore, and learns from them.
    fn learn(
        &mut self,
        config: &Self::Config,
        last: Option<&TrainingPoint>,
        environment: &mut E,
        key: Key,
    ) -> Result<TrainingPoint> {
        let Some(last) = last else { return Ok(TrainingPoint::default()) };
        let iteration = last.iteration + 1;
        let key = key.at(u64::from(iteration));
        let played = environment.rollouts(&self.network, iteration, key.named("rollouts"))?;
        let order = key.named("update");
        let update = update(&mut self.network, &mut self.optimiser, &played, &config.algorithm, order)?;
        let mean =
            |of: fn(&Trajectory) -> f64| Some(played.iter().map(of).sum::<f64>() / played.len() as f64);
        Ok(TrainingPoint {
            iteration,
            episodes: last.episodes + played.len() as u64,
            mean_return: mean(|trajectory| trajectory.value()),
            mean_advantage: mean(|trajectory| trajectory.value() - trajectory.baseline()),
            update: Some(update),
            ..TrainingPoint::default()
        })
    }

    fn validate(environment: &mut E, network: &Network) -> Result<f64> {
        environment.validate(network)
    }
}

impl Algorithm for PolicyGradient {
    type Config = TrainerConfig<GradientConfig>;
    type Network = Network;
    type Point = TrainingPoint;
    type Text = NetworkShape;

    const FILE: &'static str = "checkpoint";
    const FORMAT: u32 = 3;
    const MAX_BYTES: usize = 256 << 20;

    fn schedule(config: &Self::Config) -> [u32; 2] {
        [config.iterations, config.validate_every]
    }

    fn with_iterations(config: Self::Config, iterations: u32) -> Self::Config {
        TrainerConfig { iterations, ..config }
    }

    fn network(&self) -> &Network {
        &self.network
    }

    fn weights(network: &Network) -> &[f32] {
        network.weights()
    }

    fn with_weights(&self, weights: Vec<f32>) -> Result<Network, AgentError> {
        self.network.with_weights(weights)
    }

    fn optimiser(&self) -> &AdamW {
        &self.optimiser
    }

    fn text(&self) -> NetworkShape {
        NetworkShape::of(&self.network)
    }

    fn check(&self, _config: &Self::Config, text: &NetworkShape) -> Result<(), AgentError> {
        text.check(&self.network)
    }

    fn tensors(&self) -> Vec<(Shape, Cow<'_, [f32]>)> {
        Vec::new()
    }

    fn shapes(&self, _text: &NetworkShape) -> Vec<Shape> {
        Vec::new()
    }

    fn resumed(
        self,
        _text: NetworkShape,
        network: Network,
        optimiser: AdamW,
        _tensors: Vec<Vec<f32>>,
    ) -> Result<Self, AgentError> {
        Ok(Self { network, optimiser })
    }
}

/// Sums over decisions, for reporting.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) count: f64,
    pub(super) entropy: f64,
    pub(super) approx_kl: f64,
}

impl Totals {
    pub(super) fn add(&mut self, other: &Totals) {
        self.count += other.count;
        self.entropy += other.entropy;
        self.approx_kl += other.approx_kl;
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::{log_probability, sample};
    use super::super::network::{Kind, NetworkConfig};
    use super::super::testing::{observation, random_network};
    use super::super::trajectory::{Decision, Returns};
    use super::*;
    use crate::episode::Observation;

    fn raw(variant: Variant, entropy: f32) -> GradientConfig {
        let advantage = Advantage::Raw;
        GradientConfig { variant, epochs: 1, entropy, advantage, ..GradientConfig::default() }
    }

    fn single(state: &Observation, network: &Network, picks: &[usize], value: f64) -> Trajectory {
        let log_probability = log_probability(&network.score(state).unwrap(), picks);
        let step = Decision { observation: state.clone(), picks: picks.to_vec(), log_probability };
        Trajectory { steps: vec![step], returns: Returns::Total { value, baseline: 0.0 } }
    }

    /// All ordered batches of `b` out of `n`.
    fn arrangements(n: usize, b: usize) -> Vec<Vec<usize>> {
        if b == 0 {
            return vec![vec![]];
        }
        let longer = |start: Vec<usize>| {
            let free: Vec<usize> = (0..n).filter(|i| !start.contains(i)).collect();
            free.into_iter().map(move |i| [start.clone(), vec![i]].concat())
        };
        arrangements(n, b - 1).into_iter().flat_map(longer).collect()
    }

    /// Weighting every possible batch of `n = 3` by its probability must give the gradient of the
    /// expected reward, found here by finite differences of the enumerated expectation.
    #[test]
    fn reinforce_matches_the_enumerated_gradient() {
        let rewards = |picks: &[usize]| match picks[0] {
            0 => 1.0 + 0.5 * picks.len() as f64,
            1 => -0.4,
            _ => 0.3 * picks.last().copied().unwrap_or(0) as f64,
        };
        for batch in [1, 2] {
            for kind in [Kind::Linear, Kind::DeepSets] {
                let config = NetworkConfig { kind, hidden: 3, layers: 1 };
                let network = random_network(config, 4, 2, Key::root(3));
                let state = observation(3, 4, 2, Key::root(4));
                let expected_reward = |network: &Network| -> f64 {
                    let scores = network.score(&state).unwrap();
                    let all = arrangements(3, batch);
                    all.iter().map(|p| log_probability(&scores, p).exp() * rewards(p)).sum()
                };
                let mut enumerated = vec![0.0f64; network.weights().len()];
                for variant in [Variant::Reinforce, Variant::Clipped { epsilon: 0.2 }] {
                    enumerated.fill(0.0);
                    for picks in arrangements(3, batch) {
                        let one = single(&state, &network, &picks, rewards(&picks));
                        let p = one.steps[0].log_probability.exp();
                        let g = gradient(&network, &[one], &raw(variant, 0.0)).unwrap();
                        enumerated.iter_mut().zip(g).for_each(|(sum, g)| *sum -= p * f64::from(g));
                    }
                    for (i, &analytic) in enumerated.iter().enumerate() {
                        let mut moved = network.clone();
                        let step = 1e-3;
                        moved.weights_mut()[i] += step;
                        let up = expected_reward(&moved);
                        moved.weights_mut()[i] -= 2.0 * step;
                        let numeric = (up - expected_reward(&moved)) / f64::from(2.0 * step);
                        assert!((numeric - analytic).abs() < 1e-3, "{variant:?} {i}: {numeric} {analytic}");
                    }
                }
            }
        }
    }

    #[test]
    fn decisions_of_different_sizes_share_a_minibatch_without_disturbing_each_other() {
        let network = random_network(NetworkConfig::default(), 4, 2, Key::root(3));
        let all: Vec<Trajectory> = [(5, vec![2]), (9, vec![8, 0, 3]), (2, vec![1, 0])]
            .into_iter()
            .map(|(m, picks)| single(&observation(m, 4, 2, Key::root(m as u64)), &network, &picks, 1.5))
            .collect();
        let config = raw(Variant::Reinforce, 0.1);
        let together = gradient(&network, &all, &config).unwrap();
        let mut apart = vec![0.0; together.len()];
        for one in &all {
            let g = gradient(&network, std::slice::from_ref(one), &config).unwrap();
            apart.iter_mut().zip(g).for_each(|(sum, g)| *sum += g / 3.0);
        }
        let scale = together.iter().fold(0.0f32, |a, b| a.max(b.abs()));
        for (a, b) in together.iter().zip(&apart) {
            assert!((a - b).abs() < 1e-5 * scale.max(1.0), "{a} {b}");
        }
    }

    /// A two-armed choice in which one feature pays: the policy must come to prefer it.
    #[test]
    fn updates_raise_the_return_and_the_entropy_bonus_resists() {
        let state = observation(6, 3, 1, Key::root(1));
        let best = (0..6).max_by(|&a, &b| state.features.row(a)[0].total_cmp(&state.features.row(b)[0]));
        let best = best.unwrap();
        let chance = |entropy: f32| {
            let mut network = Network::new(NetworkConfig::default(), 3, 1, Key::root(2)).unwrap();
            let config = GradientConfig {
                entropy,
                optimiser: OptimiserConfig { learning_rate: 1e-2, weight_decay: 0.0, clip_norm: 1.0 },
                ..GradientConfig::default()
            };
            let mut optimiser = AdamW::new(config.optimiser);
            for iteration in 0..30 {
                let scores = network.score(&state).unwrap();
                let draw = |i| {
                    let s = sample(&scores, &state.candidates, 1, Key::root(iteration).at(i)).unwrap();
                    let reward = f64::from(u8::from(s.picks[0] == best));
                    let mut one = single(&state, &network, &s.picks, reward);
                    one.returns = Returns::PerStep { values: vec![reward], baselines: vec![1.0 / 6.0] };
                    one
                };
                let all: Vec<_> = (0..16).map(draw).collect();
                update(&mut network, &mut optimiser, &all, &config, Key::root(iteration)).unwrap();
            }
            log_probability(&network.score(&state).unwrap(), &[best]).exp()
        };
        let (free, bound) = (chance(0.0), chance(3.0));
        assert!(free > 0.8 && bound < 0.6, "{free} {bound}");
    }

    /// Fault case 40: a reward that is not a number never enters learning.
    #[test]
    fn rewards_and_picks_are_checked_before_anything_is_learned() {
        let network = random_network(NetworkConfig::default(), 4, 2, Key::root(3));
        let state = observation(5, 4, 2, Key::root(1));
        let good = single(&state, &network, &[2], 1.0);
        let run = |bad: Trajectory| {
            let mut copy = network.clone();
            let mut optimiser = AdamW::new(OptimiserConfig::default());
            let all = [good.clone(), bad];
            let config = GradientConfig::default();
            let error = update(&mut copy, &mut optimiser, &all, &config, Key::root(0)).unwrap_err();
            assert_eq!(copy, network);
            error.downcast_ref::<AgentError>().expect("this layer's error").clone()
        };
        let with = |returns| Trajectory { returns, ..good.clone() };
        let error = run(with(Returns::Total { value: f64::NAN, baseline: 0.0 }));
        assert!(matches!(error, AgentError::Reward { what: "return", trajectory: 1, step: 0, .. }));
        let error = run(with(Returns::PerStep { values: vec![0.0], baselines: vec![f64::INFINITY] }));
        assert!(matches!(error, AgentError::Reward { what: "baseline", .. }));
        let error = run(with(Returns::PerStep { values: vec![], baselines: vec![0.0] }));
        assert!(matches!(error, AgentError::Returns { returns: 0, decisions: 1, .. }));
        let picked = |picks: Vec<usize>| {
            let mut bad = good.clone();
            bad.steps[0].picks = picks;
            run(bad)
        };
        assert!(matches!(picked(vec![5]), AgentError::Pick { pick: 5, candidates: 5, .. }));
        assert!(matches!(picked(vec![1, 1]), AgentError::Pick { pick: 1, .. }));
        assert!(matches!(picked(vec![]), AgentError::NoPick { trajectory: 1, decision: 0 }));
        let config = GradientConfig { variant: Variant::Reinforce, epochs: 2, ..GradientConfig::default() };
        assert!(matches!(config.check(), Err(AgentError::Setting { found: 2, most: 1, .. })));
    }
}
