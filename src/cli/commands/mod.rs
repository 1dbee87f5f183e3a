//! The commands, by topic. Each turns its arguments into calls of the layers, and results into text.

mod cards;
pub mod data;
pub mod embed;
pub mod fit;
pub mod lists;
pub mod manual;
pub mod pairs;
pub mod report;
pub mod run;
pub mod schema;
pub mod select;
pub mod session;
pub mod stream;
pub mod transfer;
