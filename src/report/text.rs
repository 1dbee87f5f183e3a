//! How numbers and hostile strings are written in tables, sentences, HTML and LaTeX.

/// Stands where a number does not exist.
pub const ABSENT: &str = "–";

/// A share as points with one decimal: 0.8123 → `81.2`.
pub fn points(share: Option<f64>) -> String {
    share.filter(|s| s.is_finite()).map_or_else(|| ABSENT.to_owned(), |s| fixed(100.0 * s, 1))
}

/// A difference in points with its sign: `+1.2`, `−0.3`. One that rounds to zero keeps the
/// sign that says on which side it lies (`−0.0`); zero itself has none.
pub fn signed_points(share: Option<f64>) -> String {
    share.filter(|s| s.is_finite()).map_or_else(|| ABSENT.to_owned(), |s| signed(100.0 * s, 1))
}

/// A number with its sign, a true minus.
pub fn signed(value: f64, decimals: usize) -> String {
    /// Differences this small are rounding, and have no side.
    const NOTHING: f64 = 1e-9;
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let sign = match value {
        v if v.abs() < NOTHING => "",
        v if v < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{:.*}", decimals, value.abs())
}

/// A number with a true minus, which zero does not carry.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let text = format!("{:.*}", decimals, value.abs());
    let zero = !text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if value < 0.0 && !zero { format!("−{text}") } else { text }
}

/// A p-value with two significant places, never zero: `0.034`, `0.41`, `<0.001`.
pub fn p_value(p: Option<f64>) -> String {
    match p.filter(|p| p.is_finite()) {
        None => ABSENT.to_owned(),
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) if p < 0.1 => format!("{p:.3}"),
        Some(p) => format!("{p:.2}"),
    }
}

/// `= 0.034` or `< 0.001`, to stand after "p".
pub fn equals_p(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("= {}", p_value(Some(p))) }
}

/// Text that is safe in HTML and SVG, as content and in quoted attributes. Control characters, which
/// XML 1.0 cannot carry, become the replacement character.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(letter),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// Text that is safe in LaTeX's text mode.
pub fn escape_latex(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => safe.push_str("\\textbackslash{}"),
            '~' => safe.push_str("\\textasciitilde{}"),
            '^' => safe.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                safe.push('\\');
                safe.push(letter);
            }
            '−' => safe.push_str("$-$"),
            '–' => safe.push_str("--"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// Text that is safe in a cell of a Markdown table.
pub fn escape_markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' => {
                safe.push('\\');
                safe.push(letter);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A sentence with a large first letter.
pub(crate) fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_they_are_written() {
        assert_eq!(points(Some(0.8123)), "81.2");
        assert_eq!(signed_points(Some(0.0123)), "+1.2");
        assert_eq!(signed_points(Some(-0.0034)), "−0.3");
        assert_eq!(signed_points(Some(-0.0001)), "−0.0");
        assert_eq!(signed_points(Some(0.0)), "0.0");
        assert_eq!(signed_points(Some(-1e-17)), "0.0");
        assert_eq!(fixed(-0.001, 1), "0.0");
        assert_eq!(signed_points(Some(f64::NAN)), ABSENT);
        assert_eq!(p_value(Some(0.0)), "<0.001");
        assert_eq!(p_value(Some(0.0341)), "0.034");
        assert_eq!(p_value(Some(0.4099)), "0.41");
        assert_eq!(p_value(None), ABSENT);
    }

    #[test]
    fn hostile_names_stay_text() {
        assert_eq!(escape("<script>\"&'\u{7}"), "&lt;script&gt;&quot;&amp;&#39;\u{fffd}");
        assert_eq!(escape_latex("a_b & 5%\\"), "a\\_b \\& 5\\%\\textbackslash{}");
        assert_eq!(escape_markdown("a|b\nc"), "a\\|b c");
    }
}
