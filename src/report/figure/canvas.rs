//! SVG primitives. Every string that reaches the picture is escaped here.

use std::fmt::Write;

use super::marker::Marker;
use super::palette::{Ink, Theme};
use crate::report::text::escape;

/// The font stack of figures: what every reader of the file has.
pub const FONT: &str = "system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,sans-serif";

/// The size of ordinary figure text, in user units.
pub const SIZE: f64 = 12.0;

/// How much wider bold text is.
pub const BOLD: f64 = 1.08;

/// Which end of a text its position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// A line's look.
#[derive(Clone, Copy, Debug)]
pub struct Stroke {
    /// Colour.
    pub ink: Ink,
    /// Width.
    pub width: f64,
    /// Dash pattern; empty = solid.
    pub dash: &'static str,
}

impl Stroke {
    /// A solid line.
    pub fn solid(ink: Ink, width: f64) -> Self {
        Self { ink, width, dash: "" }
    }
}

/// A text's look.
#[derive(Clone, Copy, Debug)]
pub struct Font {
    /// Size in user units.
    pub size: f64,
    /// Colour.
    pub ink: Ink,
    /// Bold.
    pub bold: bool,
    /// Which end the position is.
    pub anchor: Anchor,
}

impl Font {
    /// Ordinary text of a colour, placed by one end.
    pub fn new(ink: Ink, anchor: Anchor) -> Self {
        Self { size: SIZE, ink, bold: false, anchor }
    }

    /// The same in bold.
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same in another size.
    pub fn sized(self, size: f64) -> Self {
        Self { size, ..self }
    }
}

/// A picture in the making; y grows downwards.
#[derive(Clone, Debug)]
pub struct Canvas {
    theme: Theme,
    width: f64,
    height: f64,
    label: String,
    body: String,
}

impl Canvas {
    /// An empty picture; `label` is what a screen reader says.
    pub fn new(theme: Theme, width: f64, height: f64, label: &str) -> Self {
        Self { theme, width, height, label: label.to_owned(), body: String::new() }
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.polyline(&[from, to], stroke, "");
    }

    /// A line through points, with a text shown on hover (none if empty).
    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke, hover: &str) {
        let path = path(points);
        if path.is_empty() {
            return;
        }
        let dash =
            if stroke.dash.is_empty() { String::new() } else { format!(";stroke-dasharray:{}", stroke.dash) };
        let style = format!(
            "fill:none;stroke:{};stroke-width:{}{dash};stroke-linejoin:round;stroke-linecap:butt",
            stroke.ink.css(self.theme),
            coordinate(stroke.width)
        );
        self.element("path", &format!("d=\"{path}\" style=\"{style}\""), hover);
    }

    /// A filled area, closed.
    pub fn area(&mut self, points: &[(f64, f64)], ink: Ink, opacity: f64) {
        let path = path(points);
        if !path.is_empty() {
            let style = format!("fill:{};fill-opacity:{opacity};stroke:none", ink.css(self.theme));
            self.element("path", &format!("d=\"{path}Z\" style=\"{style}\""), "");
        }
    }

    /// A filled rectangle with a text shown on hover (none if empty).
    pub fn rect(&mut self, corner: (f64, f64), size: (f64, f64), ink: Ink, opacity: f64, hover: &str) {
        let style = format!("fill:{};fill-opacity:{opacity}", ink.css(self.theme));
        let attributes = format!(
            "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"{style}\"",
            coordinate(corner.0),
            coordinate(corner.1),
            coordinate(size.0.max(0.0)),
            coordinate(size.1.max(0.0))
        );
        self.element("rect", &attributes, hover);
    }

    /// A disc with a rim, with a text shown on hover (none if empty).
    pub fn circle(&mut self, centre: (f64, f64), radius: f64, fill: Ink, rim: Ink, hover: &str) {
        let style = format!("fill:{};stroke:{};stroke-width:1.4", fill.css(self.theme), rim.css(self.theme));
        let attributes = format!(
            "cx=\"{}\" cy=\"{}\" r=\"{}\" style=\"{style}\"",
            coordinate(centre.0),
            coordinate(centre.1),
            coordinate(radius)
        );
        self.element("circle", &attributes, hover);
    }

    /// A marker with a rim, of about the area of a disc of `radius`, with a text shown on hover (none if empty).
    pub fn marker(&mut self, marker: Marker, centre: (f64, f64), radius: f64, inks: (Ink, Ink), hover: &str) {
        let corners = marker.corners(centre, radius);
        if corners.is_empty() {
            return self.circle(centre, radius, inks.0, inks.1, hover);
        }
        let (fill, rim) = (inks.0.css(self.theme), inks.1.css(self.theme));
        let style = format!("fill:{fill};stroke:{rim};stroke-width:1.4;stroke-linejoin:round");
        self.element("path", &format!("d=\"{}Z\" style=\"{style}\"", path(&corners)), hover);
    }

    /// Many straight lines as one, none of which is joined to another.
    pub fn segments(&mut self, segments: impl Iterator<Item = [(f64, f64); 2]>, stroke: Stroke) {
        let paths: String = segments.map(|ends| path(&ends)).collect();
        if !paths.is_empty() {
            let style = format!(
                "fill:none;stroke:{};stroke-width:{};stroke-linecap:square",
                stroke.ink.css(self.theme),
                coordinate(stroke.width)
            );
            self.element("path", &format!("d=\"{paths}\" style=\"{style}\""), "");
        }
    }

    /// A picture in PNG, in base64, with a text shown on hover (none if empty). Pixels keep their edges.
    pub fn picture(&mut self, corner: (f64, f64), size: (f64, f64), png: &str, hover: &str) {
        let attributes = format!(
            "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"",
            coordinate(corner.0),
            coordinate(corner.1),
            coordinate(size.0.max(0.0)),
            coordinate(size.1.max(0.0)),
            escape(png)
        );
        self.element("image", &attributes, hover);
    }

    /// A line of text whose baseline starts, is centred or ends at a position.
    pub fn text(&mut self, at: (f64, f64), font: Font, content: &str) {
        if content.is_empty() {
            return;
        }
        let anchor = match font.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if font.bold { ";font-weight:600" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" style=\"fill:{};font-size:{}px{weight}\">{}</text>",
            coordinate(at.0),
            coordinate(at.1),
            font.ink.css(self.theme),
            coordinate(font.size),
            escape(content)
        );
    }

    /// What has been drawn, to stand in an `<svg>` element of the page's own.
    pub fn into_body(self) -> String {
        self.body
    }

    /// The complete `<svg>` element.
    pub fn finish(self) -> String {
        let (width, height) = (coordinate(self.width), coordinate(self.height));
        let label = escape(&self.label);
        let (size, background) = match self.theme {
            Theme::Page => (String::new(), String::new()),
            Theme::Alone => (
                format!(" width=\"{width}\" height=\"{height}\""),
                format!("<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"),
            ),
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\"{size} role=\"img\" \
             aria-label=\"{label}\" style=\"font-family:{FONT}\">\n{background}{}</svg>\n",
            self.body
        )
    }

    fn element(&mut self, name: &str, attributes: &str, hover: &str) {
        let _ = if hover.is_empty() {
            writeln!(self.body, "<{name} {attributes}/>")
        } else {
            writeln!(self.body, "<{name} {attributes}><title>{}</title></{name}>", escape(hover))
        };
    }
}

/// The width of a text in the font stack, estimated from above: fonts differ, and an estimate that is
/// too small would let texts overlap.
pub fn text_width(text: &str, size: f64) -> f64 {
    let share = |letter: char| match letter {
        'i' | 'l' | 'j' | 't' | 'f' | 'r' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | '['
        | ']' | ' ' => 0.40,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.95,
        '-' | '/' => 0.42,
        c if c.is_ascii_uppercase() => 0.72,
        c if c.is_ascii() => 0.61,
        '–' | '−' | '±' | '≤' => 0.75,
        _ => 1.0,
    };
    size * text.chars().map(share).sum::<f64>()
}

/// The text, cut with an ellipsis to at most `width`.
pub fn fitted(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for letter in text.chars() {
        let longer = format!("{cut}{letter}");
        if text_width(&longer, size) + size > width {
            break;
        }
        cut = longer;
    }
    cut.push('…');
    cut
}

/// `M…L…` through finite points; a point that is not finite is left out.
fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for &(x, y) in points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{} {}", coordinate(x), coordinate(y));
    }
    path
}

/// A coordinate to a hundredth, without trailing zeros.
fn coordinate(value: f64) -> String {
    let text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let mut canvas = Canvas::new(Theme::Alone, 10.0, 10.0, "\"><script>");
        canvas.text((0.0, 0.0), Font::new(Ink::Text, Anchor::Start), "</text><script>alert(1)</script>");
        canvas.circle((1.0, 1.0), 1.0, Ink::Paper, Ink::Text, "<b>");
        assert!(!canvas.finish().contains("<script"));
    }

    #[test]
    fn what_is_not_finite_is_not_drawn() {
        let mut canvas = Canvas::new(Theme::Page, 10.0, 10.0, "");
        canvas.polyline(&[(f64::NAN, 1.0)], Stroke::solid(Ink::Text, 1.0), "");
        canvas.polyline(&[(0.0, 1.0), (1.0, f64::INFINITY), (2.0, 2.5)], Stroke::solid(Ink::Text, 1.0), "");
        let svg = canvas.finish();
        assert_eq!(svg.matches("<path").count(), 1);
        assert!(svg.contains("M0 1L2 2.5") && !svg.contains("NaN"));
    }

    #[test]
    fn long_names_are_cut_to_fit() {
        let cut = fitted("a-very-long-strategy-name-indeed", 12.0, 90.0);
        assert!(cut.ends_with('…') && text_width(&cut, 12.0) <= 90.0 + 1e-9, "{cut}");
        assert_eq!(fitted("badge", 12.0, 90.0), "badge");
    }
}
