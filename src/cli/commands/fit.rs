//! `querist fit`: one network on one data set.

use super::sets;
use super::transfer::value;
use crate::cli::args::FitArgs;
use crate::cli::outfile::{OutFile, PredictionsOut, check_apart};
use crate::cli::output;
use crate::data::TargetKind;
use crate::error::Result;
use crate::experiment::fit::{Architecture, Fitted, fit as compute};
use crate::experiment::{ExperimentError, Plan, Vocabulary};
use crate::learner::Scores;
use crate::learner::export::safetensors;
use serde_json::json;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What the keys begin with that decide something of a fit: how the network is trained, and on what.
const KEYS: [&str; 10] = [
    "learner.",
    "episode.test",
    "episode.reward",
    "episode.validation",
    "episode.max_pool",
    "episode.max_held",
    "episode.scaling",
    "episode.world.long_tail",
    "episode.world.label_noise",
    "episode.world.covariate_shift",
];
/// Those that say of a network what its file says, or are about fits that follow one another and rows that are held back.
const IDLE: [&str; 7] = [
    "learner.hidden",
    "learner.dropout",
    "learner.warm_start",
    "learner.keep_optimiser",
    "learner.first_epochs",
    "learner.fit_per_label",
    "learner.patience",
];

/// Fits the network and says what it is worth.
pub fn fit(args: &FitArgs) -> Result<()> {
    let architecture = Architecture::load(&args.file)?;
    let vocabulary = Vocabulary { data_dir: args.data.folder()?, ..Vocabulary::default() };
    sets::check(&args.sets, "fit", &KEYS, &IDLE)?;
    let found = crate::data::load::files(&args.target, vocabulary.data_dir.as_deref());
    let plan = plan(args, &vocabulary)?;
    let beside = args.columns.features.iter().map(Path::new);
    let inputs: Vec<&Path> = found.iter().chain([&args.file]).map(PathBuf::as_path).chain(beside).collect();
    check_apart(args.out.as_deref(), args.predictions.as_deref())?;
    let out = args.out.as_deref().map(|out| OutFile::new(out, args.force, &inputs)).transpose()?;
    let predictions = args
        .predictions
        .as_deref()
        .map(|path| PredictionsOut::new(path, plan.kind(), args.force, &inputs))
        .transpose()?;
    let fitted = compute(&plan, &architecture, &args.file, args.labels)?;
    // Pictures may be refused by their names, before anything is written.
    if let Some(predictions) = predictions {
        predictions.write(&fitted.predicted)?;
    }
    if let Some(out) = out {
        out.write(&safetensors(&fitted.spec, &fitted.weights))?;
    }
    let Fitted { spec, cost, rows, training, held, held_out, report, .. } = &fitted;
    let metric = training.metric;
    if args.json {
        let mut object = json!({
            "target": args.target,
            "architecture": spec.to_string(),
            "parameters": cost.parameters,
            "multiply_adds": cost.multiply_adds,
            "rows": rows,
            "steps": report.steps,
            "diverged_at": report.diverged_at,
            "held_out_rows": held,
            "seed": plan.seed(),
            "out": args.out,
        });
        for (part, scores) in [("training", training), ("held_out", held_out)] {
            object[format!("{part}_{}", metric.key())] = json!(scores.by(metric));
        }
        return output::json(&object);
    }
    let percent = |scores: &Scores| format!("{:.2} %", 100.0 * scores.by(metric));
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    let mut lines = vec![
        line("architecture", spec.to_string()),
        line("parameters", cost.parameters.to_string()),
        line("multiply-adds", format!("{} per example", cost.multiply_adds)),
        line("trained on", format!("{rows} rows of {}, {} gradient steps", args.target, report.steps)),
        line(&format!("training {}", metric.name()), percent(training)),
        line(&format!("held-out {}", metric.name()), format!("{} of {held} rows", percent(held_out))),
    ];
    if let Some(step) = report.diverged_at {
        lines.push(line("diverged", format!("at step {step}; the weights before it were kept")));
    }
    if let Some(out) = &args.out {
        lines.push(line("written to", out.display().to_string()));
    }
    output::data(&output::table(&lines))
}

/// The arguments as an experiment file, checked like one: a data set is read, split and scaled as there, but
/// all of it, and next to nothing is put aside for rewards.
fn plan(args: &FitArgs, vocabulary: &Vocabulary) -> Result<Plan, ExperimentError> {
    let vocabulary = &vocabulary.with_folder(vocabulary.data_dir.as_deref());
    let target = value(&args.columns.reference(&args.target, None, vocabulary));
    // Of a dozen images a fiftieth is none, and numbers of a single row are all alike, which have no figure.
    let reward = if args.columns.task == TargetKind::Class { 0.02 } else { 0.1 };
    let all = || Value::Integer(crate::experiment::sections::MAX_POOL as i64);
    let episode = Table::from_iter([
        ("reward".to_string(), Value::Float(reward)),
        ("max_pool".to_string(), all()),
        ("max_held".to_string(), all()),
    ]);
    let transfer = Table::from_iter([
        ("targets".to_string(), Value::Array(vec![target])),
        ("strategies".to_string(), Value::Array(vec![Value::String("random".into())])),
    ]);
    let file = Table::from_iter([
        ("name".to_string(), Value::String("fit".into())),
        ("episode".to_string(), Value::Table(episode)),
        ("transfer".to_string(), Value::Table(transfer)),
    ]);
    Plan::parse(&file.to_string(), "(arguments)", &args.sets, args.seed, vocabulary)
}
