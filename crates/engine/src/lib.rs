//! The engine of Querist: what most of the time of a simulated episode goes into, and what that is made of.
//!
//! Small networks that train side by side ([`learner`]) and their architectures ([`arch`]), and the geometry of query
//! strategies ([`query`]), under one instruction set ([`simd`]). Programs use the crate `querist`, in which all of this
//! has the same paths.
//!
//! It is a crate of its own for how it is compiled: as one unit that is optimised as a whole, and only when it changes,
//! while `querist` is compiled anew with every change and optimises nothing across its many units. What runs once per
//! number belongs here; what decides what is run, there.
//!
//! The modules are layers. One may use only those before it in this list, and a test of `querist` enforces it:
//! [`error`], [`rng`], [`simd`], [`data`], [`arch`], [`learner`], [`query`].
//!
//! ```
//! use querist_engine::Key;
//! use querist_engine::data::{Matrix, RowId};
//! use querist_engine::query::Ties;
//! use querist_engine::query::geometry::{Rows, nearest_to};
//!
//! let points = Matrix::new(vec![0.0, 0.0, 3.0, 4.0, 1.0, 1.0], 3, 2);
//! let ids: Vec<RowId> = (0..3).map(RowId).collect();
//! let nearest = nearest_to(Rows::new(points.view(), &ids), &[2.0, 2.0], Ties::new(Key::root(1)));
//! assert_eq!(nearest, Some(2));
//! ```

pub mod error;
pub mod rng;

pub mod simd;

pub mod data;

pub mod arch;

pub mod learner;

pub mod query;

pub use error::{Error, Result};
pub use rng::Key;
