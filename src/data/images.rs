//! Images as inputs hold them: their shape, how grey values became inputs, and how they are shown.

use super::scaling::Scaler;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

/// What is needed to change an image among the inputs of a task as it was before scaling. Grey values lie channel by channel, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub(super) scaler: Scaler,
}

impl Images {
    /// Images whose inputs are grey values as they are.
    pub fn unscaled(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width, scaler: Scaler::default() }
    }

    /// An input as it was before scaling.
    ///
    /// # Panics
    /// Here and in [`scaled`](Self::scaled), if it has another length than images of the task.
    pub fn grey(&self, input: &[f32]) -> Vec<f64> {
        self.scaler.before(input)
    }

    /// An image, scaled, and the derivative of each number by its grey value.
    pub fn scaled(&self, grey: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.scaler.after(grey)
    }
}

/// An image of `[channels, height, width]` as PNG. Values beyond what a byte holds are stretched to its range.
pub(crate) fn png(values: &[f32], [channels, height, width]: [usize; 3]) -> Vec<u8> {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let bytes = (0.0..=255.0).contains(&least) && (16.0..=255.0).contains(&most);
    let (shift, factor) = match bytes {
        true => (0.0, 1.0),
        false => (least, if most > least { 255.0 / (most - least) } else { 0.0 }),
    };
    let area = height * width;
    let pixel = |at: usize| (0..channels).map(move |channel| values[channel * area + at]);
    let buffer: Vec<u8> =
        (0..area).flat_map(pixel).map(|value| ((value - shift) * factor).round() as u8).collect();
    let kind = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(&buffer, width as u32, height as u32, kind)
        .expect("a buffer of the picture's size encodes into memory");
    png
}
