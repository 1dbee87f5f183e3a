//! The third head of a policy: stay, deepen or spread.
//!
//! Beside which rows to ask for, a policy may say how the network is to grow as labels come in: in every
//! round it stays, deepens every stack of `A(B, i, j)`, or spreads the blocks over one stack more
//! (Geifman & El-Yaniv, NeurIPS 2019, whose local search decides this by training all three). The head
//! decides it without training anything, from what the policy sees of the round and from the architecture
//! itself; it was taught on source tasks, by what each move gained there less a penalty on what it costs.
//!
//! The three moves are the candidates of an [`Observation`](crate::episode::Observation), so that network,
//! imitation and file are those of the policy: [`sight`] says what is seen, [`collect`] simulates moves on
//! source tasks, [`card`] is what a policy's card says of it, [`architect`] plays it in an episode. Not
//! here: the local search that may go on from where the head points (`search`).

pub(crate) mod architect;
pub mod card;
pub(crate) mod collect;
pub mod sight;

pub use architect::HeadArchitect;
pub use card::{Head, HeadCard};
pub use collect::{MovePlan, collect_moves};
