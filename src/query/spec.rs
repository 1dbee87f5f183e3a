//! [`Spec`]: a strategy by name, with its parameters, as one line of text.
//!
//! ```text
//! spec  = name [ "(" [ part { "," part } ] ")" ]
//! part  = spec | key "=" ( value | '"' text '"' )
//! ```
//!
//! `margin`, `typiclust(neighbours=10)`, `power(mc(margin), beta=2)`, `external(command="python3 pick.py")`. A text
//! has printable ASCII but quotation marks, backslashes and parentheses.

use super::error::QueryError;
use crate::error::shorten;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The most characters a specification may have.
pub const MAX_LENGTH: usize = 1_000;
/// The most levels of parentheses.
pub const MAX_DEPTH: usize = 8;

/// A strategy by name, with the strategies it is built over and its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Spec {
    /// The registered name.
    pub name: String,
    /// The strategies it is built over, for wrappers and bandits.
    pub arms: Vec<Spec>,
    /// Parameters in the order in which they were written.
    pub parameters: Vec<(String, String)>,
}

impl Spec {
    /// Several specifications separated by commas; commas within parentheses belong to their strategy.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] with the place.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, QueryError> {
        let mut reader = Reader::new(text)?;
        let mut specs = vec![reader.spec(0)?];
        while reader.take(b',') {
            specs.push(reader.spec(0)?);
        }
        reader.end()?;
        Ok(specs)
    }
}

impl FromStr for Spec {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let mut reader = Reader::new(text)?;
        let spec = reader.spec(0)?;
        reader.end()?;
        Ok(spec)
    }
}

impl TryFrom<String> for Spec {
    type Error = QueryError;

    fn try_from(text: String) -> Result<Self, QueryError> {
        text.parse()
    }
}

impl From<Spec> for String {
    fn from(spec: Spec) -> Self {
        spec.to_string()
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let mut separator = "(";
        for arm in &self.arms {
            write!(f, "{separator}{arm}")?;
            separator = ",";
        }
        for (key, value) in &self.parameters {
            match value.bytes().all(is_plain) {
                true => write!(f, "{separator}{key}={value}")?,
                false => write!(f, "{separator}{key}=\"{value}\"")?,
            }
            separator = ",";
        }
        if separator == "," { f.write_str(")") } else { Ok(()) }
    }
}

/// What values hold without quotation marks.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._+-".contains(&byte)
}

/// What texts hold. Without parentheses, so that a list is split at its commas without reading texts.
fn is_text(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && !b"\"\\()".contains(&byte)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Result<Self, QueryError> {
        if text.len() > MAX_LENGTH {
            return Err(QueryError::Syntax {
                spec: shorten(text).into_owned(),
                at: MAX_LENGTH,
                expected: "longer than the 1000 characters that are allowed",
            });
        }
        Ok(Self { text, at: 0 })
    }

    fn fail<T>(&self, expected: &'static str) -> Result<T, QueryError> {
        Err(QueryError::Syntax { spec: self.text.to_string(), at: self.at, expected })
    }

    fn skip_spaces(&mut self) {
        while self.text.as_bytes().get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_spaces();
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn end(&mut self) -> Result<(), QueryError> {
        self.skip_spaces();
        if self.at == self.text.len() { Ok(()) } else { self.fail("expected the end") }
    }

    /// The longest run of bytes that `accept` takes, all of them ASCII.
    fn run(&mut self, accept: impl Fn(u8) -> bool) -> &'t str {
        self.skip_spaces();
        let start = self.at;
        while self.text.as_bytes().get(self.at).is_some_and(|&byte| accept(byte)) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn name(&mut self) -> Result<&'t str, QueryError> {
        let name = self.run(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if name.is_empty() { self.fail("expected a name of letters, digits, `-` and `_`") } else { Ok(name) }
    }

    fn value(&mut self) -> Result<&'t str, QueryError> {
        if self.take(b'"') {
            let rest = &self.text.as_bytes()[self.at..];
            let length = rest.iter().position(|&byte| !is_text(byte)).unwrap_or(rest.len());
            let text = &self.text[self.at..self.at + length];
            self.at += length;
            // Blanks before the quotation mark would be part of the text.
            let ended = self.text.as_bytes().get(self.at) == Some(&b'"') && self.take(b'"');
            return match ended {
                true if text.is_empty() => self.fail("expected a text before this"),
                true => Ok(text),
                false => self.fail("expected `\"`: a text has no backslashes and no parentheses"),
            };
        }
        let value = self.run(is_plain);
        if value.is_empty() { self.fail("expected a value") } else { Ok(value) }
    }

    fn spec(&mut self, depth: usize) -> Result<Spec, QueryError> {
        let name = self.name()?;
        self.rest(name, depth)
    }

    /// What follows a name.
    fn rest(&mut self, name: &str, depth: usize) -> Result<Spec, QueryError> {
        if depth >= MAX_DEPTH {
            return self.fail("more than the 8 levels of parentheses that are allowed");
        }
        let mut spec = Spec { name: name.to_string(), arms: Vec::new(), parameters: Vec::new() };
        if !self.take(b'(') || self.take(b')') {
            return Ok(spec);
        }
        loop {
            let name = self.name()?;
            if self.take(b'=') {
                let value = self.value()?;
                if spec.parameters.iter().any(|(key, _)| key == name) {
                    return self.fail("this parameter was given before");
                }
                spec.parameters.push((name.to_string(), value.to_string()));
            } else {
                let arm = self.rest(name, depth + 1)?;
                spec.arms.push(arm);
            }
            if self.take(b')') {
                return Ok(spec);
            }
            if !self.take(b',') {
                return self.fail("expected `,` or `)`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in [
            "margin",
            "typiclust(neighbours=10)",
            "power(mc(margin,passes=20),beta=1.5)",
            "a(b,c,d=-1e3)",
            "a(b=\"./c d.py -x=1,2 'e'\",f=2)",
            "a(b=\" spaces \")",
        ] {
            assert_eq!(text.parse::<Spec>().unwrap().to_string(), text);
        }
        let spaced: Spec = " power ( margin , beta = 2 ) ".parse().unwrap();
        assert_eq!(spaced.to_string(), "power(margin,beta=2)");
        assert_eq!("margin()".parse::<Spec>().unwrap().to_string(), "margin");
    }

    #[test]
    fn a_list_keeps_inner_commas() {
        let specs = Spec::parse_list("random, power(margin,beta=1),badge").unwrap();
        let names: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["random", "power", "badge"]);
    }

    #[test]
    fn refuses_what_is_not_a_specification() {
        for (text, at) in [
            ("", 0),
            ("power(margin", 12),
            ("power(margin beta=1)", 13),
            ("margin)", 6),
            ("power(beta=)", 11),
            ("power(beta=1,beta=2)", 19),
            ("märgin", 1),
            ("a(b=\"c)", 6),
            ("a(b=\"c\nd\")", 6),
        ] {
            match text.parse::<Spec>() {
                Err(QueryError::Syntax { at: found, .. }) => assert_eq!(found, at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let deep = "a(".repeat(500);
        assert!(matches!(deep.parse::<Spec>(), Err(QueryError::Syntax { .. })));
        assert!(matches!("ä".repeat(2_000).parse::<Spec>(), Err(QueryError::Syntax { .. })));
    }
}
