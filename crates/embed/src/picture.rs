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

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, RgbImage};

    fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
        let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb(pixel(x, y)));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn channels_come_one_after_the_other() {
        let pictures = Pictures { style: Style::Unit, height: 1, width: 2 };
        let values = pictures.prepare(&png(2, 1, |x, _| [255 * x as u8, 51, 0])).unwrap();
        assert_eq!(values, [0.0, 1.0, 0.2, 0.2, 0.0, 0.0]);
        let vit = Pictures { style: Style::Vit, ..pictures };
        assert_eq!(vit.prepare(&png(2, 1, |x, _| [255 * x as u8, 255, 0])).unwrap()[..3], [-1.0, 1.0, 1.0]);
    }

    /// A picture of one colour keeps it, standardised: (0.6 - 0.485) / 0.229 = 0.502 and so on.
    #[test]
    fn colours_are_standardised() {
        let bytes = png(40, 30, |_, _| [153, 102, 51]);
        for (style, expected) in
            [(Style::ImageNet, [0.502_18, -0.25, -0.915_56]), (Style::Clip, [0.441_30, -0.221_30, -0.755_00])]
        {
            let values = Pictures { style, height: 8, width: 8 }.prepare(&bytes).unwrap();
            assert_eq!(values.len(), 3 * 64);
            for (channel, expected) in expected.into_iter().enumerate() {
                let found = &values[channel * 64..][..64];
                assert!(
                    found.iter().all(|value| (value - expected).abs() < 1e-4),
                    "{style} {channel} {found:?}"
                );
            }
        }
    }

    /// The left and right quarters of a wide picture are cut off.
    #[test]
    fn the_centre_is_cut_out() {
        let bytes = png(64, 32, |x, _| if (16..48).contains(&x) { [255; 3] } else { [0; 3] });
        let values = Pictures { style: Style::Clip, height: 32, width: 32 }.prepare(&bytes).unwrap();
        let white = (1.0 - 0.48145466) / 0.26862954;
        assert!(values[..32 * 32].iter().all(|value| (value - white).abs() < 1e-5));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let pictures = Pictures { style: Style::ImageNet, height: 4, width: 4 };
        let whole = png(9, 9, |x, y| [x as u8, y as u8, 0]);
        for bytes in [&b""[..], b"no picture", &whole[..whole.len() / 2], &whole[..20]] {
            assert!(matches!(pictures.prepare(bytes), Err(EmbedError::Picture { .. })));
        }
        // A strip of one pixel by many would take more than any memory.
        let strip = png(1, 40_000, |_, _| [9; 3]);
        assert_eq!(pictures.prepare(&strip).unwrap().len(), 48);
        let large = Pictures { height: 224, width: 224, ..pictures }.prepare(&strip).unwrap_err();
        assert!(large.to_string().contains("1x40000 pixels are 256x10240000"), "{large}");
    }
}
