//! `querist session new`.

use super::args::NewArgs;
use crate::cli::output;
use crate::error::Result;
use crate::experiment::Vocabulary;
use crate::session::{Chooser, Session, SessionPlan};
use serde_json::json;

/// Makes a session and says what it is.
pub fn new(args: &NewArgs) -> Result<()> {
    let pool = args.pool.display().to_string();
    let read = args.columns.reference(&pool, None, &Vocabulary::default()).options();
    let chooser = match (&args.strategy, &args.policy) {
        (Some(strategy), _) => Chooser::Strategy(strategy.clone()),
        (None, policy) => Chooser::Policy(policy.clone().unwrap_or_else(|| "universal".to_string())),
    };
    let plan = SessionPlan {
        read,
        classes: args.classes.clone(),
        chooser,
        start: args.start.clone(),
        initial: args.initial,
        batch: args.batch,
        budget: args.budget,
        lease: args.lease,
        price: args.price.clone(),
        seed: args.seed,
        ..SessionPlan::new(&args.pool)
    };
    let mut session = Session::create(&args.dir, plan)?;
    let counts = session.counts()?;
    let settings = session.settings();
    if args.json {
        return output::json(&json!({ "session": session.name(), "settings": settings, "counts": counts }));
    }
    output::data(&format!(
        "{}: {} rows of {} numbers, {} with a label\nnext: querist session ask {}\n",
        args.dir.display(),
        settings.rows,
        settings.width,
        counts.labelled,
        args.dir.display()
    ))
}
