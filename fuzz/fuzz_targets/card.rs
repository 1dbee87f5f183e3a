#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::agent::Card;
use querist_fuzz::judge;

fuzz_target!(|text: &str| {
    let Some(card) = judge(Card::from_text(text).map_err(Into::into)) else { return };
    assert_eq!(Card::from_text(&card.to_text()).expect("a card that was accepted").to_text(), card.to_text());
});
