//! What the head sees: one row per move, and what all moves of a round share.

use crate::arch::{ArchSpace, Domain, Point, SpaceError};
use crate::data::{Matrix, RowId};
use crate::episode::Observation;
use crate::episode::features::SCHEMA;

/// The version of what the head sees. Raised whenever something is added, dropped or computed otherwise.
pub const VERSION: u32 = 1;

/// What tells moves apart, in column order; a move that stays is all zeros.
pub const MOVE: [&str; 3] = ["deepens", "spreads", "log2 of its multiply-adds over staying"];

/// What is seen of the present architecture, behind the global features of the policy.
pub const ARCHITECTURE: [&str; 4] =
    ["log2 blocks per stack", "log2 stacks", "log2 labels per class", "log2 labels per parameter, a quarter"];

/// The names of all that moves share, in order.
pub fn global_names() -> impl Iterator<Item = &'static str> {
    SCHEMA.global.iter().copied().chain(ARCHITECTURE)
}

/// A round in which a move is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// Where the network stands.
    pub at: Point,
    /// Labels in hand.
    pub labels: usize,
    /// The global features of the policy, as they were when it last asked.
    pub globals: &'a [f32],
}

/// The moves that can be made, staying first, and what the head sees of them. With a single one, there is
/// nothing to decide.
///
/// # Errors
/// If the present architecture is not in the space.
pub fn options(
    domain: &Domain<ArchSpace>,
    round: Round<'_>,
) -> Result<(Vec<Point>, Observation), SpaceError> {
    let Round { at, labels, globals } = round;
    let stay = domain.cost(&at)?;
    let mut points = vec![at];
    points.extend(domain.moves(&at));
    let mut features = Matrix::zeros(points.len(), MOVE.len());
    for (row, point) in points.iter().enumerate() {
        let work = domain.cost(point)?.multiply_adds as f64 / stay.multiply_adds as f64;
        let [deepens, spreads] =
            [point.blocks > at.blocks && point.stacks == at.stacks, point.stacks > at.stacks];
        let seen = [f32::from(deepens), f32::from(spreads), work.log2() as f32];
        features.row_mut(row).copy_from_slice(&seen);
    }
    let log2 = |value: f64| value.max(1e-9).log2() as f32;
    let own = [
        log2(at.blocks as f64),
        log2(at.stacks as f64),
        log2(labels as f64 / domain.outputs() as f64),
        // Between -12 and 3, where the others are between 0 and 5.
        log2(labels as f64 / stay.parameters as f64) / 4.0,
    ];
    let globals = globals.iter().copied().chain(own).collect();
    let candidates = (0..points.len() as u32).map(RowId).collect();
    Ok((points, Observation { candidates, features, globals }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_rows_and_staying_is_zero() {
        let domain = Domain::new(ArchSpace::default(), 64, 10).unwrap();
        let globals = vec![0.5; SCHEMA.global.len()];
        let round = Round { at: Point::new(4, 2), labels: 40, globals: &globals };
        let (points, seen) = options(&domain, round).unwrap();
        assert_eq!(points, [Point::new(4, 2), Point::new(5, 2), Point::new(3, 3)]);
        assert_eq!(seen.features.row(0), [0.0; 3]);
        assert_eq!(seen.features.row(1)[..2], [1.0, 0.0]);
        assert_eq!(seen.features.row(2)[..2], [0.0, 1.0]);
        let work = |point: &Point| domain.cost(point).unwrap().multiply_adds as f64;
        let expected = (work(&points[1]) / work(&points[0])).log2() as f32;
        assert!((seen.features.row(1)[2] - expected).abs() < 1e-6 && expected > 0.0);
        assert_eq!(seen.globals.len(), global_names().count());
        assert_eq!(seen.globals[SCHEMA.global.len()..][..3], [2.0, 1.0, 2.0]);
        seen.check(MOVE.len(), global_names().count()).unwrap();
        // At the edge of the grid only staying is left.
        let edge = Round { at: Point::new(12, 5), labels: 40, globals: &globals };
        assert_eq!(options(&domain, edge).unwrap().0, [Point::new(12, 5)]);
        let outside = Round { at: Point::new(13, 5), labels: 40, globals: &globals };
        assert!(matches!(options(&domain, outside), Err(SpaceError::Outside { .. })));
    }
}
