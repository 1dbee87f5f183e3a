//! What part a strategy plays in a report, by the name that its rows stand under.
//!
//! What reads labels that a real labelling would not have is a reference line: it is drawn and tabled, and
//! never ranked, never best, never a contestant. Hand-made strategies are those of the registry; what is
//! neither (a policy, whatever was trained) is learned.

use super::curves::TaskCurves;
use super::verdict::RANDOM;
use crate::query::Registry;

/// Stands behind the name of what is not ranked, wherever names stand in a table.
pub const HIDDEN: &str = "(reads hidden labels)";

/// Whether a strategy may be ranked: it reads nothing that a real labelling would not have.
pub fn is_ranked(label: &str, registry: &Registry) -> bool {
    !registry.reads_hidden_labels(label)
}

/// Whether a strategy is hand-made: registered, reading no hidden labels, and not random, which is no method but
/// what every method is measured from. An architecture behind the name (`badge+search`) changes nothing.
pub fn is_hand_made(label: &str, registry: &Registry) -> bool {
    let name = label.split(['(', '+']).next().unwrap_or(label).trim();
    name != RANDOM && is_ranked(label, registry) && registry.find(name).is_ok()
}

/// The name as tables show it: with [`HIDDEN`] behind what is not ranked.
pub fn marked(label: &str, ranked: bool) -> String {
    if ranked { label.to_owned() } else { format!("{label} {HIDDEN}") }
}

/// Ranked strategies that ran on every task, by name.
pub fn ranked_everywhere<'c>(curves: &'c [TaskCurves], registry: &Registry) -> Vec<&'c str> {
    let Some(first) = curves.first() else { return Vec::new() };
    let ranked = |name: &&str| is_ranked(name, registry);
    let everywhere = |name: &&str| curves.iter().all(|task| task.strategies.contains_key(*name));
    first.strategies.keys().map(String::as_str).filter(ranked).filter(everywhere).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::registry::{Built, Card, Entry, Family};

    #[test]
    fn parts_by_name() {
        let registry = &Registry::builtin();
        for label in
            ["margin", "badge+search", "switch(typiclust,margin)+head+search", "typiclust(neighbours=5)"]
        {
            assert!(is_hand_made(label, registry) && is_ranked(label, registry), "{label}");
        }
        for label in ["policy", "dqn", "untrained+search", "random", "random+search", "random 4x"] {
            assert!(!is_hand_made(label, registry) && is_ranked(label, registry), "{label}");
        }
        // What another crate registers is told apart by the registry that knows it.
        let card = |family| Card { family, ..Card::new("mine", "one of another crate") };
        let with = |family| {
            let entry = Entry::new(card(family), |_| Built::score(crate::query::uncertainty::Margin));
            registry.clone().with(entry).unwrap()
        };
        assert!(!is_hand_made("mine+search", registry) && is_hand_made("mine+search", &with(Family::Own)));
        assert!(!is_ranked("switch(mine,margin)", &with(Family::Simulation)));
        for label in ["greedy_oracle", "greedy_oracle+search", "switch(greedy_oracle,margin)"] {
            assert!(!is_hand_made(label, registry) && !is_ranked(label, registry), "{label}");
            assert!(marked(label, is_ranked(label, registry)).ends_with(HIDDEN));
        }
    }
}
