//! What a policy asks for over the course of an episode: where its picks lie among the candidates, by how
//! many labels there are.

use super::growth::grow;
use super::network::Network;
use super::parts::{self, Parts};
use super::simulation::{Source, measured};
use super::spread::{self, Tasks, Weights, Work};
use crate::data::{Matrix, RowId};
use crate::episode::features::{self, BatchBuilder, SCHEMA};
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// Upper ends of the phases, in labels per class; a last phase takes what is beyond.
const ENDS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

/// The picks of one phase of the episodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// The most labels per class in hand before the query; none for the last phase.
    pub up_to: Option<f64>,
    /// Rows asked for.
    pub picks: u64,
    /// Where they lie among the candidates by every feature, on average and in the schema's order: -1 where always the
    /// candidate with the smallest value is taken, 0 where it does not matter, 1 where always the largest.
    pub quantiles: Vec<f64>,
}

/// Plays `repetitions` episodes of every source and sums up what `network` asks for, by phase; phases that
/// no episode comes through are left out. `parts` keeps the sums of every source, which is a piece for its team.
///
/// # Errors
/// If an episode cannot be played.
pub fn selection_profile<'a>(
    tasks: impl Into<Tasks<'a>>,
    network: &Network,
    repetitions: usize,
    cap: usize,
    parts: &dyn Parts,
    key: Key,
) -> Result<Vec<Phase>> {
    let Tasks { sources, side } = tasks.into();
    let names: Vec<String> = (0..sources.len()).map(|at| parts::name("selection-profile", key, at)).collect();
    let work = side.map(|side| {
        move || Work::SelectionProfile { network: Weights::of(network), side, repetitions, cap, key }
    });
    let sums: Vec<Vec<Phase>> = spread::pieces(
        parts,
        work.as_ref().map(|work| work as &dyn Fn() -> Work),
        &names,
        |_, _| Ok(()),
        |at| selection_profile_on(&sources[at], network, repetitions, cap, key),
        |_| Ok(()),
    )?;
    let mut all = empty();
    for phases in sums {
        for (sum, phase) in all.iter_mut().zip(phases) {
            sum.picks += phase.picks;
            sum.quantiles.iter_mut().zip(phase.quantiles).for_each(|(sum, value)| *sum += value);
        }
    }
    all.retain(|phase| phase.picks > 0);
    for phase in &mut all {
        phase.quantiles.iter_mut().for_each(|sum| *sum /= phase.picks as f64);
    }
    Ok(all)
}

fn empty() -> Vec<Phase> {
    let phase = |up_to| Phase { up_to, picks: 0, quantiles: vec![0.0; SCHEMA.candidate.len()] };
    ENDS.into_iter().map(Some).chain([None]).map(phase).collect()
}

/// The sums of one source's episodes.
pub(super) fn selection_profile_on(
    source: &Source,
    network: &Network,
    repetitions: usize,
    cap: usize,
    key: Key,
) -> Result<Vec<Phase>> {
    let key = key.named(&source.identity);
    let mut phases = empty();
    let replicates: Vec<_> = (0..repetitions).map(|index| source.replicate(key, index)).collect();
    for replicates in replicates.chunks(source.envs()) {
        measured(source, replicates, 0.0, |episodes, env, step| -> Result<Vec<RowId>> {
            let signals = episodes.signals(env, features::needs(), step);
            let (view, batch) = (episodes.view(env, &signals), episodes.batch(env));
            let batch_builder = BatchBuilder::new(&view, batch, cap.max(batch), step)?;
            let seen = batch_builder.first().clone();
            let rows = grow(batch_builder, batch, view.ties(step), |seen| network.score(seen))?;
            let rows: Vec<RowId> = rows.into_iter().map(|(row, _)| row).collect();
            let per_class = view.labels().len() as f64 / view.classes() as f64;
            let at = ENDS.iter().position(|&end| per_class <= end).unwrap_or(ENDS.len());
            for place in rows.iter().filter_map(|row| seen.candidates.binary_search(row).ok()) {
                phases[at].picks += 1;
                for (column, sum) in phases[at].quantiles.iter_mut().enumerate() {
                    *sum += quantile(&seen.features, column, place);
                }
            }
            Ok(rows)
        })?;
    }
    Ok(phases)
}

/// Where row `place` lies among all rows by a column, from -1 to 1; equals share their mean rank.
fn quantile(features: &Matrix, column: usize, place: usize) -> f64 {
    let own = features.row(place)[column];
    let (mut below, mut above) = (0u32, 0u32);
    for row in 0..features.rows() {
        let other = features.row(row)[column];
        below += u32::from(other < own);
        above += u32::from(other > own);
    }
    (f64::from(below) - f64::from(above)) / (features.rows().max(2) - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::network::{Kind, NetworkConfig};
    use super::super::parts::Forgetful;
    use super::super::testing::{Kept, sources};
    use super::*;
    use crate::episode::features::SCHEMA;

    /// A network whose only weight is on one feature takes the largest of it in every phase.
    #[test]
    fn who_asks_for_the_largest_is_seen_to_do_so() {
        let sources = sources();
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        // Features that are not cut: at a cut, equals share their rank.
        for column in [0, 1, 4] {
            let (features, globals) = (SCHEMA.candidate.len(), SCHEMA.global.len());
            let mut network = Network::new(config, features, globals, Key::root(1)).unwrap();
            network.weights_mut().fill(0.0);
            let mut skip = Matrix::zeros(features, 1 + globals);
            skip.row_mut(column)[0] = 1.0;
            network.set_skip(&skip);
            let phases = selection_profile(&sources, &network, 3, 500, &Forgetful, Key::root(2)).unwrap();
            let parts = Kept::default();
            for _ in 0..2 {
                let again = selection_profile(&sources, &network, 3, 500, &parts, Key::root(2)).unwrap();
                assert_eq!((again, parts.made()), (phases.clone(), 2));
            }
            // Before the four queries there are 1, 4/3, 5/3 and 2 labels for each of three classes.
            let ends: Vec<_> = phases.iter().map(|phase| phase.up_to).collect();
            assert_eq!(ends, [Some(1.0), Some(2.0)]);
            assert_eq!(phases.iter().map(|phase| phase.picks).sum::<u64>(), 2 * 3 * 4);
            assert!(phases.iter().all(|phase| phase.quantiles[column] > 0.99), "{phases:?}");
            assert!(phases.iter().all(|phase| phase.quantiles.iter().any(|&value| value < 0.9)));
        }
    }

    #[test]
    fn quantiles_run_from_least_to_most_and_share_ties() {
        let features = Matrix::new(vec![5.0, 1.0, 5.0, 9.0, 0.0], 5, 1);
        let found: Vec<f64> = (0..5).map(|place| quantile(&features, 0, place)).collect();
        assert_eq!(found, [0.25, -0.5, 0.25, 1.0, -1.0]);
        assert_eq!(quantile(&Matrix::new(vec![3.0], 1, 1), 0, 0), 0.0);
    }
}
