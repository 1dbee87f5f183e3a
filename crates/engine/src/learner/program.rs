//! A [`NetSpec`] as a list of affine maps between buffers, and where their weights lie.

use super::error::LearnError;
use crate::arch::{Block, NetSpec, Smooth};
use crate::rng::Key;
use rand::Rng;

/// Where the sums of an affine map start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// From the bias.
    Bias,
    /// From the bias plus the activations of a buffer as wide as the output: an identity skip.
    BiasPlus(usize),
    /// From what the output buffer holds already, which is a projection skip's other half.
    Output,
}

/// What is done to the sums of an affine map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Keep,
    Relu,
    Smooth(Smooth),
}

/// `output = finish(start + input · W)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    pub input: usize,
    pub output: usize,
    pub fan_in: usize,
    pub fan_out: usize,
    /// Offset of `W`, `[fan_in][fan_out]`, in the documented order.
    pub weights: usize,
    /// Offset of the bias, `[fan_out]`, if there is one.
    pub bias: Option<usize>,
    pub start: Start,
    /// What follows.
    pub finish: Finish,
    /// Whether dropout follows.
    pub drop: bool,
}

/// The affine maps of a network, in forward order. Buffer 0 holds the inputs, the last one the logits.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub maps: Vec<Affine>,
    /// Units per buffer.
    pub buffers: Vec<usize>,
    /// Per layer, the buffer of its activations and the first map behind it. Layer 0 is the inputs, and layer `k` the
    /// output of block `k`.
    pub cuts: Vec<(usize, usize)>,
    pub parameters: usize,
}

/// Refuses networks that are more than rectified affine maps between vectors.
pub(super) fn rectified(spec: &NetSpec) -> Result<(), LearnError> {
    match spec.is_rectified() {
        true => Ok(()),
        false => Err(LearnError::NotRectified { architecture: spec.to_string() }),
    }
}

impl Program {
    /// The program of a network for vectors.
    ///
    /// # Panics
    /// For one with convolutions.
    pub fn new(spec: &NetSpec) -> Self {
        let mut p =
            Self { maps: Vec::new(), buffers: vec![spec.inputs()], cuts: vec![(0, 0)], parameters: 0 };
        let mut at = 0;
        for block in spec.blocks() {
            match *block {
                Block::Dense { width } => {
                    let to = p.buffer(width);
                    p.map(at, to, true, Start::Bias, Finish::Relu, true);
                    at = to;
                }
                Block::Smooth { width, activation } => {
                    let to = p.buffer(width);
                    p.map(at, to, true, Start::Bias, Finish::Smooth(activation), true);
                    at = to;
                }
                Block::Residual { width } => {
                    let inner = p.buffer(width);
                    let to = p.buffer(width);
                    p.map(at, inner, true, Start::Bias, Finish::Relu, false);
                    if p.buffers[at] == width {
                        p.map(inner, to, true, Start::BiasPlus(at), Finish::Relu, true);
                    } else {
                        p.map(inner, to, true, Start::Bias, Finish::Keep, false);
                        p.map(at, to, false, Start::Output, Finish::Relu, true);
                    }
                    at = to;
                }
                Block::Stem { .. }
                | Block::Convolution { .. }
                | Block::Average
                | Block::EncoderDecoder { .. } => {
                    unreachable!("a network for images has no program")
                }
            }
            p.cuts.push((at, p.maps.len()));
        }
        let logits = p.buffer(spec.outputs());
        p.map(at, logits, true, Start::Bias, Finish::Keep, false);
        debug_assert_eq!(p.parameters, spec.parameters());
        p
    }

    /// Draws weights and biases uniformly in `±1/sqrt(fan_in)`, in the documented order.
    pub fn init(&self, key: Key, weights: &mut [f32]) {
        let mut rng = key.rng();
        for map in &self.maps {
            let count = map.fan_in * map.fan_out + map.bias.map_or(0, |_| map.fan_out);
            draw(&mut rng, map.fan_in, &mut weights[map.weights..map.weights + count]);
        }
    }

    /// The buffer of the penultimate activations.
    pub fn embedding(&self) -> usize {
        self.maps[self.maps.len() - 1].input
    }

    /// The buffer of the logits.
    pub fn logits(&self) -> usize {
        self.buffers.len() - 1
    }

    fn buffer(&mut self, units: usize) -> usize {
        self.buffers.push(units);
        self.buffers.len() - 1
    }

    fn map(&mut self, input: usize, output: usize, bias: bool, start: Start, finish: Finish, drop: bool) {
        let (fan_in, fan_out) = (self.buffers[input], self.buffers[output]);
        let weights = self.parameters;
        self.parameters += fan_in * fan_out;
        let bias = bias.then_some(self.parameters);
        if bias.is_some() {
            self.parameters += fan_out;
        }
        self.maps.push(Affine { input, output, fan_in, fan_out, weights, bias, start, finish, drop });
    }
}

/// Draws a map's weights and bias uniformly in `±1/sqrt(fan_in)`.
pub(super) fn draw(rng: &mut impl Rng, fan_in: usize, weights: &mut [f32]) {
    let bound = (1.0 / fan_in as f64).sqrt() as f32;
    for weight in weights {
        // 24 bits, centred: never exactly at a bound.
        let unit = ((rng.next_u32() >> 8) as f32 + 0.5) * (2.0 / 16_777_216.0) - 1.0;
        *weight = unit * bound;
    }
}
