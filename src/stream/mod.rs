//! Streams: rows come one by one, and each is kept for labelling or skipped for ever.
//!
//! A [`StreamRule`] decides on one row from what the present classifier says of it, and from a budget: the share of
//! rows that may be kept. A [`StreamEpisode`] holds what the rule needs (an [`OnlineLearner`], rows that wait for their
//! label), and takes one pass over the stream with memory that does not grow with it. [`rules`] are the published
//! ones, one per file, and [`StreamPolicy`] is a learned one; [`drift`] generates streams whose concept changes; [`session`] is an
//! episode that survives the end of its process, for `querist stream`. [`pal`] learns to decide on source streams;
//! [`neural_cal`] asks only where its bounds leave the answer open; [`synthesis`] makes rows up instead of waiting for them.
//!
//! ```
//! use querist::Key;
//! use querist::stream::{StreamEpisode, StreamPlan, rules};
//!
//! let rule = rules::build("variable_uncertainty", 0.2)?;
//! let mut episode = StreamEpisode::new(StreamPlan { width: 1, ..StreamPlan::default() }, rule, Key::root(1))?;
//! let class = |x: f32| u32::from(x > 0.5);
//! for at in 0..500u64 {
//!     let x = (at * 37 % 101) as f32 / 101.0;
//!     if episode.offer(&[x])?.decision.keep {
//!         episode.answer(at, class(x))?;
//!     }
//! }
//! assert!(episode.kept() < 130); // a fifth of them, and what the window allows on top
//! assert!(episode.learner().probabilities(&[0.9])?[1] > 0.5);
//! # Ok::<(), querist::Error>(())
//! ```

pub(crate) mod budget;
pub(crate) mod drift;
pub(crate) mod episode;
pub(crate) mod error;
pub(crate) mod learner;
pub(crate) mod moments;
pub mod neural_cal;
pub mod pal;
pub(crate) mod policy;
pub mod rules;
pub(crate) mod session;
pub(crate) mod sliding_pool;
pub mod synthesis;

pub use budget::{Counted, Moving};
pub use drift::{Drift, DriftPlan};
pub use episode::{Offered, StreamEpisode, StreamPlan};
pub use error::StreamError;
pub use learner::OnlineLearner;
pub use policy::StreamPolicy;

use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// Decides on rows of a stream, one by one and once for all.
///
/// Every implementor passes the contract in [`rules`]: the budget is kept, memory and time per row do not depend on
/// the rows before, and the same offers with the same keys get the same decisions.
pub trait StreamRule: Send {
    /// Whether to have the row labelled, and notes the decision.
    fn offer(&mut self, offer: &Offer<'_>, draws: &mut Draws<'_>) -> Decision;

    /// The one number that the rule wants of a row and of the present classifier, for the offer that follows. It is kept with
    /// the decision, which can then be made again without the classifier.
    ///
    /// # Errors
    /// Those of the classifier, and of what else the rule asks.
    fn value(&self, look: &Look<'_>) -> Result<f64> {
        Ok(look.confidence())
    }

    /// Learns the label of a row, whether it was kept or came with it. What is refused changes nothing.
    ///
    /// # Errors
    /// [`StreamError`] for a label that the rule has no use for.
    fn learn(&mut self, _inputs: &[f32], _label: u32) -> Result<(), StreamError> {
        Ok(())
    }

    /// Whether offers must hold the numbers of their row and a value of the rule's own; else the confidence decides.
    fn looks(&self) -> bool {
        false
    }
}

/// A row beside the present classifier.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The numbers of the row.
    pub inputs: &'a [f32],
    /// Its class probabilities.
    pub probabilities: &'a [f32],
    /// The classifier.
    pub learner: &'a OnlineLearner,
}

impl Look<'_> {
    /// The largest class probability.
    pub fn confidence(&self) -> f64 {
        f64::from(self.probabilities.iter().copied().fold(0.0, f32::max))
    }
}

/// What a rule may know of a row when it decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer<'a> {
    /// The largest class probability, in `[1 / classes, 1]`.
    pub confidence: f64,
    /// The rule's own [value](StreamRule::value).
    pub value: f64,
    /// The number of classes so far, at least 2.
    pub classes: usize,
    /// The numbers of the row; may be missing where the rule does not [look](StreamRule::looks) at them.
    pub inputs: &'a [f32],
}

impl<'a> Offer<'a> {
    /// An offer to a rule that decides by the confidence alone.
    pub fn by_confidence(confidence: f64, classes: usize) -> Self {
        Self { confidence, value: confidence, classes, inputs: &[] }
    }

    /// What `rule` may know of a row under a classifier as it was last fitted.
    ///
    /// # Errors
    /// As [`OnlineLearner::probabilities`] and [`StreamRule::value`].
    pub fn of(rule: &dyn StreamRule, inputs: &'a [f32], learner: &OnlineLearner) -> Result<Self> {
        let probabilities = learner.probabilities(inputs)?;
        let look = Look { inputs, probabilities: &probabilities, learner };
        Ok(Self {
            confidence: look.confidence(),
            value: rule.value(&look)?,
            classes: learner.classes(),
            inputs,
        })
    }
}

/// What a rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether to have the row labelled.
    pub keep: bool,
    /// Why.
    pub reason: Reason,
}

impl Decision {
    /// Keeps a row.
    pub fn keep(reason: Reason) -> Self {
        Self { keep: true, reason }
    }

    /// Skips a row.
    pub fn skip(reason: Reason) -> Self {
        Self { keep: false, reason }
    }
}

/// Why a row was kept or skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Kept: the classifier is less sure of it than the threshold, or bounds leave its class open.
    Uncertain,
    /// Skipped: the classifier is surer of it than the threshold, or bounds tell its class.
    Certain,
    /// Skipped: bounds tell that no class is much likelier than the other, and none is given.
    Abstained,
    /// Kept or skipped by what a learned policy makes of it.
    Learned,
    /// Kept or skipped by a draw.
    Drawn,
    /// Kept or skipped by its place in the stream.
    Periodic,
    /// Skipped: no recent row has it as the nearest so far.
    Sparse,
    /// Skipped: nothing of the budget is left at this moment.
    NoBudget,
    /// Skipped: the number of labels of the whole stream has been spent.
    Spent,
}

/// The numbers that a rule draws for one row.
#[derive(Debug)]
pub struct Draws<'a> {
    source: Source<'a>,
}

#[derive(Debug)]
enum Source<'a> {
    /// Not drawn from yet.
    Key(Key),
    Rng(Box<ChaCha8Rng>),
    Given(&'a [f64]),
}

impl<'a> Draws<'a> {
    /// Draws from a generator that starts at `key`.
    pub fn new(key: Key) -> Self {
        Self { source: Source::Key(key) }
    }

    /// The numbers of another generator, in the order in which they are drawn: for comparisons with other programs.
    pub fn given(numbers: &'a [f64]) -> Self {
        Self { source: Source::Given(numbers) }
    }

    fn next(&mut self, draw: impl FnOnce(&mut ChaCha8Rng) -> f64) -> f64 {
        if let Source::Key(key) = self.source {
            self.source = Source::Rng(Box::new(key.rng()));
        }
        match &mut self.source {
            Source::Rng(rng) => draw(rng),
            Source::Given(numbers) => {
                let (first, rest) = numbers.split_first().expect("as many numbers as the rule draws");
                *numbers = rest;
                *first
            }
            Source::Key(_) => unreachable!("replaced above"),
        }
    }

    /// A number uniform in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        self.next(|rng| rng.random())
    }

    /// A normal number.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        self.next(|rng| {
            let z: f64 = StandardNormal.sample(rng);
            mean + deviation * z
        })
    }
}
