//! What moves are worth, simulated on source tasks: the states that a head learns from.
//!
//! An episode is played by random rows and margin while its network walks the space at random. In some of
//! its rounds, every move that could be made is tried: networks of that shape are trained on the labels
//! in hand, from the same keys for every move, and measured on the reward rows. The gain of a move is what it
//! brings over staying, less a penalty for each doubling of multiply-adds. One step is looked ahead: what a
//! larger network is worth in later rounds is not counted.

use super::sight::{self, MOVE, Round};
use crate::agent::collection::Watch;
use crate::agent::imitation::LabelledState;
use crate::agent::parts::{self, Parts, part};
use crate::agent::simulation::{Source, select};
use crate::arch::{ArchSpace, Domain, Point, Space};
use crate::data::Task;
use crate::episode::{Episodes, Replicate, features};
use crate::error::Result;
use crate::learner::{DeviceKind, ModelData, Start, Stop, TrainPlan, networks};
use crate::query::Needs;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::{IndexedRandom, index};
use rayon::prelude::*;
use std::ops::Range;

/// The chance that an episode's network grows by a random move after a round.
const GROWS: f64 = 0.3;

/// How moves are simulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MovePlan {
    /// Episodes per source task.
    pub episodes: usize,
    /// Rounds per episode in which moves are tried.
    pub states: usize,
    /// Networks trained per move, whose accuracies are averaged.
    pub trainings: usize,
    /// What a doubling of multiply-adds has to gain, in accuracy.
    pub penalty: f64,
}

/// Tries moves on every source. The first source is task number `first_task`; `parts` keeps the episodes of every
/// bank, under a name of `key`; `watch` is called after each source.
///
/// # Errors
/// What an episode, a training or `watch` fails with.
pub fn collect_moves(
    sources: &[Source],
    first_task: u32,
    space: &ArchSpace,
    plan: MovePlan,
    key: Key,
    parts: &dyn Parts,
    watch: Watch<'_>,
) -> Result<Vec<LabelledState>> {
    let states: Vec<Vec<LabelledState>> = sources
        .par_iter()
        .enumerate()
        .map(|(at, source)| {
            let task = first_task + at as u32;
            let key = key.named(&source.identity);
            let shape = source.prepared_tasks[0].task();
            let domain = Domain::new(*space, shape.width(), shape.classes())?;
            let blocks = (0..plan.episodes).step_by(source.envs()).map(|first| {
                let block = first..(first + source.envs()).min(plan.episodes);
                // Tasks may have equal content, and so one key.
                let name = parts::name(&format!("moves/{task}"), key, first);
                let sound = |states: &Vec<LabelledState>| {
                    let globals = sight::global_names().count();
                    states.iter().try_for_each(|state| Ok(state.observation.check(MOVE.len(), globals)?))
                };
                part(parts, &name, sound, || on_block(source, task, &domain, block, plan, key))
            });
            let states = blocks.collect::<Result<Vec<_>>>()?.concat();
            watch()?;
            Ok(states)
        })
        .collect::<Result<_>>()?;
    Ok(states.into_iter().flatten().collect())
}

/// The states of the episodes of one bank.
fn on_block(
    source: &Source,
    number: u32,
    domain: &Domain<ArchSpace>,
    block: Range<usize>,
    plan: MovePlan,
    key: Key,
) -> Result<Vec<LabelledState>> {
    let mut states = Vec::new();
    let points = domain.points();
    let needs = features::needs();
    let replicates: Vec<Replicate> = block.map(|index| source.replicate(key.named("seat"), index)).collect();
    let rounds = source.rounds();
    let tried = |replicate: &Replicate| {
        index::sample(&mut replicate.key.named("tried").rng(), rounds, plan.states.min(rounds)).into_vec()
    };
    let tried: Vec<Vec<usize>> = replicates.iter().map(tried).collect();
    // Half of the episodes from the smallest network on, half from anywhere.
    let from = |replicate: &Replicate| {
        let mut rng = replicate.key.named("from").rng();
        let start = domain.space().start();
        if rng.random::<bool>() { start } else { points.choose(&mut rng).copied().unwrap_or(start) }
    };
    let mut at: Vec<Point> = replicates.iter().map(from).collect();
    let mut episodes = Episodes::reset(&source.learning_plan(), &replicates)?;
    for (env, point) in at.iter().enumerate() {
        episodes.reshape(env, domain.spec(point)?, 0);
    }
    for round in 0..rounds {
        let live = episodes.live();
        let mut picks = Vec::with_capacity(live.len());
        let mut seen: Vec<Option<Vec<f32>>> = vec![None; replicates.len()];
        for &env in &live {
            let step = replicates[env].key.named("step").at(round as u64);
            if tried[env].contains(&round) {
                seen[env] = Some(look(&episodes, env, needs, step)?);
            }
            let margin: bool = step.named("behaviour").rng().random();
            let strategy = if margin { "margin" } else { "random" };
            picks.push((env, select(&episodes, env, strategy, step)?));
        }
        episodes.ask(&picks)?;
        for &env in &live {
            let step = replicates[env].key.named("moves").at(round as u64);
            let (rows, labels) = episodes.labelled(env);
            if let Some(globals) = seen[env].take() {
                let round = Round { at: at[env], labels: rows.len(), globals: &globals };
                let (moves, observation) = sight::options(domain, round)?;
                if moves.len() > 1 {
                    let data = ModelData {
                        inputs: replicates[env].prepared.task().pool(),
                        rows: &rows,
                        labels,
                        validation: (&[], &[]),
                        extra: None,
                    };
                    let train = source.plan.train;
                    let task = replicates[env].prepared.task();
                    let gains = gains(task, domain, &moves, data, train, plan, step)?;
                    states.push(LabelledState { observation, gains, task: number });
                }
            }
            let mut rng = step.named("walk").rng();
            let next = domain.moves(&at[env]);
            if rng.random::<f64>() < GROWS
                && let Some(&to) = next.choose(&mut rng)
            {
                at[env] = to;
                episodes.reshape(env, domain.spec(&to)?, 0);
            }
        }
        episodes.refit()?;
    }
    Ok(states)
}

/// The global features of episode `env`, as whoever plays the head sees them.
fn look(episodes: &Episodes, env: usize, needs: Needs, key: Key) -> Result<Vec<f32>> {
    let signals = episodes.signals(env, needs, key);
    // One candidate is described: the globals are of all of them whatever that number is.
    Ok(features::observe(&episodes.view(env, &signals), episodes.batch(env), 1, key)?.globals)
}

/// What each move gains over the first, which stays.
fn gains(
    task: &Task,
    domain: &Domain<ArchSpace>,
    moves: &[Point],
    data: ModelData<'_>,
    train: TrainPlan,
    plan: MovePlan,
    key: Key,
) -> Result<Vec<f32>> {
    let stop = Stop::Steps { steps: train.steps_for(data.rows.len()) };
    let train = TrainPlan { stop, start: Start::Scratch, ..train };
    let keys: Vec<Key> = (0..plan.trainings).map(|at| key.named("training").at(at as u64)).collect();
    let envs = vec![data; plan.trainings];
    let (inputs, labels) = (task.reward().inputs(), task.reward().labels());
    let mut worth = Vec::with_capacity(moves.len());
    for point in moves {
        let mut bank = networks(&domain.spec(point)?, plan.trainings, DeviceKind::Cpu)?;
        bank.fit(&envs, &train, &keys)?;
        let accuracies = (0..plan.trainings).map(|env| bank.accuracy(env, inputs, labels));
        let accuracy = accuracies.sum::<f64>() / plan.trainings as f64;
        let doublings = (domain.cost(point)?.multiply_adds as f64).log2();
        worth.push(accuracy - plan.penalty * doublings);
    }
    Ok(worth.iter().map(|own| (own - worth[0]) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::parts::Forgetful;
    use crate::agent::testing::sources;

    const PLAN: MovePlan = MovePlan { episodes: 2, states: 3, trainings: 2, penalty: 0.01 };

    fn space() -> ArchSpace {
        ArchSpace { max_blocks: 2, max_stacks: 2, ..ArchSpace::default() }
    }

    #[test]
    fn states_hold_every_move_and_do_not_depend_on_threads() {
        let sources = sources();
        let collect = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                collect_moves(&sources, 5, &space(), PLAN, Key::root(1), &Forgetful, &|| Ok(())).unwrap()
            })
        };
        let states = collect(1);
        assert_eq!(states, collect(3));
        // Two tasks, two episodes, three rounds each, but where the far corner leaves no move.
        assert!((6..=12).contains(&states.len()), "{}", states.len());
        for state in &states {
            assert_eq!(state.gains.len(), state.observation.candidates.len());
            assert!(state.gains.len() > 1 && state.gains[0] == 0.0, "staying gains nothing");
            assert!([5, 6].contains(&state.task));
        }
    }

    /// With a penalty that nothing can be worth, every move loses by what it costs.
    #[test]
    fn the_penalty_is_per_doubling_of_the_work() {
        let sources = sources();
        let plan = MovePlan { penalty: 1_000.0, ..PLAN };
        for state in collect_moves(&sources, 0, &space(), plan, Key::root(1), &Forgetful, &|| Ok(())).unwrap()
        {
            for (at, gain) in state.gains.iter().enumerate() {
                let doublings = state.observation.features.row(at)[2];
                assert!((gain + 1_000.0 * doublings).abs() <= 1.01, "{gain} {doublings}");
            }
        }
    }
}
