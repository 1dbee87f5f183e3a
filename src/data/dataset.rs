//! [`Dataset`]: validated, immutable examples with a content digest.

/// The shape of one example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A vector of this width.
    Vector(usize),
    /// An image, stored channel by channel, row by row.
    Image { channels: usize, height: usize, width: usize },
}

impl Shape {
    /// Numbers per example.
    pub fn width(&self) -> usize {
        match *self {
            Shape::Vector(width) => width,
            Shape::Image { channels, height, width } => channels * height * width,
        }
    }
}

/// What is to be predicted. A type of its own, so that nothing assumes classification where it need not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Targets {
    /// One class per row, `0..names.len()`.
    Class { labels: Vec<u32>, names: Vec<String> },
}

/// The part of an official split that a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SplitTag {
    /// May be labelled and trained on.
    Train,
    /// Only ever tested on.
    Test,
}

/// Validated, immutable examples.
#[derive(Clone, Debug)]
pub struct Dataset {
    name: String,
    shape: Shape,
    inputs: super::Matrix,
    targets: Targets,
    split: Option<Vec<SplitTag>>,
}
