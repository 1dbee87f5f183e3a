//! `querist data`.

use crate::cli::args::{DataArgs, DataCommand, DescribeArgs};
use crate::cli::outfile::OutFile;
use crate::cli::output;
use crate::data::TargetKind;
use crate::data::describe::describe_examples;
use crate::data::load::Loaded;
use crate::data::{describe as describe_data, load};
use crate::error::Result;
use crate::experiment::quality::quality as judge_quality;
use crate::experiment::{Vocabulary, tasks};
use crate::report::data_page;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Looks at a data set.
pub fn data(args: &DataArgs) -> Result<()> {
    let DataCommand::Describe(args) = &args.command;
    let folder = args.data.folder()?;
    let found = load::files(&args.file, folder.as_deref());
    let beside = args.columns.features.iter().map(Path::new);
    let inputs: Vec<&Path> = found.iter().map(PathBuf::as_path).chain(beside).collect();
    let out = args.report.as_deref().map(|path| OutFile::new(path, args.force, &inputs)).transpose()?;
    let described = describe(args, folder.as_deref())?;
    if let (Some(out), Some(page)) = (out, &described.page) {
        out.write(page.as_bytes())?;
    }
    if args.json { output::json(&described.json) } else { output::data(&described.text) }
}

/// What a data set holds, how it was read and what is wrong with it.
struct Described {
    json: Value,
    /// For people.
    text: String,
    /// As a page, where one was asked for.
    page: Option<String>,
}

/// Looks at a data set, and where `--quality` or `--report` asks for it, at its rows and labels.
fn describe(args: &DescribeArgs, folder: Option<&Path>) -> Result<Described> {
    let vocabulary = Vocabulary::default().with_folder(folder);
    let reference = args.columns.reference(&args.file, None, &vocabulary);
    let judged = args.quality || args.report.is_some();
    let (description, quality) = match tasks::look(folder, &reference)? {
        Loaded::Labelled(dataset) => {
            if judged {
                dataset.expect_kind(TargetKind::Class, "`--quality` and `--report` judge classes")?;
            }
            (describe_data(&dataset), judged.then(|| judge_quality(&dataset)).transpose()?)
        }
        Loaded::Unlabelled(examples) => (describe_examples(&examples), None),
    };
    let mut json =
        serde_json::to_value(&description).expect("a description holds strings and finite numbers");
    let mut text = format!("{description}\n");
    if let Some(quality) = &quality {
        json["quality"] = serde_json::to_value(quality).expect("it holds strings and finite numbers");
        text.push_str(&quality.to_string());
    }
    let page = args.report.is_some().then(|| data_page::html(&description, quality.as_ref()));
    Ok(Described { json, text, page })
}
