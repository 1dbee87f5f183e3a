//! The policy of Pang et al. by name, with its settings.

use super::learner::{OverDataSets, Pang, PangConfig, PangEnvironment};
use super::network::{PangNetwork, WEIGHTS};
use super::simulation::DatasetEpisodes;
use super::strategy::PangStrategy;
use crate::agent::algorithm::{AlgorithmEntry, Extent, ITERATIONS, Learned, LearningAlgorithm, Training};
use crate::agent::optimiser::OptimiserConfig;
use crate::agent::trainer::{Algorithm, Best, Keeper, validations};
use crate::error::Result;
use crate::query::Strategy;
use crate::registry::Setting;
use crate::rng::Key;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The registered algorithm.
pub const ENTRY: AlgorithmEntry = AlgorithmEntry::new(
    "dataset_embedding",
    "The policy of Pang et al., for comparison: over raw inputs of any width, by policy gradient over many data \
     sets. It makes a further policy, the strategy `\"dataset_embedding\"`.",
    &[
        Setting::whole(ITERATIONS, [0, 1_000_000], 0, "Updates; 0 turns it off."),
        Setting::whole("tasks", [1, 100_000], 4, "Source tasks per update."),
        Setting::whole(
            "episodes",
            [2, 1_000],
            4,
            "Episodes per task and update; each is a baseline for the others.",
        ),
        Setting::whole(
            "validate_every",
            [1, 1_000_000],
            10,
            "Updates between two looks at the validation tasks; the best network is kept.",
        ),
        Setting::number("learning_rate", [1e-9, 10.0], 1e-3, "Step size of Adam."),
    ],
    |settings| {
        let learning_rate = settings.number("learning_rate");
        let config = PangConfig {
            iterations: settings.whole(ITERATIONS),
            validate_every: settings.whole("validate_every"),
            optimiser: OptimiserConfig { learning_rate, ..PangConfig::default().optimiser },
            ..PangConfig::default()
        };
        Arc::new(FromEpisodes {
            config,
            tasks: settings.whole("tasks"),
            episodes: settings.whole("episodes"),
        })
    },
);

/// How the policy is learned, and from how many episodes.
#[derive(Clone, Copy, Debug)]
struct FromEpisodes {
    config: PangConfig,
    /// Source tasks per update.
    tasks: usize,
    /// Episodes per task and update.
    episodes: usize,
}

impl FromEpisodes {
    fn environment<'a>(&self, training: Training<'a>, key: Key) -> DatasetEpisodes<'a> {
        let Training { sources, validation, repetitions, .. } = training;
        DatasetEpisodes { sources, validation, tasks: self.tasks, episodes: self.episodes, repetitions, key }
    }
}

impl LearningAlgorithm for FromEpisodes {
    fn weights(&self) -> usize {
        WEIGHTS
    }

    fn learn(&self, training: Training<'_>, keeper: &mut dyn Keeper) -> Result<Learned> {
        let (config, key) = (self.config, training.key);
        let mut environment = self.environment(training, key.named("validation"));
        let mut pang = match keeper.saved(OverDataSets::MAX_BYTES as u64)? {
            Some(bytes) => Pang::from_bytes(&bytes, config, key)?,
            None => Pang::new(config, key)?,
        };
        pang.keep(&mut environment, keeper, |value| format!("{:.2} % mean accuracy", 100.0 * value))?;
        let Best { network, validation, .. } = pang.best().expect("the start is validated");
        let mut figures = BTreeMap::from([("validation_mean_accuracy".to_owned(), *validation)]);
        if let Some(last) = pang.history().last() {
            figures.insert("episodes".into(), last.episodes as f64);
        }
        let limits = vec!["Sees inputs and labels, and nothing of the classifier.".into()];
        Ok(Learned { weights: network.weights().to_vec(), figures, limits })
    }

    fn strategy(&self, weights: &[f32]) -> Result<Box<dyn Strategy>> {
        Ok(Box::new(PangStrategy::new(PangNetwork::from_weights(weights.to_vec())?)))
    }

    fn untrained(&self, _queries: usize) -> Vec<f32> {
        PangNetwork::new(Key::root(0).named("forecast")).weights().to_vec()
    }

    fn episodes(&self, all: Extent) -> [u64; 2] {
        let iterations = self.config.iterations;
        let played = u64::from(iterations) * (self.tasks.min(all.sources) * self.episodes) as u64;
        [played, validations(self.config.validate_every, iterations)]
    }

    fn rehearse(&self, training: Training<'_>, all: Extent) -> Result<Option<f64>> {
        let Training { validation, repetitions, key, .. } = training;
        let short = PangConfig { iterations: 2, validate_every: u32::MAX, ..self.config };
        let mut pang = Pang::new(short, key)?;
        let mut playing = self.environment(Training { validation: &[], ..training }, key);
        pang.step(&mut playing)?;
        let start = Instant::now();
        let point = pang.step(&mut playing)?;
        let learned = start.elapsed().as_secs_f64() / point.episodes.max(1) as f64;
        let start = Instant::now();
        self.environment(training, key).validate(&PangNetwork::new(key))?;
        let judged = start.elapsed().as_secs_f64() / (validation.len() * repetitions).max(1) as f64;
        let [played, looks] = self.episodes(all);
        Ok(Some(learned * played as f64 + judged * looks as f64 * (repetitions * all.validation) as f64))
    }
}
