//! Foreground masks as words, 32 pixels each.
//!
//! A mask of `pixels` pixels, row by row, is [`mask_words`]`(pixels)` words: bit `at % 32` of word `at / 32` says whether pixel `at` is
//! foreground. The bits behind the last pixel are zero.
//!
//! ```
//! use querist_engine::data::mask::{mask_of, mask_words, pixel};
//!
//! let mask = mask_of(&[true, false, false, true]);
//! assert_eq!((mask_words(4), mask.as_slice()), (1, &[0b1001][..]));
//! assert!(pixel(&mask, 3) && !pixel(&mask, 2));
//! ```

/// Words of a mask of so many pixels.
#[inline]
pub fn mask_words(pixels: usize) -> usize {
    pixels.div_ceil(32)
}

/// Whether a pixel of a mask is foreground.
///
/// # Panics
/// If the mask has no such word.
#[inline]
pub fn pixel(mask: &[u32], at: usize) -> bool {
    mask[at / 32] >> (at % 32) & 1 == 1
}

/// The mask of these pixels.
pub fn mask_of(pixels: &[bool]) -> Vec<u32> {
    let word = |pixels: &[bool]| {
        pixels.iter().enumerate().fold(0, |word, (at, &foreground)| word | u32::from(foreground) << at)
    };
    pixels.chunks(32).map(word).collect()
}
