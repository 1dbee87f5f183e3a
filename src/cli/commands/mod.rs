//! The commands, by topic. Each turns its arguments into calls of the layers, and results into text.

mod cards;
pub(crate) mod data;
pub(crate) mod embed;
pub(crate) mod fit;
pub(crate) mod lists;
pub(crate) mod manual;
pub(crate) mod pairs;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod select;
pub(crate) mod session;
mod sets;
pub(crate) mod stream;
pub(crate) mod transfer;
