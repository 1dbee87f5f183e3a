//! What query strategies have in common: vectors and distances, draws that belong to rows, the order of equals,
//! ranks, neighbours, components, what a Gaussian process says of them, and how labels cover them. Nothing here chooses rows: strategies, and what they
//! may see, are the same module of `querist`, which hands all of this on.

pub mod draw;
pub mod geometry;
pub mod herding;
pub mod kernel_pca;
pub mod low_rank_gp;
pub mod nearest;
pub mod neighbour_stats;
pub mod neighbours;
pub mod ranks;
pub mod size;
pub mod subsample;
pub mod ties;

pub use herding::Herding;
pub use kernel_pca::{KernelMap, KernelPca, Projection};
pub use low_rank_gp::LowRankGp;
pub use nearest::Nearest;
pub use neighbours::Neighbours;
pub use size::Size;
pub use subsample::Subsample;
pub use ties::Ties;
