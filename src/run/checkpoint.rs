//! A checkpoint that is replaced as work goes on.

use super::cancel::Cancel;
use super::error::RunError;
use super::store::Store;
use crate::error::Result;
use std::time::{Duration, Instant};

/// The checkpoint of one computation. It holds all there is, so it is saved at most every so often.
#[derive(Debug)]
pub struct Checkpoint<'a> {
    store: &'a Store,
    name: String,
    cancel: &'a Cancel,
    every: Duration,
    saved: Instant,
}

impl<'a> Checkpoint<'a> {
    /// The checkpoint called `name` in the run's folder.
    pub fn new(store: &'a Store, name: &str, cancel: &'a Cancel, every: Duration) -> Self {
        Self { store, name: name.to_string(), cancel, every, saved: Instant::now() }
    }

    /// What was saved, of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Store::saved`].
    pub fn load(&self, limit: u64) -> Result<Option<Vec<u8>>, RunError> {
        self.store.saved(&self.name, limit)
    }

    /// Saves where the work stands, if it is time, if it is `finished`, or if somebody has asked to stop.
    ///
    /// # Errors
    /// As [`Store::save`].
    pub fn offer(&mut self, finished: bool, body: impl FnOnce() -> Vec<u8>) -> Result<()> {
        if finished || self.cancel.raised() || self.saved.elapsed() >= self.every {
            self.store.save(&self.name, &body())?;
            self.saved = Instant::now();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Manifest;
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_is_saved_when_it_is_time_at_the_end_and_when_asked_to_stop() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = Manifest::new("seed = 1\n", 1, BTreeMap::new()).unwrap();
        let (store, _ledger) = Store::open(dir.path(), &manifest, "seed = 1\n", false).unwrap();
        let cancel = Cancel::new();
        let hour = Duration::from_secs(3_600);
        let mut rare = Checkpoint::new(&store, "checkpoints/c", &cancel, hour);
        rare.offer(false, || unreachable!("it is not time")).unwrap();
        assert_eq!(rare.load(9).unwrap(), None);
        rare.offer(true, || b"end".to_vec()).unwrap();
        assert_eq!(rare.load(9).unwrap().unwrap(), b"end");
        let mut often = Checkpoint::new(&store, "checkpoints/c", &cancel, Duration::ZERO);
        often.offer(false, || b"soon".to_vec()).unwrap();
        assert_eq!(often.load(9).unwrap().unwrap(), b"soon");
        cancel.raise();
        rare.offer(false, || b"stop".to_vec()).unwrap();
        assert_eq!(rare.load(9).unwrap().unwrap(), b"stop");
    }
}
