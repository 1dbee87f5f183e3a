//! [`Form`]: numbers as people write them.

use super::numbers::plain;

/// Marks of currencies, which stand before a number or behind it.
const CURRENCIES: [&str; 50] = [
    "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₪", "₫", "₱", "₦", "฿", "zł", "Kč", "Ft", "kr", "Fr.",
    "R$", "US$", "A$", "C$", "NZ$", "HK$", "S$", "Rs", "Rs.", "USD", "EUR", "GBP", "CHF", "JPY", "CNY",
    "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RUB", "TRY", "BRL", "MXN", "ZAR",
    "KRW",
];
/// Bytes of a unit.
const UNIT_BYTES: usize = 16;
/// Different values from which letters that stand right behind each of them are a unit, and not parts of codes (`5A`).
const MEASURED: usize = 10;

/// How the numbers of a column are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Form {
    /// A mark before every number, or a mark or a unit behind it.
    pub mark: Option<(String, bool)>,
    pub commas: Commas,
    /// What groups digits by three beside commas and points: a space, an apostrophe.
    pub groups: Option<char>,
    pub minus: Minus,
    /// Whether a `D` stands before the exponent, as Fortran writes it.
    pub double: bool,
}

/// What a comma within a number is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Commas {
    /// There is none.
    #[default]
    None,
    /// It groups digits by three: `1,234.5`.
    Thousands,
    /// It stands before the decimals: `1.234,5`.
    Decimal,
    /// It stands before the decimals in other columns of the table, and points group digits by three here: `1.234`.
    Elsewhere,
}

/// How numbers below 0 are marked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Minus {
    /// By the hyphen of ASCII before them.
    #[default]
    Hyphen,
    /// By a sign of typography before them: `−5`.
    Sign,
    /// By brackets around them, as accountants write: `(5)`.
    Brackets,
    /// By a hyphen behind them, as some programs for accounting write: `5-`.
    Behind,
}

impl Minus {
    /// What is written in some of `levels`, but not in all of them.
    fn of<'a>(mut levels: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut found = |minus: Minus| {
            let (mut some, mut other) = (false, false);
            levels.by_ref().clone().for_each(|text| match minus.taken(text) {
                Some(_) => some = true,
                None => other = true,
            });
            some && (other || minus == Minus::Sign)
        };
        [Minus::Sign, Minus::Brackets, Minus::Behind]
            .into_iter()
            .find(|&minus| found(minus))
            .unwrap_or_default()
    }

    /// What is left of a number below 0 without its mark; none of others.
    fn taken(self, text: &str) -> Option<&str> {
        match self {
            Minus::Hyphen => None,
            Minus::Sign => text.strip_prefix(['−', '–']).map(str::trim_start),
            Minus::Brackets => text.strip_prefix('(')?.strip_suffix(')').map(str::trim),
            Minus::Behind => {
                text.strip_suffix('-').filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
            }
        }
    }
}

/// Whether a character may group digits by three.
fn grouping(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’')
}

impl Form {
    /// How all of `levels` may be written; none if they are no numbers. Where commas separate no fields
    /// (`decimal`), a number may have a decimal comma; where semicolons do (`preferred`), that is more likely than
    /// thousands.
    pub fn of<'a>(
        levels: impl Iterator<Item = &'a str> + Clone,
        decimal: bool,
        preferred: bool,
    ) -> Option<Self> {
        let first = levels.clone().next()?;
        if !levels.clone().all(|text| text.bytes().any(|byte| byte.is_ascii_digit())) {
            return None;
        }
        let minus = Minus::of(levels.clone());
        let double = levels.clone().any(|text| exponent(text).is_some());
        let groups = levels.clone().find_map(|text| {
            let letters: Vec<char> = text.chars().collect();
            let between =
                |three: &[char]| three[0].is_ascii_digit() && grouping(three[1]) && three[2].is_ascii_digit();
            letters.windows(3).find(|three| between(three)).map(|three| three[1])
        });
        let bare = minus.taken(first).unwrap_or(first).trim_start_matches(['-', '+']);
        let before = CURRENCIES.iter().filter(|mark| bare.starts_with(**mark)).max_by_key(|mark| mark.len());
        let before = before.map(|mark| Some((mark.to_string(), true)));
        let behind =
            unit(bare, levels.clone().take(MEASURED).count()).map(|unit| Some((unit.to_string(), false)));
        let commas = if preferred {
            [Commas::None, Commas::Decimal, Commas::Thousands]
        } else {
            [Commas::None, Commas::Thousands, Commas::Decimal]
        };
        let commas = commas.into_iter().filter(|commas| decimal || *commas != Commas::Decimal);
        let marks = [Some(None), before, behind];
        let mut forms = marks.into_iter().flatten().flat_map(|mark| {
            commas.clone().map(move |commas| Form { mark: mark.clone(), commas, groups, minus, double })
        });
        forms.find(|form| levels.clone().all(|text| form.parse(text).is_some()))
    }

    /// The number that `text` is in this form; infinite where it is beyond `f64`.
    pub fn parse(&self, text: &str) -> Option<f64> {
        match self.minus.taken(text) {
            Some(text) if text.starts_with(['-', '+']) => None,
            Some(text) => self.unmarked(text).map(|value| -value),
            None => self.unmarked(text),
        }
    }

    fn unmarked(&self, text: &str) -> Option<f64> {
        match &self.mark {
            None => self.digits(text),
            Some((mark, true)) => match text.strip_prefix('-') {
                // Accountants write -$5.
                Some(rest) => self.digits(rest.strip_prefix(mark.as_str())?.trim_start()).map(|value| -value),
                None => self.digits(text.strip_prefix(mark.as_str())?.trim_start()),
            },
            Some((mark, false)) => self.digits(text.strip_suffix(mark.as_str())?.trim_end()),
        }
    }

    fn digits(&self, text: &str) -> Option<f64> {
        if self.double
            && let Some(at) = exponent(text)
        {
            return self.joined(&format!("{}e{}", &text[..at], &text[at + 1..]));
        }
        self.joined(text)
    }

    /// The number without what groups its digits.
    fn joined(&self, text: &str) -> Option<f64> {
        let Some(mark) = self.groups.filter(|&mark| text.contains(mark)) else { return self.plain(text) };
        let whole = text.split(['.', ',']).next().unwrap_or(text);
        let joined = text.replace(mark, "");
        (grouped(whole, mark) && !text[whole.len()..].contains(mark)).then(|| self.plain(&joined))?
    }

    fn plain(&self, text: &str) -> Option<f64> {
        match self.commas {
            Commas::None => plain(text),
            Commas::Thousands if !text.contains(',') => plain(text),
            Commas::Thousands => {
                let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
                let digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
                (digits && grouped(whole, ',')).then(|| plain(&text.replace(',', "")))?
            }
            Commas::Decimal | Commas::Elsewhere => {
                let (whole, _) = text.split_once(',').unwrap_or((text, ""));
                if whole.contains('.') && !grouped(whole, '.') {
                    return None;
                }
                plain(&text.replace('.', "").replacen(',', ".", 1))
            }
        }
    }

    /// Whether points group thousands in all of `levels`, given that commas stand before decimals elsewhere in the
    /// table: each point is followed by three digits, and no number begins with a 0 before a point.
    pub fn points_group<'a>(mut levels: impl Iterator<Item = &'a str>) -> bool {
        let form = Form { commas: Commas::Elsewhere, ..Form::default() };
        let mut some = false;
        levels.all(|text| {
            some |= text.contains('.');
            let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
            form.parse(text).is_some() && !(unsigned.starts_with("0") && unsigned.contains('.'))
        }) && some
    }

    /// What is said of it.
    pub fn says(&self) -> Option<String> {
        let commas = match self.commas {
            Commas::None => None,
            Commas::Thousands => Some("commas group thousands".to_string()),
            Commas::Decimal => Some("commas stand before decimals".to_string()),
            Commas::Elsewhere => {
                Some("points group thousands, as commas stand before decimals in another column".to_string())
            }
        };
        let groups = self.groups.map(|mark| match mark {
            '\'' | '’' => "apostrophes group thousands".to_string(),
            _ => "spaces group thousands".to_string(),
        });
        let minus = match self.minus {
            Minus::Hyphen => None,
            Minus::Sign => Some("a dash is the minus sign".to_string()),
            Minus::Brackets => Some("brackets stand for a minus sign".to_string()),
            Minus::Behind => Some("the minus sign stands behind".to_string()),
        };
        let double = self.double.then(|| "D stands before exponents".to_string());
        let mark = self.mark.as_ref().map(|(mark, _)| format!("the {mark} is left out"));
        let parts: Vec<String> = [commas, groups, minus, double, mark].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// What stands behind the digits of a number, if it may be a unit: `%`, `kg`, `µg/ml`. Letters that follow the digits
/// without a space are one only where there are many different values.
fn unit(text: &str, different: usize) -> Option<&str> {
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let unit = text[end..].trim_start();
    let letters = unit.starts_with(char::is_alphabetic) && unit.len() == text.len() - end;
    let sound = |c: char| !c.is_control() && !"()[]{}<>,;:|=\"-+".contains(c);
    let known = CURRENCIES.contains(&unit);
    (!unit.is_empty()
        && unit.len() <= UNIT_BYTES
        && unit.chars().all(sound)
        && text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && (known || !letters || different >= MEASURED))
        .then_some(unit)
}

/// Where the `D` of an exponent stands: `1.5D+00`.
fn exponent(text: &str) -> Option<usize> {
    let at = text.find(['D', 'd'])?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let power = &text[at + 1..];
    let sound = text[..at].ends_with(|c: char| c.is_ascii_digit() || c == '.');
    (sound && digits(power.strip_prefix(['+', '-'])?)).then_some(at)
}

/// Digits in groups of three, of which the first may be shorter, behind a sign.
fn grouped(text: &str, separator: char) -> bool {
    let mut groups = text.strip_prefix(['+', '-']).unwrap_or(text).split(separator);
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()) && digits(group));
    first && groups.all(|group| group.len() == 3 && digits(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(levels: &[&str], decimal: bool, preferred: bool) -> Option<Vec<f64>> {
        let form = Form::of(levels.iter().copied(), decimal, preferred)?;
        levels.iter().map(|text| form.parse(text)).collect()
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        assert_eq!(read(&["1,234", "5", "-12,345.5"], false, false).unwrap(), [1234.0, 5.0, -12345.5]);
        assert_eq!(read(&["1,5", "2"], true, true).unwrap(), [1.5, 2.0]);
        assert_eq!(read(&["1.234,5", "0,25"], true, true).unwrap(), [1234.5, 0.25]);
        assert_eq!(read(&["$1,234.00", "-$5.50"], false, false).unwrap(), [1234.0, -5.5]);
        assert_eq!(read(&["12 %", "3.5%"], false, false).unwrap(), [12.0, 3.5]);
        // Where commas separate fields, 1,5 is no number; 1,23 groups nothing.
        assert_eq!(read(&["1,5"], false, false), None);
        assert_eq!(read(&["1,234", "1,23"], false, false), None);
        assert_eq!(read(&["$1", "2"], false, false), None);
        assert_eq!(read(&["inf", "nan", "e"], false, false), None);
    }

    #[test]
    fn numbers_of_other_countries_and_trades_are_read() {
        let read = |levels: &[&str]| read(levels, true, true);
        assert_eq!(read(&["1'234.5", "-12"]).unwrap(), [1234.5, -12.0]);
        assert_eq!(read(&["1\u{a0}234,5", "7", "-1\u{a0}000"]).unwrap(), [1234.5, 7.0, -1000.0]);
        assert_eq!(read(&["(5)", "5", "($1.50)"]), None, "the $ stands before some alone");
        assert_eq!(read(&["($1.50)", "$2"]).unwrap(), [-1.5, 2.0]);
        assert_eq!(read(&["5-", "6.5"]).unwrap(), [-5.0, 6.5]);
        assert_eq!(read(&["−5", "6"]).unwrap(), [-5.0, 6.0]);
        assert_eq!(read(&["10 mg", "2.5 mg"]).unwrap(), [10.0, 2.5]);
        assert_eq!(read(&["1.5D+01", "2D-1", "3"]).unwrap(), [15.0, 0.2, 3.0]);
        assert_eq!(read(&["US$ 5.25", "US$ 10"]).unwrap(), [5.25, 10.0]);
        assert_eq!(read(&["5 €", "1.000 €"]).unwrap(), [5.0, 1.0], "a point alone is one of decimals");
        let kilograms: Vec<String> = (0..20).map(|value| format!("{value}kg")).collect();
        assert!(read(&kilograms.iter().map(String::as_str).collect::<Vec<_>>()).is_some());
        for none in [
            &["(5)", "(6)"][..],
            &["5-", "6-"],
            &["5A", "6A"],
            &["1 2 3", "4"],
            &["1'23", "4"],
            &["2021-01-31 10:00"],
            &["10.0.0.1", "10.0.0.2"],
            &["5 kg", "6 g"],
            &["--5", "6"],
        ] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }

    #[test]
    fn points_group_only_what_is_grouped() {
        let groups = |levels: &[&str]| Form::points_group(levels.iter().copied());
        assert!(groups(&["1.234", "12", "-1.234.567"]));
        assert!(!groups(&["1.234", "2.5"]) && !groups(&["0.125", "1.250"]) && !groups(&["12", "13"]));
    }
}
