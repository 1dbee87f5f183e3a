//! Texts, pictures and vectors into embeddings, by models that users hand in.
//!
//! An [`Encoder`] turns a batch into one vector per example. [`Embedder`] is the one that is made of a file: a model for
//! `onnxruntime` ([`onnx`]), or with the feature `tch` a TorchScript module (`torchscript`); the library that runs it is loaded
//! when it is first needed. Around the model lie what texts and pictures are turned into ([`text`], [`picture`]) and what is made
//! of a vector per token ([`pooling`]). Which files there are, what is kept of a run that was interrupted, and what is
//! written is not known here.
//!
//! ```
//! use querist_embed::pooling::{Pooling, divide_by_norms, pool};
//! use querist_embed::Tensor;
//!
//! // Two texts of two tokens, of which the second text has one; vectors of two numbers.
//! let tokens = Tensor { shape: vec![2, 2, 2], values: vec![3.0, 0.0, 5.0, 8.0, 0.0, 2.0, 9.0, 9.0] };
//! let mask = [1, 1, 1, 0];
//! let mut pooled = pool(tokens, Some(&mask), Some(Pooling::Mean)).unwrap();
//! assert_eq!(pooled.values, [4.0, 4.0, 0.0, 2.0]);
//! divide_by_norms(&mut pooled);
//! assert_eq!(pooled.values[2..], [0.0, 1.0]);
//! ```

mod embedder;
mod error;
pub mod onnx;
pub mod picture;
pub mod pooling;
pub mod text;
#[cfg(feature = "tch")]
pub mod torchscript;

pub use embedder::{Embedder, Kind, Libraries, Settings};
pub use error::EmbedError;

/// Turns a batch of examples into vectors, all of one width.
pub trait Encoder {
    /// One vector per example, shape `[n, width]`, in the order of the batch.
    ///
    /// # Errors
    /// [`EmbedError`] where the model cannot take the batch, or gives something else than finite numbers.
    fn encode(&mut self, batch: Batch<'_>) -> Result<Tensor, EmbedError>;
}

/// Examples that a model is run on together.
#[derive(Clone, Copy, Debug)]
pub enum Batch<'a> {
    /// Raw texts.
    Texts(&'a [&'a str]),
    /// Numbers of shape `[n, …]`, row by row: vectors, or pictures as [`picture::Pictures`] prepares them.
    Numbers {
        /// The lengths of the dimensions; the first is the number of examples.
        shape: &'a [usize],
        /// As many as the product of the lengths.
        values: &'a [f32],
    },
}

impl Batch<'_> {
    /// The number of examples.
    pub fn len(&self) -> usize {
        match self {
            Batch::Texts(texts) => texts.len(),
            Batch::Numbers { shape, .. } => shape.first().copied().unwrap_or(0),
        }
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Numbers of any shape, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The lengths of the dimensions.
    pub shape: Vec<usize>,
    /// As many as the product of the lengths.
    pub values: Vec<f32>,
}

/// What a model is fed with.
pub(crate) enum Feed<'a> {
    Tokens(&'a text::Tokens),
    Numbers { shape: &'a [usize], values: &'a [f32] },
}

/// A model of one back end.
pub(crate) trait Model: Send {
    /// What runs the model, in its own words.
    fn library(&self) -> String;

    /// The model's output, as it comes.
    fn run(&mut self, feed: &Feed<'_>) -> Result<Tensor, EmbedError>;

    /// The height and width of pictures, where the model takes one size alone.
    fn picture_size(&self) -> Option<(usize, usize)> {
        None
    }
}
