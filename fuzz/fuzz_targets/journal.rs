#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::episode::Row;
use querist::run::{journal, rows};
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("journal");
    if let Ok(content) = journal::decode(bytes, path) {
        assert!(format!("{content:?}").len() < 1 << 30);
    }
    let _ = rows::parse::<Row>(bytes, path);
});
