#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::query::Registry;
use querist_fuzz::judge;

fuzz_target!(|text: &str| {
    judge(Registry::builtin().build(text));
});
