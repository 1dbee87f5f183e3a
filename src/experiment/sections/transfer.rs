//! `[transfer]`: what is compared on which targets.

use super::architecture::ArchitectureChoice;
use super::dataset::DataRef;
use super::train::Train;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::raw::{self, Section};
use crate::experiment::vocabulary::Vocabulary;
use serde::Serialize;

/// The name of the learned policy among the strategies.
pub const LEARNED: &str = "policy";
/// The name of the learned policy that shares an episode with its fallback, by what the target says of both.
pub const ADAPTED: &str = "policy_adapted";
/// The name of the policy that deep Q-learning made.
pub const DQN: &str = "dqn";
/// The name of the policy with an embedding of the data set.
pub const DATASET_EMBEDDING: &str = "dataset_embedding";
/// Strategies that are learned, by this run or an earlier one.
pub const TRAINED: [&str; 4] = [LEARNED, ADAPTED, DQN, DATASET_EMBEDDING];
/// Names that no strategy of a registry may have: `TRAINED`, and [`UNTRAINED`].
pub fn is_reserved(name: &str) -> bool {
    TRAINED.contains(&name) || name == UNTRAINED
}
/// The name of the policy before it learned anything: the same network, whose scores are all equal.
pub const UNTRAINED: &str = "untrained";

/// What is compared on which targets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Transfer {
    /// Data sets that nothing was learned from. At least one.
    pub targets: Vec<DataRef>,
    /// Strategies, with parameters where they have any (`"typiclust(neighbours=10)"`); `"policy"` is
    /// the learned one, `"policy_adapted"` the same with some queries left to margin, by what the target says of
    /// both, `"dqn"` that of deep Q-learning,
    /// `"dataset_embedding"` that of Pang et al. Default `["random", "margin", "policy"]`.
    pub strategies: Vec<String>,
    /// Paired repetitions per strategy: each has its own split, initial labels and initial weights,
    /// the same for all strategies. Default 20.
    pub repetitions: u32,
    /// Repetitions that one cell runs side by side. Changes the speed, never the rows. Default 4.
    pub block: u32,
    /// `"searched"` where there is a `[search]`, else `"learner"`; or several of these, `"scratch"`,
    /// `"prior"`, `"head"`, `"head_searched"` and points of the space such as `"A(2,1)"`: see
    /// [`ArchitectureChoice`].
    pub architectures: Vec<ArchitectureChoice>,
    /// A policy folder to use where there is no `[train]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

impl Transfer {
    /// `train`, `has_search`: what earlier stages will hand on.
    pub(in crate::experiment) fn read(
        mut section: Section,
        vocabulary: &Vocabulary,
        train: Option<&Train>,
        has_search: bool,
    ) -> Result<Self, ExperimentError> {
        let place = section.place().clone();
        let s = &mut section;
        let targets = DataRef::list(s, "targets", vocabulary)?.unwrap_or_default();
        let policy = s.text("policy")?.map(|(path, _)| path);
        let has_policy = train.is_some() || policy.is_some();
        // Those beside it are trained if they have iterations, or lie in the folder.
        let trained = |name: &str| match train {
            Some(train) if name == DQN => train.dqn.iterations > 0,
            Some(train) => train.dataset_embedding.iterations > 0,
            None => policy.is_some(),
        };
        let known = || vocabulary.registry.names().chain(TRAINED).chain([UNTRAINED]);
        let strategy = |node, name: String| {
            let (found, place) = raw::text_of(node, name.clone())?;
            if !known().any(|known| known == found) {
                if !found.contains('(') {
                    return Err(raw::unknown_word(place, name, found, known()));
                }
                vocabulary.registry.build(&found).map_err(|error| ExperimentError::Refused {
                    place: place.clone(),
                    key: name.clone(),
                    reason: error.to_string(),
                    hint: error.hint(),
                })?;
            }
            if [LEARNED, ADAPTED].contains(&found.as_str()) && !has_policy {
                return Err(conflict(
                    place,
                    name,
                    "asks for a learned policy, but nothing trains or names one",
                    "add a [train] section, or `policy = \"DIR\"` under [transfer]",
                ));
            }
            if [DQN, DATASET_EMBEDDING].contains(&found.as_str()) && !trained(&found) {
                return Err(conflict(
                    place,
                    name,
                    "asks for a policy of its name, but nothing trains or names one",
                    "give it `iterations` under [train], or a folder that holds it as `policy`",
                ));
            }
            Ok((found, place))
        };
        let strategies = match s.list("strategies", strategy)? {
            Some(given) => {
                raw::refuse_twice(
                    "transfer.strategies",
                    given.iter().map(|(one, place)| (one.as_str(), place)),
                    |name| name,
                )?;
                given.into_iter().map(|(name, _)| name).collect()
            }
            None => {
                let mut default = vec!["random".to_string(), "margin".to_string()];
                default.extend(has_policy.then(|| LEARNED.to_string()));
                default
            }
        };
        let has_head = train.map_or(policy.is_some(), |train| train.architecture.episodes > 0);
        let architecture = |node, name: String| {
            let (found, place) = raw::text_of(node, name.clone())?;
            let known = ArchitectureChoice::NAMED.map(|choice| choice.to_string());
            let known = known.iter().map(String::as_str).chain(["A(1,1)"]);
            let choice = ArchitectureChoice::parse(&found)
                .ok_or_else(|| raw::unknown_word(place.clone(), name.clone(), found, known))?;
            if choice.needs_space() && !has_search {
                return Err(conflict(
                    place,
                    name,
                    "asks for a searched architecture, but nothing searches one",
                    "add a [search] section",
                ));
            }
            if choice.needs_head() && !has_head {
                return Err(conflict(
                    place,
                    name,
                    "asks for a policy's third head, but nothing trains or names one",
                    "add `architecture = { episodes = 2 }` under [train], or name a policy that has a head",
                ));
            }
            Ok(choice)
        };
        let mut architectures = s.list("architectures", architecture)?.unwrap_or_else(|| {
            vec![if has_search { ArchitectureChoice::Searched } else { ArchitectureChoice::Learner }]
        });
        architectures.dedup();
        let transfer = Self {
            targets,
            strategies,
            repetitions: s.integer("repetitions", 20, 1..=1_000_000)? as u32,
            block: s.integer("block", 4, 1..=256)? as u32,
            architectures,
            policy,
        };
        section.finish()?;
        let empty = [
            ("targets", transfer.targets.is_empty()),
            ("strategies", transfer.strategies.is_empty()),
            ("architectures", transfer.architectures.is_empty()),
        ];
        match empty.iter().find(|(_, empty)| *empty) {
            Some((key, _)) => Err(ExperimentError::Missing {
                place,
                key: format!("transfer.{key}"),
                why: "a transfer needs at least one".into(),
            }),
            None => Ok(transfer),
        }
    }
}

fn conflict(place: Place, key: String, why: &str, hint: &str) -> ExperimentError {
    ExperimentError::Conflict { place, key, why: why.into(), hint: hint.into() }
}
