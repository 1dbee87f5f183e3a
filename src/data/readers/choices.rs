//! What is asked for where a file leaves it open, by its words.

use crate::error::shorten;
use std::fmt;
use std::str::FromStr;

/// What stands between two fields of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Separator {
    /// One character of ASCII.
    Byte(u8),
    /// Any run of spaces and tabs.
    Blanks,
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Separator::Byte(b'\t') => f.write_str("tab"),
            Separator::Byte(byte) => write!(f, "{}", char::from(*byte)),
            Separator::Blanks => f.write_str("blanks"),
        }
    }
}

impl FromStr for Separator {
    type Err = String;

    /// One character of ASCII that is neither letter, digit, quote nor line break, or one of `comma`,
    /// `semicolon`, `pipe`, `tab` and `blanks`.
    fn from_str(text: &str) -> Result<Self, String> {
        let byte = match text {
            "comma" => b',',
            "semicolon" => b';',
            "pipe" => b'|',
            "tab" | "\\t" => b'\t',
            "blanks" | "space" | " " => return Ok(Separator::Blanks),
            other => match *other.as_bytes() {
                [byte] if byte == b'\t' || byte.is_ascii_punctuation() && !b"\"'.+-".contains(&byte) => byte,
                _ => {
                    return Err(format!(
                        "{:?} is no separator: comma, semicolon, tab, pipe, blanks, or one character",
                        shorten(other)
                    ));
                }
            },
        };
        Ok(Separator::Byte(byte))
    }
}

/// Where an image has its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channels {
    /// Channel by channel: `[channels, height, width]`.
    First,
    /// Pixel by pixel: `[height, width, channels]`.
    Last,
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Channels::First => "first",
            Channels::Last => "last",
        })
    }
}

impl FromStr for Channels {
    type Err = String;

    /// `first` or `last`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "first" => Ok(Channels::First),
            "last" => Ok(Channels::Last),
            other => Err(format!("channels are `first` or `last`, not {:?}", shorten(other))),
        }
    }
}
