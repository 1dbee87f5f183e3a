//! Dates and times of day as people write them, and the numbers that are made of them.

/// How the dates of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `2021-01-31`, with a time of day or without.
    Year,
    /// `31.1.2021`, `31/1/21`.
    Day,
    /// `1/31/2021`.
    Month,
    /// `31 Jan 2021`, `Jan 31, 2021`.
    Named,
    /// `13:05`, `1:05:30 pm`.
    Clock,
    /// `2021-01`, `Jan 2021`: the first day of the month.
    Monthly,
    /// `20210131`.
    Digits,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAY: f64 = 86_400.0;

impl Form {
    /// All forms.
    pub const ALL: [Form; 7] =
        [Form::Year, Form::Month, Form::Day, Form::Named, Form::Clock, Form::Monthly, Form::Digits];

    /// How all of `levels` may be written, and whether day and month could be the other way round as well; none if
    /// they are no dates.
    pub fn of<'a>(levels: impl Iterator<Item = &'a str> + Clone) -> Option<(Self, bool)> {
        let first = levels.clone().next()?;
        // Dotted dates are European; pandas, too, takes the month first elsewhere.
        let order = if first.contains('.') { [Form::Day, Form::Month] } else { [Form::Month, Form::Day] };
        let fits = |form: &Form| levels.clone().all(|text| form.parse(text).is_some());
        let forms = [Form::Year, order[0], order[1], Form::Named, Form::Clock, Form::Monthly, Form::Digits];
        let form = forms.into_iter().find(fits)?;
        // 2020-21 and 2021-22 are seasons.
        let season = |text: &str| {
            text.len() == 7
                && text[2..4].parse::<u32>().ok().map(|year| (year + 1) % 100) == text[5..].parse().ok()
        };
        if form == Form::Monthly && levels.clone().all(season) {
            return None;
        }
        let other = match form {
            Form::Day => Form::Month,
            Form::Month => Form::Day,
            _ => return Some((form, false)),
        };
        Some((form, !first.contains('.') && fits(&other)))
    }

    /// Seconds since 1970 (of a clock, since midnight), and whether there is a time of day.
    pub fn parse(self, text: &str) -> Option<(f64, bool)> {
        if text.len() > 64 || !text.is_ascii() {
            return None;
        }
        if self == Form::Clock {
            return Some((clock(text)?, true));
        }
        if self == Form::Named {
            return named(text);
        }
        if self == Form::Monthly {
            return Some((monthly(text)?, false));
        }
        if self == Form::Digits {
            return (text.len() == 8)
                .then(|| digits(number(text, 8)?))
                .flatten()
                .map(|seconds| (seconds, false));
        }
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let separator = date.chars().find(|c| !c.is_ascii_digit()).filter(|c| "-/.".contains(*c))?;
        let mut parts = date.split(separator);
        let [a, b, c] = [parts.next()?, parts.next()?, parts.next()?];
        if parts.next().is_some() {
            return None;
        }
        let (year, month, day) = match self {
            Form::Year => (a, b, c),
            Form::Day => (c, b, a),
            _ => (c, a, b),
        };
        let year = match (self, year.len()) {
            (_, 4) => number(year, 4)?,
            // As POSIX has it: 69 is 1969, 68 is 2068.
            (Form::Day | Form::Month, 2) => {
                number(year, 2).map(|year| year + if year < 69 { 2000 } else { 1900 })?
            }
            _ => return None,
        };
        let days = days(year, number(month, 2)?, number(day, 2)?)?;
        let seconds = time.map(|time| clock(time.trim())).map_or(Some(0.0), |seconds| seconds)?;
        Some((days as f64 * DAY + seconds, time.is_some()))
    }

    /// What is said of it.
    pub fn says(self) -> &'static str {
        match self {
            Form::Year => "year, month, day",
            Form::Day => "day, month, year",
            Form::Month => "month, day, year",
            Form::Named => "months by name",
            Form::Clock => "times of day",
            Form::Monthly => "year and month",
            Form::Digits => "year, month, day as eight digits",
        }
    }
}

fn number(text: &str, most: usize) -> Option<i64> {
    let digits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Days from 1970 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    // Years that begin in March end with the leap day.
    let shifted = year - i64::from(month <= 2);
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Seconds since midnight of `13:05`, `13:05:30.25`, `1:05 pm`; in UTC where an offset is given.
fn clock(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let (text, half) = match (lower.strip_suffix("pm"), lower.strip_suffix("am")) {
        (Some(text), _) => (text.trim_end(), Some(12)),
        (_, Some(text)) => (text.trim_end(), Some(0)),
        _ => (lower.as_str(), None),
    };
    let (text, offset) = match text.strip_suffix('z').or_else(|| text.strip_suffix(" utc")) {
        Some(text) => (text, 0.0),
        None => match text.rfind(['+', '-']) {
            Some(at) => {
                let zone = text[at + 1..].replace(':', "");
                let (hours, minutes) = match zone.len() {
                    2 => (number(&zone, 2)?, 0),
                    4 => (number(&zone[..2], 2)?, number(&zone[2..], 2)?),
                    _ => return None,
                };
                let seconds = (hours * 3600 + minutes * 60) as f64;
                (text[..at].trim_end(), if text.as_bytes()[at] == b'-' { -seconds } else { seconds })
            }
            None => (text, 0.0),
        },
    };
    let mut parts = text.split(':');
    let hour = number(parts.next()?, 2)?;
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    let minute = number(parts.next()?, 2)?;
    let second = match parts.next() {
        None => 0.0,
        Some(text) => {
            let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
            number(whole, 2).filter(|&second| second < 61)?;
            number(decimals, 9)?;
            text.parse::<f64>().ok()?
        }
    };
    let sound = hour < 24 && minute < 60 && parts.next().is_none();
    sound.then_some((hour * 3600 + minute * 60) as f64 + second - offset)
}

/// `31 Jan 2021`, `January 31, 2021`, `31-Jan-21`, each with a time of day or without.
fn named(text: &str) -> Option<(f64, bool)> {
    let mut parts = text.split([' ', '-', '/', ',']).filter(|part| !part.is_empty());
    let [a, b, c] = [parts.next()?, parts.next()?, parts.next()?];
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let (month, day) = if is_word(a) { (a, b) } else { (b, a) };
    let month = month.to_ascii_lowercase();
    let at = MONTHS.iter().position(|name| month.starts_with(name) && is_word(&month))? as i64 + 1;
    let year = match c.len() {
        4 => number(c, 4)?,
        2 => number(c, 2).map(|year| year + if year < 69 { 2000 } else { 1900 })?,
        _ => return None,
    };
    let days = days(year, at, number(day, 2)?)?;
    let rest: Vec<&str> = parts.collect();
    let seconds = if rest.is_empty() { 0.0 } else { clock(&rest.join(" "))? };
    Some((days as f64 * DAY + seconds, !rest.is_empty()))
}

/// `2021-01`, `2021/1`, `Jan 2021`, `2021 January`.
fn monthly(text: &str) -> Option<f64> {
    let mut parts = text.split(['-', '/', ' ', '.']);
    let [a, b] = [parts.next()?, parts.next()?];
    let (year, month) = if a.len() == 4 && number(a, 4).is_some() { (a, b) } else { (b, a) };
    let lower = month.to_ascii_lowercase();
    let word = lower.len() >= 3 && lower.bytes().all(|byte| byte.is_ascii_alphabetic());
    let month = match MONTHS.iter().position(|name| word && lower.starts_with(name)) {
        Some(at) => at as i64 + 1,
        // With a point between them, the two would be a decimal.
        None if !text.contains(['.', ' ']) => number(month, 2)?,
        None => return None,
    };
    let whole = year.len() == 4 && parts.next().is_none();
    Some(days(number(year, 4).filter(|_| whole)?, month, 1)? as f64 * DAY)
}

/// Seconds from 1970 to a day that is written as eight digits, of the years 1900 to 2100.
fn digits(whole: i64) -> Option<f64> {
    let (year, month, day) = (whole / 10_000, whole / 100 % 100, whole % 100);
    let days = (1900..=2100).contains(&year).then(|| days(year, month, day))??;
    Some(days as f64 * DAY)
}

/// Seconds from 1970, if all numbers but those that are missing (NaN) are days written as eight digits, and not few
/// of them.
pub(super) fn eight_digits(values: &[f64]) -> Option<Vec<f64>> {
    let second = |&value: &f64| match value {
        _ if value.is_nan() => Some(f64::NAN),
        _ if value.fract() == 0.0 && (1e7..1e8).contains(&value) => digits(value as i64),
        _ => None,
    };
    let seconds: Vec<f64> = values.iter().map(second).collect::<Option<_>>()?;
    (seconds.iter().filter(|second| !second.is_nan()).count() >= super::ids::LEAST).then_some(seconds)
}

/// A part of a moment that comes round again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Month,
    Weekday,
    Hour,
}

impl Part {
    pub const ALL: [Part; 3] = [Part::Month, Part::Weekday, Part::Hour];

    pub fn name(self) -> &'static str {
        match self {
            Part::Month => "month",
            Part::Weekday => "weekday",
            Part::Hour => "hour",
        }
    }

    /// How much of its round has gone, from 0 up to 1.
    pub fn of(self, seconds: f64) -> f64 {
        let days = (seconds / DAY).floor();
        match self {
            Part::Month => (month(days as i64) - 1) as f64 / 12.0,
            // 1970 began on a Thursday; weeks begin on Monday.
            Part::Weekday => (days + 3.0).rem_euclid(7.0) / 7.0,
            Part::Hour => (seconds - days * DAY) / DAY,
        }
    }
}

/// The month of a day that is counted from 1970.
fn month(days: i64) -> i64 {
    let of_era = (days + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    (((5 * of_year + 2) / 153) + 2) % 12 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_their_forms() {
        let read = |levels: &[&str]| {
            let (form, ambiguous) = Form::of(levels.iter().copied())?;
            let seconds: Vec<f64> = levels.iter().map(|text| form.parse(text).unwrap().0).collect();
            Some((form, ambiguous, seconds))
        };
        // 2021-01-31 is day 18,658.
        let day = 18_658.0 * DAY;
        assert_eq!(read(&["2021-01-31", "1970-01-01"]), Some((Form::Year, false, vec![day, 0.0])));
        assert_eq!(read(&["2021-01-31T13:05:30Z"]), Some((Form::Year, false, vec![day + 47_130.0])));
        assert_eq!(read(&["2021-01-31 13:05:30.5+01:00"]).unwrap().2, [day + 43_530.5]);
        assert_eq!(read(&["31.01.2021", "1.2.1970"]).unwrap().2, [day, 31.0 * DAY]);
        assert_eq!(read(&["1/31/2021"]).unwrap().0, Form::Month);
        assert_eq!(read(&["31/1/21"]).unwrap().2, [day]);
        assert_eq!(read(&["1/2/2021"]), Some((Form::Month, true, vec![day - 29.0 * DAY])));
        assert_eq!(read(&["31 Jan 2021", "January 31, 2021 1:05 pm"]).unwrap().2, [day, day + 47_100.0]);
        assert_eq!(read(&["12:30", "0:00"]), Some((Form::Clock, false, vec![45_000.0, 0.0])));
        for none in
            ["2021-02-29", "2021-13-01", "1-2", "25:00", "a/b/c", "2021-01-31x", "12:30:99", "1.5", ""]
        {
            assert_eq!(read(&[none]), None, "{none}");
        }
    }

    #[test]
    fn parts_come_round() {
        let (seconds, _) = Form::Year.parse("2024-02-29 18:00").unwrap();
        assert_eq!(Part::ALL.map(|part| part.of(seconds)), [1.0 / 12.0, 3.0 / 7.0, 0.75]);
        let (before, _) = Form::Year.parse("1969-12-31").unwrap();
        assert_eq!(Part::ALL.map(|part| part.of(before)), [11.0 / 12.0, 2.0 / 7.0, 0.0]);
    }
}
