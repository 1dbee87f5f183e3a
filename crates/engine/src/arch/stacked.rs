//! [`ArchSpace`]: `A(B, i, j)`, the space of Active-iNAS, for vectors and for images.
//!
//! Geifman & El-Yaniv, "Deep Active Learning with a Neural Architecture Search", NeurIPS 2019.

use super::block::Block;
use super::image::{Augment, Image};
use super::space::{MAX_POINTS, Space, SpaceError};
use super::spec::{MAX_BLOCKS, NetSpec};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The widest stack a space may describe.
pub const MAX_WIDTH: usize = 1 << 16;

/// `B`: the kind of block that is repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// [`Block::Residual`]: two affine maps with a skip, so that an added block starts near the
    /// identity and depth does no harm.
    #[default]
    Residual,
    /// [`Block::Dense`]: one affine map, no skip.
    Dense,
}

/// A point of [`ArchSpace`]: `i` blocks in each of `j` stacks, both counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// `i`: blocks in each stack.
    pub blocks: usize,
    /// `j`: stacks.
    pub stacks: usize,
}

impl Point {
    /// `A(B, blocks, stacks)`.
    pub fn new(blocks: usize, stacks: usize) -> Self {
        Self { blocks, stacks }
    }

    /// Blocks in all: `i * j`. Saturating: the numbers may come from a file.
    pub fn total(&self) -> usize {
        self.blocks.saturating_mul(self.stacks)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A({}, {})", self.blocks, self.stacks)
    }
}

/// How wide a stack is: `base * growth^s` units in stack `s` (from zero), rounded to the nearest
/// integer and kept within `[floor, ceiling]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Widths {
    /// Units of every block in the first stack.
    pub base: usize,
    /// Factor from one stack to the next: 0.5 halves, 1 keeps, 2 doubles.
    pub growth: f64,
    /// No stack is narrower.
    pub floor: usize,
    /// No stack is wider.
    pub ceiling: usize,
}

impl Default for Widths {
    /// 32, 64, 128, 128, …: a new stack doubles the width, as it doubles the filters of a network for
    /// images, and the ceiling keeps the far end of the grid affordable. The base is small enough for a
    /// handful of labels per class. On small tabular sets (a few hundred labels, a few hundred steps) a
    /// wider second stack pays once labels are plenty; a narrower one (0.5) never did, and depth alone
    /// hardly. With `growth = 1` the points `(4, 1)` and `(2, 2)` are one and the same network.
    fn default() -> Self {
        Self { base: 32, growth: 2.0, floor: 8, ceiling: 128 }
    }
}

impl Widths {
    /// Units of each block in stack `stack`, counted from zero.
    pub fn of(&self, stack: usize) -> usize {
        let exact = self.base as f64 * self.growth.powi(stack.min(1_000) as i32);
        // `as` saturates, so an overflow to infinity ends at the ceiling.
        (exact.round() as usize).max(self.floor).min(self.ceiling)
    }
}

/// How images are read: with it, the blocks of a space are convolutional.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// What an example's numbers are.
    pub image: Image,
    /// Whether the stem keeps the largest of every 2 x 2 places. Published: yes.
    #[serde(default = "yes")]
    pub pool: bool,
    /// Whether batch normalisation follows every convolution. Published: yes.
    #[serde(default, skip_serializing_if = "no")]
    pub norm: bool,
    /// How images are varied in training.
    #[serde(default, skip_serializing_if = "Augment::is_none")]
    pub augment: Augment,
}

fn yes() -> bool {
    true
}

fn no(value: &bool) -> bool {
    !value
}

/// The grid `A(B, i, j)`, `1 ≤ i ≤ max_blocks`, `1 ≤ j ≤ max_stacks`: `j` stacks of `i` blocks each, a
/// new stack changes the width; then a linear head.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchSpace {
    /// The kind of block.
    pub cell: Cell,
    /// The largest `i`.
    pub max_blocks: usize,
    /// The largest `j`.
    pub max_stacks: usize,
    /// Widths of the stacks.
    pub widths: Widths,
    /// Dropout after every block; for images, of the plane means before the head.
    pub dropout: f32,
    /// For images: a stem of as many filters as the first stack has, then stacks of
    /// [`Block::Convolution`], of which every later one halves the image; `widths` count filters. Without, for
    /// vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<Images>,
}

impl Default for ArchSpace {
    /// The published grid, 12 by 5, for vectors.
    fn default() -> Self {
        Self {
            cell: Cell::Residual,
            max_blocks: 12,
            max_stacks: 5,
            widths: Widths::default(),
            dropout: 0.0,
            images: None,
        }
    }
}

impl ArchSpace {
    /// The published space for images: 64 filters in the stem and the first stack, doubled from stack to stack,
    /// a pooled stem, normalised maps, flips and shifts by a tenth of the width. It is large; smaller widths make
    /// it one for a CPU.
    pub fn published(image: Image) -> Self {
        let widths = Widths { base: 64, growth: 2.0, floor: 1, ceiling: 1_024 };
        let augment = Augment { shift: image.width / 10, flip: true };
        Self { widths, images: Some(Images { image, pool: true, norm: true, augment }), ..Self::default() }
    }

    /// Numbers of an example by which the blocks can be seen without a task: the image's, or any at all.
    pub fn any_inputs(&self) -> usize {
        self.images.map_or(1, |images| images.image.numbers())
    }

    /// The blocks of a network for images.
    fn convolutions(&self, point: &Point, images: Images) -> Vec<Block> {
        let Images { image, pool, norm, augment } = images;
        let stem = Block::Stem { image, filters: self.widths.of(0), pool, norm, augment };
        let stacks = (0..point.stacks).flat_map(|stack| {
            let filters = self.widths.of(stack);
            (0..point.blocks).map(move |at| Block::Convolution { filters, halve: stack > 0 && at == 0, norm })
        });
        [stem].into_iter().chain(stacks).chain([Block::Average]).collect()
    }
}

impl Space for ArchSpace {
    type Point = Point;

    fn spec(&self, point: &Point, inputs: usize, outputs: usize) -> Result<NetSpec, SpaceError> {
        if !self.contains(point) {
            let limits =
                format!("the grid is 1..={} blocks by 1..={} stacks", self.max_blocks, self.max_stacks);
            return Err(SpaceError::Outside { point: point.to_string(), limits });
        }
        if point.total() > MAX_BLOCKS - 2 * usize::from(self.images.is_some()) {
            // Before the list of blocks is made.
            return Err(super::SpecError::Blocks { found: point.total(), limit: MAX_BLOCKS }.into());
        }
        if let Some(images) = self.images {
            let blocks = self.convolutions(point, images);
            return Ok(NetSpec::new(inputs, blocks, outputs, self.dropout)?);
        }
        let blocks = (0..point.stacks)
            .flat_map(|stack| {
                let width = self.widths.of(stack);
                let block = match self.cell {
                    Cell::Residual => Block::Residual { width },
                    Cell::Dense => Block::Dense { width },
                };
                std::iter::repeat_n(block, point.blocks)
            })
            .collect();
        Ok(NetSpec::new(inputs, blocks, outputs, self.dropout)?)
    }

    fn check(&self) -> Result<(), SpaceError> {
        let refuse = |setting, found: String, expected: &str| {
            Err(SpaceError::Setting { setting, found, expected: expected.to_string() })
        };
        let Widths { base, growth, floor, ceiling } = self.widths;
        for (setting, found) in [("max_blocks", self.max_blocks), ("max_stacks", self.max_stacks)] {
            if found == 0 {
                return refuse(setting, found.to_string(), "at least 1");
            }
        }
        let found = (self.max_blocks as u64).saturating_mul(self.max_stacks as u64);
        if found > MAX_POINTS {
            return Err(SpaceError::Points { found, limit: MAX_POINTS });
        }
        for (setting, found) in [("widths.base", base), ("widths.floor", floor), ("widths.ceiling", ceiling)]
        {
            if !(1..=MAX_WIDTH).contains(&found) {
                return refuse(setting, found.to_string(), "1 to 65536");
            }
        }
        if floor > ceiling {
            return refuse("widths.floor", floor.to_string(), "no more than widths.ceiling");
        }
        if !(growth > 0.0 && growth <= 8.0) {
            return refuse("widths.growth", growth.to_string(), "above 0 and at most 8");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse("dropout", self.dropout.to_string(), "a rate in [0, 1)");
        }
        if self.images.is_some() && self.cell != Cell::Residual {
            return refuse("cell", "dense".to_string(), "residual: blocks for images have a skip");
        }
        if let Some(images) = self.images.filter(|images| images.image.numbers() == 0) {
            return refuse("image", images.image.to_string(), "at least one number");
        }
        Ok(())
    }

    fn contains(&self, point: &Point) -> bool {
        (1..=self.max_blocks).contains(&point.blocks) && (1..=self.max_stacks).contains(&point.stacks)
    }

    /// `A(B, 1, 1)`.
    fn start(&self) -> Point {
        Point::new(1, 1)
    }

    /// `(i+1, j)`, one block more in every stack; and `(⌊ij/(j+1)⌋+1, j+1)`, the same blocks spread
    /// over one stack more. Both have more blocks in all than before, so the sequence of networks
    /// across rounds is monotone. Moves out of the grid are dropped.
    fn moves(&self, point: &Point) -> Vec<Point> {
        if !self.contains(point) {
            return Vec::new();
        }
        let stacks = point.stacks + 1;
        [Point::new(point.blocks + 1, point.stacks), Point::new(point.total() / stacks + 1, stacks)]
            .into_iter()
            .filter(|to| self.contains(to))
            .collect()
    }

    /// ±1 in `i` or `j`.
    fn neighbours(&self, point: &Point) -> Vec<Point> {
        if !self.contains(point) {
            return Vec::new();
        }
        let Point { blocks, stacks } = *point;
        [(blocks - 1, stacks), (blocks, stacks - 1), (blocks, stacks + 1), (blocks + 1, stacks)]
            .into_iter()
            .map(|(blocks, stacks)| Point::new(blocks, stacks))
            .filter(|to| self.contains(to))
            .collect()
    }

    fn points(&self) -> Vec<Point> {
        (1..=self.max_blocks)
            .flat_map(|blocks| (1..=self.max_stacks).map(move |stacks| Point::new(blocks, stacks)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::space::Domain;
    use super::*;
    use proptest::prelude::*;

    fn at(pairs: &[(usize, usize)]) -> Vec<Point> {
        pairs.iter().map(|&(blocks, stacks)| Point::new(blocks, stacks)).collect()
    }

    #[test]
    fn moves_are_those_of_the_paper() {
        let space = ArchSpace::default();
        assert_eq!(space.moves(&Point::new(1, 1)), at(&[(2, 1), (1, 2)]));
        assert_eq!(space.moves(&Point::new(4, 2)), at(&[(5, 2), (3, 3)]));
        assert_eq!(space.moves(&Point::new(12, 1)), at(&[(7, 2)]));
        assert_eq!(space.moves(&Point::new(12, 5)), at(&[]));
        assert_eq!(space.moves(&Point::new(13, 1)), at(&[]));
    }

    #[test]
    fn neighbours_are_one_unit_away() {
        let space = ArchSpace::default();
        assert_eq!(space.neighbours(&Point::new(1, 1)), at(&[(1, 2), (2, 1)]));
        assert_eq!(space.neighbours(&Point::new(4, 2)), at(&[(3, 2), (4, 1), (4, 3), (5, 2)]));
        assert_eq!(space.neighbours(&Point::new(12, 5)), at(&[(11, 5), (12, 4)]));
    }

    #[test]
    fn a_network_has_i_blocks_in_each_of_j_stacks() {
        let space = ArchSpace::default();
        let spec = space.spec(&Point::new(2, 3), 64, 10).unwrap();
        assert_eq!(spec.to_string(), "64-r32-r32-r64-r64-r128-r128-10");
        let halving = Widths { growth: 0.5, floor: 6, ..Widths::default() };
        assert_eq!((0..4).map(|s| halving.of(s)).collect::<Vec<_>>(), [32, 16, 8, 6]);
        let doubling = Widths { base: 8, growth: 2.0, floor: 1, ceiling: 20 };
        assert_eq!((0..4).map(|s| doubling.of(s)).collect::<Vec<_>>(), [8, 16, 20, 20]);
        let constant =
            ArchSpace { cell: Cell::Dense, widths: Widths { growth: 1.0, ..Widths::default() }, ..space };
        assert_eq!(constant.spec(&Point::new(1, 2), 4, 3).unwrap().to_string(), "4-32-32-3");
    }

    #[test]
    fn a_network_for_images_halves_and_doubles_from_stack_to_stack() {
        let image = Image { channels: 3, height: 32, width: 32 };
        let published = Domain::new(ArchSpace::published(image), image.numbers(), 10).unwrap();
        let spec = published.spec(&Point::new(2, 3)).unwrap();
        assert_eq!(spec.to_string(), "3072-s64n@3x32x32p+3f-c64n-c64n-c128n/2-c128n-c256n/2-c256n-a-10");
        // The stem at 32 x 32; blocks at 16, 8 and 4; the first of a later stack reads half as many planes and
        // has a projection; the head.
        let block = |from: usize, to: usize, side: usize| {
            let skip = if from == to { 0 } else { from * to };
            (9 * from * to + 9 * to * to + skip) * side * side
        };
        let work = 27 * 64 * 32 * 32
            + 2 * block(64, 64, 16)
            + block(64, 128, 8)
            + block(128, 128, 8)
            + block(128, 256, 4)
            + block(256, 256, 4)
            + 256 * 10;
        assert_eq!(published.cost(&Point::new(2, 3)).unwrap().multiply_adds, work as u64);
        assert!(matches!(Domain::new(ArchSpace::published(image), 64, 10), Err(SpaceError::Spec(_))));
        let dense = ArchSpace { cell: Cell::Dense, ..ArchSpace::published(image) };
        assert!(matches!(dense.check(), Err(SpaceError::Setting { setting: "cell", .. })));
        // Depth that no size of image could pay for is refused, not built.
        let huge = Image { channels: 3, height: 2_000, width: 2_000 };
        let domain = Domain::new(ArchSpace::published(huge), huge.numbers(), 10);
        assert!(matches!(domain, Err(SpaceError::Spec(_))));
    }

    #[test]
    fn cost_is_known_before_anything_is_built() {
        let domain = Domain::new(ArchSpace::default(), 64, 10).unwrap();
        let cost = domain.cost(&Point::new(1, 1)).unwrap();
        // 64 -> 32, 32 -> 32, the projection of the skip, the head.
        assert_eq!(cost.multiply_adds, 64 * 32 + 32 * 32 + 64 * 32 + 32 * 10);
        assert_eq!(cost.parameters, cost.multiply_adds + 32 + 32 + 10);
    }

    /// Fault case 64: what could not be allocated is refused as data.
    #[test]
    fn refuses_spaces_and_points_that_cannot_be_built() {
        let wide = ArchSpace {
            widths: Widths { base: 65_536, ceiling: 65_536, ..Widths::default() },
            ..ArchSpace::default()
        };
        assert!(matches!(Domain::new(wide, 64, 10), Err(SpaceError::Spec(_))));
        let long = ArchSpace { max_blocks: usize::MAX, ..ArchSpace::default() };
        assert!(matches!(Domain::new(long, 64, 10), Err(SpaceError::Points { .. })));
        let deep = ArchSpace { max_blocks: 300, max_stacks: 2, ..ArchSpace::default() };
        let deep = Domain::new(deep, 64, 10).unwrap();
        assert!(matches!(deep.spec(&Point::new(129, 2)), Err(SpaceError::Spec(_))));
        assert_eq!(deep.moves(&Point::new(256, 1)), at(&[]), "257 blocks in one stack or two are too many");
        assert!(matches!(deep.spec(&Point::new(301, 1)), Err(SpaceError::Outside { .. })));
        for broken in [
            ArchSpace { max_stacks: 0, ..ArchSpace::default() },
            ArchSpace { dropout: f32::NAN, ..ArchSpace::default() },
            ArchSpace { widths: Widths { growth: f64::NAN, ..Widths::default() }, ..ArchSpace::default() },
            ArchSpace { widths: Widths { base: 0, ..Widths::default() }, ..ArchSpace::default() },
            ArchSpace {
                widths: Widths { floor: 40, ceiling: 20, ..Widths::default() },
                ..ArchSpace::default()
            },
        ] {
            assert!(matches!(broken.check(), Err(SpaceError::Setting { .. })), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn every_move_grows_and_stays_inside(
            max_blocks in 1usize..20, max_stacks in 1usize..8, blocks in 1usize..20, stacks in 1usize..8,
        ) {
            let space = ArchSpace { max_blocks, max_stacks, ..ArchSpace::default() };
            let point = Point::new(blocks, stacks);
            for to in space.moves(&point) {
                prop_assert!(space.contains(&to));
                prop_assert!(to.total() > point.total(), "{point} -> {to}");
            }
            for to in space.neighbours(&point) {
                prop_assert!(space.contains(&to));
                prop_assert!(space.neighbours(&to).contains(&point), "{point} <-> {to}");
            }
        }
    }
}
