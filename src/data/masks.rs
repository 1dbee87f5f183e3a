//! [`Masks`]: which pixels of images are foreground.

use crate::data::mask::{mask_of, mask_words, pixel};

/// One foreground mask per row of a data set, all of one size, as [words](crate::data::mask): 32 pixels take four bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masks {
    height: usize,
    width: usize,
    words: Vec<u32>,
}

impl Masks {
    /// No mask yet, of so many rows and columns of pixels.
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width, words: Vec::new() }
    }

    /// Adds the mask of the next row, pixel by pixel.
    ///
    /// # Panics
    /// If it has another number of pixels.
    pub fn push(&mut self, foreground: &[bool]) {
        assert_eq!(foreground.len(), self.pixels(), "pixels of a mask of {} x {}", self.height, self.width);
        self.words.extend(mask_of(foreground));
    }

    /// Adds the masks of others of the same size.
    ///
    /// # Panics
    /// If they are of another size.
    pub fn append(&mut self, other: Self) {
        assert_eq!((self.height, self.width), (other.height, other.width), "masks of one size");
        self.words.extend(other.words);
    }

    /// The masks of these rows, one after the other; all background where there is none.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn gather(&self, rows: impl Iterator<Item = Option<usize>>) -> Self {
        let background = vec![0; mask_words(self.pixels())];
        let words = rows.flat_map(|row| row.map_or(&background[..], |row| self.mask(row)).to_vec());
        Self { words: words.collect(), ..*self }
    }

    /// The number of masks.
    pub fn rows(&self) -> usize {
        self.words.len() / mask_words(self.pixels()).max(1)
    }

    /// Rows and columns of pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// Pixels of a mask.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// All masks, one after the other.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The mask of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn mask(&self, row: usize) -> &[u32] {
        let each = mask_words(self.pixels());
        &self.words[row * each..(row + 1) * each]
    }

    /// Foreground pixels of a row's mask.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn area(&self, row: usize) -> usize {
        self.mask(row).iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The length of the foreground's outline in a row's mask: sides of foreground pixels beyond which there is background, or nothing.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn perimeter(&self, row: usize) -> usize {
        let (mask, (height, width)) = (self.mask(row), self.size());
        let on = |y: Option<usize>, x: Option<usize>| match (y, x) {
            (Some(y), Some(x)) => y < height && x < width && pixel(mask, y * width + x),
            _ => false,
        };
        let sides = |at: usize| {
            let (y, x) = (at / width, at % width);
            [
                (y.checked_sub(1), Some(x)),
                (Some(y + 1), Some(x)),
                (Some(y), x.checked_sub(1)),
                (Some(y), Some(x + 1)),
            ]
            .into_iter()
            .filter(|&(y, x)| !on(y, x))
            .count()
        };
        (0..self.pixels()).filter(|&at| pixel(mask, at)).map(sides).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_and_outline_by_hand() {
        let mut masks = Masks::new(3, 4);
        masks.push(&[false; 12]);
        // A square of four in a corner, and one pixel by itself.
        let shown = "##..\n##..\n...#";
        masks.push(&shown.chars().filter(|&c| c != '\n').map(|c| c == '#').collect::<Vec<_>>());
        masks.push(&[true; 12]);
        let found: Vec<(usize, usize)> =
            (0..masks.rows()).map(|row| (masks.area(row), masks.perimeter(row))).collect();
        assert_eq!(found, [(0, 0), (5, 12), (12, 14)]);
        let gathered = masks.gather([Some(2), None, Some(1)].into_iter());
        let areas: Vec<usize> = (0..gathered.rows()).map(|row| gathered.area(row)).collect();
        assert_eq!((areas, gathered.size()), (vec![12, 0, 5], (3, 4)));
    }
}
