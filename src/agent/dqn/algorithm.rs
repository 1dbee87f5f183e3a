//! Deep Q-learning by name, with its settings.

use super::learner::{Dqn, DqnConfig, Labelling, QLearning};
use super::network::{QNetwork, WEIGHTS};
use super::simulation::TargetAccuracy;
use super::strategy::DqnStrategy;
use crate::agent::algorithm::{AlgorithmEntry, Extent, ITERATIONS, Learned, LearningAlgorithm, Training};
use crate::agent::parts::Forgetful;
use crate::agent::trainer::{Algorithm, Best, Keeper, validations};
use crate::error::Result;
use crate::query::Strategy;
use crate::registry::Setting;
use crate::rng::Key;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The most updates that a forecast tries.
const MAX_UPDATES: u32 = 8;

/// The registered algorithm.
pub const ENTRY: AlgorithmEntry = AlgorithmEntry::new(
    "dqn",
    "Deep Q-learning as LAL-RL has it, for comparison. It makes a second policy, the strategy `\"dqn\"`, from \
     episodes of single queries that end at 98 % of the accuracy with all labels.",
    &[
        Setting::whole(
            ITERATIONS,
            [0, 1_000_000],
            0,
            "Iterations after the warm start; 0 turns it off. Published: 1000.",
        ),
        Setting::whole("warm_episodes", [1, 100_000], 128, "Random episodes before anything is learned."),
        Setting::whole("episodes", [1, 100_000], 10, "Episodes per iteration."),
        Setting::whole("updates", [0, 100_000], 60, "Updates per iteration."),
        Setting::whole(
            "validate_every",
            [1, 1_000_000],
            100,
            "Iterations between two looks at the validation tasks; the best network is kept.",
        ),
    ],
    |settings| {
        let iterations = settings.whole(ITERATIONS);
        Arc::new(DqnConfig {
            iterations,
            warm_episodes: settings.whole("warm_episodes"),
            episodes: settings.whole("episodes"),
            updates: settings.whole("updates"),
            epsilon_iterations: iterations,
            validate_every: settings.whole("validate_every"),
            ..DqnConfig::default()
        })
    },
);

impl LearningAlgorithm for DqnConfig {
    fn weights(&self) -> usize {
        WEIGHTS
    }

    fn learn(&self, training: Training<'_>, keeper: &mut dyn Keeper) -> Result<Learned> {
        let Training { sources, validation, repetitions, parts, key } = training;
        let mut labelling =
            TargetAccuracy::new(sources, validation, repetitions, parts, key.named("validation"))?;
        let mut dqn = match keeper.saved(QLearning::MAX_BYTES as u64)? {
            Some(bytes) => Dqn::from_bytes(&bytes, *self, key)?,
            None => Dqn::new(*self, key)?,
        };
        dqn.keep(&mut labelling, keeper, |value| format!("{:.1} queries to the target", -value))?;
        let Best { network, validation, .. } = dqn.best().expect("the end is validated");
        let mut figures = BTreeMap::from([("validation_queries".to_owned(), -validation)]);
        if let Some(last) = dqn.history().last() {
            figures.insert("episodes".into(), last.episodes as f64);
        }
        let limits =
            vec!["Described for two classes: of more, only the probability of the first is seen.".into()];
        Ok(Learned { weights: network.weights().to_vec(), figures, limits })
    }

    fn strategy(&self, weights: &[f32]) -> Result<Box<dyn Strategy>> {
        Ok(Box::new(DqnStrategy::new(QNetwork::from_weights(weights.to_vec())?)))
    }

    fn untrained(&self, queries: usize) -> Vec<f32> {
        QNetwork::new(-(queries as f32) / 2.0, Key::root(0).named("forecast")).weights().to_vec()
    }

    fn episodes(&self, _all: Extent) -> [u64; 2] {
        let played = self.warm_episodes as u64 + u64::from(self.iterations) * self.episodes as u64;
        [played, validations(self.validate_every, self.iterations)]
    }

    /// Of a task's target, an episode, an update, and an episode of validation.
    fn rehearse(&self, training: Training<'_>, all: Extent) -> Result<Option<f64>> {
        let Training { sources, validation, repetitions, key, .. } = training;
        let start = Instant::now();
        let mut labelling = TargetAccuracy::new(sources, validation, repetitions, &Forgetful, key)?;
        let place = start.elapsed().as_secs_f64() / (sources.len() + validation.len()).max(1) as f64;
        let network = QNetwork::new(-(sources[0].rounds() as f32) / 2.0, key);
        let start = Instant::now();
        labelling.validate(&network)?;
        let judged = start.elapsed().as_secs_f64() / (validation.len() * repetitions).max(1) as f64;
        let updates = self.updates.min(MAX_UPDATES);
        let learning = |warm_updates| -> Result<f64> {
            let short = DqnConfig { warm_episodes: sources.len(), warm_updates, iterations: 1, ..*self };
            let mut own = TargetAccuracy::new(sources, &[], repetitions, &Forgetful, key)?;
            let mut dqn = Dqn::new(short, key)?;
            let start = Instant::now();
            dqn.step(&mut own)?;
            Ok(start.elapsed().as_secs_f64())
        };
        let (without, with) = (learning(0)?, learning(updates)?);
        let episode = without / sources.len().max(1) as f64;
        let update = (with - without).max(0.0) / f64::from(updates.max(1));
        let [played, looks] = self.episodes(all);
        let updates = f64::from(self.warm_updates) + f64::from(self.iterations) * f64::from(self.updates);
        Ok(Some(
            place * (all.sources + all.validation) as f64
                + episode * played as f64
                + update * updates
                + judged * looks as f64 * (repetitions * all.validation) as f64,
        ))
    }
}
