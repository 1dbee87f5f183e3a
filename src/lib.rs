//! Querist learns which labels to ask for.
//!
//! Five rows to label next, by margin, from plain arrays:
//!
//! ```
//! use querist::prelude::*;
//!
//! let features: Vec<f32> = (0..100).map(|value| value as f32).collect(); // 50 rows of 2
//! let probabilities: Vec<f32> = (0..50).flat_map(|row| [0.02 * row as f32, 1.0 - 0.02 * row as f32]).collect();
//! let request = Request::new(MatrixView::new(&features, 50, 2))
//!     .probabilities(MatrixView::new(&probabilities, 50, 2))
//!     .labelled(&[0, 49])
//!     .labels(&[1, 0])
//!     .batch(5);
//! let selection = Selector::named("margin")?.select(request)?;
//! assert_eq!(selection.picks[0], 25); // a toss-up
//! # Ok::<(), querist::Error>(())
//! ```
//!
//! - [`select`]: one query on arrays, by a strategy or a learned policy.
//! - [`pipeline`]: experiments, from a file or a plan to rows, verdict and report.
//! - [`session`]: labelling in earnest, by asking and being told.
//! - [`query`]: the strategies; [`query::Registry`] takes those of another crate, and [`testing`] holds them to what all
//!   promise.
//! - [`agent`]: how policies are learned.
//!
//! A reinforcement-learning agent trains a query policy, and a local search finds the network
//! architecture, by running many simulated active-learning episodes on source tasks; both are then
//! transferred to a target pool that they have never seen.
//!
//! The modules are layers. One may use only those before it in this list, and a test enforces it. Those whose time counts are a
//! crate of their own, `querist-engine`, and are handed on from there:
//! [`error`], [`rng`], [`simd`], [`durable`], [`mod@registry`], [`data`], [`arch`], [`learner`], [`query`], [`episode`],
//! [`agent`], [`select`], [`search`], [`run`], [`embed`], [`stream`], [`pairs`], [`experiment`], [`report`], [`pipeline`], [`session`],
//! [`testing`], [`prelude`], and, with
//! the feature of its name, `cli`.

#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports))] // what only the command line calls
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests write into temporary folders

pub use querist_engine::{arch, error, learner, rng, simd};

pub mod durable;

pub mod registry;

pub mod data;

pub mod query;

pub mod episode;

pub mod agent;

pub mod select;

pub mod search;

pub mod run;

pub mod embed;

pub mod stream;

pub mod pairs;

pub mod experiment;

pub mod report;

pub mod pipeline;

pub mod session;

pub mod testing;

pub mod prelude;

#[cfg(feature = "cli")]
pub mod cli;

pub use error::{Error, Result};
pub use rng::Key;
