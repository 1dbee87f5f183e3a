//! Pictures into the numbers that a network was trained on.

use crate::EmbedError;
use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits};
use std::fmt;
use std::io::Cursor;
use std::str::FromStr;

/// Bytes that the decoding of one picture may take: some 90 million pixels.
pub const MAX_DECODING_BYTES: u64 = 512 << 20;
/// Pixels that a picture may have before its centre is cut out: a narrow strip becomes long when its shorter side is enlarged.
const MAX_RESIZED: u64 = 64 << 20;
/// The greatest height and width that pictures are brought to.
pub const MAX_SIDE: usize = 4_096;
/// The height and width where neither the caller nor the model says one.
pub const DEFAULT_SIDE: usize = 224;

/// How pixels are brought to the size and range that a family of networks was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Networks trained on ImageNet as torchvision does: the shorter side to 256/224 of the size, the centre cut out,
    /// channels standardised by the set's means and deviations.
    ImageNet,
    /// CLIP (Radford et al., ICML 2021): the shorter side to the size by bicubic interpolation, the centre cut out,
    /// channels standardised by the means and deviations of its own training set.
    Clip,
    /// Vision transformers of Google's (Dosovitskiy et al., ICLR 2021): stretched to the size, values in -1 … 1.
    Vit,
    /// Stretched to the size, values in 0 … 1.
    Unit,
}

const STYLES: [(Style, &str); 4] =
    [(Style::ImageNet, "imagenet"), (Style::Clip, "clip"), (Style::Vit, "vit"), (Style::Unit, "unit")];

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = STYLES.iter().find(|(style, _)| style == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Style {
    type Err = String;

    /// `imagenet`, `clip`, `vit` or `unit`.
    fn from_str(text: &str) -> Result<Self, String> {
        let found = STYLES.iter().find(|(_, name)| *name == text);
        found.map(|(style, _)| *style).ok_or_else(|| "expected imagenet, clip, vit or unit".to_string())
    }
}

impl Style {
    /// Means and deviations of the channels red, green and blue, of values in 0 … 1.
    fn moments(self) -> ([f32; 3], [f32; 3]) {
        match self {
            Style::ImageNet => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            Style::Clip => ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.261_302_6, 0.275_777_1]),
            Style::Vit => ([0.5; 3], [0.5; 3]),
            Style::Unit => ([0.0; 3], [1.0; 3]),
        }
    }
}

/// Pictures of one size in one style.
#[derive(Clone, Copy, Debug)]
pub struct Pictures {
    /// The style.
    pub style: Style,
    /// Rows of pixels, 1 to [`MAX_SIDE`].
    pub height: usize,
    /// Pixels of a row, 1 to [`MAX_SIDE`].
    pub width: usize,
}

impl Pictures {
    /// The pixels of a picture's file, shape `[3, height, width]`. Transparency is left out, grey becomes three equal
    /// channels, and a rotation that the file announces (EXIF) is not carried out.
    ///
    /// # Errors
    /// [`EmbedError::Picture`] for bytes that are no picture, or one that takes more than [`MAX_DECODING_BYTES`].
    pub fn prepare(&self, bytes: &[u8]) -> Result<Vec<f32>, EmbedError> {
        let refuse = |error: image::ImageError| EmbedError::Picture { reason: error.to_string() };
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| EmbedError::Picture { reason: error.to_string() })?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODING_BYTES);
        reader.limits(limits);
        let picture = DynamicImage::ImageRgb8(reader.decode().map_err(refuse)?.into_rgb8());
        let picture = self.resize(&picture)?.into_rgb8();
        let (means, deviations) = self.style.moments();
        let pixels = picture.as_raw();
        let channel = |channel: usize| {
            pixels
                .iter()
                .skip(channel)
                .step_by(3)
                .map(move |&value| (f32::from(value) / 255.0 - means[channel]) / deviations[channel])
        };
        Ok((0..3).flat_map(channel).collect())
    }

    fn resize(&self, picture: &DynamicImage) -> Result<DynamicImage, EmbedError> {
        let (height, width) = (self.height as u32, self.width as u32);
        let (share, filter) = match self.style {
            Style::Vit | Style::Unit => return Ok(picture.resize_exact(width, height, FilterType::Triangle)),
            Style::ImageNet => (256.0 / 224.0, FilterType::Triangle),
            Style::Clip => (1.0, FilterType::CatmullRom),
        };
        // Both sides cover what is cut out, and the picture keeps its proportions.
        let cover = |side: u32, own: u32| share * f64::from(side) / f64::from(own.max(1));
        let scale = cover(width, picture.width()).max(cover(height, picture.height()));
        let side = |own: u32, least: u32| ((f64::from(own) * scale).round() as u32).max(least);
        let (wide, high) = (side(picture.width(), width), side(picture.height(), height));
        if u64::from(wide) * u64::from(high) > MAX_RESIZED {
            let (own_width, own_height) = (picture.width(), picture.height());
            let reason = format!(
                "{own_width}x{own_height} pixels are {wide}x{high} once the shorter side is enlarged, more than {MAX_RESIZED}"
            );
            return Err(EmbedError::Picture { reason });
        }
        let resized = picture.resize_exact(wide, high, filter);
        let (left, top) = ((resized.width() - width) / 2, (resized.height() - height) / 2);
        Ok(resized.crop_imm(left, top, width, height))
    }
}
