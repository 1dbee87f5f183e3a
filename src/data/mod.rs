//! Data sets, their readers and generators, and what a simulated labelling is made of.
//!
//! A [`Dataset`] is validated and immutable. It comes from a file ([`readers`]), from the sets that are
//! compiled in ([`embedded`]) or from a generator ([`synthetic`]); what the columns of a table are made of is
//! said by [`columns`]; what an array of embeddings was made of, by its [`provenance`]; [`load`](load::load()) finds any of them by name,
//! and [`describe`](describe::describe()) says what it holds and what is wrong with it; [`writers`] makes files of tables. A [`Task`] is one
//! seeded split of it into three disjoint parts (pool, reward, test), scaled by statistics of the pool
//! alone. A [`Pool`] is the labelled and unlabelled rows of one episode; only the [`Oracle`] turns an
//! unlabelled row into a label, as the [`Annotator`] that it plays does, and it charges the budget for it. Nothing here
//! knows networks or strategies.

pub mod annotator;
pub mod columns;
pub mod dataset;
pub mod describe;
pub mod domains;
pub mod embedded;
pub(crate) mod error;
pub mod gaps;
mod images;
pub(crate) mod initial;
pub mod load;
pub mod masks;
pub mod pool;
pub mod provenance;
pub mod readers;
pub mod registered;
mod scaling;
mod split;
pub mod synthetic;
pub mod table;
mod targets;
pub mod task;
pub(crate) mod variation;
pub mod world;
pub mod writers;

pub use annotator::{Annotator, Answer, Answers, Price};
pub use dataset::{Dataset, Shape, SplitTag, Targets};
pub use describe::{Description, describe};
pub use domains::{Domain, Domains};
pub use error::DataError;
pub use images::Images;
pub(crate) use images::png;
pub use initial::{initial_count, initial_rows, uniform_rows};
pub use load::load;
pub use masks::Masks;
pub use pool::{Oracle, Pool};
pub use querist_engine::data::{Matrix, MatrixView, RowId, TargetKind, argmax, mask, matrix, target};
pub use registered::{ReaderEntry, Readers};
pub use scaling::standardised;
pub use task::{Held, Partly, Reward, Scaling, Separation, SplitPlan, Task, Test, Validation};
pub use variation::Variation;
pub use world::World;
