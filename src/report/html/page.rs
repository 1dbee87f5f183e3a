//! What the template `report.html` is given: texts, and drawings where a field says so.

use super::super::figure::Figure;
use super::super::template::render;
use serde::Serialize;

/// The page.
#[derive(Serialize)]
pub(super) struct Page<'a> {
    pub heading: String,
    /// Colours for a light and for a dark screen, a block of CSS each.
    pub light: String,
    pub dark: String,
    pub style: &'static str,
    /// The claim, and one per task where there are several.
    pub verdict: Vec<Run>,
    pub tasks: Vec<Vec<Run>>,
    pub warnings: &'a [String],
    pub sections: Vec<Section<'a>>,
}

/// A heading and what stands below it.
#[derive(Serialize)]
pub(super) struct Section<'a> {
    heading: String,
    parts: Vec<Part<'a>>,
}

/// What a section is made of.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Part<'a> {
    Legend { entries: Vec<Named> },
    Figures(Figures<'a>),
    Table(Table),
    Folded { open: bool, summary: String, table: Table },
    Note { text: String },
    Facts { facts: Vec<Fact<'a>> },
    Text { text: &'a str },
}

/// A name behind a drawing of its marker and line.
#[derive(Serialize)]
pub(super) struct Named {
    pub swatch: String,
    pub name: String,
}

/// Figures side by side where there is room.
#[derive(Serialize)]
pub(super) struct Figures<'a> {
    pub figures: Vec<Shown<'a>>,
    /// Whether their captions stand below them.
    pub captions: bool,
    /// Whether they are what the page is about.
    pub lead: bool,
}

/// A figure as the page shows it.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    wide: bool,
    svg: &'a str,
    caption: &'a str,
}

impl<'a> Figures<'a> {
    /// All of `drawn`.
    pub fn of(drawn: &'a [Figure], captions: bool) -> Self {
        let shown =
            |figure: &'a Figure| Shown { wide: figure.wide, svg: &figure.svg, caption: &figure.caption };
        Self { figures: drawn.iter().map(shown).collect(), captions, lead: false }
    }
}

/// A table whose first column names the rows.
#[derive(Serialize)]
pub(super) struct Table {
    pub caption: String,
    pub heads: Vec<String>,
    pub rows: Vec<TableRow>,
}

/// A row: its name, and a cell for every other column.
#[derive(Serialize)]
pub(super) struct TableRow {
    /// Whether it is that of whom the report is about.
    pub subject: bool,
    /// The drawing before the name, if it has one.
    pub swatch: Option<String>,
    pub name: String,
    pub cells: Vec<Vec<Run>>,
}

impl TableRow {
    /// A row of plain texts.
    pub fn plain(name: &str, cells: impl IntoIterator<Item = String>) -> Self {
        let cells = cells.into_iter().map(|text| vec![Run::plain(text)]).collect();
        Self { subject: false, swatch: None, name: name.to_owned(), cells }
    }
}

/// Text in one look.
#[derive(Serialize)]
pub(super) struct Run {
    look: Look,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Look {
    Plain,
    Small,
    Mark,
    Quiet,
}

impl Run {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { look: Look::Plain, text: text.into() }
    }

    /// Beside what it belongs to.
    pub fn small(text: impl Into<String>) -> Self {
        Self { look: Look::Small, text: text.into() }
    }

    /// The sign of an outcome.
    pub fn mark(text: impl Into<String>) -> Self {
        Self { look: Look::Mark, text: text.into() }
    }

    /// A sentence with its parentheses set back, so that the claim is read first. Figures stay on one line.
    pub fn sentence(sentence: &str) -> Vec<Self> {
        let sentence =
            [("p = ", "p\u{a0}=\u{a0}"), ("p < ", "p\u{a0}<\u{a0}"), ("95 % CI ", "95\u{a0}%\u{a0}CI\u{a0}")]
                .iter()
                .fold(sentence.to_owned(), |text, (from, to)| text.replace(from, to));
        let (mut runs, mut depth): (Vec<Self>, usize) = (Vec::new(), 0);
        for letter in sentence.chars() {
            depth += usize::from(letter == '(');
            let look = if depth > 0 { Look::Quiet } else { Look::Plain };
            match runs.last_mut().filter(|run| run.look == look) {
                Some(run) => run.text.push(letter),
                None => runs.push(Self { look, text: letter.to_string() }),
            }
            depth = depth.saturating_sub(usize::from(letter == ')'));
        }
        runs
    }
}

#[derive(Serialize)]
struct Fact<'a> {
    name: &'a str,
    value: &'a str,
}

impl<'a> Section<'a> {
    pub fn new(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), parts: Vec::new() }
    }

    pub fn legend(self, entries: Vec<Named>) -> Self {
        self.and(Part::Legend { entries })
    }

    pub fn figures(self, figures: Figures<'a>) -> Self {
        self.and(Part::Figures(figures))
    }

    pub fn table(self, table: Table) -> Self {
        self.and(Part::Table(table))
    }

    /// A table that is unfolded by a click, unless it is `open`.
    pub fn folded(self, open: bool, summary: String, table: Table) -> Self {
        self.and(Part::Folded { open, summary, table })
    }

    pub fn note(self, text: impl Into<String>) -> Self {
        self.and(Part::Note { text: text.into() })
    }

    pub fn facts(self, facts: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        self.and(Part::Facts { facts: facts.map(|(name, value)| Fact { name, value }).collect() })
    }

    /// Text in the letters of a terminal, exactly as it is.
    pub fn text(self, text: &'a str) -> Self {
        self.and(Part::Text { text })
    }

    fn and(mut self, part: Part<'a>) -> Self {
        self.parts.push(part);
        self
    }
}

impl Page<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
        render(include_str!("report.html"), self)
    }
}
