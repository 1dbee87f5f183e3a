//! Pictures into numbers.

use image::{ImageFormat, RgbImage};
use querist_embed::EmbedError;
use querist_embed::picture::{Pictures, Style};
use std::io::Cursor;

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
            assert!(found.iter().all(|value| (value - expected).abs() < 1e-4), "{style} {channel} {found:?}");
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
