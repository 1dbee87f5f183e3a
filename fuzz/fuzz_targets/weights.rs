#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::agent::{Frozen, Policy};
use querist::episode::features::SCHEMA;
use querist_fuzz::judge;

fuzz_target!(|bytes: &[u8]| {
    let card = include_str!("../../policies/universal/card.toml");
    judge(Policy::from_parts(bytes, card, &SCHEMA).map_err(Into::into));
    for weights in [3, 7] {
        judge(Frozen::from_bytes(bytes, "weights", weights).map_err(Into::into));
    }
});
