//! [`Targets`]: what is to be predicted of the rows of a data set, and what is refused of it.

use super::dataset::{absorb, absorb_texts, check_labels};
use super::error::DataError;
use super::masks::Masks;
use crate::data::TargetKind;
use crate::data::target::{MAX_LABELS, has_label, number_of, word_of};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// Classes of a classification set. A column of identifiers read as labels exceeds it soon.
pub const MAX_CLASSES: usize = 10_000;

/// What is to be predicted. A type of its own, so that nothing assumes classification where it need not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Targets {
    /// One class per row, `0..names.len()`.
    Class { labels: Vec<u32>, names: Vec<String> },
    /// One number per row, all finite.
    Real { values: Vec<f32> },
    /// Any of the labels per row, or none: bit `l` of a row's set says whether the row has label `l`. At most
    /// [`MAX_LABELS`] labels, each of which a row has.
    MultiLabel { sets: Vec<u32>, names: Vec<String> },
    /// One foreground mask per row, which is an image of the same size.
    Mask(Arc<Masks>),
}

impl Targets {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Targets::Class { labels: words, .. } | Targets::MultiLabel { sets: words, .. } => words.len(),
            Targets::Real { values } => values.len(),
            Targets::Mask(masks) => masks.rows(),
        }
    }

    /// What they are.
    pub fn kind(&self) -> TargetKind {
        match self {
            Targets::Class { .. } => TargetKind::Class,
            Targets::Real { .. } => TargetKind::Real,
            Targets::MultiLabel { .. } => TargetKind::MultiLabel,
            Targets::Mask(_) => TargetKind::Mask,
        }
    }

    /// The target of a row as the word that is handed on: see [`TargetKind`].
    ///
    /// # Panics
    /// If there is no such row.
    pub fn word(&self, row: usize) -> u32 {
        match self {
            Targets::Class { labels: words, .. } | Targets::MultiLabel { sets: words, .. } => words[row],
            Targets::Real { values } => word_of(values[row]),
            Targets::Mask(masks) => {
                assert!(row < masks.rows(), "row {row} of {} masks", masks.rows());
                row as u32
            }
        }
    }

    /// The number of classes, labels or pixels; 0 where targets are numbers.
    pub fn count(&self) -> usize {
        match self {
            Targets::Mask(masks) => masks.pixels(),
            _ => self.names().len(),
        }
    }

    /// What the classes or labels are called; numbers and masks have no names.
    pub fn names(&self) -> &[String] {
        match self {
            Targets::Class { names, .. } | Targets::MultiLabel { names, .. } => names,
            Targets::Real { .. } | Targets::Mask(_) => &[],
        }
    }

    /// Refuses what cannot be targets of the data set `name`.
    pub(super) fn check(&self, name: &str) -> Result<(), DataError> {
        let (what, limit) = match self {
            Targets::Real { values } => return check_numbers(name, values),
            // Any mask may be one; its size is compared with the images'.
            Targets::Mask(_) => return Ok(()),
            Targets::Class { .. } => ("classes", MAX_CLASSES),
            Targets::MultiLabel { .. } => ("labels", MAX_LABELS),
        };
        let names = self.names();
        if names.len() > limit {
            let (found, limit) = (names.len() as u128, limit as u128);
            return Err(DataError::TooMany { name: name.to_string(), what, found, limit });
        }
        let mut seen = HashMap::new();
        for (second, called) in names.iter().enumerate() {
            if let Some(first) = seen.insert(called, second) {
                let (name, called) = (name.to_string(), called.clone());
                return Err(DataError::SameName { name, what, called, first, second });
            }
        }
        match self {
            Targets::Class { labels, .. } => check_labels(name, labels, names.len()),
            Targets::Real { .. } | Targets::Mask(_) => Ok(()),
            Targets::MultiLabel { sets, .. } => check_sets(name, sets, names),
        }
    }

    /// Feeds the targets to a digest that leaves out what classes and labels are called: classes count by the order in
    /// which rows first show them, labels by their own.
    pub(super) fn absorb_content(&self, sha: &mut Sha256) {
        match self {
            Targets::Class { labels, names } => {
                let (_, labels) = by_appearance(labels, names.len());
                absorb(sha, &labels, |label: &u32| label.to_le_bytes());
                sha.update((names.len() as u64).to_le_bytes());
            }
            Targets::Real { values } => absorb_numbers(sha, values),
            Targets::Mask(masks) => absorb_masks(sha, masks),
            Targets::MultiLabel { sets, names } => {
                absorb_sets(sha, sets);
                sha.update((names.len() as u64).to_le_bytes());
            }
        }
    }

    /// Feeds the targets to a digest, names included.
    pub(super) fn absorb(&self, sha: &mut Sha256) {
        match self {
            Targets::Class { labels, names } => {
                sha.update(b"class");
                absorb(sha, labels, |label: &u32| label.to_le_bytes());
                absorb_texts(sha, names);
            }
            Targets::Real { values } => absorb_numbers(sha, values),
            Targets::Mask(masks) => absorb_masks(sha, masks),
            Targets::MultiLabel { sets, names } => {
                absorb_sets(sha, sets);
                absorb_texts(sha, names);
            }
        }
    }
}

/// Refuses the targets, as words, of one part of a task on the data set `name`.
pub(super) fn check_part(
    name: &str,
    part: &'static str,
    kind: TargetKind,
    words: &[u32],
    names: usize,
) -> Result<(), DataError> {
    match kind {
        TargetKind::Class => check_labels(name, words, names)?,
        TargetKind::Real => check_varies(name, part, words)?,
        TargetKind::MultiLabel | TargetKind::Mask => {}
    }
    if part != "pool" {
        return Ok(());
    }
    let name = name.to_string();
    match kind {
        TargetKind::Class => {
            let found = (0..names as u32).filter(|class| words.contains(class)).count();
            if found < 2 { Err(DataError::OneClass { name, found, classes: names }) } else { Ok(()) }
        }
        TargetKind::MultiLabel if words.iter().all(|word| Some(word) == words.first()) => {
            Err(DataError::OneSet { name, rows: words.len() })
        }
        TargetKind::Real | TargetKind::MultiLabel | TargetKind::Mask => Ok(()),
    }
}

/// Refuses a part of a task whose numbers are all equal.
fn check_varies(name: &str, part: &'static str, words: &[u32]) -> Result<(), DataError> {
    match words {
        [first, ..] if words.iter().all(|&word| number_of(word) == number_of(*first)) => {
            let (name, value) = (name.to_string(), number_of(*first));
            Err(DataError::ConstantTarget { name, part, rows: words.len(), value })
        }
        _ => Ok(()),
    }
}

fn check_numbers(name: &str, values: &[f32]) -> Result<(), DataError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(row) => Err(DataError::TargetNotFinite { name: name.to_string(), row, value: values[row] }),
    }
}

fn check_sets(name: &str, sets: &[u32], names: &[String]) -> Result<(), DataError> {
    let labels = names.len();
    if labels == 0 {
        return Err(DataError::NoLabels { name: name.to_string() });
    }
    if let Some(row) = sets.iter().position(|&set| !TargetKind::MultiLabel.admits(set, labels)) {
        return Err(DataError::SetRange { name: name.to_string(), row, set: sets[row], labels });
    }
    let unused = (0..labels).find(|&label| !sets.iter().any(|&set| has_label(set, label)));
    unused.map_or(Ok(()), |label| {
        let (name, label, rows) = (name.to_string(), names[label].clone(), sets.len());
        Err(DataError::LabelWithoutRows { name, label, rows })
    })
}

/// The number of every class by first appearance, those without a row last, and `labels` in these numbers.
pub(super) fn by_appearance(labels: &[u32], classes: usize) -> (Vec<u32>, Vec<u32>) {
    let mut numbers = vec![None; classes];
    let mut next = 0..classes as u32;
    let mut number = |class: usize| *numbers[class].get_or_insert_with(|| next.next().expect("one a class"));
    let labels = labels.iter().map(|&label| number(label as usize)).collect();
    let numbers = (0..classes).map(number).collect();
    (numbers, labels)
}

fn absorb_numbers(sha: &mut Sha256, values: &[f32]) {
    sha.update(b"real");
    absorb(sha, values, |value: &f32| value.to_le_bytes());
}

fn absorb_masks(sha: &mut Sha256, masks: &Masks) {
    sha.update(b"mask");
    absorb(sha, masks.words(), |word: &u32| word.to_le_bytes());
}

fn absorb_sets(sha: &mut Sha256, sets: &[u32]) {
    sha.update(b"multi_label");
    absorb(sha, sets, |set: &u32| set.to_le_bytes());
}
