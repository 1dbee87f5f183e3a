//! What a run's rows say: statistics, the verdict, tables, figures and the HTML report.
//!
//! A data set before play has a page of its own ([`data_page`]).
//!
//! Everything here is a function of rows and of plain records that a caller fills in; nothing here
//! runs an experiment, and nothing writes a file: a report is returned as text.

pub mod contrast;
pub(crate) mod curves;
pub(crate) mod data_page;
#[cfg(test)]
pub(crate) mod example;
pub mod export;
pub mod figure;
pub mod html;
pub mod input;
pub(crate) mod roles;
pub mod stats;
pub(crate) mod table;
mod template;
pub(crate) mod text;
pub mod verdict;

pub use figure::Figure;
pub use html::{figures, html};
pub use input::ReportInput;
pub use verdict::{Verdict, VerdictOptions, verdict};
