//! [`Method`]: what a search is set to, and [`Methods`]: searches by name.
//!
//! A search of another crate is a type that implements [`Method`], once for all spaces, and a [`MethodEntry`]:
//!
//! ```
//! use querist::arch::Space;
//! use querist::search::{History, Method, MethodEntry, Methods, Next, Search, Walk};
//! use std::sync::Arc;
//!
//! /// The start and its neighbours, and no more.
//! #[derive(Debug)]
//! struct Nearby;
//!
//! struct Looking<S: Space>(Walk<S>);
//!
//! impl<S: Space> Method<S> for Nearby {
//!     fn name(&self) -> &'static str {
//!         "nearby"
//!     }
//!
//!     fn search(&self, walk: Walk<S>) -> querist::Result<Box<dyn Search<S::Point>>> {
//!         Ok(Box::new(Looking(walk)))
//!     }
//! }
//!
//! impl<S: Space> Search<S::Point> for Looking<S> {
//!     fn next(&self, history: &History<S::Point>) -> querist::Result<Next<S::Point>> {
//!         let points = [vec![self.0.start.clone()], self.0.domain.neighbours(&self.0.start)].concat();
//!         Ok(self.0.next(history, &points))
//!     }
//! }
//!
//! let entry = MethodEntry::new("nearby", "The start and its neighbours.", &[], |_| Arc::new(Nearby));
//! let methods = Methods::builtin().with(entry)?;
//! querist::testing::search_contract(&methods, "nearby");
//! # Ok::<(), querist::Error>(())
//! ```

use super::history::{Candidate, History};
use super::{Next, Search, best_known, shuffled_from, unknown};
use crate::arch::{ArchSpace, Domain, FreeMlp, Space};
use crate::error::Result;
use crate::registry::{Named, Registered, Setting, Settings};
use crate::rng::Key;
use std::fmt;
use std::sync::Arc;

/// A search's settings, from which the search itself is made once its space and start are known. What `Debug` says of
/// them names the search in its log.
pub trait Method<S: Space>: fmt::Debug + Send + Sync {
    /// The name in tables, logs and experiment files.
    fn name(&self) -> &'static str;

    /// The search.
    ///
    /// # Errors
    /// [`SearchError::Setting`](super::SearchError::Setting) for a setting that is refused.
    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>>;

    /// Into how many parts it cuts the steps of one training, the first of which as many points get. Steps must be a
    /// multiple of it, and the space must have as many points. None where that is beyond 32 bits.
    fn parts(&self) -> Option<u32> {
        Some(1)
    }
}

/// A [`Method`] for every space that an experiment file can name.
pub trait AnyMethod: Method<ArchSpace> + Method<FreeMlp> {}

impl<M: Method<ArchSpace> + Method<FreeMlp>> AnyMethod for M {}

/// A space that an experiment file can name.
pub trait NamedSpace: Space {
    /// The method for this space.
    fn method(any: Arc<dyn AnyMethod>) -> Arc<dyn Method<Self>>;
}

impl NamedSpace for ArchSpace {
    fn method(any: Arc<dyn AnyMethod>) -> Arc<dyn Method<Self>> {
        any
    }
}

impl NamedSpace for FreeMlp {
    fn method(any: Arc<dyn AnyMethod>) -> Arc<dyn Method<Self>> {
        any
    }
}

/// Where a search walks, from where, with how many steps, and what it draws from.
#[derive(Clone, Debug)]
pub struct Walk<S: Space> {
    /// The space, bound to the task's shape.
    pub domain: Domain<S>,
    /// Where it starts.
    pub start: S::Point,
    /// Gradient steps of one whole training.
    pub steps: u32,
    /// What it draws from.
    pub key: Key,
}

impl<S: Space> Walk<S> {
    /// Every point in random order, but the start first.
    pub fn order(&self) -> Vec<S::Point> {
        shuffled_from(&self.domain, &self.start, self.key.named("order"))
    }

    /// A whole training of `point`.
    pub fn candidate(&self, point: &S::Point) -> Candidate<S::Point> {
        Candidate { point: point.clone(), steps: self.steps }
    }

    /// Asks for those of `points` that are not known, and would return the best of what is.
    pub fn next(&self, history: &History<S::Point>, points: &[S::Point]) -> Next<S::Point> {
        Next { ask: unknown(history, points, self.steps), incumbent: self.best(history) }
    }

    /// The best of what was trained for all steps.
    pub fn best(&self, history: &History<S::Point>) -> Option<S::Point> {
        best_known(&self.domain, history, self.steps)
    }
}

/// A search by name.
#[derive(Clone, Copy)]
pub struct MethodEntry {
    /// The name in experiment files.
    pub name: &'static str,
    /// What it does, in Markdown.
    pub about: &'static str,
    /// Its settings, for a table of its name.
    pub settings: &'static [Setting],
    /// Makes it of what its settings are set to.
    pub make: fn(&Settings) -> Arc<dyn AnyMethod>,
}

impl MethodEntry {
    /// A search of this name.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        settings: &'static [Setting],
        make: fn(&Settings) -> Arc<dyn AnyMethod>,
    ) -> Self {
        Self { name, about, settings, make }
    }

    /// Its settings as they are unless something is said.
    pub fn defaults(&self) -> Settings {
        Settings::defaults(self.settings)
    }
}

impl Registered for MethodEntry {
    const WHAT: &'static str = "architecture search";
    const SAID: bool = false;

    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn settings(&self) -> &'static [Setting] {
        self.settings
    }
}

impl fmt::Debug for MethodEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MethodEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Searches by name.
pub type Methods = Named<MethodEntry>;
