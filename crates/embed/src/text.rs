//! Texts into numbered tokens, by the `tokenizer.json` that comes with a model.

use crate::EmbedError;
use std::path::{Path, PathBuf};
use tokenizers::{PostProcessor, Tokenizer, TruncationParams};

/// Tokens per text where neither the caller nor the tokenizer's file says how many.
pub const DEFAULT_TOKENS: usize = 512;
/// Tokens per text that may be asked for: attention takes memory by their square.
pub const MAX_TOKENS: usize = 32_768;

/// Texts of a batch as token numbers, padded to the longest. All arrays have the shape `[rows, length]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Texts.
    pub rows: usize,
    /// Tokens of the longest text, special ones included; at least 1.
    pub length: usize,
    /// The numbers of the tokens.
    pub ids: Vec<i64>,
    /// 1 at tokens and 0 at padding.
    pub mask: Vec<i64>,
    /// Which of two sentences a token is of.
    pub types: Vec<i64>,
}

/// A model's tokenizer.
#[derive(Debug)]
pub struct Texts {
    path: PathBuf,
    tokenizer: Tokenizer,
    padding: i64,
    most: usize,
}

impl Texts {
    /// The tokenizer that `bytes` of the file at `path` describe. Texts are cut after `most` tokens, or where `None`, after as
    /// many as the file says, or [`DEFAULT_TOKENS`].
    ///
    /// # Errors
    /// [`EmbedError::BadTokenizer`].
    pub fn new(path: &Path, bytes: &[u8], most: Option<usize>) -> Result<Self, EmbedError> {
        let bad = |reason: String| EmbedError::BadTokenizer { path: path.to_path_buf(), reason };
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| bad(error.to_string()))?;
        let own = tokenizer.get_truncation().cloned();
        let most = most.or(own.as_ref().map(|own| own.max_length)).unwrap_or(DEFAULT_TOKENS);
        if !(1..=MAX_TOKENS).contains(&most) {
            return Err(bad(format!("texts are cut after {most} tokens, expected 1 to {MAX_TOKENS}")));
        }
        // The library subtracts the one from the other without looking.
        let added = tokenizer.get_post_processor().map_or(0, |one| one.added_tokens(false));
        if most <= added {
            return Err(bad(format!(
                "texts are cut after {most} tokens, but {added} special ones are added to each"
            )));
        }
        let truncation = TruncationParams { max_length: most, stride: 0, ..own.unwrap_or_default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| bad(error.to_string()))?;
        let padding = tokenizer.get_padding().map_or(0, |padding| i64::from(padding.pad_id));
        tokenizer.with_padding(None);
        Ok(Self { path: path.to_path_buf(), tokenizer, padding, most })
    }

    /// Tokens after which a text is cut.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tokenizes a batch.
    ///
    /// # Errors
    /// [`EmbedError::Text`] with the row.
    pub fn tokenize(&self, texts: &[&str]) -> Result<Tokens, EmbedError> {
        let encode = |(row, text): (usize, &&str)| {
            let encoded = self.tokenizer.encode_fast(*text, true);
            encoded.map_err(|error| EmbedError::Text { row, reason: error.to_string() })
        };
        let encoded: Vec<_> = texts.iter().enumerate().map(encode).collect::<Result<_, _>>()?;
        let length = encoded.iter().map(|one| one.get_ids().len()).max().unwrap_or(0).max(1);
        let padded = |part: &dyn Fn(usize) -> Vec<i64>, padding: i64| -> Vec<i64> {
            let row = |row| {
                let own = part(row);
                let missing = length - own.len();
                own.into_iter().chain(std::iter::repeat_n(padding, missing))
            };
            (0..encoded.len()).flat_map(row).collect()
        };
        let whole =
            |numbers: &[u32]| -> Vec<i64> { numbers.iter().map(|&number| i64::from(number)).collect() };
        Ok(Tokens {
            rows: texts.len(),
            length,
            ids: padded(&|row| whole(encoded[row].get_ids()), self.padding),
            mask: padded(&|row| whole(encoded[row].get_attention_mask()), 0),
            types: padded(&|row| whole(encoded[row].get_type_ids()), 0),
        })
    }
}
