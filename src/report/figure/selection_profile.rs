//! What the policy asks for over the course of an episode, as a table of shades.

use super::Figure;
use super::canvas::{Anchor, Canvas, Font, SIZE, text_width};
use super::palette::{Ink, Theme};
use crate::report::input::Picks;

const CELL: f64 = 62.0;
const ROW: f64 = 24.0;

/// Draws one column per phase and one row per feature; `None` where there is nothing.
pub fn selection_profile(phases: &[Picks], theme: Theme) -> Option<Figure> {
    let names: Vec<&str> = phases.first()?.quantiles.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let widest = names.iter().map(|name| text_width(name, SIZE)).fold(0.0, f64::max);
    let heading = "Where the picks lie among the candidates";
    let (left, top) = (widest + 20.0, 62.0);
    let width = (left + CELL * phases.len() as f64 + 6.0).max(text_width(heading, 14.0) * 1.2);
    let height = top + ROW * names.len() as f64 + 10.0;
    let mut canvas = Canvas::new(theme, width, height, heading);
    canvas.text((4.0, 16.0), Font::new(Ink::Text, Anchor::Start).bold().sized(14.0), heading);
    let muted = |anchor| Font::new(Ink::Muted, anchor).sized(11.0);
    canvas.text((left - 8.0, top - 8.0), muted(Anchor::End), "labels per class");
    for (j, phase) in phases.iter().enumerate() {
        canvas.text((left + CELL * (j as f64 + 0.5), top - 8.0), muted(Anchor::Middle), &phase.phase);
    }
    for (i, name) in names.iter().enumerate() {
        let y = top + ROW * i as f64;
        canvas.text((left - 8.0, y + 0.5 * ROW + 4.0), Font::new(Ink::Text, Anchor::End), name);
        for (j, phase) in phases.iter().enumerate() {
            let value = phase.quantiles.get(i).map_or(0.0, |(_, value)| *value);
            let x = left + CELL * j as f64;
            let hover = format!("{name}, {} labels per class: {value:+.2}", phase.phase);
            let ink = Ink::Series(usize::from(value < 0.0));
            let shade = 0.04 + 0.6 * value.abs().min(1.0);
            canvas.rect((x + 1.0, y + 1.0), (CELL - 2.0, ROW - 2.0), ink, shade, &hover);
            let middle = (x + 0.5 * CELL, y + 0.5 * ROW + 4.0);
            let text = format!("{value:+.2}").replace('-', "\u{2212}");
            canvas.text(middle, Font::new(Ink::Text, Anchor::Middle).sized(11.0), &text);
        }
    }
    let picks: u64 = phases.iter().map(|phase| phase.picks).sum();
    Some(Figure {
        name: "selection-profile".to_owned(),
        caption: format!(
            "Mean quantile of each feature among the rows that the policy asks for on the validation tasks, by \
             labels per class in hand ({picks} picks): +1 where it always takes the candidate with the largest \
             value, \u{2212}1 the smallest, 0 where it takes no notice."
        ),
        wide: false,
        svg: canvas.finish(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_says_its_value() {
        let phase = |phase: &str, a: f64, b: f64| Picks {
            phase: phase.to_owned(),
            picks: 10,
            quantiles: vec![("margin".to_owned(), a), ("a <name> of a feature".to_owned(), b)],
        };
        let phases = [phase("up to 1", 0.25, -0.75), phase("1 to 2", 1.0, 0.0)];
        let figure = selection_profile(&phases, Theme::Alone).unwrap();
        for text in ["+0.25", "\u{2212}0.75", "+1.00", "up to 1", "1 to 2", "a &lt;name&gt; of a feature"] {
            assert!(figure.svg.contains(text), "{text}");
        }
        assert!(figure.caption.contains("20 picks"));
        assert!(selection_profile(&[], Theme::Alone).is_none());
    }
}
