//! What query strategies have in common: vectors and distances, draws that belong to rows, the order of equals,
//! neighbours, components, what a Gaussian process says of them, and how labels cover them. Nothing here chooses rows: strategies, and what they
//! may see, are the same module of `querist`, which hands all of this on.

pub mod components;
pub mod cut;
pub mod draw;
pub mod geometry;
pub mod herding;
pub mod nearest;
pub mod neighbours;
pub mod posterior;
pub mod size;
pub mod surroundings;
pub mod ties;

pub use components::Components;
pub use cut::Cut;
pub use herding::Herding;
pub use nearest::Nearest;
pub use neighbours::Neighbours;
pub use posterior::Posterior;
pub use size::Size;
pub use ties::Ties;
