//! `querist strategies --markdown`: every strategy's card, for people.

use super::lists::needs;
use crate::error::Result;
use crate::query::registry::{Entry, Family, Registry};
use std::fmt::Write;

/// What stands before the strategies.
const INTRODUCTION: &str = include_str!("cards.md");

/// The page.
pub fn page(registry: &Registry) -> Result<String> {
    let mut page = INTRODUCTION.to_string();
    let mut families: Vec<Family> = Vec::new();
    for entry in registry.entries() {
        if !families.contains(&entry.card.family) {
            families.push(entry.card.family);
        }
    }
    for family in families {
        let _ = write!(page, "\n## {}\n", heading(family));
        for entry in registry.entries().iter().filter(|entry| entry.card.family == family) {
            page += &one(entry, registry)?;
        }
    }
    Ok(page)
}

fn heading(family: Family) -> &'static str {
    match family {
        Family::Baseline => "Baseline",
        Family::Uncertainty => "Uncertainty: one prediction per candidate",
        Family::Bayesian => "Bayesian: dropout passes or committees",
        Family::Distribution => "Distribution: where candidates lie",
        Family::Hybrid => "Hybrid: prediction and place together",
        Family::Wrapper => "Wrappers: they use another strategy",
        Family::Bandit => "Bandits: they learn during the episode which strategy to follow",
        Family::Gradient => "Gradients of the training loss",
        Family::Regression => "Regression: numbers that are to be predicted",
        Family::MultiLabel => "Multi-label: any of several labels per row",
        Family::Segmentation => "Segmentation: images with masks",
        Family::Simulation => "Simulation: reads labels that a real labelling would not have",
        Family::Own => "Of your own",
    }
}

fn one(entry: &Entry, registry: &Registry) -> Result<String> {
    let card = &entry.card;
    let picks = if registry.has_score(card.name) { "a score per candidate" } else { "a rule for batches" };
    let random = if card.deterministic { "among equals, by the seed" } else { "yes, by the seed" };
    let mut text = format!("\n### `{}`\n\n{}\n\n", card.name, escaped(card.summary));
    for (name, value) in [
        ("Source", escaped(card.paper)),
        ("Needs", needs(card.needs)),
        ("Serves", registry.built(&card.example.parse()?)?.kinds().tasks().to_string()),
        ("Cost", escaped(card.cost)),
        ("Picks by", picks.to_string()),
        ("Random", random.to_string()),
        ("Example", format!("`{}`", card.example)),
    ] {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let parameters = registry.parameters(entry)?;
    if !parameters.is_empty() {
        text += "\n| parameter | default | may be |\n|---|---|---|\n";
        for parameter in parameters {
            let default = parameter.default.map_or("–".to_string(), |value| format!("`{value}`"));
            let _ = writeln!(text, "| `{}` | {default} | {} |", parameter.name, parameter.expected);
        }
    }
    Ok(text)
}

/// Plain text as Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '_' | '<' | '|' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
