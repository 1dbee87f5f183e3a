//! Figures as SVG text, drawn by hand: no fonts, no renderer, no clock, so a figure is the same bytes
//! everywhere. One file per kind of figure; [`canvas`] has the primitives, [`palette`] the colours,
//! [`axis`] scales and ticks. What a figure shows is computed by the statistics, not here.

pub(crate) mod axis;
pub(crate) mod bars;
pub mod canvas;
pub(crate) mod critical;
pub(crate) mod forest;
pub(crate) mod heat;
pub(crate) mod learning;
pub mod marker;
pub(crate) mod overlays;
pub mod palette;
pub(crate) mod path;
pub(crate) mod profile;
pub(crate) mod search;
pub(crate) mod selection_profile;
pub(crate) mod steps;
pub(crate) mod training;

/// Figures that had to grow beyond this many units, for names that are never cut, take the width of the page.
const WIDE: f64 = 600.0;

/// A drawn figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// A name that serves as a file name without its ending: lower-case letters, digits, hyphens.
    pub name: String,
    /// What it shows, in a sentence or two.
    pub caption: String,
    /// Whether it needs the width of the page rather than half of it.
    pub wide: bool,
    /// One complete `<svg>` element.
    pub svg: String,
}

/// A file-name stem from any text: what is neither a letter nor a digit of ASCII becomes a hyphen.
pub fn stem(text: &str) -> String {
    let mut stem = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            stem.push(letter.to_ascii_lowercase());
        } else if !stem.ends_with('-') {
            stem.push('-');
        }
    }
    stem.trim_matches('-').to_owned()
}
