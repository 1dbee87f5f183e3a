//! What a study found, as text, JSON and tables (CSV).

use super::rules;
use super::study::{InPathway, Played};
use super::suggest::Suggestion;
use serde_json::{Value, json};
use std::fmt::Write;

/// Pathways that the text names per rule.
const NAMED: usize = 8;

/// Hits by round and rule, and the pathways that they lie in, for people.
pub fn text(played: &[Played], top: usize) -> String {
    let mut text = String::new();
    let mut names: Vec<&str> = Vec::new();
    played.iter().filter(|one| one.repetition == 1).for_each(|one| names.push(&one.rule));
    let _ = writeln!(text, "share of the best {top} pairs found, by share of all pairs measured");
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0).max(4);
    let mut first = true;
    for name in &names {
        let own: Vec<&Played> = played.iter().filter(|one| one.rule == *name).collect();
        if std::mem::take(&mut first) {
            let share = |round: usize| 100.0 * own[0].rounds[round].seen as f64 / own[0].pairs as f64;
            let shares =
                (0..own[0].rounds.len()).map(|round| format!("{:>7}", format!("{:.1} %", share(round))));
            let _ = writeln!(
                text,
                "{:width$}  {}  {:>9}  {:>7}",
                "rule",
                shares.collect::<String>(),
                "best",
                "rmse"
            );
        }
        let _ = write!(text, "{name:width$}  ");
        for round in 0..own[0].rounds.len() {
            let hits = mean(own.iter().map(|one| one.rounds[round].hits as f64));
            let _ = write!(text, "{:>7}", format!("{:.1} %", 100.0 * hits / top as f64));
        }
        let last = |one: &&Played| *one.rounds.last().expect("at least one round");
        let best = mean(own.iter().map(|one| last(one).best));
        let rmse = match own.iter().map(|one| last(one).rmse).collect::<Option<Vec<f64>>>() {
            Some(values) => format!("{:.4}", mean(values.into_iter())),
            None => "-".to_string(),
        };
        let _ = writeln!(text, "  {best:>9.4}  {rmse:>7}");
    }
    let repetitions = played.iter().map(|one| one.repetition).max().unwrap_or(0);
    if repetitions > 1 {
        let _ = writeln!(text, "means of {repetitions} repetitions; pathways are those of the first");
    }
    for one in played.iter().filter(|one| one.repetition == 1) {
        in_pathways(&mut text, one);
    }
    text
}

fn in_pathways(text: &mut String, one: &Played) {
    let _ = writeln!(text, "\nwhere the pairs found by {} lie", one.rule);
    if let Some(entry) = rules::ENTRIES.iter().find(|entry| one.rule.starts_with(entry.name)) {
        let _ = writeln!(text, "({})", entry.summary);
    }
    let cells = |cells: [&str; 5]| {
        let [name, found, top, measured, pairs] = cells;
        format!("{name:24}{found:>8}{top:>14}{measured:>10}{pairs:>8}\n")
    };
    text.push_str(&cells(["pathway", "found", "of the best", "measured", "pairs"]));
    let (outside, rows): (Vec<&InPathway>, Vec<_>) =
        one.pathways.iter().partition(|row| row.pathway.is_none());
    let told = rows.iter().filter(|row| row.top > 0).take(NAMED).chain(&outside);
    for row in told {
        let name = row.pathway.as_deref().unwrap_or("(in no pathway)");
        let counts = [row.hits, row.top, row.measured, row.pairs].map(|count| count.to_string());
        text.push_str(&cells([name, &counts[0], &counts[1], &counts[2], &counts[3]]));
    }
    let others = rows.iter().filter(|row| row.top > 0).count().saturating_sub(NAMED);
    if others > 0 {
        let _ = writeln!(text, "and {others} more pathways with pairs among the best");
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Everything, for programs.
pub fn json(played: &[Played], top: usize) -> Value {
    let one = |one: &Played| {
        let rounds: Vec<Value> = one
            .rounds
            .iter()
            .map(|round| {
                json!({
                    "round": round.round,
                    "measured": round.seen,
                    "share": round.seen as f64 / one.pairs as f64,
                    "hits": round.hits,
                    "hit_share": round.hits as f64 / top as f64,
                    "best": round.best,
                    "rmse": round.rmse,
                })
            })
            .collect();
        json!({
            "rule": one.rule,
            "repetition": one.repetition,
            "pairs": one.pairs,
            "rounds": rounds,
            "pathways": one.pathways,
            "found": one.found,
        })
    };
    json!({ "top": top, "campaigns": played.iter().map(one).collect::<Vec<_>>() })
}

/// The tables of a study: names of files and their content.
pub fn tables(played: &[Played], top: usize) -> [(&'static str, Vec<u8>); 3] {
    let mut rounds = vec![
        ["rule", "repetition", "round", "measured", "share", "hits", "hit_share", "best", "rmse"]
            .map(String::from)
            .to_vec(),
    ];
    let mut pathways = vec![
        ["rule", "repetition", "pathway", "found", "top", "measured", "pairs"].map(String::from).to_vec(),
    ];
    let mut found = vec![
        ["rule", "repetition", "gene_a", "gene_b", "outcome", "round", "pathways"].map(String::from).to_vec(),
    ];
    for one in played {
        let (rule, repetition) = (&one.rule, one.repetition.to_string());
        for round in &one.rounds {
            rounds.push(vec![
                rule.clone(),
                repetition.clone(),
                round.round.to_string(),
                round.seen.to_string(),
                (round.seen as f64 / one.pairs as f64).to_string(),
                round.hits.to_string(),
                (round.hits as f64 / top as f64).to_string(),
                round.best.to_string(),
                round.rmse.map_or(String::new(), |rmse| rmse.to_string()),
            ]);
        }
        for row in &one.pathways {
            let counts = [row.hits, row.top, row.measured, row.pairs].map(|count| count.to_string());
            let name = row.pathway.clone().unwrap_or_default();
            pathways.push([rule.clone(), repetition.clone(), name].into_iter().chain(counts).collect());
        }
        for pair in &one.found {
            let [a, b] = pair.genes.clone();
            let (outcome, round) = (pair.outcome.to_string(), pair.round.to_string());
            let pathways = pair.pathways.join(";");
            found.push(vec![rule.clone(), repetition.clone(), a, b, outcome, round, pathways]);
        }
    }
    let files = [("rounds.csv", rounds), ("pathways.csv", pathways), ("found.csv", found)];
    files.map(|(name, rows)| (name, csv(&rows)))
}

/// Pairs to measure next, as a table; the first one is wanted most.
pub fn suggestions(pairs: &[Suggestion]) -> String {
    let mut rows = vec![["gene_a", "gene_b", "expected", "deviation"].map(String::from).to_vec()];
    for Suggestion { genes: [a, b], expected } in pairs {
        let [mean, deviation] =
            expected.map_or(["".into(), "".into()], |values| values.map(|v| v.to_string()));
        rows.push(vec![a.clone(), b.clone(), mean, deviation]);
    }
    String::from_utf8_lossy(&csv(&rows)).into_owned()
}

/// Rows of fields as a table.
fn csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.iter().for_each(|row| writer.write_record(row).expect("rows of one length, written to memory"));
    writer.into_inner().expect("written to memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::campaign::Round;
    use crate::pairs::study::Found;

    fn played() -> Vec<Played> {
        let round = |round, seen, hits, rmse| Round { round, seen, hits, best: -1.5, rmse };
        let row = |pathway: Option<&str>, hits| InPathway {
            pathway: pathway.map(String::from),
            pairs: 10,
            measured: 5,
            top: 3,
            hits,
        };
        let one = |rule: &str, repetition, hits, rmse| Played {
            rule: rule.into(),
            repetition,
            pairs: 200,
            rounds: vec![round(1, 10, 0, rmse), round(2, 20, hits, rmse)],
            pathways: vec![row(Some("innate, \"early\""), 2), row(None, 0)],
            found: vec![Found {
                genes: ["A".into(), "B".into()],
                outcome: -1.5,
                round: 2,
                pathways: vec!["innate, \"early\"".into()],
            }],
        };
        vec![
            one("greedy", 1, 2, Some(0.5)),
            one("random", 1, 1, None),
            one("greedy", 2, 4, Some(0.7)),
            one("random", 2, 0, None),
        ]
    }

    #[test]
    fn text_has_means_by_round_and_the_pathways() {
        let text = text(&played(), 10);
        assert!(text.starts_with("share of the best 10 pairs found"));
        assert!(text.contains("5.0 % 10.0 %"), "{text}");
        // (2 + 4) / 2 of ten, and (.5 + .7) / 2.
        assert!(text.contains("greedy    0.0 % 30.0 %    -1.5000   0.6000"), "{text}");
        assert!(text.contains("random    0.0 %  5.0 %    -1.5000        -"), "{text}");
        assert!(text.contains("means of 2 repetitions"));
        assert!(text.contains("where the pairs found by greedy lie"));
        assert!(text.contains("(in no pathway)"));
    }

    #[test]
    fn json_and_tables_have_everything() {
        let json = json(&played(), 10);
        assert_eq!(json["campaigns"][2]["rounds"][1]["hit_share"], 0.4);
        assert_eq!(json["campaigns"][0]["pathways"][0]["hits"], 2);
        assert_eq!(json["campaigns"][1]["rounds"][0]["rmse"], Value::Null);
        let tables = tables(&played(), 10);
        let text = |at: usize| String::from_utf8(tables[at].1.clone()).unwrap();
        assert_eq!(tables[0].0, "rounds.csv");
        assert_eq!(text(0).lines().nth(2).unwrap(), "greedy,1,2,20,0.1,2,0.2,-1.5,0.5");
        assert_eq!(text(1).lines().nth(1).unwrap(), "greedy,1,\"innate, \"\"early\"\"\",2,3,5,10");
        assert_eq!(text(2).lines().nth(1).unwrap(), "greedy,1,A,B,-1.5,2,\"innate, \"\"early\"\"\"");
        assert_eq!(text(0).lines().count(), 9);
    }
}
