//! `querist pairs`: rules compared on a screen of gene pairs, and the pairs to measure next.

use crate::cli::args::PairsArgs;
use crate::cli::outfile::check_holds_none;
use crate::cli::output;
use crate::error::Result;
use crate::pairs::study::world_key;
use crate::pairs::{
    CampaignPlan, Embedding, Graph, NetworkPlan, PairsError, Round, Screen, Source, StudyPlan, WorldPlan,
    files, report, study, suggest,
};
use crate::rng::Key;
use crate::run::{Digests, Manifest, RunError, Store, digest};
use toml::{Table, Value};

/// The file of `--out` that is written last.
const REPORT: &str = "report.json";

/// Compares rules, or says what to measure next.
pub fn pairs(args: &PairsArgs, quiet: bool) -> Result<()> {
    let source = source(args)?;
    let plan = plan(args, &source);
    all_count(args, &source, &plan)?;
    let threads = match args.jobs {
        Some(jobs) => jobs,
        None => std::thread::available_parallelism().map_or(1, |n| n.get()),
    };
    if args.dry_run {
        return sizes(&source, &plan, threads, args.seed);
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| RunError::Threads { jobs: threads, reason: error.to_string() })?;
    pool.install(|| match (&source, args.next) {
        (Source::Given { screen, graph, .. }, true) => next(args, screen, graph, &plan),
        _ => compare(args, &source, &plan, quiet),
    })
}

fn plan(args: &PairsArgs, source: &Source) -> StudyPlan {
    let named = args.embedding.as_deref();
    let kind = Embedding::ALL.into_iter().find(|(name, _)| Some(*name) == named).map(|(_, kind)| kind);
    let empty = matches!(source, Source::Given { graph, .. } if graph.facts().is_empty());
    let embedding = kind.unwrap_or(if empty { Embedding::Free } else { Embedding::Graph });
    let standard = NetworkPlan::default();
    let pretraining = args.pretraining.unwrap_or(standard.pretraining);
    let network = NetworkPlan { embedding, pretraining, epochs: args.epochs, ..standard };
    let PairsArgs { rounds, batch, top, members, .. } = *args;
    let standard: &[&str] = if args.next { &["max_optimism"] } else { &["max_optimism", "random"] };
    let rules = match args.rules.is_empty() {
        true => standard.iter().map(|rule| rule.to_string()).collect(),
        false => args.rules.clone(),
    };
    let campaign = CampaignPlan { rounds, batch, top, members, network };
    StudyPlan { campaign, rules, repetitions: args.repetitions, shuffled: args.shuffle_edges }
}

/// Refuses what was said and would decide nothing.
fn all_count(args: &PairsArgs, source: &Source, plan: &StudyPlan) -> Result<(), PairsError> {
    let refuse = |setting, why| Err(PairsError::NoEffect { setting, why });
    let free = plan.campaign.network.embedding == Embedding::Free;
    let no_edges = matches!(source, Source::Given { graph, .. } if graph.facts().is_empty());
    match () {
        () if no_edges && !free => refuse("--embedding", "without --edges there is no graph"),
        () if free && args.pretraining.is_some() => refuse("--pretraining", "free embeddings know no links"),
        () if free && args.shuffle_edges => refuse("--shuffle-edges", "free embeddings know no edges"),
        () if args.next && args.rules.len() > 1 => refuse("a second --rule", "--next follows one"),
        () => Ok(()),
    }
}

/// The files that were named, or a generated world.
fn source(args: &PairsArgs) -> Result<Source> {
    let Some(pairs) = &args.pairs else {
        let (genes, corruption) = (args.genes, args.corruption);
        return Ok(Source::Generated(WorldPlan { genes, corruption, ..WorldPlan::default() }));
    };
    let screen = files::pairs(pairs)?;
    let graph = match &args.edges {
        Some(edges) => files::edges(edges, &screen, args.other_nodes)?,
        None => Graph::new(screen.genes().len(), Vec::new(), Vec::new())?,
    };
    let pathways = match &args.pathways {
        Some(pathways) => files::pathways(pathways, &screen)?,
        None => Vec::new(),
    };
    Ok(Source::Given { screen, graph, pathways })
}

/// What would be computed, and in how much memory.
fn sizes(source: &Source, plan: &StudyPlan, threads: usize, seed: u64) -> Result<()> {
    let world;
    let (screen, graph) = match source {
        Source::Given { screen, graph, .. } => (screen, graph),
        Source::Generated(plan) => {
            world = plan.make(world_key(Key::root(seed), 1))?;
            (&world.screen, &world.graph)
        }
    };
    let genes = screen.genes().len();
    let line = |name: &str, value: String| vec![name.to_string(), value];
    let encoder = plan.campaign.network.encoder(graph, genes);
    let bytes = plan.campaign.memory(screen, graph, threads);
    output::data(&output::table(&[
        line("genes", genes.to_string()),
        line("pairs", screen.pairs().len().to_string()),
        line("edges", format!("{} of {} relations", graph.facts().len(), graph.relations().len())),
        line(
            "embeddings",
            format!("{}, {} parameters", plan.campaign.network.embedding.name(), encoder.parameters()),
        ),
        line("memory", format!("about {} MB on {threads} threads", bytes.div_ceil(1 << 20))),
    ]))
}

fn compare(args: &PairsArgs, source: &Source, plan: &StudyPlan, quiet: bool) -> Result<()> {
    let told = |rule: &str, repetition: usize, round: &Round| {
        if !quiet {
            let (number, seen, hits) = (round.round, round.seen, round.hits);
            output::message(&format!(
                "{rule}, repetition {repetition}, round {number}: {seen} pairs measured, {hits} hits"
            ));
        }
    };
    let root = Key::root(args.seed);
    plan.check(source, root)?;
    let played = match &args.out {
        None => study(source, plan, root, None, told)?,
        Some(out) => {
            let inputs = [&args.pairs, &args.edges, &args.pathways].into_iter().flatten();
            check_holds_none(out, &inputs.map(|path| path.as_path()).collect::<Vec<_>>())?;
            let text = resolved(args, source, plan);
            let manifest = Manifest::new(&text, args.seed, digests(args)?)?;
            let (store, mut ledger) = Store::open(out, &manifest, &text, args.fresh)?;
            let played = study(source, plan, root, Some(&mut ledger), told)?;
            let tables = report::tables(&played, args.top).into_iter();
            let json = format!("{:#}\n", report::json(&played, args.top)).into_bytes();
            let files = tables.map(|(name, bytes)| (name.to_string(), bytes));
            store.publish(&files.chain([(REPORT.to_string(), json)]).collect::<Vec<_>>())?;
            played
        }
    };
    let json = report::json(&played, args.top);
    if args.json { output::json(&json) } else { output::data(&report::text(&played, args.top)) }
}

/// The pairs to measure next, as a table.
fn next(args: &PairsArgs, screen: &Screen, graph: &Graph, plan: &StudyPlan) -> Result<()> {
    let key = Key::root(args.seed).named("next");
    output::data(&report::suggestions(&suggest(screen, graph, &plan.campaign, &plan.rules[0], key)?))
}

/// What the results depend on besides the files that are read, as text: by it, an interrupted run is known again.
fn resolved(args: &PairsArgs, source: &Source, plan: &StudyPlan) -> String {
    let count = |n: usize| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let CampaignPlan { rounds, batch, top, members, network } = plan.campaign;
    let mut table = Table::from_iter([
        ("rules".to_string(), Value::from(plan.rules.clone())),
        ("embedding".to_string(), Value::String(network.embedding.name().to_string())),
        ("shuffle_edges".to_string(), Value::Boolean(plan.shuffled)),
        ("other_nodes".to_string(), Value::Boolean(args.other_nodes)),
    ]);
    let counts = [
        ("rounds", rounds),
        ("batch", batch),
        ("top", top),
        ("members", members),
        ("pretraining", network.pretraining),
        ("epochs", network.epochs),
        ("repetitions", plan.repetitions),
    ];
    table.extend(counts.map(|(name, n)| (name.to_string(), count(n))));
    if let Source::Generated(world) = source {
        table.insert("genes".to_string(), count(world.genes));
        table.insert("corruption".to_string(), Value::Float(world.corruption));
    }
    table.to_string()
}

/// The digests of the tables that are read.
fn digests(args: &PairsArgs) -> Result<Digests> {
    let files = [("pairs", &args.pairs), ("edges", &args.edges), ("pathways", &args.pathways)];
    let of = |(name, path): (&str, &Option<std::path::PathBuf>)| {
        let path = path.as_ref()?;
        let unreadable = |source| RunError::Read { path: path.clone(), source };
        Some(digest::of_file(path).map(|found| (name.to_string(), found)).map_err(|e| unreadable(e).into()))
    };
    files.into_iter().filter_map(of).collect()
}
