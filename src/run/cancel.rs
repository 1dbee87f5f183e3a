//! The flag that asks a run to stop.

use super::error::RunError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks everybody who holds a clone to stop at the next safe point. It cannot be taken back.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that nobody has raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop; true for the first to ask.
    pub fn raise(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether somebody has asked to stop.
    pub fn raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// An error whose exit is `Interrupted` if somebody has asked to stop; for work to end with.
    pub fn check(&self) -> Result<(), RunError> {
        if self.raised() { Err(RunError::Interrupted { done: 0, total: 1 }) } else { Ok(()) }
    }

    /// The flag itself, for layers that do not know this type.
    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }
}
