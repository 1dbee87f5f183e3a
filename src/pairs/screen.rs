//! [`Screen`]: pairs of genes, and the outcomes that are known of them.

use super::error::PairsError;
use std::collections::HashMap;

/// Pairs that are handled: every network predicts all of them.
pub const MAX_PAIRS: usize = 2_000_000;
/// Genes that are handled; all their pairs are then fewer than [`MAX_PAIRS`].
pub const MAX_GENES: usize = 2_000;

/// Unordered pairs of genes, each once, and their outcomes: lower is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Screen {
    genes: Vec<String>,
    /// Smaller gene first, ascending.
    pairs: Vec<[u32; 2]>,
    outcomes: Vec<Option<f64>>,
}

impl Screen {
    /// All pairs of `genes`, with the outcome that `outcome` gives for two of them, the smaller first.
    ///
    /// # Errors
    /// [`PairsError::TooMany`] genes.
    pub fn whole(genes: Vec<String>, outcome: impl Fn(usize, usize) -> f64) -> Result<Self, PairsError> {
        PairsError::limit("genes", genes.len(), MAX_GENES)?;
        let n = genes.len() as u32;
        let pairs: Vec<[u32; 2]> = (0..n).flat_map(|a| (a + 1..n).map(move |b| [a, b])).collect();
        let outcomes = pairs.iter().map(|&[a, b]| Some(outcome(a as usize, b as usize))).collect();
        Ok(Self { genes, pairs, outcomes })
    }

    /// Pairs with their outcomes, in whatever order of the two genes and of the pairs; each pair once.
    ///
    /// # Errors
    /// [`PairsError::TooMany`] genes or pairs.
    ///
    /// # Panics
    /// If a pair names a gene that is not there, a gene with itself, or two entries are one pair: readers refuse these
    /// with their place.
    pub fn new(genes: Vec<String>, entries: HashMap<[u32; 2], Option<f64>>) -> Result<Self, PairsError> {
        PairsError::limit("genes", genes.len(), MAX_GENES)?;
        PairsError::limit("pairs", entries.len(), MAX_PAIRS)?;
        let sorted = |([a, b], outcome): ([u32; 2], Option<f64>)| ([a.min(b), a.max(b)], outcome);
        let mut entries: Vec<_> = entries.into_iter().map(sorted).collect();
        entries.sort_unstable_by_key(|&(pair, _)| pair);
        assert!(entries.windows(2).all(|two| two[0].0 != two[1].0), "each pair once");
        assert!(
            entries.iter().all(|([a, b], _)| a < b && (*b as usize) < genes.len()),
            "two genes that are there"
        );
        let (pairs, outcomes) = entries.into_iter().unzip();
        Ok(Self { genes, pairs, outcomes })
    }

    /// The genes' names.
    pub fn genes(&self) -> &[String] {
        &self.genes
    }

    /// The pairs, as places of two genes, the smaller first; ascending.
    pub fn pairs(&self) -> &[[u32; 2]] {
        &self.pairs
    }

    /// The outcomes of the pairs.
    pub fn outcomes(&self) -> &[Option<f64>] {
        &self.outcomes
    }

    /// The outcomes, where all are known.
    ///
    /// # Errors
    /// [`PairsError::Few`] if one is missing.
    pub fn known(&self) -> Result<Vec<f64>, PairsError> {
        let known: Vec<f64> = self.outcomes.iter().flatten().copied().collect();
        if known.len() < self.pairs.len() {
            let (found, needed) = (known.len(), self.pairs.len());
            let why = "a simulation, which reveals them".to_string();
            return Err(PairsError::Few { what: "pairs with an outcome", found, needed, why });
        }
        Ok(known)
    }
}

/// The places of the `k` lowest outcomes, lowest first; of equals, the first pair.
pub fn lowest(outcomes: &[f64], k: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..outcomes.len()).collect();
    places.sort_by(|&a, &b| outcomes[a].total_cmp(&outcomes[b]).then(a.cmp(&b)));
    places.truncate(k);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_have_one_order_whatever_order_they_come_in() {
        let genes = || ["a", "b", "c"].map(String::from).to_vec();
        let whole = Screen::whole(genes(), |a, b| (10 * a + b) as f64).unwrap();
        assert_eq!(whole.pairs(), [[0, 1], [0, 2], [1, 2]]);
        assert_eq!(whole.known().unwrap(), [1.0, 2.0, 12.0]);
        let entries = HashMap::from([([2, 1], Some(12.0)), ([1, 0], Some(1.0)), ([0, 2], Some(2.0))]);
        assert_eq!(Screen::new(genes(), entries).unwrap(), whole);
        let open = Screen::new(genes(), HashMap::from([([0, 1], None)])).unwrap();
        assert!(open.known().is_err());
    }

    #[test]
    fn the_published_screen_has_63_190_pairs_and_more_than_the_limit_is_refused() {
        let genes = |n: usize| (0..n).map(|at| at.to_string()).collect::<Vec<_>>();
        assert_eq!(Screen::whole(genes(356), |_, _| 0.0).unwrap().pairs().len(), 63_190);
        const { assert!(MAX_GENES * (MAX_GENES - 1) / 2 <= MAX_PAIRS) };
        assert!(Screen::whole(genes(MAX_GENES + 1), |_, _| 0.0).is_err());
    }

    #[test]
    fn the_lowest_come_first_and_equals_in_their_order() {
        assert_eq!(lowest(&[3.0, 1.0, 2.0, 1.0], 3), [1, 3, 2]);
    }
}
