//! [`LearningAlgorithm`]: what learns a policy with a network and a file of its own, and [`Algorithms`], such by name.
//!
//! The policy of the name `"policy"` is learned by imitation and what follows it; whatever an algorithm of this kind learns
//! stands beside it in experiment files, under the algorithm's name. One that learns in iterations needs no loop of its own:
//! [`Trainer`](super::Trainer) validates, keeps the best network, writes checkpoints and goes on from them. One of another crate
//! is registered like those here:
//!
//! ```
//! use querist::agent::{AlgorithmEntry, Algorithms, Keeper, Learned, LearningAlgorithm, Training};
//! use querist::query::{Registry, Strategy};
//! use querist::registry::Setting;
//! use std::sync::Arc;
//!
//! /// Draws by the margin, the more sharply the larger its one weight, which is learned in no time.
//! #[derive(Debug)]
//! struct Sharpness;
//!
//! impl LearningAlgorithm for Sharpness {
//!     fn weights(&self) -> usize {
//!         1
//!     }
//!
//!     fn learn(&self, _training: Training<'_>, _keeper: &mut dyn Keeper) -> querist::Result<Learned> {
//!         Ok(Learned { weights: vec![2.0], ..Learned::default() })
//!     }
//!
//!     fn strategy(&self, weights: &[f32]) -> querist::Result<Box<dyn Strategy>> {
//!         Registry::builtin().build(&format!("power(margin,beta={})", weights[0]))
//!     }
//!
//!     fn untrained(&self, _queries: usize) -> Vec<f32> {
//!         vec![1.0]
//!     }
//! }
//!
//! const SETTINGS: &[Setting] = &[Setting::whole("iterations", [0, 100], 0, "Updates; 0 turns it off.")];
//! let entry = AlgorithmEntry::new("sharpness", "Draws by the margin.", SETTINGS, |_| Arc::new(Sharpness));
//! let algorithms = Algorithms::builtin().with(entry)?;
//! querist::testing::algorithm_contract(&algorithms, "sharpness");
//! # Ok::<(), querist::Error>(())
//! ```

use super::parts::Parts;
use super::simulation::Source;
use super::trainer::Keeper;
use super::{dqn, pang};
use crate::error::Result;
use crate::query::Strategy;
use crate::registry::{Named, Registered, Setting, Settings};
use crate::rng::Key;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// The setting that every algorithm has: with 0 it is off.
pub const ITERATIONS: &str = "iterations";

/// What an algorithm is given to learn from.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    /// The tasks to learn from, at least one.
    pub sources: &'a [Source],
    /// The tasks that choose between iterations.
    pub validation: &'a [Source],
    /// Validation episodes per task.
    pub repetitions: usize,
    /// Finished parts, so that an interrupted training goes on from there.
    pub parts: &'a dyn Parts,
    /// What it draws from.
    pub key: Key,
}

/// What an algorithm came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    /// The policy's weights: of the best iteration, where there were several.
    pub weights: Vec<f32>,
    /// Figures of its training, by name.
    pub figures: BTreeMap<String, f64>,
    /// What it should not be used for, a sentence each.
    pub limits: Vec<String>,
}

/// Tasks of a plan, of which a forecast tries a few.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extent {
    /// Tasks to learn from.
    pub sources: usize,
    /// Tasks that choose between iterations.
    pub validation: usize,
}

/// Learns a policy with a network of its own.
pub trait LearningAlgorithm: fmt::Debug + Send + Sync {
    /// The number of the policy's weights.
    fn weights(&self) -> usize;

    /// Learns. The same training gives the same weights, whatever the number of threads, and whether it was interrupted or
    /// not.
    ///
    /// # Errors
    /// Whatever keeps it from learning.
    fn learn(&self, training: Training<'_>, keeper: &mut dyn Keeper) -> Result<Learned>;

    /// The policy of these weights, for one episode.
    ///
    /// # Errors
    /// For weights that are no policy's.
    fn strategy(&self, weights: &[f32]) -> Result<Box<dyn Strategy>>;

    /// Weights of which nothing is learned, for episodes of so many queries. Forecasts play them.
    fn untrained(&self, queries: usize) -> Vec<f32>;

    /// Episodes that it learns from, and how often it validates.
    fn episodes(&self, _all: Extent) -> [u64; 2] {
        [0, 0]
    }

    /// Tries what [`learn`](Self::learn) does on some tasks, and gives the seconds on one core that the whole would take
    /// with all; none where it is left to the episodes alone.
    ///
    /// # Errors
    /// As [`learn`](Self::learn).
    fn rehearse(&self, _training: Training<'_>, _all: Extent) -> Result<Option<f64>> {
        Ok(None)
    }
}

/// A learning algorithm by name: that of its table under `[train]`, and of its policy among the strategies.
#[derive(Clone, Copy)]
pub struct AlgorithmEntry {
    /// The name.
    pub name: &'static str,
    /// What it does, in Markdown.
    pub about: &'static str,
    /// Its settings, of which one is called [`ITERATIONS`] and is 0 unless it is said.
    pub settings: &'static [Setting],
    /// Makes it of what its settings are set to.
    pub make: fn(&Settings) -> Arc<dyn LearningAlgorithm>,
}

impl AlgorithmEntry {
    /// An algorithm of this name.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        settings: &'static [Setting],
        make: fn(&Settings) -> Arc<dyn LearningAlgorithm>,
    ) -> Self {
        Self { name, about, settings, make }
    }

    /// The algorithm as it is unless something is said, which reads the policies that it has learned.
    pub fn usual(&self) -> Arc<dyn LearningAlgorithm> {
        (self.make)(&Settings::defaults(self.settings))
    }
}

impl fmt::Debug for AlgorithmEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlgorithmEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Registered for AlgorithmEntry {
    const WHAT: &'static str = "learning algorithm";
    const SAID: bool = true;

    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn settings(&self) -> &'static [Setting] {
        self.settings
    }
}

/// Learning algorithms by name.
pub type Algorithms = Named<AlgorithmEntry>;

/// Those of this crate: the one list of them.
const ENTRIES: [AlgorithmEntry; 2] = [dqn::ENTRY, pang::ENTRY];

static BUILTIN: LazyLock<Algorithms> = LazyLock::new(|| {
    ENTRIES.into_iter().try_fold(Algorithms::empty(), Named::with).expect("names that are plain and differ")
});

impl Algorithms {
    /// The learning algorithms of this crate.
    pub fn builtin() -> Self {
        BUILTIN.clone()
    }
}
