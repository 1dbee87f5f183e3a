#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::agent::dqn::QPolicy;
use querist::agent::pang::PangPolicy;
use querist::agent::Policy;
use querist::episode::features::SCHEMA;
use querist_fuzz::judge;

fuzz_target!(|bytes: &[u8]| {
    let card = include_str!("../../policies/universal/card.toml");
    judge(Policy::from_parts(bytes, card, &SCHEMA).map_err(Into::into));
    judge(QPolicy::from_bytes(bytes).map_err(Into::into));
    judge(PangPolicy::from_bytes(bytes).map_err(Into::into));
});
