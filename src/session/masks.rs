//! Masks as texts: rows and columns of pixels, and the lengths of runs, row by row, of background and foreground in turn, background first. `2x3 1 2 3`
//! is two rows of three pixels, of which the second and the third are foreground.

use super::answer::{Answer, RowName, Verdict};
use super::error::SessionError;
use crate::data::columns::ColumnOptions;
use crate::data::dataset::MAX_WIDTH;
use crate::data::mask::pixel;
use crate::data::readers::{ReadOptions, read_masks};
use crate::data::{Masks, TargetKind, load};
use crate::error::{Result, shorten};
use std::path::Path;

/// The text of the mask of a row.
pub(super) fn text(masks: &Masks, row: usize) -> String {
    let mask = masks.mask(row);
    text_of(masks.size(), |at| pixel(mask, at))
}

/// The text of the mask of this many rows and columns of pixels, by which of them are foreground.
pub(super) fn text_of((height, width): (usize, usize), on: impl Fn(usize) -> bool) -> String {
    let (mut runs, mut length, mut foreground) = (Vec::new(), 0usize, false);
    for at in 0..height * width {
        if on(at) != foreground {
            runs.push(length.to_string());
            (length, foreground) = (0, !foreground);
        }
        length += 1;
    }
    runs.push(length.to_string());
    format!("{height}x{width} {}", runs.join(" "))
}

/// Rows and columns of pixels, and the pixels, of a text that is a mask.
pub(super) fn parse(text: &str) -> Option<((usize, usize), Vec<bool>)> {
    let mut words = text.split(' ');
    let (height, width) = words.next()?.split_once('x')?;
    let (height, width): (usize, usize) = (height.parse().ok()?, width.parse().ok()?);
    let pixels = height.checked_mul(width).filter(|&pixels| (1..=MAX_WIDTH).contains(&pixels))?;
    let (mut mask, mut foreground) = (Vec::with_capacity(pixels), false);
    for word in words {
        let length: usize = word.parse().ok()?;
        if length > pixels - mask.len() {
            return None;
        }
        mask.resize(mask.len() + length, foreground);
        foreground = !foreground;
    }
    (mask.len() == pixels).then_some(((height, width), mask))
}

/// The masks of a folder of pictures as answers to the images that are called alike but for the endings; where images are not `named`, by
/// the numbers of their rows.
///
/// # Errors
/// What reading refuses, with the file and the pixel; [`SessionError::Field`] for what is no number of a row.
pub(super) fn read(folder: &Path, named: bool, annotator: &str) -> Result<Vec<Answer>> {
    let answer = |(file, name, masks): (String, String, Masks)| {
        let row = match (named, name.parse()) {
            (true, _) => RowName::Id(name),
            (false, Ok(row)) => RowName::Number(row),
            (false, Err(_)) => {
                let (found, expected) =
                    (shorten(&name).into_owned(), "a row's number, as images have no names");
                return Err(SessionError::Field { place: file, found, expected: expected.to_string() }.into());
            }
        };
        let verdict = Verdict::Label(text(&masks, 0));
        Ok(Answer { row, verdict, annotator: annotator.to_string(), session: None, place: file })
    };
    read_masks(folder)?.into_iter().map(answer).collect()
}

/// The masks of an archive of images and masks, as pools come, as answers to the images of the same numbers; a mask of -1 throughout is none.
///
/// # Errors
/// What reading refuses, with the image and the pixel; [`SessionError::Field`] for another number of images than the session's `rows`.
pub(super) fn read_archive(path: &Path, rows: usize, annotator: &str) -> Result<Vec<Answer>> {
    let file = path.display().to_string();
    let columns = ColumnOptions { task: TargetKind::Mask, ..ColumnOptions::default() };
    let examples = load::rows(&file, None, &ReadOptions { columns, ..ReadOptions::default() })?;
    let Some((masks, known)) = examples.and_then(|examples| examples.masks) else { return Ok(Vec::new()) };
    if known.len() != rows {
        let (found, expected) = (format!("{} masks", known.len()), format!("one for each of {rows} images"));
        return Err(SessionError::Field { place: file, found, expected }.into());
    }
    let answer = |row: usize| Answer {
        verdict: Verdict::Label(text(&masks, row)),
        place: format!("{file}, image {row}"),
        ..Answer::new(row, "").by(annotator)
    };
    Ok((0..rows).filter(|&row| known[row]).map(answer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_masks_are_one_another() {
        let mut masks = Masks::new(2, 3);
        let all = ["......", "######", ".##...", "#.#.#."];
        all.iter().for_each(|shown| masks.push(&shown.chars().map(|c| c == '#').collect::<Vec<_>>()));
        let texts: Vec<String> = (0..4).map(|row| text(&masks, row)).collect();
        assert_eq!(texts, ["2x3 6", "2x3 0 6", "2x3 1 2 3", "2x3 0 1 1 1 1 1 1"]);
        for (text, shown) in texts.iter().zip(all) {
            let (size, pixels) = parse(text).unwrap();
            assert_eq!((size, pixels), ((2, 3), shown.chars().map(|c| c == '#').collect()));
        }
        for none in
            ["", "cat", "2x3", "2x3 5", "2x3 7", "2x3 -1 7", "0x3 0", "2x3 6 x", "99999999999x99999999 1"]
        {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
