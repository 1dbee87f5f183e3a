//! Settings of single searches, which `[search]` and `[rivals]` both have: what `method` and `methods` only name.

use super::search::Method;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::keys::{number, section, table, whole};
use crate::search::{MAX_POPULATION, Method as Walk, Rule, defaults};

/// The most iterations, cycles, brackets and restarts.
const MOST: u32 = 1_000_000;

section! {
    /// Settings of single searches. The others have none.
    pub struct MethodSettings {
        /// Settings of `"hill_climbing"`.
        #[serde(skip_serializing_if = "HillClimbingSettings::is_default")]
        hill_climbing: HillClimbingSettings = table(HillClimbingSettings::keys);
        /// Settings of `"annealing"` (Kirkpatrick et al., Science 1983): a worse neighbour is moved to with probability
        /// `exp(-loss / t)`, where `t` is the temperature.
        #[serde(skip_serializing_if = "AnnealingSettings::is_default")]
        annealing: AnnealingSettings = table(AnnealingSettings::keys);
        /// Settings of `"evolution"` (Real et al., AAAI 2019). Published with a population of 100 and samples of 25;
        /// small spaces want fewer.
        #[serde(skip_serializing_if = "EvolutionSettings::is_default")]
        evolution: EvolutionSettings = table(EvolutionSettings::keys);
        /// Settings of `"halving"` (Jamieson & Talwalkar, AISTATS 2016): `eta^(rungs-1)` candidates get the
        /// `eta^(rungs-1)`th part of the steps; of each rung one in `eta` goes on, with `eta` times the steps.
        #[serde(skip_serializing_if = "HalvingSettings::is_default")]
        halving: HalvingSettings = table(HalvingSettings::keys);
    }
}

section! {
    /// `hill_climbing = { … }`: steps to the best neighbour until none is better.
    pub struct HillClimbingSettings {
        /// How often it starts again from a random point.
        restarts: u32 = whole(0..=MOST).or(defaults::RESTARTS);
    }
}

section! {
    /// `annealing = { … }`: simulated annealing.
    pub struct AnnealingSettings {
        /// The first temperature, in accuracy.
        temperature: f64 = number(1e-9..=1e3).or(defaults::TEMPERATURE);
        /// The factor of the temperature from one iteration to the next.
        cooling: f64 = number(1e-6..=1.0).or(defaults::COOLING);
        /// Iterations after which the temperature starts again.
        reheat: u64 = whole(1..=u64::from(MOST)).or(defaults::REHEAT);
        /// The most iterations; a return to a network that was scored already is free, but is one.
        iterations: u64 = whole(1..=u64::from(MOST)).or(defaults::ITERATIONS);
    }
}

section! {
    /// `evolution = { … }`: ageing evolution.
    pub struct EvolutionSettings {
        /// Members of the population; fewer where the space has fewer points.
        population: usize = whole(1..=MAX_POPULATION).or(defaults::POPULATION);
        /// Members drawn, with replacement, of which the best is mutated.
        sample: usize = whole(1..=MAX_POPULATION).or(defaults::SAMPLE);
        /// The most cycles; a child that was scored already is free, but is one.
        cycles: u64 = whole(1..=u64::from(MOST)).or(defaults::ITERATIONS);
    }
}

section! {
    /// `halving = { … }`: successive halving.
    pub struct HalvingSettings {
        /// One in so many goes on, with so many times the steps.
        eta: u32 = whole(2..=100).or(defaults::ETA);
        /// Rungs of one bracket. `search.steps` must be a multiple of `eta^(rungs-1)`, and the space must have as many
        /// points; `[rivals]` rounds its steps up.
        rungs: u32 = whole(1..=20).or(defaults::RUNGS);
        /// The most brackets, each with candidates of its own.
        brackets: u32 = whole(1..=MOST).or(defaults::BRACKETS);
    }
}

macro_rules! default_is_an_empty_table {
    ($($settings:ident),*) => {$(
        impl $settings {
            /// Left out of resolved plans, which said nothing of it before there was the key.
            fn is_default(&self) -> bool {
                let empty = crate::experiment::raw::Section::root(Default::default(), "");
                crate::experiment::keys::whole_table(empty, Self::keys).is_ok_and(|default| default == *self)
            }
        }
    )*};
}

default_is_an_empty_table!(HillClimbingSettings, AnnealingSettings, EvolutionSettings, HalvingSettings);

impl HalvingSettings {
    /// Candidates of the first rung, and what steps are divided by there; none where that is beyond 32 bits.
    pub fn width(&self) -> Option<u32> {
        self.eta.checked_pow(self.rungs - 1)
    }

    /// Refuses more rungs than a space of so many points can fill. `place` and `key` are those of the settings.
    pub(in crate::experiment) fn check(
        &self,
        points: usize,
        place: &Place,
        key: &str,
    ) -> Result<u32, ExperimentError> {
        match self.width() {
            Some(width) if width as usize <= points => Ok(width),
            _ => Err(ExperimentError::Conflict {
                place: place.clone(),
                key: key.to_string(),
                why: format!(
                    "begins with {} to the power of {} candidates, but the space has {points}",
                    self.eta,
                    self.rungs - 1
                ),
                hint: "take fewer rungs or a smaller eta, or make the space larger".into(),
            }),
        }
    }
}

impl MethodSettings {
    /// A search with its settings. On a source there are enough labels for as many moves as help; within an episode
    /// the local search moves once per round.
    pub fn walk<P>(&self, method: Method) -> Walk<P> {
        match method {
            Method::Local => Walk::Local { moves: u32::MAX, rule: Rule::OneStandardError },
            Method::HillClimbing => Walk::HillClimbing { restarts: self.hill_climbing.restarts },
            Method::Annealing => {
                let AnnealingSettings { temperature, cooling, reheat, iterations } = self.annealing;
                Walk::Annealing { temperature, cooling, reheat, iterations }
            }
            Method::Random => Walk::Random {},
            Method::Evolution => {
                let EvolutionSettings { population, sample, cycles } = self.evolution;
                Walk::Evolution { population, sample, cycles }
            }
            Method::Halving => {
                let HalvingSettings { eta, rungs, brackets } = self.halving;
                Walk::Halving { eta, rungs, brackets }
            }
            Method::Grid => Walk::Grid {},
        }
    }
}
