//! Colours. Strategies keep one colour through a whole report; random is always grey.
//!
//! The series colours are Okabe and Ito's ("Color Universal Design", 2008), which stay apart for the
//! common kinds of colour blindness; yellow is left out because it vanishes on white. Where colours repeat, the
//! marker is another, and so is the dash as long as there are some: colour and marker alone, which is all that a dot
//! plot or a row of a table can show, tell 48 strategies apart beside the subject, margin and random.

use super::marker::Marker;
use crate::query::Registry;
use std::collections::{BTreeMap, BTreeSet};

/// Where a figure will be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Inside the report, whose style sheet sets the colours for light, dark and paper.
    Page,
    /// As a file of its own, in the colours of paper.
    Alone,
}

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Text,
    /// Secondary text and axes.
    Muted,
    /// Grid lines.
    Grid,
    /// The background.
    Paper,
    /// Random's grey.
    Grey,
    /// A series colour, by number below [`SERIES`].
    Series(usize),
}

/// How many series colours there are.
pub const SERIES: usize = 8;

/// `(CSS variable, light, dark)`.
const FIXED: [(&str, &str, &str); 5] = [
    ("text", "#1b1f24", "#e6e8eb"),
    ("muted", "#5a636e", "#a3abb5"),
    ("grid", "#e3e6ea", "#31363d"),
    ("paper", "#ffffff", "#15181c"),
    ("grey", "#8a8f96", "#9aa0a8"),
];
const COLOURS: [(&str, &str, &str); SERIES] = [
    ("s0", "#d55e00", "#f58a45"),
    ("s1", "#0072b2", "#56aee6"),
    ("s2", "#009e73", "#35cba0"),
    ("s3", "#aa4499", "#dd8fd0"),
    ("s4", "#c98500", "#efb84a"),
    ("s5", "#3a9bd6", "#8fd0f7"),
    ("s6", "#6b4fa0", "#b39ddb"),
    ("s7", "#7a5c2e", "#c9a673"),
];
const DASHES: [&str; 4] = ["", "6 3", "2 2.5", "8 3 2 3"];

impl Ink {
    fn entry(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Ink::Text => FIXED[0],
            Ink::Muted => FIXED[1],
            Ink::Grid => FIXED[2],
            Ink::Paper => FIXED[3],
            Ink::Grey => FIXED[4],
            Ink::Series(index) => COLOURS[index % SERIES],
        }
    }

    /// The colour as CSS.
    pub fn css(self, theme: Theme) -> String {
        let (name, light, _) = self.entry();
        match theme {
            Theme::Page => format!("var(--{name})"),
            Theme::Alone => light.to_owned(),
        }
    }
}

/// The declarations `--name: colour;` of the light or the dark colours.
pub fn variables(dark: bool) -> String {
    let colour =
        |(name, light, night): &(&str, &str, &str)| format!("--{name}:{};", if dark { night } else { light });
    FIXED.iter().chain(&COLOURS).map(colour).collect()
}

/// How a strategy is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Its colour.
    pub ink: Ink,
    /// Its dash pattern; empty = solid.
    pub dash: &'static str,
    /// The shape of its points.
    pub marker: Marker,
    /// Its line width.
    pub width: f64,
    /// Larger = drawn later, over the others.
    pub order: usize,
}

/// The styles of all strategies of a report.
#[derive(Clone, Debug)]
pub struct Palette {
    styles: BTreeMap<String, Style>,
}

impl Palette {
    /// Gives every strategy its style: the subject and margin the first two colours, random grey, what reads hidden
    /// labels a dashed dark line, the others the remaining colours by name.
    pub fn new<'a>(
        strategies: impl IntoIterator<Item = &'a str>,
        subject: &str,
        registry: &Registry,
    ) -> Self {
        let names: BTreeSet<&str> = strategies.into_iter().collect();
        let (mut hidden, mut next) = (0, 0);
        let marker = |lap: usize| Marker::ALL[lap % Marker::ALL.len()];
        let plain = |ink, width, order| Style { ink, dash: "", marker: Marker::Circle, width, order };
        let styles = names
            .into_iter()
            .map(|name| {
                let style = if name == crate::report::verdict::RANDOM {
                    plain(Ink::Grey, 1.8, 1)
                } else if name == subject {
                    plain(Ink::Series(0), 2.6, 4)
                } else if name == crate::report::verdict::MARGIN {
                    plain(Ink::Series(1), 2.0, 3)
                } else if !crate::report::roles::is_ranked(name, registry) {
                    hidden += 1;
                    Style { dash: "5 3", marker: marker(hidden - 1), ..plain(Ink::Text, 1.6, 0) }
                } else {
                    next += 1;
                    // Two colours are the subject's and margin's.
                    let (lap, colour) = ((next - 1) / (SERIES - 2), 2 + (next - 1) % (SERIES - 2));
                    let dash = DASHES[lap % DASHES.len()];
                    Style { dash, marker: marker(lap), ..plain(Ink::Series(colour), 1.6, 2) }
                };
                (name.to_owned(), style)
            })
            .collect();
        Self { styles }
    }

    /// The style of a strategy; one that is unknown is drawn like secondary text.
    pub fn style(&self, strategy: &str) -> Style {
        let marker = Marker::Circle;
        let unknown = Style { ink: Ink::Muted, dash: "", marker, width: 1.6, order: 0 };
        self.styles.get(strategy).copied().unwrap_or(unknown)
    }

    /// All strategies with their styles, those in the foreground first, then by name.
    pub fn strategies(&self) -> Vec<(&str, Style)> {
        let mut all: Vec<(&str, Style)> =
            self.styles.iter().map(|(name, style)| (name.as_str(), *style)).collect();
        all.sort_by_key(|(_, style)| std::cmp::Reverse(style.order));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beyond 24 strategies looks repeated, and in dot plots and tables, which have no dashes, beyond eight.
    #[test]
    fn no_two_of_48_look_alike_even_without_dashes() {
        let mut names: Vec<String> = (0..48).map(|i| format!("strategy-{i:02}")).collect();
        names.extend(
            ["random", "margin", "policy", "greedy_oracle", "greedy_oracle+search"].map(str::to_owned),
        );
        let palette = Palette::new(names.iter().map(String::as_str), "policy", &Registry::builtin());
        let mut seen = Vec::new();
        for (name, style) in palette.strategies() {
            let look = (style.ink, style.marker);
            assert!(!seen.contains(&look), "{name}");
            seen.push(look);
        }
        assert_eq!(seen.len(), 53);
        assert_eq!(palette.style("random").ink, Ink::Grey);
        assert_eq!(palette.style("greedy_oracle+search").ink, Ink::Text);
        assert_eq!(palette.strategies()[0].0, "policy");
    }
}
