//! `querist select`: one selection on plain arrays, for people who have a training loop of their own.

mod arrays;
mod error;
mod forecast;
mod policy;

use crate::arch::NetSpec;
use crate::cli::args::SelectArgs;
use crate::cli::{backend, memory, output};
use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::learner::Network;
use crate::query::{Head, Needs, Passes, PoolView, Progress, Signals, Strategy, cut, registry};
use crate::rng::Key;
use arrays::{Sums, expect_rows, matrix, read_head, read_labelled};
use error::SelectError;
use policy::Frozen;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

/// Chooses rows and prints their numbers.
pub fn select(args: &SelectArgs) -> Result<()> {
    let (name, policy) = match (&args.policy, &args.strategy) {
        (Some(name), _) => (name.as_str(), Some(Arc::new(backend::policy(name)?))),
        (None, name) => (name.as_deref().unwrap_or_default(), None),
    };
    if policy.is_none() && args.budget.is_some() {
        return Err(SelectError::PolicyAlone.into());
    }
    let frozen = |progress| policy.clone().map(|policy| Frozen::new(policy, progress));
    let mut strategy: Box<dyn Strategy> = match frozen(Progress::default()) {
        Some(frozen) => Box::new(frozen),
        None => registry::build(name)?,
    };
    let needs = strategy.needs();
    refuse_missing(args, name, needs)?;
    if args.dry_run {
        return forecast::print(args, name, &*strategy);
    }
    let started = Instant::now();
    let pool = matrix(&args.pool)?;
    let n = pool.rows();
    let (labelled, labels) = match &args.labelled {
        Some(path) => read_labelled(path, n, needs.labels)?,
        None => (Vec::new(), Vec::new()),
    };
    let mut taken = vec![false; n];
    labelled.iter().for_each(|row| taken[row.index()] = true);
    let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| !taken[row.index()]).collect();
    if candidates.is_empty() {
        let file = args.labelled.as_deref().unwrap_or(&args.pool).display().to_string();
        return Err(SelectError::NothingLeft { file, rows: n }.into());
    }
    // What the strategy does not need is not read: the arrays may be large.
    let wanted = |needed: bool, path: &'_ Option<std::path::PathBuf>| path.clone().filter(|_| needed);
    let mut sums = Sums { normalise: args.normalise, ..Sums::default() };
    let probabilities = wanted(needs.probabilities || needs.classes, &args.proba)
        .map(|path| sums.probabilities(&path, n, &candidates))
        .transpose()?;
    let passes =
        wanted(needs.passes > 0, &args.passes).map(|path| sums.passes(&path, n, &candidates)).transpose()?;
    let committee = wanted(needs.committee > 0, &args.committee)
        .map(|path| sums.passes(&path, n, &candidates))
        .transpose()?;
    let embeddings = match wanted(needs.embeddings, &args.embeddings) {
        None => None,
        Some(path) => {
            let found = matrix(&path)?;
            expect_rows(&path, found.rows(), n)?;
            Some(found)
        }
    };
    let width = embeddings.as_ref().map_or(pool.cols(), Matrix::cols);
    let head =
        wanted(needs.head || needs.network, &args.head).map(|path| read_head(&path, width)).transpose()?;
    let of_passes =
        |passes: &Option<Passes>| passes.as_ref().and_then(|p| p.members.first()).map(Matrix::cols);
    let classes = agree_on_classes(
        [
            ("--classes", args.classes),
            ("--proba", probabilities.as_ref().map(Matrix::cols)),
            ("--passes", of_passes(&passes)),
            ("--committee", of_passes(&committee)),
            ("--head", head.as_ref().map(|head| head.bias.len())),
        ],
        &labels,
    )?;
    let progress = progress(args, labelled.len())?;
    if let Some(frozen) = frozen(progress) {
        strategy = Box::new(frozen);
    }
    if let Some(found) = args.temperature.filter(|t| !(t.is_finite() && *t > 0.0)) {
        return Err(SelectError::Temperature { found }.into());
    }
    let read = started.elapsed().as_secs_f64();
    let network = head.as_ref().filter(|_| needs.network).map(alone).transpose()?;
    let signals = Signals {
        network,
        probabilities,
        passes,
        committee,
        head,
        temperature: args.temperature,
        ..Signals::default()
    };
    let vectors = embeddings.as_ref().unwrap_or(&pool).view();
    let view = PoolView::new(pool.view(), &labelled, &labels, &candidates, classes, &signals)
        .with_embeddings(vectors);
    let started = Instant::now();
    let key = Key::root(args.seed).named("select");
    let picks: Vec<u32> = strategy.select(&view, args.batch, key)?.into_iter().map(|row| row.0).collect();
    let seconds = started.elapsed().as_secs_f64();
    let left = candidates.len();
    let fewer = (left < args.batch).then(|| format!("{} asked for, {left} left", args.batch));
    let sums = (!sums.notes.is_empty()).then(|| sums.notes.join("; "));
    let note = cut::join([fewer, sums, strategy.note()]);
    if args.json {
        return output::json(&json!({
            "strategy": name,
            "picks": picks,
            "note": note,
            "candidates": candidates.len(),
            "labelled": labelled.len(),
            "classes": classes,
            "seed": args.seed,
            "seconds": { "reading": read, "selecting": seconds },
            "peak_rss_mb": memory::peak_rss_mb(),
        }));
    }
    if let Some(note) = note {
        output::message(&format!("note: {note}"));
    }
    output::data(&picks.iter().map(|row| format!("{row}\n")).collect::<String>())
}

/// How far a labelling with this many labels has come. Nothing tells here which of them were the first, which an
/// episode does not count.
fn progress(args: &SelectArgs, labelled: usize) -> Result<Progress, SelectError> {
    match args.budget {
        None => Ok(Progress::default()),
        Some(new) if new >= args.batch => {
            Ok(Progress { spent: labelled, budget: labelled.saturating_add(new) })
        }
        Some(found) => Err(SelectError::Budget { found, batch: args.batch }),
    }
}

/// The network that consists of the last layer alone, over the rows of the pool.
fn alone(head: &Head) -> Result<Network> {
    let (classes, width) = (head.weights.rows(), head.weights.cols());
    let along = (0..width).flat_map(|input| (0..classes).map(move |class| head.weights.row(class)[input]));
    let weights: Vec<f32> = along.chain(head.bias.iter().copied()).collect();
    Network::new(&NetSpec::new(width, Vec::new(), classes, 0.0)?, &weights)
}

/// Before anything is read: are the options there that the strategy cannot do without?
fn refuse_missing(args: &SelectArgs, name: &str, needs: Needs) -> Result<(), SelectError> {
    let tells_classes = args.classes.is_some() || args.proba.is_some() || args.head.is_some();
    let rules: [(bool, bool, &'static str, &str); 10] = [
        (needs.probabilities, args.proba.is_some(), "class probabilities", "give --proba FILE.npy"),
        (needs.passes > 0, args.passes.is_some(), "stochastic passes", "give --passes FILE.npy"),
        (needs.committee > 0, args.committee.is_some(), "committee members", "give --committee FILE.npy"),
        (needs.temperature, args.temperature.is_some(), "the temperature", "give --temperature T"),
        (needs.classes, tells_classes, "the number of classes", "give --classes C, or --proba FILE.npy"),
        (
            needs.labels,
            args.labelled.is_some(),
            "the classes of labelled rows",
            "give --labelled FILE.csv with the classes in a second column",
        ),
        (needs.head, args.head.is_some(), "the last layer's weights", "give --head FILE.npz with W and b"),
        (
            needs.network,
            args.head.is_some(),
            "the network's weights",
            "give --head FILE.npz with W and b, the layer that makes logits of the pool's rows",
        ),
        (
            needs.predicted_loss,
            false,
            "predicted losses",
            "it works within an experiment only (`querist run`); of losses of your own, ask for the largest",
        ),
        (
            needs.lookahead > 0 || needs.neighbours,
            false,
            "what a simulation or an episode provides",
            "it works within an experiment only (`querist run`)",
        ),
    ];
    match rules.into_iter().find(|(needed, there, ..)| *needed && !there) {
        None => Ok(()),
        Some((_, _, signal, hint)) => {
            Err(SelectError::Needs { strategy: name.to_string(), signal, hint: hint.to_string() })
        }
    }
}

/// The number of classes that all sources agree on; one if there is none, which no strategy that gets
/// here looks at.
fn agree_on_classes(
    sources: [(&'static str, Option<usize>); 5],
    labels: &[u32],
) -> Result<usize, SelectError> {
    let mut told = sources.into_iter().filter_map(|(name, classes)| Some((name, classes?)));
    let from_labels = labels.iter().max().map_or(1, |&last| last as usize + 1);
    let Some((_, classes)) = told.next() else { return Ok(from_labels) };
    if let Some((name, found)) = told.find(|(_, found)| *found != classes) {
        return Err(SelectError::Classes { file: name.to_string(), found, expected: classes });
    }
    if from_labels > classes {
        return Err(SelectError::Classes {
            file: "--labelled".into(),
            found: from_labels,
            expected: classes,
        });
    }
    Ok(classes)
}
