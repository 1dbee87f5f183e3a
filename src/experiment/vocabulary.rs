//! The names that an experiment file may use, and the nearest of them to a misspelt one.

/// What is known of a data set before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasetFacts {
    pub name: &'static str,
    pub rows: usize,
    pub width: usize,
    pub classes: usize,
}

/// The names that an experiment file may use. Filled from the registries by whoever reads the file.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Embedded data sets.
    pub datasets: Vec<DatasetFacts>,
    /// Hand-made strategies.
    pub strategies: Vec<&'static str>,
}

impl Vocabulary {
    /// The embedded data set of this name.
    pub fn dataset(&self, name: &str) -> Option<&DatasetFacts> {
        self.datasets.iter().find(|facts| facts.name == name)
    }
}

/// Below this Jaro-Winkler similarity a name is no suggestion.
const SIMILAR: f64 = 0.75;

/// The name in `known` that is most like `found`, if one is like it at all.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .filter(|&(similarity, _)| similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_what_was_meant() {
        let keys = ["epochs", "steps", "batch", "learning_rate", "patience"];
        assert_eq!(nearest("epoch", keys), Some("epochs"));
        assert_eq!(nearest("learning-rate", keys), Some("learning_rate"));
        assert_eq!(nearest("bacth", keys), Some("batch"));
        assert_eq!(nearest("zzz", keys), None);
    }
}
