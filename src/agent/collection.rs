//! States for imitation: visited in simulated episodes, with one label looked ahead in each.
//!
//! Reward rows only. What the expert thinks of the candidates is kept, whoever continues the episode.

use super::guard::Range;
use super::imitation::LabelledState;
use super::network::Network;
use super::parts::{self, Parts};
use super::rollouts::{BasePolicy, mean_worth, rollouts};
use super::simulation::{Source, best_of, select};
use super::spread::{self, Acting, Tasks, Weights, Work};
use crate::data::RowId;
use crate::episode::features::SCHEMA;
use crate::episode::{Episodes, Observation, Reference, Replicate, features};
use crate::error::Result;
use crate::query::usual;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::index;
use serde::{Deserialize, Serialize};
use std::ops::Range as Span;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How states for imitation are collected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectPlan {
    /// Episodes per source task.
    pub episodes: usize,
    /// States per episode in which one label is looked ahead.
    pub states: usize,
    /// Candidates that are looked ahead per state.
    pub candidates: usize,
    /// The part of a gain that is not accuracy but the mean probability of the true class.
    pub soft: f64,
    /// Queries of one row over which a label's gain is averaged: with 1 the next alone. Those after the first are margin's, or
    /// those of the network that plays.
    pub horizon: usize,
    /// Candidates that a state keeps beside the looked-ahead ones. A network that pools over the candidates learns from them what it
    /// will see in use ([`CONTEXT`]); to a linear one they are nothing.
    pub context: usize,
}

/// Context enough for what a network pools.
pub const CONTEXT: usize = 48;

impl CollectPlan {
    /// States of one episode of so many rounds that are looked ahead in.
    pub fn visits(&self, rounds: usize) -> usize {
        self.states.min(rounds)
    }

    /// States of all episodes on `source` that are looked ahead in.
    pub fn states_on(&self, source: &Source) -> usize {
        self.episodes * self.visits(source.rounds())
    }
}

/// What was seen on the way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collected {
    /// The states in which a label was looked ahead.
    pub states: Vec<LabelledState>,
    /// The globals of those states, and of the first and the last of every episode, which bound what an
    /// episode comes through.
    pub range: Range,
}

impl Collected {
    fn join(parts: Vec<Collected>) -> Self {
        parts.into_iter().fold(Self::default(), |mut all, part| {
            all.states.extend(part.states);
            Self { range: all.range.unite(&part.range), states: all.states }
        })
    }

    /// Refuses states and ranges of other features than the schema's, as only a part of another training has.
    fn check(&self, name: &str) -> Result<()> {
        let globals = SCHEMA.global.len();
        for state in &self.states {
            state.observation.check(SCHEMA.candidate.len(), globals)?;
        }
        self.range.check(globals).map_err(|reason| parts::unsound(name, reason))
    }
}

/// Called with what has just been done; an error ends the work. Must be quick, and may be called from any
/// thread.
pub type Watch<'a> = &'a (dyn Fn() -> Result<()> + Sync);

/// Who continues an episode whose states are collected. What is learned from a state does not depend on it.
#[derive(Clone, Copy, Debug)]
pub enum Behaviour<'a> {
    /// Random rows, those of the [usual] strategy (margin, where targets are classes), or the best row found, drawn anew at every step, so that the states cover what
    /// good and bad policies come through.
    Mixture,
    /// A network, without drawing, over at most `cap` candidates; by one coin per episode, the mixture with
    /// the chance `others`.
    Policy { network: &'a Network, others: f64, cap: usize },
}

/// [`collect_by`] the mixture.
pub fn collect<'a>(
    tasks: impl Into<Tasks<'a>>,
    first_task: u32,
    plan: CollectPlan,
    key: Key,
    parts: &dyn Parts,
    watch: Watch<'_>,
) -> Result<Collected> {
    collect_by(Behaviour::Mixture, tasks, first_task, plan, key, parts, watch)
}

/// Visits states of every source and measures the one-step gain of some candidates in each.
///
/// `first_task` numbers the first source in the states; `parts` keeps the episodes of every bank, under a name
/// of `key`; `watch` is called after each source.
pub fn collect_by<'a>(
    behaviour: Behaviour<'_>,
    tasks: impl Into<Tasks<'a>>,
    first_task: u32,
    plan: CollectPlan,
    key: Key,
    parts: &dyn Parts,
    watch: Watch<'_>,
) -> Result<Collected> {
    let Tasks { sources, side } = tasks.into();
    let banks = banks(sources, &plan);
    let name = |(at, episodes): &Bank| {
        // Tasks may have equal content, and so one key.
        let task = first_task + *at as u32;
        parts::name(&format!("states/{task}"), key.named(&sources[*at].identity), episodes.start)
    };
    let names: Vec<String> = banks.iter().map(name).collect();
    let work = side.map(|side| {
        move || {
            let acting = match behaviour {
                Behaviour::Mixture => Acting::Mixture,
                Behaviour::Policy { network, others, cap } => {
                    Acting::Policy { network: Weights::of(network), others, cap }
                }
            };
            Work::States { acting, side, first_task, plan, key }
        }
    });
    let left: Vec<AtomicUsize> =
        sources.iter().map(|source| AtomicUsize::new(plan.episodes.div_ceil(source.envs()))).collect();
    let collected = spread::pieces(
        parts,
        work.as_ref().map(|work| work as &dyn Fn() -> Work),
        &names,
        |at, kept: &Collected| kept.check(&names[at]),
        |at| collect_bank(behaviour, sources, first_task, banks[at].clone(), plan, key),
        |at| match left[banks[at].0].fetch_sub(1, Ordering::Relaxed) {
            1 => watch(),
            _ => Ok(()),
        },
    )?;
    Ok(Collected::join(collected))
}

/// A source and those of its episodes that advance in one bank.
pub(super) type Bank = (usize, Span<usize>);

/// The banks of all sources, in order.
pub(super) fn banks(sources: &[Source], plan: &CollectPlan) -> Vec<Bank> {
    let of = |(at, source): (usize, &Source)| {
        let (episodes, envs) = (plan.episodes, source.envs());
        (0..episodes).step_by(envs).map(move |first| (at, first..(first + envs).min(episodes)))
    };
    sources.iter().enumerate().flat_map(of).collect()
}

/// The states of the episodes of one bank.
pub(super) fn collect_bank(
    behaviour: Behaviour<'_>,
    sources: &[Source],
    first_task: u32,
    (at, episodes): Bank,
    plan: CollectPlan,
    key: Key,
) -> Result<Collected> {
    let (source, task) = (&sources[at], first_task + at as u32);
    let key = key.named(&source.identity);
    let mut collected = Collected::default();
    let replicates: Vec<Replicate> =
        episodes.map(|index| source.replicate(key.named("seat"), index)).collect();
    let rounds = source.rounds();
    let visited: Vec<Vec<usize>> = replicates
        .iter()
        .map(|replicate| {
            index::sample(&mut replicate.key.named("visited").rng(), rounds, plan.visits(rounds)).into_vec()
        })
        .collect();
    let acting = |env: usize| match behaviour {
        Behaviour::Policy { network, others, cap } => {
            let coin: f64 = replicates[env].key.named("coin").rng().random();
            (coin >= others).then_some((network, cap))
        }
        Behaviour::Mixture => None,
    };
    let mut episodes = Episodes::reset(&source.learning_plan(), &replicates)?;
    for round in 0..rounds {
        let live = episodes.live().into_iter();
        let looking: Vec<usize> = live.filter(|&env| visited[env].contains(&round)).collect();
        let gains = gains(&episodes, &looking, plan, acting)?;
        let pick = |episodes: &Episodes, env: usize| {
            let step = replicates[env].key.named("step").at(round as u64);
            let found = looking.iter().position(|&other| other == env).map(|at| &gains[at]);
            if found.is_some() || round == 0 || round + 1 == rounds {
                let signals = episodes.signals(env, features::needs(), step);
                let view = episodes.view(env, &signals);
                let seen = features::observe(&view, episodes.batch(env), usize::MAX, step)?;
                collected.range.include(&seen.globals);
                collected
                    .states
                    .extend(found.map(|gains| labelled(&seen, gains, (task, plan.context), step)));
            }
            match acting(env) {
                Some((network, cap)) => best_of(network, episodes, env, cap, step),
                None => continue_by(episodes, env, found, step),
            }
        };
        episodes.round(pick, |_, _, _| ())?;
    }
    Ok(collected)
}

/// What labels of some candidates are worth in each of the episodes `looking`. Gains are centred within a state, so that what they are
/// gains over makes no difference.
fn gains<'a>(
    episodes: &Episodes,
    looking: &[usize],
    plan: CollectPlan,
    acting: impl Fn(usize) -> Option<(&'a Network, usize)>,
) -> Result<Vec<Vec<(RowId, f32)>>> {
    if plan.horizon == 1 {
        return episodes.look_ahead(looking, plan.candidates, plan.soft, Reference::Present);
    }
    let of_one = |&env: &usize| {
        let rows = episodes.sample_candidates(env, plan.candidates);
        let base = match acting(env) {
            Some((network, cap)) => BasePolicy::Network { network, cap },
            None => BasePolicy::Strategy(usual(episodes.replicate(env).prepared.task().kind())),
        };
        let key = episodes.replicate(env).key.named("rollout").at(u64::from(episodes.state(env).round));
        let before = episodes.judged(env, plan.soft);
        let worths = rollouts(episodes, env, &rows, (plan.horizon, plan.soft), base, key)?;
        Ok(rows
            .into_iter()
            .zip(worths)
            .map(|(row, worths)| (row, (mean_worth(&worths) - before) as f32))
            .collect())
    };
    looking.iter().map(of_one).collect()
}

/// The looked-ahead candidates of an observation with their gains, and after them some more: the context.
fn labelled(
    seen: &Observation,
    gains: &[(RowId, f32)],
    (task, context): (u32, usize),
    key: Key,
) -> LabelledState {
    let place = |row: &RowId| seen.candidates.binary_search(row).expect("every candidate is shown");
    let mut places: Vec<usize> = gains.iter().map(|(row, _)| place(row)).collect();
    let others: Vec<usize> = (0..seen.candidates.len()).filter(|at| !places.contains(at)).collect();
    let drawn = index::sample(&mut key.named("context").rng(), others.len(), context.min(others.len()));
    places.extend(drawn.iter().map(|at| others[at]));
    LabelledState {
        observation: Observation {
            candidates: places.iter().map(|&at| seen.candidates[at]).collect(),
            features: seen.features.gather(places),
            globals: seen.globals.clone(),
        },
        gains: gains.iter().map(|&(_, gain)| gain).collect(),
        task,
    }
}

fn continue_by(
    episodes: &Episodes,
    env: usize,
    gains: Option<&Vec<(RowId, f32)>>,
    key: Key,
) -> Result<Vec<RowId>> {
    let batch = episodes.batch(env);
    let mut rng = key.named("behaviour").rng();
    let coin: f32 = rng.random();
    if let (Some(gains), true, true) = (gains, coin < 0.5, batch == 1) {
        let best = gains.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        return Ok(best.map(|&(row, _)| row).into_iter().collect());
    }
    let usual = usual(episodes.replicate(env).prepared.task().kind());
    select(episodes, env, if coin < 0.75 { usual } else { "random" }, key)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Kept, sources};
    use super::*;

    /// Whatever is kept when collection ends is not made again, and the states are those of one that did not end.
    #[test]
    fn collection_goes_on_from_its_parts() {
        let sources = sources();
        // Two banks of every source.
        let plan =
            CollectPlan { episodes: 18, states: 1, candidates: 2, soft: 0.5, horizon: 1, context: CONTEXT };
        let go = |parts: &Kept| collect(&sources, 3, plan, Key::root(1), parts, &|| Ok(()));
        let whole = Kept::default();
        let expected = go(&whole).unwrap();
        assert_eq!((whole.made(), expected.states.len()), (4, 2 * 18));
        for last in 1..=4 {
            let parts = Kept::default();
            parts.stop_after(last);
            go(&parts).unwrap_err();
            parts.stop_after(usize::MAX);
            assert_eq!(go(&parts).unwrap(), expected, "ended after part {last}");
            assert_eq!((parts.made(), parts.names()), (4, whole.names()));
        }
        for change in [
            |kept: &mut Collected| kept.states[0].observation.globals.truncate(2),
            |kept: &mut Collected| {
                kept.range = Range::default().unite(&{
                    let mut range = Range::default();
                    range.include(&[0.5]);
                    range
                })
            },
        ] {
            let (parts, name) = (Kept::default(), &whole.names()[0]);
            let mut kept: Collected = parts::recall(&whole, name).unwrap().unwrap();
            change(&mut kept);
            parts::keep(&parts, name, &kept).unwrap();
            assert_eq!(go(&parts).unwrap_err().exit(), crate::error::Exit::BadInput);
        }
    }

    #[test]
    fn gains_are_what_the_next_label_brings() {
        for source in sources() {
            let replicates = [source.replicate(Key::root(3), 0)];
            let start = || Episodes::reset(&source.learning_plan(), &replicates).unwrap();
            let gains = |soft| start().look_ahead(&[0], 6, soft, Reference::Present).unwrap().remove(0);
            let (hard, mixed, soft) = (gains(0.0), gains(0.25), gains(1.0));
            for ((&(row, hard), (_, mixed)), (_, soft)) in hard.iter().zip(mixed).zip(&soft) {
                let mut episodes = start();
                let before = episodes.state(0).reward_accuracy;
                episodes.step(&[(0, vec![row])]).unwrap();
                let after = episodes.state(0).reward_accuracy;
                assert!(
                    (f64::from(hard) - (after - before)).abs() < 1e-6,
                    "{row:?}: {hard} {before} {after}"
                );
                assert!((mixed - (0.75 * hard + 0.25 * soft)).abs() < 1e-6, "{row:?}: {hard} {mixed} {soft}");
            }
            // Probabilities move with every label, accuracy by whole rows.
            assert!(soft.iter().all(|(_, gain)| *gain != 0.0 && gain.abs() < 1.0), "{soft:?}");
            assert_ne!(hard, soft);
        }
    }

    /// Over three queries a candidate is worth the mean of what its rollout comes to; candidates and all else are those of one query.
    #[test]
    fn a_horizon_averages_rollouts() {
        let sources = &sources()[..1];
        let plan =
            CollectPlan { episodes: 2, states: 2, candidates: 3, soft: 0.5, horizon: 1, context: CONTEXT };
        let go =
            |plan| collect(&sources.to_vec(), 0, plan, Key::root(1), &Kept::default(), &|| Ok(())).unwrap();
        let (one, three) = (go(plan), go(CollectPlan { horizon: 3, ..plan }));
        assert_eq!(three, go(CollectPlan { horizon: 3, ..plan }));
        assert_eq!(one.states[0].observation, three.states[0].observation);
        assert_ne!(one.states[0].gains, three.states[0].gains);
    }
}
