//! Images of one task over masks: what was asked for and what is predicted of unseen ones, with both outlines.

use super::canvas::{Anchor, Canvas, Font, Stroke, fitted, text_width};
use super::palette::{Ink, Palette, Theme};
use super::{Figure, stem};
use crate::data::mask::pixel;
use crate::episode::Overlay;
use crate::run::Pictured;
use std::collections::BTreeMap;

/// Tasks that are drawn, and strategies of each.
const MAX_TASKS: usize = 12;
const MAX_STRATEGIES: usize = 4;
/// The side of an image, and what is left free between two.
const SIDE: f64 = 92.0;
const GAP: f64 = 8.0;
const LEFT: f64 = 4.0;
/// What is left free between the two groups of a line.
const BREAK: f64 = 26.0;
const TOP: f64 = 66.0;
/// The height of a line of images with its heading and captions.
const LINE: f64 = SIDE + 44.0;
const SMALL: f64 = 10.0;
/// The size of headings.
const SIZE: f64 = 12.0;
/// What stands above the two groups.
const OF_QUERIES: &str = "asked for, as predicted before the answer";
const UNSEEN: &str = "of the test part, after the last query";
const TRUE_OUTLINE: Ink = Ink::Series(2);
const PREDICTED: Ink = Ink::Series(0);

/// One figure per task: for every strategy a line of images, those of its queries and then unseen ones.
pub fn overlays(pictured: &[Pictured], palette: &Palette, theme: Theme) -> Vec<Figure> {
    let mut tasks: BTreeMap<&str, BTreeMap<&str, Vec<&Overlay>>> = BTreeMap::new();
    for one in pictured {
        tasks.entry(&one.task).or_default().entry(&one.strategy).or_default().push(&one.overlay);
    }
    tasks.into_iter().take(MAX_TASKS).map(|(task, lines)| figure(task, &lines, palette, theme)).collect()
}

fn figure(task: &str, lines: &BTreeMap<&str, Vec<&Overlay>>, palette: &Palette, theme: Theme) -> Figure {
    let order = palette.strategies();
    let strategies: Vec<&str> = order
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| lines.contains_key(name))
        .take(MAX_STRATEGIES)
        .collect();
    let count = |asked: bool| {
        let of = |name: &&str| lines[name].iter().filter(|one| one.asked == asked).count();
        strategies.iter().map(of).max().unwrap_or(0)
    };
    // A group is as wide as its images, or as its heading where these are few.
    let wide = |images: usize, heading: &str| match images {
        0 => 0.0,
        _ => (images as f64 * (SIDE + GAP)).max(text_width(heading, SIZE)),
    };
    let asked = count(true);
    let unseen_from = LEFT + wide(asked, OF_QUERIES) + if asked > 0 { BREAK } else { 0.0 };
    let width = (unseen_from + wide(count(false), UNSEEN)).max(480.0);
    let height = TOP + LINE * strategies.len() as f64;
    let mut canvas = Canvas::new(theme, width, height, &format!("Images and outlines on {task}"));
    let heading = Font::new(Ink::Text, Anchor::Start).bold().sized(14.0);
    canvas.text((LEFT, 16.0), heading, &fitted(task, 14.0, width));
    key(&mut canvas);
    let muted = Font::new(Ink::Muted, Anchor::Start);
    if asked > 0 {
        canvas.text((LEFT, TOP - 6.0), muted, OF_QUERIES);
    }
    if count(false) > 0 {
        canvas.text((unseen_from, TOP - 6.0), muted, UNSEEN);
    }
    for (line, name) in strategies.iter().enumerate() {
        let y = TOP + LINE * line as f64;
        let bold = Font::new(Ink::Text, Anchor::Start).bold();
        canvas.text((LEFT, y + 14.0), bold, &fitted(name, 12.0, width));
        for (asked, from) in [(true, LEFT), (false, unseen_from)] {
            let images = lines[name].iter().filter(|one| one.asked == asked);
            for (column, image) in images.enumerate() {
                tile(&mut canvas, (from + column as f64 * (SIDE + GAP), y + 20.0), image);
            }
        }
    }
    Figure {
        name: format!("overlays-{}", stem(task)),
        caption: format!(
            "Repetition 0 on {task}: the first images of its queries, with what the network predicted when it asked for \
             them, and three of the test part, the same for all strategies. Grey values are stretched image by image."
        ),
        wide: true,
        svg: canvas.finish(),
    }
}

/// What the two lines mean.
fn key(canvas: &mut Canvas) {
    let mut x = LEFT;
    for (ink, text) in [(TRUE_OUTLINE, "true outline"), (PREDICTED, "predicted outline")] {
        canvas.line((x, 34.0), (x + 18.0, 34.0), Stroke::solid(ink, 2.0));
        canvas.text((x + 24.0, 38.0), Font::new(Ink::Text, Anchor::Start), text);
        x += 24.0 + text_width(text, 12.0) + 18.0;
    }
}

fn tile(canvas: &mut Canvas, (left, top): (f64, f64), image: &Overlay) {
    let longest = image.height.max(image.width).max(1) as f64;
    let scale = SIDE / longest;
    let hover = match image.asked {
        true => format!("{}, asked for in query {}, Dice {:.2}", image.name, image.round + 1, image.dice),
        false => format!("{}, Dice {:.2}", image.name, image.dice),
    };
    let size = (scale * image.width as f64, scale * image.height as f64);
    canvas.picture((left, top), size, &image.picture, &hover);
    let place = |(x, y): (usize, usize)| (left + scale * x as f64, top + scale * y as f64);
    for (mask, ink, width) in [(&image.truth, TRUE_OUTLINE, 2.4), (&image.predicted, PREDICTED, 1.2)] {
        let segments = outline(mask, image.height, image.width).into_iter();
        canvas.segments(segments.map(|ends| ends.map(place)), Stroke::solid(ink, width));
    }
    let text = match image.asked {
        true => format!("query {}: Dice {:.2}", image.round + 1, image.dice),
        false => format!("Dice {:.2}", image.dice),
    };
    let font = Font::new(Ink::Muted, Anchor::Start).sized(SMALL);
    canvas.text((left, top + SIDE + 12.0), font, &text);
}

/// Where foreground ends, as straight lines between corners of pixels, `(column, row)`: first those along rows, then those along
/// columns. The image's own edge is no outline.
fn outline(mask: &[u32], height: usize, width: usize) -> Vec<[(usize, usize); 2]> {
    let on = |x: usize, y: usize| pixel(mask, y * width + x);
    let mut segments = Vec::new();
    for y in 1..height {
        for (from, to) in runs(width, |x| on(x, y - 1) != on(x, y)) {
            segments.push([(from, y), (to, y)]);
        }
    }
    for x in 1..width {
        for (from, to) in runs(height, |y| on(x - 1, y) != on(x, y)) {
            segments.push([(x, from), (x, to)]);
        }
    }
    segments
}

/// The longest stretches of `0..count` throughout which `is` holds.
fn runs(count: usize, is: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for at in (0..count).filter(|&at| is(at)) {
        match runs.last_mut() {
            Some((_, end)) if *end == at => *end = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mask::mask_of;
    use crate::query::Registry;

    fn mask(shown: &str) -> Vec<u32> {
        mask_of(&shown.chars().filter(|&c| c != '\n').map(|c| c == '#').collect::<Vec<_>>())
    }

    #[test]
    fn outlines_by_hand() {
        // A square of four in the corner of three rows of four pixels: a line below it and one to its right.
        let found = outline(&mask("##..\n##..\n...."), 3, 4);
        assert_eq!(found, [[(0, 2), (2, 2)], [(2, 0), (2, 2)]]);
        assert!(outline(&mask("####\n####\n####"), 3, 4).is_empty());
        assert_eq!(outline(&mask("#.#"), 1, 3), [[(1, 0), (1, 1)], [(2, 0), (2, 1)]]);
    }

    fn pictured(task: &str, strategy: &str, asked: bool) -> Pictured {
        let overlay = Overlay {
            round: 0,
            asked,
            name: "\"><script>".into(),
            height: 2,
            width: 2,
            picture: "AAAA\"><script>".into(),
            predicted: mask("#..."),
            truth: mask("##.."),
            dice: 2.0 / 3.0,
        };
        Pictured { task: task.into(), strategy: strategy.into(), architecture: "fcn".into(), overlay }
    }

    /// Where the heading of a group of text begins.
    fn place(svg: &str, text: &str) -> f64 {
        let before = &svg[..svg.find(text).expect("it is drawn")];
        let tag = &before[before.rfind("<text").unwrap()..];
        let number = tag.split(" x=\"").nth(1).unwrap().split('"').next().unwrap();
        number.parse().unwrap()
    }

    /// With a single query, one heading once lay over the other.
    #[test]
    fn headings_stand_beside_each_other_however_few_images_there_are() {
        for (queries, unseen) in [(1, 1), (1, 3), (2, 3), (3, 1), (4, 3), (6, 3)] {
            let of = |count: usize, asked| (0..count).map(move |_| pictured("t", "s", asked));
            let all: Vec<Pictured> = of(queries, true).chain(of(unseen, false)).collect();
            let palette = Palette::new(["s"], "s", &Registry::builtin());
            let svg = &overlays(&all, &palette, Theme::Page)[0].svg;
            let (first, second) = (place(svg, OF_QUERIES), place(svg, UNSEEN));
            assert!(second >= first + text_width(OF_QUERIES, SIZE) + GAP, "{queries}: {first} {second}");
            assert!(second >= LEFT + queries as f64 * (SIDE + GAP) + BREAK, "{queries}: images come first");
            let width: f64 =
                svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert!(second + text_width(UNSEEN, SIZE) <= width, "{queries}: {second} of {width}");
        }
    }

    #[test]
    fn tasks_and_strategies_are_bounded_and_hostile_text_stays_text() {
        let names: Vec<String> = (0..6).map(|at| format!("s{at}")).collect();
        let all: Vec<Pictured> = (0..14)
            .flat_map(|task| names.iter().map(move |name| (task, name)))
            .flat_map(|(task, name)| [true, false].map(|asked| pictured(&format!("t{task:02}"), name, asked)))
            .collect();
        let palette = Palette::new(names.iter().map(String::as_str), "s5", &Registry::builtin());
        let figures = overlays(&all, &palette, Theme::Page);
        assert_eq!(figures.len(), MAX_TASKS);
        assert_eq!(figures[0].name, "overlays-t00");
        let svg = &figures[0].svg;
        // The subject first, and an image per strategy and group.
        assert!(svg.find(">s5<").unwrap() < svg.find(">s0<").unwrap());
        assert_eq!((svg.matches("<image").count(), svg.matches("Dice 0.67</text>").count()), (8, 8));
        assert!(!svg.contains("<script") && !svg.contains(">s4<"));
        assert!(overlays(&[], &palette, Theme::Page).is_empty());
    }
}
