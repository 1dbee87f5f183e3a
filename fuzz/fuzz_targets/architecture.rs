#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::experiment::fit::Architecture;
use querist_fuzz::{file, judge};

fuzz_target!(|bytes: &[u8]| {
    judge(Architecture::load(&file("arch.json", bytes)));
});
