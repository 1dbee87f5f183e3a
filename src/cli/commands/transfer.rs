//! `querist transfer`: an experiment of one target, made of arguments.

use super::run::{RUNS, execute, setup};
use crate::cli::args::TransferArgs;
use crate::error::Result;
use crate::experiment::sections::LEARNED;
use crate::experiment::{ExperimentError, Plan, Vocabulary, split_specifications};
use crate::pipeline::Pipeline;
use std::path::Path;
use toml::{Table, Value};

/// Characters of the plan's digest in the folder's name, so that other arguments give another folder.
const DIGEST: usize = 8;

/// Tries a policy on one labelled target.
pub fn transfer(args: &TransferArgs, quiet: bool) -> Result<()> {
    let plan = plan(args, setup(&args.common)?.vocabulary())?;
    let name = format!("{}-{}", plan.name(), &plan.digest()[..DIGEST]);
    let dir = args.common.out.clone().unwrap_or_else(|| Path::new(RUNS).join(name));
    execute(Pipeline::of(plan), None, dir, &args.common, quiet)
}

/// The arguments as an experiment file, checked like one.
fn plan(args: &TransferArgs, vocabulary: &Vocabulary) -> Result<Plan, ExperimentError> {
    let text = |path: &Path| Value::String(path.display().to_string());
    let count = |n: usize| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let mut target = Table::from_iter([("file".to_string(), text(&args.target))]);
    for (key, given) in [("name", &args.name), ("label", &args.label), ("id", &args.id)] {
        if let Some(text) = given {
            target.insert(key.into(), Value::String(text.clone()));
        }
    }
    if let Some(features) = &args.features {
        target.insert("features".into(), text(features));
    }
    let mut strategies = split_specifications(&args.strategies);
    if !strategies.iter().any(|name| name == LEARNED) {
        strategies.push(LEARNED.to_string());
    }
    let episode = Table::from_iter([
        ("initial_per_class".to_string(), count(args.initial)),
        ("query_size".to_string(), count(args.query_size)),
        ("budget".to_string(), count(args.budget)),
    ]);
    let transfer = Table::from_iter([
        ("policy".to_string(), text(&args.policy)),
        ("targets".to_string(), Value::Array(vec![Value::Table(target)])),
        ("strategies".to_string(), strategies.into()),
        ("repetitions".to_string(), Value::Integer(args.repetitions.into())),
    ]);
    let file = Table::from_iter([
        ("name".to_string(), Value::String("transfer".into())),
        ("episode".to_string(), Value::Table(episode)),
        ("transfer".to_string(), Value::Table(transfer)),
    ]);
    Plan::parse(
        &file.to_string(),
        "(arguments)",
        &args.common.and_flags(&args.sets),
        args.common.seed,
        vocabulary,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Args, Command};
    use crate::experiment::sections::DataRef;
    use crate::learner::Metric;
    use clap::Parser;

    fn plan_of(line: &str) -> Result<Plan, ExperimentError> {
        let words = ["querist", "transfer"].into_iter().chain(line.split(' '));
        let Command::Transfer(args) = Args::parse_from(words).command else { panic!() };
        plan(&args, &Vocabulary::default())
    }

    #[test]
    fn arguments_become_a_checked_plan() {
        let plan = plan_of(
            "--policy runs/q/policy --target my.csv.gz --label y --budget 25 --query-size 10 --initial 2 \
             --strategies entropy,badge --set learner.hidden=[8] --metric balanced_accuracy --seed 5",
        )
        .unwrap();
        let episode = plan.episode();
        assert_eq!((episode.rounds(), episode.budget(), episode.initial_per_class), (3, 25, 2));
        assert_eq!((plan.seed(), plan.learner().hidden.as_slice()), (5, &[8][..]));
        assert_eq!(plan.episode().metric, Metric::BalancedAccuracy);
        let transfer = plan.transfer().unwrap();
        assert_eq!(transfer.strategies, ["entropy", "badge", "policy"]);
        assert_eq!(transfer.policy.as_deref(), Some("runs/q/policy"));
        let DataRef::File { file, label, id, .. } = &transfer.targets[0] else { panic!() };
        assert_eq!((file.as_str(), label.as_deref(), id.as_deref()), ("my.csv.gz", Some("y"), None));
        assert_eq!(transfer.targets[0].name(), "my");
        let named = plan_of("--policy p --target my.csv --name mine --id case").unwrap();
        let target = &named.transfer().unwrap().targets[0];
        let DataRef::File { id, .. } = target else { panic!() };
        assert_eq!((target.name(), id.as_deref()), ("mine", Some("case")));
    }

    #[test]
    fn unknown_strategies_are_refused_with_the_nearest() {
        let error = plan_of("--policy p --target t.csv --label y --strategies randon").unwrap_err();
        let ExperimentError::Choice { nearest, .. } = error else { panic!("{error}") };
        assert_eq!(nearest.as_deref(), Some("random"));
        let error = plan_of("--policy p --target t.csv --label y --metric macro_f").unwrap_err();
        let ExperimentError::Choice { nearest, key, .. } = error else { panic!("{error}") };
        assert_eq!((key.as_str(), nearest.as_deref()), ("episode.metric", Some("macro_f1")));
    }
}
