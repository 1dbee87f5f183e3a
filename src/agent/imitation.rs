//! Imitation of a one-step look-ahead, listwise.
//!
//! The expert says for some candidates of a state what labelling each would gain. The network learns
//! the distribution `softmax(gain / τ)` over them by cross-entropy (ListNet, Cao et al., ICML 2007; for
//! query policies ImitAL, Gonsior et al., 2022). Gains are centred within a state and divided by their
//! standard deviation within the task, so that no task outweighs the others.

use super::error::AgentError;
use super::gradients;
use super::network::Network;
use super::optimiser::{AdamW, OptimiserConfig};
use super::parts::{self, Parts};
use super::ridge;
use super::stored::Stored;
use crate::episode::Observation;
use crate::error::Result;
use crate::rng::Key;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A state with the expert's opinion of some of its candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct LabelledState {
    /// The candidates that were looked ahead at come first. Those after them are context: they enter
    /// the mean and the maximum of the network's set summary, as they will when the policy is used,
    /// and nothing else. A state without context trains the summary on few candidates only.
    pub observation: Observation,
    /// What labelling candidate `i` would gain, for the first `gains.len()` candidates; higher =
    /// better. The unit does not matter.
    pub gains: Vec<f32>,
    /// The source task the state is from.
    pub task: u32,
}

/// How to imitate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImitationConfig {
    /// `τ`, in standard deviations of a task's gains.
    pub temperature: f32,
    /// The relative penalty of the ridge regression that the linear term starts from; without one it
    /// starts where the network has it.
    pub ridge: Option<f64>,
    /// Passes over the training states; with none, a linear network is the ridge baseline itself.
    pub epochs: u32,
    /// States per step.
    pub minibatch: usize,
    /// Epochs without a lower validation loss after which training stops.
    pub patience: u32,
    /// The step itself.
    pub optimiser: OptimiserConfig,
}

impl Default for ImitationConfig {
    fn default() -> Self {
        Self {
            temperature: 0.25,
            ridge: Some(1e-2),
            epochs: 40,
            minibatch: 64,
            patience: 8,
            optimiser: OptimiserConfig::default(),
        }
    }
}

/// How well a network agrees with the expert.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Mean cross-entropy to the expert's distribution, in nats; lower = better.
    pub loss: f64,
    /// Share of states whose first choice among the looked-ahead candidates has the largest gain.
    pub top1: f64,
    /// Sum of the normalised gains of the first choices over that of the best: 0 is random, 1 the expert.
    pub captured: f64,
}

/// One epoch of imitation; epoch 0 is the start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Epochs of training before it.
    pub epoch: u32,
    /// Mean training loss during the epoch; absent at the start.
    pub training_loss: Option<f64>,
    /// Agreement on the validation states, if there are any.
    pub validation: Option<Agreement>,
}

/// What imitation came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImitationReport {
    /// All epochs.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept: the lowest validation loss, or the last without validation.
    pub kept: u32,
    /// Agreement on the training states of the weights that were kept.
    pub training: Agreement,
    /// Agreement on the validation states of the weights that were kept.
    pub validation: Option<Agreement>,
}

/// Gains centred within states and normalised per task.
pub(super) struct Targets {
    pub(super) normalised: Vec<Vec<f32>>,
}

impl Targets {
    /// Checks the states and normalises their gains.
    pub(super) fn new(states: &[LabelledState], features: usize, globals: usize) -> Result<Self> {
        let mut normalised = Vec::with_capacity(states.len());
        // Sum of squares and count per task.
        let mut spread = BTreeMap::<u32, (f64, usize)>::new();
        for (index, state) in states.iter().enumerate() {
            state.observation.check(features, globals)?;
            let (gains, candidates) = (state.gains.len(), state.observation.candidates.len());
            if gains == 0 || gains > candidates {
                return Err(AgentError::Gains { state: index, gains, candidates }.into());
            }
            if let Some(at) = state.gains.iter().position(|g| !g.is_finite()) {
                return Err(AgentError::Gain { state: index, index: at, value: state.gains[at] }.into());
            }
            let mean = state.gains.iter().map(|&g| f64::from(g)).sum::<f64>() / gains as f64;
            let centred: Vec<f64> = state.gains.iter().map(|&g| f64::from(g) - mean).collect();
            let entry = spread.entry(state.task).or_default();
            entry.0 += centred.iter().map(|c| c * c).sum::<f64>();
            entry.1 += gains;
            normalised.push(centred);
        }
        let scale = |task: u32| {
            let (squares, count) = spread[&task];
            let deviation = (squares / count as f64).sqrt();
            // A task whose gains are all equal teaches nothing; its targets are uniform.
            if deviation > 0.0 { 1.0 / deviation } else { 0.0 }
        };
        let normalised = states
            .iter()
            .zip(normalised)
            .map(|(state, gains)| {
                let scale = scale(state.task);
                gains.into_iter().map(|g| (g * scale) as f32).collect()
            })
            .collect();
        Ok(Self { normalised })
    }
}

/// Training between two epochs.
struct Fit {
    network: Network,
    optimiser: AdamW,
    best: Network,
    /// The epoch that `best` is of.
    kept: u32,
    epochs: Vec<Epoch>,
}

/// The same as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptFit {
    weights: Vec<f32>,
    updates: u64,
    first: Vec<f32>,
    second: Vec<f32>,
    best: Vec<f32>,
    kept: u32,
    epochs: Vec<Epoch>,
}

impl Fit {
    fn done(&self) -> u32 {
        self.epochs.last().map_or(0, |last| last.epoch)
    }

    fn finished(&self, config: &ImitationConfig) -> bool {
        let (done, since) = (self.done(), self.done() - self.kept);
        done >= config.epochs || (since > 0 && since >= config.patience)
    }

    fn to_kept(&self) -> KeptFit {
        let (updates, first, second) = self.optimiser.state();
        KeptFit {
            weights: self.network.weights().to_vec(),
            updates,
            first: first.to_vec(),
            second: second.to_vec(),
            best: self.best.weights().to_vec(),
            kept: self.kept,
            epochs: self.epochs.clone(),
        }
    }

    /// The fit of a network of the shape of `network` that was kept.
    fn from_kept(kept: KeptFit, network: &Network, config: &ImitationConfig) -> Result<Self, String> {
        let KeptFit { weights, updates, first, second, best, kept, epochs } = kept;
        let moments = if updates > 0 { weights.len() } else { 0 };
        if [first.len(), second.len()] != [moments; 2] {
            return Err(format!(
                "moments of {} and {} values, expected {moments}",
                first.len(),
                second.len()
            ));
        }
        let numbers: Vec<u32> = epochs.iter().map(|epoch| epoch.epoch).collect();
        if !numbers.iter().copied().eq(0..numbers.len() as u32) || !numbers.contains(&kept) {
            return Err(format!("epochs {numbers:?}, of which {kept} is the best"));
        }
        let shaped = |weights| {
            let (shape, features, globals) = (network.config(), network.features(), network.globals());
            Network::from_weights(shape, features, globals, weights).map_err(|error| error.to_string())
        };
        let optimiser = AdamW::resume(config.optimiser, updates, first, second);
        Ok(Self { network: shaped(weights)?, optimiser, best: shaped(best)?, kept, epochs })
    }
}

/// Trains `network` to imitate the expert and returns the weights with the lowest validation loss.
///
/// `validation` holds states of *other tasks*; where it is empty, the last weights are kept. The order of
/// the states is drawn from `key`. Where training stands is handed to `parts` after every epoch, under the name
/// of `key`.
///
/// # Errors
/// [`AgentError`] if a setting, a state or a gain is refused, a task stands on both sides, or training
/// diverges; what `parts` fails with.
pub fn imitate(
    mut network: Network,
    training: &[LabelledState],
    validation: &[LabelledState],
    config: &ImitationConfig,
    parts: &dyn Parts,
    key: Key,
) -> Result<(Network, ImitationReport)> {
    config.check()?;
    if !training.iter().any(|state| state.gains.len() > 1) {
        return Err(AgentError::NothingToLearn { place: "imitation" }.into());
    }
    let tasks: BTreeSet<u32> = training.iter().map(|state| state.task).collect();
    if let Some(state) = validation.iter().find(|state| tasks.contains(&state.task)) {
        return Err(AgentError::Leak { task: state.task }.into());
    }
    let targets = Targets::new(training, network.features(), network.globals())?;
    let held_out = Targets::new(validation, network.features(), network.globals())?;
    let judge = |network: &Network| -> Result<Option<Agreement>> {
        let some = !validation.is_empty();
        some.then(|| agreement_on(network, validation, &held_out, config.temperature)).transpose()
    };
    let name = parts::name("imitate", key, 0);
    let mut fit = match parts::recall(parts, &name)? {
        Some(kept) => {
            Fit::from_kept(kept, &network, config).map_err(|reason| parts::unsound(&name, reason))?
        }
        None => {
            if let Some(penalty) = config.ridge {
                let mut skip = ridge::ridge(training, &targets, penalty)?;
                // Ridge predicts gains; the logits of the target distribution are gains over the temperature.
                skip.values_mut().iter_mut().for_each(|w| *w /= config.temperature);
                network.set_skip(&skip);
            }
            let start = Epoch { epoch: 0, training_loss: None, validation: judge(&network)? };
            let optimiser = AdamW::new(config.optimiser);
            Fit { best: network.clone(), network, optimiser, kept: 0, epochs: vec![start] }
        }
    };
    while !fit.finished(config) {
        let epoch = fit.done() + 1;
        let mut order: Vec<usize> = (0..training.len()).collect();
        order.shuffle(&mut key.named("order").at(u64::from(epoch)).rng());
        let mut sum = 0.0;
        for minibatch in order.chunks(config.minibatch) {
            let (loss, gradient) =
                gradients::imitation(&fit.network, training, &targets, minibatch, config.temperature)?;
            fit.optimiser.update(&mut fit.network, gradient)?;
            sum += loss * minibatch.len() as f64;
        }
        let validation = judge(&fit.network)?;
        let better = match (&validation, &fit.epochs[fit.kept as usize].validation) {
            (Some(new), Some(old)) => new.loss < old.loss,
            _ => true,
        };
        fit.epochs.push(Epoch { epoch, training_loss: Some(sum / training.len() as f64), validation });
        if better {
            (fit.best, fit.kept) = (fit.network.clone(), epoch);
        }
        parts::keep(parts, &name, &fit.to_kept())?;
    }
    let Fit { best: network, kept, epochs, .. } = fit;
    let validation = epochs[kept as usize].validation;
    let training = agreement_on(&network, training, &targets, config.temperature)?;
    Ok((network, ImitationReport { epochs, kept, training, validation }))
}

/// How well `network` agrees with the expert on `states`.
///
/// # Errors
/// If there is no state, or one is refused.
pub fn agreement(network: &Network, states: &[LabelledState], temperature: f32) -> Result<Agreement> {
    let targets = Targets::new(states, network.features(), network.globals())?;
    agreement_on(network, states, &targets, temperature)
}

fn agreement_on(
    network: &Network,
    states: &[LabelledState],
    targets: &Targets,
    temperature: f32,
) -> Result<Agreement> {
    if states.is_empty() {
        return Err(AgentError::NothingToLearn { place: "agreement" }.into());
    }
    let (mut loss, mut hits, mut chosen, mut best) = (0.0, 0usize, 0.0, 0.0);
    let judge = |(state, gains): (&LabelledState, &Vec<f32>)| {
        let scores = network.score(&state.observation)?;
        Ok(judge_state(&scores[..gains.len()], gains, temperature))
    };
    // Summed in the order of the states, whatever the number of threads.
    let judged = states.par_iter().zip(&targets.normalised).map(judge).collect::<Result<Vec<_>>>()?;
    for judged in judged {
        loss += judged.loss;
        hits += usize::from(judged.chosen >= judged.best);
        chosen += f64::from(judged.chosen);
        best += f64::from(judged.best);
    }
    let count = states.len() as f64;
    let captured = if best > 0.0 { chosen / best } else { 0.0 };
    Ok(Agreement { loss: loss / count, top1: hits as f64 / count, captured })
}

/// One state's part of an [`Agreement`]; gains are normalised.
pub(super) struct Judged {
    pub(super) loss: f64,
    pub(super) chosen: f32,
    pub(super) best: f32,
}

/// Compares scores with normalised gains of the same candidates (at least one).
pub(super) fn judge_state(scores: &[f32], gains: &[f32], temperature: f32) -> Judged {
    let target = softmax(gains, temperature);
    let predicted = softmax(scores, 1.0);
    let max = scores.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let chosen = scores.iter().position(|&s| s == max).map_or(0.0, |at| gains[at]);
    let best = gains.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let loss = target.iter().zip(&predicted).map(|(t, p)| -t * p.max(f64::MIN_POSITIVE).ln()).sum();
    Judged { loss, chosen, best }
}

pub(super) fn softmax(logits: &[f32], temperature: f32) -> Vec<f64> {
    let max = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let mut p: Vec<f64> =
        logits.iter().map(|&v| ((f64::from(v) - f64::from(max)) / f64::from(temperature)).exp()).collect();
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    p
}

impl ImitationConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`AgentError::Rate`] or [`AgentError::Setting`] for one outside its limits.
    pub fn check(&self) -> Result<(), AgentError> {
        self.optimiser.check()?;
        let found = f64::from(self.temperature);
        if !(found.is_finite() && found >= 1e-3) {
            let expected = "a number of at least 0.001";
            return Err(AgentError::Rate { place: "imitation: temperature", found, expected });
        }
        let (found, most) = (self.minibatch, 65_536);
        if !(1..=most).contains(&found) {
            return Err(AgentError::Setting { place: "imitation: minibatch", found, least: 1, most });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::{Kind, NetworkConfig};
    use super::super::parts::Forgetful;
    use super::super::testing::{Kept, observation, random_network};
    use super::*;

    fn states(range: std::ops::Range<u64>, gain: impl Fn(&Observation, usize) -> f32) -> Vec<LabelledState> {
        range
            .map(|s| {
                let observation = observation(12, 6, 2, Key::root(s));
                let gains = (0..12).map(|i| gain(&observation, i)).collect();
                LabelledState { observation, gains, task: (s / 50) as u32 }
            })
            .collect()
    }

    #[test]
    fn where_one_feature_is_the_gain_the_first_choice_is_found() {
        let gain = |o: &Observation, i: usize| 0.01 * o.features.row(i)[4];
        let (training, validation) = (states(0..400, gain), states(400..600, gain));
        let attention = Kind::Attention { heads: 2, inducing: 4 };
        for (kind, ridge) in [
            (Kind::Linear, Some(1e-3)),
            (Kind::Linear, None),
            (Kind::Mlp, None),
            (Kind::DeepSets, None),
            (attention, None),
        ] {
            let network =
                Network::new(NetworkConfig { kind, hidden: 16, layers: 1 }, 6, 2, Key::root(1)).unwrap();
            let before = agreement(&network, &validation, 0.5).unwrap();
            assert!(before.top1 < 0.3 && (before.loss - 12f64.ln()).abs() < 1e-3);
            let optimiser = OptimiserConfig { learning_rate: 2e-2, ..OptimiserConfig::default() };
            let config = ImitationConfig {
                ridge,
                optimiser,
                epochs: 60,
                temperature: 0.5,
                ..ImitationConfig::default()
            };
            let (network, report) =
                imitate(network, &training, &validation, &config, &Forgetful, Key::root(2)).unwrap();
            let after = agreement(&network, &validation, 0.5).unwrap();
            assert_eq!(report.validation, Some(after));
            assert!(after.top1 >= 0.95, "{kind:?} {ridge:?}: {after:?}");
            assert!(after.captured > 0.97);
        }
    }

    /// The best candidate is the one nearest to the set's own largest value of a feature, which no
    /// function linear in features and globals can express.
    #[test]
    fn deep_sets_learn_what_the_linear_scorer_cannot() {
        let gain = |o: &Observation, i: usize| {
            let largest = (0..12).map(|j| o.features.row(j)[0]).fold(f32::MIN, f32::max);
            -(o.features.row(i)[1] - largest + 0.5).abs()
        };
        let (training, validation) = (states(0..600, gain), states(600..800, gain));
        let mut captured = Vec::new();
        for kind in [Kind::Linear, Kind::DeepSets] {
            let network =
                Network::new(NetworkConfig { kind, hidden: 16, layers: 2 }, 6, 2, Key::root(1)).unwrap();
            let config = ImitationConfig {
                epochs: 40,
                optimiser: OptimiserConfig { learning_rate: 5e-3, ..OptimiserConfig::default() },
                ..ImitationConfig::default()
            };
            let (_, report) =
                imitate(network, &training, &validation, &config, &Forgetful, Key::root(2)).unwrap();
            captured.push(report.validation.unwrap().captured);
        }
        assert!(captured[1] > captured[0] + 0.1, "{captured:?}");
    }

    #[test]
    fn the_same_key_gives_the_same_weights() {
        let gain = |o: &Observation, i: usize| o.features.row(i)[0] * o.globals[1];
        let training = states(0..100, gain);
        let config = ImitationConfig { epochs: 3, ..ImitationConfig::default() };
        let run = |key: u64| {
            let network = Network::new(NetworkConfig::default(), 6, 2, Key::root(1)).unwrap();
            imitate(network, &training, &[], &config, &Forgetful, Key::root(key)).unwrap()
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5).0, run(6).0);
        assert_eq!(run(5).1.kept, 3);
    }

    /// A fit that ended after any epoch once began anew.
    #[test]
    fn a_fit_goes_on_from_its_last_epoch() {
        let gain = |o: &Observation, i: usize| o.features.row(i)[0] * o.globals[1];
        let (training, validation) = (states(0..100, gain), states(100..150, gain));
        // Without the ridge, which finds this gain at once: no epoch would be better than the start.
        let config = ImitationConfig { ridge: None, epochs: 5, patience: 5, ..ImitationConfig::default() };
        let fit = |parts: &Kept| {
            let network = Network::new(NetworkConfig::default(), 6, 2, Key::root(1)).unwrap();
            imitate(network, &training, &validation, &config, parts, Key::root(5))
        };
        let whole = Kept::default();
        let expected = fit(&whole).unwrap();
        assert_eq!(whole.made(), 5);
        for last in 1..=whole.made() {
            let parts = Kept::default();
            parts.stop_after(last);
            fit(&parts).unwrap_err();
            parts.stop_after(usize::MAX);
            assert_eq!(fit(&parts).unwrap(), expected, "ended after epoch {last}");
            assert_eq!(parts.made(), whole.made(), "no epoch was made twice");
        }
        // What is kept under the name and is of another training is not believed.
        let name = parts::name("imitate", Key::root(5), 0);
        let refused = |change: fn(&mut KeptFit)| {
            let mut kept: KeptFit = parts::recall(&whole, &name).unwrap().unwrap();
            change(&mut kept);
            let parts = Kept::default();
            parts::keep(&parts, &name, &kept).unwrap();
            let error = fit(&parts).unwrap_err();
            assert!(matches!(error.downcast_ref(), Some(AgentError::Part { .. })), "{error}");
        };
        refused(|kept| kept.weights.truncate(3));
        refused(|kept| kept.first.truncate(3));
        refused(|kept| kept.kept = 77);
        refused(|kept| kept.epochs.clear());
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences_with_context_candidates() {
        let mut all = states(0..4, |o, i| o.features.row(i)[0]);
        // Different numbers of looked-ahead candidates, the rest being context.
        for (state, keep) in all.iter_mut().zip([12, 5, 7, 1]) {
            state.gains.truncate(keep);
        }
        let targets = Targets::new(&all, 6, 2).unwrap();
        let config = NetworkConfig { hidden: 4, layers: 2, ..NetworkConfig::default() };
        // A key under which no unit is about to switch: there the loss has no derivative.
        let network = random_network(config, 6, 2, Key::root(8));
        let (loss, analytic) = gradients::imitation(&network, &all, &targets, &[2, 0, 1, 3], 0.5).unwrap();
        let at = |network: &Network| agreement_on(network, &all, &targets, 0.5).unwrap().loss;
        assert!((loss - at(&network)).abs() < 1e-5);
        let mut worst = 0.0f64;
        for (i, analytic) in analytic.iter().enumerate() {
            let mut moved = network.clone();
            let step = 1e-3;
            moved.weights_mut()[i] += step;
            let up = at(&moved);
            moved.weights_mut()[i] -= 2.0 * step;
            let numeric = (up - at(&moved)) / f64::from(2.0 * step);
            worst = worst.max((numeric - f64::from(*analytic)).abs());
        }
        assert!(worst < 1e-3, "{worst}");
    }

    #[test]
    fn bad_states_are_refused() {
        let network = || Network::new(NetworkConfig::default(), 6, 2, Key::root(1)).unwrap();
        let good = states(0..60, |o, i| o.features.row(i)[0]);
        let config = ImitationConfig::default();
        let run = |training: &[LabelledState], validation: &[LabelledState]| {
            let error =
                imitate(network(), training, validation, &config, &Forgetful, Key::root(0)).unwrap_err();
            error.downcast_ref::<AgentError>().expect("this layer's error").clone()
        };
        assert_eq!(run(&good, &good[50..]), AgentError::Leak { task: 1 });
        assert_eq!(run(&[], &[]), AgentError::NothingToLearn { place: "imitation" });
        let mut bad = good.clone();
        bad[3].gains[2] = f32::NAN;
        assert!(matches!(run(&bad, &[]), AgentError::Gain { state: 3, index: 2, .. }));
        bad[3].gains = vec![0.0; 13];
        assert_eq!(run(&bad, &[]), AgentError::Gains { state: 3, gains: 13, candidates: 12 });
    }
}
