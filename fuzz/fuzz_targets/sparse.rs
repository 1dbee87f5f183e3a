#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| querist_fuzz::read_as("t.libsvm", bytes));
