//! What is left of a text when the ways to spell it are taken away.

/// Letters with a mark, by the letter without it.
const MARKED: [(&str, char); 24] = [
    ("àáâãäåāăą", 'a'),
    ("çćĉċč", 'c'),
    ("ďđ", 'd'),
    ("èéêëēĕėęě", 'e'),
    ("ĝğġģ", 'g'),
    ("ĥħ", 'h'),
    ("ìíîïĩīĭįı", 'i'),
    ("ĵ", 'j'),
    ("ķ", 'k'),
    ("ĺļľŀł", 'l'),
    ("ñńņň", 'n'),
    ("òóôõöøōŏő", 'o'),
    ("ŕŗř", 'r'),
    ("śŝşš", 's'),
    ("ţťŧ", 't'),
    ("ùúûüũūŭůűų", 'u'),
    ("ŵ", 'w'),
    ("ýÿŷ", 'y'),
    ("źżž", 'z'),
    ("‐‑‒–—−", '-'),
    ("ß", 's'),
    ("µ", 'μ'),
    ("’‘‚", '\''),
    ("…", '.'),
];

/// Texts that differ in letter case, spaces, quotes, a full stop at the end, characters without a width, the marks of
/// letters or the width of characters have one key.
pub(super) fn key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        let c = match c {
            // Full-width forms of ASCII.
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c).to_ascii_lowercase(),
            _ => MARKED.iter().find(|(marked, _)| marked.contains(c)).map_or(c, |(_, plain)| *plain),
        };
        let invisible = matches!(c,
            '\u{00ad}' | '\u{0300}'..='\u{036f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}');
        let quote = matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '«' | '»');
        if !(invisible || quote || c.is_whitespace() || c.is_control()) {
            key.push(c);
        }
    }
    let end = key.trim_end_matches('.');
    if end.is_empty() { key } else { end.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_text_have_one_key() {
        for (a, b) in [
            ("Yes", "yes"),
            (">50K", ">50K."),
            ("New York", "New  York"),
            ("a b", "a\u{a0}b"),
            ("\"cat\"", "cat"),
            ("cat\u{200b}", "cat"),
            ("\u{feff}cat", "cat"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("Ａ１", "A1"),
        ] {
            assert_eq!(key(a), key(b), "{a} {b}");
        }
        for (a, b) in [("+", "-"), ("<=50K", ">50K"), ("a", "b"), ("1.5", "15"), (".", "")] {
            assert_ne!(key(a), key(b), "{a} {b}");
        }
    }
}
