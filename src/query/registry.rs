//! [`Registry`]: strategies by name, each with its card and how it is built from a [`Spec`].
//!
//! A registry is a value: the strategies of this crate ([`Registry::builtin`]), and whatever another crate
//! [adds](Registry::with). It knows no strategy itself; each strategy's file holds its own [`Entry`].

use super::error::QueryError;
pub use super::params::{Parameter, Params};
use super::score::{Score, TopScore};
use super::spec::Spec;
use super::{Kinds, Needs, Strategy};
use crate::error::{Result, nearest};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// What kind of reasoning a strategy queries by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Family {
    /// No reasoning at all.
    Baseline,
    /// One prediction per candidate.
    Uncertainty,
    /// Several predictions per candidate: dropout passes or committee members.
    Bayesian,
    /// Where the candidates lie.
    Distribution,
    /// Prediction and place together.
    Hybrid,
    /// Uses another strategy.
    Wrapper,
    /// Learns during the episode which strategy to follow.
    Bandit,
    /// Gradients of the training loss.
    Gradient,
    /// Numbers that are to be predicted.
    Regression,
    /// Any of several labels per row.
    MultiLabel,
    /// Images with masks.
    Segmentation,
    /// Reads labels that a real labelling would not have.
    Simulation,
    /// Registered by another crate.
    Own,
}

/// What `querist strategies` prints.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Card {
    /// The registered name.
    pub name: &'static str,
    /// One line: the rule.
    pub summary: &'static str,
    /// Authors, venue and year.
    pub paper: &'static str,
    pub family: Family,
    /// What the example asks of the learner; another specification may ask for more or less.
    pub needs: Needs,
    /// Time and memory for `n` candidates, `L` labelled rows, `b` picks, `C` classes, width `d`,
    /// `T` passes.
    pub cost: &'static str,
    /// A specification that builds as it stands.
    pub example: &'static str,
    /// Whether the picks do not depend on the key, but for the order of rows that are worth the same.
    pub deterministic: bool,
}

impl Card {
    /// The card of a strategy that needs nothing, draws at random and is nobody's: what a caller's own strategy
    /// begins with (`Card { needs, ..Card::new(name, summary) }`).
    pub const fn new(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            paper: "unpublished",
            family: Family::Own,
            needs: Needs::NONE,
            cost: "not said",
            example: name,
            deterministic: false,
        }
    }
}

/// What a specification builds.
pub enum Built {
    /// A number per candidate; as a strategy, the best `batch`.
    Score(Box<dyn Score>),
    /// A rule for the batch as a whole.
    Batch(Box<dyn Strategy>),
}

impl Built {
    /// A score.
    pub fn score(score: impl Score + 'static) -> Result<Self> {
        Ok(Built::Score(Box::new(score)))
    }

    /// A rule for batches.
    pub fn batch(strategy: impl Strategy + 'static) -> Result<Self> {
        Ok(Built::Batch(Box::new(strategy)))
    }

    /// What it asks of the learner.
    pub fn needs(&self) -> Needs {
        match self {
            Built::Score(score) => score.needs(),
            Built::Batch(strategy) => strategy.needs(),
        }
    }

    /// The kinds of targets that it serves.
    pub fn kinds(&self) -> Kinds {
        match self {
            Built::Score(score) => score.kinds(),
            Built::Batch(strategy) => strategy.kinds(),
        }
    }

    /// As a strategy: of a score, the best `batch`.
    pub fn into_strategy(self) -> Box<dyn Strategy> {
        match self {
            Built::Score(score) => Box::new(TopScore::new(score)),
            Built::Batch(strategy) => strategy,
        }
    }
}

/// A registered strategy.
#[derive(Clone, Copy)]
pub struct Entry {
    pub card: Card,
    /// Builds it from the parameters of a specification.
    pub make: fn(&mut Params<'_>) -> Result<Built>,
}

impl Entry {
    /// A strategy with this card, built by `make`.
    pub const fn new(card: Card, make: fn(&mut Params<'_>) -> Result<Built>) -> Self {
        Self { card, make }
    }

    /// A score without parameters, which says itself what it needs. It is taken to be
    /// [deterministic](Card::deterministic).
    pub fn score<S: Score + Default + 'static>(name: &'static str, summary: &'static str) -> Self {
        let needs = S::default().needs();
        let card = Card { needs, deterministic: true, ..Card::new(name, summary) };
        Self::new(card, |_| Built::score(S::default()))
    }

    /// A rule for batches without parameters, which says itself what it needs. It is taken to be
    /// [deterministic](Card::deterministic).
    pub fn batch<S: Strategy + Default + 'static>(name: &'static str, summary: &'static str) -> Self {
        let needs = S::default().needs();
        let card = Card { needs, deterministic: true, ..Card::new(name, summary) };
        Self::new(card, |_| Built::batch(S::default()))
    }

    /// The same strategy, whose picks are drawn.
    pub fn random(mut self) -> Self {
        self.card.deterministic = false;
        self
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("card", &self.card).finish_non_exhaustive()
    }
}

/// Strategies by name. Cheap to clone.
///
/// ```
/// use querist::query::registry::{Entry, Registry};
/// use querist::query::uncertainty::Margin;
///
/// let registry = Registry::builtin().with(Entry::score::<Margin>("mine", "the margin, under another name"))?;
/// registry.build("power(mine, beta=2)")?;
/// # Ok::<(), querist::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: Arc<Vec<Entry>>,
}

/// Registries are equal that know the same names, in the same order.
impl PartialEq for Registry {
    fn eq(&self, other: &Self) -> bool {
        self.names().eq(other.names())
    }
}

impl Registry {
    /// No strategy at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The same strategies and one more.
    ///
    /// # Errors
    /// [`QueryError::Taken`] if there is one of that name; [`QueryError::Name`] for a name that cannot stand in a
    /// specification.
    pub fn with(mut self, entry: Entry) -> Result<Self, QueryError> {
        let name = entry.card.name;
        if !name.parse::<Spec>().is_ok_and(|spec| spec.name == name) {
            return Err(QueryError::Name { name: name.to_string() });
        }
        if self.names().any(|known| known == name) {
            return Err(QueryError::Taken { name: name.to_string() });
        }
        Arc::make_mut(&mut self.entries).push(entry);
        Ok(self)
    }

    /// All strategies, in the order in which they were registered.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + '_ {
        self.entries.iter().map(|entry| entry.card.name)
    }

    /// The entry called `name`.
    ///
    /// # Errors
    /// [`QueryError::Unknown`] with the nearest known name.
    pub fn find(&self, name: &str) -> Result<&Entry, QueryError> {
        self.entries.iter().find(|entry| entry.card.name == name).ok_or_else(|| QueryError::Unknown {
            name: name.to_string(),
            hint: nearest(name, self.names())
                .map(|known| format!("did you mean `{known}`? `querist strategies` lists all")),
        })
    }

    /// Builds the strategy that `text` specifies: `margin`, or `power(margin, beta=2)`.
    ///
    /// # Errors
    /// [`QueryError`]: unknown names and parameters with the nearest known one, values out of range.
    pub fn build(&self, text: &str) -> Result<Box<dyn Strategy>> {
        self.build_spec(&text.parse()?)
    }

    /// Like [`build`](Self::build), from a parsed specification.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_spec(&self, spec: &Spec) -> Result<Box<dyn Strategy>> {
        Ok(self.built(spec)?.into_strategy())
    }

    /// Builds the score that a specification names, for combinators and for features of the learned policy.
    ///
    /// # Errors
    /// As [`build`](Self::build); [`QueryError::NoScore`] for a strategy that chooses without one.
    pub fn build_score(&self, spec: &Spec) -> Result<Box<dyn Score>> {
        self.score_for("score", spec)
    }

    /// Whether the strategy called `name` rates, as its card's example has it, each candidate by itself, so that
    /// wrappers over scores accept it.
    pub fn has_score(&self, name: &str) -> bool {
        let example = |entry: &Entry| self.built(&entry.card.example.parse()?);
        self.find(name)
            .map_err(Into::into)
            .and_then(example)
            .is_ok_and(|built| matches!(built, Built::Score(_)))
    }

    /// The parameters that the example of `entry` reads, in their order.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn parameters(&self, entry: &Entry) -> Result<Vec<Parameter>> {
        Params::asked(self, &entry.card.example.parse()?, entry.make)
    }

    /// What a specification builds: a score or a rule for batches.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn built(&self, spec: &Spec) -> Result<Built> {
        Params::read(self, spec, self.find(&spec.name)?.make)
    }

    /// The score `spec` for the strategy `user`, which cannot do without one.
    pub(super) fn score_for(&self, user: &str, spec: &Spec) -> Result<Box<dyn Score>> {
        match self.built(spec)? {
            Built::Score(score) => Ok(score),
            Built::Batch(_) => {
                Err(QueryError::NoScore { strategy: user.to_string(), arm: spec.name.clone() }.into())
            }
        }
    }

    /// Whether the strategy that rows stand under the name `label` reads labels that a real labelling would not have: one of
    /// [`Family::Simulation`], by itself or as an arm of another (`switch(greedy_oracle,margin)`), with or without an
    /// architecture behind it (`greedy_oracle+search`). What does so is a reference line, and never to be ranked
    /// among strategies. A name that is no specification reads nothing.
    pub fn reads_hidden_labels(&self, label: &str) -> bool {
        // A `+` within parentheses belongs to a number.
        let mut depth = 0usize;
        let architecture = |c: char| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == '+' && depth == 0
        };
        let strategy = label.split(architecture).next().unwrap_or(label);
        strategy.parse().is_ok_and(|spec| self.simulates(&spec))
    }

    fn simulates(&self, spec: &Spec) -> bool {
        let own = self.find(&spec.name).is_ok_and(|entry| entry.card.family == Family::Simulation);
        own || spec.arms.iter().any(|arm| self.simulates(arm))
    }
}
