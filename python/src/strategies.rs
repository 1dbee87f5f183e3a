//! What there is to choose by.

use pyo3::prelude::*;
use querist::agent::shipped::SHIPPED;
use querist::query::registry::Entry;
use querist::query::{Kinds, Registry};
use querist::select::Need;
use serde_json::{Value, json};

/// The strategies that specifications may name.
pub fn registry() -> Registry {
    Registry::builtin().with_programs()
}

/// All strategies as JSON: the card of each, its parameters, and the arguments of a selection that it needs (of each
/// list, one).
#[pyfunction]
pub fn strategies() -> String {
    let registry = registry();
    let told = |entry: &Entry| {
        let kinds = registry.build(entry.card.example).map_or(Kinds::CLASS, |strategy| strategy.kinds());
        let needs = Need::of(entry.card.needs, kinds);
        let arguments: Vec<Vec<&str>> =
            needs.iter().map(|need| need.arguments().iter().map(|one| one.name()).collect()).collect();
        let mut card = json!(entry.card);
        card["needs"] = json!(arguments);
        card["in_experiments_only"] = json!(arguments.iter().any(Vec::is_empty));
        card["score"] = json!(registry.has_score(entry.card.name));
        card["parameters"] = registry.parameters(entry).map_or(Value::Null, |parameters| json!(parameters));
        card
    };
    json!(registry.entries().iter().map(told).collect::<Vec<_>>()).to_string()
}

/// The names of the policies that come with the package.
#[pyfunction]
pub fn policies() -> Vec<&'static str> {
    SHIPPED.iter().map(|one| one.name).collect()
}
