//! Strategies that cluster, on rows in five clear groups: `tests/golden/clusters.json`, made by the script
//! beside it.

use super::{floats, numbers, rows};
use crate::data::{Matrix, RowId};
use crate::query::geometry::Rows;
use crate::query::hybrid::{cluster_margin, drop_query};
use crate::query::{Head, PoolView, Registry, Signals, Ties};
use crate::rng::Key;
use serde_json::Value;

/// Starts of k-means that are tried: all of them must find the same clusters.
const SEEDS: u64 = 10;

struct Golden {
    file: Value,
    vectors: Matrix,
    labelled: Vec<RowId>,
    candidates: Vec<RowId>,
    classes: usize,
    signals: Signals,
}

impl Golden {
    fn read() -> Self {
        let file: Value = serde_json::from_str(include_str!("../../../tests/golden/clusters.json")).unwrap();
        let (width, classes) = (count(&file["width"]), count(&file["classes"]));
        let vectors = floats(&file["rows"]);
        let vectors = Matrix::new(vectors.clone(), vectors.len() / width, width);
        let labelled = rows(&file["labelled"]);
        let all = (0..vectors.rows() as u32).map(RowId);
        let candidates: Vec<RowId> = all.filter(|row| !labelled.contains(row)).collect();
        let p = Matrix::new(floats(&file["probabilities"]), vectors.rows(), classes);
        let signals = Signals {
            probabilities: Some(p.gather(candidates.iter().map(|row| row.index()))),
            embeddings: Some(vectors.clone()),
            head: Some(Head {
                weights: Matrix::new(floats(&file["head"]), classes, width),
                bias: vec![0.0; classes],
            }),
            ..Signals::default()
        };
        Self { file, vectors, labelled, candidates, classes, signals }
    }

    fn select(&self, name: &str, batch: usize, seed: u64) -> Vec<RowId> {
        let labels = vec![0; self.labelled.len()];
        let inputs = self.vectors.view();
        let view =
            PoolView::new(inputs, &self.labelled, &labels, &self.candidates, self.classes, &self.signals);
        Registry::builtin().build(name).unwrap().select(&view, batch, Key::root(seed)).unwrap()
    }
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn sorted(mut rows: Vec<RowId>) -> Vec<RowId> {
    rows.sort_unstable();
    rows
}

#[test]
fn clue() {
    let golden = Golden::read();
    let expected = rows(&golden.file["clue"]);
    for seed in 0..SEEDS {
        assert_eq!(sorted(golden.select("clue", expected.len(), seed)), expected, "seed {seed}");
    }
}

#[test]
fn typiclust() {
    let golden = Golden::read();
    let expected = rows(&golden.file["typiclust"]);
    let name = format!("typiclust(neighbours={})", count(&golden.file["neighbours"]));
    for seed in 0..SEEDS {
        assert_eq!(golden.select(&name, expected.len(), seed), expected, "seed {seed}");
    }
}

/// With the reference's dropout masks: the same predictions change, the same candidates are kept, and the
/// same are picked.
#[test]
fn drop_query() {
    let golden = Golden::read();
    let candidates = rows(&golden.file["drop_query_candidates"]);
    let masks: Vec<&[u8]> = golden.file["masks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mask| mask.as_str().unwrap().as_bytes())
        .collect();
    let passes = count(&golden.file["passes"]);
    assert_eq!(masks.len(), passes);
    let (head, width) = (golden.signals.head.as_ref().unwrap(), golden.vectors.cols());
    let embeddings = Rows::new(golden.vectors.view(), &candidates);
    let changes = drop_query::changes(head, embeddings, passes, 0.75, |pass, place, drop| {
        let mask = &masks[pass][place * width..][..width];
        drop.iter_mut().zip(mask).for_each(|(drop, &mask)| *drop = mask == b'1');
    });
    let expected: Vec<usize> = numbers(&golden.file["changes"]).into_iter().map(|v| v as usize).collect();
    assert_eq!(changes, expected);
    for batch in [1, 2] {
        let expected = &golden.file["drop_query"][batch.to_string()];
        let kept: Vec<RowId> = drop_query::unstable(&changes, passes, batch)
            .into_iter()
            .map(|place| candidates[place])
            .collect();
        assert_eq!(kept, rows(&expected["kept"]), "batch {batch}");
        for seed in 0..SEEDS {
            let key = Key::root(seed);
            let picks = drop_query::spread(golden.vectors.view(), &kept, batch, key, Ties::new(key));
            assert_eq!(sorted(picks), rows(&expected["picks"]), "batch {batch}, seed {seed}");
        }
    }
}

/// The same partition of all rows, and every pick from a group of the size whose turn it is: groups of one size
/// come in the order of the key, and in the reference in that of their rows.
#[test]
fn cluster_margin() {
    let golden = Golden::read();
    let radius = golden.file["radius"].as_f64().unwrap();
    let expected = numbers(&golden.file["clusters"]);
    let found = cluster_margin::cluster(golden.vectors.view(), Some(radius), Key::root(0));
    for a in 0..expected.len() {
        for b in 0..a {
            assert_eq!(found[a] == found[b], expected[a] == expected[b], "rows {a} and {b}");
        }
    }
    let (batch, margins) = (count(&golden.file["batch"]), count(&golden.file["margins_per_pick"]));
    let turns = golden.file["cluster_margin"].as_array().unwrap();
    for seed in 0..SEEDS {
        let name = format!("cluster_margin(radius={radius},margins_per_pick={margins})");
        let picks = golden.select(&name, batch, seed);
        assert_eq!(picks.len(), turns.len());
        for (place, (pick, group)) in picks.iter().zip(turns).enumerate() {
            let own = turns.iter().map(rows).find(|group| group.contains(pick));
            let last = turns.last().map_or(0, |group| rows(group).len());
            assert_eq!(own.map_or(last, |own| own.len()), rows(group).len(), "turn {place}: {pick:?}");
        }
    }
}
