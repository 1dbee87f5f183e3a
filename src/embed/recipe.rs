//! How vectors were made: everything that decides their bytes, beside the rows themselves.

use super::Aggregate;
use crate::data::provenance::Named;
use crate::run::ElementType;
use serde::Serialize;

/// What is written into the provenance of an array, and what an interrupted run must agree in to go on. Parts that were not
/// used are left out.
#[derive(Clone, Debug, Serialize)]
pub struct Recipe {
    /// `texts`, `pictures` or `arrays`.
    pub kind: &'static str,
    /// The column of texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What was made of a sequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    /// The model, and files with its weights beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub model: Vec<Named>,
    /// What ran the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<String>,
    /// The model's tokenizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<Named>,
    /// Tokens after which texts were cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// The style in which pixels were prepared, and their height and width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<(String, usize, usize)>,
    /// The output that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What was made of a vector per token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooling: Option<String>,
    /// Whether vectors were divided by their norms.
    pub normalise: bool,
    /// Rows that a model saw together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// The elements of the array.
    pub dtype: ElementType,
}

impl Recipe {
    /// A recipe of nothing but the kind of rows.
    pub fn new(kind: &'static str, dtype: ElementType) -> Self {
        Self {
            kind,
            column: None,
            aggregate: None,
            model: Vec::new(),
            library: None,
            tokenizer: None,
            max_tokens: None,
            pixels: None,
            output: None,
            pooling: None,
            normalise: false,
            batch: None,
            dtype,
        }
    }
}
