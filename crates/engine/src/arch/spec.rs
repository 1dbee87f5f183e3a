//! [`NetSpec`]: a network as plain data.

use super::block::{Block, Flow};
use super::image::{Augment, Image};
use crate::error::{Fault, Result};
use serde::{Deserialize, Serialize};

/// The most weights a network may have; a specification above it is refused, not built.
pub const MAX_PARAMETERS: u64 = 200_000_000;
/// The most blocks a network may have.
pub const MAX_BLOCKS: usize = 256;

/// The most multiply-adds that one forward pass of one example may take.
pub const MAX_MULTIPLY_ADDS: u64 = 20_000_000_000;

/// One affine map of a network: a matrix, or a convolution applied at every place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapShape {
    /// Numbers that one output is made of: nine per plane for a 3 x 3 convolution.
    pub fan_in: usize,
    /// Outputs, or planes.
    pub fan_out: usize,
    /// Whether it has a bias.
    pub bias: bool,
    /// Whether batch normalisation follows, with four numbers per output: gain, shift, running mean and
    /// running variance.
    pub norm: bool,
    /// Coordinates at which it is applied; one for vectors.
    pub places: usize,
}

/// A feed-forward classifier: hidden blocks, then a linear head.
///
/// `[24, 12]` in the cross-domain benchmark's notation is `inputs → 24 → 24 → 12 → outputs`; it is
/// written out here. Dropout, where the rate is above zero, follows every hidden block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    inputs: usize,
    blocks: Vec<Block>,
    outputs: usize,
    dropout: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f32>,
}

/// Why an architecture is refused.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SpecError {
    /// A layer without units.
    #[error("architecture: {place} has width {found}, expected at least 1")]
    Width { place: String, found: usize },
    /// Too many weights.
    #[error("architecture: {found} parameters, at most {limit} are allowed")]
    Parameters { found: u128, limit: u64 },
    /// Too many blocks.
    #[error("architecture: {found} blocks, at most {limit} are allowed")]
    Blocks { found: usize, limit: usize },
    /// Too much work.
    #[error("architecture: {found} multiply-adds per example, at most {limit} are allowed")]
    MultiplyAdds { found: u128, limit: u64 },
    /// A block that does not fit what comes in.
    #[error("architecture: {place} gets {found}, expected {expected}")]
    #[diagnostic(help(
        "a network for images is a stem, convolutions and one average, then the head; the stem's image must \
         have as many numbers as an example"
    ))]
    Flow { place: String, found: Flow, expected: String },
    /// A weight decay that is none.
    #[error("architecture: weight decay {found}, expected a finite number of at least 0")]
    WeightDecay { found: f32 },
    /// A dropout rate that is not in `[0, 1)`.
    #[error("architecture: dropout {found}, expected a rate in [0, 1)")]
    Dropout { found: f32 },
}

impl Fault for SpecError {}

impl NetSpec {
    /// A checked specification.
    pub fn new(inputs: usize, blocks: Vec<Block>, outputs: usize, dropout: f32) -> Result<Self, SpecError> {
        let spec = Self { inputs, blocks, outputs, dropout, weight_decay: None };
        spec.check()?;
        Ok(spec)
    }

    /// A multilayer perceptron with these hidden widths and no dropout; none at all is a linear head.
    pub fn mlp(inputs: usize, hidden: &[usize], outputs: usize) -> Result<Self, SpecError> {
        let blocks = hidden.iter().map(|&width| Block::Dense { width }).collect();
        Self::new(inputs, blocks, outputs, 0.0)
    }

    /// Refuses what cannot or must not be built. Run it on every specification that was deserialised.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.blocks.len() > MAX_BLOCKS {
            return Err(SpecError::Blocks { found: self.blocks.len(), limit: MAX_BLOCKS });
        }
        let named = |i: usize| format!("block {i}");
        let units = self.blocks.iter().enumerate().filter_map(|(i, b)| Some((named(i), b.units()?)));
        let widths = [("the input".to_string(), self.inputs)]
            .into_iter()
            .chain(units)
            .chain([("the output".to_string(), self.outputs)]);
        for (place, found) in widths {
            if found == 0 {
                return Err(SpecError::Width { place, found });
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(SpecError::Dropout { found: self.dropout });
        }
        if let Some(found) = self.weight_decay.filter(|found| !(found.is_finite() && *found >= 0.0)) {
            return Err(SpecError::WeightDecay { found });
        }
        let (mut parameters, mut work) = (0u128, 0u128);
        self.walk(|_, map| {
            let (weights, others) = map.sizes();
            parameters = parameters.saturating_add(weights).saturating_add(others);
            work = work.saturating_add(weights.saturating_mul(map.places as u128));
        })?;
        if parameters > u128::from(MAX_PARAMETERS) {
            return Err(SpecError::Parameters { found: parameters, limit: MAX_PARAMETERS });
        }
        if work > u128::from(MAX_MULTIPLY_ADDS) {
            return Err(SpecError::MultiplyAdds { found: work, limit: MAX_MULTIPLY_ADDS });
        }
        Ok(())
    }

    /// Visits all affine maps in forward order, each with the number of its block (that of blocks for the
    /// head); of a block with a skip, the projection comes last. Gives what comes to the head.
    ///
    /// # Errors
    /// [`SpecError::Flow`] for a block that does not fit what comes in.
    pub fn walk(&self, mut visit: impl FnMut(usize, MapShape)) -> Result<Flow, SpecError> {
        let mut flow = Flow::Vector(self.inputs);
        for (at, block) in self.blocks.iter().enumerate() {
            let refuse = |found: Flow, expected: String| {
                Err(SpecError::Flow { place: format!("block {at}"), found, expected })
            };
            let norm = block.norm();
            let mut map = |fan_in: usize, fan_out, bias: bool, places| {
                visit(at, MapShape { fan_in, fan_out, bias: bias && !norm, norm, places });
            };
            flow = match (*block, flow) {
                (Block::Dense { width } | Block::Smooth { width, .. }, Flow::Vector(units)) => {
                    map(units, width, true, 1);
                    Flow::Vector(width)
                }
                (Block::Residual { width }, Flow::Vector(units)) => {
                    map(units, width, true, 1);
                    map(width, width, true, 1);
                    if units != width {
                        map(units, width, false, 1);
                    }
                    Flow::Vector(width)
                }
                (Block::Stem { image, filters, pool, .. }, Flow::Vector(units)) => {
                    if at > 0 || image.numbers() != units || units == 0 {
                        let expected = format!("{} numbers of an example, as {image}", image.numbers());
                        return refuse(flow, expected);
                    }
                    map(image.channels.saturating_mul(9), filters, true, image.places());
                    let half = |side: usize| if pool { (side / 2).max(1) } else { side };
                    let (height, width) = (half(image.height), half(image.width));
                    Flow::Image(Image { channels: filters, height, width })
                }
                (Block::Convolution { filters, halve, .. }, Flow::Image(image)) => {
                    let half = |side: usize| if halve { side.div_ceil(2) } else { side };
                    let (height, width) = (half(image.height), half(image.width));
                    let out = Image { channels: filters, height, width };
                    map(image.channels.saturating_mul(9), filters, true, out.places());
                    map(filters.saturating_mul(9), filters, true, out.places());
                    if out != image {
                        map(image.channels, filters, false, out.places());
                    }
                    Flow::Image(out)
                }
                (Block::Average, Flow::Image(image)) => Flow::Vector(image.channels),
                (Block::EncoderDecoder { image, filters }, Flow::Vector(units)) => {
                    if at > 0 || image.numbers() != units || units == 0 {
                        let expected = format!("{} numbers of an example, as {image}", image.numbers());
                        return refuse(flow, expected);
                    }
                    if filters % 8 != 0 {
                        return refuse(flow, format!("filters in multiples of 8, not {filters}"));
                    }
                    let half = |image: Image| Image {
                        height: image.height.div_ceil(2),
                        width: image.width.div_ceil(2),
                        ..image
                    };
                    let (full, lower, lowest) =
                        (image.places(), half(image).places(), half(half(image)).places());
                    let planes = |count: usize| filters.saturating_mul(count);
                    let nine = |count: usize| planes(count).saturating_mul(9);
                    map(image.channels.saturating_mul(9), filters, true, full);
                    map(nine(1), planes(2), true, lower);
                    map(nine(2), planes(4), true, lowest);
                    map(nine(6), planes(2), true, lower);
                    map(nine(3), filters, true, full);
                    Flow::Pixels { image, filters }
                }
                (Block::Convolution { .. } | Block::Average, Flow::Vector(_)) => {
                    return refuse(flow, "an image".to_string());
                }
                (_, Flow::Image(_) | Flow::Pixels { .. }) => return refuse(flow, "a vector".to_string()),
            };
        }
        match flow {
            Flow::Vector(units) => {
                let head =
                    MapShape { fan_in: units, fan_out: self.outputs, bias: true, norm: false, places: 1 };
                visit(self.blocks.len(), head);
                Ok(flow)
            }
            Flow::Pixels { image, filters } if self.outputs == image.places() => {
                let head =
                    MapShape { fan_in: filters, fan_out: 1, bias: true, norm: false, places: self.outputs };
                visit(self.blocks.len(), head);
                Ok(flow)
            }
            Flow::Pixels { image, .. } => Err(SpecError::Flow {
                place: format!("an output of {}", self.outputs),
                found: flow,
                expected: format!("{} outputs, one per pixel", image.places()),
            }),
            Flow::Image(_) => Err(SpecError::Flow {
                place: "the output".to_string(),
                found: flow,
                expected: "a vector".to_string(),
            }),
        }
    }

    /// The image that the inputs are, where the network is one for images.
    pub fn image(&self) -> Option<Image> {
        match self.blocks.first() {
            Some(Block::Stem { image, .. } | Block::EncoderDecoder { image, .. }) => Some(*image),
            _ => None,
        }
    }

    /// Numbers per example.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The hidden blocks, input side first.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Classes, or real outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The share of hidden units dropped in training and in stochastic passes.
    pub fn dropout(&self) -> f32 {
        self.dropout
    }

    /// The same, trained with this weight decay instead of the training plan's.
    ///
    /// # Errors
    /// [`SpecError::WeightDecay`].
    pub fn with_weight_decay(self, weight_decay: Option<f32>) -> Result<Self, SpecError> {
        let spec = Self { weight_decay, ..self };
        spec.check()?;
        Ok(spec)
    }

    /// The weight decay that the network is trained with, where it is not the training plan's.
    pub fn weight_decay(&self) -> Option<f32> {
        self.weight_decay
    }

    /// Whether its outputs are pixels.
    pub fn is_over_pixels(&self) -> bool {
        matches!(self.blocks[..], [Block::EncoderDecoder { .. }])
    }

    /// Whether it is made of rectified affine maps between vectors alone, which is what the bank engine computes.
    pub fn is_rectified(&self) -> bool {
        self.blocks.iter().all(|block| matches!(block, Block::Dense { .. } | Block::Residual { .. }))
    }

    /// The width of the penultimate activations, of a network over pixels that of the deepest planes' means; the input's where there is no
    /// hidden block.
    pub fn embedding(&self) -> usize {
        match self.walk(|_, _| ()) {
            Ok(Flow::Vector(units)) => units,
            Ok(Flow::Pixels { filters, .. }) => 4 * filters,
            // No checked specification ends in an image.
            _ => self.inputs,
        }
    }

    /// How examples are varied in training.
    pub fn augment(&self) -> Augment {
        match self.blocks.first() {
            Some(Block::Stem { augment, .. }) => *augment,
            _ => Augment::default(),
        }
    }

    /// The numbers that make the network: weights and biases, and for every normalised output four, of which
    /// two (running mean and variance) are no parameters in the strict sense, since no gradient moves them.
    pub fn parameters(&self) -> usize {
        self.total(|map| {
            let (weights, others) = map.sizes();
            weights.saturating_add(others)
        })
    }

    /// Multiply-adds of one forward pass of one example; normalisation, which inference could fold into the
    /// maps, is not counted.
    pub fn multiply_adds(&self) -> usize {
        self.total(|map| map.sizes().0.saturating_mul(map.places as u128))
    }

    fn total(&self, of: impl Fn(MapShape) -> u128) -> usize {
        let mut total = 0u128;
        // What a checked specification cannot refuse any more.
        let _ = self.walk(|_, map| total = total.saturating_add(of(map)));
        total as usize
    }
}

impl MapShape {
    /// Weights, and the numbers beside them: a bias, or what normalisation keeps. Saturating: the widths are
    /// a user's numbers.
    fn sizes(&self) -> (u128, u128) {
        let weights = (self.fan_in as u128).saturating_mul(self.fan_out as u128);
        let each = u128::from(self.bias) + if self.norm { 4 } else { 0 };
        (weights, each.saturating_mul(self.fan_out as u128))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_as_by_hand() {
        let mlp = NetSpec::mlp(64, &[24, 12], 10).unwrap();
        assert_eq!(mlp.parameters(), 64 * 24 + 24 + 24 * 12 + 12 + 12 * 10 + 10);
        assert_eq!(mlp.multiply_adds(), 64 * 24 + 24 * 12 + 12 * 10);
        assert_eq!(mlp.to_string(), "64-24-12-10");
        let residual =
            NetSpec::new(3, vec![Block::Residual { width: 5 }, Block::Residual { width: 5 }], 2, 0.0)
                .unwrap();
        assert_eq!(residual.parameters(), (15 + 5 + 25 + 5 + 15) + (25 + 5 + 25 + 5) + 12);
        assert_eq!(residual.embedding(), 5);
    }

    /// Fault case 64: an architecture of 10^12 parameters and more is refused before allocation.
    #[test]
    fn refuses_what_cannot_be_built() {
        assert!(matches!(NetSpec::mlp(1_000_000, &[1_000_000], 2), Err(SpecError::Parameters { .. })));
        assert!(matches!(
            NetSpec::mlp(usize::MAX, &[usize::MAX, usize::MAX], 2),
            Err(SpecError::Parameters { .. })
        ));
        assert!(matches!(NetSpec::mlp(4, &[0], 2), Err(SpecError::Width { .. })));
        assert!(matches!(NetSpec::mlp(4, &[1; 257], 2), Err(SpecError::Blocks { found: 257, .. })));
        assert!(matches!(NetSpec::new(4, vec![], 2, f32::NAN), Err(SpecError::Dropout { .. })));
    }

    const DIGITS: Image = Image { channels: 1, height: 8, width: 8 };

    /// One channel of 8 x 8: a stem of 4 filters, pooled to 4 x 4; a block that keeps; one that halves to 2 x 2
    /// and doubles; the mean; ten classes.
    #[test]
    fn images_are_counted_as_by_hand() {
        let blocks = vec![
            Block::Stem { image: DIGITS, filters: 4, pool: true, norm: false, augment: Augment::default() },
            Block::Convolution { filters: 4, halve: false, norm: false },
            Block::Convolution { filters: 8, halve: true, norm: false },
            Block::Average,
        ];
        let spec = NetSpec::new(64, blocks, 10, 0.0).unwrap();
        let stem = (9 * 4, 4, 64);
        let keeps = [(36 * 4, 4, 16), (36 * 4, 4, 16)];
        let halves = [(36 * 8, 8, 4), (72 * 8, 8, 4), (4 * 8, 0, 4)];
        let head = (8 * 10, 10, 1);
        let maps = [stem].into_iter().chain(keeps).chain(halves).chain([head]);
        let (parameters, work) =
            maps.fold((0, 0), |(p, w), (weights, bias, places)| (p + weights + bias, w + weights * places));
        assert_eq!((spec.parameters(), spec.multiply_adds()), (parameters, work));
        assert_eq!((parameters, work), (1_338, 10_576));
        assert_eq!((spec.embedding(), spec.image()), (8, Some(DIGITS)));
        assert_eq!(spec.to_string(), "64-s4@1x8x8p-c4-c8/2-a-10");
    }

    /// The same network with normalised maps: four numbers for each of their outputs instead of a bias, the
    /// projection's included; the work is the same.
    #[test]
    fn normalised_maps_are_counted_as_by_hand() {
        let augment = Augment { shift: 2, flip: true };
        let blocks = vec![
            Block::Stem { image: DIGITS, filters: 4, pool: true, norm: true, augment },
            Block::Convolution { filters: 4, halve: false, norm: true },
            Block::Convolution { filters: 8, halve: true, norm: true },
            Block::Average,
        ];
        let spec = NetSpec::new(64, blocks, 10, 0.0).unwrap();
        let weights = 9 * 4 + 2 * 36 * 4 + 36 * 8 + 72 * 8 + 4 * 8 + 8 * 10;
        let outputs = 4 + 2 * 4 + 3 * 8;
        assert_eq!((spec.parameters(), spec.multiply_adds()), (weights + 4 * outputs + 10, 10_576));
        assert_eq!(spec.to_string(), "64-s4n@1x8x8p+2f-c4n-c8n/2-a-10");
        assert_eq!((spec.augment(), spec.blocks()[1].norm()), (augment, true));
        // What older files do not say is off, and what is off is not said.
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<NetSpec>(&text).unwrap(), spec);
        let plain = r#"{"convolution":{"filters":4,"halve":false}}"#;
        let block: Block = serde_json::from_str(plain).unwrap();
        assert_eq!((block.norm(), serde_json::to_string(&block).unwrap().as_str()), (false, plain));
    }

    #[test]
    fn blocks_that_do_not_fit_are_refused() {
        let stem =
            Block::Stem { image: DIGITS, filters: 4, pool: false, norm: false, augment: Augment::default() };
        let (keeps, dense) =
            (Block::Convolution { filters: 4, halve: false, norm: false }, Block::Dense { width: 3 });
        let new = |inputs, blocks: &[Block]| NetSpec::new(inputs, blocks.to_vec(), 10, 0.0);
        assert!(new(64, &[stem, Block::Average]).is_ok() && new(64, &[stem, Block::Average, dense]).is_ok());
        for (inputs, blocks) in [
            (63, &[stem, Block::Average][..]),
            (64, &[stem]),
            (64, &[keeps, Block::Average]),
            (64, &[Block::Average]),
            (64, &[stem, dense]),
            (64, &[dense, stem, Block::Average]),
            (64, &[stem, stem, Block::Average]),
        ] {
            assert!(matches!(new(inputs, blocks), Err(SpecError::Flow { .. })), "{inputs} {blocks:?}");
        }
        let large = Image { channels: 3, height: 4_096, width: 4_096 };
        let stem =
            Block::Stem { image: large, filters: 512, pool: false, norm: false, augment: Augment::default() };
        let work = new(large.numbers(), &[stem, Block::Average]);
        assert!(matches!(work, Err(SpecError::MultiplyAdds { .. })), "{work:?}");
        let hostile = Image { channels: usize::MAX, height: 2, width: 2 };
        let stem = Block::Stem {
            image: hostile,
            filters: usize::MAX,
            pool: false,
            norm: false,
            augment: Augment::default(),
        };
        assert!(new(usize::MAX, &[stem, Block::Average]).is_err());
    }
}
