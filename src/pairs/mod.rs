//! Gene pairs: which pairs of genes to measure next, where an outcome belongs to two genes in either order and lower is better.
//!
//! A [`Screen`] has pairs and outcomes, a [`Graph`] typed edges between genes. Gene embeddings come from a relational
//! graph [`convolution`] that is pre-trained on [`links`]; a symmetric [`bilinear`] head predicts outcomes of pairs. An
//! [`Ensemble`] of such networks, fitted together with the head in every round, has [`Beliefs`] about all pairs, from which one of the [`rules`] chooses.
//! A [`Campaign`] plays rules on a screen whose outcomes it reveals, [`World`] generates one, [`report`] says what
//! was found and in which pathways; [`files`] reads screens of one's own, and [`suggest()`] says what to measure next of one whose outcomes
//! are not all known.
//!
//! Zhu et al., 2025 (`LLNL/DeepAL`), of whom 92 % of the lowest 400 of 63,190 pairs are reported to be found with less than 6.3 % of
//! them measured.
//!
//! ```
//! use querist::Key;
//! use querist::pairs::{Campaign, CampaignPlan, NetworkPlan, WorldPlan, rules};
//!
//! let world = WorldPlan { genes: 30, pathways: 4, ..WorldPlan::default() }.make(Key::root(1))?;
//! let network = NetworkPlan { width: 8, hidden: 8, pretraining: 20, epochs: 20, ..NetworkPlan::default() };
//! let plan = CampaignPlan { rounds: 3, batch: 20, top: 20, members: 3, network };
//! let campaign = Campaign::new(plan, &world.screen, &world.graph, Key::root(2))?;
//! let course = campaign.run(&*rules::build("max_optimism")?, |_| {})?;
//! assert_eq!(course.measured.len(), 60); // of 435 pairs
//! assert!(course.rounds[2].hits >= course.rounds[0].hits);
//! # Ok::<(), querist::Error>(())
//! ```

pub(crate) mod bilinear;
pub(crate) mod campaign;
pub mod convolution;
pub(crate) mod ensemble;
pub(crate) mod error;
pub(crate) mod files;
pub mod graph;
pub(crate) mod links;
pub(crate) mod network;
pub(crate) mod optimiser;
pub mod real;
pub(crate) mod report;
pub mod rules;
pub(crate) mod screen;
pub mod study;
pub mod suggest;
pub(crate) mod world;

pub use campaign::{Campaign, CampaignPlan, CampaignResult, Round, Step};
pub use ensemble::{Beliefs, Ensemble};
pub use error::PairsError;
pub use graph::Graph;
pub use network::{Embedding, NetworkPlan};
pub use rules::PairRule;
pub use screen::Screen;
pub use study::{Source, StudyPlan, study};
pub use suggest::suggest;
pub use world::{Pathway, World, WorldPlan};
