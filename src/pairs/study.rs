//! [`study`]: rules compared on one screen or on generated ones, and the pathways that what they found falls in.

use super::campaign::{Campaign, CampaignPlan, CampaignResult, Round, Step};
use super::error::PairsError;
use super::graph::Graph;
use super::rules;
use super::screen::Screen;
use super::world::{Pathway, WorldPlan};
use crate::error::Result;
use crate::rng::Key;
use crate::run::Ledger;
use crate::run::journal::Record;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Repetitions that are handled.
pub const MAX_REPETITIONS: usize = 1_000;

/// What is measured.
#[derive(Clone, Debug)]
pub enum Source {
    /// A new world for each repetition.
    Generated(WorldPlan),
    /// One screen; repetitions differ in the first round and in the networks.
    Given {
        /// Pairs with their outcomes.
        screen: Screen,
        /// What is known of their genes.
        graph: Graph,
        /// Sets of genes to tell what was found by.
        pathways: Vec<Pathway>,
    },
}

/// What is compared, and how often.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    /// How a screen is measured.
    pub campaign: CampaignPlan,
    /// The rules' specifications.
    pub rules: Vec<String>,
    /// How often all of them are played.
    pub repetitions: usize,
    /// Whether the graph's edges are given to other genes, by which what the graph is worth can be seen.
    pub shuffled: bool,
}

/// Pairs of one pathway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InPathway {
    /// The pathway; none for pairs that no pathway has both genes of.
    pub pathway: Option<String>,
    /// Its pairs.
    pub pairs: usize,
    /// How many of them were measured.
    pub measured: usize,
    /// How many of them are among the lowest.
    pub top: usize,
    /// How many of those were measured.
    pub hits: usize,
}

/// A pair that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// One gene and the other.
    pub genes: [String; 2],
    /// Its outcome.
    pub outcome: f64,
    /// The round that measured it.
    pub round: usize,
    /// The pathways that have both genes.
    pub pathways: Vec<String>,
}

/// One rule in one repetition.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// The rule's specification.
    pub rule: String,
    /// From 1.
    pub repetition: usize,
    /// All pairs of the screen.
    pub pairs: usize,
    /// Round by round.
    pub rounds: Vec<Round>,
    /// Pathways with pairs, most hits first, and what is in none. A pair counts in every pathway that has both its genes.
    pub pathways: Vec<InPathway>,
    /// The hits, lowest outcome first.
    pub found: Vec<Found>,
}

impl StudyPlan {
    /// Refuses what cannot be played on this source; of generated screens, the first is looked at.
    ///
    /// # Errors
    /// [`PairsError::Setting`], [`PairsError::UnknownRule`] and what is wrong with a rule's parameters; [`PairsError::Few`].
    pub fn check(&self, source: &Source, root: Key) -> Result<()> {
        self.built()?;
        match source {
            Source::Given { screen, .. } => {
                self.campaign.check(screen)?;
                screen.known()?;
            }
            Source::Generated(plan) => self.campaign.check(&plan.make(world_key(root, 1))?.screen)?,
        }
        Ok(())
    }

    fn built(&self) -> Result<Vec<Box<dyn rules::PairRule>>> {
        if !(1..=MAX_REPETITIONS).contains(&self.repetitions) {
            let expected = format!("1 to {MAX_REPETITIONS}");
            let found = self.repetitions.to_string();
            return Err(PairsError::Setting { setting: "repetitions", found, expected }.into());
        }
        if let Some(rule) = (1..self.rules.len()).find(|&at| self.rules[..at].contains(&self.rules[at])) {
            return Err(PairsError::RuleTwice { rule: self.rules[rule].clone() }.into());
        }
        self.rules.iter().map(|rule| rules::build(rule)).collect()
    }
}

/// Plays all rules in all repetitions; `told` gets the rule, the repetition and every round. With a `ledger`, every round is kept in it as it
/// ends, and those that it holds are not played again, nor told.
///
/// # Errors
/// As [`StudyPlan::check`] and [`Campaign`], before anything is computed; what writing to the ledger fails with.
pub fn study(
    source: &Source,
    plan: &StudyPlan,
    root: Key,
    mut ledger: Option<&mut Ledger>,
    mut told: impl FnMut(&str, usize, &Round),
) -> Result<Vec<Played>> {
    let built = plan.built()?;
    let mut played = Vec::new();
    for repetition in 1..=plan.repetitions {
        let key = of_repetition(root, repetition);
        let world = match source {
            Source::Generated(plan) => Some(plan.make(world_key(root, repetition))?),
            Source::Given { .. } => None,
        };
        let (screen, graph, pathways) = match (source, &world) {
            (_, Some(world)) => (&world.screen, &world.graph, &world.pathways),
            (Source::Given { screen, graph, pathways }, _) => (screen, graph, pathways),
            (Source::Generated(_), None) => unreachable!("made above"),
        };
        let shuffled = plan.shuffled.then(|| graph.shuffled(screen.genes().len(), key.named("shuffle")));
        let graph = shuffled.as_ref().unwrap_or(graph);
        let campaign = Campaign::new(plan.campaign, screen, graph, key.named("campaign"))?;
        for (rule, built) in plan.rules.iter().zip(&built) {
            let place = |round: usize| format!("pairs/{repetition}/{rule}/{round}");
            let mut done = Vec::new();
            while let Some(step) = ledger.as_ref().and_then(|ledger| ledger.output(&place(done.len() + 1))) {
                let damaged =
                    |_| PairsError::Step { round: done.len() + 1, found: 0, expected: plan.campaign.batch };
                done.push(Step::deserialize(step).map_err(damaged)?);
            }
            let mut begun = Instant::now();
            let result = campaign.resume(&**built, done, |round, step| {
                if let Some(ledger) = &mut ledger {
                    let output = serde_json::to_value(step).expect("finite numbers serialise");
                    let seconds = begun.elapsed().as_secs_f64();
                    ledger.record(vec![Record::Done { key: place(round.round), output, seconds }])?;
                }
                begun = Instant::now();
                told(rule, repetition, round);
                Ok(())
            })?;
            played.push(Played {
                rule: rule.clone(),
                repetition,
                pairs: screen.pairs().len(),
                pathways: in_pathways(screen, pathways, &result, campaign.top().collect()),
                found: found(screen, pathways, &result, plan.campaign.batch, campaign.top().collect())?,
                rounds: result.rounds,
            });
        }
    }
    Ok(played)
}

fn of_repetition(root: Key, repetition: usize) -> Key {
    root.named("repetition").at(repetition as u64)
}

/// The key of the world that a study generates for a repetition, from 1.
pub fn world_key(root: Key, repetition: usize) -> Key {
    of_repetition(root, repetition).named("world")
}

/// Per gene, the pathways that it belongs to, ascending.
fn memberships(genes: usize, pathways: &[Pathway]) -> Vec<Vec<usize>> {
    let mut of = vec![Vec::new(); genes];
    for (at, pathway) in pathways.iter().enumerate() {
        pathway.genes.iter().for_each(|&gene| of[gene as usize].push(at));
    }
    of
}

/// The pathways that both genes belong to.
fn shared(of: &[Vec<usize>], [a, b]: [u32; 2]) -> impl Iterator<Item = usize> + '_ {
    let (a, b) = (&of[a as usize], &of[b as usize]);
    a.iter().copied().filter(|pathway| b.contains(pathway))
}

fn in_pathways(
    screen: &Screen,
    pathways: &[Pathway],
    result: &CampaignResult,
    top: Vec<u32>,
) -> Vec<InPathway> {
    let of = memberships(screen.genes().len(), pathways);
    let pairs = screen.pairs();
    let mut flags = vec![[false; 2]; pairs.len()];
    result.measured.iter().for_each(|&pair| flags[pair as usize][0] = true);
    top.iter().for_each(|&pair| flags[pair as usize][1] = true);
    let names = pathways.iter().map(|pathway| Some(pathway.name.clone())).chain([None]);
    let mut rows: Vec<InPathway> =
        names.map(|pathway| InPathway { pathway, pairs: 0, measured: 0, top: 0, hits: 0 }).collect();
    for (&pair, &[measured, top]) in pairs.iter().zip(&flags) {
        let note = |row: &mut InPathway| {
            row.pairs += 1;
            row.measured += usize::from(measured);
            row.top += usize::from(top);
            row.hits += usize::from(measured && top);
        };
        let mut none = true;
        for pathway in shared(&of, pair) {
            none = false;
            note(&mut rows[pathway]);
        }
        if none {
            note(&mut rows[pathways.len()]);
        }
    }
    let outside = rows.pop();
    rows.retain(|row| row.pairs > 0);
    rows.sort_by_key(|row| std::cmp::Reverse((row.hits, row.top)));
    rows.into_iter().chain(outside).collect()
}

fn found(
    screen: &Screen,
    pathways: &[Pathway],
    result: &CampaignResult,
    batch: usize,
    top: Vec<u32>,
) -> Result<Vec<Found>> {
    let of = memberships(screen.genes().len(), pathways);
    let outcomes = screen.known()?;
    let mut hits: Vec<(usize, u32)> = result.measured.iter().copied().enumerate().collect();
    hits.retain(|(_, pair)| top.binary_search(pair).is_ok());
    hits.sort_by(|a, b| outcomes[a.1 as usize].total_cmp(&outcomes[b.1 as usize]).then(a.1.cmp(&b.1)));
    let one = |(place, pair): (usize, u32)| {
        let genes = screen.pairs()[pair as usize];
        Found {
            genes: genes.map(|gene| screen.genes()[gene as usize].clone()),
            outcome: outcomes[pair as usize],
            round: place / batch + 1,
            pathways: shared(&of, genes).map(|at| pathways[at].name.clone()).collect(),
        }
    };
    Ok(hits.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Genes 0 to 3; `left` has 0, 1 and 2, `right` 1 and 2, so that (1, 2) counts in both.
    #[test]
    fn by_hand() {
        let names = ["a", "b", "c", "d"].map(String::from).to_vec();
        let screen = Screen::whole(names, |a, b| (10 * a + b) as f64).unwrap();
        let set = |name: &str, genes: &[u32]| Pathway { name: name.into(), genes: genes.to_vec() };
        let pathways = [set("left", &[0, 1, 2]), set("right", &[1, 2]), set("empty", &[3])];
        // The pairs are 01, 02, 03, 12, 13 and 23; measured 12, 01 and then 23, 03; the lowest are 01, 02, 03 and 12.
        let result = CampaignResult { rounds: Vec::new(), measured: vec![3, 0, 5, 2] };
        let rows = in_pathways(&screen, &pathways, &result, vec![0, 1, 2, 3]);
        let row = |pathway: Option<&str>, [pairs, measured, top, hits]: [usize; 4]| InPathway {
            pathway: pathway.map(String::from),
            pairs,
            measured,
            top,
            hits,
        };
        let expected =
            [row(Some("left"), [3, 2, 3, 2]), row(Some("right"), [1, 1, 1, 1]), row(None, [3, 2, 1, 1])];
        assert_eq!(rows, expected);
        let found = found(&screen, &pathways, &result, 2, vec![0, 1, 2, 3]).unwrap();
        let told: Vec<_> = found.iter().map(|f| (f.genes.join(" "), f.round, f.pathways.join(" "))).collect();
        let expected = [("a b", 1, "left"), ("a d", 2, ""), ("b c", 1, "left right")];
        assert_eq!(told, expected.map(|(pair, round, in_)| (pair.to_string(), round, in_.to_string())));
    }
}
