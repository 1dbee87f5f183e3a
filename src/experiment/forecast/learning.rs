//! The parts of the train and the search stage.

use super::rehearsal::{Part, Piece, timed};
use super::sources::{Seen, Tasks, bytes, chunks};
use super::work::{By, Work, collected_on, played_on};
use crate::agent::{
    AdamW, AntitheticPair, Behaviour, CollectPlan, Environment, Extent, Forgetful, ImitationConfig,
    LabelledState, Network, Source, Training, collect, collect_by, collect_moves, imitate, policy_gradient,
    selection_profile,
};
use crate::arch::Space;
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::stages::search;
use crate::experiment::stages::{head, train};
use crate::learner::{Stop, TrainPlan};
use crate::rng::Key;

/// Nominal seconds of one state in one pass of imitation, and of one state whose features are shuffled.
const SECONDS_PER_STATE: f64 = 2e-4;
/// Tasks of a piece: two, so that it takes no longer than one on two threads.
const TOGETHER: usize = 2;
/// The most validation episodes of a task in a piece; what a policy takes hardly depends on how many play side by side.
const FEW_EPISODES: usize = 4;
/// The most states that a piece of imitation fits.
const MAX_STATES: usize = 768;
/// More nominal seconds than this of one search, and a piece ends before the search does.
const LONG_SEARCH: f64 = 0.5;

/// The parts of the train and the search stage, and of making the tasks that they learn from.
///
/// # Errors
/// A network that is refused.
pub fn parts<'a>(plan: &'a Plan, tasks: &'a Tasks, seen: &'a Seen) -> Result<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    let (trains, searches) = (plan.train().is_some(), plan.searches_sources());
    if trains || searches {
        // Each stage makes them, and so does the report, which shows their splits.
        let times = usize::from(trains) + usize::from(searches) + 1;
        let count = times * plan.sources().tasks() + (times - 1).max(1) * plan.sources().validation_tasks();
        let here = (tasks.sources.len() + tasks.validation.len()).max(1);
        let stage = if trains { "train" } else { "search" };
        let nominal = tasks.making.max(1e-6) * count as f64 / here as f64;
        let part = Part::new(stage, "tasks", (count as u64, "tasks"), nominal, |_| Ok(None));
        parts.push(part.known(tasks.making, here as f64 / count.max(1) as f64));
    }
    if trains {
        imitation(plan, tasks, seen, &mut parts)?;
        validation(plan, tasks, &mut parts)?;
        policy_search(plan, tasks, seen, &mut parts)?;
        others(plan, tasks, &mut parts);
    }
    if searches {
        parts.push(searching(plan, tasks, seen));
    }
    Ok(parts)
}

fn imitation<'a>(plan: &'a Plan, tasks: &'a Tasks, seen: &'a Seen, parts: &mut Vec<Part<'a>>) -> Result<()> {
    let section = plan.train().expect("called where there is a section");
    let key = Key::root(plan.seed()).named("forecast");
    let first = train::collect_plan(plan);
    let imitates = section.imitation.epochs > 0;
    let (judges, of_judges) = tasks.judges();
    let on_judges = judges.iter().map(|s| collected_on(s, &first)).sum::<Work>().times(of_judges);
    let mut work = on_judges;
    if imitates {
        work = work.plus(tasks.work(|source| collected_on(source, &first)));
        let held = tasks.validation.iter().map(|source| collected_on(source, &first)).sum::<Work>();
        work = work.plus(held.times(tasks.of_validation));
    }
    if section.evolution.iterations > 0 {
        let scale = tasks.work(|source| collected_on(source, &train::search::SCALE_PLAN));
        let share = train::search::SCALE_TASKS as f64 / plan.sources().tasks().max(1) as f64;
        work = work.plus(scale.times(share.min(1.0)));
    }
    let (mut next, mut left) = (chunks(&tasks.sources, TOGETHER), tasks.sources.len());
    let states =
        |plan: &CollectPlan| tasks.over_sources(|source| plan.states_on(source) as f64).round() as u64;
    let look_ahead = move |_| {
        if left == 0 {
            return Ok(None);
        }
        let chunk = next();
        left = left.saturating_sub(chunk.len());
        let nominal = chunk.iter().map(|(_, source)| collected_on(source, &first).nominal()).sum();
        let (found, core_seconds) = timed(|| {
            let mut found = Vec::new();
            let (numbers, sources): (Vec<usize>, Vec<Source>) = chunk.into_iter().unzip();
            for mut state in collect(&sources, 0, first, key, &Forgetful, &|| Ok(()))?.states {
                state.task = numbers[state.task as usize] as u32;
                found.push(state);
            }
            Ok(found)
        })?;
        let mut states = seen.states.lock().expect("no panic while it is held");
        if states.len() < MAX_STATES {
            states.extend(found);
        }
        Ok(Some(Piece { nominal, core_seconds }))
    };
    let count = if imitates { states(&first) } else { 0 };
    let part = Part::new("train", "look ahead", (count, "states of sources"), work.nominal(), look_ahead);
    parts.push(part.shown_as("look ahead").training(work));
    let untrained = train::untrained(plan)?;
    if imitates {
        let config = train::imitation::config(plan);
        let (start, later) = (states(&first), states(&train::imitation::dagger_plan(plan)));
        let rounds = section.dagger.rounds as u64;
        let fitted: u64 = (0..=rounds).map(|round| start + round * later).sum();
        let passes = f64::from(config.epochs);
        let nominal = fitted as f64 * passes * SECONDS_PER_STATE;
        let held_share =
            tasks.of_validation * tasks.validation.len() as f64 / plan.sources().tasks().max(1) as f64;
        let network = untrained.clone();
        let fit = move |_| {
            let known = seen.states.lock().expect("no panic while it is held").clone();
            let known = match known.is_empty() {
                false => known,
                true => collect(&tasks.sources[..1], 0, first, key, &Forgetful, &|| Ok(()))?.states,
            };
            let (training, held) = divided(known, held_share);
            let of = |epochs: u32| ImitationConfig { epochs, ..config };
            let fitted = |epochs| {
                timed(|| imitate(network.clone(), &training, &held, &of(epochs), &Forgetful, key).map(drop))
            };
            let (((), before), ((), after)) = (fitted(0)?, fitted(1)?);
            let core_seconds = before + (after - before).max(0.0) * passes;
            Ok(Some(Piece { nominal: training.len() as f64 * passes * SECONDS_PER_STATE, core_seconds }))
        };
        parts.push(Part::new("train", "imitation", (fitted, "states fitted"), nominal, fit));
        if rounds > 0 {
            let (others, cap) = (section.dagger.mixing, plan.episode().candidates);
            let dagger_plan = train::imitation::dagger_plan(plan);
            let work = tasks.work(|source| collected_on(source, &dagger_plan)).times(rounds as f64);
            let mut next = chunks(&tasks.sources, TOGETHER);
            let network = untrained.clone();
            let label = move |_| {
                let sources: Vec<Source> = next().into_iter().map(|(_, source)| source).collect();
                let behaviour = Behaviour::Policy { network: &network, others, cap };
                let nominal = sources.iter().map(|s| collected_on(s, &dagger_plan).nominal()).sum();
                let collected =
                    || collect_by(behaviour, &sources, 0, dagger_plan, key, &Forgetful, &|| Ok(()));
                let (_, core_seconds) = timed(collected)?;
                Ok(Some(Piece { nominal, core_seconds }))
            };
            let count = (rounds * later, "states of sources");
            let part = Part::new("train", "look ahead on the policy's way", count, work.nominal(), label);
            parts.push(part.shown_as("look ahead on the policy's way").training(work));
        }
    }
    let shown = judges.iter().map(|source| first.states_on(source)).sum::<usize>() as f64 * of_judges;
    let look = move |_| {
        let mut known = seen.states.lock().expect("no panic while it is held").clone();
        known.truncate(32);
        if known.is_empty() {
            known = collect(&tasks.sources[..1], 0, first, key, &Forgetful, &|| Ok(()))?.states;
        }
        let (_, core_seconds) = timed(|| train::look(plan, &untrained, &known, &Forgetful, key))?;
        Ok(Some(Piece { nominal: known.len() as f64 * SECONDS_PER_STATE, core_seconds }))
    };
    let count = (shown.round() as u64, "states of validation");
    parts.push(Part::new("train", "importance", count, shown * SECONDS_PER_STATE, look));
    Ok(())
}

/// States to fit to and states of other tasks to be judged by, as many for each as a run has.
fn divided(states: Vec<LabelledState>, held_share: f64) -> (Vec<LabelledState>, Vec<LabelledState>) {
    if held_share == 0.0 {
        return (states, Vec::new());
    }
    let every = (1.0 / held_share).round().max(1.0) as usize + 1;
    let mut numbers: Vec<u32> = states.iter().map(|state| state.task).collect();
    numbers.dedup();
    let held: Vec<u32> = numbers.into_iter().skip(1).step_by(every).collect();
    states.into_iter().partition(|state| !held.contains(&state.task))
}

fn validation<'a>(plan: &'a Plan, tasks: &'a Tasks, parts: &mut Vec<Part<'a>>) -> Result<()> {
    let section = plan.train().expect("called where there is a section");
    let repetitions = section.validation_episodes;
    let untrained = train::untrained(plan)?;
    let evaluations = train::evaluations(plan);
    let (judges, of_judges) = tasks.judges();
    // Margin once, the policy at every evaluation, and once more to see what it asks for.
    let plays = if tasks.validation.is_empty() { 1 } else { 2 + evaluations };
    let work = judges
        .iter()
        .map(|source| played_on(source, By::Policy))
        .sum::<Work>()
        .times(of_judges * (repetitions as u64 * plays) as f64);
    let (mut next, mut left) = (chunks(judges, TOGETHER), judges.len());
    let play = move |_| {
        if left == 0 {
            return Ok(None);
        }
        let chunk: Vec<Source> = next().into_iter().map(|(_, source)| source).collect();
        left = left.saturating_sub(chunk.len());
        let one: f64 = chunk.iter().map(|source| played_on(source, By::Policy).nominal()).sum();
        let nominal = one * (repetitions as u64 * plays) as f64;
        let few = repetitions.min(FEW_EPISODES);
        let all = repetitions as f64 / few as f64;
        if tasks.validation.is_empty() {
            let cap = plan.episode().candidates;
            let key = Key::root(plan.seed()).named("forecast");
            let (_, core_seconds) =
                timed(|| selection_profile(&chunk, &untrained, few, cap, &Forgetful, key))?;
            return Ok(Some(Piece { nominal, core_seconds: core_seconds * all }));
        }
        let (simulation, margin) = timed(|| train::simulation(plan, &[], &chunk, few, &Forgetful))?;
        let (_, policy) = timed(|| simulation.gains(&untrained))?;
        let core_seconds = (margin + policy * (1 + evaluations) as f64) * all;
        Ok(Some(Piece { nominal, core_seconds }))
    };
    let count = plan_tasks(plan, tasks) * repetitions as u64 * plays;
    let part = Part::new("train", "validation", (count, "episodes"), work.nominal(), play);
    parts.push(part.training(work));
    Ok(())
}

/// How many tasks judge at the end.
fn plan_tasks(plan: &Plan, tasks: &Tasks) -> u64 {
    let sources = plan.sources();
    (if tasks.validation.is_empty() { sources.tasks() } else { sources.validation_tasks() }) as u64
}

fn policy_search<'a>(
    plan: &'a Plan,
    tasks: &'a Tasks,
    seen: &'a Seen,
    parts: &mut Vec<Part<'a>>,
) -> Result<()> {
    let section = plan.train().expect("called where there is a section");
    let count = plan.sources().tasks();
    let mean = tasks.work(|source| played_on(source, By::Policy)).times(1.0 / count.max(1) as f64);
    let untrained = train::untrained(plan)?;
    let key = Key::root(plan.seed()).named("forecast");
    if section.evolution.iterations > 0 {
        let duels = train::duel_plan(plan);
        let played = section.evolution.iterations * duels.played(section.evolution.pairs, count);
        let work = mean.times(played as f64);
        let mut next = chunks(&tasks.sources, TOGETHER);
        let network = untrained.clone();
        let duel = move |_| {
            let chunk: Vec<Source> = next().into_iter().map(|(_, source)| source).collect();
            // As many pairs as share a bank.
            let envs = chunk.first().map_or(1, Source::envs);
            let together = (envs / (2 * duels.episodes)).clamp(1, section.evolution.pairs);
            let pair = AntitheticPair { plus: network.clone(), minus: network.clone() };
            let mut simulation = train::simulation(plan, &chunk, &[], 1, &Forgetful)?;
            let (fought, core_seconds) = timed(|| simulation.duels(&vec![pair; together], 0, key))?;
            let of = |task: u32| played_on(&chunk[task as usize], By::Policy).nominal();
            let nominal = fought.iter().map(|duel| 2.0 * f64::from(duel.episodes) * of(duel.task)).sum();
            Ok(Some(Piece { nominal, core_seconds }))
        };
        let part = Part::new("train", "evolution", (played as u64, "episodes"), work.nominal(), duel);
        parts.push(part.shown_as("evolution").training(work));
    }
    if section.policy_gradient.iterations > 0 {
        let rollouts = train::rollout_plan(plan);
        let played = section.policy_gradient.iterations * rollouts.played(count);
        // Each has its baseline on the same replicate.
        let work = mean.times(2.0 * played as f64);
        let mut next = chunks(&tasks.sources, TOGETHER);
        let network = untrained.sharpened(section.policy_gradient.sharpness as f32);
        let config = train::search::gradient_config(plan).algorithm;
        let gradient = move |_| {
            let chunk: Vec<Source> = next().into_iter().map(|(_, source)| source).collect();
            let mut simulation = train::simulation(plan, &chunk, &[], 1, &Forgetful)?;
            let (played, playing) = timed(|| simulation.rollouts(&network, 0, key))?;
            let (mut network, mut optimiser) = (network.clone(), AdamW::new(config.optimiser));
            let update = || policy_gradient::update(&mut network, &mut optimiser, &played, &config, key);
            let (_, learning) = timed(update)?;
            let decisions = played.iter().flat_map(|one| &one.steps);
            let held: f64 = decisions.map(|decision| bytes(&decision.observation)).sum();
            let mut trajectories = seen.trajectories.lock().expect("no panic while it is held");
            // Those of one piece are dropped before the next: the largest stays resident.
            if held > trajectories.1 {
                *trajectories = (played.len(), held);
            }
            let each =
                chunk.iter().take(rollouts.tasks).map(|source| played_on(source, By::Policy).nominal());
            let nominal = 2.0 * rollouts.episodes as f64 * each.sum::<f64>();
            Ok(Some(Piece { nominal, core_seconds: playing + learning }))
        };
        let part =
            Part::new("train", "policy gradient", (played as u64, "episodes"), work.nominal(), gradient);
        parts.push(part.shown_as("policy gradient").training(work));
    }
    Ok(())
}

/// What else a plan may ask to have trained.
fn others<'a>(plan: &'a Plan, tasks: &'a Tasks, parts: &mut Vec<Part<'a>>) {
    let section = plan.train().expect("called where there is a section");
    let key = Key::root(plan.seed()).named("forecast");
    let count = plan.sources().tasks();
    let mean = tasks.work(|source| played_on(source, By::Policy)).times(1.0 / count.max(1) as f64);
    let validating = (section.validation_episodes * plan.sources().validation_tasks()) as f64;
    if let Some(search) = plan.search().filter(|_| section.architecture.episodes > 0) {
        let space = search::space(search, plan.learner().dropout);
        let moves = head::move_plan(&section.architecture);
        let tried = move |source: &Source| {
            // In each round that is tried, staying and two moves.
            let states = moves.states.min(source.rounds()) * moves.trainings * 3;
            let fits = (source.rounds() + 1 + states) as f64 / (source.rounds() + 1) as f64;
            played_on(source, By::Policy).times(fits * moves.episodes as f64)
        };
        let work =
            tasks.work(tried).times(1.0 + plan.sources().validation_tasks() as f64 / count.max(1) as f64);
        let mut next = chunks(&tasks.sources, TOGETHER);
        let sample = move |_| {
            let chunk: Vec<Source> = next().into_iter().map(|(_, source)| source).collect();
            let nominal = chunk.iter().map(|source| tried(source).nominal()).sum();
            let (_, core_seconds) =
                timed(|| collect_moves(&chunk, 0, &space, moves, key, &Forgetful, &|| Ok(())))?;
            Ok(Some(Piece { nominal, core_seconds }))
        };
        let episodes = ((count + plan.sources().validation_tasks()) * moves.episodes) as u64;
        let part = Part::new("train", "try moves", (episodes, "episodes"), work.nominal(), sample);
        parts.push(part.shown_as("try moves").training(work));
    }
    let all = Extent { sources: count, validation: plan.sources().validation_tasks() };
    let repetitions = section.validation_episodes;
    for (name, algorithm) in section.algorithms.learning() {
        let [played, looks] = algorithm.episodes(all);
        let work = mean.times(played as f64 + looks as f64 * validating);
        let mut next = chunks(&tasks.sources, TOGETHER);
        let mut held = chunks(&tasks.validation, TOGETHER);
        let sample = move |_| {
            let sources: Vec<Source> = next().into_iter().map(|(_, source)| source).collect();
            let validation: Vec<Source> = held().into_iter().map(|(_, source)| source).collect();
            let (sources, validation) = (&sources[..], &validation[..]);
            let training = Training { sources, validation, repetitions, parts: &Forgetful, key };
            let core_seconds = algorithm.rehearse(training, all)?;
            Ok(core_seconds.map(|core_seconds| Piece { nominal: work.nominal(), core_seconds }))
        };
        let title = name.replace('_', " ");
        let part = Part::new("train", title.clone(), (played, "episodes"), work.nominal(), sample);
        parts.push(part.shown_as(title).training(work));
    }
}

fn searching<'a>(plan: &'a Plan, tasks: &'a Tasks, seen: &'a Seen) -> Part<'a> {
    let section = plan.search().expect("called where sources are searched");
    let space = search::space(section, plan.learner().dropout);
    let one = move |source: &Source| {
        let task = source.prepared_tasks[0].task();
        let spec = space.spec(&space.start(), task.width(), task.classes());
        let multiply_adds = spec.map_or(0.0, |spec| spec.multiply_adds() as f64);
        let train = TrainPlan { stop: Stop::Steps { steps: section.steps }, ..source.plan.train };
        Work::fit(&train, source.plan.budget, multiply_adds).times((section.folds * section.levels) as f64)
    };
    let work = tasks.work(one);
    let longest = section.budget as f64 / (f64::from(section.steps) * section.folds as f64);
    let (mut next, mut left) = (chunks(&tasks.sources, TOGETHER), tasks.sources.len());
    let sample = move |_| {
        if left == 0 {
            return Ok(None);
        }
        let chunk: Vec<Source> = next().into_iter().map(|(_, source)| source).collect();
        left = left.saturating_sub(chunk.len());
        let nominal: f64 = chunk.iter().map(|source| one(source).nominal()).sum();
        // Most searches end before their budget does; where a candidate is dear, a few have to stand for all.
        let each = nominal / chunk.len().max(1) as f64;
        let most = if each * longest <= LONG_SEARCH { longest } else { (LONG_SEARCH / each).max(1.0) };
        let budget = (most * f64::from(section.steps) * section.folds as f64).ceil() as u64;
        let short = plan.searching_at_most(budget);
        let (searched, core_seconds) = timed(|| search::on_sources(&short, &chunk, &Forgetful, &|| Ok(())))?;
        let cut =
            searched.iter().filter(|(_, charged, _)| budget < section.budget && 10 * charged >= 9 * budget);
        let cut = cut.count() as f64 / searched.len().max(1) as f64;
        let core_seconds = core_seconds * (1.0 - cut + cut * section.budget as f64 / budget as f64);
        seen.searched.lock().expect("no panic while it is held").extend(searched);
        Ok(Some(Piece { nominal, core_seconds }))
    };
    let count = (plan.sources().tasks() * section.levels) as u64;
    let part = Part::new("search", "search", (count, "searches"), work.nominal(), sample);
    part.shown_as("search")
}

/// The policy before it was trained, in whose place the trained one takes as long.
pub fn untrained(plan: &Plan) -> Result<Network> {
    train::untrained(plan)
}
