//! The training loop of one team.

use super::team::{CHUNK, DropKeys, RowPointers, Team};
use super::update::Clocks;
use super::vector::LINE;
use crate::learner::plan::{Stop, TrainPlan};
use crate::learner::schedule::LaneRun;
use crate::learner::virtual_rows::Aim;

/// Trains a team from the weights and moments packed in it, and from where its clocks stand.
/// `done(team, clocks, lane)` is called for each lane when its training ends, while its weights are still
/// in the team; not for a lane that diverged.
pub(super) fn fit(
    team: &mut Team,
    lanes: &mut [LaneRun<'_>],
    clocks: &mut Clocks,
    plan: &TrainPlan,
    dropout: f32,
    mut done: impl FnMut(&Team, &Clocks, usize),
) {
    assert!(lanes.len() <= LINE, "networks of a team");
    team.soften(lanes.iter().any(LaneRun::is_soft));
    while lanes.iter().any(|lane| lane.is_active()) {
        let mut counts = [0; LINE];
        let mut scale = [0.0; LINE];
        for (index, lane) in lanes.iter_mut().enumerate() {
            lane.begin_step();
            counts[index] = lane.rows_left();
            if lane.is_active() {
                scale[index] = 1.0 / counts[index] as f32;
            }
        }
        let drop = (dropout > 0.0).then(|| drop_keys(lanes, dropout));
        let losses = gradient(team, lanes, plan, &counts, &scale, drop.as_ref());
        for (index, lane) in lanes.iter_mut().enumerate() {
            if lane.is_active() && !losses[index].is_finite() {
                lane.diverge();
            }
        }
        team.update(clocks, plan.weight_decay);
        let mut ended = [false; LINE];
        for (index, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.is_active()) {
            ended[index] = lane.end_step(losses[index], counts[index]);
        }
        let held = match plan.stop {
            Stop::Validation { .. } if ended.contains(&true) => held_losses(team, lanes, plan, &ended),
            _ => [0.0; LINE],
        };
        for (index, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.is_active()) {
            if !lane.goes_on(ended[index], held[index]) {
                lane.stop_here();
                done(team, clocks, index);
            }
        }
    }
}

/// The gradient of one step, chunk after chunk; gives each lane's sum of losses.
fn gradient(
    team: &mut Team,
    lanes: &[LaneRun<'_>],
    plan: &TrainPlan,
    counts: &[usize; LINE],
    scale: &[f32; LINE],
    drop: Option<&DropKeys>,
) -> [f64; LINE] {
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut sums = [0.0; LINE];
    team.transpose_weights();
    for first in (0..most).step_by(CHUNK) {
        let rows = CHUNK.min(most - first);
        for row in 0..rows {
            load(team, row, lanes.len(), |index| {
                (first + row < counts[index]).then(|| lanes[index].example(first + row))
            });
        }
        // Networks that have stopped may compute what they like: nobody reads it.
        let end = |index: usize| match lanes.get(index) {
            Some(lane) if lane.is_active() => counts[index].saturating_sub(first).min(rows),
            _ => rows,
        };
        let ends: [usize; LINE] = std::array::from_fn(end);
        let ends = ends.iter().any(|&end| end < rows).then_some(&ends);
        team.forward(rows, first, drop, ends);
        team.losses(plan.loss, rows, scale, true);
        team.backward(rows, first > 0, drop, ends);
        add_losses(team, &mut sums, rows, lanes.len());
    }
    sums
}

/// The mean loss on the validation rows of the lanes marked in `which`.
fn held_losses(
    team: &mut Team,
    lanes: &[LaneRun<'_>],
    plan: &TrainPlan,
    which: &[bool; LINE],
) -> [f64; LINE] {
    let mut counts = [0; LINE];
    for (index, lane) in lanes.iter().enumerate().filter(|(index, _)| which[*index]) {
        counts[index] = lane.held().0.len();
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut sums = [0.0; LINE];
    for first in (0..most).step_by(CHUNK) {
        let rows = CHUNK.min(most - first);
        for row in 0..rows {
            load(team, row, lanes.len(), |index| {
                (first + row < counts[index]).then(|| lanes[index].held_row(first + row))
            });
        }
        team.forward(rows, 0, None, None);
        team.losses(plan.loss, rows, &[0.0; LINE], false);
        add_losses(team, &mut sums, rows, lanes.len());
    }
    std::array::from_fn(|index| sums[index] / counts[index].max(1) as f64)
}

/// Puts one row per lane, input and target, into row `row` of the chunk; nothing where a lane has none.
fn load<'a>(
    team: &mut Team,
    row: usize,
    lanes: usize,
    example: impl Fn(usize) -> Option<(&'a [f32], Aim<'a>)>,
) {
    if !team.is_side_by_side() {
        if let Some((input, aim)) = example(0) {
            team.set_input(row, input);
            team.set_aim(row, 0, Some(aim));
        }
        return;
    }
    let mut inputs: RowPointers<'_> = [&[]; LINE];
    for (index, input) in inputs.iter_mut().enumerate().take(lanes) {
        let found = example(index);
        *input = found.map_or(&[], |(own, _)| own);
        team.set_aim(row, index, found.map(|(_, aim)| aim));
    }
    team.set_inputs(row, &inputs);
}

fn add_losses(team: &Team, sums: &mut [f64; LINE], rows: usize, lanes: usize) {
    for row in 0..rows {
        for (lane, sum) in sums.iter_mut().enumerate().take(lanes) {
            *sum += f64::from(team.loss(row, lane));
        }
    }
}

fn drop_keys(lanes: &[LaneRun<'_>], rate: f32) -> DropKeys {
    let mut keys = DropKeys { rate, keys: [[0; LINE]; 2] };
    // A line that is one network takes its words throughout; lanes without a network take any.
    for index in 0..LINE {
        keys.set(index, lanes[index.min(lanes.len() - 1)].drop_word());
    }
    keys
}
