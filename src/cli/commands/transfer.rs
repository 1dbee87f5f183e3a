//! `querist transfer`: an experiment of one target, made of arguments.

use super::run::{Part, RUNS, execute, setup};
use crate::cli::args::TransferArgs;
use crate::error::Result;
use crate::experiment::sections::{DataRef, LEARNED};
use crate::experiment::{ExperimentError, Plan, Vocabulary, split_specifications};
use crate::pipeline::Pipeline;
use crate::query::usual;
use std::path::Path;
use toml::{Table, Value};

/// Characters of the plan's digest in the folder's name, so that other arguments give another folder.
const DIGEST: usize = 8;

/// Tries a policy on one labelled target.
pub fn transfer(args: &TransferArgs, quiet: bool) -> Result<()> {
    let plan = plan(args, setup(&args.common.data)?.vocabulary())?;
    let name = format!("{}-{}", plan.name(), &plan.digest()[..DIGEST]);
    let dir = args.common.out.clone().unwrap_or_else(|| Path::new(RUNS).join(name));
    execute(Pipeline::of(plan), Part::Whole, dir, &args.common, quiet)
}

/// A data set as an experiment file names it.
pub(super) fn value(reference: &DataRef) -> Value {
    Value::try_from(reference).expect("texts, numbers and lists of them are TOML")
}

/// The arguments as an experiment file, checked like one.
/// The keys that options of the command are for.
const OF_OPTIONS: [(&str, &str); 8] = [
    ("transfer.policy", "--policy"),
    ("transfer.targets", "--target"),
    ("transfer.strategies", "--strategies"),
    ("transfer.repetitions", "--repetitions"),
    ("episode.initial_per_class", "--initial"),
    ("episode.query_size", "--query-size"),
    ("episode.budget", "--budget"),
    ("episode.rounds", "--budget"),
];

/// Refuses changes of what an option says: one of the two would be taken without a word.
fn check_sets(sets: &[String]) -> Result<(), ExperimentError> {
    for text in sets {
        let key = text.split('=').next().unwrap_or_default().trim();
        let within =
            |own: &str| own == key || own.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        if let Some((_, option)) = OF_OPTIONS.into_iter().find(|(own, _)| within(own)) {
            return Err(ExperimentError::SetByOption { text: text.clone(), option });
        }
    }
    Ok(())
}

fn plan(args: &TransferArgs, vocabulary: &Vocabulary) -> Result<Plan, ExperimentError> {
    check_sets(&args.sets)?;
    let text = |path: &Path| Value::String(path.display().to_string());
    let count = |n: usize| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let vocabulary = &vocabulary.with_folder(vocabulary.data_dir.as_deref());
    let target = args.columns.reference(&args.target, args.name.as_deref(), vocabulary);
    let mut strategies = match &args.strategies {
        Some(given) => split_specifications(given),
        None => vec!["random".to_string(), usual(target.kind()).to_string()],
    };
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
        ("targets".to_string(), Value::Array(vec![value(&target)])),
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
    use crate::data::readers::Separator;
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
        let DataRef::File(it) = &transfer.targets[0] else { panic!() };
        assert_eq!((it.file.as_str(), it.label.as_deref(), it.id.as_deref()), ("my.csv.gz", Some("y"), None));
        assert_eq!(transfer.targets[0].name(), "my");
        let named = plan_of("--policy p --target my.csv --name mine --id case").unwrap();
        let target = &named.transfer().unwrap().targets[0];
        let DataRef::File(it) = target else { panic!() };
        assert_eq!((target.name(), it.id.as_deref()), ("mine", Some("case")));
    }

    #[test]
    fn what_an_option_says_is_not_set_beside_it() {
        for set in [
            "transfer.targets=[\"wine\"]",
            "transfer.repetitions=3",
            "episode.budget=3",
            "episode.rounds=3",
            "transfer={}",
            "transfer.policy=\"x\"",
        ] {
            let error = plan_of(&format!("--policy universal --target iris --set {set}")).unwrap_err();
            assert!(matches!(error, ExperimentError::SetByOption { .. }), "{set}: {error}");
        }
        assert!(plan_of("--policy universal --target iris --set transfer.block=2").is_ok());
    }

    /// A name was once taken for the path of a file.
    #[test]
    fn targets_are_named_as_in_a_file() {
        let target = |line: &str| plan_of(line).unwrap().transfer().unwrap().targets[0].clone();
        assert_eq!(target("--policy p --target digits"), DataRef::Named("digits".into()));
        let DataRef::File(it) = target("--policy p --target digits --ignore x1*") else { panic!() };
        assert_eq!((it.file.as_str(), it.ignore.concat().as_str()), ("digits", "x1*"));
    }

    /// Every option of reading reaches the reader, by arguments and by file, and a resolved plan says it again.
    #[test]
    fn no_option_of_reading_is_lost() {
        let line = "--policy p --target t.csv --label -1 --columns a,x* --ignore b --id c --split s \
                    --types a=category,d=text --missing -9,a=none --features e.npy,f.npy --separator tab --decimal , --header false --inputs X \
                    --channels last --base 0 --hash 64 --svd 8";
        let target = plan_of(line).unwrap().transfer().unwrap().targets[0].clone();
        let file = "{ file = \"t.csv\", label = \"-1\", columns = [\"a\", \"x*\"], ignore = [\"b\"], id = \"c\", \
                    split = \"s\", types = { a = \"category\", d = \"text\" }, missing = [\"-9\", \"a=none\"], features = [\"e.npy\", \"f.npy\"], \
                    separator = \"tab\", decimal = \",\", header = false, inputs = \"X\", channels = \"last\", base = 0, hash = 64, \
                    svd = 8 }";
        let of = |text: &str| Plan::parse(text, "x.toml", &[], None, &Vocabulary::default());
        let plan = of(&format!("[transfer]\ntargets = [{file}]\n")).unwrap();
        assert_eq!(plan.transfer().unwrap().targets[0], target);
        let again = of(&plan.to_toml()).unwrap();
        assert_eq!(again.transfer().unwrap().targets[0], target);
        let options = target.options();
        let untouched = crate::data::readers::ReadOptions::default();
        assert!(
            options.header == Some(false)
                && options.separator == Some(Separator::Byte(b'\t'))
                && options.base == Some(0)
        );
        assert!(
            options.decimal == Some(',')
                && options.hash == Some(64)
                && options.svd == Some(8)
                && options.channels != untouched.channels
        );
        assert!(options.features.len() == 2 && options.inputs.as_deref() == Some("X"));
        let columns = &options.columns;
        assert_eq!((columns.label.as_deref(), columns.split.as_deref()), (Some("-1"), Some("s")));
        assert_eq!((columns.columns.len(), columns.ignore.len(), columns.types.len()), (2, 1, 2));
        assert_eq!(columns.missing, ["-9", "a=none"]);
        assert_eq!(columns.id.as_deref(), Some("c"));
        for (bad, wanted) in [
            ("separator = \"ab\"", "is no separator"),
            ("separator = \"1\"", "is no separator"),
            ("channels = \"middle\"", "channels are `first` or `last`"),
            ("base = 2", "expected 0 to 1"),
            ("types = { a = \"words\" }", "not known"),
            ("header = 1", "expected true or false"),
            ("ignored = [\"a\"]", "unknown key"),
        ] {
            let error = of(&format!("[transfer]\ntargets = [{{ file = \"t.csv\", {bad} }}]\n")).unwrap_err();
            assert!(error.to_string().contains(wanted), "{bad}: {error}");
        }
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
