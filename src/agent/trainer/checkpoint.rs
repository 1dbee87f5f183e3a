//! A trainer as bytes: everything there is to know, so that resumed training is the training.

use super::super::error::AgentError;
use super::super::evolution::Evolution;
use super::super::network::{Network, NetworkConfig};
use super::super::optimiser::AdamW;
use super::super::tensors::{self, Limits, Named};
use super::{Algorithm, Best, Learner, Trainer, TrainerConfig, TrainingPoint};
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// The checkpoint format that this version writes, and the only one it reads.
pub const FORMAT: u32 = 2;
/// The largest checkpoint that is read, in bytes.
pub const MAX_CHECKPOINT_BYTES: usize = 256 << 20;
/// The largest header of a checkpoint (it holds the history), in bytes.
pub const MAX_HEADER_BYTES: u64 = 32 << 20;

const LIMITS: Limits = Limits { file: "checkpoint", bytes: MAX_CHECKPOINT_BYTES, header: MAX_HEADER_BYTES };

/// The part of a checkpoint that is not tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    config: TrainerConfig,
    key: Key,
    network: NetworkConfig,
    features: usize,
    globals: usize,
    updates: u64,
    best: Option<(u32, f64)>,
    history: Vec<TrainingPoint>,
}

/// The name that the text of a checkpoint is stored under.
const STATE: &str = "state";

impl Trainer {
    /// Everything there is to know, as bytes: the network, the optimiser, an evolution strategy's start and
    /// scale, the best network, the history, sealed by a digest. The same state gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (Learner::PolicyGradient(optimiser) | Learner::Evolution(Evolution { optimiser, .. })) =
            &self.learner;
        let (updates, first, second) = optimiser.state();
        let state = State {
            format: FORMAT,
            config: self.config,
            key: self.key,
            network: self.network.config(),
            features: self.network.features(),
            globals: self.network.globals(),
            updates,
            best: self.best.as_ref().map(|best| (best.iteration, best.validation)),
            history: self.history.clone(),
        };
        let mut tensors = vec![(("network", 1, self.network.weights().len()), self.network.weights())];
        if updates > 0 {
            tensors.push((("first", 1, first.len()), first));
            tensors.push((("second", 1, second.len()), second));
        }
        if let Learner::Evolution(Evolution { start, scale, offset, .. }) = &self.learner {
            for (name, values) in [("start", start), ("scale", scale), ("offset", offset)] {
                tensors.push(((name, 1, values.len()), values));
            }
        }
        if let Some(best) = &self.best {
            tensors.push((("best", 1, best.network.weights().len()), best.network.weights()));
        }
        let text = serde_json::to_string(&state).expect("finite figures and string keys");
        tensors::seal(tensors::encode(&tensors, Some((STATE, text))))
    }

    /// The trainer that wrote `bytes`, if it had the settings, the key and the network's shape that this
    /// training has; more iterations are allowed, as nothing already done depends on their number.
    ///
    /// # Errors
    /// [`AgentError::Checkpoint`] with both values where something differs, and every error of a damaged
    /// file of tensors.
    pub fn from_bytes(
        bytes: &[u8],
        config: TrainerConfig,
        network: &Network,
        key: Key,
    ) -> Result<Self, AgentError> {
        let bytes = tensors::unseal(bytes, LIMITS)?;
        let text = tensors::decode_text(bytes, STATE, LIMITS)?;
        let state: State = serde_json::from_str(&text)
            .map_err(|e| AgentError::Malformed { file: LIMITS.file, reason: e.to_string() })?;
        let done = state.history.last().map_or(0, |last| last.iteration);
        // The last iteration is validated whatever the interval: a finished run with a larger budget
        // then differs by that one figure from a run that had the budget from the start.
        let comparable = TrainerConfig { iterations: config.iterations, ..state.config };
        let shape = (state.network, state.features, state.globals);
        let mine = (network.config(), network.features(), network.globals());
        for (what, same, found, expected) in [
            ("format", state.format == FORMAT, state.format.to_string(), FORMAT.to_string()),
            ("configuration", comparable == config, format!("{:?}", state.config), format!("{config:?}")),
            ("key", state.key == key, format!("{:?}", state.key), format!("{key:?}")),
            ("network", shape == mine, format!("{shape:?}"), format!("{mine:?}")),
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
        let size = network.weights().len();
        let mut expected: Vec<Named<'_>> = vec![("network", 1, size)];
        if state.updates > 0 {
            expected.extend([("first", 1, size), ("second", 1, size)]);
        }
        if matches!(config.algorithm, Algorithm::Evolution(_)) {
            expected.extend([("start", 1, size), ("scale", 1, size), ("offset", 1, size)]);
        }
        if state.best.is_some() {
            expected.push(("best", 1, size));
        }
        let mut values = tensors::decode(bytes, &expected, LIMITS)?.into_iter();
        let mut next = || values.next().expect("one vector per expected tensor");
        let (mine, features, globals) = mine;
        let rebuild = |weights| Network::from_weights(mine, features, globals, weights);
        let network = rebuild(next())?;
        let moments = (state.updates > 0).then(|| (next(), next()));
        let optimiser = |settings| match moments {
            None => AdamW::new(settings),
            Some((first, second)) => AdamW::resume(settings, state.updates, first, second),
        };
        let learner = match &config.algorithm {
            Algorithm::PolicyGradient(config) => Learner::PolicyGradient(optimiser(config.optimiser)),
            Algorithm::Evolution(config) => {
                let (start, scale, offset) = (next(), next(), next());
                Learner::Evolution(Evolution { start, scale, offset, optimiser: optimiser(config.optimiser) })
            }
        };
        let best = match state.best {
            None => None,
            Some((iteration, validation)) => Some(Best { iteration, validation, network: rebuild(next())? }),
        };
        Ok(Self { config, key, network, learner, history: state.history, best })
    }
}
