//! [`Graph`]: a knowledge graph of genes, and whatever else it names, with typed edges.

use super::error::PairsError;
use crate::rng::Key;
use rand::seq::SliceRandom;
use std::collections::HashMap;

/// Nodes of a graph that are handled: gene embeddings are dense.
pub const MAX_NODES: usize = 20_000;
/// Edges that are handled.
pub const MAX_EDGES: usize = 2_000_000;
/// Kinds of edges that are handled.
pub const MAX_RELATIONS: usize = 256;

/// A message from one node to another in a relational graph convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Where it comes from.
    pub source: u32,
    /// Where it goes to.
    pub target: u32,
    /// The relation: `2 r` along the edges of relation `r`, `2 r + 1` against them.
    pub relation: u32,
    /// One over the number of messages of this relation that reach the target: their mean is taken.
    pub share: f32,
}

/// A fact of the graph: source, relation, target.
pub type Fact = [u32; 3];

/// Nodes, of which the first are the genes, and typed edges between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    nodes: usize,
    relations: Vec<String>,
    facts: Vec<Fact>,
    messages: Vec<Edge>,
}

impl Graph {
    /// A graph of `nodes` nodes. Facts that are named twice count once; their order decides nothing.
    ///
    /// # Errors
    /// [`PairsError::TooMany`] nodes, edges or relations, and [`PairsError::Node`] for a fact about what is not there.
    pub fn new(nodes: usize, relations: Vec<String>, mut facts: Vec<Fact>) -> Result<Self, PairsError> {
        PairsError::limit("nodes", nodes, MAX_NODES)?;
        PairsError::limit("edges", facts.len(), MAX_EDGES)?;
        PairsError::limit("relations", relations.len(), MAX_RELATIONS)?;
        facts.sort_unstable();
        facts.dedup();
        for &[source, relation, target] in &facts {
            let node = source.max(target) as usize;
            if node >= nodes || relation as usize >= relations.len() {
                return Err(PairsError::Node { node, nodes, relation, relations: relations.len() });
            }
        }
        let messages = messages(&facts);
        Ok(Self { nodes, relations, facts, messages })
    }

    /// The number of nodes, genes first.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The names of the relations.
    pub fn relations(&self) -> &[String] {
        &self.relations
    }

    /// The facts, sorted, each once.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Messages along and against all facts, sorted by target.
    pub fn messages(&self) -> &[Edge] {
        &self.messages
    }

    /// The same graph about other genes: the first `genes` nodes change places at random. Every degree and every pattern
    /// stays, and nothing that it says of a gene is true any more.
    pub fn shuffled(&self, genes: usize, key: Key) -> Self {
        let mut names: Vec<u32> = (0..self.nodes as u32).collect();
        names[..genes.min(self.nodes)].shuffle(&mut key.rng());
        let renamed =
            |&[source, relation, target]: &Fact| [names[source as usize], relation, names[target as usize]];
        let mut facts: Vec<Fact> = self.facts.iter().map(renamed).collect();
        facts.sort_unstable();
        let messages = messages(&facts);
        Self { nodes: self.nodes, relations: self.relations.clone(), facts, messages }
    }
}

/// Both directions of all facts, with the shares of a mean by target and relation.
fn messages(facts: &[Fact]) -> Vec<Edge> {
    let both = facts.iter().flat_map(|&[source, relation, target]| {
        [(source, target, 2 * relation), (target, source, 2 * relation + 1)]
    });
    let mut messages: Vec<Edge> =
        both.map(|(source, target, relation)| Edge { source, target, relation, share: 1.0 }).collect();
    let mut counts: HashMap<(u32, u32), u32> = HashMap::new();
    for edge in &messages {
        *counts.entry((edge.target, edge.relation)).or_default() += 1;
    }
    for edge in &mut messages {
        edge.share = 1.0 / counts[&(edge.target, edge.relation)] as f32;
    }
    messages.sort_by_key(|edge| (edge.target, edge.relation, edge.source));
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let names = vec!["binds".into(), "regulates".into()];
        Graph::new(4, names, vec![[0, 0, 1], [2, 0, 1], [0, 1, 3], [0, 0, 1]]).unwrap()
    }

    /// Node 1 hears of `binds` from two nodes, and so half of each.
    #[test]
    fn messages_are_means_in_both_directions() {
        let graph = graph();
        assert_eq!(graph.facts().len(), 3);
        let found: Vec<_> =
            graph.messages().iter().map(|e| (e.source, e.target, e.relation, e.share)).collect();
        let expected =
            [(1, 0, 1, 1.0), (3, 0, 3, 1.0), (0, 1, 0, 0.5), (2, 1, 0, 0.5), (1, 2, 1, 1.0), (0, 3, 2, 1.0)];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_shuffle_keeps_the_pattern_and_the_other_nodes() {
        let graph = graph();
        let shuffled = graph.shuffled(3, Key::root(1));
        assert_eq!(shuffled.facts().len(), 3);
        assert!(
            shuffled
                .facts()
                .iter()
                .any(|&[source, relation, target]| relation == 1 && source < 3 && target == 3)
        );
        let moved = (0..20).filter(|&seed| graph.shuffled(3, Key::root(seed)) != graph).count();
        assert!(moved > 10, "{moved}");
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let refused = |facts| Graph::new(2, vec!["a".into()], facts).unwrap_err().to_string();
        assert!(refused(vec![[0, 0, 2]]).contains("node 2 of 2"));
        assert!(refused(vec![[0, 1, 1]]).contains("relation 1 of 1"));
    }
}
