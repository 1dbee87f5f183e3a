//! [`Spelling`]: how answers are spelled, by the kind of targets, and the [words](crate::data::target) that they stand for.
//!
//! The journal keeps texts, in one spelling each: a class by its name; a number as the shortest decimal that is it; a set as its labels in
//! the session's order with the separator between, and the empty set as the separator alone, which a column of lists reads the same way; a mask
//! by the [lengths of its runs](super::masks).

use super::error::SessionError;
use super::masks;
use super::plan::{Settings, check_class};
use crate::data::columns::{LABEL_SEPARATOR, listed};
use crate::data::target::{has_label, number_of, word_of};
use crate::data::{Masks, TargetKind, argmax};
use crate::error::{nearest, shorten};

/// What stands between the labels of a set, unless a session says otherwise.
pub const SEPARATOR: &str = LABEL_SEPARATOR;

/// How the answers of a session are spelled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelling<'a> {
    pub kind: TargetKind,
    /// The classes or labels; none where classes appear with their first answer.
    names: &'a [String],
    separator: &'a str,
    /// Rows and columns of pixels, where rows are pictures.
    size: Option<(usize, usize)>,
}

impl<'a> Spelling<'a> {
    /// That of a session.
    pub fn of(settings: &'a Settings) -> Self {
        Self::new(settings.task, &settings.classes, settings.separator(), settings.picture)
    }

    /// That of these targets; `picture` has channels, height and width.
    pub fn new(
        kind: TargetKind,
        names: &'a [String],
        separator: &'a str,
        picture: Option<[usize; 3]>,
    ) -> Self {
        Self { kind, names, separator, size: picture.map(|[_, height, width]| (height, width)) }
    }

    /// The one spelling of what an answer says.
    ///
    /// # Errors
    /// [`SessionError`] with the place for what is no target of this kind, or none of the classes or labels.
    pub fn read(&self, text: &str, place: impl Fn() -> String) -> Result<String, SessionError> {
        let field = |expected: String| SessionError::Field {
            place: place(),
            found: shorten(text).into_owned(),
            expected,
        };
        match self.kind {
            TargetKind::Class => {
                self.name(text, &place)?;
                Ok(text.to_string())
            }
            TargetKind::Real => {
                let found: Option<f64> = text.trim().parse().ok().filter(|found: &f64| found.is_finite());
                let found = found.ok_or_else(|| field("a finite number, such as 3.4".to_string()))?;
                // Networks learn from `f32`; the answer itself is kept as it was given.
                match (found as f32).is_finite() {
                    // There is one zero.
                    true => Ok((found + 0.0).to_string()),
                    false => Err(field(format!("a number from {} to {}", f32::MIN, f32::MAX))),
                }
            }
            TargetKind::MultiLabel => {
                let mut set = 0;
                for part in text.split(self.separator).map(str::trim).filter(|part| !part.is_empty()) {
                    self.name(part, &place)?;
                    let label = self.names.iter().position(|name| name == part);
                    set |= label.map_or(0, |label| 1u32 << label);
                }
                Ok(self.text(set, self.names))
            }
            TargetKind::Mask => {
                let ((height, width), _) = masks::parse(text).ok_or_else(|| {
                    field(
                        "a mask: masks are told as a folder of pictures, called as the images are"
                            .to_string(),
                    )
                })?;
                match self.size {
                    Some(size) if size == (height, width) => Ok(text.to_string()),
                    size => {
                        let (high, wide) = size.unwrap_or_default();
                        Err(SessionError::Field {
                            place: place(),
                            found: format!("{width}x{height} pixels"),
                            expected: format!("a mask of the {wide}x{high} pixels that images have"),
                        })
                    }
                }
            }
        }
    }

    /// Refuses what is no name of a class or label, or none of this session's.
    fn name(&self, name: &str, place: &impl Fn() -> String) -> Result<(), SessionError> {
        check_class(name, place)?;
        if self.names.is_empty() || self.names.iter().any(|one| one == name) {
            return Ok(());
        }
        let hint = match nearest(name, self.names.iter().map(String::as_str)) {
            Some(near) => format!("nothing was taken; did you mean {near:?}?"),
            None if self.kind == TargetKind::Class => {
                "nothing was taken; a session made without --classes takes classes as they come".to_string()
            }
            None => format!(
                "nothing was taken; labels have {:?} between, and {:?} alone is a row without any",
                self.separator, self.separator
            ),
        };
        Err(self.unknown(name, place(), hint))
    }

    /// The error for what is none of the classes or labels.
    fn unknown(&self, name: &str, place: String, hint: String) -> SessionError {
        let (found, known) = (shorten(name).into_owned(), self.names.len());
        match self.kind {
            TargetKind::MultiLabel => SessionError::UnknownLabel { place, found, known, hint },
            _ => SessionError::UnknownClass { place, found, known, hint },
        }
    }

    /// The word of a text that was [read](Self::read), by the names of the classes or labels; that of a mask is its place among `masks`, which it
    /// is added to. None for a class that is not among them.
    pub fn word(&self, text: &str, names: &Names, masks: &mut Option<Masks>) -> Option<u32> {
        match self.kind {
            TargetKind::Class => names.number(text),
            TargetKind::Real => number(text).map(|number| word_of(number as f32)),
            TargetKind::MultiLabel => {
                let held = text.split(self.separator).filter_map(|part| names.number(part));
                Some(held.fold(0, |set, label| set | 1 << label))
            }
            TargetKind::Mask => {
                let ((height, width), pixels) = masks::parse(text)?;
                let all = masks.get_or_insert_with(|| Masks::new(height, width));
                all.push(&pixels);
                Some(all.rows() as u32 - 1)
            }
        }
    }

    /// How a word is spelled; of a mask, whose word only names it, nothing.
    pub fn text(&self, word: u32, names: &[String]) -> String {
        match self.kind {
            TargetKind::Class => names[word as usize].clone(),
            TargetKind::Real => number_of(word).to_string(),
            TargetKind::MultiLabel => {
                let held = names.iter().enumerate().filter(|&(label, _)| has_label(word, label));
                listed(held.map(|(_, name)| name.as_str()), self.separator)
            }
            TargetKind::Mask => String::new(),
        }
    }

    /// What is predicted by the [answers](TargetKind::answers) of a row: as an answer would be spelled, where one can be written, and of a class with its
    /// probability; and in a few words.
    pub fn predicted(&self, answers: &[f32], names: &[String]) -> (Option<(String, Option<f32>)>, String) {
        match self.kind {
            TargetKind::Class => {
                let class = |class: usize| format!("{} {:.0} %", names[class], 100.0 * answers[class]);
                let first = argmax(answers);
                let mut others = answers.to_vec();
                others[first] = -1.0;
                let said = format!("{} or {}", class(first), class(argmax(&others)));
                (Some((names[first].clone(), Some(answers[first]))), said)
            }
            TargetKind::Real | TargetKind::MultiLabel => {
                let text = self.text(self.kind.predicted(answers, 0), names);
                let said = match text == self.separator {
                    true => "no label predicted".to_string(),
                    false => format!("{} predicted", shorten(&text)),
                };
                (Some((text, None)), said)
            }
            TargetKind::Mask => {
                let on = answers.iter().filter(|&&p| p >= 0.5).count() as f64 / answers.len().max(1) as f64;
                (None, format!("{:.0} % foreground predicted", 100.0 * on))
            }
        }
    }
}

/// The number that a text which was [read](Spelling::read) stands for.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The names of classes or labels, and the number of each.
#[derive(Clone, Debug)]
pub(super) struct Names<'a> {
    sorted: Vec<(&'a str, u32)>,
}

impl<'a> Names<'a> {
    pub fn new(names: &'a [String]) -> Self {
        let mut sorted: Vec<(&str, u32)> = names.iter().map(String::as_str).zip(0..).collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    fn number(&self, name: &str) -> Option<u32> {
        let at = self.sorted.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        Some(self.sorted[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(kind: TargetKind, names: &[String]) -> Spelling<'_> {
        Spelling { kind, names, separator: ";", size: Some((2, 3)) }
    }

    fn read(spelling: &Spelling<'_>, text: &str) -> Result<String, String> {
        spelling.read(text, || "line 7".to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_have_one_spelling_and_what_is_none_is_refused() {
        let numbers = spelling(TargetKind::Real, &[]);
        for (text, one) in [("3.40", "3.4"), ("-0.0", "0"), ("1e3", "1000"), (" 7 ", "7"), ("0.1", "0.1")] {
            assert_eq!(read(&numbers, text).as_deref(), Ok(one), "{text}");
            let word = numbers.word(one, &Names::new(&[]), &mut None).unwrap();
            assert_eq!(numbers.text(word, &[]), one);
        }
        // More digits than 32 bits hold stay.
        assert_eq!(read(&numbers, "16777217").as_deref(), Ok("16777217"));
        assert_eq!(read(&numbers, "1234.56789012").as_deref(), Ok("1234.56789012"));
        for text in ["nan", "NaN", "inf", "-infinity", "three", "3,4", "", "1e39", "0x10"] {
            let error = read(&numbers, text).unwrap_err();
            assert!(error.starts_with("line 7: "), "{text}: {error}");
        }
    }

    #[test]
    fn sets_have_one_spelling_the_empty_one_included() {
        let names = ["red", "blue", "round"].map(String::from);
        let sets = spelling(TargetKind::MultiLabel, &names);
        for (text, one, word) in
            [("round; red", "red;round", 0b101), ("blue;blue", "blue", 0b10), (";", ";", 0), (" ; ;", ";", 0)]
        {
            assert_eq!(read(&sets, text).as_deref(), Ok(one), "{text}");
            assert_eq!(sets.word(one, &Names::new(&names), &mut None), Some(word));
            assert_eq!(sets.text(word, &names), one);
        }
        let error = sets.read("red;bleu", || "line 7".into()).unwrap_err();
        assert!(error.to_string().contains("line 7: label \"bleu\" is none of the 3 labels"), "{error}");
        let SessionError::UnknownLabel { hint, .. } = error else { panic!("{error}") };
        assert!(hint.contains("did you mean \"blue\"?"), "{hint}");
        assert!(read(&sets, "red;-").unwrap_err().contains("\"-\" is not a class"));
    }

    #[test]
    fn masks_of_another_size_are_refused_with_both() {
        let masks = spelling(TargetKind::Mask, &[]);
        assert_eq!(read(&masks, "2x3 1 5").as_deref(), Ok("2x3 1 5"));
        assert!(
            read(&masks, "3x2 1 5").unwrap_err().contains("\"2x3 pixels\" is not a mask of the 3x2 pixels")
        );
        assert!(read(&masks, "cell").unwrap_err().contains("a folder of pictures"));
        let mut all = None;
        assert_eq!(masks.word("2x3 1 2 3", &Names::new(&[]), &mut all), Some(0));
        assert_eq!(masks.word("2x3 0 6", &Names::new(&[]), &mut all), Some(1));
        let all = all.unwrap();
        assert_eq!((all.area(0), all.area(1), all.size()), (2, 6, (2, 3)));
    }
}
