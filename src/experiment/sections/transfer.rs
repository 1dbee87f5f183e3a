//! `[transfer]`: what is compared on which targets.

use super::architecture::{ArchitectureChoice, POINT};
use super::dataset::DataRef;
use super::train::Train;
use crate::agent::Algorithms;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::keys::{Rule, list, name, section, text, whole};
use crate::experiment::raw::{self, Section};
use crate::experiment::vocabulary::Vocabulary;

/// The name of the learned policy among the strategies.
pub const LEARNED: &str = "policy";
/// The name of the learned policy that shares an episode with its fallback, by what the target says of both.
pub const ADAPTED: &str = "policy_adapted";
/// The strategies of the learned policy. What other learning algorithms make is called as they are.
pub const OF_THE_POLICY: [&str; 2] = [LEARNED, ADAPTED];
/// Whether no strategy of a registry may have this name: those of learned policies, and [`UNTRAINED`].
pub fn is_reserved(name: &str, algorithms: &Algorithms) -> bool {
    OF_THE_POLICY.contains(&name) || name == UNTRAINED || algorithms.names().any(|own| own == name)
}
/// The name of the policy before it learned anything: the same network, whose scores are all equal.
pub const UNTRAINED: &str = "untrained";

/// What a `[transfer]` may ask for, by what else the plan has.
pub struct Offer<'a> {
    /// Data sets and strategies.
    pub vocabulary: &'a Vocabulary,
    /// What trains policies, if anything does.
    pub train: Option<&'a Train>,
    /// Whether an architecture is searched, or a space said.
    pub search: bool,
    /// Whether a policy folder is named.
    pub policy: bool,
}

section! {
    /// What is compared on which targets. Without the section nothing is.
    pub struct Transfer(offer: &Offer<'_>) {
        /// Data sets that nothing was learned from. At least one.
        targets: Vec<DataRef> = DataRef::rule(offer.vocabulary).items(1..=usize::MAX).or(vec![]);
        /// Strategies, with parameters where they have any (`"typiclust(neighbours=10)"`); `"policy"` is the learned
        /// one, `"policy_adapted"` the same with some queries left to margin, by what the target says of both, `"dqn"`
        /// that of deep Q-learning, `"dataset_embedding"` that of Pang et al., `"untrained"` the policy before it
        /// learned anything. [All of them](strategies.md).
        strategies: Vec<String> = offer.strategies().items(1..=usize::MAX).or(offer.usual())
            .absent("`[\"random\", \"margin\"]`, and `\"policy\"` where there is one; of numbers `[\"random\", \"igs\"]`");
        /// Paired repetitions per strategy: each has its own split, initial labels and initial weights, the same for all
        /// strategies.
        repetitions: u32 = whole(1..=1_000_000).or(20);
        /// Repetitions that one cell runs side by side. Changes the speed, never the rows.
        block: u32 = whole(1..=256).or(4);
        /// Which network labels the target: `"learner"`, that of `[learner]`; a point of the space such as `"A(2,1)"`,
        /// in every round; `"scratch"`, the local search on the target from the smallest network on; `"prior"`, what
        /// `[search]` found best on the sources at so many labels per class; `"searched"`, the local search on the
        /// target from there on; `"head"`, the moves of the policy's third head; `"head_searched"`, the local search
        /// from where the head moved.
        architectures: Vec<ArchitectureChoice> = list(offer.architecture()).items(1..=usize::MAX)
            .or(vec![if offer.search { ArchitectureChoice::Searched } else { ArchitectureChoice::Learner }])
            .absent("`[\"searched\"]` where there is a `[search]`, else `[\"learner\"]`");
        /// A policy to use where there is no `[train]`: one that comes with the program, or a folder.
        #[serde(skip_serializing_if = "Option::is_none")]
        policy: Option<String> = text().optional();
    }
}

impl<'a> Offer<'a> {
    fn has_policy(&self) -> bool {
        self.train.is_some() || self.policy
    }

    /// What is compared unless it is said.
    fn usual(&self) -> Vec<String> {
        let policy = self.has_policy().then_some(LEARNED);
        ["random", "margin"].into_iter().chain(policy).map(str::to_string).collect()
    }

    /// Whether a policy beside the learned one is trained, which it is if it has iterations, or lies in the folder.
    fn trains(&self, name: &str) -> bool {
        self.train.map_or(self.policy, |train| train.algorithms.learning().any(|(own, _)| own == name))
    }

    /// Strategies, none of which stands twice.
    fn strategies(&'a self) -> Rule<'a, Vec<String>> {
        let Vocabulary { registry, algorithms, .. } = self.vocabulary;
        let known = || registry.names().chain(OF_THE_POLICY).chain(algorithms.names()).chain([UNTRAINED]);
        let one = name(known(), r"\(", move |found, place, name| {
            self.check_strategy(&found, known(), &place, &name)?;
            Ok((found, place))
        });
        list(one).try_map(|given, _, name| {
            raw::refuse_twice(&name, given.iter().map(|(one, place)| (one.as_str(), place)), |name| name)?;
            Ok(given.into_iter().map(|(name, _)| name).collect())
        })
    }

    fn check_strategy<'k>(
        &self,
        found: &str,
        known: impl Iterator<Item = &'k str> + Clone,
        place: &Place,
        key: &str,
    ) -> Result<(), ExperimentError> {
        let (at, key) = (|| place.clone(), || key.to_string());
        if !known.clone().any(|known| known == found) {
            if !found.contains('(') {
                return Err(raw::unknown_word(at(), key(), found.to_string(), known));
            }
            self.vocabulary.registry.build(found).map_err(|error| ExperimentError::Refused {
                place: at(),
                key: key(),
                reason: error.to_string(),
                hint: error.hint(),
            })?;
        }
        if OF_THE_POLICY.contains(&found) && !self.has_policy() {
            return Err(conflict(
                at(),
                key(),
                "asks for a learned policy, but nothing trains or names one",
                "add a [train] section, or `policy = \"DIR\"` under [transfer]",
            ));
        }
        if self.vocabulary.algorithms.names().any(|own| own == found) && !self.trains(found) {
            return Err(conflict(
                at(),
                key(),
                "asks for a policy of its name, but nothing trains or names one",
                "give it `iterations` under [train], or a folder that holds it as `policy`",
            ));
        }
        Ok(())
    }

    /// A word for the network that labels the target.
    fn architecture(&'a self) -> Rule<'a, ArchitectureChoice> {
        let words = ArchitectureChoice::NAMED.map(|choice| choice.to_string());
        let known = words.clone();
        let head = self.train.map_or(self.policy, |train| train.architecture.episodes > 0);
        name(words, POINT, move |found, place, name| {
            let known = known.iter().map(String::as_str).chain(["A(1,1)"]);
            let choice = ArchitectureChoice::parse(&found)
                .ok_or_else(|| raw::unknown_word(place.clone(), name.clone(), found, known))?;
            if choice.needs_space() && !self.search {
                return Err(conflict(
                    place,
                    name,
                    "asks for a searched architecture, but nothing searches one",
                    "add a [search] section",
                ));
            }
            if choice.needs_head() && !head {
                return Err(conflict(
                    place,
                    name,
                    "asks for a policy's third head, but nothing trains or names one",
                    "add `architecture = { episodes = 2 }` under [train], or name a policy that has a head",
                ));
            }
            Ok(choice)
        })
    }
}

impl Transfer {
    /// `train`, `search`: what earlier stages will hand on.
    pub(in crate::experiment) fn read(
        mut section: Section,
        vocabulary: &Vocabulary,
        train: Option<&Train>,
        search: bool,
    ) -> Result<Self, ExperimentError> {
        let offer = Offer { vocabulary, train, search, policy: section.has("policy") };
        let mut transfer = Self::keys(&mut section, &offer)?;
        transfer.architectures.dedup();
        let place = section.place().clone();
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
