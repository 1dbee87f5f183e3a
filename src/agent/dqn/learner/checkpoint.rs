//! Deep Q-learning as bytes: everything there is to know, so that resumed learning is the learning.

use super::super::network::{ACTION, QNetwork, STATE, WEIGHTS};
use super::super::replay::{Replay, Transition};
use super::{Best, Dqn, DqnConfig, DqnPoint};
use crate::agent::error::AgentError;
use crate::agent::optimiser::AdamW;
use crate::agent::tensors::{self, Limits, Named};
use crate::data::Matrix;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// The checkpoint format that this version writes, and the only one it reads.
pub const FORMAT: u32 = 1;
/// The largest checkpoint that is read, in bytes.
pub const MAX_CHECKPOINT_BYTES: usize = 1 << 30;
/// The largest header of a checkpoint (it holds the history), in bytes.
pub const MAX_HEADER_BYTES: u64 = 32 << 20;
const LIMITS: Limits =
    Limits { file: "dqn checkpoint", bytes: MAX_CHECKPOINT_BYTES, header: MAX_HEADER_BYTES };

/// The part of a checkpoint that is not tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    config: DqnConfig,
    key: Key,
    updates: u64,
    best: Option<f64>,
    history: Vec<DqnPoint>,
    /// Next actions of every transition held.
    actions: Vec<usize>,
    at: usize,
    largest: f32,
}

/// The name that the text of a checkpoint is stored under.
const TEXT: &str = "state";

impl Dqn {
    /// Everything there is to know, as bytes, sealed by a digest.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (updates, first, second) = self.optimiser.state();
        let items = &self.replay.items;
        let state = State {
            format: FORMAT,
            config: self.config,
            key: self.key,
            updates,
            best: self.best.as_ref().map(|best| best.validation),
            history: self.history.clone(),
            actions: items.iter().map(|item| item.next_actions.rows()).collect(),
            at: self.replay.at,
            largest: self.replay.largest,
        };
        let all = |of: fn(&Transition) -> &[f32]| items.iter().flat_map(of).copied().collect::<Vec<f32>>();
        let replay = [
            all(|item| &item.state),
            all(|item| &item.action),
            all(|item| std::slice::from_ref(&item.reward)),
            all(|item| &item.next_state),
            all(|item| item.next_actions.values()),
            self.replay.errors.clone(),
        ];
        let best = self.best.as_ref().map(|best| best.network.weights());
        let parts = [Some(self.network.weights()), Some(self.target.weights()), best]
            .into_iter()
            .chain([Some(first), Some(second)].map(|moment| moment.filter(|moment| !moment.is_empty())))
            .chain(replay.iter().map(|part| Some(part.as_slice())));
        let shapes = shapes(&state);
        let tensors: Vec<(Named<'_>, &[f32])> = shapes
            .iter()
            .zip(parts.flatten().filter(|part| !part.is_empty()))
            .map(|(&s, p)| (s, p))
            .collect();
        let text = serde_json::to_string(&state).expect("finite figures and string keys");
        tensors::seal(tensors::encode(&tensors, Some((TEXT, text))))
    }

    /// The learning that wrote `bytes`, if it had these settings and this key; more iterations are allowed.
    ///
    /// # Errors
    /// [`AgentError::Checkpoint`] with both values where something differs, and every error of a damaged
    /// file of tensors.
    pub fn from_bytes(bytes: &[u8], config: DqnConfig, key: Key) -> Result<Self, AgentError> {
        let bytes = tensors::unseal(bytes, LIMITS)?;
        let text = tensors::decode_text(bytes, TEXT, LIMITS)?;
        let state: State = serde_json::from_str(&text)
            .map_err(|e| AgentError::Malformed { file: LIMITS.file, reason: e.to_string() })?;
        let done = state.history.last().map_or(0, |last| last.iteration);
        let comparable = DqnConfig { iterations: config.iterations, ..state.config };
        let held = state.actions.len();
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
            (
                "replay memory",
                held <= config.replay && state.at < config.replay,
                format!("{held} transitions, the next at {}", state.at),
                format!("at most {}", config.replay),
            ),
        ] {
            if !same {
                return Err(AgentError::Checkpoint { what, found, expected });
            }
        }
        let expected = shapes(&state);
        let mut found = expected.iter().map(|shape| shape.0).zip(tensors::decode(bytes, &expected, LIMITS)?);
        let mut found = found.by_ref().peekable();
        let mut next = |name: &str| match found.peek() {
            Some((next, _)) if *next == name => found.next().map(|(_, values)| values).unwrap_or_default(),
            _ => Vec::new(),
        };
        let (network, target) =
            (QNetwork::from_weights(next("network"))?, QNetwork::from_weights(next("target"))?);
        let best = match state.best {
            Some(validation) => Some(Best { validation, network: QNetwork::from_weights(next("best"))? }),
            None => None,
        };
        let optimiser = AdamW::resume(config.optimiser(), state.updates, next("first"), next("second"));
        let (states, actions, rewards) = (next("states"), next("actions"), next("rewards"));
        let (next_states, next_actions, errors) = (next("next states"), next("next actions"), next("errors"));
        let mut at = 0;
        let items = state.actions.iter().enumerate().map(|(i, &count)| {
            let values = next_actions[at * ACTION..(at + count) * ACTION].to_vec();
            at += count;
            Transition {
                state: states[i * STATE..][..STATE].to_vec(),
                action: actions[i * ACTION..][..ACTION].to_vec(),
                reward: rewards[i],
                next_state: next_states[i * STATE..][..STATE].to_vec(),
                next_actions: Matrix::new(values, count, ACTION),
            }
        });
        let replay = Replay {
            capacity: config.replay,
            exponent: config.exponent,
            items: items.collect(),
            errors,
            at: state.at,
            largest: state.largest,
        };
        Ok(Self { config, key, network, target, optimiser, replay, history: state.history, best })
    }
}

/// The tensors of a checkpoint with this text; those without a value are left out.
fn shapes(state: &State) -> Vec<Named<'static>> {
    let held = state.actions.len();
    // What does not fit is beyond every file, and is refused as such.
    let choices =
        state.actions.iter().fold(0usize, |sum, &count| sum.saturating_add(count)).min(usize::MAX / 64);
    let moments = usize::from(state.updates > 0);
    [
        ("network", 1, WEIGHTS),
        ("target", 1, WEIGHTS),
        ("best", usize::from(state.best.is_some()), WEIGHTS),
        ("first", moments, WEIGHTS),
        ("second", moments, WEIGHTS),
        ("states", held, STATE),
        ("actions", held, ACTION),
        ("rewards", held, 1),
        ("next states", held, STATE),
        ("next actions", choices, ACTION),
        ("errors", held, 1),
    ]
    .into_iter()
    .filter(|shape| shape.1 > 0)
    .collect()
}
