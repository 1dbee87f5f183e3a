//! [`suggest`]: the pairs to measure next, of a screen that is being measured in earnest.

use super::campaign::CampaignPlan;
use super::ensemble::{Beliefs, Ensemble};
use super::error::PairsError;
use super::graph::Graph;
use super::rules::{PairView, build};
use super::screen::Screen;
use crate::error::Result;
use crate::rng::Key;

/// A pair to measure, and what the networks expect of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// One gene and the other.
    pub genes: [String; 2],
    /// The mean and the standard deviation of the predictions; none of a rule without networks.
    pub expected: Option<[f64; 2]>,
}

/// The plan's `batch` of the pairs without an outcome, by `rule`, with networks fitted to the others. The choice counts as the last
/// one of a campaign.
///
/// # Errors
/// [`PairsError::Few`] pairs with or without an outcome, [`PairsError::Setting`], what is wrong with the rule, and
/// [`PairsError::Diverged`].
pub fn suggest(
    screen: &Screen,
    graph: &Graph,
    plan: &CampaignPlan,
    rule: &str,
    key: Key,
) -> Result<Vec<Suggestion>> {
    plan.check_members()?;
    let rule = build(rule)?;
    let place = |known: bool| {
        let outcomes = screen.outcomes().iter().enumerate();
        outcomes.filter(move |(_, y)| y.is_some() == known).map(|(at, _)| at as u32).collect::<Vec<u32>>()
    };
    let (seen, hidden) = (place(true), place(false));
    let few = |what, found: usize, needed: usize, why: &str| -> Result<()> {
        Err(PairsError::Few { what, found, needed, why: why.to_string() }.into())
    };
    if hidden.len() < plan.batch || hidden.is_empty() {
        few("pairs without an outcome", hidden.len(), plan.batch.max(1), "the next batch")?;
    }
    if rule.needs_beliefs() && seen.len() < 2 {
        few("pairs with an outcome", seen.len(), 2, "networks; begin with the rule `random`")?;
    }
    let beliefs = if rule.needs_beliefs() {
        // Places without an outcome are not looked at.
        let outcomes: Vec<f64> = screen.outcomes().iter().map(|y| y.unwrap_or(f64::NAN)).collect();
        let genes = screen.genes().len();
        let ensemble = Ensemble::new(plan.network, graph, genes, plan.members, key.named("networks"));
        ensemble.fit(screen, graph, &outcomes, &seen, 1)?
    } else {
        Beliefs { predictions: Vec::new(), embeddings: Vec::new() }
    };
    let pairs = screen.pairs();
    let view = PairView { beliefs: &beliefs, pairs, hidden: &hidden, seen: &seen, choice: [1, 1] };
    let picks = rule.choose(&view, plan.batch, key.named("choice"))?;
    let one = |pair: u32| Suggestion {
        genes: pairs[pair as usize].map(|gene| screen.genes()[gene as usize].clone()),
        expected: rule.needs_beliefs().then(|| [beliefs.mean(pair), beliefs.deviation(pair)]),
    };
    Ok(picks.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::network::NetworkPlan;
    use crate::pairs::world::WorldPlan;
    use std::collections::HashMap;

    #[test]
    fn open_pairs_are_suggested_and_nothing_else() {
        let plan = WorldPlan { genes: 20, pathways: 3, ..WorldPlan::default() };
        let world = plan.make(Key::root(4)).unwrap();
        let whole = &world.screen;
        let entries: HashMap<[u32; 2], Option<f64>> =
            (whole.pairs().iter().zip(whole.outcomes()).enumerate())
                .map(|(at, (&pair, &outcome))| (pair, outcome.filter(|_| at % 3 == 0)))
                .collect();
        let screen = Screen::new(whole.genes().to_vec(), entries).unwrap();
        let network = NetworkPlan { width: 8, hidden: 8, pretraining: 20, epochs: 20, ..Default::default() };
        let plan = CampaignPlan { batch: 10, members: 3, network, ..CampaignPlan::default() };
        for rule in ["max_optimism", "random", "greedy_explore"] {
            let found = suggest(&screen, &world.graph, &plan, rule, Key::root(1)).unwrap();
            assert_eq!(found.len(), 10);
            for pair in &found {
                let gene =
                    |name: &String| screen.genes().iter().position(|gene| gene == name).unwrap() as u32;
                let place = screen.pairs().binary_search(&[gene(&pair.genes[0]), gene(&pair.genes[1])]);
                assert_eq!(screen.outcomes()[place.unwrap()], None);
                assert_eq!(pair.expected.is_some(), rule != "random");
            }
            let low = |pair: &Suggestion| pair.expected.map_or(0.0, |[mean, _]| mean);
            assert!(rule != "greedy_explore" || found.windows(2).all(|two| low(&two[0]) <= low(&two[1])));
        }
        let refused = suggest(whole, &world.graph, &plan, "greedy", Key::root(1)).unwrap_err();
        assert!(refused.to_string().contains("0 pairs without an outcome, but 10 are needed"), "{refused}");
    }
}
