//! REINFORCE over many data sets, with a baseline per task.

use super::network::{PangNetwork, WEIGHTS};
use super::observation::Described;
use crate::agent::error::AgentError;
use crate::agent::gradients;
use crate::agent::optimiser::{AdamW, OptimiserConfig};
use crate::agent::trainer::{Algorithm, Iteration, Learns, Shape, Trainer};
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One query of an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What the policy saw.
    pub seen: Described,
    /// Indices of the candidates drawn, in their order; at least one.
    pub picks: Vec<usize>,
    /// The gain in accuracy.
    pub reward: f64,
}

/// One episode on a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// The task, in any numbering: episodes of one task are each other's baseline.
    pub task: u32,
    /// Its queries.
    pub steps: Vec<Step>,
}

/// Plays episodes.
pub trait PangEnvironment {
    /// Episodes in which `network` explores, several on each of some tasks; they may depend on the
    /// arguments alone.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn episodes(&mut self, network: &PangNetwork, key: Key) -> Result<Vec<Episode>>;

    /// How good `network` is on tasks that it is not trained on, without drawing; higher = better. Always
    /// the same tasks and seeds.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn validate(&mut self, network: &PangNetwork) -> Result<f64>;
}

/// The settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PangConfig {
    /// Updates.
    pub iterations: u32,
    /// Updates between two validations; the start and the end are always validated.
    pub validate_every: u32,
    /// Discount of rewards per query.
    pub discount: f64,
    /// Weight of the entropy bonus.
    pub entropy: f32,
    /// Weight of the reconstruction.
    pub reconstruction: f32,
    /// The step itself.
    pub optimiser: OptimiserConfig,
}

impl Default for PangConfig {
    fn default() -> Self {
        Self {
            iterations: 200,
            validate_every: 10,
            discount: 0.99,
            entropy: 0.01,
            reconstruction: 0.03,
            optimiser: OptimiserConfig { learning_rate: 1e-3, weight_decay: 0.0, clip_norm: 1.0 },
        }
    }
}

impl PangConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`AgentError::Rate`] or [`AgentError::Setting`] for one outside its limits.
    pub fn check(&self) -> Result<(), AgentError> {
        self.optimiser.check()?;
        for (place, found, most) in [
            ("dataset embedding: discount", self.discount, 1.0),
            ("dataset embedding: entropy", f64::from(self.entropy), 1e3),
            ("dataset embedding: reconstruction", f64::from(self.reconstruction), 1e3),
        ] {
            if !(0.0..=most).contains(&found) {
                return Err(AgentError::Rate { place, found, expected: "a number from 0 to its limit" });
            }
        }
        Ok(())
    }
}

/// One iteration; iteration 0 is the start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PangPoint {
    /// Updates made.
    pub iteration: u32,
    /// Episodes learned from so far.
    pub episodes: u64,
    /// Mean sum of rewards of this iteration's episodes.
    pub mean_return: Option<f64>,
    /// Validation after the update, where there was one.
    pub validation: Option<f64>,
}

impl Iteration for PangPoint {
    fn number(&self) -> u32 {
        self.iteration
    }

    fn validation(&self) -> Option<f64> {
        self.validation
    }

    fn validated(&mut self, value: f64, _best: bool) {
        self.validation = Some(value);
    }
}

/// REINFORCE over many data sets, between two updates.
#[derive(Clone, Debug, PartialEq)]
pub struct OverDataSets {
    network: PangNetwork,
    optimiser: AdamW,
}

/// The policy of Pang et al. with all that a training has.
pub type Pang = Trainer<OverDataSets>;

impl Pang {
    /// Learning that has not begun.
    ///
    /// # Errors
    /// If a setting is outside its limits.
    pub fn new(config: PangConfig, key: Key) -> Result<Self, AgentError> {
        config.check()?;
        let (network, optimiser) = (PangNetwork::new(key.named("network")), AdamW::new(config.optimiser));
        Self::of(config, OverDataSets { network, optimiser }, key)
    }

    /// The learning that wrote `bytes`, if it had these settings and this key; more iterations are allowed.
    ///
    /// # Errors
    /// As [`resumed`](Self::resumed).
    pub fn from_bytes(bytes: &[u8], config: PangConfig, key: Key) -> Result<Self, AgentError> {
        Self::new(config, key)?.resumed(bytes)
    }
}

impl<E: PangEnvironment + ?Sized> Learns<E> for OverDataSets {
    /// The start is validated as it is; every further iteration plays episodes that explore, and learns from them.
    fn learn(
        &mut self,
        config: &PangConfig,
        last: Option<&PangPoint>,
        environment: &mut E,
        key: Key,
    ) -> Result<PangPoint> {
        let Some(last) = last else {
            return Ok(PangPoint { iteration: 0, episodes: 0, mean_return: None, validation: None });
        };
        let iteration = last.iteration + 1;
        let episodes = environment.episodes(&self.network, key.at(u64::from(iteration)))?;
        let rewards = episodes.iter().flat_map(|episode| &episode.steps).map(|step| step.reward);
        let mean_return = Some(rewards.sum::<f64>() / episodes.len().max(1) as f64);
        let gradient = gradient(&self.network, &episodes, config)?;
        self.optimiser.step(self.network.weights_mut(), gradient)?;
        let episodes = last.episodes + episodes.len() as u64;
        Ok(PangPoint { iteration, episodes, mean_return, validation: None })
    }

    fn validate(environment: &mut E, network: &PangNetwork) -> Result<f64> {
        environment.validate(network)
    }
}

/// For every episode and query, the discounted rewards from there on minus their mean over the other
/// episodes of the task at the same query; a task with one episode has no baseline.
fn advantages(episodes: &[Episode], discount: f64) -> Result<Vec<Vec<f64>>, AgentError> {
    let mut all = Vec::with_capacity(episodes.len());
    let mut sums = BTreeMap::<(u32, usize), (f64, usize)>::new();
    for (trajectory, episode) in episodes.iter().enumerate() {
        let mut returns = vec![0.0; episode.steps.len()];
        let mut later = 0.0;
        for (step, found) in episode.steps.iter().enumerate().rev() {
            let (what, value, candidates) = ("reward", found.reward, found.seen.candidates.len());
            if !value.is_finite() {
                return Err(AgentError::Reward { what, trajectory, step, value });
            }
            if found.picks.is_empty() {
                return Err(AgentError::NoPick { trajectory, decision: step });
            }
            let doubled = |at: &usize| found.picks[..*at].contains(&found.picks[*at]);
            let strange = |at: &usize| found.picks[*at] >= candidates || doubled(at);
            if let Some(pick) = (0..found.picks.len()).find(strange).map(|at| found.picks[at]) {
                return Err(AgentError::Pick { trajectory, decision: step, pick, candidates });
            }
            later = value + discount * later;
            returns[step] = later;
            let sum = sums.entry((episode.task, step)).or_default();
            *sum = (sum.0 + later, sum.1 + 1);
        }
        all.push(returns);
    }
    for (episode, returns) in episodes.iter().zip(&mut all) {
        for (step, value) in returns.iter_mut().enumerate() {
            let (sum, count) = sums[&(episode.task, step)];
            if count > 1 {
                *value -= (sum - *value) / (count - 1) as f64;
            }
        }
    }
    Ok(all)
}

/// The gradient of the loss, a mean over all queries. Advantages are divided by their root mean square.
fn gradient(
    network: &PangNetwork,
    episodes: &[Episode],
    config: &PangConfig,
) -> Result<Vec<f32>, AgentError> {
    let advantages = advantages(episodes, config.discount)?;
    let count = advantages.iter().map(Vec::len).sum::<usize>();
    if count == 0 {
        return Err(AgentError::NothingToLearn { place: "dataset embedding" });
    }
    let squares: f64 = advantages.iter().flatten().map(|a| a * a).sum();
    let unit = (squares / count as f64).sqrt();
    let mut total = vec![0.0f32; WEIGHTS];
    for (episode, advantages) in episodes.iter().zip(&advantages) {
        for (step, advantage) in episode.steps.iter().zip(advantages) {
            let advantage = if unit > 0.0 { (advantage / unit) as f32 } else { 0.0 };
            let factors = [advantage, config.entropy, config.reconstruction, count as f32];
            let gradient = gradients::pang(network, &step.seen, &step.picks, factors)?;
            for (sum, g) in total.iter_mut().zip(gradient) {
                *sum += g;
            }
        }
    }
    Ok(total)
}

/// What a checkpoint says besides numbers: nothing.
#[derive(Debug, Serialize, Deserialize)]
pub struct Nothing {}

impl Algorithm for OverDataSets {
    type Config = PangConfig;
    type Network = PangNetwork;
    type Point = PangPoint;
    type Text = Nothing;

    const FILE: &'static str = "dataset-embedding checkpoint";
    const FORMAT: u32 = 2;
    const MAX_BYTES: usize = 64 << 20;

    fn schedule(config: &PangConfig) -> [u32; 2] {
        [config.iterations, config.validate_every]
    }

    fn with_iterations(config: PangConfig, iterations: u32) -> PangConfig {
        PangConfig { iterations, ..config }
    }

    fn network(&self) -> &PangNetwork {
        &self.network
    }

    fn weights(network: &PangNetwork) -> &[f32] {
        network.weights()
    }

    fn with_weights(&self, weights: Vec<f32>) -> Result<PangNetwork, AgentError> {
        PangNetwork::from_weights(weights)
    }

    fn optimiser(&self) -> &AdamW {
        &self.optimiser
    }

    fn text(&self) -> Nothing {
        Nothing {}
    }

    fn check(&self, _config: &PangConfig, _text: &Nothing) -> Result<(), AgentError> {
        Ok(())
    }

    fn tensors(&self) -> Vec<(Shape, Cow<'_, [f32]>)> {
        Vec::new()
    }

    fn shapes(&self, _text: &Nothing) -> Vec<Shape> {
        Vec::new()
    }

    fn resumed(
        self,
        _text: Nothing,
        network: PangNetwork,
        optimiser: AdamW,
        _tensors: Vec<Vec<f32>>,
    ) -> Result<Self, AgentError> {
        Ok(Self { network, optimiser })
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::tests::described;
    use super::*;
    use crate::agent::batch;
    use crate::query::Ties;

    /// Tasks of different widths; in each, candidates with a large value of the feature whose description
    /// has its weight in the first bin pay.
    struct Toy;

    fn task(width: usize, key: Key) -> Described {
        let mut seen = described(8, width, key);
        let marked = key.seed64() as usize % width;
        for feature in 0..width {
            seen.features.row_mut(feature).fill(0.0);
            seen.features.row_mut(feature)[if feature == marked { 0 } else { 5 }] = 1.0;
        }
        seen
    }

    fn pay(seen: &Described, pick: usize) -> f64 {
        let marked = (0..seen.features.rows()).find(|&feature| seen.features.row(feature)[0] == 1.0);
        f64::from(seen.inputs.row(pick)[marked.unwrap()])
    }

    impl PangEnvironment for Toy {
        fn episodes(&mut self, network: &PangNetwork, key: Key) -> Result<Vec<Episode>> {
            let episode = |index: u64| -> Result<Episode> {
                let task_key = key.at(index / 4);
                let seen = task(2 + (index / 4) as usize % 3, task_key);
                let scores = network.score(&seen)?;
                let drawn = batch::sample(&scores, &seen.candidates, 1, key.named("draw").at(index))?;
                let reward = pay(&seen, drawn.picks[0]);
                Ok(Episode {
                    task: (index / 4) as u32,
                    steps: vec![Step { seen, picks: drawn.picks, reward }],
                })
            };
            (0..32).map(episode).collect()
        }

        /// On a width that was never seen in training.
        fn validate(&mut self, network: &PangNetwork) -> Result<f64> {
            let key = Key::root(5).named("validation");
            let mut sum = 0.0;
            for index in 0..100 {
                let seen = task(7, key.at(index));
                let best =
                    batch::greedy(&network.score(&seen)?, &seen.candidates, 1, Ties::new(key.at(index)))?;
                sum += pay(&seen, best[0]);
            }
            Ok(sum / 100.0)
        }
    }

    fn config(iterations: u32) -> PangConfig {
        let optimiser = OptimiserConfig { learning_rate: 1e-2, weight_decay: 0.0, clip_norm: 1.0 };
        PangConfig { iterations, validate_every: 4, optimiser, ..PangConfig::default() }
    }

    fn learned(iterations: u32) -> Pang {
        let mut pang = Pang::new(config(iterations), Key::root(1)).unwrap();
        while !pang.finished() {
            pang.step(&mut Toy).unwrap();
        }
        pang
    }

    /// The largest of 8 uniform values in [-1, 1] is 7/9 on average; with none learned, the first is 0.
    #[test]
    fn it_learns_which_feature_matters_and_finds_it_at_an_unseen_width() {
        let pang = learned(60);
        let before = pang.history()[0].validation.unwrap();
        let best = pang.best().unwrap().validation;
        assert!(before.abs() < 0.2 && best > 0.5, "{before} {best}");
    }

    #[test]
    fn resumed_learning_gives_the_bytes_of_uninterrupted_learning() {
        let whole = learned(6).to_bytes();
        for stop in [0, 1, 3, 7] {
            let mut pang = Pang::new(config(6), Key::root(1)).unwrap();
            for _ in 0..stop {
                pang.step(&mut Toy).unwrap();
            }
            let mut again = Pang::from_bytes(&pang.to_bytes(), config(6), Key::root(1)).unwrap();
            assert_eq!(again, pang);
            while !again.finished() {
                again.step(&mut Toy).unwrap();
            }
            assert!(again.to_bytes() == whole, "stopped after {stop}");
        }
        let other = Pang::from_bytes(&whole, PangConfig { discount: 0.5, ..config(6) }, Key::root(1));
        assert!(matches!(other, Err(AgentError::Checkpoint { what: "configuration", .. })));
        for length in (0..whole.len()).step_by(997) {
            assert!(Pang::from_bytes(&whole[..length], config(6), Key::root(1)).is_err());
        }
    }

    #[test]
    fn advantages_as_by_hand() {
        let seen = described(3, 2, Key::root(1));
        let episode = |task, rewards: &[f64]| {
            let step = |&reward| Step { seen: seen.clone(), picks: vec![1], reward };
            Episode { task, steps: rewards.iter().map(step).collect() }
        };
        // Returns at 1/2: (1 + .5·2, 2) and (3, 0); the third is alone on its task.
        let all = [episode(0, &[1.0, 2.0]), episode(0, &[3.0, 0.0]), episode(1, &[4.0])];
        let found = advantages(&all, 0.5).unwrap();
        assert_eq!(found, [vec![-1.0, 2.0], vec![1.0, -2.0], vec![4.0]]);
        let bad = [episode(0, &[f64::NAN])];
        assert!(matches!(advantages(&bad, 1.0), Err(AgentError::Reward { step: 0, .. })));
        let mut bad = episode(0, &[1.0]);
        bad.steps[0].picks = vec![2, 2];
        assert!(matches!(advantages(&[bad.clone()], 1.0), Err(AgentError::Pick { pick: 2, .. })));
        bad.steps[0].picks.clear();
        assert!(matches!(advantages(&[bad], 1.0), Err(AgentError::NoPick { .. })));
    }
}
