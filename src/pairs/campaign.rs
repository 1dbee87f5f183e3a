//! [`Campaign`]: rounds of measuring pairs, and what they found.

use super::ensemble::{Beliefs, Ensemble};
use super::error::PairsError;
use super::graph::Graph;
use super::network::NetworkPlan;
use super::rules::{PairRule, PairView, Random};
use super::screen::{Screen, lowest};
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// Members of an ensemble that are handled.
pub const MAX_MEMBERS: usize = 64;
/// Rounds that are handled.
pub const MAX_ROUNDS: usize = 10_000;

/// How a screen is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CampaignPlan {
    /// Rounds; the first is random.
    pub rounds: usize,
    /// Pairs that are measured in a round.
    pub batch: usize,
    /// How many of the lowest outcomes count as hits.
    pub top: usize,
    /// Networks.
    pub members: usize,
    /// Their sizes and how they are fitted.
    pub network: NetworkPlan,
}

impl Default for CampaignPlan {
    fn default() -> Self {
        Self { rounds: 10, batch: 200, top: 400, members: 8, network: NetworkPlan::default() }
    }
}

impl CampaignPlan {
    /// Bytes that a campaign takes at its peak, by what grows with the screen and the graph: predictions and orders of all
    /// pairs, and on each of `threads` threads the parameters of a network, its gradient and moments, and what a pass keeps.
    pub fn memory(&self, screen: &Screen, graph: &Graph, threads: usize) -> u64 {
        let genes = screen.genes().len();
        let encoder = self.network.encoder(graph, genes);
        let (parameters, pairs) = (encoder.parameters() as u64, screen.pairs().len() as u64);
        let members = self.members as u64;
        let hidden = encoder.hidden.unwrap_or(0);
        // Vectors of a pass: inputs and outputs of two layers, their transposes, and what comes back.
        let pass = (encoder.nodes * (4 * (1 + encoder.bases) * hidden + 8 * self.network.width)) as u64;
        let networks = 4 * parameters * members + 4 * (5 * parameters + pass) * members.min(threads as u64);
        let edges = 24 * 2 * graph.messages().len() as u64;
        // Beliefs of the first round and of the present one; BADGE's gradients of all hidden pairs.
        pairs * (2 * 4 * members + 64 + 4 * self.network.width as u64) + networks + edges
    }
}

/// What was found by the end of a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// From 1.
    pub round: usize,
    /// Pairs measured so far.
    pub seen: usize,
    /// How many of the [`top`](CampaignPlan::top) are among them.
    pub hits: usize,
    /// The lowest outcome among them.
    pub best: f64,
    /// The root mean squared error, over all hidden pairs, of the mean of the networks that are then fitted; none for a rule without
    /// networks, and where nothing is hidden.
    pub rmse: Option<f64>,
}

/// What a round came to, which is enough to go on behind it without fitting anything again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// See [`Round::rmse`].
    pub rmse: Option<f64>,
    /// Places of the pairs that were then chosen; none in the last round.
    pub picks: Vec<u32>,
}

/// A campaign's rounds and what it measured.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignResult {
    /// One after the other.
    pub rounds: Vec<Round>,
    /// Places of the pairs that were measured, in that order.
    pub measured: Vec<u32>,
}

/// A screen, a graph and networks; [`run`](Self::run) plays one rule. All rules begin with the same random round, and with networks that
/// were pre-trained and fitted to it once, when one was first asked for.
#[derive(Debug)]
pub struct Campaign<'a> {
    plan: CampaignPlan,
    screen: &'a Screen,
    graph: &'a Graph,
    outcomes: Vec<f64>,
    /// Per pair, whether it is among the lowest.
    top: Vec<bool>,
    first: Vec<u32>,
    /// Networks that have seen nothing but links, and what they believe after the first round.
    fitted: OnceLock<(Ensemble, Beliefs)>,
    key: Key,
}

impl<'a> Campaign<'a> {
    /// Plays the first round.
    ///
    /// # Errors
    /// [`PairsError::Setting`], [`PairsError::Few`] pairs for the plan or outcomes that are missing.
    pub fn new(plan: CampaignPlan, screen: &'a Screen, graph: &'a Graph, key: Key) -> Result<Self> {
        plan.check(screen)?;
        let outcomes = screen.known()?;
        let mut top = vec![false; outcomes.len()];
        lowest(&outcomes, plan.top).into_iter().for_each(|at| top[at] = true);
        let hidden: Vec<u32> = (0..outcomes.len() as u32).collect();
        let nothing = Beliefs::none();
        let choice = [0, plan.rounds - 1];
        let view = PairView { beliefs: &nothing, pairs: screen.pairs(), hidden: &hidden, seen: &[], choice };
        let first = Random.choose(&view, plan.batch, key.named("first"))?;
        Ok(Self { plan, screen, graph, outcomes, top, first, fitted: OnceLock::new(), key })
    }

    /// The pre-trained networks, and what they believe after the first round.
    fn fitted(&self) -> Result<&(Ensemble, Beliefs), PairsError> {
        if self.fitted.get().is_none() {
            let (plan, genes) = (&self.plan, self.screen.genes().len());
            let key = self.key.named("networks");
            let ensemble = Ensemble::new(plan.network, self.graph, genes, plan.members, key);
            let beliefs = ensemble.fit(self.screen, self.graph, &self.outcomes, &sorted(&self.first), 1)?;
            let _ = self.fitted.set((ensemble, beliefs));
        }
        Ok(self.fitted.get().expect("it was just put there"))
    }

    /// Places of the pairs that count as hits.
    pub fn top(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.top.len() as u32).filter(|&pair| self.top[pair as usize])
    }

    /// Plays one rule; `told` gets every round at its end.
    ///
    /// # Errors
    /// As [`PairRule::choose`], and [`PairsError::Diverged`].
    pub fn run(&self, rule: &dyn PairRule, mut told: impl FnMut(&Round)) -> Result<CampaignResult> {
        self.resume(rule, Vec::new(), |round, _| {
            told(round);
            Ok(())
        })
    }

    /// Goes on behind the rounds that are `done`, from the first; `told` gets every further one and what it came to. The result is that of one
    /// go.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`PairsError::Step`] for a round that cannot have been played; those of `told`.
    pub fn resume(
        &self,
        rule: &dyn PairRule,
        done: Vec<Step>,
        mut told: impl FnMut(&Round, &Step) -> Result<()>,
    ) -> Result<CampaignResult> {
        let mut done = done.into_iter();
        let mut measured = self.first.clone();
        let mut seen = vec![false; self.outcomes.len()];
        measured.iter().for_each(|&pair| seen[pair as usize] = true);
        let mut rounds = Vec::with_capacity(self.plan.rounds);
        for round in 1..=self.plan.rounds {
            let (known, hidden): (Vec<u32>, Vec<u32>) =
                (0..seen.len() as u32).partition(|&pair| seen[pair as usize]);
            let (step, new) = match done.next() {
                Some(step) => (self.checked(step, round, &hidden)?, false),
                None => (self.step(rule, round, &known, &hidden)?, true),
            };
            rounds.push(self.round(round, &measured, step.rmse));
            if new {
                told(&rounds[round - 1], &step)?;
            }
            step.picks.iter().for_each(|&pair| seen[pair as usize] = true);
            measured.extend(step.picks);
        }
        Ok(CampaignResult { rounds, measured })
    }

    /// Fits the networks to what is `known` and has the rule choose of what is `hidden`.
    fn step(&self, rule: &dyn PairRule, round: usize, known: &[u32], hidden: &[u32]) -> Result<Step> {
        let own;
        let beliefs = match (rule.needs_beliefs(), round) {
            (false, _) => {
                own = Beliefs::none();
                &own
            }
            (true, 1) => &self.fitted()?.1,
            (true, _) => {
                let ensemble = &self.fitted()?.0;
                own = ensemble.fit(self.screen, self.graph, &self.outcomes, known, round)?;
                &own
            }
        };
        let rmse = rule.needs_beliefs().then(|| beliefs.rmse(&self.outcomes, hidden)).flatten();
        if round == self.plan.rounds {
            return Ok(Step { rmse, picks: Vec::new() });
        }
        let choice = [round, self.plan.rounds - 1];
        let view = PairView { beliefs, pairs: self.screen.pairs(), hidden, seen: known, choice };
        let key = self.key.named("choice").at(round as u64);
        Ok(Step { rmse, picks: rule.choose(&view, self.plan.batch, key)? })
    }

    /// Refuses a step that no rule can have taken in this round: of pairs that are not hidden, that come twice, or of another number.
    fn checked(&self, step: Step, round: usize, hidden: &[u32]) -> Result<Step, PairsError> {
        let expected = if round == self.plan.rounds { 0 } else { self.plan.batch };
        let mut picks = step.picks.clone();
        picks.sort_unstable();
        picks.dedup();
        let found = picks.iter().filter(|pick| hidden.binary_search(pick).is_ok()).count();
        match found == expected && step.picks.len() == expected {
            true => Ok(step),
            false => Err(PairsError::Step { round, found, expected }),
        }
    }

    fn round(&self, round: usize, measured: &[u32], rmse: Option<f64>) -> Round {
        let hits = measured.iter().filter(|&&pair| self.top[pair as usize]).count();
        let best = measured.iter().map(|&pair| self.outcomes[pair as usize]).fold(f64::INFINITY, f64::min);
        Round { round, seen: measured.len(), hits, best, rmse }
    }
}

impl CampaignPlan {
    /// Refuses an ensemble of no networks, and of too many.
    pub(super) fn check_members(&self) -> Result<(), PairsError> {
        range("members", self.members, MAX_MEMBERS)
    }

    pub(super) fn check(&self, screen: &Screen) -> Result<(), PairsError> {
        self.check_members()?;
        range("rounds", self.rounds, MAX_ROUNDS)?;
        range("batch", self.batch, usize::MAX)?;
        range("top", self.top, usize::MAX)?;
        let (pairs, needed) = (screen.pairs().len(), self.rounds.saturating_mul(self.batch));
        if pairs < needed {
            let why = format!("{} rounds of {}", self.rounds, self.batch);
            return Err(PairsError::Few { what: "pairs", found: pairs, needed, why });
        }
        if pairs < self.top {
            let why = format!("hits among the best {}", self.top);
            return Err(PairsError::Few { what: "pairs", found: pairs, needed: self.top, why });
        }
        Ok(())
    }
}

/// Refuses numbers outside `1..=most`.
fn range(setting: &'static str, found: usize, most: usize) -> Result<(), PairsError> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    Err(PairsError::Setting { setting, found: found.to_string(), expected: format!("1 to {most}") })
}

fn sorted(pairs: &[u32]) -> Vec<u32> {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests;
