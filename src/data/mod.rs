//! Data sets, their readers and generators, and what a simulated labelling is made of.
//!
//! A [`Dataset`] is validated and immutable. A [`Task`] is one seeded split of it into three disjoint
//! parts (pool, reward, test), scaled by statistics of the pool alone. A [`Pool`] is the labelled and
//! unlabelled rows of one episode; only the [`Oracle`] turns an unlabelled row into a label, and it
//! charges the budget for it. Nothing here knows networks or strategies.

pub mod dataset;
pub mod matrix;
pub mod pool;
pub mod task;

pub use dataset::{Dataset, Shape, SplitTag, Targets};
pub use matrix::{Matrix, MatrixView};
pub use pool::{Oracle, Pool, RowId};
pub use task::{Held, Reward, Scaling, SplitPlan, Task, Test};
