//! What burn computes for the learning algorithms: gradients of their losses, and the step of AdamW.
//!
//! All of the layer that needs burn is here. In a program that is built without the feature `burn`, `absent` has the
//! same functions, and each says so; policies that are trained already need none of them.

#[cfg(not(feature = "burn"))]
mod absent;
#[cfg(feature = "burn")]
mod adamw;
#[cfg(feature = "burn")]
mod graph;
#[cfg(feature = "burn")]
mod imitation;
#[cfg(feature = "burn")]
mod pang;
#[cfg(feature = "burn")]
mod policy_gradient;
#[cfg(feature = "burn")]
mod scores;

#[cfg(not(feature = "burn"))]
pub(super) use absent::{adamw, imitation, pang, policy_gradient, scores};
#[cfg(feature = "burn")]
pub(super) use {
    adamw::adamw, imitation::imitation, pang::pang, policy_gradient::policy_gradient, scores::scores,
};
