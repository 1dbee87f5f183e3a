//! [`Prior`]: where to start on a target, learned from searches on source tasks; `arch.json`.
//!
//! The rule is simple on purpose. On each source task a point's *regret* is how far its score lies below
//! the best that was scored on the same labelled rows. A point that was not tried on a task is taken to
//! be as bad there as the worst that was: a search may not recommend what it did not look at. Regrets
//! are averaged within a task, so that every task counts once, and the start is the smallest network
//! whose mean regret over tasks is within one standard error (of the paired differences over tasks) of
//! the lowest. This is done for each level of labels per class (powers of two) and once over all; the
//! target takes the level nearest to its own, on the scale of the logarithm.

use super::choice::{Entry, Rule, choose};
use super::error::SearchError;
use super::history::History;
use crate::arch::{Domain, Space};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The first field of an architecture file.
pub const ARCH_FORMAT: &str = "querist-arch";
/// The version this build reads and writes.
pub const ARCH_VERSION: u32 = 1;
/// The longest architecture file that is read.
pub const MAX_ARCH_BYTES: usize = 16 << 20;

/// A point's score on one set of labelled rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointScore<P> {
    /// The architecture.
    pub point: P,
    /// Its mean score; higher is better.
    pub score: f64,
}

/// What one search on one source task scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence<P> {
    /// The task's name; several searches may share it.
    pub task: String,
    /// Numbers per example.
    pub width: usize,
    /// Classes.
    pub classes: usize,
    /// Labelled rows that the search scored on.
    pub labels: usize,
    /// What did not fail.
    pub scores: Vec<PointScore<P>>,
}

impl<P: Clone + Ord> Evidence<P> {
    /// What `history` scored with `steps` steps; failures leave no evidence.
    pub fn new(
        task: &str,
        width: usize,
        classes: usize,
        labels: usize,
        history: &History<P>,
        steps: u32,
    ) -> Self {
        let own = history.records().iter().filter(|record| record.candidate.steps == steps);
        let scores = own
            .filter_map(|record| {
                Some(PointScore { point: record.candidate.point.clone(), score: record.outcome.mean()? })
            })
            .collect();
        Self { task: task.to_string(), width, classes, labels, scores }
    }

    fn level(&self) -> i32 {
        level(self.labels as f64 / self.classes as f64)
    }
}

/// A line of the evidence table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regret<P> {
    /// The architecture.
    pub point: P,
    /// On how many tasks it was scored.
    pub tasks: usize,
    /// Mean regret over all tasks, those it was not scored on included; lower is better.
    pub regret: f64,
}

/// What was learned at one number of labels per class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level<P> {
    /// The level: `labels / classes`, rounded to a power of two.
    pub labels_per_class: f64,
    /// How many tasks speak for it.
    pub tasks: usize,
    /// Where to start.
    pub start: P,
    /// Every point that was scored, lowest regret first.
    pub table: Vec<Regret<P>>,
}

/// Where to start, at which number of labels, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Prior<S: Space> {
    format: String,
    version: u32,
    space: S,
    /// Over all levels.
    start: S::Point,
    levels: Vec<Level<S::Point>>,
    evidence: Vec<Evidence<S::Point>>,
    digest: String,
}

impl<S: Space> Prior<S> {
    /// Learns where to start in `space`.
    ///
    /// # Errors
    /// [`SearchError::Evidence`] without any score, or with one that is not finite or not in the space.
    pub fn learn(space: S, evidence: Vec<Evidence<S::Point>>) -> Result<Self> {
        let all: Vec<&Evidence<S::Point>> = evidence.iter().collect();
        for own in &evidence {
            check(&space, own)?;
        }
        let Some(overall) = summarise(&space, &all)? else {
            let expected = "at least one scored architecture".to_string();
            let (what, found) = ("the evidence".to_string(), "empty".to_string());
            return Err(SearchError::Evidence { what, found, expected }.into());
        };
        let mut by_level: BTreeMap<i32, Vec<&Evidence<S::Point>>> = BTreeMap::new();
        for own in &evidence {
            by_level.entry(own.level()).or_default().push(own);
        }
        let mut levels = Vec::new();
        for (level, own) in by_level {
            if let Some(summary) = summarise(&space, &own)? {
                levels.push(Level { labels_per_class: f64::from(level).exp2(), ..summary });
            }
        }
        let mut prior = Self {
            format: ARCH_FORMAT.to_string(),
            version: ARCH_VERSION,
            space,
            start: overall.start,
            levels,
            evidence,
            digest: String::new(),
        };
        prior.digest = prior.content_digest()?;
        Ok(prior)
    }

    /// Where to start with this many labels per class: the start of the nearest level, the lower of
    /// two that are equally near.
    pub fn start(&self, labels_per_class: f64) -> &S::Point {
        let levels = self.levels.iter().map(|own| own.labels_per_class);
        nearest(levels, labels_per_class).map_or(&self.start, |at| &self.levels[at].start)
    }

    /// Where to start whatever the number of labels.
    pub fn start_overall(&self) -> &S::Point {
        &self.start
    }

    /// The space that the points belong to.
    pub fn space(&self) -> &S {
        &self.space
    }

    /// What was learned, fewest labels per class first.
    pub fn levels(&self) -> &[Level<S::Point>] {
        &self.levels
    }

    /// What it was learned from.
    pub fn evidence(&self) -> &[Evidence<S::Point>] {
        &self.evidence
    }

    /// The text of an `arch.json`.
    ///
    /// # Errors
    /// [`SearchError::ArchFile`] for what JSON cannot hold.
    pub fn to_json(&self) -> Result<String> {
        json(self, true)
    }

    /// Reads an `arch.json`, trusting nothing in it.
    ///
    /// # Errors
    /// [`SearchError::ArchSyntax`] for what is not such a file, with line and column;
    /// [`SearchError::ArchFile`] for one that is too long, of another format or version, changed since
    /// it was written, or naming points outside its space.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |what: &str, found: String, expected: String| {
            Err(SearchError::ArchFile { what: what.to_string(), found, expected }.into())
        };
        if text.len() > MAX_ARCH_BYTES {
            let expected = format!("at most {MAX_ARCH_BYTES} bytes");
            return refuse("the length", format!("{} bytes", text.len()), expected);
        }
        let syntax = |error: serde_json::Error| SearchError::ArchSyntax {
            line: error.line(),
            column: error.column(),
            reason: error.to_string(),
        };
        // Before the whole: a newer version may have other fields, and should be told from rubbish.
        let tag: Tag = serde_json::from_str(text).map_err(syntax)?;
        if tag.format != ARCH_FORMAT {
            return refuse("the format", format!("{:?}", tag.format), format!("{ARCH_FORMAT:?}"));
        }
        if tag.version != ARCH_VERSION {
            return refuse("the version", tag.version.to_string(), ARCH_VERSION.to_string());
        }
        let prior: Self = serde_json::from_str(text).map_err(syntax)?;
        let digest = prior.content_digest()?;
        if digest != prior.digest {
            return refuse("the digest of its content", digest, prior.digest);
        }
        if prior.to_json()? != text {
            // A digit beyond the precision of a number, or white space: the same content.
            return refuse(
                "the text",
                "another with the same content".to_string(),
                "as it was written".to_string(),
            );
        }
        prior.space.check()?;
        for own in &prior.evidence {
            check(&prior.space, own)?;
        }
        let starts = prior.levels.iter().map(|own| &own.start).chain([&prior.start]);
        let listed = prior.levels.iter().flat_map(|own| own.table.iter().map(|line| &line.point));
        for point in starts.chain(listed) {
            if !prior.space.contains(point) {
                return refuse("a point", point.to_string(), "a point of its space".to_string());
            }
        }
        let positive = |own: &Level<S::Point>| own.labels_per_class > 0.0 && own.labels_per_class.is_finite();
        if let Some(own) = prior.levels.iter().find(|own| !positive(own)) {
            return refuse("labels_per_class", own.labels_per_class.to_string(), "above 0".to_string());
        }
        Ok(prior)
    }

    fn content_digest(&self) -> Result<String> {
        let content = (&self.version, &self.space, &self.start, &self.levels, &self.evidence);
        let hash = Sha256::digest(json(&content, false)?);
        Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// What every version of the file begins with.
#[derive(Deserialize)]
struct Tag {
    format: String,
    version: u32,
}

fn json(value: &impl Serialize, pretty: bool) -> Result<String> {
    let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    text.map_err(|error| {
        let (what, expected) = ("a value".to_string(), "one that JSON can hold".to_string());
        SearchError::ArchFile { what, found: error.to_string(), expected }.into()
    })
}

/// Which of some ascending levels is nearest to so many labels per class; the lower of two that are equally
/// near, and none of none.
pub(super) fn nearest(levels: impl Iterator<Item = f64>, labels_per_class: f64) -> Option<usize> {
    let target = level(labels_per_class);
    // The first of equals.
    levels.enumerate().min_by_key(|&(_, own)| level(own).abs_diff(target)).map(|(at, _)| at)
}

/// The level of so many labels per class: the logarithm to base two, rounded. Nothing and less, and
/// what is no number, are the lowest.
fn level(labels_per_class: f64) -> i32 {
    if labels_per_class > 0.0 { labels_per_class.log2().round() as i32 } else { i32::MIN / 2 }
}

fn check<S: Space>(space: &S, own: &Evidence<S::Point>) -> Result<(), SearchError> {
    let refuse = |what: &str, found: String, expected: &str| {
        let what = format!("{what} of task {}", own.task);
        Err(SearchError::Evidence { what, found, expected: expected.to_string() })
    };
    for (what, found) in [("the width", own.width), ("the classes", own.classes), ("the labels", own.labels)]
    {
        if found == 0 {
            return refuse(what, found.to_string(), "at least 1");
        }
    }
    for line in &own.scores {
        if !line.score.is_finite() {
            return refuse("a score", line.score.to_string(), "a finite number");
        }
        if !space.contains(&line.point) {
            return refuse("a point", line.point.to_string(), "a point of the space");
        }
    }
    Ok(())
}

/// The table and the start over `evidence`; `None` if nothing was scored.
pub(super) fn summarise<S: Space>(
    space: &S,
    evidence: &[&Evidence<S::Point>],
) -> Result<Option<Level<S::Point>>> {
    // Per task: the regrets of every point, over the task's searches.
    let mut tasks: BTreeMap<&str, BTreeMap<&S::Point, Vec<f64>>> = BTreeMap::new();
    let mut points: BTreeSet<&S::Point> = BTreeSet::new();
    for own in evidence {
        let best = own.scores.iter().map(|line| line.score).fold(f64::NEG_INFINITY, f64::max);
        for line in &own.scores {
            let regrets = tasks.entry(&own.task).or_default().entry(&line.point).or_default();
            regrets.push(best - line.score);
            points.insert(&line.point);
        }
    }
    if points.is_empty() {
        return Ok(None);
    }
    let means: Vec<BTreeMap<&S::Point, f64>> = tasks
        .values()
        .map(|own| own.iter().map(|(&p, r)| (p, r.iter().sum::<f64>() / r.len() as f64)).collect())
        .collect();
    let domains: Vec<Domain<S>> = evidence
        .iter()
        .map(|own| Domain::new(space.clone(), own.width, own.classes))
        .collect::<Result<_, _>>()?;
    let mut lines: Vec<(Regret<S::Point>, u64, Vec<f64>)> = Vec::new();
    for point in points {
        let per_task: Vec<f64> = means
            .iter()
            .map(|own| own.get(point).copied().unwrap_or_else(|| own.values().copied().fold(0.0, f64::max)))
            .collect();
        let regret = Regret {
            point: point.clone(),
            tasks: means.iter().filter(|own| own.contains_key(point)).count(),
            regret: per_task.iter().sum::<f64>() / per_task.len() as f64,
        };
        // "Smaller" over all tasks together; a network too large for one of them is never chosen for
        // being small.
        let size = domains.iter().fold(0u64, |sum, domain| sum.saturating_add(domain.size(point)));
        lines.push((regret, size, per_task.iter().map(|regret| -regret).collect()));
    }
    let entries: Vec<Entry<'_>> =
        lines.iter().map(|(_, size, gains)| Entry { size: *size, folds: gains }).collect();
    let Some(chosen) = choose(&entries, Rule::OneStandardError) else { return Ok(None) };
    let start = lines[chosen].0.point.clone();
    lines.sort_by(|a, b| a.0.regret.total_cmp(&b.0.regret).then(a.1.cmp(&b.1)));
    let table = lines.into_iter().map(|(regret, ..)| regret).collect();
    Ok(Some(Level { labels_per_class: 1.0, tasks: tasks.len(), start, table }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{ArchSpace, Point};

    fn evidence(task: &str, labels: usize, scores: &[(usize, usize, f64)]) -> Evidence<Point> {
        let scores = scores
            .iter()
            .map(|&(blocks, stacks, score)| PointScore { point: Point::new(blocks, stacks), score })
            .collect();
        Evidence { task: task.to_string(), width: 16, classes: 4, labels, scores }
    }

    /// Few labels favour the small network on every task, many the large one.
    fn sources() -> Vec<Evidence<Point>> {
        let mut all = Vec::new();
        for (at, task) in ["a", "b", "c", "d"].into_iter().enumerate() {
            let base = 0.1 * at as f64;
            all.push(evidence(task, 8, &[(1, 1, base + 0.5), (2, 1, base + 0.42), (1, 2, base + 0.4)]));
            all.push(evidence(task, 130, &[(1, 1, base + 0.5), (2, 1, base + 0.6), (1, 2, base + 0.45)]));
        }
        all
    }

    #[test]
    fn the_start_depends_on_the_labels_per_class() {
        let prior = Prior::learn(ArchSpace::default(), sources()).unwrap();
        let levels: Vec<_> =
            prior.levels().iter().map(|own| (own.labels_per_class, own.start, own.tasks)).collect();
        assert_eq!(levels, [(2.0, Point::new(1, 1), 4), (32.0, Point::new(2, 1), 4)]);
        for (labels_per_class, blocks) in
            [(0.0, 1), (f64::NAN, 1), (1.0, 1), (5.0, 1), (8.0, 1), (12.0, 2), (30.0, 2), (1e9, 2)]
        {
            assert_eq!(prior.start(labels_per_class).blocks, blocks, "{labels_per_class}");
        }
        let table = &prior.levels()[1].table;
        assert_eq!(table[0].point, Point::new(2, 1));
        assert!(table[0].regret.abs() < 1e-12 && (table[1].regret - 0.1).abs() < 1e-12);
    }

    /// A point that shone on one task and was not tried on the others is not recommended.
    #[test]
    fn what_was_not_tried_counts_as_the_worst_that_was() {
        let prior = Prior::learn(
            ArchSpace::default(),
            vec![
                evidence("a", 8, &[(1, 1, 0.5), (2, 1, 0.7), (3, 1, 0.9)]),
                evidence("b", 8, &[(1, 1, 0.4), (2, 1, 0.7)]),
                evidence("c", 8, &[(1, 1, 0.3), (2, 1, 0.7)]),
            ],
        )
        .unwrap();
        let of = |blocks| prior.levels()[0].table.iter().find(|line| line.point.blocks == blocks).unwrap();
        assert!((of(3).regret - (0.0 + 0.3 + 0.4) / 3.0).abs() < 1e-12);
        assert!((of(2).regret - 0.2 / 3.0).abs() < 1e-12);
        assert_eq!((of(3).tasks, of(2).tasks), (1, 3));
        assert_eq!(*prior.start_overall(), Point::new(2, 1));
    }

    #[test]
    fn ties_and_noise_go_to_the_smaller_network() {
        let noisy = |task, sign: f64| evidence(task, 8, &[(1, 1, 0.5), (3, 1, 0.5 + sign)]);
        let prior = Prior::learn(
            ArchSpace::default(),
            vec![noisy("a", 0.1), noisy("b", -0.08), noisy("c", 0.05), noisy("d", -0.06)],
        )
        .unwrap();
        assert_eq!(*prior.start_overall(), Point::new(1, 1));
        assert_eq!(prior.levels()[0].table[0].point, Point::new(3, 1), "though its mean is a little better");
    }

    #[test]
    fn a_file_comes_back_as_it_was_and_any_change_is_seen() {
        let prior = Prior::learn(ArchSpace::default(), sources()).unwrap();
        let text = prior.to_json().unwrap();
        assert_eq!(Prior::<ArchSpace>::parse(&text).unwrap(), prior);
        let reason = |text: &str| Prior::<ArchSpace>::parse(text).unwrap_err().to_string();
        assert!(reason(&text.replace("querist-arch", "querist-card")).contains("the format"));
        assert!(reason(&text.replace("\"version\": 1", "\"version\": 2")).contains("the version is 2"));
        assert!(reason(&text.replacen("0.42", "0.43", 1)).contains("digest"));
        assert!(reason(&text.replacen("\"width\": 16", "\"width\": 17", 1)).contains("digest"));
        assert!(reason(&text.replacen("\"task\"", "\"tusk\"", 1)).contains("unknown field"));
        assert!(reason("").contains("line 1, column 0"));
        for length in 0..text.len() {
            assert!(Prior::<ArchSpace>::parse(&text[..length]).is_err(), "truncated to {length}");
        }
        let long = " ".repeat(MAX_ARCH_BYTES + 1);
        assert!(reason(&long).contains("the length"));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let thirds = evidence("a", 8, &[(1, 1, 1.0 / 3.0), (2, 1, 2.0 / 3.0)]);
        let text = Prior::learn(ArchSpace::default(), vec![thirds]).unwrap().to_json().unwrap();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(Prior::<ArchSpace>::parse(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    /// A file whose digest is right but whose content is not: written by another program.
    #[test]
    fn a_forged_file_is_checked_all_the_same() {
        let honest = Prior::learn(ArchSpace::default(), sources()).unwrap();
        let forged = |change: fn(&mut Prior<ArchSpace>)| {
            let mut prior = honest.clone();
            change(&mut prior);
            prior.digest = prior.content_digest().unwrap();
            Prior::<ArchSpace>::parse(&prior.to_json().unwrap()).unwrap_err().to_string()
        };
        assert!(forged(|p| p.start = Point::new(13, 1)).contains("a point is A(13, 1)"));
        assert!(forged(|p| p.levels[0].start = Point::new(0, 1)).contains("a point is A(0, 1)"));
        assert!(forged(|p| p.evidence[2].scores[0].point = Point::new(1, 9)).contains("task b"));
        assert!(forged(|p| p.evidence[0].classes = 0).contains("the classes of task a is 0"));
        assert!(forged(|p| p.space.widths.base = 0).contains("widths.base is 0"));
        assert!(forged(|p| p.levels[0].labels_per_class = -1.0).contains("labels_per_class is -1"));
    }

    #[test]
    fn evidence_that_says_nothing_is_refused() {
        let learn = |evidence| Prior::learn(ArchSpace::default(), evidence).err().map(|e| e.to_string());
        assert!(learn(vec![]).unwrap().contains("the evidence is empty"));
        assert!(learn(vec![evidence("a", 8, &[])]).unwrap().contains("the evidence is empty"));
        assert!(
            learn(vec![evidence("a", 8, &[(1, 1, f64::NAN)])]).unwrap().contains("a score of task a is NaN")
        );
        assert!(learn(vec![evidence("a", 0, &[(1, 1, 0.5)])]).unwrap().contains("the labels of task a is 0"));
    }
}
