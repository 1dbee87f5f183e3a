//! Sound files of every format, cut anywhere and with any bit flipped; and what is no data file at all.

use super::make::{TABLE, floats, gzip, idx, npy, sound_archive};
use super::{Folder, bounded, refusal};
use querist::data::columns::ColumnOptions;
use querist::data::readers::ReadOptions;
use querist::error::Exit;
use std::path::Path;

#[test]
fn what_is_no_data_file() {
    let folder = Folder::new();
    let sub = folder.0.path().join("folder.csv");
    std::fs::create_dir(&sub).unwrap();
    let plain = ReadOptions::default();
    assert!(refusal(&sub, &plain).contains("a folder that holds no data set"));
    assert!(refusal(&folder.0.path().join("none.csv"), &plain).contains("cannot be opened"));
    assert!(refusal(&folder.file("data.xlsx", b"PK"), &plain).contains("of no format that is known here"));
    assert!(
        refusal(&folder.file("x.npy", &npy("<f4", false, "(1, 1)", &floats(&[1.0]))), &plain)
            .contains("inputs without labels")
    );
    let archive = folder.file("a.npz", &sound_archive(false));
    let columns = ColumnOptions { split: Some("fold".into()), ..ColumnOptions::default() };
    let found = refusal(&archive, &ReadOptions { columns, ..ReadOptions::default() });
    assert!(found.contains("a split column named, which this format does not have"), "{found}");
    #[cfg(unix)]
    assert!(refusal(Path::new("/dev/zero"), &plain).contains("not a regular file"));
}

/// Small sound files of every format, and what they need beside them.
fn specimens(folder: &Folder) -> Vec<(&'static str, Vec<u8>, ReadOptions)> {
    let images = idx(8, &[2, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 7]);
    folder.file("t-labels-idx1-ubyte", &idx(8, &[2], &[3, 7]));
    let plain = ReadOptions::default;
    vec![
        ("t.csv", TABLE.as_bytes().to_vec(), plain()),
        ("t.csv.gz", gzip(TABLE.as_bytes()), plain()),
        ("s.svm", b"+1 1:0.5 3:2\n-1 2:1\n".to_vec(), plain()),
        ("a.npz", sound_archive(false), plain()),
        ("a.npz", sound_archive(true), plain()),
        ("t-images-idx3-ubyte", images.clone(), plain()),
        ("t-images-idx3-ubyte.gz", gzip(&images), plain()),
        ("z.csv.zst", include_bytes!("../formats/zstandard.csv.zst").to_vec(), plain()),
        ("l.jsonl", include_bytes!("../formats/lines.jsonl").to_vec(), plain()),
        ("r.json", include_bytes!("../formats/records.json").to_vec(), plain()),
        ("d.arff", include_bytes!("../formats/dense.arff").to_vec(), plain()),
        ("p.parquet", include_bytes!("../formats/plain.parquet").to_vec(), plain()),
        ("c.parquet", include_bytes!("../formats/category.parquet").to_vec(), plain()),
        ("f.feather", include_bytes!("../formats/lz4.feather").to_vec(), plain()),
        ("g.feather", include_bytes!("../formats/zstandard.feather").to_vec(), plain()),
        ("s.arrows", include_bytes!("../formats/stream.arrows").to_vec(), plain()),
        ("t.npz", include_bytes!("../formats/texts.npz").to_vec(), plain()),
    ]
}

/// Fault 23: a file that ends anywhere. Text may end after a row, and a broken last number may still be
/// one; everything else is noticed.
#[test]
fn every_truncation_is_refused_or_harmless() {
    let folder = Folder::new();
    for (name, bytes, options) in specimens(&folder) {
        let is_text = ["t.csv", "s.svm", "l.jsonl", "d.arff"].contains(&name);
        for length in 0..bytes.len() {
            let path = folder.file(name, &bytes[..length]);
            match bounded(&path, &options) {
                Ok(set) => assert!(is_text && set.rows() <= 8, "{name} cut to {length} of {}", bytes.len()),
                Err(error) => assert_eq!(error.exit(), Exit::BadInput),
            }
        }
    }
    let table = folder.file("t.csv", TABLE.as_bytes());
    let array = npy("<f4", false, "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    for length in 0..array.len() {
        let features = vec![folder.file("x.npy", &array[..length])];
        refusal(&table, &ReadOptions { features, ..ReadOptions::default() });
    }
}

/// Every single bit flipped: refused, or read as what it then says; never a panic, a hang or a flood.
/// What a checksum covers is always noticed.
#[test]
fn every_bit_flip_is_survived() {
    let folder = Folder::new();
    let mut panicked = Vec::new();
    for (name, bytes, options) in specimens(&folder) {
        let sound = bounded(&folder.file(name, &bytes), &options).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let path = folder.file(name, &flipped);
            let result = std::panic::catch_unwind(|| bounded(&path, &options));
            let Ok(result) = result else {
                panicked.push(format!("{name}, bit {bit}"));
                continue;
            };
            if name.ends_with(".gz") || name.ends_with(".npz") {
                // Header fields that say nothing about the content (times, versions) are free.
                if let Ok(set) = result {
                    assert_eq!(set.inputs().values(), sound.inputs().values(), "{name}, bit {bit}");
                    assert_eq!(set.labels(), sound.labels(), "{name}, bit {bit}");
                }
            }
        }
    }
    assert!(panicked.is_empty(), "{panicked:?}");
    let table = folder.file("t.csv", TABLE.as_bytes());
    let array = npy("<f4", false, "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    for bit in 0..8 * array.len() {
        let mut flipped = array.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let features = vec![folder.file("x.npy", &flipped)];
        if let Ok(set) = bounded(&table, &ReadOptions { features, ..ReadOptions::default() }) {
            assert_eq!((set.rows(), set.width()), (3, 2), "bit {bit}");
        }
    }
}
