//! Which cells are done: the journal, by key.

use super::journal::{Journal, Record};
use crate::error::Result;
use std::collections::HashMap;

/// A journal with an index. The last record of a key counts.
#[derive(Debug)]
pub struct Ledger {
    journal: Journal,
    records: HashMap<String, Record>,
}

impl Ledger {
    /// A ledger over a journal and what it held.
    pub fn new(journal: Journal, records: Vec<Record>) -> Self {
        let records = records.into_iter().map(|r| (r.key().to_string(), r)).collect();
        Self { journal, records }
    }

    /// What is known of the cell called `key`.
    pub fn get(&self, key: &str) -> Option<&Record> {
        self.records.get(key)
    }

    /// The cell's output, if it was computed.
    pub fn output(&self, key: &str) -> Option<&serde_json::Value> {
        match self.get(key)? {
            Record::Done { output, .. } => Some(output),
            Record::Failed { .. } => None,
        }
    }

    /// Records what became of cells; on the disk when this returns.
    pub fn record(&mut self, batch: Vec<Record>) -> Result<()> {
        self.journal.append(&batch)?;
        self.records.extend(batch.into_iter().map(|r| (r.key().to_string(), r)));
        Ok(())
    }

    /// Key, seconds and success of every cell, sorted by key.
    pub fn timings(&self) -> Vec<(&str, f64, bool)> {
        let mut timings: Vec<_> = self
            .records
            .values()
            .map(|record| match record {
                Record::Done { key, seconds, .. } => (key.as_str(), *seconds, true),
                Record::Failed { key, seconds, .. } => (key.as_str(), *seconds, false),
            })
            .collect();
        timings.sort_by_key(|&(key, ..)| key);
        timings
    }
}
