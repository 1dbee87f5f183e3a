//! What every strategy, architecture search, learning algorithm and reader promises, as checks that another crate can run
//! over its own.
//!
//! ```
//! use querist::query::Registry;
//! use querist::testing::strategy_contract;
//!
//! strategy_contract(&Registry::builtin(), "margin");
//! ```
//!
//! [`strategy_contract`] panics with all that is broken; [`Contract`] gives it as values, and can leave out a rule that a
//! strategy does not keep for a reason. Pools to try a strategy on are [`ExamplePool`]s.

mod algorithms;
mod pool;
mod readers;
mod rules;
mod searches;

pub use algorithms::algorithm_contract;
pub use pool::ExamplePool;
pub use readers::reader_contract;
pub use rules::Rule;
pub use searches::search_contract;

use crate::data::TargetKind;
use crate::query::registry::Entry;
use crate::query::{Kinds, QueryError, Registry, Spec};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The rules for one strategy of a registry, as the example of its card has it.
#[derive(Clone, Debug)]
pub struct Contract<'r> {
    registry: &'r Registry,
    entry: &'r Entry,
    excepted: Vec<Rule>,
    cases: u64,
    /// What the targets are of the pools that it is tried on.
    kind: TargetKind,
}

/// A rule that a strategy breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub strategy: String,
    pub rule: Rule,
    /// What was seen.
    pub found: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.strategy, self.rule, self.found)
    }
}

impl<'r> Contract<'r> {
    /// All rules for the strategy called `name`.
    ///
    /// # Errors
    /// [`QueryError::Unknown`].
    pub fn of(registry: &'r Registry, name: &str) -> Result<Self, QueryError> {
        Ok(Self {
            registry,
            entry: registry.find(name)?,
            excepted: Vec::new(),
            cases: 24,
            kind: TargetKind::Class,
        })
    }

    /// Without a rule that the strategy does not keep.
    pub fn except(mut self, rule: Rule) -> Self {
        self.excepted.push(rule);
        self
    }

    /// With so many random pools per rule that draws them; 24 by default.
    pub fn cases(self, cases: u64) -> Self {
        Self { cases, ..self }
    }

    /// What is broken, by rule, on pools of every kind of targets that the strategy [serves](crate::query::Strategy::kinds). A
    /// panic of the strategy breaks the rule that it happens under.
    pub fn check(&self) -> Vec<Breach> {
        let served = self.served();
        let kinds = TargetKind::ALL.into_iter().filter(|&kind| served.serve(kind));
        kinds.flat_map(|kind| Self { kind, ..self.clone() }.check_kind()).collect()
    }

    /// The kinds of targets that its example serves; classes, where that cannot be built.
    fn served(&self) -> Kinds {
        let built = |spec: Spec| self.registry.built(&spec).map(|built| built.kinds());
        let parsed = self.entry.card.example.parse::<Spec>();
        parsed.map_err(Into::into).and_then(built).unwrap_or(Kinds::CLASS)
    }

    fn check_kind(&self) -> Vec<Breach> {
        let rules = Rule::ALL.into_iter().filter(|rule| !self.excepted.contains(rule));
        let broken = |rule: Rule| {
            let kept = catch_unwind(AssertUnwindSafe(|| rule.check(self)));
            let found = kept.unwrap_or_else(|panic| Err(format!("it panicked: {}", told(&*panic)))).err()?;
            Some(Breach { strategy: self.entry.card.name.to_string(), rule, found })
        };
        rules.filter_map(broken).collect()
    }
}

/// What a panic said.
fn told(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// Checks all rules for the strategy called `name`.
///
/// # Panics
/// If there is no such strategy, or it breaks a rule; the message lists all that it breaks.
pub fn strategy_contract(registry: &Registry, name: &str) {
    let contract = Contract::of(registry, name).unwrap_or_else(|error| panic!("{error}"));
    let broken: Vec<String> = contract.check().iter().map(Breach::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
