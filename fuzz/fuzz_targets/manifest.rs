#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::run::Manifest;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("manifest.json");
    let Ok(manifest) = Manifest::from_json(bytes, path) else { return };
    let again = Manifest::from_json(&manifest.to_json(), path).expect("a manifest that was accepted");
    assert_eq!(again.digest(), manifest.digest());
});
