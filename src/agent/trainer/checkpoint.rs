//! A trainer as bytes: everything there is to know, so that resumed training is the training.

use super::super::error::AgentError;
use super::super::optimiser::AdamW;
use super::super::tensors::{self, Limits, Named};
use super::{Algorithm, Best, Iteration, Trainer};
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// The largest header of a checkpoint (it holds the history), in bytes.
pub const MAX_HEADER_BYTES: u64 = 32 << 20;

/// The part of a checkpoint that is not tensors.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct State<A: Algorithm> {
    format: u32,
    config: A::Config,
    key: Key,
    #[serde(flatten)]
    text: A::Text,
    updates: u64,
    best: Option<(u32, f64)>,
    history: Vec<A::Point>,
}

/// The name that the text of a checkpoint is stored under.
const STATE: &str = "state";

impl<A: Algorithm> Trainer<A> {
    const LIMITS: Limits = Limits { file: A::FILE, bytes: A::MAX_BYTES, header: MAX_HEADER_BYTES };

    /// Everything there is to know, as bytes: the network, the optimiser, what the algorithm remembers, the best network,
    /// the history, sealed by a digest. The same state gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (updates, first, second) = self.algorithm.optimiser().state();
        let state = State::<A> {
            format: A::FORMAT,
            config: self.config,
            key: self.key,
            text: self.algorithm.text(),
            updates,
            best: self.best.as_ref().map(|best| (best.iteration, best.validation)),
            history: self.history.clone(),
        };
        let own = self.algorithm.tensors();
        let best = self.best.as_ref().map_or(&[][..], |best| A::weights(&best.network));
        let shared =
            [("network", A::weights(self.network())), ("first", first), ("second", second), ("best", best)];
        let shared = shared.into_iter().map(|(name, values)| ((name, 1, values.len()), values));
        let own = own.iter().map(|(shape, values)| (*shape, &values[..]));
        let all: Vec<_> = shared.chain(own).filter(|(_, values)| !values.is_empty()).collect();
        let text = serde_json::to_string(&state).expect("finite figures and string keys");
        tensors::seal(tensors::encode(&all, Some((STATE, text))))
    }

    /// This training, which has not begun, as it stood when `bytes` were written, if it had the settings and the key that
    /// this one has; more iterations are allowed, as nothing already done depends on their number.
    ///
    /// # Errors
    /// [`AgentError::Checkpoint`] with both values where something differs, and every error of a damaged
    /// file of tensors.
    pub fn resumed(self, bytes: &[u8]) -> Result<Self, AgentError> {
        let Self { config, key, algorithm, .. } = self;
        let bytes = tensors::unseal(bytes, Self::LIMITS)?;
        let text = tensors::decode_text(bytes, STATE, Self::LIMITS)?;
        let state: State<A> = serde_json::from_str(&text)
            .map_err(|e| AgentError::Malformed { file: A::FILE, reason: e.to_string() })?;
        let [iterations, _] = A::schedule(&config);
        let done = state.history.last().map_or(0, Iteration::number);
        // The last iteration is validated whatever the interval: a finished run with a larger budget
        // then differs by that one figure from a run that had the budget from the start.
        let comparable = A::with_iterations(state.config, iterations);
        for (what, same, found, expected) in [
            ("format", state.format == A::FORMAT, state.format.to_string(), A::FORMAT.to_string()),
            ("configuration", comparable == config, format!("{:?}", state.config), format!("{config:?}")),
            ("key", state.key == key, format!("{:?}", state.key), format!("{key:?}")),
            (
                "number of iterations done",
                done <= iterations,
                done.to_string(),
                format!("at most {iterations}"),
            ),
        ] {
            if !same {
                return Err(AgentError::Checkpoint { what, found, expected });
            }
        }
        algorithm.check(&config, &state.text)?;
        let size = A::weights(algorithm.network()).len();
        let whole = |name, there| (name, usize::from(there), size);
        let own = algorithm.shapes(&state.text);
        let moments = state.updates > 0;
        let shared = [
            whole("network", true),
            whole("first", moments),
            whole("second", moments),
            whole("best", state.best.is_some()),
        ];
        let all: Vec<Named<'static>> = shared.into_iter().chain(own).collect();
        let there: Vec<Named<'static>> = all.iter().copied().filter(|shape| shape.1 * shape.2 > 0).collect();
        let mut found = tensors::decode(bytes, &there, Self::LIMITS)?.into_iter();
        let of = |shape: &Named<'_>| match shape.1 * shape.2 {
            0 => Vec::new(),
            _ => found.next().expect("one vector per expected tensor"),
        };
        let mut values = all.iter().map(of).collect::<Vec<_>>().into_iter();
        let mut next = || values.next().expect("the four that are shared");
        let (network, first, second, best) = (next(), next(), next(), next());
        let network = algorithm.with_weights(network)?;
        let best = match state.best {
            None => None,
            Some((iteration, validation)) => {
                Some(Best { iteration, validation, network: algorithm.with_weights(best)? })
            }
        };
        let optimiser = AdamW::resume(algorithm.optimiser().config(), state.updates, first, second);
        let algorithm = algorithm.resumed(state.text, network, optimiser, values.collect())?;
        Ok(Self { config, key, algorithm, history: state.history, best })
    }
}
