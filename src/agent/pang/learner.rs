//! REINFORCE over many data sets, with a baseline per task, and checkpoints.
//!
//! Everything is derived from the key and the iteration's number: resumed learning gives the bytes of
//! learning that was not interrupted.

use super::network::{PangNetwork, WEIGHTS};
use super::observation::Described;
use crate::agent::error::AgentError;
use crate::agent::gradients;
use crate::agent::optimiser::{AdamW, OptimiserConfig};
use crate::agent::tensors::{self, Limits, Named};
use crate::agent::trainer::validates_at;
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The checkpoint format that this version writes, and the only one it reads.
pub const FORMAT: u32 = 1;

/// The largest checkpoint that is read, in bytes.
pub const MAX_CHECKPOINT_BYTES: usize = 64 << 20;

const LIMITS: Limits =
    Limits { file: "dataset-embedding checkpoint", bytes: MAX_CHECKPOINT_BYTES, header: 32 << 20 };

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
        if self.validate_every == 0 {
            let (place, most) = ("dataset embedding: validate_every", u32::MAX as usize);
            return Err(AgentError::Setting { place, found: 0, least: 1, most });
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

/// Learning, between two iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct Pang {
    config: PangConfig,
    key: Key,
    network: PangNetwork,
    optimiser: AdamW,
    history: Vec<PangPoint>,
    best: Option<(f64, PangNetwork)>,
}

impl Pang {
    /// Learning that has not begun.
    ///
    /// # Errors
    /// If a setting is outside its limits.
    pub fn new(config: PangConfig, key: Key) -> Result<Self, AgentError> {
        config.check()?;
        let (network, optimiser) = (PangNetwork::new(key.named("network")), AdamW::new(config.optimiser));
        Ok(Self { config, key, network, optimiser, history: Vec::new(), best: None })
    }

    /// Whether all iterations are done.
    pub fn finished(&self) -> bool {
        self.history.last().is_some_and(|last| last.iteration >= self.config.iterations)
    }

    /// All iterations so far.
    pub fn history(&self) -> &[PangPoint] {
        &self.history
    }

    /// The network with the best validation, and the figure; none before the first step.
    pub fn best(&self) -> Option<(&PangNetwork, f64)> {
        self.best.as_ref().map(|(value, network)| (network, *value))
    }

    /// The next iteration: the first call validates the start. After an error nothing has changed.
    ///
    /// # Errors
    /// The environment's, an episode that cannot be learned from, a diverged gradient, or a validation
    /// figure that is not finite.
    pub fn step(&mut self, environment: &mut dyn PangEnvironment) -> Result<PangPoint> {
        let mut next = self.clone();
        let mut point = PangPoint { iteration: 0, episodes: 0, mean_return: None, validation: None };
        if let Some(last) = self.history.last() {
            point.iteration = last.iteration + 1;
            let key = self.key.at(u64::from(point.iteration));
            let episodes = environment.episodes(&self.network, key)?;
            let sums = episodes.iter().flat_map(|episode| &episode.steps).map(|step| step.reward);
            point.mean_return = Some(sums.sum::<f64>() / episodes.len().max(1) as f64);
            point.episodes = last.episodes + episodes.len() as u64;
            let gradient = gradient(&next.network, &episodes, &self.config)?;
            next.optimiser.step(next.network.weights_mut(), gradient)?;
        }
        let iteration = point.iteration;
        if validates_at(iteration, self.config.validate_every, self.config.iterations) {
            let value = environment.validate(&next.network)?;
            if !value.is_finite() {
                return Err(AgentError::Validation { iteration, value }.into());
            }
            point.validation = Some(value);
            if next.best.as_ref().is_none_or(|(best, _)| value > *best) {
                next.best = Some((value, next.network.clone()));
            }
        }
        next.history.push(point);
        *self = next;
        Ok(point)
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

/// The part of a checkpoint that is not tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    config: PangConfig,
    key: Key,
    updates: u64,
    best: Option<f64>,
    history: Vec<PangPoint>,
}

impl State {
    fn shapes(&self) -> Vec<Named<'static>> {
        let (moments, best) = (self.updates > 0, self.best.is_some());
        [("network", true), ("first", moments), ("second", moments), ("best", best)]
            .into_iter()
            .filter(|(_, there)| *there)
            .map(|(name, _)| (name, 1, WEIGHTS))
            .collect()
    }
}

impl Pang {
    /// Everything there is to know, as bytes, sealed by a digest.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (updates, first, second) = self.optimiser.state();
        let state = State {
            format: FORMAT,
            config: self.config,
            key: self.key,
            updates,
            best: self.best.as_ref().map(|(value, _)| *value),
            history: self.history.clone(),
        };
        let best = self.best.as_ref().map_or(&[][..], |(_, network)| network.weights());
        let parts = [self.network.weights(), first, second, best].into_iter().filter(|part| !part.is_empty());
        let shapes = state.shapes();
        let tensors: Vec<_> = shapes.iter().copied().zip(parts).collect();
        let text = serde_json::to_string(&state).expect("finite figures and string keys");
        tensors::seal(tensors::encode(&tensors, Some(("state", text))))
    }

    /// The learning that wrote `bytes`, if it had these settings and this key; more iterations are allowed.
    ///
    /// # Errors
    /// [`AgentError::Checkpoint`] with both values where something differs, and every error of a damaged
    /// file of tensors.
    pub fn from_bytes(bytes: &[u8], config: PangConfig, key: Key) -> Result<Self, AgentError> {
        let bytes = tensors::unseal(bytes, LIMITS)?;
        let text = tensors::decode_text(bytes, "state", LIMITS)?;
        let state: State = serde_json::from_str(&text)
            .map_err(|e| AgentError::Malformed { file: LIMITS.file, reason: e.to_string() })?;
        let done = state.history.last().map_or(0, |last| last.iteration);
        let comparable = PangConfig { iterations: config.iterations, ..state.config };
        for (what, same, found, expected) in [
            ("format", state.format == FORMAT, state.format.to_string(), FORMAT.to_string()),
            ("configuration", comparable == config, format!("{:?}", state.config), format!("{config:?}")),
            ("key", state.key == key, format!("{:?}", state.key), format!("{key:?}")),
            (
                "number of iterations done",
                done <= config.iterations,
                done.to_string(),
                format!("at most {}", config.iterations),
            ),
        ] {
            if !same {
                return Err(AgentError::Checkpoint { what, found, expected });
            }
        }
        let mut values = tensors::decode(bytes, &state.shapes(), LIMITS)?.into_iter();
        let mut next = || values.next().expect("one vector per expected tensor");
        let network = PangNetwork::from_weights(next())?;
        let optimiser = match state.updates {
            0 => AdamW::new(config.optimiser),
            updates => AdamW::resume(config.optimiser, updates, next(), next()),
        };
        let best = match state.best {
            None => None,
            Some(value) => Some((value, PangNetwork::from_weights(next())?)),
        };
        Ok(Self { config, key, network, optimiser, history: state.history, best })
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
        let (_, best) = pang.best().unwrap();
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
