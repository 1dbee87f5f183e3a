#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::data::readers::read_array;
use querist_fuzz::{file, judge};

fuzz_target!(|bytes: &[u8]| {
    judge(read_array(&file("t.npy", bytes)));
});
