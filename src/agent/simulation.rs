//! Where a policy's experience comes from: simulated episodes on source tasks.
//!
//! [`collect`] visits states and looks one label ahead in each, for imitation; [`Simulation`] plays whole
//! episodes against a baseline at the same seats, for policy gradients. Both read reward rows only.

use super::batch;
use super::imitation::LabelledState;
use super::network::Network;
use super::trainer::Environment;
use super::trajectory::{Decision, Returns, Trajectory};
use crate::data::RowId;
use crate::episode::{EpisodePlan, Episodes, Ground, Measure, Observation, Seat, features};
use crate::error::Result;
use crate::query::registry;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::index;
use rayon::prelude::*;
use std::sync::Arc;

/// Episodes that advance in one bank.
const LANES: usize = 16;

/// Candidates that a collected state keeps beside the looked-ahead ones.
const CONTEXT: usize = 48;

/// A task to learn from: one or more splits of it, and the episodes to play on them.
#[derive(Clone, Debug)]
pub struct Source {
    /// The data set's name.
    pub name: String,
    /// Its splits; repetitions take them in turn.
    pub grounds: Vec<Arc<Ground>>,
    /// What is played.
    pub plan: EpisodePlan,
}

impl Source {
    /// The seat of repetition `index`, derived from `key`.
    fn seat(&self, key: Key, index: usize) -> Seat {
        Seat { ground: self.grounds[index % self.grounds.len()].clone(), key: key.at(index as u64) }
    }

    /// What is learned plays its whole budget: an episode that ends at a target accuracy has no gain to
    /// compare with its baseline's in the rounds that one of the two did not play.
    fn learning_plan(&self) -> EpisodePlan {
        EpisodePlan {
            measure: Measure::Reward,
            target_accuracy: None,
            target_share: None,
            ..self.plan.clone()
        }
    }
}

/// How states for imitation are collected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectPlan {
    /// Episodes per source task.
    pub episodes: usize,
    /// States per episode in which one label is looked ahead.
    pub states: usize,
    /// Candidates that are looked ahead per state.
    pub candidates: usize,
}

/// Called with what has just been done; an error ends the work. Must be quick, and may be called from any
/// thread.
pub type Watch<'a> = &'a (dyn Fn() -> Result<()> + Sync);

/// Visits states of every source and measures the one-step gain of some candidates in each.
///
/// The episodes are continued by random rows, by margin, or by the best row found, drawn anew at every
/// step, so that the states cover what good and bad policies come through.
/// `first_task` numbers the first source in the states; `watch` is called after each source.
pub fn collect(
    sources: &[Source],
    first_task: u32,
    plan: CollectPlan,
    key: Key,
    watch: Watch<'_>,
) -> Result<Vec<LabelledState>> {
    let states: Vec<Vec<LabelledState>> = sources
        .par_iter()
        .enumerate()
        .map(|(task, source)| {
            let states = collect_one(source, first_task + task as u32, plan, key.named(&source.name))?;
            watch()?;
            Ok(states)
        })
        .collect::<Result<_>>()?;
    Ok(states.into_iter().flatten().collect())
}

fn collect_one(source: &Source, task: u32, plan: CollectPlan, key: Key) -> Result<Vec<LabelledState>> {
    let mut states = Vec::new();
    for block in (0..plan.episodes).step_by(LANES) {
        let lanes = LANES.min(plan.episodes - block);
        let seats: Vec<Seat> = (0..lanes).map(|lane| source.seat(key.named("seat"), block + lane)).collect();
        let rounds = source.plan.budget.div_ceil(source.plan.query_size);
        let visited: Vec<Vec<usize>> = seats
            .iter()
            .map(|seat| {
                index::sample(&mut seat.key.named("visited").rng(), rounds, plan.states.min(rounds))
                    .into_vec()
            })
            .collect();
        let mut episodes = Episodes::reset(&source.learning_plan(), &seats)?;
        for round in 0..rounds {
            let live = episodes.live();
            let looking: Vec<usize> =
                live.iter().copied().filter(|&lane| visited[lane].contains(&round)).collect();
            let gains = episodes.look_ahead(&looking, plan.candidates)?;
            let mut picks = Vec::with_capacity(live.len());
            for lane in live {
                let step = seats[lane].key.named("step").at(round as u64);
                let found = looking.iter().position(|&other| other == lane).map(|at| &gains[at]);
                if let Some(gains) = found {
                    let signals = episodes.signals(lane, features::needs(), step);
                    let view = episodes.view(lane, &signals);
                    let seen = features::observe(&view, episodes.batch(lane), usize::MAX, step)?;
                    states.push(labelled(&seen, gains, task, step));
                }
                picks.push((lane, continue_by(&episodes, lane, found, step)?));
            }
            episodes.step(&picks)?;
        }
    }
    Ok(states)
}

/// The looked-ahead candidates of an observation with their gains, and after them some more, so that what
/// the network pools over the candidates is like what it will see in use.
fn labelled(seen: &Observation, gains: &[(RowId, f32)], task: u32, key: Key) -> LabelledState {
    let place = |row: &RowId| seen.candidates.binary_search(row).expect("every candidate is shown");
    let mut places: Vec<usize> = gains.iter().map(|(row, _)| place(row)).collect();
    let others: Vec<usize> = (0..seen.candidates.len()).filter(|at| !places.contains(at)).collect();
    let drawn = index::sample(&mut key.named("context").rng(), others.len(), CONTEXT.min(others.len()));
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
    lane: usize,
    gains: Option<&Vec<(RowId, f32)>>,
    key: Key,
) -> Result<Vec<RowId>> {
    let batch = episodes.batch(lane);
    let mut rng = key.named("behaviour").rng();
    let coin: f32 = rng.random();
    if let (Some(gains), true, true) = (gains, coin < 0.5, batch == 1) {
        let best = gains.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        return Ok(best.map(|&(row, _)| row).into_iter().collect());
    }
    select(episodes, lane, if coin < 0.75 { "margin" } else { "random" }, key)
}

/// The picks of a registered strategy in episode `lane`.
fn select(episodes: &Episodes, lane: usize, strategy: &str, key: Key) -> Result<Vec<RowId>> {
    let mut strategy = registry::build(strategy)?;
    let signals = episodes.signals(lane, strategy.needs(), key);
    strategy.select(&episodes.view(lane, &signals), episodes.batch(lane), key.named("select"))
}

/// How episodes are played for policy gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutPlan {
    /// Source tasks per iteration, drawn anew each time.
    pub tasks: usize,
    /// Episodes of the policy per task, and as many of the baseline.
    pub episodes: usize,
    /// Who plays the same seats, for the returns to be compared with.
    pub baseline: Baseline,
    /// Most candidates that a state is described over.
    pub cap: usize,
}

/// Who plays the baseline's episodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Baseline {
    /// The policy itself, taking its best candidates instead of drawing: what remains of the difference
    /// is what the draws changed, so its variance is the least.
    #[default]
    Greedy,
    /// A registered strategy.
    Strategy(&'static str),
}

/// The strategy that validation compares with.
const REFERENCE: &str = "margin";

/// Episodes on source tasks against a baseline at the same seats; validation on other tasks.
pub struct Simulation<'a> {
    sources: &'a [Source],
    validation: &'a [Source],
    plan: RolloutPlan,
    /// Episodes per validation task.
    repetitions: usize,
    key: Key,
    /// Per validation task, the mean accuracy of [`REFERENCE`]; its episodes are the same every time.
    reference: Vec<f64>,
}

impl<'a> Simulation<'a> {
    /// Plays margin's validation episodes, `repetitions` per task: what a policy is compared with.
    pub fn new(
        sources: &'a [Source],
        validation: &'a [Source],
        plan: RolloutPlan,
        repetitions: usize,
        key: Key,
    ) -> Result<Self> {
        let reference = validation
            .par_iter()
            .map(|source| {
                let seats = validation_seats(source, repetitions, key);
                mean_accuracy(source, &seats, |episodes, lane, step| select(episodes, lane, REFERENCE, step))
            })
            .collect::<Result<_>>()?;
        Ok(Self { sources, validation, plan, repetitions, key, reference })
    }

    /// Per validation task, by how much the policy's mean accuracy over its episodes (greedy, no
    /// sampling) is above margin's.
    pub fn gains(&self, network: &Network) -> Result<Vec<f64>> {
        self.validation
            .par_iter()
            .zip(&self.reference)
            .map(|(source, reference)| {
                let seats = validation_seats(source, self.repetitions, self.key);
                let mean = mean_accuracy(source, &seats, |episodes, lane, step| {
                    let seen = see(episodes, lane, self.plan.cap, step)?;
                    let picks =
                        batch::greedy(&network.score(&seen)?, &seen.candidates, episodes.batch(lane))?;
                    Ok(picks.into_iter().map(|pick| seen.candidates[pick]).collect())
                })?;
                Ok(mean - reference)
            })
            .collect()
    }
}

impl Environment for Simulation<'_> {
    fn rollouts(&mut self, network: &Network, _iteration: u32, key: Key) -> Result<Vec<Trajectory>> {
        let count = self.plan.tasks.min(self.sources.len());
        let mut drawn = index::sample(&mut key.named("tasks").rng(), self.sources.len(), count).into_vec();
        drawn.sort_unstable();
        let trajectories: Vec<Vec<Trajectory>> = drawn
            .into_par_iter()
            .map(|task| {
                rollout(&self.sources[task], &self.plan, network, key.named(&self.sources[task].name))
            })
            .collect::<Result<_>>()?;
        Ok(trajectories.into_iter().flatten().collect())
    }

    fn validate(&mut self, network: &Network) -> Result<f64> {
        let gains = self.gains(network)?;
        Ok(gains.iter().sum::<f64>() / gains.len().max(1) as f64)
    }
}

fn see(episodes: &Episodes, lane: usize, cap: usize, key: Key) -> Result<Observation> {
    let signals = episodes.signals(lane, features::needs(), key);
    features::observe(&episodes.view(lane, &signals), episodes.batch(lane), cap, key)
}

fn validation_seats(source: &Source, repetitions: usize, key: Key) -> Vec<Seat> {
    (0..repetitions).map(|index| source.seat(key.named("validation").named(&source.name), index)).collect()
}

/// The mean accuracy on the reward rows, over all rounds after the first fit and over the seats.
fn mean_accuracy(
    source: &Source,
    seats: &[Seat],
    mut pick: impl FnMut(&Episodes, usize, Key) -> Result<Vec<RowId>>,
) -> Result<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for seats in seats.chunks(LANES) {
        let mut episodes = Episodes::reset(&source.learning_plan(), seats)?;
        loop {
            let live = episodes.live();
            if live.is_empty() {
                break;
            }
            let mut picks = Vec::with_capacity(live.len());
            for &lane in &live {
                let step = seats[lane].key.named("step").at(u64::from(episodes.standing(lane).round));
                picks.push((lane, pick(&episodes, lane, step)?));
            }
            episodes.step(&picks)?;
            for lane in live {
                sum += episodes.standing(lane).reward_accuracy;
                count += 1;
            }
        }
    }
    Ok(sum / count.max(1) as f64)
}

/// Plays one task: the policy, sampling, in the first half of the lanes, the baseline at the same seats
/// in the second.
fn rollout(source: &Source, plan: &RolloutPlan, network: &Network, key: Key) -> Result<Vec<Trajectory>> {
    let own: Vec<Seat> = (0..plan.episodes).map(|index| source.seat(key.named("seat"), index)).collect();
    let seats: Vec<Seat> = own.iter().chain(&own).cloned().collect();
    let mut episodes = Episodes::reset(&source.learning_plan(), &seats)?;
    let mut curves: Vec<Vec<f64>> =
        (0..seats.len()).map(|lane| vec![episodes.standing(lane).reward_accuracy]).collect();
    let mut decisions: Vec<Vec<Decision>> = own.iter().map(|_| Vec::new()).collect();
    loop {
        let live = episodes.live();
        if live.is_empty() {
            break;
        }
        let mut picks = Vec::with_capacity(live.len());
        for &lane in &live {
            let step = seats[lane].key.named("step").at(u64::from(episodes.standing(lane).round));
            let sampling = lane < own.len();
            if let (false, Baseline::Strategy(name)) = (sampling, plan.baseline) {
                picks.push((lane, select(&episodes, lane, name, step)?));
                continue;
            }
            let observation = see(&episodes, lane, plan.cap, step)?;
            let scores = network.score(&observation)?;
            if !sampling {
                let best = batch::greedy(&scores, &observation.candidates, episodes.batch(lane))?;
                picks.push((lane, best.into_iter().map(|pick| observation.candidates[pick]).collect()));
                continue;
            }
            let drawn =
                batch::sample(&scores, &observation.candidates, episodes.batch(lane), step.named("policy"))?;
            picks.push((lane, drawn.picks.iter().map(|&pick| observation.candidates[pick]).collect()));
            decisions[lane].push(Decision {
                observation,
                picks: drawn.picks,
                log_probability: drawn.log_probability,
            });
        }
        episodes.step(&picks)?;
        for lane in live {
            curves[lane].push(episodes.standing(lane).reward_accuracy);
        }
    }
    let (played, reference) = curves.split_at(own.len());
    Ok(decisions
        .into_iter()
        .zip(played.iter().zip(reference))
        .map(|(steps, (curve, baseline))| {
            // In units of what the baseline gains on this task, so that easy tasks do not drown the hard.
            let unit = (baseline[baseline.len() - 1] - baseline[0]).max(SMALLEST_UNIT);
            Trajectory {
                steps,
                returns: Returns::PerStep { values: areas(curve, unit), baselines: areas(baseline, unit) },
            }
        })
        .collect())
}

/// The least total gain that rewards are divided by: a task on which nothing can be gained must not be
/// blown up to noise.
const SMALLEST_UNIT: f64 = 0.05;

/// For each decision `k`, the area under the rest of the curve above its present level,
/// `Σ_{t>k} (a_t - a_k) / T`, in `unit`s. The first is the episode's normalised area over its start.
fn areas(curve: &[f64], unit: f64) -> Vec<f64> {
    let rounds = curve.len() - 1;
    (0..rounds)
        .map(|k| curve[k + 1..].iter().map(|a| a - curve[k]).sum::<f64>() / rounds as f64 / unit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_by_hand() {
        // (.2 + .3 + .3) / 3, (.1 + .1) / 3, 0; in units of a half.
        let found = areas(&[0.5, 0.7, 0.8, 0.8], 0.5);
        for (found, expected) in found.iter().zip([1.6 / 3.0, 0.4 / 3.0, 0.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
    }
}
