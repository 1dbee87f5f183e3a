//! `[search]`: the architecture search over `A(B, i, j)`.

use super::settings::MethodSettings;
use crate::arch::stacked::MAX_WIDTH;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::keys::{Ask, Rule, Shape, boolean, inline, list, number, section, whole, word};
use crate::experiment::raw::Section;
use crate::search::Methods;
use serde::Serialize;

/// The block that is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    Dense,
    Residual,
}

section! {
    /// The search over `A(B, i, j)`: `j` stacks of `i` blocks of kind `B`. Without the section there is none.
    pub struct Search(methods: &Methods) {
        /// How the space is searched.
        method: &'static str = method(methods).or("local");
        /// `B`: the block that is repeated.
        block: BlockKind = word(BLOCKS).or(BlockKind::Residual);
        /// `[channels, height, width]`: how the numbers of an example make an image. With it, blocks are convolutional
        /// and widths count filters; burn trains them, on one core per episode. Targets and sources must have as many
        /// numbers.
        #[serde(skip_serializing_if = "Option::is_none")]
        image: Option<[usize; 3]> = list(whole(1..=MAX_SIDE)).items(3..=3).try_map(triple).optional();
        /// Whether the stem of a network for images keeps the largest of every 2 x 2 places.
        #[serde(skip_serializing_if = "Option::is_none")]
        pool: Option<bool> = boolean().or(true).when(image.is_some(), "with `image`");
        /// Whether batch normalisation follows every convolution of a network for images. Published true.
        #[serde(skip_serializing_if = "Option::is_none")]
        norm: Option<bool> = boolean().or(false).when(image.is_some(), "with `image`");
        /// Places by which images are moved at most in training, up or down and left or right. Published a tenth of the
        /// width.
        #[serde(skip_serializing_if = "Option::is_none")]
        shift: Option<usize> = whole(0..=MAX_SIDE).or(0).when(image.is_some(), "with `image`");
        /// Whether images are mirrored in training, left for right, every second time. Published true, on photographs.
        #[serde(skip_serializing_if = "Option::is_none")]
        flip: Option<bool> = boolean().or(false).when(image.is_some(), "with `image`");
        /// Width of the first stack. Published 64, with `widest = 1024`.
        width: usize = whole(1..=MAX_WIDTH).or(if image.is_some() { 8 } else { 32 })
            .absent("32, 8 with `image`");
        /// Factor of the width from one stack to the next.
        growth: f64 = number(1e-3..=8.0).or(2.0);
        /// No stack is wider. At least `width`.
        widest: usize = whole(width..=MAX_WIDTH).at_widest(WIDTHS).or(width.max(128))
            .absent("128, or `width` where that is more");
        /// The largest `i`.
        max_blocks: usize = whole(1..=64).or(12);
        /// The largest `j`.
        max_stacks: usize = whole(1..=16).or(5);
        /// Gradient steps of one training of one candidate.
        steps: u32 = whole(1..=10_000_000).or(270);
        /// Gradient steps that the search on one source task may take in all.
        budget: u64 = whole(1..=1_000_000_000_000).or(50_000);
        /// Folds of the paired cross-validation that scores a candidate; 1 for a single split.
        folds: usize = whole(1..=20).or(4);
        /// Numbers of labels at which each source is searched, from what an episode starts with to what it ends with:
        /// what is found best may depend on them. 1: those at the end.
        levels: usize = whole(1..=20).or(1);
        /// Rounds between two searches within an episode on a target.
        every: usize = whole(1..=100_000).or(5);
        /// Gradient steps of one training of a candidate within an episode, as a share of the classifier's own.
        /// Published 0.25 (50 of 200 epochs).
        share: f64 = number(1e-3..=10.0).or(1.0);
        /// What single methods are set to.
        #[serde(flatten)]
        settings: MethodSettings = inline(|section| MethodSettings::keys(section, methods));
    }
}

/// What widths may be.
const WIDTHS: Shape = Shape::Integer { low: 1, high: MAX_WIDTH as u64 };
/// The most channels, rows or columns of an image.
const MAX_SIDE: usize = 65_536;

/// The name of a search.
pub(super) fn method<'a>(methods: &Methods) -> Rule<'a, &'static str> {
    word(methods.names().map(|name| (name, name)))
}

/// The names of blocks.
const BLOCKS: [(&str, BlockKind); 2] = [("residual", BlockKind::Residual), ("dense", BlockKind::Dense)];

/// The sides of an image.
fn triple(sides: Vec<usize>, place: Place, key: String) -> Result<[usize; 3], ExperimentError> {
    <[usize; 3]>::try_from(sides).map_err(|sides| ExperimentError::Conflict {
        place,
        key,
        why: format!("has {} numbers", sides.len()),
        hint: "it is [channels, height, width], such as [1, 28, 28]".into(),
    })
}

impl Search {
    pub(in crate::experiment) fn read(
        mut section: Section,
        methods: &Methods,
    ) -> Result<Self, ExperimentError> {
        let search = Self::keys(&mut section, methods)?;
        let place = section.place();
        let points = search.max_blocks * search.max_stacks;
        let parts = search.settings.parts(search.method, points, place, "search")?;
        if !search.steps.is_multiple_of(parts) {
            return Err(ExperimentError::Conflict {
                place: place.clone(),
                key: "search.steps".into(),
                why: format!(
                    "is {}, expected a multiple of {parts}, of which \"{}\" begins with one part",
                    search.steps, search.method
                ),
                hint: format!("for example {}", search.steps.div_ceil(parts).saturating_mul(parts)),
            });
        }
        section.finish()?;
        Ok(search)
    }
}
