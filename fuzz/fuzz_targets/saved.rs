#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::data::readers::{ReadOptions, read};
use querist_fuzz::{file, judge};

fuzz_target!(|bytes: &[u8]| {
    // What the `datasets` library saves: its state, its description, and one shard, with a line of dashes between.
    const DASHES: &[u8] = b"\n--\n";
    let cut = |bytes: &'_ [u8]| bytes.windows(DASHES.len()).position(|window| window == DASHES);
    let Some(first) = cut(bytes) else { return };
    let rest = &bytes[first + DASHES.len()..];
    let Some(second) = cut(rest) else { return };
    file("saved/data-00000-of-00001.arrow", &rest[second + DASHES.len()..]);
    file("saved/dataset_info.json", &rest[..second]);
    let state = file("saved/state.json", &bytes[..first]);
    judge(read(state.parent().expect("a folder"), &ReadOptions::default()));
});
