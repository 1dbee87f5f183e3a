//! The training loop of one tile.

use super::tile::{CHUNK, DropKeys, RowPointers, Tile};
use super::update::Clocks;
use super::vector::LINE;
use crate::learner::plan::{Stop, TrainPlan};
use crate::learner::schedule::ModelRun;
use crate::learner::virtual_rows::Aim;

/// Trains a tile from the weights and moments packed in it, and from where its clocks stand.
/// `done(tile, clocks, model)` is called for each model when its training ends, while its weights are still
/// in the tile; not for a model that diverged.
pub(super) fn fit(
    tile: &mut Tile,
    models: &mut [ModelRun<'_>],
    clocks: &mut Clocks,
    plan: &TrainPlan,
    dropout: f32,
    mut done: impl FnMut(&Tile, &Clocks, usize),
) {
    assert!(models.len() <= LINE, "networks of a team");
    tile.soften(models.iter().any(ModelRun::is_soft));
    while models.iter().any(|model| model.is_active()) {
        let mut counts = [0; LINE];
        let mut scale = [0.0; LINE];
        for (index, model) in models.iter_mut().enumerate() {
            model.begin_step();
            counts[index] = model.rows_left();
            if model.is_active() {
                scale[index] = 1.0 / counts[index] as f32;
            }
        }
        let drop = (dropout > 0.0).then(|| drop_keys(models, dropout));
        let losses = gradient(tile, models, plan, &counts, &scale, drop.as_ref());
        for (index, model) in models.iter_mut().enumerate() {
            if model.is_active() && !losses[index].is_finite() {
                model.diverge();
            }
        }
        tile.update(clocks, plan.weight_decay);
        let mut ended = [false; LINE];
        for (index, model) in models.iter_mut().enumerate().filter(|(_, model)| model.is_active()) {
            ended[index] = model.end_step(losses[index], counts[index]);
        }
        let held = match plan.stop {
            Stop::Validation { .. } if ended.contains(&true) => held_losses(tile, models, plan, &ended),
            _ => [0.0; LINE],
        };
        for (index, model) in models.iter_mut().enumerate().filter(|(_, model)| model.is_active()) {
            if !model.goes_on(ended[index], held[index]) {
                model.stop_here();
                done(tile, clocks, index);
            }
        }
    }
}

/// The gradient of one step, chunk after chunk; gives each model's sum of losses.
fn gradient(
    tile: &mut Tile,
    models: &[ModelRun<'_>],
    plan: &TrainPlan,
    counts: &[usize; LINE],
    scale: &[f32; LINE],
    drop: Option<&DropKeys>,
) -> [f64; LINE] {
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut sums = [0.0; LINE];
    tile.transpose_weights();
    for first in (0..most).step_by(CHUNK) {
        let rows = CHUNK.min(most - first);
        for row in 0..rows {
            load(tile, row, models.len(), |index| {
                (first + row < counts[index]).then(|| models[index].example(first + row))
            });
        }
        // Networks that have stopped may compute what they like: nobody reads it.
        let end = |index: usize| match models.get(index) {
            Some(model) if model.is_active() => counts[index].saturating_sub(first).min(rows),
            _ => rows,
        };
        let ends: [usize; LINE] = std::array::from_fn(end);
        let ends = ends.iter().any(|&end| end < rows).then_some(&ends);
        tile.forward(rows, first, drop, ends);
        tile.losses(plan.loss, rows, scale, true);
        tile.backward(rows, first > 0, drop, ends);
        add_losses(tile, &mut sums, rows, models.len());
    }
    sums
}

/// The mean loss on the validation rows of the models marked in `which`.
fn held_losses(
    tile: &mut Tile,
    models: &[ModelRun<'_>],
    plan: &TrainPlan,
    which: &[bool; LINE],
) -> [f64; LINE] {
    let mut counts = [0; LINE];
    for (index, model) in models.iter().enumerate().filter(|(index, _)| which[*index]) {
        counts[index] = model.held().0.len();
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut sums = [0.0; LINE];
    for first in (0..most).step_by(CHUNK) {
        let rows = CHUNK.min(most - first);
        for row in 0..rows {
            load(tile, row, models.len(), |index| {
                (first + row < counts[index]).then(|| models[index].held_row(first + row))
            });
        }
        tile.forward(rows, 0, None, None);
        tile.losses(plan.loss, rows, &[0.0; LINE], false);
        add_losses(tile, &mut sums, rows, models.len());
    }
    std::array::from_fn(|index| sums[index] / counts[index].max(1) as f64)
}

/// Puts one row per model, input and target, into row `row` of the chunk; nothing where a model has none.
fn load<'a>(
    tile: &mut Tile,
    row: usize,
    models: usize,
    example: impl Fn(usize) -> Option<(&'a [f32], Aim<'a>)>,
) {
    if !tile.is_side_by_side() {
        if let Some((input, aim)) = example(0) {
            tile.set_input(row, input);
            tile.set_aim(row, 0, Some(aim));
        }
        return;
    }
    let mut inputs: RowPointers<'_> = [&[]; LINE];
    for (index, input) in inputs.iter_mut().enumerate().take(models) {
        let found = example(index);
        *input = found.map_or(&[], |(own, _)| own);
        tile.set_aim(row, index, found.map(|(_, aim)| aim));
    }
    tile.set_inputs(row, &inputs);
}

fn add_losses(tile: &Tile, sums: &mut [f64; LINE], rows: usize, models: usize) {
    for row in 0..rows {
        for (model, sum) in sums.iter_mut().enumerate().take(models) {
            *sum += f64::from(tile.loss(row, model));
        }
    }
}

fn drop_keys(models: &[ModelRun<'_>], rate: f32) -> DropKeys {
    let mut keys = DropKeys { rate, keys: [[0; LINE]; 2] };
    // A line that is one network takes its words throughout; lanes without a network take any.
    for index in 0..LINE {
        keys.set(index, models[index.min(models.len() - 1)].drop_word());
    }
    keys
}
