//! `querist select --from`: rows of a data set in which some have labels.

use crate::cli::args::SelectArgs;
use crate::cli::commands::sets;
use crate::cli::commands::transfer::value;
use crate::cli::outfile::PredictionsOut;
use crate::cli::output;
use crate::data::TargetKind;
use crate::episode::features::SCHEMA;
use crate::error::Result;
use crate::experiment::next_rows::{Chooser, NextRows, next_rows};
use crate::experiment::{ExperimentError, Plan, Vocabulary};
use crate::query::Registry;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::{Table, Value};

/// The first option of those about columns and archives that was given.
pub(super) fn columns_named(args: &SelectArgs) -> Option<&'static str> {
    let read = &args.read;
    let given = [
        ("--label", read.label.is_some()),
        ("--task", read.task != TargetKind::Class),
        ("--label-separator", read.label_separator.is_some()),
        ("--columns", !read.columns.is_empty()),
        ("--ignore", !read.ignore.is_empty()),
        ("--id", read.id.is_some()),
        ("--split", read.split.is_some()),
        ("--types", !read.types.is_empty()),
        ("--missing", !read.missing.is_empty()),
        ("--features", !read.features.is_empty()),
        ("--separator", read.separator.is_some()),
        ("--header", read.header.is_some()),
        ("--decimal", read.decimal.is_some()),
        ("--inputs", read.inputs.is_some()),
        ("--channels", read.channels.is_some()),
        ("--base", read.base.is_some()),
        ("--hash", read.hash.is_some()),
        ("--svd", read.svd.is_some()),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
}

/// What the keys begin with that decide something of a selection: how the network is fitted.
const KEYS: [&str; 4] = ["learner.", "episode.augment", "episode.generator", "episode.consistency"];

/// Chooses rows and prints their numbers, and their names where they have any.
pub(super) fn select(args: &SelectArgs) -> Result<()> {
    let from = args.from.as_deref().expect("one of --pool and --from is there");
    let registry = Registry::builtin().with_programs();
    let vocabulary = Vocabulary { data_dir: args.data.folder()?, registry, ..Vocabulary::default() };
    sets::check(&args.sets, "select --from", &KEYS, &[])?;
    if let Some(name) = &args.strategy {
        // A plan would name a key of experiment files, which nobody has written.
        vocabulary.registry.build(name)?.kinds().expect(args.read.task, name)?;
    }
    let plan = plan(args, from, &vocabulary)?;
    let chooser = match (&args.policy, &args.strategy) {
        (Some(name), _) => Chooser::Policy(Arc::new(crate::agent::shipped::open(name, &SCHEMA)?)),
        (None, name) => Chooser::Strategy(name.clone().unwrap_or_default()),
    };
    let read = crate::data::load::files(from, vocabulary.data_dir.as_deref());
    let beside = args.read.features.iter().map(Path::new);
    let inputs: Vec<&Path> = read.iter().map(PathBuf::as_path).chain(beside).collect();
    let out = args
        .predictions
        .as_deref()
        .map(|path| PredictionsOut::new(path, plan.kind(), args.force, &inputs))
        .transpose()?;
    let NextRows { rows, ids, labelled, candidates, note, predicted } =
        next_rows(&plan, &chooser, args.batch)?;
    let unfitted = out.is_some() && predicted.is_none();
    if let (Some(out), Some(predicted)) = (out, predicted) {
        out.write(&predicted)?;
    }
    if args.json {
        return output::json(&json!({
            "from": from,
            "strategy": args.policy.as_ref().or(args.strategy.as_ref()),
            "picks": rows,
            "ids": ids,
            "note": note,
            "candidates": candidates,
            "labelled": labelled,
            "seed": args.seed,
            "predictions": args.predictions.as_ref().filter(|_| !unfitted),
        }));
    }
    if unfitted {
        output::message("note: there are no labels to fit a network to yet: nothing is predicted");
    }
    if let Some(note) = note {
        output::message(&format!("note: {note}"));
    }
    let line = |(at, row): (usize, &u32)| match ids.get(at) {
        Some(id) => format!("{row}\t{id}\n"),
        None => format!("{row}\n"),
    };
    output::data(&rows.iter().enumerate().map(line).collect::<String>())
}

/// The arguments as an experiment file, checked like one.
fn plan(args: &SelectArgs, from: &str, vocabulary: &Vocabulary) -> Result<Plan, ExperimentError> {
    let vocabulary = &vocabulary.with_folder(vocabulary.data_dir.as_deref());
    let target = value(&args.read.reference(from, None, vocabulary));
    let transfer = Table::from_iter([
        ("targets".to_string(), Value::Array(vec![target])),
        ("strategies".to_string(), Value::Array(vec![Value::String("random".into())])),
    ]);
    let file = Table::from_iter([
        ("name".to_string(), Value::String("select".into())),
        ("transfer".to_string(), Value::Table(transfer)),
    ]);
    Plan::parse(&file.to_string(), "(arguments)", &args.sets, Some(args.seed), vocabulary)
}
