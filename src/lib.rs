//! Querist learns which labels to ask for.
//!
//! A reinforcement-learning agent trains a query policy, and a local search finds the network
//! architecture, by running many simulated active-learning episodes on source tasks; both are then
//! transferred to a target pool that they have never seen.
//!
//! The modules are layers. One may use only those before it in this list, and a test enforces it:
//! [`error`], [`rng`], [`simd`], [`durable`], [`data`], [`arch`], [`learner`], [`query`], [`episode`],
//! [`agent`], [`search`], [`run`], [`experiment`], [`report`], and, with the feature of its name, `cli`.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests write into temporary folders

pub mod error;
pub mod rng;

pub mod simd;

pub mod durable;

pub mod data;

pub mod arch;

pub mod learner;

pub mod query;

pub mod episode;

pub mod agent;

pub mod search;

pub mod run;

pub mod experiment;

pub mod report;

#[cfg(feature = "cli")]
pub mod cli;

pub use error::{Error, Result};
pub use rng::Key;
