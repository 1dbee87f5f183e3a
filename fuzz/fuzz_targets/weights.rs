#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::agent::{Algorithms, Frozen, Policy};
use querist::episode::features::SCHEMA;
use querist_fuzz::judge;

fuzz_target!(|bytes: &[u8]| {
    let card = include_str!("../../policies/universal/card.toml");
    judge(Policy::from_parts(bytes, card, &SCHEMA).map_err(Into::into));
    for algorithm in Algorithms::builtin().entries() {
        let weights = algorithm.usual().weights();
        judge(Frozen::from_bytes(bytes, "weights", weights).map_err(Into::into));
    }
});
