//! `querist embed`: rows of texts, pictures or arrays into an array of vectors.

use crate::cli::args::EmbedArgs;
use crate::cli::outfile::OutFile;
use crate::cli::progress::{Outlook, progress};
use crate::cli::{output, signals};
use crate::data::SplitTag;
use crate::data::provenance::{Provenance, beside};
use crate::data::readers::{Listed, ReadOptions};
use crate::embed::{Aggregated, EmbedError, Job, Make, Recipe, Source};
use crate::error::Result;
use crate::run::Blocks;
use std::path::{Path, PathBuf};

/// Makes the array, and says what it holds.
pub fn embed(args: &EmbedArgs, quiet: bool) -> Result<()> {
    #[cfg(not(feature = "embed"))]
    if let Some(model) = &args.model {
        return Err(no_models(model).into());
    }
    let given = [&args.input, &args.images, &args.model, &args.tokenizer];
    let inputs: Vec<&Path> = given.into_iter().flatten().map(PathBuf::as_path).collect();
    let begun = Blocks::begun(&args.out) && !args.fresh;
    // What an interrupted run was allowed to overwrite, it may when it goes on.
    OutFile::new(&args.out, args.force || begun, &inputs)?;
    let said = beside(&args.out);
    OutFile::new(&said, args.force || begun, &inputs)?;
    let force = args.force || begun;
    let table = args.table.as_deref().map(|path| OutFile::new(path, force, &inputs)).transpose()?;
    let source = source(args)?;
    let (mut make, recipe) = make(args, &source)?;
    if args.fresh {
        Blocks::discard(&args.out)?;
    }
    let cancel = signals::catch()?;
    let progress = progress(quiet, Outlook::of(None));
    let job = Job { out: &args.out, recipe: &recipe, progress: &*progress, cancel: &cancel };
    let made = job.run(&source, &mut *make)?;
    drop(progress);
    // After the array: a run that a picture has stopped leaves no table that would be in the way of the next.
    if let (Some(table), Source::Pictures { listed, .. }) = (table, &source) {
        table.write(&names(listed))?;
    }
    report(args, &made)
}

fn report(args: &EmbedArgs, made: &Provenance<Recipe>) -> Result<()> {
    if args.json {
        return output::json(&serde_json::to_value(made).expect("texts and numbers"));
    }
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    output::data(&output::table(&[
        line("rows", made.rows.to_string()),
        line("columns", made.width.to_string()),
        line("sha256", made.sha256.clone()),
        line("written to", args.out.display().to_string()),
        line("made of", beside(&args.out).display().to_string()),
    ]))
}

/// The rows.
fn source(args: &EmbedArgs) -> Result<Source> {
    let options = ReadOptions { separator: args.separator, header: args.header, ..ReadOptions::default() };
    match (&args.images, &args.input, &args.text) {
        (Some(folder), _, _) => Source::pictures(folder),
        (None, Some(table), Some(column)) => Source::texts(table, column, &options),
        (None, Some(array), None) if array.extension().is_some_and(|ending| ending == "npy") => {
            Source::arrays(array)
        }
        (None, _, None) => Err(EmbedError::Option {
            option: "--input",
            problem: "a table needs the column that holds its texts; a .npy file is fed as it is".to_string(),
            hint: "name the column with --text",
        }
        .into()),
        (None, None, Some(_)) => unreachable!("a column requires a table"),
    }
}

/// What makes the vectors, and how it does.
fn make(args: &EmbedArgs, source: &Source) -> Result<(Box<dyn Make>, Recipe)> {
    match (args.aggregate, &args.model) {
        (Some(rule), _) => {
            let recipe = Recipe { aggregate: Some(rule), ..Recipe::new(source.kind(), args.dtype) };
            Ok((Box::new(Aggregated::new(rule, source)?), recipe))
        }
        (None, Some(model)) => by_model(args, model, source),
        (None, None) => unreachable!("a model or a rule is required"),
    }
}

#[cfg(not(feature = "embed"))]
fn by_model(_: &EmbedArgs, model: &Path, _: &Source) -> Result<(Box<dyn Make>, Recipe)> {
    Err(no_models(model).into())
}

/// Names the feature that the model needs: whoever has built another one would have to build again.
#[cfg(not(feature = "embed"))]
fn no_models(model: &Path) -> EmbedError {
    let ending = model.extension().map(|ending| ending.to_ascii_lowercase());
    let torchscript = ["pt", "pth", "ts"].iter().any(|known| ending.as_deref() == Some(known.as_ref()));
    EmbedError::NoModels { model: model.to_path_buf(), feature: if torchscript { "tch" } else { "embed" } }
}

#[cfg(feature = "embed")]
fn by_model(args: &EmbedArgs, model: &Path, source: &Source) -> Result<(Box<dyn Make>, Recipe)> {
    use crate::embed::model::{Choice, Modelled};
    const BATCH: usize = 32;
    let parsed = "one of the words that the argument takes";
    let choice = Choice {
        model: model.to_path_buf(),
        tokenizer: args.tokenizer.clone(),
        max_tokens: args.max_tokens,
        style: args.pixels.as_ref().map(|style| style.parse().expect(parsed)),
        size: args.size,
        output: args.output.clone(),
        pooling: args.pooling.as_ref().map(|pooling| pooling.parse().expect(parsed)),
        normalise: args.normalise,
        batch: args.batch.unwrap_or(BATCH),
        threads: args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get())),
    };
    let (modelled, recipe) = Modelled::open(&choice, source, args.dtype)?;
    Ok((Box::new(modelled), recipe))
}

/// The pictures as a table of their names, and of classes and split where the folder has them.
fn names(listed: &Listed) -> Vec<u8> {
    let split = |tag: &SplitTag| if *tag == SplitTag::Test { "test" } else { "train" };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head =
        [Some("file"), listed.labels.as_ref().map(|_| "label"), listed.split.as_ref().map(|_| "split")];
    let rows = (0..listed.names.len()).map(|row| {
        let label = listed.labels.as_ref().map(|labels| labels[row].as_str());
        [Some(listed.names[row].as_str()), label, listed.split.as_ref().map(|tags| split(&tags[row]))]
    });
    for record in [head].into_iter().chain(rows) {
        writer.write_record(record.into_iter().flatten()).expect("memory takes every record");
    }
    writer.into_inner().expect("memory takes every record")
}
