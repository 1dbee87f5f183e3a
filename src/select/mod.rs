//! One query on plain arrays, for people who have a training loop of their own.
//!
//! A [`Request`] holds what they have: features, which rows are labelled, what their model says of the pool. A
//! [`Selector`] is who chooses: a strategy of a [`Registry`](crate::query::Registry), or a learned policy. Between the
//! two stand the checks: what does not fit together is refused with its place and both numbers ([`SelectError`]),
//! and what the selector [needs](Need) and was not given is named with the way to give it.
//!
//! ```
//! use querist::data::MatrixView;
//! use querist::select::{Request, Selector};
//!
//! // Three rows of two features; the first is labelled.
//! let features = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
//! let probabilities = [0.9, 0.1, 0.8, 0.2, 0.55, 0.45];
//! let request = Request::new(MatrixView::new(&features, 3, 2))
//!     .labelled(&[0])
//!     .labels(&[0])
//!     .probabilities(MatrixView::new(&probabilities, 3, 2))
//!     .batch(1)
//!     .seed(7);
//! let selection = Selector::named("margin")?.select(request)?;
//! assert_eq!(selection.picks, [2]);
//! # Ok::<(), querist::Error>(())
//! ```
//!
//! The words of the errors are those of this module, unless a caller whose users know the arguments by other names
//! brings its own ([`Words`]), as the command line does.

mod array;
mod check;
mod error;
mod frozen;
mod need;
mod request;
mod selector;
mod words;

pub use array::Array;
pub use check::classes;
pub use error::SelectError;
pub use frozen::Frozen;
pub use need::Need;
pub use request::Request;
pub use selector::{Selection, Selector};
pub use words::{Argument, Words};

#[cfg(test)]
mod tests;
