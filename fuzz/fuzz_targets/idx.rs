#![no_main]

use libfuzzer_sys::fuzz_target;
use querist_fuzz::{file, read_as};

fuzz_target!(|bytes: &[u8]| {
    // The labels stand in a file of their own.
    let (images, labels) = bytes.split_at(bytes.len() * 3 / 4);
    file("t-labels-idx1-ubyte", labels);
    read_as("t-images-idx3-ubyte", images);
});
