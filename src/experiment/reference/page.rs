//! The reference of experiment files for people, in Markdown.

use super::describe;
use crate::experiment::keys::{Absent, Described, Shape};
use crate::experiment::vocabulary::Vocabulary;
use serde_json::Value;
use std::fmt::Write;

/// What stands before the sections.
const INTRODUCTION: &str = include_str!("introduction.md");

/// The page.
pub fn page(vocabulary: &Vocabulary) -> String {
    let keys = describe(vocabulary);
    let (sections, outside): (Vec<&Described>, Vec<&Described>) =
        keys.iter().partition(|key| matches!(key.shape, Shape::Table(_)));
    let mut page = INTRODUCTION.to_string();
    page += "\n## Outside of sections\n\n";
    let mut defined = Vec::new();
    table(&mut page, &outside, &mut defined);
    for key in sections {
        section(&mut page, key.key, &key.about, inner(&key.shape), &mut defined);
    }
    // What is defined may define more.
    let mut at = 0;
    while let Some(&(name, shape)) = defined.get(at) {
        let _ = write!(page, "\n## {}s\n\n{}\n", title(name), about(name));
        for keys in tables(shape) {
            page.push('\n');
            table(&mut page, &keys.iter().collect::<Vec<_>>(), &mut defined);
        }
        at += 1;
    }
    page
}

/// What is said of a shape that several keys have.
fn about(name: &str) -> &'static str {
    match name {
        "data set" => {
            "Where a list holds data sets, each is a name (an embedded set such as `\"digits\"`, a generated one, or one \
             of the data folder) or a table that names a file: `{ file = \"my.csv\", label = \"species\" }`. What a table \
             leaves open is found out, and said by `querist data describe`: [docs/data.md](data.md). A name decides \
             nothing: seeds come from what a set holds."
        }
        _ => "",
    }
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn section<'k>(
    page: &mut String,
    path: &str,
    about: &str,
    keys: &'k [Described],
    defined: &mut Vec<(&'static str, &'k Shape)>,
) {
    let _ = write!(page, "\n## `[{path}]`\n\n{about}\n\n");
    let (sections, plain): (Vec<&Described>, Vec<&Described>) =
        keys.iter().partition(|key| matches!(key.shape, Shape::Table(_)));
    if !plain.is_empty() {
        table(page, &plain, defined);
    }
    for key in keys {
        for inner in tables(&key.shape) {
            section(page, &format!("{path}.{}", key.key), &key.about, inner, defined);
        }
    }
    debug_assert!(sections.iter().all(|key| key.absent == Absent::Nothing));
}

fn inner(shape: &Shape) -> &[Described] {
    match shape {
        Shape::Table(keys) => keys,
        _ => &[],
    }
}

/// The tables that a value may be.
fn tables(shape: &Shape) -> Vec<&[Described]> {
    match shape {
        Shape::Table(keys) => vec![keys],
        Shape::Either(shapes) => shapes.iter().flat_map(tables).collect(),
        _ => Vec::new(),
    }
}

/// A line for each key.
fn table<'k>(page: &mut String, keys: &[&'k Described], defined: &mut Vec<(&'static str, &'k Shape)>) {
    *page += "| key | type | default | range | meaning |\n|---|---|---|---|---|\n";
    for key in keys {
        define(&key.shape, defined);
        let only = if key.only.is_empty() { String::new() } else { format!(" Only {}.", key.only) };
        let about = format!("{}{only}", key.about).replace('|', "\\|");
        let absent = match &key.absent {
            Absent::Value(value) => format!("`{}`", toml(value)),
            Absent::Words(words) => words.to_string(),
            Absent::Nothing => "–".to_string(),
        };
        let (kind, range) = (kind(&key.shape), range(&key.shape).unwrap_or_else(|| "–".to_string()));
        let _ = writeln!(page, "| `{}` | {kind} | {absent} | {range} | {about} |", key.key);
    }
}

/// Notes the shapes that have names.
fn define<'k>(shape: &'k Shape, defined: &mut Vec<(&'static str, &'k Shape)>) {
    match shape {
        Shape::Defined(name, inner) if defined.iter().all(|(known, _)| known != name) => {
            defined.push((name, inner));
        }
        Shape::List { item, .. } | Shape::Entries(item) => define(item, defined),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| define(shape, defined)),
        _ => {}
    }
}

/// A value as it is written in the file.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Integer { .. } => "whole number".to_string(),
        Shape::Number { .. } => "number".to_string(),
        Shape::Boolean => "`true` or `false`".to_string(),
        Shape::Text | Shape::Name { .. } => "string".to_string(),
        Shape::Word(_) => "word".to_string(),
        Shape::List { item, .. } => format!("list of {}", kinds(item)),
        Shape::Table(_) => "table".to_string(),
        Shape::Entries(value) => format!("table of {}", kinds(value)),
        Shape::Either(shapes) => shapes.iter().map(kind).collect::<Vec<_>>().join(", or "),
        Shape::Defined(name, _) => format!("[{name}](#{}s)", name.replace(' ', "-")),
    }
}

/// Several of a kind.
fn kinds(shape: &Shape) -> String {
    match shape {
        Shape::Defined(name, _) => format!("[{name}s](#{}s)", name.replace(' ', "-")),
        shape => format!("{}s", kind(shape)),
    }
}

fn range(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Integer { low, high } => Some(format!("{low} to {high}")),
        Shape::Number { low, high } => Some(format!("{low} to {high}")),
        Shape::Word(words) => {
            Some(words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "))
        }
        Shape::List { item, least, most } => {
            let count = match (least, most) {
                (least, Some(most)) if least == most => Some(format!("{least} items")),
                (0, None) => None,
                (least, None) => Some(format!("{least} or more")),
                (least, Some(most)) => Some(format!("{least} to {most} items")),
            };
            let each = range(item).map(|range| format!("each {range}"));
            let both: Vec<String> = count.into_iter().chain(each).collect();
            (!both.is_empty()).then(|| both.join(", "))
        }
        Shape::Entries(value) => range(value).map(|range| format!("each {range}")),
        _ => None,
    }
}
