//! Files of columns and records that ask for far more than they hold: faults 15, 17, 18, 20, 23 and 24.

use super::make::gzip;
use super::{Folder, bounded, refusal};
use querist::data::readers::ReadOptions;

fn refused(folder: &Folder, name: &str, bytes: &[u8]) -> String {
    refusal(&folder.file(name, bytes), &ReadOptions::default())
}

#[test]
fn forged_lengths_are_weighed_against_the_file() {
    let folder = Folder::new();
    let parquet = include_bytes!("../formats/plain.parquet");
    let mut footer = parquet.to_vec();
    let at = footer.len() - 8;
    footer[at..at + 4].copy_from_slice(&i32::MAX.to_le_bytes());
    assert!(refused(&folder, "a.parquet", &footer).contains("of a kind of Parquet that is not read"));
    let found = refused(&folder, "a.parquet", &parquet[..parquet.len() - 1]);
    assert!(found.contains("ends too early: no footer at the end"), "{found}");
    let stream = include_bytes!("../formats/stream.arrows");
    let mut message = stream.to_vec();
    message[4..8].copy_from_slice(&(i32::MAX as u32 & 0x00ff_fff8).to_le_bytes());
    let found = refused(&folder, "a.arrows", &message);
    assert!(found.contains("16777208 bytes are announced at byte 8"), "{found}");
    // A stream that ends after a message lacks its end.
    let found = refused(&folder, "a.arrows", &stream[..stream.len() - 8]);
    assert!(found.contains("ends too early"), "{found}");
}

/// A page of a few bytes may stand for millions of values, and a long text for each row.
#[test]
fn runs_and_repeated_texts_are_bombs() {
    let folder = Folder::new();
    for (name, bytes) in [
        ("runs.parquet", &include_bytes!("../formats/runs.parquet")[..]),
        ("texts.parquet", include_bytes!("../formats/texts.parquet")),
        ("texts.feather", include_bytes!("../formats/texts.feather")),
    ] {
        let found = refused(&folder, name, bytes);
        let bomb = found.contains("times as many") || found.contains("bytes of text in a column");
        assert!(bomb, "{name}: {found}");
    }
    let zeros = zstd::encode_all(
        &b"label,x\n".iter().copied().chain(b"0,0\n".repeat(20 << 20)).collect::<Vec<u8>>()[..],
        3,
    );
    assert!(refused(&folder, "t.csv.zst", &zeros.unwrap()).contains("more than 200 times as many"));
}

#[test]
fn records_in_json() {
    let folder = Folder::new();
    let deep = format!("{{\"label\": 0, \"x\": {}", "[".repeat(1 << 20));
    let keys: String = (0..20_000).map(|row| format!("{{\"k{row}\": 1}}\n")).collect();
    let long = format!("{{\"label\": \"{}\"}}\n", "a".repeat(17 << 20));
    for (case, text, expected) in [
        ("deep", deep.as_str(), "recursion limit exceeded"),
        ("a key for each row", &keys, "times as many"),
        ("long", &long, "a record of more than 16777216 bytes"),
        ("not an object", "{\"label\": 0, \"x\": 1}\n[1, 2]\n", "line 2: column"),
        ("twice", "{\"label\": 0, \"label\": 1}\n{\"label\": 0}\n", "row 0 has two entries called \"label\""),
        ("cut", "[{\"label\": 0, \"x\": 1}", "EOF while parsing"),
        ("behind", "[{\"label\": 0, \"x\": 1}] x", "trailing characters"),
        ("no rows", "{\"label\": []}", "no rows"),
    ] {
        for (name, bytes) in [("r.json", text.as_bytes().to_vec()), ("r.json.gz", gzip(text.as_bytes()))] {
            let found = refused(&folder, name, &bytes);
            assert!(found.contains(expected) || found.contains("times as many"), "{case}: {found}");
        }
    }
    let text = "{\"label\": 0, \"x\": [1, 2, 3]}\n{\"label\": 1, \"x\": [4, 5, 6]}\n";
    let path = folder.file("n.jsonl", text.as_bytes());
    let set = bounded(&path, &ReadOptions::default()).unwrap();
    assert_eq!(set.inputs().values(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "lists are columns");
}

#[test]
fn attributes_of_arff() {
    let folder = Folder::new();
    let wide: String = (0..200_000).map(|at| format!("@attribute a{at} numeric\n")).collect();
    let wide = format!("@relation r\n{wide}@data\n{}", "{}\n".repeat(1_000));
    let head = "@relation r\n@attribute x numeric\n@attribute label {a,b}\n@data\n";
    for (case, text, expected) in [
        ("sparse and wide", wide, "bytes once zeros are written out"),
        (
            "another value",
            format!("{head}1,c\n"),
            "line 5: \"c\" is not among the 2 values of attribute \"label\"",
        ),
        ("no number", format!("{head}y,a\n"), "line 5, column x: \"y\" is not a finite number"),
        ("ragged", format!("{head}1,a,2\n"), "line 5: 3 fields"),
        ("index twice", format!("{head}{{0 1, 0 2}}\n"), "\"0\" is no index of an attribute"),
        ("index beyond", format!("{head}{{2 1}}\n"), "\"2\" is no index of an attribute"),
        ("unclosed", format!("{head}1,'a\n"), "line 5: a quote is opened and never closed"),
        (
            "relational",
            "@relation r\n@attribute x relational\n".to_string(),
            "an attribute of type \"relational\"",
        ),
        ("no data", "@relation r\n@attribute x numeric\n@data\n".to_string(), "no rows"),
        ("no attributes", "@relation r\n@data\n".to_string(), "no @attribute before it"),
    ] {
        let found = refused(&folder, "r.arff", text.as_bytes());
        assert!(found.contains(expected), "{case}: {found}");
    }
}
