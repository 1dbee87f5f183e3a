#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::data::readers::{ReadOptions, read};
use querist_fuzz::{file, judge};

fuzz_target!(|bytes: &[u8]| {
    // Two classes of one picture each; what a picture is, its first bytes say.
    for class in ["a", "b"] {
        file(&format!("pictures/{class}/0.png"), bytes);
    }
    let folder = file("pictures/README.md", b"");
    judge(read(folder.parent().expect("a folder"), &ReadOptions::default()));
});
