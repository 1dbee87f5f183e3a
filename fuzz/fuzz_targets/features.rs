#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::data::readers::{ReadOptions, read};
use querist_fuzz::{file, judge};

fuzz_target!(|bytes: &[u8]| {
    // An array or a sparse matrix beside a table of four labels, as it is and made narrow.
    let table = file("t.csv", b"label\na\nb\na\nb\n");
    let features = vec![file("t.features", bytes)];
    for (hash, svd) in [(None, None), (Some(3), None), (None, Some(2))] {
        judge(read(&table, &ReadOptions { features: features.clone(), hash, svd, ..ReadOptions::default() }));
    }
});
