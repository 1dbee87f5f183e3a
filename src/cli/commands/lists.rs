//! `querist strategies`, `querist policies`.

use super::cards;
use super::run::RUNS;
use crate::agent::{Policy, shipped};
use crate::cli::args::{PoliciesArgs, StrategiesArgs};
use crate::cli::output;
use crate::data::TargetKind;
use crate::episode::features::SCHEMA;
use crate::error::Result;
use crate::query::registry::{Entry, Registry};
use crate::query::{Kinds, Needs, usual};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Folders of policies; runs hold one each, too.
const POLICIES: &str = "policies";

/// Lists the query strategies, or prints the card of one.
pub fn strategies(args: &StrategiesArgs) -> Result<()> {
    let registry = Registry::builtin().with_programs();
    if args.markdown {
        return output::data(&cards::page(&registry)?);
    }
    if let Some(name) = &args.name {
        let entry = registry.find(name)?;
        return match args.json {
            true => output::json(&json!(entry.card)),
            false => {
                let built = registry.built(&entry.card.example.parse()?)?;
                output::data(&card(entry, registry.has_score(name), built.kinds()))
            }
        };
    }
    let serves = |entry: &&Entry| match args.task {
        None => true,
        Some(kind) => registry
            .built(&entry.card.example.parse().expect("an example that builds"))
            .is_ok_and(|built| built.kinds().serve(kind)),
    };
    let all: Vec<&Entry> = registry.entries().iter().filter(serves).collect();
    if args.json {
        return output::json(&all.iter().map(|entry| json!(entry.card)).collect());
    }
    let heading = ["strategy", "needs", "what it asks for", "source"].map(String::from).to_vec();
    let line = |entry: &&Entry| {
        let card = &entry.card;
        vec![card.name.to_string(), needs(card.needs), card.summary.to_string(), card.paper.to_string()]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(all.iter().map(line)).collect();
    output::data(&output::table(&rows))
}

/// Everything that is known of one strategy.
fn card(entry: &Entry, has_score: bool, kinds: Kinds) -> String {
    let card = &entry.card;
    let family = json!(card.family).as_str().unwrap_or_default().to_string();
    let lines = [
        ("strategy", card.name.to_string()),
        ("asks for", card.summary.to_string()),
        ("source", card.paper.to_string()),
        ("family", family),
        ("needs", needs(card.needs)),
        ("serves", kinds.tasks().to_string()),
        ("cost", card.cost.to_string()),
        ("example", card.example.to_string()),
        ("score", if has_score { "one per candidate" } else { "none: a rule for batches" }.to_string()),
        (
            "random",
            if card.deterministic { "among equals, by the seed" } else { "yes, by the seed" }.to_string(),
        ),
    ];
    output::table(&lines.map(|(name, value)| vec![name.to_string(), value]))
}

/// What a strategy needs of the learner, in a few words.
pub(super) fn needs(needs: Needs) -> String {
    let words = needs.words();
    if words.is_empty() { "nothing".to_string() } else { words.join(", ") }
}

/// Lists the policies that come with the program and those that lie in the usual places, or prints the
/// card of one.
pub fn policies(args: &PoliciesArgs) -> Result<()> {
    if let Some(name) = &args.name {
        let policy = policy(name)?;
        return if args.json {
            output::json(&json!(policy.card()))
        } else {
            output::data(&policy.card_text())
        };
    }
    let shipped = shipped_policies().map(str::to_string);
    // A checkout of the program has its policies in the usual place, too.
    let known: Vec<PathBuf> = shipped_policies().map(|name| Path::new(POLICIES).join(name)).collect();
    let folders = find_policies(Path::new(".")).into_iter().filter(|dir| !known.contains(dir));
    let names: Vec<String> = shipped.chain(folders.map(|dir| dir.display().to_string())).collect();
    if args.json {
        let list = names.iter().map(|name| Ok(json!({ "policy": name, "card": policy(name)?.card() })));
        return output::json(&list.collect::<Result<Vec<_>>>()?.into());
    }
    let heading = ["policy", "learned from", "validation", "limits"].map(String::from).to_vec();
    let line = |name: String| match policy(&name) {
        Ok(policy) => {
            let about = &policy.card().policy;
            let gain = about.figures.get("validation_gain_over_baseline");
            // A policy of classes falls back on margin, which is what its gains are over.
            let of_classes =
                policy.card().guard.as_ref().is_none_or(|guard| guard.fallback == usual(TargetKind::Class));
            let over = usual(if of_classes { TargetKind::Class } else { TargetKind::Real });
            let gain = gain.map_or("-".into(), |gain| format!("{:+.2} points over {over}", 100.0 * gain));
            let first_limit = about.limits.first().cloned().unwrap_or_default();
            vec![name, learned_from(&about.source_tasks), gain, first_limit]
        }
        // One damaged folder must not hide the others.
        Err(error) => vec![name, format!("cannot be read: {error}"), "-".into(), String::new()],
    };
    let rows: Vec<_> = std::iter::once(heading).chain(names.into_iter().map(line)).collect();
    output::data(&output::table(&rows))
}

/// A policy by the name or the folder under which it is asked for.
fn policy(name: &str) -> Result<Policy> {
    Ok(shipped::open(name, &SCHEMA)?)
}

/// The names of the policies that come with the program.
fn shipped_policies() -> impl Iterator<Item = &'static str> {
    shipped::SHIPPED.iter().map(|one| one.name)
}

/// How many tasks a card's list stands for: `"KIND x 12"` for twelve, anything else for itself.
fn learned_from(tasks: &[String]) -> String {
    let count = |task: &String| task.rsplit_once(" x ").and_then(|(_, n)| n.parse().ok()).unwrap_or(1usize);
    format!("{} tasks of {} kinds", tasks.iter().map(count).sum::<usize>(), tasks.len())
}

fn find_policies(root: &Path) -> Vec<PathBuf> {
    let children = |dir: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(root.join(dir)).into_iter().flatten().flatten();
        entries.map(|entry| dir.join(entry.file_name())).collect()
    };
    let candidates = children(Path::new(POLICIES))
        .into_iter()
        .chain(children(Path::new(RUNS)).into_iter().map(|run| run.join(crate::run::store::POLICY)));
    let mut found: Vec<PathBuf> =
        candidates.filter(|dir| root.join(dir).join("card.toml").is_file()).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn tasks_are_counted() {
        let tasks = ["wine", "synthetic/tree x 12", "four x four"].map(String::from);
        assert_eq!(learned_from(&tasks), "14 tasks of 3 kinds");
    }

    #[test]
    fn policies_are_found_in_both_places() {
        let root = tempfile::tempdir().unwrap();
        for dir in ["policies/b", "runs/a/policy", "runs/unfinished", "policies/empty"] {
            fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        assert!(find_policies(root.path()).is_empty());
        fs::write(root.path().join("policies/b/card.toml"), "").unwrap();
        fs::write(root.path().join("runs/a/policy/card.toml"), "").unwrap();
        assert_eq!(find_policies(root.path()), [Path::new("policies/b"), Path::new("runs/a/policy")]);
    }
}
