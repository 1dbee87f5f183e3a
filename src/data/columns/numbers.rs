//! Numbers as programs write them, and numbers that `f32` cannot tell apart.

/// A number as programs write it; infinite where it is beyond `f64`. Words such as `inf` are none.
pub(super) fn plain(text: &str) -> Option<f64> {
    if let Some(value) = short(text) {
        return Some(value);
    }
    let value: f64 = text.parse().ok()?;
    (value.is_finite() || text.bytes().any(|byte| byte.is_ascii_digit())).then_some(value)
}

/// Digits with a point among them or none, as nearly all numbers are written, if they are so few that their quotient by
/// a power of ten, both of which `f64` holds, is rounded once (Clinger, "How to Read Floating Point Numbers Accurately",
/// 1990).
fn short(text: &str) -> Option<f64> {
    const POWERS: [f64; 19] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18,
    ];
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // So many digits are below 2^64.
    if digits.len() > POWERS.len() {
        return None;
    }
    let (mut whole, mut point) = (0u64, None);
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => whole = 10 * whole + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    if whole > 1 << f64::MANTISSA_DIGITS || digits.len() == usize::from(point.is_some()) {
        return None;
    }
    let decimals = point.map_or(0, |at| digits.len() - at - 1);
    let value = whole as f64 / POWERS[decimals];
    Some(if negative { -value } else { value })
}

/// Whether `text` is an infinity in words.
pub(super) fn infinite(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_infinite) && plain(text).is_none()
}

/// From this ratio of the largest magnitude to the range on, a constant is taken from a column of numbers that rounding
/// merges.
const FAR: f64 = 4.0;
/// Share of the different numbers from which on it matters that rounding merges them.
const MERGED_SHARE: f64 = 0.01;

/// A column of numbers rounded to `f32`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Narrowed {
    /// One number per row; 0 where there is none.
    pub values: Vec<f32>,
    /// What was taken from every number before, so that different ones stay different: the middle of their range. None
    /// where nothing is won. A shift changes no standard score and no range.
    pub middle: Option<String>,
    /// Different numbers; 0 if `f32` holds all of them.
    pub distinct: usize,
    /// Of these, how many `f32` tells apart as they are.
    pub rounded: usize,
    /// And how many in `values`.
    pub kept: usize,
}

impl Narrowed {
    /// Rounds `values`, NaN where there is none; `whole` are the same numbers, where `f64` may not hold them.
    pub fn of(values: &[f64], whole: Option<&[Option<i128>]>) -> Self {
        let narrow = |value: &f64| if value.is_nan() { 0.0 } else { *value as f32 };
        let plain: Vec<f32> = values.iter().map(narrow).collect();
        let held = |(value, &narrow): (&f64, &f32)| value.is_nan() || f64::from(narrow) == *value;
        if whole.is_none() && values.iter().zip(&plain).all(held) {
            return Self { values: plain, middle: None, distinct: 0, rounded: 0, kept: 0 };
        }
        let known = || (0..values.len()).filter(|&row| !values[row].is_nan());
        let different = |values: &[f32]| different(known().map(|row| (values[row] + 0.0).to_bits()));
        let (distinct, rounded) = match whole {
            Some(whole) => (self::different(known().map(|row| whole[row])), different(&plain)),
            None => different_rounded(known().map(|row| values[row])),
        };
        let as_it_is = Self { values: plain, middle: None, distinct, rounded, kept: rounded };
        if rounded == distinct {
            return as_it_is;
        }
        let Some((moved, middle)) = moved(values, whole) else { return as_it_is };
        let kept = different(&moved);
        if kept <= rounded {
            return as_it_is;
        }
        Self { values: moved, middle: Some(middle), distinct, rounded, kept }
    }

    /// Whether rounding has merged so many numbers that it matters.
    pub fn merges(&self) -> bool {
        (self.distinct - self.kept) as f64 > MERGED_SHARE * self.distinct as f64
    }
}

fn different<T: Ord>(values: impl Iterator<Item = T>) -> usize {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// How many different numbers there are, and how many once they are rounded to `f32`; none is NaN. Rounding keeps the
/// order, so that those which it merges are neighbours.
fn different_rounded(values: impl Iterator<Item = f64>) -> (usize, usize) {
    // Bits that ascend with the numbers: those of negative ones are turned round.
    let ascending = |bits: u64| if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    let number = |key: u64| f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key });
    let mut keys: Vec<u64> = values.map(|value| ascending((value + 0.0).to_bits())).collect();
    keys.sort_unstable();
    keys.dedup();
    let narrow = |key: &u64| (number(*key) as f32 + 0.0).to_bits();
    let steps = keys.windows(2).filter(|pair| narrow(&pair[0]) != narrow(&pair[1])).count();
    (keys.len(), steps + usize::from(!keys.is_empty()))
}

/// The numbers less the middle of their range, where this is small beside them.
fn moved(values: &[f64], whole: Option<&[Option<i128>]>) -> Option<(Vec<f32>, String)> {
    let known = || values.iter().copied().filter(|value| value.is_finite());
    let (least, most) = known()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    let largest = least.abs().max(most.abs());
    if let Some(whole) = whole {
        let (least, most) = (whole.iter().flatten().min()?, whole.iter().flatten().max()?);
        let middle = least.checked_add(most.checked_sub(*least)? / 2)?;
        if largest < FAR * most.checked_sub(*least)? as f64 {
            return None;
        }
        let less = |value: &Option<i128>| value.map_or(0.0, |value| (value - middle) as f32);
        return Some((whole.iter().map(less).collect(), middle.to_string()));
    }
    if !(most > least && largest >= FAR * (most - least)) {
        return None;
    }
    let middle = least + (most - least) / 2.0;
    let less = |value: &f64| if value.is_nan() { 0.0 } else { (value - middle) as f32 };
    Some((values.iter().map(less).collect(), middle.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn numbers_that_rounding_merges_are_centred() {
        let stamps: Vec<f64> = (0..120).map(|second| 1.7e9 + f64::from(second)).collect();
        let found = Narrowed::of(&stamps, None);
        assert_eq!((found.distinct, found.rounded, found.kept), (120, 2, 120));
        assert_eq!(found.middle.as_deref(), Some("1700000059.5"));
        // What rounding keeps apart keeps its bytes, and so does what a shift cannot help.
        for kept in [vec![1e6, 1e6 + 1.0], vec![0.0, 1e9, 1e9 + 1.0], vec![3.0; 5], vec![f64::NAN, 1.0]] {
            assert_eq!(Narrowed::of(&kept, None).middle, None, "{kept:?}");
        }
        // A sentinel far from all others leaves no shift that helps.
        let sentinel: Vec<f64> = stamps.iter().copied().chain([0.0]).collect();
        assert!(Narrowed::of(&sentinel, None).merges() && !Narrowed::of(&stamps, None).merges());
    }

    #[test]
    fn numbers_and_what_rounding_leaves_are_counted() {
        let values = [0.1, -0.0, 0.0, 0.1, 1e-50, -1e-50, 16_777_217.0, 16_777_216.0, -3.5, f64::MIN, 0.3];
        assert_eq!(different_rounded(values.into_iter()), (9, 6));
        assert_eq!(different_rounded(std::iter::empty()), (0, 0));
    }

    /// What is not left to the standard library is what it would give.
    #[test]
    fn short_numbers_are_rounded_as_long_ones_are() {
        let mut rng = crate::rng::Key::root(3).named("numbers").rng();
        let mut short_ones = 0;
        for case in 0..200_000 {
            let mut text: String =
                (0..1 + case % 21).map(|_| char::from(b'0' + rng.random_range(0..10u8))).collect();
            if case % 3 > 0 {
                text.insert(rng.random_range(0..=text.len()), '.');
            }
            if case % 5 == 0 {
                text.insert(0, '-');
            }
            let Some(value) = short(&text) else { continue };
            short_ones += 1;
            assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
        assert!(short_ones > 100_000);
        assert_eq!(short("-0.0").map(f64::to_bits), Some((-0.0f64).to_bits()));
        for none in ["", "-", ".", "-.", "1.2.3", "1e5", "+1", "9007199254740993", "12345678901234567890"] {
            assert_eq!(short(none), None, "{none}");
        }
    }

    #[test]
    fn whole_numbers_beyond_f64_stay_apart() {
        let first = 1_234_567_890_123_456_700i128;
        let whole: Vec<Option<i128>> = (0..100).map(|row| Some(first + row)).chain([None]).collect();
        let values: Vec<f64> = whole.iter().map(|n| n.map_or(f64::NAN, |n| n as f64)).collect();
        let found = Narrowed::of(&values, Some(&whole));
        assert_eq!((found.distinct, found.rounded, found.kept), (100, 1, 100));
        assert_eq!(found.values[..2], [-49.0, -48.0]);
        assert_eq!(found.middle.as_deref(), Some("1234567890123456749"));
    }
}
