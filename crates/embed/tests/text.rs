//! Texts into tokens.

use querist_embed::EmbedError;
use querist_embed::text::{MAX_TOKENS, Texts};
use std::path::Path;

const FILE: &str = include_str!("models/tokenizer.json");

#[test]
fn texts_are_cut_and_padded() {
    let path = Path::new("tokenizer.json");
    let texts = Texts::new(path, FILE.as_bytes(), None).unwrap();
    assert_eq!(texts.most(), 4, "as the file says");
    let tokens = texts.tokenize(&["good film", "bad", "bad bad bad bad bad", "", "unseen"]).unwrap();
    assert_eq!((tokens.rows, tokens.length), (5, 4));
    let row = |row: usize| (&tokens.ids[row * 4..][..4], &tokens.mask[row * 4..][..4]);
    assert_eq!(row(0), (&[2, 4, 0, 0][..], &[1, 1, 0, 0][..]));
    assert_eq!(row(1), (&[3, 0, 0, 0][..], &[1, 0, 0, 0][..]));
    assert_eq!(row(2), (&[3, 3, 3, 3][..], &[1, 1, 1, 1][..]), "cut");
    assert_eq!(row(3), (&[0, 0, 0, 0][..], &[0, 0, 0, 0][..]));
    assert_eq!(row(4), (&[1, 0, 0, 0][..], &[1, 0, 0, 0][..]));
    assert_eq!(
        Texts::new(path, FILE.as_bytes(), Some(2)).unwrap().tokenize(&["bad bad bad"]).unwrap().length,
        2
    );
    let none = Texts::new(path, FILE.as_bytes(), None).unwrap().tokenize(&[""]).unwrap();
    assert_eq!((none.length, none.ids), (1, vec![0]), "a model needs a token to run on");
}

#[test]
fn broken_tokenizers_are_refused() {
    let path = Path::new("t.json");
    for text in ["", "{", "[]", "{\"version\": \"1.0\"}", "\u{0}", "null"] {
        let found = Texts::new(path, text.as_bytes(), None);
        assert!(matches!(found, Err(EmbedError::BadTokenizer { .. })), "{text:?}");
    }
    for most in [0, MAX_TOKENS + 1] {
        assert!(matches!(
            Texts::new(path, FILE.as_bytes(), Some(most)),
            Err(EmbedError::BadTokenizer { .. })
        ));
    }
}
