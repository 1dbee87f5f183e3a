//! `querist select`: files in, row numbers out; what is between is [`crate::select`].

mod arrays;
mod error;
mod forecast;
mod from;
mod words;

use crate::cli::args::SelectArgs;
use crate::cli::output;
use crate::error::Result;
use crate::query::Registry;
use crate::run::usage;
use crate::select::{Argument, Request, Selector};
use arrays::{matrix, passes, read_head, read_labelled};
use error::FileError;
use serde_json::json;
use std::time::Instant;
use words::Flags;

/// Chooses rows and prints their numbers.
pub fn select(args: &SelectArgs) -> Result<()> {
    let Some(pool) = &args.pool else { return from::select(args) };
    if let Some(option) = from::columns_named(args) {
        return Err(FileError::Columns { option }.into());
    }
    let fitting = [("--predictions", args.predictions.is_some()), ("--set", !args.sets.is_empty())];
    if let Some((option, _)) = fitting.into_iter().find(|(_, given)| *given) {
        return Err(FileError::Fit { option }.into());
    }
    let mut selector = match (&args.policy, &args.strategy) {
        (Some(name), _) => Selector::policy_named(name)?,
        (None, name) => {
            Selector::of(&Registry::builtin().with_programs(), name.as_deref().unwrap_or_default())?
        }
    };
    let flags = Flags(args);
    selector.check(|argument| flags.give(argument), &flags)?;
    if args.dry_run {
        return forecast::print(args, &selector);
    }
    let started = Instant::now();
    let pool = matrix(pool)?;
    let (labelled, labels) = match &args.labelled {
        Some(path) => read_labelled(path, pool.rows(), selector.reads(Argument::Labels))?,
        None => Default::default(),
    };
    let mut request = Request::new(pool).labelled(&labelled).batch(args.batch).seed(args.seed).words(&flags);
    if args.labelled.is_some() {
        request = request.labels(&labels);
    }
    // What the strategy does not need is not read: the arrays may be large.
    let wanted = |argument, path: &'_ Option<std::path::PathBuf>| -> Option<std::path::PathBuf> {
        path.clone().filter(|_| selector.reads(argument))
    };
    if let Some(path) = wanted(Argument::Probabilities, &args.proba) {
        request = request.probabilities(matrix(&path)?);
    }
    if let Some(path) = wanted(Argument::Passes, &args.passes) {
        request = request.passes(passes(&path)?);
    }
    if let Some(path) = wanted(Argument::Committee, &args.committee) {
        request = request.committee(passes(&path)?);
    }
    if let Some(path) = wanted(Argument::Embeddings, &args.embeddings) {
        request = request.embeddings(matrix(&path)?);
    }
    let head = wanted(Argument::Head, &args.head).map(|path| read_head(&path)).transpose()?;
    if let Some((weights, bias)) = &head {
        request = request.head(weights, bias);
    }
    if let Some(temperature) = args.temperature {
        request = request.temperature(temperature);
    }
    if let Some(classes) = args.classes {
        request = request.classes(classes);
    }
    if let Some(budget) = args.budget {
        request = request.budget(budget);
    }
    if args.normalise {
        request = request.normalised();
    }
    let selection = selector.select(request)?;
    let selecting = selection.time.as_secs_f64();
    if args.json {
        return output::json(&json!({
            "strategy": selector.name(),
            "picks": selection.picks,
            "note": selection.note,
            "candidates": selection.candidates,
            "labelled": labelled.len(),
            "classes": selection.classes,
            "seed": args.seed,
            "seconds": {
                "reading": started.elapsed().as_secs_f64() - selecting,
                "selecting": selecting,
            },
            "peak_rss_mb": usage::peak_rss_mb(),
        }));
    }
    if let Some(note) = selection.note {
        output::message(&format!("note: {note}"));
    }
    output::data(&selection.picks.iter().map(|row| format!("{row}\n")).collect::<String>())
}
