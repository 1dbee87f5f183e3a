//! Membership query synthesis: rows that nobody has are made up, and asked about.
//!
//! A [`SynthesisOracle`] answers for a row of numbers, or says that it cannot, which is charged like an answer: a
//! [`Labelling`] function of a synthetic task answers always, [`NearestRow`] answers for what lies near a real row.
//! [`Bisection`] asks between rows of opposite classes; [`ascend()`] moves a row to where an acquisition is largest; a [`Decoder`]
//! makes rows that are like those of a pool.
//! Angluin, "Queries and concept learning", Machine Learning 2, 1988.
//!
//! ```
//! use querist::Key;
//! use querist::stream::synthesis::{Answer, Bisection, Labelling, SynthesisOracle};
//!
//! // Class 1 above the line x + 2 y = 1; a row of either class is known.
//! let mut teacher = Labelling(|row: &[f64]| u32::from(row[0] + 2.0 * row[1] > 1.0));
//! let mut bisection = Bisection::new(vec![0.0, 0.0], vec![2.0, 2.0], 1.0, Key::root(1))?;
//! for _ in 0..40 {
//!     let row = bisection.ask();
//!     let answer = teacher.ask(&row);
//!     bisection.tell(answer)?;
//! }
//! let plane = bisection.hyperplane().expect("two pairs by now");
//! assert!((plane.normal[1] / plane.normal[0] - 2.0).abs() < 1e-3);
//! # Ok::<(), querist::Error>(())
//! ```

mod ascent;
mod bisection;
mod decoder;
mod oracle;

pub use ascent::{Ascent, ascend};
pub use bisection::{Bisection, Hyperplane};
pub use decoder::{Decoder, MAX_DECODED};
pub use oracle::{Labelling, NearestRow, SynthesisOracle};

/// What an oracle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The class.
    Class(u32),
    /// Nobody could say: what was made up is like nothing that there is.
    Unanswerable,
}

#[cfg(test)]
mod tests;
