//! Groups of features, for ablations and for talking about them.

use super::SCHEMA;

/// A group of features: its name, and the columns that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureGroup {
    pub name: &'static str,
    /// Columns of the candidate features, ascending.
    pub candidate: Vec<usize>,
    /// Columns of the global features, ascending.
    pub global: Vec<usize>,
}

/// By the words that a feature's name contains; every feature is in exactly one group, the first that fits.
const WORDS: [(&str, &[&str]); 7] = [
    // Neighbour lists.
    ("neighbours", &["neighbours"]),
    // What labels leave uncertain of a smooth function over the pool.
    ("variance", &["variance"]),
    // What labels cover of the whole pool.
    ("herding", &["herding"]),
    // Where labels are.
    ("coverage", &["coverage", "novelty", "proxy distance"]),
    ("classes", &["class in labels", "under-labelled"]),
    ("uncertainty", &["margin", "uncertainty", "agreement"]),
    // How much there is of everything.
    ("size", &["log"]),
];

/// Groups that together hold every feature once. What is left is the share of the budget, of group "size".
pub fn groups() -> Vec<FeatureGroup> {
    let place = |name: &str| {
        let fits = |(_, words): &(&str, &[&str])| words.iter().any(|word| name.contains(word));
        WORDS.iter().position(fits).unwrap_or(WORDS.len() - 1)
    };
    let columns = |names: &[&str], group: usize| -> Vec<usize> {
        (0..names.len()).filter(|&column| place(names[column]) == group).collect()
    };
    WORDS
        .iter()
        .enumerate()
        .map(|(group, &(name, _))| FeatureGroup {
            name,
            candidate: columns(SCHEMA.candidate, group),
            global: columns(SCHEMA.global, group),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_in_one_group() {
        let groups = groups();
        let sizes = |of: fn(&FeatureGroup) -> &Vec<usize>| groups.iter().map(|group| of(group).len()).sum();
        let found: (usize, usize) = (sizes(|group| &group.candidate), sizes(|group| &group.global));
        assert_eq!(found, (SCHEMA.candidate.len(), SCHEMA.global.len()));
        let names = |group: &str| -> Vec<&str> {
            let group = groups.iter().find(|one| one.name == group).unwrap();
            let candidate = group.candidate.iter().map(|&column| SCHEMA.candidate[column]);
            candidate.chain(group.global.iter().map(|&column| SCHEMA.global[column])).collect()
        };
        assert_eq!(
            names("variance"),
            [
                "log variance reduction of doubt",
                "log variance reduction of doubt, squared",
                "log angular variance reduction of doubt",
            ]
        );
        assert_eq!(
            names("herding"),
            ["herding gain, quantile", "log herding gain", "log herding gain of doubt"]
        );
        assert_eq!(
            names("uncertainty"),
            ["margin, quantile", "mean uncertainty", "agreement with the nearest label"]
        );
        assert_eq!(
            names("size"),
            ["log labels per class", "share of the budget spent", "log classes", "log query size"]
        );
        assert!(groups.iter().all(|group| !group.candidate.is_empty() || group.name == "size"));
    }
}
