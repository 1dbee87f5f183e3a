//! The one error type that crosses layers.
//!
//! Every layer has an enum of its own, a variant per rule, with the place (file, row, column, key)
//! and both numbers (expected, found) as fields. Such an enum is a [`Fault`]; [`Error`] boxes any of
//! them, so that a layer never has to know the faults of the layers to its right.

use std::borrow::Cow;
use std::fmt;

/// The most characters of a message or a hint, whatever was handed in.
pub const MAX_MESSAGE: usize = 2_000;
/// The most characters of a name, value or line of the user's that a message quotes.
pub const MAX_QUOTE: usize = 80;

/// `text` as a message quotes it: what lies beyond [`MAX_QUOTE`] characters gives way to an ellipsis, and
/// control characters, which a terminal would obey, are escaped.
pub fn shorten(text: &str) -> Cow<'_, str> {
    fit(text, MAX_QUOTE, &[])
}

/// At most `most` characters of `text`, three quarters of them from its start and the others from its end;
/// control characters are escaped, but for those in `kept`.
fn fit<'t>(text: &'t str, most: usize, kept: &[char]) -> Cow<'t, str> {
    let obeyed = |c: char| c.is_control() && !kept.contains(&c);
    // Most texts are short and plain.
    if text.len() <= most && !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let escaped = |part: &str| -> String {
        part.chars().map(|c| if obeyed(c) { c.escape_default().to_string() } else { c.into() }).collect()
    };
    let cut = |count: usize| text.char_indices().nth(count).map(|(at, _)| at);
    if cut(most).is_none() {
        return Cow::Owned(escaped(text));
    }
    let (head, tail) = (3 * most / 4, most / 4 - 1);
    let start = cut(head).unwrap_or(text.len());
    let end = text.char_indices().rev().nth(tail - 1).map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}…{}", escaped(&text[..start]), escaped(&text[end..])))
}

/// Names of more bytes are neither suggested nor misspelt: likeness is quadratic in their lengths.
const MAX_LIKENED: usize = 200;
/// Similarity (Jaro-Winkler, letter case ignored) from which a name is taken for a slip.
const NEAR: f64 = 0.75;

/// The name in `known` that is most like `found`, if one is like it at all; the first by name of several.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if found.len() > MAX_LIKENED {
        return None;
    }
    let found = found.to_lowercase();
    known
        .into_iter()
        .filter(|name| name.len() <= MAX_LIKENED)
        .map(|name| (strsim::jaro_winkler(&found, &name.to_lowercase()), name))
        .filter(|&(likeness, _)| likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, name)| name)
}

/// What a failure means to the caller of the binary; the number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The work itself failed (disk, a diverged search, a crashed worker).
    Failed = 1,
    /// What the user handed in is wrong: a file, a plan, an argument.
    BadInput = 2,
    /// Ctrl-C or SIGTERM; the run can be resumed.
    Interrupted = 130,
}

/// A typed failure of one layer.
///
/// `help` of [`miette::Diagnostic`] is what the command line prints after `hint:`.
pub trait Fault: std::error::Error + miette::Diagnostic + Send + Sync + 'static {
    /// Which exit code this failure ends the process with.
    fn exit(&self) -> Exit {
        Exit::BadInput
    }
}

/// Any layer's [`Fault`].
pub struct Error(Box<dyn Fault>);

/// The crate's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit code this failure ends the process with.
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// What the user may do about it, if anything is known.
    pub fn hint(&self) -> Option<String> {
        self.0.help().map(|help| fit(&help.to_string(), MAX_MESSAGE, &['\n']).into_owned())
    }

    /// The layer's own error, if it is a `T`.
    pub fn downcast_ref<T: Fault>(&self) -> Option<&T> {
        let error: &(dyn std::error::Error + 'static) = &*self.0;
        error.downcast_ref::<T>()
    }
}

impl<T: Fault> From<T> for Error {
    fn from(fault: T) -> Self {
        Self(Box::new(fault))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&fit(&self.0.to_string(), MAX_MESSAGE, &['\n']))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_meant() {
        let keys = ["epochs", "steps", "batch", "learning_rate", "patience"];
        assert_eq!(nearest("epoch", keys), Some("epochs"));
        assert_eq!(nearest("Learning-Rate", keys), Some("learning_rate"));
        assert_eq!(nearest("bacth", keys), Some("batch"));
        assert_eq!(nearest("zzz", keys), None);
        // A megabyte of name once took seconds.
        assert_eq!(nearest(&"epochs".repeat(200_000), keys), None);
    }

    #[test]
    fn quotes_are_bounded_and_plain() {
        assert_eq!(shorten("plain"), "plain");
        assert_eq!(shorten("a\x1b[31mb\0"), "a\\u{1b}[31mb\\u{0}");
        let exact = "é".repeat(MAX_QUOTE);
        assert_eq!(shorten(&exact), exact);
        let long = format!("{}{}", "é".repeat(1 << 20), "z".repeat(100));
        let short = shorten(&long);
        assert_eq!(short.chars().count(), MAX_QUOTE);
        assert!(short.starts_with("éé") && short.contains("é…z") && short.ends_with("zz"), "{short}");
    }
}
