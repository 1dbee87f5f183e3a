//! Where the commands meet the layers that they show: names, stages, digests, verdicts.

use super::args::DescribeArgs;
use super::error::CliError;
use crate::error::Result;
use crate::experiment::stages::Stages;
use crate::experiment::{DatasetFacts, Finished, Plan, Vocabulary};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The names that an experiment file may use.
pub fn vocabulary() -> Vocabulary {
    let datasets = vec![
        DatasetFacts { name: "digits", rows: 1797, width: 64, classes: 10 },
        DatasetFacts { name: "wine", rows: 178, width: 13, classes: 3 },
        DatasetFacts { name: "breast_cancer", rows: 569, width: 30, classes: 2 },
        DatasetFacts { name: "iris", rows: 150, width: 4, classes: 3 },
    ];
    let strategies = vec![
        "random",
        "least_confidence",
        "margin",
        "entropy",
        "k_center",
        "badge",
        "typiclust",
        "greedy_oracle",
    ];
    Vocabulary { datasets, strategies, specification: None }
}

/// What the stages of this binary compute.
pub fn stages() -> impl Stages {
    struct Builtin;
    impl Stages for Builtin {}
    Builtin
}

/// The digests of the data sets and policies that `plan` reads.
pub fn inputs(_plan: &Plan) -> Result<BTreeMap<String, String>> {
    Err(CliError::Unavailable { what: "data readers" }.into())
}

/// The verdict of a finished run: a JSON list as `--json` prints it, and a table for people.
pub fn verdict(_plan: &Plan, _finished: &Finished) -> Result<(Value, String)> {
    Err(CliError::Unavailable { what: "report" }.into())
}

/// Writes `report.html` of a finished run.
pub fn report(_plan: &Plan, _finished: &Finished) -> Result<()> {
    Err(CliError::Unavailable { what: "report" }.into())
}

/// What a data file holds and what is wrong with it: as JSON, and for people.
pub fn describe(_args: &DescribeArgs) -> Result<(Value, String)> {
    Err(CliError::Unavailable { what: "data readers" }.into())
}

/// The strategies: name, what each needs, its source.
pub fn strategies() -> Result<Vec<[String; 3]>> {
    Err(CliError::Unavailable { what: "strategy registry" }.into())
}

/// What the card of a policy says.
pub fn card(_dir: &Path) -> Result<Value> {
    Err(CliError::Unavailable { what: "policies" }.into())
}
