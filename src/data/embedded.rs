//! Small real data sets that are compiled in. Sources and licences: `data/README.md`.

use super::dataset::Dataset;
use super::error::DataError;
use super::readers::{ReadOptions, read_table_bytes};
use crate::error::Result;

/// The names of the sets, as [`load`] takes them.
pub const NAMES: [&str; 4] = ["digits", "wine", "breast_cancer", "iris"];

/// The name of the embedded set that `spec` names, its own or scikit-learn's: `iris`, `load_iris`, `sklearn:iris`
/// or `sklearn.datasets.load_iris`.
pub fn known(spec: &str) -> Option<&'static str> {
    let name =
        spec.strip_prefix("sklearn:").or_else(|| spec.strip_prefix("sklearn.datasets.")).unwrap_or(spec);
    let name = name.strip_prefix("load_").unwrap_or(name);
    NAMES.into_iter().find(|known| *known == name)
}

/// A set by its name: `digits` (1797 × 64, 10 classes), `wine` (178 × 13, 3), `breast_cancer` (the
/// diagnostic one of Wisconsin, 569 × 30, 2) or `iris` (150 × 4, 3). None has an official split.
///
/// # Errors
/// [`DataError::UnknownName`] for any other.
pub fn load(name: &str) -> Result<Dataset> {
    read(name, &ReadOptions::default())
}

/// The same, read with other options.
pub(super) fn read(name: &str, options: &ReadOptions) -> Result<Dataset> {
    let bytes: &[u8] = match known(name).unwrap_or(name) {
        "digits" => include_bytes!("../../data/digits.csv.gz"),
        "wine" => include_bytes!("../../data/wine.csv.gz"),
        "breast_cancer" => include_bytes!("../../data/breast_cancer.csv.gz"),
        "iris" => include_bytes!("../../data/iris.csv.gz"),
        _ => {
            let hint = format!("embedded are: {}", NAMES.join(", "));
            return Err(DataError::UnknownName { name: name.to_string(), looked_in: None, hint }.into());
        }
    };
    read_table_bytes(options.name.as_deref().unwrap_or(name), bytes, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes, class counts and sums as scikit-learn has them (`tests/golden/embedded.py`).
    #[test]
    fn the_sets_agree_with_scikit_learn() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/embedded.json")).unwrap();
        for name in NAMES {
            let (set, expected) = (load(name).unwrap(), &golden[name]);
            assert_eq!(set.rows() as u64, expected["rows"], "{name}");
            assert_eq!(set.width() as u64, expected["width"], "{name}");
            for (class, class_name) in set.class_names().iter().enumerate() {
                let count = set.labels().iter().filter(|&&label| label as usize == class).count();
                assert_eq!(count as u64, expected["classes"][class_name], "{name} {class_name}");
            }
            assert_eq!(set.classes(), expected["classes"].as_object().unwrap().len(), "{name}");
            for (column, sum) in expected["column_sums"].as_array().unwrap().iter().enumerate() {
                let found: f64 = (0..set.rows()).map(|row| f64::from(set.inputs().row(row)[column])).sum();
                let sum = sum.as_f64().unwrap();
                assert!((found - sum).abs() <= 1e-6 * sum.abs(), "{name} {column}: {found} {sum}");
            }
            assert!(set.split().is_none());
        }
    }

    /// Whatever is inferred of columns, these sets keep their bytes: stored runs and the shipped policy name them.
    #[test]
    fn the_sets_keep_their_content() {
        for (name, digest) in PINNED {
            let set = load(name).unwrap();
            assert_eq!(set.digest(), digest, "{name}");
            assert!(set.gaps().is_empty() && set.preparation().warnings.is_empty(), "{name}");
        }
    }
    const PINNED: [(&str, &str); 4] = [
        ("digits", "295bb0529e0e1c3a55601de207509ffe7c22137497199139d298f13a05b1d0a2"),
        ("wine", "1aae94182483d44b668fc7862713b7115d67d52bf2e2a1ffe71a5f965e91f52f"),
        ("breast_cancer", "2520cdfa81177fe7aa72e1cb01412e025323d413b1faa0effbbebb4e6f46113f"),
        ("iris", "2c67c54ca075811527a515e2654427a2d87ac87c5af3af44b5a8b5869dcf152c"),
    ];

    #[test]
    fn the_names_of_scikit_learn_are_known() {
        for spec in ["iris", "load_iris", "sklearn:iris", "sklearn.datasets.load_iris", "sklearn:load_iris"] {
            assert_eq!(known(spec), Some("iris"), "{spec}");
        }
        assert_eq!(known("load_diabetes"), None, "a continuous target, and not embedded");
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = load("digit").unwrap_err();
        assert_eq!(error.to_string(), "no data set is called \"digit\"");
        assert_eq!(error.hint().unwrap(), "embedded are: digits, wine, breast_cancer, iris");
    }
}
