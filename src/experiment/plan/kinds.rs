//! Whether everything that a plan names serves the kind of targets that its data sets have.

use super::Plan;
use crate::agent::Algorithms;
use crate::data::TargetKind;
use crate::episode::InitialPool;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::sections::{Baseline, HIDDEN, LEARNED, OptimiserKind, SeenBy, UNTRAINED, is_reserved};
use crate::learner::{Loss, Metric};
use crate::query::{Kinds, Registry, usual};

/// What a file says itself, of what a kind of targets has another default for.
pub(super) struct Said {
    pub metric: bool,
    pub strategies: bool,
}

impl Plan {
    /// The kind of targets that the episodes of the plan are played on.
    pub fn kind(&self) -> TargetKind {
        let first = self.transfer.as_ref().and_then(|transfer| transfer.targets.first());
        first.map_or(self.sources.task, |target| target.kind())
    }

    /// Fills in the defaults of the plan's kind of targets, and refuses what does not serve it. Policies learn from classes or from
    /// numbers, searches from classes alone.
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
        let learned_from = self.sources.task;
        let hint = match learned_from {
            TargetKind::Class => {
                "policies learn from classes, or from numbers where `sources.task` is \"regression\""
            }
            _ => "name sets of numbers, as `sources.task` says",
        };
        let compared = self.search_comparison.as_ref().map(|compared| &compared.targets);
        let searches = "searches learn from classes alone";
        let all = [
            ("sources.datasets", Some(&self.sources.datasets), learned_from, hint),
            ("sources.validation", Some(&self.sources.validation), learned_from, hint),
            ("search_comparison.targets", compared, TargetKind::Class, searches),
        ];
        for (key, sets, expected, hint) in all {
            if let Some(set) = sets.into_iter().flatten().find(|set| set.kind() != expected) {
                let why = format!("holds \"{}\", whose targets are {}", set.name(), set.kind().name());
                return Err(conflict(key, why, hint));
            }
        }
        if self.train.is_some()
            && learned_from != kind
            && matches!(kind, TargetKind::Class | TargetKind::Real)
        {
            let why = format!("is \"{learned_from}\", and targets are {}", kind.name());
            return Err(conflict("sources.task", why, "learn from what the policy is to ask for"));
        }
        if learned_from == TargetKind::Real {
            let (sources, train) = (&self.sources, self.train.as_ref());
            let margin = train.is_some_and(|train| train.policy_gradient.baseline == Baseline::Margin);
            let others = train.and_then(|train| {
                train.algorithms.learning().next().map(|(name, _)| format!("train.{name}"))
            });
            let head = train.is_some_and(|train| train.architecture.episodes > 0);
            let probability = "is a part of returns that is the probability of a class";
            let refused = [
                ("sources.many_classes", sources.many_classes > 0.0, "counts classes"),
                ("sources.variants", sources.variants > 0, "varies sets of classes"),
                ("train.architecture", head, "learns from classes alone"),
                ("train.policy_gradient.baseline", margin, "is \"margin\", which asks for classes"),
                (
                    "train.policy_gradient.soft",
                    train.is_some_and(|train| train.policy_gradient.soft > 0.0),
                    probability,
                ),
                ("train.evolution.soft", train.is_some_and(|train| train.evolution.soft > 0.0), probability),
                (others.as_deref().unwrap_or(""), others.is_some(), "learns from classes alone"),
            ];
            if let Some((key, _, why)) = refused.into_iter().find(|(_, given, _)| *given) {
                return Err(conflict(
                    key,
                    format!("{why}; `sources.task` is \"regression\""),
                    "leave it out",
                ));
            }
        }
        if said.metric && self.episode.metric.targets() != kind {
            let of_kind = Metric::ALL.iter().filter(|metric| metric.targets() == kind);
            let known: Vec<&str> = of_kind.map(|metric| metric.key()).collect();
            let why = format!("is \"{}\", which is no figure of {kind}", self.episode.metric.key());
            return Err(conflict("episode.metric", why, &format!("known are {}", known.join(", "))));
        }
        let world = self.episode.world.as_ref();
        let about_classes = [
            ("episode.world.long_tail", world.is_some_and(|world| world.long_tail.is_some())),
            ("episode.world.label_noise", world.is_some_and(|world| world.label_noise.is_some())),
            ("episode.world.open_set", world.is_some_and(|world| world.open_set.is_some())),
            ("episode.world.domains", world.is_some_and(|world| world.domains.is_some())),
        ];
        if let Some((key, _)) =
            about_classes.into_iter().find(|&(_, given)| given && kind != TargetKind::Class)
        {
            let why = format!("is about classes; the targets are {}", kind.name());
            return Err(conflict(key, why, "leave it out"));
        }
        if let Some(loss) = self.learner.loss.filter(|loss| loss.targets() != kind) {
            let of = match loss.targets() {
                TargetKind::Class => "classifiers",
                other => other.name(),
            };
            let why = format!("is a loss of {of}; the targets are {}", kind.name());
            return Err(conflict("learner.loss", why, "leave it out"));
        }
        if kind == TargetKind::Class {
            self.learner.loss.get_or_insert(Loss::CrossEntropy);
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
            (
                "train",
                self.train.is_some() && kind != TargetKind::Real,
                "trains policies on classes or on numbers",
            ),
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
                let policy = self.train.is_some() || transfer.policy.is_some();
                let named = ["random", usual(kind)].into_iter().chain(policy.then_some(LEARNED));
                transfer.strategies = named.map(str::to_string).collect();
            }
            for (at, name) in transfer.strategies.iter().enumerate() {
                serves(registry, &self.algorithms, name, kind, place, &format!("transfer.strategies[{at}]"))?;
            }
        }
        Ok(())
    }
}

/// Refuses a strategy that does not serve `kind`, and every learned one but the policy, which sees what all kinds have.
fn serves(
    registry: &Registry,
    algorithms: &Algorithms,
    name: &str,
    kind: TargetKind,
    place: &Place,
    key: &str,
) -> Result<(), ExperimentError> {
    let kinds = match is_reserved(name, algorithms) {
        true if [LEARNED, UNTRAINED].contains(&name) => Ok(Kinds::ALL),
        true => Ok(Kinds::CLASS),
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
