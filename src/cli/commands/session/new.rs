//! `querist session new`.

use super::args::NewArgs;
use crate::cli::output;
use crate::error::Result;
use crate::experiment::Vocabulary;
use crate::session::{ArchSearch, Chooser, Price, Session, SessionError, SessionPlan};
use serde_json::json;
use std::collections::BTreeMap;

/// Names between commas, as a line of CSV has them.
fn classes(lists: &[String]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for list in lists {
        let before = names.len();
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(list.as_bytes());
        for line in reader.records() {
            let line = line.map_err(|error| SessionError::Field {
                place: "--classes".to_string(),
                found: list.clone(),
                expected: format!("names between commas ({error})"),
            })?;
            names.extend(line.iter().map(str::to_string));
        }
        if names.len() == before {
            return Err(SessionError::Field {
                place: "--classes".to_string(),
                found: list.clone(),
                expected: "names between commas; left out, classes appear with their first answer"
                    .to_string(),
            }
            .into());
        }
    }
    Ok(names)
}

/// The name of a column, or what answers of every class cost.
fn price(text: &str) -> Result<Price> {
    if !text.contains('=') {
        return Ok(Price::Column(text.to_string()));
    }
    let mut prices = BTreeMap::new();
    for entry in classes(&[text.to_string()])? {
        let found =
            entry.rsplit_once('=').and_then(|(class, price)| Some((class, price.parse::<f64>().ok()?)));
        let refuse = |expected: &str| SessionError::Field {
            place: "--price".to_string(),
            found: entry.clone(),
            expected: expected.to_string(),
        };
        let (class, price) = found.ok_or_else(|| refuse("CLASS=PRICE, such as cat=1.5"))?;
        if prices.insert(class.to_string(), price).is_some() {
            return Err(refuse("a class that has no price yet").into());
        }
    }
    Ok(Price::Classes(prices))
}

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
        classes: classes(&args.classes)?,
        chooser,
        start: args.start.clone(),
        initial: args.initial,
        batch: args.batch,
        budget: args.budget,
        lease: args.lease,
        price: args.price.as_deref().map(price).transpose()?,
        spend: args.spend,
        think: args.think,
        search: args.search.clone().map(|method| ArchSearch { method, networks: args.search_networks }),
        search_from: args.search_from.clone(),
        seed: args.seed,
        ..SessionPlan::new(&args.pool)
    };
    let mut session = Session::create(&args.dir, plan)?;
    let counts = session.counts()?;
    let settings = session.settings();
    if args.json {
        return output::json(&json!({ "session": session.name(), "settings": settings, "counts": counts }));
    }
    settings.warnings.iter().for_each(|warning| output::message(&format!("warning: {warning}")));
    output::message(&format!(
        "how the pool was read: querist data describe {pool}, with the same options about it"
    ));
    output::data(&format!(
        "{}: {} rows of {} numbers, {} with a label\nnext: querist session ask {}\n",
        args.dir.display(),
        settings.rows,
        settings.width,
        counts.labelled,
        args.dir.display()
    ))
}
