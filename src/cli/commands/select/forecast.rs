//! `querist select --dry-run`: how much memory a selection will take, from the shapes of its arrays.
//!
//! Counted are the arrays as they are held (`f32`, probabilities for a moment twice: as read, and the
//! candidates' part), what the strategy says it takes beyond them, and the process itself. Pages of files in
//! the system's cache are not the process's.

use super::arrays::read_labelled;
use super::error::FileError;
use super::words::Flags;
use crate::cli::args::SelectArgs;
use crate::cli::output;
use crate::data::readers::read_shape;
use crate::error::Result;
use crate::query::{Size, Strategy};
use crate::select::{self, Argument, SelectError, Selector, Words};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Bytes of a process that has done nothing yet.
const PROCESS: u64 = 8_000_000;

/// The shapes of what is read.
#[derive(Clone, Copy, Debug)]
struct Shapes {
    /// Rows of the pool.
    rows: usize,
    /// Columns of the pool.
    width: usize,
    /// Columns of the embeddings, if they are not the pool.
    embeddings: Option<usize>,
    classes: usize,
    labelled: usize,
    batch: usize,
    /// Arrays of probabilities, in the order in which they are read: one, the passes, the members.
    probabilities: [usize; 3],
}

/// Bytes at the peak, and what they are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Forecast {
    /// What is held while the strategy chooses.
    arrays: u64,
    /// What the strategy takes beyond that.
    strategy: u64,
    peak: u64,
}

impl Shapes {
    fn size(&self) -> Size {
        Size {
            candidates: self.rows - self.labelled.min(self.rows),
            labelled: self.labelled,
            width: self.embeddings.unwrap_or(self.width),
            classes: self.classes,
            batch: self.batch,
        }
    }

    fn forecast(&self, strategy: &dyn Strategy) -> Forecast {
        let size = self.size();
        let matrix = |rows: usize, columns: usize| Size::items(rows, 4).saturating_mul(columns as u64);
        // The pool, the candidates' numbers, and which rows are taken.
        let mut held = matrix(self.rows, self.width) + Size::items(self.rows, 5);
        let mut peak = held;
        for count in self.probabilities {
            let kept = matrix(size.candidates, self.classes).saturating_mul(count as u64);
            peak = peak.max(held + kept + matrix(self.rows, self.classes).saturating_mul(count as u64));
            held += kept;
        }
        held += matrix(self.embeddings.map_or(0, |_| self.rows), self.embeddings.unwrap_or(0));
        let strategy = strategy.memory(&size);
        Forecast { arrays: held, strategy, peak: peak.max(held.saturating_add(strategy)) + PROCESS }
    }
}

/// Prints the forecast.
pub(super) fn print(args: &SelectArgs, selector: &Selector) -> Result<()> {
    let flags = Flags(args);
    let (rows, width) = matrix_shape(args.pool.as_deref().expect("forecasts are of arrays"))?;
    let (labelled, labels) = match &args.labelled {
        Some(path) => read_labelled(path, rows, selector.reads(Argument::Labels))?,
        None => (Vec::new(), Vec::new()),
    };
    let same_rows = |argument, found| match found == rows {
        true => Ok(()),
        false => Err(SelectError::Rows { place: flags.place(argument), found, expected: rows }),
    };
    let read = |argument, path: &Option<PathBuf>| path.clone().filter(|_| selector.reads(argument));
    let two = |argument, path: &Option<PathBuf>| match read(argument, path) {
        None => Ok::<_, crate::Error>(None),
        Some(path) => {
            let (found, columns) = matrix_shape(&path)?;
            same_rows(argument, found)?;
            Ok(Some(columns))
        }
    };
    let three = |argument, path: &Option<PathBuf>| match read(argument, path) {
        None => Ok::<_, crate::Error>(None),
        Some(path) => {
            let shape = read_shape(&path)?;
            let [count, found, classes] = shape[..] else {
                let (file, expected) = (path.display().to_string(), "3 (passes, rows, classes)");
                return Err(FileError::Dimensions { file, found: shape.len(), expected }.into());
            };
            same_rows(argument, found)?;
            Ok(Some((count, classes)))
        }
    };
    let proba = two(Argument::Probabilities, &args.proba)?;
    let passes = three(Argument::Passes, &args.passes)?;
    let committee = three(Argument::Committee, &args.committee)?;
    let embeddings = two(Argument::Embeddings, &args.embeddings)?;
    let told = [
        (Argument::Classes, args.classes),
        (Argument::Probabilities, proba),
        (Argument::Passes, passes.map(|(_, classes)| classes)),
        (Argument::Committee, committee.map(|(_, classes)| classes)),
    ];
    let classes = select::classes(&told, &labels, &flags)?;
    let count = |shape: Option<(usize, usize)>| shape.map_or(0, |(count, _)| count);
    let shapes = Shapes {
        rows,
        width,
        embeddings,
        classes,
        labelled: labelled.len(),
        batch: args.batch.min(rows),
        probabilities: [usize::from(proba.is_some()), count(passes), count(committee)],
    };
    let forecast = shapes.forecast(selector.strategy());
    let mb = |bytes: u64| (bytes as f64 / 1e5).round() / 10.0;
    if args.json {
        return output::json(&json!({
            "strategy": selector.name(),
            "rows": rows,
            "width": shapes.size().width,
            "classes": classes,
            "candidates": shapes.size().candidates,
            "batch": args.batch,
            "forecast": {
                "arrays_mb": mb(forecast.arrays),
                "strategy_mb": mb(forecast.strategy),
                "peak_rss_mb": mb(forecast.peak),
            },
        }));
    }
    output::data(&format!(
        "{}: {} of {rows} x {width} rows\npeak memory {:.0} MB: arrays {:.0}, the strategy {:.0}\n",
        selector.name(),
        shapes.batch,
        mb(forecast.peak),
        mb(forecast.arrays),
        mb(forecast.strategy),
    ))
}

fn matrix_shape(path: &Path) -> Result<(usize, usize)> {
    let shape = read_shape(path)?;
    let file = path.display().to_string();
    match shape[..] {
        [rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
        [_, _] => Err(SelectError::Empty { place: file }.into()),
        _ => Err(FileError::Dimensions { file, found: shape.len(), expected: "2 (rows, columns)" }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Registry;

    const SHAPES: Shapes = Shapes {
        rows: 200_000,
        width: 384,
        embeddings: None,
        classes: 10,
        labelled: 100,
        batch: 100,
        probabilities: [1, 0, 0],
    };

    /// Three sizes at equal steps: the second step takes as much as the first, but for whole numbers.
    fn is_linear(name: &str, what: &str, at: [Shapes; 3]) {
        let strategy = Registry::builtin().build(name).unwrap();
        let [a, b, c] = at.map(|shapes| shapes.forecast(&*strategy).peak as f64);
        assert!(c > b && b > a, "{name} grows with {what}: {a} {b} {c}");
        assert!(((c - b) - (b - a)).abs() < 1e-3 * (c - a), "{name} is linear in {what}: {a} {b} {c}");
    }

    #[test]
    fn linear_in_rows_columns_and_classes() {
        for name in [
            "margin",
            "k_center",
            "badge",
            "k_means",
            "typiclust",
            "prob_cover",
            "information_density",
            "clue",
        ] {
            is_linear(name, "rows", [1, 2, 3].map(|k| Shapes { rows: k * SHAPES.rows, ..SHAPES }));
            is_linear(name, "columns", [1, 2, 3].map(|k| Shapes { width: k * SHAPES.width, ..SHAPES }));
            // Of their two phases, reading and choosing, the one that takes less outgrows the other as classes become more.
            if !["prob_cover", "typiclust"].contains(&name) {
                is_linear(
                    name,
                    "classes",
                    [1, 2, 3].map(|k| Shapes { classes: k * SHAPES.classes, ..SHAPES }),
                );
            }
        }
    }

    #[test]
    fn every_strategy_has_a_forecast() {
        for entry in Registry::builtin().entries() {
            let strategy = Registry::builtin().build(entry.card.example).unwrap();
            let found = SHAPES.forecast(&*strategy);
            assert!(found.peak > found.arrays, "{}", entry.card.name);
            assert!(found.peak < 10 * found.arrays, "{}: {found:?}", entry.card.name);
        }
    }

    #[test]
    fn arrays_by_hand() {
        let strategy = Registry::builtin().build("margin").unwrap();
        let found = SHAPES.forecast(&*strategy);
        let pool = 200_000 * 384 * 4 + 200_000 * 5;
        assert_eq!(found.arrays, pool + 199_900 * 40);
        assert_eq!(found.strategy, 199_900 * 24);
        // Reading takes more than choosing: all probabilities beside the candidates'.
        assert_eq!(found.peak, pool + 199_900 * 40 + 200_000 * 40 + PROCESS);
        let apart = Shapes { embeddings: Some(16), ..SHAPES }.forecast(&*strategy);
        assert_eq!(apart.arrays, found.arrays + 200_000 * 64);
    }
}
