//! [`Job`]: all rows of a source into one array.

use super::{EmbedError, Make, Recipe, Source};
use crate::data::provenance::{self, FORMAT, Provenance};
use crate::durable;
use crate::error::Result;
use crate::run::{Blocks, Cancel, Progress, digest};
use std::path::Path;

/// Batches of a block: what the end of the process loses at most.
const BATCHES: usize = 16;
/// Rows of a block that no model sees.
const ROWS: usize = 512;

/// Where an array goes, and how its rows are made.
pub struct Job<'a> {
    /// The `.npy` file. What stands there is replaced, at the end.
    pub out: &'a Path,
    /// How vectors are made; blocks of an interrupted run are of the same recipe, or refused.
    pub recipe: &'a Recipe,
    /// Told the number of rows.
    pub progress: &'a dyn Progress,
    /// Asked before every block.
    pub cancel: &'a Cancel,
}

impl Job<'_> {
    /// Makes the vectors of all rows, from where an interrupted run has stopped, writes the array, and beside it, last, what
    /// it was made of.
    ///
    /// # Errors
    /// What `make` fails with; blocks that are done are kept, and the same command goes on from them.
    /// [`EmbedError::Interrupted`] after the block in flight; [`RunError`](crate::run::RunError) where what is kept is of
    /// another recipe or damaged.
    pub fn run(&self, source: &Source, make: &mut dyn Make) -> Result<Provenance<Recipe>> {
        let total = source.rows();
        let size = self.recipe.batch.map_or(ROWS, |batch| batch * BATCHES);
        let recipe = serde_json::to_string(self.recipe).expect("a recipe holds texts and numbers");
        let run = digest::of(format!("{} {FORMAT} {recipe}", program()).as_bytes());
        let length = |first: usize| size.min(total.saturating_sub(first));
        let unchanged = |first: usize, rows: usize| match rows == length(first) {
            true => source.digest(first..first + rows).map(Some),
            false => Ok(None),
        };
        let mut blocks = Blocks::open(self.out, self.recipe.dtype, &run, unchanged)?;
        let bar = self.progress.begin("embed", total as u64);
        bar.resume(blocks.done() as u64);
        let mut all = || {
            while blocks.done() < total {
                let first = blocks.done();
                if self.cancel.raised() {
                    return Err(EmbedError::Interrupted { done: first, total }.into());
                }
                let rows = first..first + length(first);
                let vectors = make.vectors(source, rows.clone())?;
                blocks.push(rows.len(), &vectors, source.digest(rows.clone())?)?;
                bar.advance(rows.len() as u64);
            }
            Ok(())
        };
        if let Err(error) = all() {
            if blocks.done() == 0 {
                blocks.remove()?;
            }
            return Err(error);
        }
        // What is said of an array that was there before does not hold for the new one.
        durable::remove(&provenance::beside(self.out))?;
        let written = blocks.write(self.out)?;
        let provenance = Provenance {
            format: FORMAT.to_string(),
            program: program(),
            rows: written.rows,
            width: written.width,
            sha256: written.sha256,
            input: source.input(written.source),
            recipe: self.recipe.clone(),
        };
        let mut text = serde_json::to_string_pretty(&provenance).expect("texts and numbers");
        text.push('\n');
        durable::replace(&provenance::beside(self.out), text.as_bytes())?;
        blocks.remove()?;
        Ok(provenance)
    }
}

fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::provenance::Named;
    use crate::data::readers::{Array, read_array};
    use crate::durable::DurableError;
    use crate::durable::faults::{Outcome, arm};
    use crate::embed::{Aggregate, Aggregated};
    use crate::error::Exit;
    use crate::run::{ElementType, RunError, Silent};
    use std::fs;
    use std::ops::Range;

    /// 1,300 sequences of two vectors of two numbers.
    fn source() -> Source {
        let shape = vec![1_300, 2, 2];
        let values = (0..5_200).map(|at| at as f32).collect();
        let input = Named { name: "x.npy".to_string(), sha256: String::new() };
        Source::Arrays { file: "x.npy".to_string(), input, array: Array { shape, values } }
    }

    fn recipe() -> Recipe {
        Recipe { aggregate: Some(Aggregate::Mean), ..Recipe::new("arrays", ElementType::Float32) }
    }

    fn run(out: &Path, source: &Source, make: &mut dyn Make) -> Result<Provenance<Recipe>> {
        let cancel = Cancel::new();
        Job { out, recipe: &recipe(), progress: &Silent, cancel: &cancel }.run(source, make)
    }

    /// Fails at a row.
    struct Broken(Aggregated, usize);

    impl Make for Broken {
        fn vectors(&mut self, source: &Source, rows: Range<usize>) -> Result<Vec<f32>> {
            if rows.contains(&self.1) {
                let (place, problem, hint) = (source.place(self.1), "broken".to_string(), String::new());
                return Err(EmbedError::Row { place, problem, hint }.into());
            }
            self.0.vectors(source, rows)
        }
    }

    #[test]
    fn rows_become_an_array_with_its_provenance() {
        let dir = tempfile::tempdir().unwrap();
        let (out, source) = (dir.path().join("e.npy"), source());
        let mut make = Aggregated::new(Aggregate::Mean, &source).unwrap();
        let said = run(&out, &source, &mut make).unwrap();
        let array = read_array(&out).unwrap();
        assert_eq!((array.shape, &array.values[..4]), (vec![1_300, 2], &[1.0, 2.0, 5.0, 6.0][..]));
        assert_eq!((said.rows, said.width, said.sha256), (1_300, 2, digest::of_file(&out).unwrap()));
        provenance::check(&out, 1_300).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["e.npy", "e.npy.json"]);
    }

    /// A row that cannot be made is named; what is before it is kept, and the array that follows has the same bytes.
    #[test]
    fn a_broken_row_keeps_what_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let (out, whole, source) = (dir.path().join("e.npy"), dir.path().join("w.npy"), source());
        let mut sound = Aggregated::new(Aggregate::Mean, &source).unwrap();
        run(&whole, &source, &mut sound).unwrap();
        let error = run(&out, &source, &mut Broken(sound, 3)).unwrap_err();
        assert!(!Blocks::folder(&out).exists(), "nothing was done, and nothing is left");
        assert_eq!((error.to_string().as_str(), error.exit()), ("x.npy: row 3: broken", Exit::BadInput));
        run(&out, &source, &mut Broken(sound, 1_100)).unwrap_err();
        assert!(Blocks::folder(&out).exists() && !out.exists());
        // The first two blocks are not made again.
        struct Rest(Aggregated);
        impl Make for Rest {
            fn vectors(&mut self, source: &Source, rows: Range<usize>) -> Result<Vec<f32>> {
                assert!(rows.start >= 1_024, "{rows:?}");
                self.0.vectors(source, rows)
            }
        }
        run(&out, &source, &mut Rest(sound)).unwrap();
        assert_eq!(fs::read(&out).unwrap(), fs::read(&whole).unwrap());
        let json = |out| fs::read(provenance::beside(out)).unwrap();
        assert_eq!(json(&out), json(&whole));
    }

    /// Whatever operation on the disk fails, the same command ends with the same two files.
    #[test]
    fn every_fault_of_the_disk_can_be_continued() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, source) = (dir.path().join("w.npy"), source());
        let mut make = Aggregated::new(Aggregate::Mean, &source).unwrap();
        run(&whole, &source, &mut make).unwrap();
        let mut faults = 0;
        for n in 0..60 {
            let out = dir.path().join(format!("{n}.npy"));
            let guard = arm(n, Outcome::Fail(libc::ENOSPC));
            let first = run(&out, &source, &mut make);
            drop(guard);
            if let Err(error) = first {
                assert!(error.downcast_ref::<DurableError>().is_some(), "{error}");
                faults += 1;
            }
            run(&out, &source, &mut make).unwrap();
            assert_eq!(fs::read(&out).unwrap(), fs::read(&whole).unwrap(), "{n}");
            assert!(!Blocks::folder(&out).exists());
        }
        assert!(faults > 20, "{faults}");
    }

    #[test]
    fn an_interrupted_run_says_how_far_it_came_and_another_recipe_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (out, source) = (dir.path().join("e.npy"), source());
        let sound = Aggregated::new(Aggregate::Mean, &source).unwrap();
        struct Stop(Aggregated, Cancel);
        impl Make for Stop {
            fn vectors(&mut self, source: &Source, rows: Range<usize>) -> Result<Vec<f32>> {
                self.1.raise();
                self.0.vectors(source, rows)
            }
        }
        let cancel = Cancel::new();
        let job = Job { out: &out, recipe: &recipe(), progress: &Silent, cancel: &cancel };
        let error = job.run(&source, &mut Stop(sound, cancel.clone())).unwrap_err();
        assert_eq!(error.exit(), Exit::Interrupted);
        assert_eq!(error.to_string(), "interrupted with 512 of 1300 rows done");
        let other = Recipe { aggregate: Some(Aggregate::Max), ..recipe() };
        let mut make = Aggregated::new(Aggregate::Max, &source).unwrap();
        let other =
            Job { recipe: &other, cancel: &Cancel::new(), ..job }.run(&source, &mut make).unwrap_err();
        assert!(matches!(other.downcast_ref(), Some(RunError::OtherBlocks { .. })), "{other}");
    }
}
