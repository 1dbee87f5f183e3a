//! [`Overlay`]: an image of an episode over masks, what was predicted of it and what is true. For people to look at; nothing is learned or chosen by
//! it.

use super::env::Episodes;
use crate::data::mask::{mask_of, pixel};
use crate::data::{Images, Matrix, RowId, TargetKind, Task, png};
use crate::learner::{Metric, Scores};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};

/// The most images of one query that are kept.
const ASKED_OF_A_QUERY: usize = 2;
/// The most images of one episode that are kept of those that were asked for.
const ASKED: usize = 6;
/// Images of the test part that are kept: its first ones, whose order was drawn with the split.
const UNSEEN: usize = 3;
/// Larger images are kept in so many numbers (pixels times channels) or fewer.
const MAX_NUMBERS: usize = 16_384;

/// An image with two masks. Large images are kept at the half, a third, … of their size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Queries answered when the mask was predicted.
    pub round: u32,
    /// Whether the image was asked for in the query that followed; else it is one of the test part.
    pub asked: bool,
    /// What the image is called, or the number of its row.
    pub name: String,
    /// Rows and columns of pixels of `picture` and masks.
    pub height: usize,
    pub width: usize,
    /// The image as PNG, in base64. Values beyond what a byte holds are stretched to its range, image by image.
    pub picture: String,
    /// The predicted [mask](crate::data::mask).
    pub predicted: Vec<u32>,
    /// The true one.
    pub truth: Vec<u32>,
    /// Their Dice coefficient at full size.
    pub dice: f64,
}

impl Episodes {
    /// Images that are about to be asked for in episode `env`, with what its network predicts; what is true is filled in by
    /// [`answered`](Self::answered). `kept` is how many of the episode are kept already.
    pub(super) fn about_to_ask(&self, env: usize, rows: &[RowId], kept: usize) -> Vec<(RowId, Vec<f32>)> {
        let count = rows.len().min(ASKED_OF_A_QUERY).min(ASKED.saturating_sub(kept));
        let numbers: Vec<u32> = rows[..count].iter().map(|row| row.0).collect();
        let answers = self.answers(env, &numbers);
        rows[..count].iter().enumerate().map(|(at, &row)| (row, answers.row(at).to_vec())).collect()
    }

    /// The overlays of images whose masks are in hand, of what was predicted `before` they were.
    pub(super) fn answered(&self, env: usize, round: u32, before: Vec<(RowId, Vec<f32>)>) -> Vec<Overlay> {
        let task = self.replicate(env).prepared.task();
        let (labelled, words) = self.labelled(env);
        let of = |(row, answers): (RowId, Vec<f32>)| {
            let at = labelled.iter().position(|&known| known == row.0)?;
            let name = task.row_id(row).map_or_else(|| task.dataset_row(row).to_string(), str::to_string);
            let one = overlay(task, task.pool().row(row.index()), &answers, &words[at..=at])?;
            Some(Overlay { round, asked: true, name, ..one })
        };
        before.into_iter().filter_map(of).collect()
    }

    /// Overlays of the first images of the test part by the network as it stands.
    pub(super) fn unseen(&self, env: usize) -> Vec<Overlay> {
        let task = self.replicate(env).prepared.task();
        let (group, place) = self.places[env];
        let test = task.test();
        let rows: Vec<u32> = (0..test.labels().len().min(UNSEEN) as u32).collect();
        let answers = TargetKind::Mask.answers(&*self.groups[group].bank, place, test.inputs(), Some(&rows));
        let of = |at: usize| {
            let one = overlay(task, test.inputs().row(at), answers.row(at), &test.labels()[at..=at])?;
            let round = self.state(env).round;
            Some(Overlay { round, asked: false, name: format!("{} of the test part", at + 1), ..one })
        };
        (0..rows.len()).filter_map(of).collect()
    }
}

/// An image, what is predicted of its pixels and its true mask in full. `None` where a row is no image, or none that a picture can be made of.
fn overlay(task: &Task, input: &[f32], answers: &[f32], word: &[u32]) -> Option<Overlay> {
    of_image(&task.images()?, input, answers, &task.in_full(word))
}

fn of_image(images: &Images, input: &[f32], answers: &[f32], truth: &[u32]) -> Option<Overlay> {
    let (channels, height, width) = (images.channels, images.height, images.width);
    if !matches!(channels, 1 | 3) || answers.len() != height * width {
        return None;
    }
    let scores = Scores::of_masks(&Matrix::new(answers.to_vec(), 1, answers.len()), truth);
    let size = |by: usize| ((height / by).max(1), (width / by).max(1));
    let fits = |&by: &usize| channels * size(by).0 * size(by).1 <= MAX_NUMBERS;
    let by = (1..=height.max(width)).find(fits)?;
    let (small_height, small_width) = size(by);
    // The pixel in the middle of each block stands for it.
    let place = |at: usize| {
        let inside = |at: usize, size: usize| (at * by + by / 2).min(size - 1);
        inside(at / small_width, height) * width + inside(at % small_width, width)
    };
    let (area, grey) = (small_height * small_width, images.grey(input));
    let values: Vec<f32> = (0..channels)
        .flat_map(|channel| (0..area).map(move |at| (channel, at)))
        .map(|(channel, at)| grey[channel * height * width + place(at)] as f32)
        .collect();
    let mask = |on: &dyn Fn(usize) -> bool| mask_of(&(0..area).map(|at| on(place(at))).collect::<Vec<_>>());
    Some(Overlay {
        round: 0,
        asked: false,
        name: String::new(),
        height: small_height,
        width: small_width,
        picture: BASE64_STANDARD.encode(png(&values, [channels, small_height, small_width])),
        predicted: mask(&|at| answers[at] >= 0.5),
        truth: mask(&|at| pixel(truth, at)),
        dice: scores.by(Metric::Dice),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of 200 x 300 pixels whose left half is foreground, of which the left third is predicted.
    #[test]
    fn large_images_are_kept_smaller_and_measured_at_full_size() {
        let (height, width) = (200, 300);
        let at =
            |is: &dyn Fn(usize) -> bool| (0..height * width).map(|at| is(at % width)).collect::<Vec<_>>();
        let answers: Vec<f32> = at(&|x| x < 100).into_iter().map(|on| if on { 0.5 } else { 0.4 }).collect();
        let truth = mask_of(&at(&|x| x < 150));
        let input: Vec<f32> = (0..height * width).map(|at| (at % width) as f32).collect();
        let images = Images::unscaled(1, height, width);
        let kept = of_image(&images, &input, &answers, &truth).unwrap();
        assert_eq!((kept.height, kept.width), (100, 150));
        let ones = |mask: &[u32]| mask.iter().map(|word| word.count_ones()).sum::<u32>();
        assert_eq!((ones(&kept.predicted), ones(&kept.truth)), (100 * 50, 100 * 75));
        assert!((kept.dice - 200.0 / 250.0).abs() < 1e-12);
        let png = BASE64_STANDARD.decode(&kept.picture).unwrap();
        let picture = image::load_from_memory(&png).unwrap().into_luma8();
        assert_eq!((picture.width(), picture.height(), picture.get_pixel(0, 0).0), (150, 100, [0]));
        assert_eq!(picture.get_pixel(149, 99).0, [255]);
        // Two channels are no picture.
        let two = Images::unscaled(2, 1, 2);
        assert_eq!(of_image(&two, &[0.0; 4], &[0.0; 2], &[0]), None);
    }
}
