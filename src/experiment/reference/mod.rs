//! What an experiment file may say, as a page for people and as a JSON Schema for editors.
//!
//! Both are made of the lines that declare the keys (`sections`), by asking for every key of a section that only notes
//! what is asked for. `docs/experiment-file.md` is the page; a test compares.

mod page;
mod schema;

pub use page::page;
pub use schema::schema;

use super::keys::{Ask, Described, descriptions, table};
use super::plan::Header;
use super::sections::{Episode, Learner, Offer, Report, Search, SearchComparison, Sources, Train, Transfer};
use super::vocabulary::Vocabulary;

/// Every key of an experiment file, sections as tables, in the order of a resolved plan.
fn describe(vocabulary: &Vocabulary) -> Vec<Described> {
    let offer = Offer { vocabulary, train: None, search: true, policy: true };
    descriptions(|file| {
        Header::keys(file)?;
        table(Learner::keys).ask(file, "learner", Learner::ABOUT)?;
        table(Episode::keys).ask(file, "episode", Episode::ABOUT)?;
        table(|section| Sources::keys(section, vocabulary)).ask(file, "sources", Sources::ABOUT)?;
        table(|section| Train::keys(section, &vocabulary.algorithms)).ask(file, "train", Train::ABOUT)?;
        table(|section| Search::keys(section, &vocabulary.methods)).ask(file, "search", Search::ABOUT)?;
        table(|section| Transfer::keys(section, &offer)).ask(file, "transfer", Transfer::ABOUT)?;
        table(|section| SearchComparison::keys(section, vocabulary)).ask(
            file,
            "rivals",
            SearchComparison::ABOUT,
        )?;
        table(Report::keys).ask(file, "report", Report::ABOUT)
    })
}
