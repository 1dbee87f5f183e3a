//! NeuralCAL and NeuralCAL++: a stream is asked about only where the regression function may cross one half, and, with
//! abstention, not where it is known to lie near it.
//!
//! Zhu & Nowak, "Active learning with neural networks: insights from nonparametric statistics", NeurIPS 2022, and its
//! companion "Efficient active learning with abstention", NeurIPS 2022. Labels are 0 and 1, and `η(x) = P(y = 1 | x)`.
//! Epoch `m` has `2^m` rows; its confidence set is that of the labels before it, within the sets of the epochs before:
//! what was refuted stays refuted, and a row that was settled is not asked about again because the radius has grown. The
//! functions are linear in features (the last layer of a network, or [`RandomFeatures`]), so that the bounds are closed
//! formulas ([`Head`]); or an ensemble of such heads stands for the set. What the papers' constants are for networks is not
//! known; here the squared radius is `λ / 4 + scale · d · ln(e + labels)` in `d` features. A row takes `O(d²)` per epoch.
//!
//! ```
//! use querist::stream::neural_cal::{Verdict, judge};
//!
//! // With γ = 0.1: known to be near one half, not known yet, and known to be above.
//! assert_eq!(judge(0.47, 0.53, 0.5, Some(0.1)).verdict, Verdict::Abstain);
//! assert!(judge(0.45, 0.75, 0.6, Some(0.1)).query);
//! let known = judge(0.6, 0.8, 0.7, Some(0.1));
//! assert_eq!((known.verdict, known.query), (Verdict::One, false));
//! ```

mod decision;
mod features;
mod head;
pub(crate) mod plateau;

pub use decision::{Judged, Verdict, judge};
pub use features::RandomFeatures;
pub use head::{Head, MAX_DIMENSION};
pub use plateau::{Figures, Plateau};

use super::error::StreamError;
use crate::rng::Key;
use rand_distr::{Distribution, Poisson};

/// The most members of an ensemble.
pub const MAX_MEMBERS: usize = 64;

/// The settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuralCalConfig {
    /// Chow's parameter γ in `(0, 1/2)`: abstaining costs `1/2 - γ`. None is NeuralCAL, which never abstains.
    pub abstention: Option<f64>,
    /// The penalty of the least squares.
    pub ridge: f64,
    /// The factor of the confidence set's squared radius (of the ensemble, of the slack around it): larger = more labels,
    /// and more certainly right.
    pub scale: f64,
    /// Members of an ensemble in place of the closed bounds, each of its own bootstrap resample; 0 for the bounds.
    pub members: usize,
}

impl Default for NeuralCalConfig {
    fn default() -> Self {
        Self { abstention: Some(0.1), ridge: 1.0, scale: 0.02, members: 0 }
    }
}

impl NeuralCalConfig {
    fn check(&self) -> Result<(), StreamError> {
        let wrong = |setting, found: f64, expected| {
            Err(StreamError::Setting { setting, found: found.to_string(), expected })
        };
        match self.abstention {
            Some(gamma) if !(gamma > 0.0 && gamma < 0.5) => {
                return wrong("abstention", gamma, "above 0 and below 1/2");
            }
            _ => {}
        }
        for (setting, found) in [("ridge", self.ridge), ("scale", self.scale)] {
            if !(found > 0.0 && found.is_finite()) {
                return wrong(setting, found, "a finite number above 0");
            }
        }
        if self.members == 1 || self.members > MAX_MEMBERS {
            return wrong("members", self.members as f64, "0, or 2 to 64");
        }
        Ok(())
    }
}

/// The functions that some labels do not refute.
#[derive(Clone, Debug, PartialEq)]
struct ConfidenceSet {
    centre: Head,
    /// The square of the radius around it.
    radius: f64,
    labels: u64,
}

impl ConfidenceSet {
    /// The bounds of what its functions say of a row.
    fn bounds(&self, features: &[f64]) -> (f64, f64) {
        let (estimate, width) =
            (self.centre.estimate(features), (self.radius * self.centre.leverage(features)).sqrt());
        (estimate - width, estimate + width)
    }
}

/// The learner between two rows.
#[derive(Clone, Debug, PartialEq)]
pub struct NeuralCal {
    config: NeuralCalConfig,
    /// Those of the epochs so far, the present one's last.
    sets: Vec<ConfidenceSet>,
    /// The ensemble of the present epoch, fitted to resamples.
    members: Vec<Head>,
    /// Fitted to all labels, those of the present epoch included.
    next: Head,
    next_members: Vec<Head>,
    epoch: u32,
    seen: u64,
    labels: u64,
    key: Key,
}

impl NeuralCal {
    /// A learner over `dimension` features that knows nothing. The ensemble's resamples are drawn from `key`.
    ///
    /// # Errors
    /// [`StreamError::Setting`].
    pub fn new(config: NeuralCalConfig, dimension: usize, key: Key) -> Result<Self, StreamError> {
        config.check()?;
        let next = Head::new(dimension, config.ridge)?;
        let members = vec![next.clone(); config.members];
        let (sets, next_members) = (Vec::new(), members.clone());
        let mut learner =
            Self { config, sets, members, next, next_members, epoch: 0, seen: 0, labels: 0, key };
        learner.begin();
        Ok(learner)
    }

    /// Begins an epoch with what was learned before it.
    fn begin(&mut self) {
        self.members.clone_from(&self.next_members);
        if self.sets.last().is_none_or(|last| last.labels < self.labels) {
            let logarithm = (std::f64::consts::E + self.labels as f64).ln();
            let radius =
                self.config.ridge / 4.0 + self.config.scale * self.next.dimension() as f64 * logarithm;
            self.sets.push(ConfidenceSet { centre: self.next.clone(), radius, labels: self.labels });
        }
    }

    /// The number of the epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The number of features.
    pub fn dimension(&self) -> usize {
        self.next.dimension()
    }

    /// Labels asked for.
    pub fn labels(&self) -> u64 {
        self.labels
    }

    /// What is known of a row, and whether its label is to be asked for.
    pub fn judge(&self, features: &[f64]) -> Judged {
        let now = self.sets.last().expect("the first epoch has begun");
        let estimate = now.centre.estimate(features);
        let (low, high) = match self.members.is_empty() {
            true => {
                let inner = |(low, high): (f64, f64), (l, h): (f64, f64)| (low.max(l), high.min(h));
                let all = self.sets.iter().map(|set| set.bounds(features));
                match all.fold((f64::NEG_INFINITY, f64::INFINITY), inner) {
                    // No function is left: one of the sets was wrong.
                    (low, high) if low > high => now.bounds(features),
                    bounds => bounds,
                }
            }
            false => {
                let all = self.members.iter().map(|member| member.estimate(features));
                // Few labels say little, however much the members agree.
                let slack = (self.config.scale * now.centre.leverage(features)).sqrt();
                let (low, high) = all.fold((estimate, estimate), |(l, h), e| (l.min(e), h.max(e)));
                (low - slack, high + slack)
            }
        };
        judge(low, high, estimate, self.config.abstention)
    }

    /// The next row: judged, and counted. Epochs end by themselves.
    pub fn offer(&mut self, features: &[f64]) -> Judged {
        // Epoch m begins after 2^m - 1 rows.
        if self.seen + 1 == 1u64 << (self.epoch + 1) {
            self.epoch += 1;
            self.begin();
        }
        let judged = self.judge(features);
        self.seen += 1;
        judged
    }

    /// Learns the label of a row that was asked about; used from the next epoch on.
    pub fn learn(&mut self, features: &[f64], label: bool) {
        self.labels += 1;
        self.next.learn(features, label);
        let mut rng = self.key.at(self.labels).rng();
        let often = Poisson::new(1.0).expect("a positive mean");
        for member in &mut self.next_members {
            // Online bootstrap: Oza & Russell, AISTATS 2001.
            let times: f64 = often.sample(&mut rng);
            (0..times as u32).for_each(|_| member.learn(features, label));
        }
    }
}

#[cfg(test)]
mod tests;
