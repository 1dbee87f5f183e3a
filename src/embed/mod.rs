//! From raw texts, pictures or arrays to an array of embeddings: `querist embed`.
//!
//! A [`Source`] is what rows are made of, [`Make`] makes their vectors, and [`Job`] goes through the rows block by block, so
//! that an interrupted run goes on ([`Blocks`](crate::run::Blocks)) to the same bytes, and says in a file beside the array what
//! it was made of ([`provenance`](crate::data::provenance)). Sequences of vectors become one vector each by a rule
//! ([`Aggregate`]). Models are run by a crate of their own, `querist-embed`, with the feature `embed` (`model`): nothing here
//! knows networks.
//!
//! ```
//! use querist::embed::Aggregate;
//!
//! // One sequence of three vectors of two numbers.
//! let mean = Aggregate::Mean.of(&[1.0, 4.0, 2.0, 5.0, 6.0, 0.0], 2);
//! assert_eq!(mean, [3.0, 3.0]);
//! ```

mod aggregate;
mod error;
mod job;
#[cfg(feature = "embed")]
pub(crate) mod model;
mod recipe;
mod source;

pub use aggregate::{Aggregate, Aggregated};
pub use error::EmbedError;
pub use job::Job;
pub use recipe::Recipe;
pub use source::Source;

use crate::error::Result;
use std::ops::Range;

/// Makes vectors of rows.
pub trait Make {
    /// The vectors of these rows of the source, one after the other: `[rows, width]`, of one width for all rows. The same
    /// range gives the same bytes, whatever was made before.
    ///
    /// # Errors
    /// [`EmbedError`] with the place.
    fn vectors(&mut self, source: &Source, rows: Range<usize>) -> Result<Vec<f32>>;
}
