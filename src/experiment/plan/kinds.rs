//! Whether everything that a plan names serves the kind of targets that its data sets have.

use super::Plan;
use crate::agent::Algorithms;
use crate::data::TargetKind;
use crate::episode::InitialPool;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::sections::{HIDDEN, OptimiserKind, SeenBy, is_reserved};
use crate::learner::Loss;
use crate::query::Registry;

/// What is compared on a kind of targets where a file does not say; on classes, the section of transfer says.
fn usual(kind: TargetKind) -> [&'static str; 2] {
    match kind {
        TargetKind::Class => ["random", "margin"],
        TargetKind::Real => ["random", "igs"],
        TargetKind::MultiLabel => ["random", "by_label(margin)"],
        TargetKind::Mask => ["random", "by_pixel(margin)"],
    }
}

/// What a file says itself, of what a kind of targets has another default for.
pub(super) struct Said {
    pub metric: bool,
    pub strategies: bool,
}

impl Plan {
    /// The kind of targets that the episodes of the plan are played on.
    pub fn kind(&self) -> TargetKind {
        let first = self.transfer.as_ref().and_then(|transfer| transfer.targets.first());
        first.map_or(TargetKind::Class, |target| target.kind())
    }

    /// Fills in the defaults of the plan's kind of targets, and refuses what does not serve it. What learns from labels beyond
    /// its own episodes (policies, searches) learns from classes alone.
    pub(super) fn check_kinds(&mut self, place: &Place, said: Said) -> Result<(), ExperimentError> {
        let conflict = |key: &str, why: String, hint: &str| ExperimentError::Conflict {
            place: place.clone(),
            key: key.to_string(),
            why,
            hint: hint.to_string(),
        };
        let kind = self.kind();
        let targets = self.transfer.iter().flat_map(|transfer| &transfer.targets);
        if let Some(other) = targets.clone().find(|target| target.kind() != kind) {
            let why = format!("holds targets of {kind} and \"{}\", of {}", other.name(), other.kind());
            return Err(conflict(
                "transfer.targets",
                why,
                "a run measures one figure: make a file for each kind",
            ));
        }
        let learned =
            [("sources.datasets", &self.sources.datasets), ("sources.validation", &self.sources.validation)];
        let compared = self
            .search_comparison
            .as_ref()
            .map(|search_comparison| ("search_comparison.targets", &search_comparison.targets));
        for (key, sets) in learned.into_iter().chain(compared) {
            if let Some(set) = sets.iter().find(|set| set.kind() != TargetKind::Class) {
                let why = format!("holds \"{}\", whose targets are {}", set.name(), set.kind().name());
                return Err(conflict(key, why, "policies and searches learn from classes alone"));
            }
        }
        if said.metric && self.episode.metric.targets() != kind {
            let known: Vec<&str> = kind.metrics().iter().map(|metric| metric.key()).collect();
            let why = format!("is \"{}\", which is no figure of {kind}", self.episode.metric.key());
            return Err(conflict("episode.metric", why, &format!("known are {}", known.join(", "))));
        }
        let loss = self.learner.loss;
        // What is not said stands for the usual loss of the kind.
        if loss != Loss::CrossEntropy && loss.targets() != kind {
            let of = match loss.targets() {
                TargetKind::Class => "classifiers",
                other => other.name(),
            };
            let why = format!("is a loss of {of}; the targets are {}", kind.name());
            return Err(conflict("learner.loss", why, "leave it out"));
        }
        if kind == TargetKind::Class {
            let named = self.transfer.iter().flat_map(|transfer| transfer.strategies.iter().enumerate());
            // What is no strategy at all is refused where strategies are checked.
            for (at, name) in named.filter(|(_, name)| self.registry.build(name).is_ok()) {
                serves(
                    &self.registry,
                    &self.algorithms,
                    name,
                    kind,
                    place,
                    &format!("transfer.strategies[{at}]"),
                )?;
            }
            return Ok(());
        }
        if !said.metric {
            self.episode.metric = kind.metrics()[0];
        }
        let learner = &self.learner;
        let refused = [
            ("train", self.train.is_some(), "trains policies, which ask for classes alone"),
            ("search", self.search.is_some(), "searches architectures, which is done on classes alone"),
            (
                "learner.optimiser",
                learner.optimiser == OptimiserKind::Lbfgs,
                "is \"lbfgs\", which fits a classifier",
            ),
            (
                "learner.device",
                !learner.device.is_cpu(),
                "names a device, where networks learn classes alone",
            ),
        ];
        if let Some((key, _, why)) = refused.into_iter().find(|(_, given, _)| *given) {
            return Err(conflict(key, format!("{why}; the targets are {}", kind.name()), "leave it out"));
        }
        // A resolved plan names what it leaves as it is.
        let coded = self.episode.encoder.as_ref().is_some_and(|encoder| encoder.seen_by == SeenBy::All);
        let of_pixels = [
            ("learner.hidden", learner.hidden != HIDDEN, "shapes networks of vectors"),
            ("learner.dropout", learner.dropout > 0.0, "shapes networks of vectors"),
            ("learner.keep_optimiser", learner.keep_optimiser, "goes on with networks of vectors"),
            ("episode.encoder.seen_by", coded, "makes vectors of images"),
        ];
        let given = of_pixels.into_iter().find(|(_, given, _)| kind == TargetKind::Mask && *given);
        if let Some((key, _, why)) = given {
            return Err(conflict(key, format!("{why}; masks have one network over pixels"), "leave it out"));
        }
        let registry = &self.registry;
        if let InitialPool::Rule(rule) = &self.episode.initial {
            serves(&Registry::builtin(), &self.algorithms, rule, kind, place, "episode.initial")?;
        }
        if let Some(transfer) = &mut self.transfer {
            if !said.strategies {
                transfer.strategies = usual(kind).map(str::to_string).to_vec();
            }
            for (at, name) in transfer.strategies.iter().enumerate() {
                serves(registry, &self.algorithms, name, kind, place, &format!("transfer.strategies[{at}]"))?;
            }
        }
        Ok(())
    }
}

/// Refuses a strategy that does not serve `kind`, and every policy: they ask for classes.
fn serves(
    registry: &Registry,
    algorithms: &Algorithms,
    name: &str,
    kind: TargetKind,
    place: &Place,
    key: &str,
) -> Result<(), ExperimentError> {
    let kinds = match is_reserved(name, algorithms) {
        true => Ok(crate::query::Kinds::CLASS),
        false => registry.build(name).map(|strategy| strategy.kinds()),
    };
    let refused = |error: crate::Error| ExperimentError::Refused {
        place: place.clone(),
        key: key.to_string(),
        reason: error.to_string(),
        hint: error.hint(),
    };
    kinds.and_then(|kinds| Ok(kinds.expect(kind, name)?)).map_err(refused)
}
