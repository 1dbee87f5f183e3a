//! Strategies that only a simulation can run: they read labels that a real labelling would not have.
//!
//! The labels themselves stay out of sight here too. The environment computes what labelling a candidate
//! would have brought, and the strategy sees those gains.

pub mod best_of_strategies;
pub mod greedy_oracle;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[greedy_oracle::ENTRY, best_of_strategies::ENTRY];
