//! The session that all calls share.

use super::answer::Refusal;
use crate::error::Result;
use crate::session::{PoolMap, Session};
use axum::http::StatusCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is served.
pub(super) struct Serving {
    session: Mutex<Session>,
    map: OnceLock<PoolMap>,
}

pub(super) type Shared = Arc<Serving>;

impl Serving {
    pub fn new(session: Session) -> Self {
        Self { session: Mutex::new(session), map: OnceLock::new() }
    }

    /// Calls the session on a thread that may wait, one call at a time.
    pub async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce(&mut Session) -> Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let this = self.clone();
        let called = tokio::task::spawn_blocking(move || {
            // A call that panicked has written a whole event or none, and every call reads the journal anew.
            let mut session = this.session.lock().unwrap_or_else(PoisonError::into_inner);
            what(&mut session)
        });
        match called.await {
            Ok(result) => Ok(result?),
            Err(error) => Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
        }
    }

    /// Uses the map of the pool, which is made once.
    pub async fn with_map<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce(&PoolMap) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let this = self.clone();
        self.call(move |session| Ok(what(this.map.get_or_init(|| session.map())))).await
    }
}
