//! Screens, graphs and pathways from tables (CSV) of one's own.
//!
//! Columns are found by name, others are not looked at: `gene_a, gene_b, outcome` for pairs, `source, relation, target` for edges and
//! `gene, pathway` for pathways. A pair may stand in both orders, with one outcome.

use super::error::PairsError;
use super::graph::{Fact, Graph, MAX_EDGES, MAX_NODES, MAX_RELATIONS};
use super::screen::{MAX_GENES, MAX_PAIRS, Screen};
use super::world::Pathway;
use crate::durable::input;
use crate::error::{Result, nearest};
use std::collections::HashMap;
use std::path::Path;

/// The longest table that is read.
const MAX_BYTES: u64 = 256 << 20;

const GENE_A: &str = "gene_a";
const GENE_B: &str = "gene_b";
const OUTCOME: &str = "outcome";

/// A table's records, by the columns that are asked for.
struct Table<const N: usize> {
    name: String,
    columns: [&'static str; N],
    /// Lines, and the fields of the columns.
    rows: Vec<(u64, [String; N])>,
}

impl<const N: usize> Table<N> {
    fn read(path: &Path, columns: [&'static str; N], what: &'static str) -> Result<Self> {
        let file = path.display().to_string();
        let text = input::read_text(path, MAX_BYTES)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let refuse = |error: csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            let reason = match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("{len} fields, line 1 has {expected_len}")
                }
                _ => "not a line of a table".to_string(),
            };
            PairsError::Table { place: format!("{file}, line {line}"), reason }
        };
        let header = reader.headers().map_err(refuse)?.clone();
        let mut places = [0; N];
        for (place, column) in places.iter_mut().zip(columns) {
            let mut at = header.iter().enumerate().filter(|(_, name)| *name == column);
            *place = match (at.next(), at.next()) {
                (Some((at, _)), None) => at,
                (Some(_), Some(_)) => return Err(PairsError::ColumnTwice { file, column }.into()),
                (None, _) => {
                    let hint = match nearest(column, header.iter()) {
                        Some(near) => format!("is `{near}` meant? Call it `{column}`"),
                        None => format!("the columns {} are needed", columns.join(", ")),
                    };
                    let found = header.iter().collect::<Vec<_>>().join(", ");
                    return Err(PairsError::Column { file, column, found, hint }.into());
                }
            };
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(refuse)?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, places.map(|place| record[place].to_string())));
        }
        if rows.is_empty() {
            return Err(PairsError::Empty { file, what }.into());
        }
        Ok(Self { name: file, columns, rows })
    }

    fn place(&self, line: u64) -> String {
        format!("{}, line {line}", self.name)
    }

    /// Refuses names that are empty, in the columns at `names`.
    fn named(&self, names: &[usize]) -> Result<(), PairsError> {
        for (line, fields) in &self.rows {
            if let Some(&at) = names.iter().find(|&&at| fields[at].is_empty()) {
                return Err(PairsError::NoName { place: self.place(*line), column: self.columns[at] });
            }
        }
        Ok(())
    }
}

/// Names in the order in which they come, each with its number.
#[derive(Default)]
struct Names {
    list: Vec<String>,
    places: HashMap<String, u32>,
}

impl Names {
    fn place(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = self.list.len() as u32;
        self.list.push(name.to_string());
        self.places.insert(name.to_string(), place);
        place
    }
}

/// The pairs of a table. Genes are those that it names, in their alphabetical order, so that the order of the lines decides nothing.
///
/// # Errors
/// What is wrong with the file, its columns or a line, with the line and, of a pair with two outcomes, both.
pub fn pairs(path: &Path) -> Result<Screen> {
    let table = Table::read(path, [GENE_A, GENE_B, OUTCOME], "pair")?;
    table.named(&[0, 1])?;
    let mut genes: Vec<String> =
        table.rows.iter().flat_map(|(_, [a, b, _])| [a.clone(), b.clone()]).collect();
    genes.sort_unstable();
    genes.dedup();
    PairsError::limit("genes", genes.len(), MAX_GENES)?;
    let mut names = Names::default();
    genes.iter().for_each(|gene| _ = names.place(gene));
    // Per pair: where it stood first, its genes in that order, and what is known.
    let mut seen: HashMap<[u32; 2], (u64, [u32; 2], Option<f64>)> = HashMap::new();
    for (line, [a, b, outcome]) in &table.rows {
        let place = || table.place(*line);
        let [one, other] = [names.place(a), names.place(b)];
        if one == other {
            return Err(PairsError::Itself { place: place(), gene: a.clone() }.into());
        }
        let outcome = read_outcome(outcome, place)?;
        let pair = [one.min(other), one.max(other)];
        match seen.get(&pair) {
            None => _ = seen.insert(pair, (*line, [one, other], outcome)),
            Some(&(_, _, before)) if before == outcome => {}
            Some(&(line, [first, second], before)) => {
                let name = |gene: u32| genes[gene as usize].as_str();
                let told = |outcome: Option<f64>| outcome.map_or("none".into(), |y| y.to_string());
                return Err(PairsError::Contradiction {
                    place: place(),
                    pair: format!("({a}, {b})"),
                    found: told(outcome),
                    before: format!("({}, {})", name(first), name(second)),
                    line,
                    first: told(before),
                }
                .into());
            }
        }
    }
    PairsError::limit("pairs", seen.len(), MAX_PAIRS)?;
    Ok(Screen::new(genes, seen.into_iter().map(|(pair, (_, _, outcome))| (pair, outcome)).collect())?)
}

fn read_outcome(text: &str, place: impl Fn() -> String) -> Result<Option<f64>, PairsError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        // Networks run in 32 bits.
        Ok(value) if value.is_finite() && value.abs() <= f64::from(f32::MAX) => Ok(Some(value)),
        parsed => Err(PairsError::Outcome {
            place: place(),
            column: OUTCOME,
            found: text.to_string(),
            hint: match parsed {
                Ok(value) if value.is_finite() => "scale the outcomes: networks hold up to 3.4e38",
                _ => "leave out pairs whose measurement failed",
            },
        }),
    }
}

/// The edges of a table, as a graph whose first nodes are the genes of `screen`. Nodes that are no genes of it are refused,
/// unless `others` says that there are such: pathways or diseases, say.
///
/// # Errors
/// What is wrong with the file, its columns or a line, with the line.
pub fn edges(path: &Path, screen: &Screen, others: bool) -> Result<Graph> {
    let table = Table::read(path, ["source", "relation", "target"], "edge")?;
    table.named(&[0, 1, 2])?;
    PairsError::limit("edges", table.rows.len(), MAX_EDGES)?;
    let (mut nodes, mut relations) = (Names::default(), Names::default());
    screen.genes().iter().for_each(|gene| _ = nodes.place(gene));
    if !others {
        known(&table, &nodes, screen, &[0, 2])?;
    }
    // Nodes and relations in alphabetical order: that of the lines decides nothing.
    let sorted = |columns: &[usize], to: &mut Names| {
        let mut names: Vec<&String> =
            table.rows.iter().flat_map(|(_, row)| columns.iter().map(|&at| &row[at])).collect();
        names.sort_unstable();
        names.into_iter().for_each(|name| _ = to.place(name));
    };
    sorted(&[0, 2], &mut nodes);
    sorted(&[1], &mut relations);
    PairsError::limit("nodes", nodes.list.len(), MAX_NODES)?;
    PairsError::limit("relations", relations.list.len(), MAX_RELATIONS)?;
    let fact = |(_, [source, relation, target]): &(u64, [String; 3])| -> Fact {
        [nodes.places[source], relations.places[relation], nodes.places[target]]
    };
    let facts = table.rows.iter().map(fact).collect();
    Ok(Graph::new(nodes.list.len(), relations.list.clone(), facts)?)
}

/// The pathways of a table, one line per gene and pathway, in alphabetical order.
///
/// # Errors
/// As [`edges`].
pub fn pathways(path: &Path, screen: &Screen) -> Result<Vec<Pathway>> {
    let table = Table::read(path, ["gene", "pathway"], "gene of a pathway")?;
    table.named(&[0, 1])?;
    let mut genes = Names::default();
    screen.genes().iter().for_each(|gene| _ = genes.place(gene));
    known(&table, &genes, screen, &[0])?;
    let mut members: std::collections::BTreeMap<&str, Vec<u32>> = Default::default();
    for (_, [gene, pathway]) in &table.rows {
        members.entry(pathway).or_default().push(genes.places[gene]);
    }
    let pathway = |(name, mut genes): (&str, Vec<u32>)| {
        genes.sort_unstable();
        genes.dedup();
        Pathway { name: name.to_string(), genes }
    };
    Ok(members.into_iter().map(pathway).collect())
}

/// Refuses names that are no genes of the screen, in the columns at `names`.
fn known<const N: usize>(
    table: &Table<N>,
    genes: &Names,
    screen: &Screen,
    names: &[usize],
) -> Result<(), PairsError> {
    for (line, fields) in &table.rows {
        if let Some(&at) = names.iter().find(|&&at| !genes.places.contains_key(&fields[at])) {
            let gene = fields[at].clone();
            let hint = match nearest(&gene, screen.genes().iter().map(String::as_str)) {
                Some(near) => format!("is `{near}` meant?"),
                None => "leave the line out; edges may name other nodes with --other-nodes".to_string(),
            };
            let (place, genes) = (table.place(*line), screen.genes().len());
            return Err(PairsError::UnknownGene { place, column: table.columns[at], gene, genes, hint });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const PAIRS: &str = "gene_b,gene_a,note,outcome\nTP53,MYC,x,1.5\nMYC,EGFR,y,-2\nEGFR,TP53,,0.25\n";

    fn with<R>(text: &str, read: impl FnOnce(&Path) -> R) -> R {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    fn screen() -> Screen {
        with(PAIRS, |path| pairs(path).unwrap())
    }

    fn refused<T: std::fmt::Debug>(text: &str, read: impl Fn(&Path) -> Result<T>) -> String {
        let error = with(text, |path| read(path).unwrap_err());
        format!("{error} / {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn pairs_are_read_by_the_names_of_their_columns_in_any_order() {
        let screen = screen();
        assert_eq!(screen.genes(), ["EGFR", "MYC", "TP53"]);
        assert_eq!(screen.pairs(), [[0, 1], [0, 2], [1, 2]]);
        assert_eq!(screen.known().unwrap(), [-2.0, 0.25, 1.5]);
        let both = "gene_a,gene_b,outcome\nEGFR,MYC,-2\nMYC,EGFR,-2.0\nTP53,EGFR,.25\nMYC,TP53,1.5\n";
        assert_eq!(with(both, |path| pairs(path).unwrap()), screen);
        let open = with("gene_a,gene_b,outcome\na,b,\n", |path| pairs(path).unwrap());
        assert_eq!(open.outcomes(), [None]);
    }

    #[test]
    fn a_pair_with_two_outcomes_is_refused_with_both_lines_and_values() {
        let text = "gene_a,gene_b,outcome\na,b,1\nb,c,2\nb,a,1.5\n";
        let found = refused(text, pairs);
        assert!(
            found.contains("t.csv, line 4: the pair (b, a) has outcome 1.5, and (a, b) has 1 in line 2"),
            "{found}"
        );
    }

    #[test]
    fn bad_tables_are_refused_with_their_line() {
        for (text, expected) in [
            ("", "no column `gene_a`"),
            ("gene_a,gene_b,outcome\n", "no rows, expected"),
            ("gene_a,gene_b,value\na,b,1\n", "line 1: no column `outcome` among gene_a, gene_b, value"),
            ("genea,gene_b,outcome\na,b,1\n", "is `genea` meant? Call it `gene_a`"),
            ("gene_a,gene_b,outcome,outcome\na,b,1,2\n", "two columns are called `outcome`"),
            ("gene_a,gene_b,outcome\na,b,NaN\n", "line 2, column `outcome`: \"NaN\" is not a finite number"),
            ("gene_a,gene_b,outcome\na,b,1\na,c,inf\n", "line 3, column `outcome`: \"inf\""),
            ("gene_a,gene_b,outcome\na,b,1e300\n", "scale the outcomes"),
            ("gene_a,gene_b,outcome\na,b,high\n", "\"high\" is not a finite number"),
            ("gene_a,gene_b,outcome\na,,1\n", "line 2, column `gene_b`: empty"),
            ("gene_a,gene_b,outcome\na,b,1\nc,c,1\n", "line 3: a pair of `c` with itself"),
            ("gene_a,gene_b,outcome\na,b\n", "line 2: 2 fields, line 1 has 3"),
        ] {
            let found = refused(text, pairs);
            assert!(found.contains(expected), "{found}, expected {expected}");
        }
    }

    #[test]
    fn edges_are_about_the_genes_of_the_pairs_unless_others_are_allowed() {
        let screen = screen();
        let text = "source,relation,target\nMYC,binds,TP53\nTP53,in,cancer\n";
        let found = refused(text, |path| edges(path, &screen, false));
        assert!(
            found.contains("line 3, column `target`: gene `cancer` is in no pair (3 genes are)"),
            "{found}"
        );
        assert!(found.contains("--other-nodes"), "{found}");
        let graph = with(text, |path| edges(path, &screen, true).unwrap());
        assert_eq!(graph.nodes(), 4);
        assert_eq!(graph.relations(), ["binds", "in"]);
        assert_eq!(graph.facts(), [[1, 0, 2], [2, 1, 3]]);
        let near = refused("source,relation,target\nTP5,binds,MYC\n", |path| edges(path, &screen, false));
        assert!(
            near.contains("line 2, column `source`: gene `TP5`") && near.contains("`TP53` meant"),
            "{near}"
        );
    }

    #[test]
    fn pathways_are_sets_of_genes() {
        let screen = screen();
        let text = "pathway,gene\nB,MYC\nA,TP53\nB,EGFR\nB,MYC\n";
        let found = with(text, |path| pathways(path, &screen).unwrap());
        let set = |name: &str, genes: &[u32]| Pathway { name: name.into(), genes: genes.to_vec() };
        assert_eq!(found, [set("A", &[2]), set("B", &[0, 1])]);
        let unknown = refused("pathway,gene\nB,XYZ\n", |path| pathways(path, &screen));
        assert!(unknown.contains("line 2, column `gene`: gene `XYZ` is in no pair"), "{unknown}");
    }
}
