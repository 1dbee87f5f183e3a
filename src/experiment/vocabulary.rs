//! The names that an experiment file may use.

use super::tasks;
use crate::agent::Algorithms;
use crate::data::{Readers, embedded};
use crate::query::Registry;
use crate::search::Methods;
use std::path::{Path, PathBuf};

/// The names that an experiment file may use. The default is what comes with the program.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Embedded and generated data sets.
    pub datasets: Vec<&'static str>,
    /// The data folder of the command line or the environment; it goes before the file's own.
    pub data_dir: Option<PathBuf>,
    /// Names of the data sets in the data folder.
    pub found: Vec<String>,
    /// Hand-made strategies.
    pub registry: Registry,
    /// What reads files of formats that this crate does not know.
    pub readers: Readers,
    /// Learning algorithms beside those of the policy.
    pub algorithms: Algorithms,
    /// Searches over architectures.
    pub methods: Methods,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self {
            datasets: [&embedded::NAMES[..], &tasks::GENERATED].concat(),
            data_dir: None,
            found: Vec::new(),
            registry: Registry::builtin(),
            readers: Readers::builtin(),
            algorithms: Algorithms::builtin(),
            methods: Methods::builtin(),
        }
    }
}

impl Vocabulary {
    /// The same, with the data sets of the folder `dir`.
    pub fn with_folder(&self, dir: Option<&Path>) -> Self {
        Self { found: dir.map(crate::data::load::names_in).unwrap_or_default(), ..self.clone() }
    }

    /// All names of data sets.
    pub fn dataset_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.datasets.iter().copied().chain(self.found.iter().map(String::as_str))
    }
}

/// Splits a list of strategies at its commas; commas within parentheses belong to a strategy.
pub fn split_specifications(list: &str) -> Vec<String> {
    let (mut depth, mut items) = (0usize, vec![String::new()]);
    for c in list.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(item) = items.last_mut() {
            item.push(c);
        }
    }
    items.iter().map(|item| item.trim().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_parentheses_do_not_split() {
        let split = split_specifications("margin, power(mc(margin), beta=2),badge");
        assert_eq!(split, ["margin", "power(mc(margin), beta=2)", "badge"]);
        assert_eq!(split_specifications("a)),b"), ["a))", "b"]);
    }
}
