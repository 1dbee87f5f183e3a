//! [`World`]: generated genes whose pairs interact where their pathways say so, and a graph that knows of it.
//!
//! Pathways have members, which overlap, and in each pathway a member has one of two roles. An outcome is
//! `exp(-(a_i + a_j))` less the weight of every pathway in which the two genes have complementary roles, and noise: the
//! mean of replicates. Few genes have an effect `a` of their own, few pathways a weight, both with heavy tails. Edges are those of a
//! stochastic block model over pathways and roles; a share of them is missing, and as many are spurious.

use super::error::PairsError;
use super::graph::{Fact, Graph};
use super::screen::{MAX_GENES, Screen};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Exp1, StandardNormal};

/// What a world is made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorldPlan {
    /// Genes.
    pub genes: usize,
    /// Pathways.
    pub pathways: usize,
    /// The share of edges that are missing, and of spurious ones beside them, in `[0, 1]`.
    pub corruption: f64,
    /// The standard deviation of one replicate.
    pub noise: f64,
    /// Replicates that an outcome is the mean of.
    pub replicates: usize,
}

impl Default for WorldPlan {
    fn default() -> Self {
        Self { genes: 356, pathways: 24, corruption: 0.2, noise: 0.1, replicates: 3 }
    }
}

/// Members of a pathway, least and most; fewer where there are fewer genes.
const MEMBERS: [usize; 2] = [12, 30];
/// The share of pathways with a weight, and the least weight; what is above it is exponential with that mean, too.
const ACTIVE: (f64, f64) = (1.0 / 3.0, 0.3);
/// The share of genes with an effect of their own, and its mean.
const EFFECTS: (f64, f64) = (0.1, 0.3);

/// The relations of a world, and the chance of an edge between two members of a pathway.
const RELATIONS: [(&str, f64); 4] = [
    // Complementary roles.
    ("binds", 0.25),
    // The same role.
    ("coexpressed", 0.25),
    // Any two.
    ("co_mentioned", 0.05),
    // From the pathway's regulator to a member.
    ("regulates", 0.3),
];

/// A pathway: the genes that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pathway {
    /// What it is called.
    pub name: String,
    /// Its genes, by place.
    pub genes: Vec<u32>,
}

/// Genes, their pairs' outcomes, a graph and the pathways behind both.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// All pairs with their outcomes.
    pub screen: Screen,
    /// What is known of the genes.
    pub graph: Graph,
    /// What is true of them.
    pub pathways: Vec<Pathway>,
    /// What each pathway takes off the outcome of two members with complementary roles; 0 for most.
    pub weights: Vec<f64>,
}

impl WorldPlan {
    /// The world of a key.
    ///
    /// # Errors
    /// [`PairsError::Setting`] for a number outside its range.
    pub fn make(&self, key: Key) -> Result<World, PairsError> {
        self.check()?;
        let n = self.genes;
        let mut rng = key.named("pathways").rng();
        let mut order: Vec<u32> = (0..n as u32).collect();
        let mut pathways = Vec::with_capacity(self.pathways);
        // Per pathway, the role of each member.
        let mut roles: Vec<Vec<bool>> = Vec::with_capacity(self.pathways);
        let mut weights = Vec::with_capacity(self.pathways);
        for at in 0..self.pathways {
            let size = rng.random_range(MEMBERS[0].min(n)..=MEMBERS[1].min(n));
            let mut genes = order.partial_shuffle(&mut rng, size).0.to_vec();
            genes.sort_unstable();
            roles.push(genes.iter().map(|_| rng.random()).collect());
            let tail: f64 = Exp1.sample(&mut rng);
            let active = rng.random::<f64>() < ACTIVE.0;
            weights.push(if active { ACTIVE.1 * (1.0 + tail) } else { 0.0 });
            pathways.push(Pathway { name: format!("pathway{:02}", at + 1), genes });
        }
        let graph = self.graph(&pathways, &roles, key.named("edges"))?;
        let mut rng = key.named("effects").rng();
        let effects: Vec<f64> = (0..n)
            .map(|_| {
                let size: f64 = Exp1.sample(&mut rng);
                if rng.random::<f64>() < EFFECTS.0 { EFFECTS.1 * size } else { 0.0 }
            })
            .collect();
        let mut synergy = vec![0.0; n * n];
        for ((pathway, roles), weight) in pathways.iter().zip(&roles).zip(&weights) {
            for (&a, one) in pathway.genes.iter().zip(roles) {
                for (&b, _) in pathway.genes.iter().zip(roles).filter(|(_, other)| *other != one) {
                    synergy[a as usize * n + b as usize] += weight;
                }
            }
        }
        let mut rng = key.named("noise").rng();
        let error = self.noise / (self.replicates as f64).sqrt();
        let noise: Vec<f64> = (0..n * n).map(|_| StandardNormal.sample(&mut rng)).collect();
        let names = (0..n).map(|at| format!("G{:03}", at + 1)).collect();
        let outcome = |a: usize, b: usize| {
            (-(effects[a] + effects[b])).exp() - synergy[a * n + b] + error * noise[a * n + b]
        };
        Ok(World { screen: Screen::whole(names, outcome)?, graph, pathways, weights })
    }

    fn check(&self) -> Result<(), PairsError> {
        let setting =
            |setting, found: String, expected: String| Err(PairsError::Setting { setting, found, expected });
        if !(2..=MAX_GENES).contains(&self.genes) {
            return setting("genes", self.genes.to_string(), format!("2 to {MAX_GENES}"));
        }
        if self.pathways > MAX_GENES {
            return setting("pathways", self.pathways.to_string(), format!("at most {MAX_GENES}"));
        }
        if !(0.0..=1.0).contains(&self.corruption) {
            return setting("corruption", self.corruption.to_string(), "a share from 0 to 1".into());
        }
        if !(self.noise >= 0.0 && self.noise <= 1e3) {
            return setting("noise", self.noise.to_string(), "a standard deviation from 0 to 1000".into());
        }
        if !(1..=1_000_000).contains(&self.replicates) {
            return setting("replicates", self.replicates.to_string(), "1 to 1000000".into());
        }
        Ok(())
    }

    /// The edges of a stochastic block model, of which some are lost and others made up.
    fn graph(&self, pathways: &[Pathway], roles: &[Vec<bool>], key: Key) -> Result<Graph, PairsError> {
        let mut rng = key.rng();
        let mut facts: Vec<Fact> = Vec::new();
        for (pathway, roles) in pathways.iter().zip(roles) {
            let genes = &pathway.genes;
            let regulator = rng.random_range(0..genes.len());
            for (at, &a) in genes.iter().enumerate() {
                for (other, &b) in genes.iter().enumerate().skip(at + 1) {
                    let relation = if roles[at] == roles[other] { 1 } else { 0 };
                    for relation in [relation, 2] {
                        if rng.random::<f64>() < RELATIONS[relation].1 {
                            facts.push([a, relation as u32, b]);
                        }
                    }
                }
                if at != regulator && rng.random::<f64>() < RELATIONS[3].1 {
                    facts.push([genes[regulator], 3, a]);
                }
            }
        }
        let lost = (self.corruption * facts.len() as f64).round() as usize;
        facts.shuffle(&mut rng);
        for fact in &mut facts[..lost] {
            // The lost facts give way to as many made-up ones of the same relations.
            let source = rng.random_range(0..self.genes as u32);
            let target = rng.random_range(0..self.genes as u32 - 1);
            *fact = [source, fact[1], target + u32::from(target >= source)];
        }
        Graph::new(self.genes, RELATIONS.map(|(name, _)| name.to_string()).to_vec(), facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::screen::lowest;

    #[test]
    fn the_best_pairs_lie_in_the_pathways_with_a_weight() {
        let world = WorldPlan::default().make(Key::root(3)).unwrap();
        assert_eq!(world.screen.pairs().len(), 63_190);
        let outcomes = world.screen.known().unwrap();
        let active = |pair: [u32; 2]| {
            let has = |pathway: &Pathway| pair.iter().all(|gene| pathway.genes.contains(gene));
            world.pathways.iter().zip(&world.weights).any(|(pathway, &weight)| weight > 0.0 && has(pathway))
        };
        let best = lowest(&outcomes, 400);
        let inside = best.iter().filter(|&&at| active(world.screen.pairs()[at])).count();
        let all = world.screen.pairs().iter().filter(|&&pair| active(pair)).count();
        assert!(inside > 300, "{inside} of 400");
        assert!(all < 6_000, "{all} of 63190");
    }

    /// Without noise and effects, two genes differ from one by the weights of their pathways.
    #[test]
    fn outcomes_are_what_the_formula_says() {
        let plan = WorldPlan { noise: 0.0, genes: 60, pathways: 4, ..WorldPlan::default() };
        let world = plan.make(Key::root(1)).unwrap();
        let found = world.screen.known().unwrap();
        let weights: Vec<f64> = world.weights.iter().copied().filter(|weight| *weight > 0.0).collect();
        assert!(found.iter().all(|&y| y <= 1.0));
        assert!(found.contains(&1.0));
        let single = |y: &f64| weights.iter().any(|weight| (y - (1.0 - weight)).abs() < 1e-12);
        assert!(weights.is_empty() || found.iter().any(single));
    }

    #[test]
    fn corruption_keeps_the_number_of_edges_and_moves_its_share() {
        let make =
            |corruption| WorldPlan { corruption, ..WorldPlan::default() }.make(Key::root(2)).unwrap().graph;
        let (clean, corrupted) = (make(0.0), make(0.3));
        let kept = corrupted.facts().iter().filter(|fact| clean.facts().binary_search(fact).is_ok()).count();
        let share = kept as f64 / clean.facts().len() as f64;
        assert!((share - 0.7).abs() < 0.02, "{share}");
        assert!(corrupted.facts().len() > clean.facts().len() * 98 / 100);
        assert_eq!(make(0.3), corrupted);
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let refused = |plan: WorldPlan| plan.make(Key::root(0)).unwrap_err().to_string();
        let default = WorldPlan::default();
        assert!(refused(WorldPlan { genes: 1, ..default }).contains("genes is 1"));
        assert!(refused(WorldPlan { genes: 2_001, ..default }).contains("2 to 2000"));
        assert!(refused(WorldPlan { corruption: 1.5, ..default }).contains("corruption is 1.5"));
        assert!(refused(WorldPlan { noise: f64::NAN, ..default }).contains("noise is NaN"));
        assert!(refused(WorldPlan { replicates: 0, ..default }).contains("replicates is 0"));
        for genes in [2, 3, 13] {
            assert!(WorldPlan { genes, ..default }.make(Key::root(0)).is_ok());
        }
    }
}
