//! Which network labels the target: the words of `transfer.architectures`.

use crate::arch::Point;
use serde::{Serialize, Serializer};
use std::fmt;

/// Which network labels the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchitectureChoice {
    /// `"learner"`: that of `[learner]`.
    Learner,
    /// `"A(2,1)"`: this point of the space of `[search]`, in every round.
    Fixed(Point),
    /// `"scratch"`: the local search on the target, from the smallest network on.
    Scratch,
    /// `"prior"`: what `[search]` found best on the sources at so many labels per class; nothing is searched
    /// on the target.
    Prior,
    /// `"searched"`: the one that `[search]` found on the sources, from which the search on the target goes
    /// on.
    Searched,
    /// `"head"`: the moves of the policy's third head, from the one found on the sources where `[search]`
    /// says so, else from the smallest; nothing is searched on the target.
    Head,
    /// `"head_searched"`: the local search on the target, in every round from where the head moved.
    HeadSearched,
}

/// The regular expression of a point's name.
pub const POINT: &str = r"^A\( *[1-9][0-9]* *, *[1-9][0-9]* *\)$";

impl ArchitectureChoice {
    /// The words in the experiment file that are no point of the space.
    pub const NAMED: [Self; 6] =
        [Self::Learner, Self::Scratch, Self::Prior, Self::Searched, Self::Head, Self::HeadSearched];

    /// The choice of this word.
    pub fn parse(word: &str) -> Option<Self> {
        let named = Self::NAMED.into_iter().find(|choice| choice.to_string() == word);
        named.or_else(|| {
            let (blocks, stacks) = word.strip_prefix("A(")?.strip_suffix(')')?.split_once(',')?;
            let count = |text: &str| text.trim().parse::<usize>().ok().filter(|&count| count > 0);
            Some(Self::Fixed(Point::new(count(blocks)?, count(stacks)?)))
        })
    }

    /// What the names of strategies end in where this is one of several choices.
    pub fn suffix(self) -> String {
        match self {
            Self::Learner => String::new(),
            Self::Searched => "+search".into(),
            Self::HeadSearched => "+head+search".into(),
            other => format!("+{other}"),
        }
    }

    /// Whether it is a point, or a walk, of the space of `[search]`.
    pub fn needs_space(self) -> bool {
        !matches!(self, Self::Learner | Self::Head)
    }

    /// Whether it begins with what the sources taught, where they are searched.
    pub fn uses_sources(self) -> bool {
        matches!(self, Self::Prior | Self::Searched | Self::Head | Self::HeadSearched)
    }

    /// Whether it asks the policy's third head.
    pub fn needs_head(self) -> bool {
        matches!(self, Self::Head | Self::HeadSearched)
    }

    /// Whether it changes as labels come in.
    pub fn grows(self) -> bool {
        !matches!(self, Self::Learner | Self::Fixed(_))
    }
}

impl fmt::Display for ArchitectureChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Learner => "learner",
            Self::Fixed(Point { blocks, stacks }) => return write!(f, "A({blocks},{stacks})"),
            Self::Scratch => "scratch",
            Self::Prior => "prior",
            Self::Searched => "searched",
            Self::Head => "head",
            Self::HeadSearched => "head_searched",
        })
    }
}

impl Serialize for ArchitectureChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_nothing_else_does() {
        let fixed = ArchitectureChoice::Fixed(Point::new(12, 5));
        for choice in ArchitectureChoice::NAMED.into_iter().chain([fixed]) {
            assert_eq!(ArchitectureChoice::parse(&choice.to_string()), Some(choice));
        }
        assert_eq!(ArchitectureChoice::parse("A(2, 1)"), Some(ArchitectureChoice::Fixed(Point::new(2, 1))));
        for wrong in ["", "Learner", "A()", "A(1)", "A(0,1)", "A(1,1,1)", "A(-1,1)", "A(1,1"] {
            assert_eq!(ArchitectureChoice::parse(wrong), None, "{wrong}");
        }
    }
}
