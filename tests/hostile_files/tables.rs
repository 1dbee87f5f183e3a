//! Tables and sparse files: faults 1 to 16.

use super::make::{TABLE, gzip};
use super::{Folder, bounded, refusal};
use querist::Key;
use querist::data::columns::ColumnOptions;
use querist::data::readers::ReadOptions;
use querist::data::{SplitPlan, Task, describe};
use std::io::Write;

#[test]
fn tables_01_to_10_and_16() {
    let folder = Folder::new();
    let cases: &[(&str, &[u8], &str)] = &[
        ("01 empty", b"", "the file is empty"),
        ("01 byte-order mark only", b"\xef\xbb\xbf", "the file is empty"),
        ("01 blank lines only", b"\n\n\n", "the file is empty"),
        ("02 header only", b"label,x\n", "a header, but no rows"),
        (
            "03 not UTF-8",
            b"label,x\na,1\nb\xff,2\n",
            "line 3, column label: not UTF-8 from byte 2 of the field on",
        ),
        ("03 not UTF-8 in the header", b"label,x\xff\na,1\n", "line 1, column 2: not UTF-8 from byte 2"),
        (
            "04 UTF-16",
            b"\xff\xfel\0a\0b\0",
            "starts like UTF-16 (byte-order mark), but only UTF-8 is read | convert it",
        ),
        ("04 UTF-16 big-endian", b"\xfe\xff\0l\0a", "starts like UTF-16"),
        (
            "04 UTF-16 without a mark",
            b"l\0a\0b\0e\0l\0\n\0",
            "line 1: a NUL byte in a text file | a file of UTF-16",
        ),
        (
            "04 UTF-32",
            b"\xff\xfe\0\0l\0\0\0",
            "starts like UTF-32 (byte-order mark), but only UTF-8 is read | convert it, for example with `iconv -f UTF-32",
        ),
        ("05 short row", b"label,x,y\na,1,2\nb,1\n", "line 3: 2 fields, but the header has 3"),
        (
            "05 short row behind blank lines and a field of two lines",
            b"label,x,y\n\n\na,\"1\n\",2\n\nb,1\n",
            "line 7: 2 fields, but the header has 3",
        ),
        (
            "05 short row, Windows' lines",
            b"label,x,y\r\na,1,2\r\n\r\nb,1\r\n",
            "line 4: 2 fields, but the header has 3",
        ),
        ("05 long row", b"label,x\na,1,2\n", "line 2: 3 fields, but the header has 2"),
        (
            "14 a number that is none, behind a blank line and a field of two lines",
            b"label,t,x\na,\"u\nv\",1\n\nb,w,1\na,u,1\nb,w,inf\n",
            "line 7, column x: \"inf\" is not a finite number",
        ),
        ("06 unclosed quote", b"label,x\na,1\n\"b,2\na,3\n", "line 3: a quote is opened and never closed"),
        ("07 twice the same header", b"x,label,x\n1,a,2\n", "columns 1 and 3 are both called \"x\""),
        (
            "08 label column missing",
            b"lable,x\na,1\n",
            "no column is called \"label\" | did you mean \"lable\"?",
        ),
        (
            "08 nothing like it",
            b"y,x\na,1\n",
            "no column is called \"label\" | name one with --label; likely ones first, there are: y, x",
        ),
        ("08 one column", b"wrong\na\n", "| there is only one column, \"wrong\"; `--separator` says"),
        ("09 infinite", b"label,x\na,inf\n", "line 2, column x: \"inf\" is not a finite number"),
        ("09 minus infinity", b"label,x\na,-Infinity\n", "\"-Infinity\" is not a finite number"),
        ("09 1e999", b"label,x\na,1e999\n", "\"1e999\" is not a finite number that `f32` can hold"),
        ("09 1e39", b"label,x\na,-1e39\n", "\"-1e39\" is not a finite number that `f32` can hold"),
        ("10 NaN label", b"label,x\nnan,1\n", "none of 1 rows has a label | name another column"),
        ("16 NUL", b"label,x\na,1\0\n", "line 2: a NUL byte in a text file"),
        (
            "16 decimal comma",
            b"label,x\na,\"1,5\"\n",
            "\"1,5\" is not a finite number | write decimals with a point",
        ),
        ("16 decimal comma, unquoted", b"label,x\na,1,5\n", "line 2: 3 fields, but the header has 2"),
        (
            "split entry",
            b"split,label,x\ntrain,a,1\nvalid,a,1\n",
            "line 3, column split: \"valid\", but a split is train or test, or none in every row | name another split column, or leave this one out with `--ignore split`",
        ),
        ("split for some rows", b"split,label,x\ntrain,a,1\nnone,a,1\n", "line 3, column split: \"none\""),
        ("no features", b"split,label\nnone,a\n", "no feature columns"),
    ];
    for (case, bytes, expected) in cases {
        for (name, bytes) in [("t.csv", bytes.to_vec()), ("t.csv.gz", gzip(bytes))] {
            let found = refusal(&folder.file(name, &bytes), &ReadOptions::default());
            assert!(found.contains(expected), "{case}, {name}: {found}");
            assert!(found.starts_with(name), "{case}: {found}");
        }
    }
}

#[test]
fn sound_variants_of_tables_are_read_alike() {
    let folder = Folder::new();
    let plain = bounded(&folder.file("a.csv", TABLE.as_bytes()), &ReadOptions::default()).unwrap();
    assert_eq!(plain.inputs().values(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!((plain.labels(), plain.name()), (&[0, 1, 0][..], "a"));
    let mark = [b"\xef\xbb\xbf", TABLE.as_bytes()].concat();
    let variants = [
        ("04 byte-order mark", mark),
        ("16 CRLF", TABLE.replace('\n', "\r\n").into_bytes()),
        ("no newline at the end", TABLE.trim_end().into()),
        ("quotes and spaces", TABLE.replace("a,1,2", "\"a\", 1 ,\" 2.0\"").into_bytes()),
        ("two gzip members", [gzip(&TABLE.as_bytes()[..30]), gzip(&TABLE.as_bytes()[30..])].concat()),
    ];
    for (case, bytes) in variants {
        for (name, bytes) in [("b.csv", bytes.clone()), ("b.csv.gz", gzip(&bytes))] {
            // Compressed twice is not looked for.
            if bytes.len() > 40 && case == "two gzip members" && name == "b.csv.gz" {
                continue;
            }
            let set = bounded(&folder.file(name, &bytes), &ReadOptions::default()).unwrap();
            assert_eq!(set.digest(), plain.digest(), "{case}");
        }
    }
}

#[test]
fn columns_are_chosen_by_name() {
    let folder = Folder::new();
    let path = folder.file("c.csv", b"id,kind,x,fold,text\n1,u,1,train,\"a, b\"\n2,v,2,test,c\n");
    let columns = ColumnOptions {
        label: Some("kind".into()),
        split: Some("fold".into()),
        ignore: vec!["id".into(), "text".into()],
        ..ColumnOptions::default()
    };
    let options = ReadOptions { columns: columns.clone(), ..ReadOptions::default() };
    let set = bounded(&path, &options).unwrap();
    assert_eq!((set.inputs().values(), set.class_names().join(" ")), (&[1.0, 2.0][..], "u v".to_string()));
    assert!(set.split().is_some());
    let columns = ColumnOptions { ignore: vec!["txt".into()], ..columns };
    let unknown = ReadOptions { columns, ..ReadOptions::default() };
    assert!(refusal(&path, &unknown).contains("no column is called \"txt\" | did you mean \"text\"?"));
    let shape = Some(querist::data::Shape::Image { channels: 1, height: 2, width: 2 });
    let image = ReadOptions { shape, ..options };
    assert!(refusal(&path, &image).contains("1 feature columns, but 4 were expected"));
}

#[test]
fn fault_11_class_only_in_the_test_part() {
    let folder = Folder::new();
    let path = folder.file("t.csv", TABLE.replace("test,a", "test,c").as_bytes());
    let set = bounded(&path, &ReadOptions::default()).unwrap();
    let error = Task::split(&set, &SplitPlan::default(), Key::root(1)).unwrap_err();
    assert_eq!(error.to_string(), "t: 1 test rows are of class \"c\", of which the training part has 0");
}

#[test]
fn faults_12_to_14_are_described() {
    let folder = Folder::new();
    let table = "split,label,x,y\ntrain,a,1,9\ntrain,b,2,9\ntest,a,1,9\ntrain,c,2,9\ntrain,c,3,9\n";
    let it = describe(&bounded(&folder.file("t.csv", table.as_bytes()), &ReadOptions::default()).unwrap());
    assert_eq!(it.constant_columns, [1], "fault 12");
    assert_eq!((it.duplicates.same_label, it.duplicates.across_split), (1, 1), "fault 13");
    assert_eq!(it.duplicates.different_labels, 2, "fault 14");
}

#[test]
fn fault_15_a_huge_field() {
    let folder = Folder::new();
    let path = folder.file("t.csv", b"label,x\na,\"");
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    let block = vec![b'7'; 1 << 20];
    (0..64).for_each(|_| file.write_all(&block).unwrap());
    let found = refusal(&path, &ReadOptions::default());
    assert!(found.contains("line 2: a record of more than 16777216 bytes"), "{found}");
    // A file of 1 GiB that is all holes.
    let path = folder.file("holes.csv", b"label,x\na,");
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    assert!(refusal(&path, &ReadOptions::default()).contains("line 2: a NUL byte"));
}

#[test]
fn compressed_faults() {
    let folder = Folder::new();
    let packed = gzip(TABLE.as_bytes());
    let mut flipped = packed.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    let rows = gzip(&b"1,a\n".repeat(4 << 20));
    let zeros = [TABLE.as_bytes(), &b"train,a,0,0\n".repeat(20 << 20)].concat();
    let garbage = [&packed[..], b"garbage, garbage, garbage"].concat();
    for (case, bytes, expected) in [
        ("cut", packed[..packed.len() - 4].to_vec(), "ends too early"),
        ("only the magic", packed[..2].to_vec(), "ends too early"),
        ("checksum", flipped, "the compressed data is damaged"),
        ("trailing bytes", garbage, "the compressed data is damaged"),
        ("24 bomb of short rows", rows, "more than 200 times as many"),
        ("24 bomb", gzip(&zeros), "more than 200 times as many | if the file is sound, decompress it first"),
    ] {
        let found = refusal(&folder.file("t.csv.gz", &bytes), &ReadOptions::default());
        assert!(found.contains(expected), "{case}: {found}");
    }
}

#[test]
fn sparse_files() {
    let folder = Folder::new();
    let text = b"+1 1:0.5 3:2\n-1 2:1 # a comment\n\n+1\n";
    for (name, bytes) in [("s.svm", text.to_vec()), ("s.libsvm.gz", gzip(text))] {
        let set = bounded(&folder.file(name, &bytes), &ReadOptions::default()).unwrap();
        assert_eq!(set.inputs().values(), [0.5, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!((set.labels(), set.class_names().join(" ")), (&[1, 0, 1][..], "-1 1".to_string()));
    }
    let far = [b"1 1:1\n".repeat(4_000), b"1 1048576:1\n".to_vec()].concat();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("blank", b"\n\n".to_vec(), "s.svm: no rows; at least 1 is needed"),
        ("no entries", b"1\n0\n".to_vec(), "no feature columns"),
        ("descending", b"1 2:1\n1 3:1 2:1\n".to_vec(), "line 2: index 2 after 3"),
        ("twice", b"1 2:1 2:1\n".to_vec(), "index 2 after 2"),
        (
            "huge index",
            b"1 99999999:1\n".to_vec(),
            "index 99999999 after the label; indices ascend from 0 or 1 to at most 1048576",
        ),
        ("no index", b"1 x:1\n".to_vec(), "\"x\" is not an index"),
        ("no colon", b"1 5\n".to_vec(), "\"5\" is not index:value"),
        ("query behind a value", b"1 1:1 qid:3\n".to_vec(), "\"qid\" is not an index"),
        ("09 NaN", b"1 1:nan\n".to_vec(), "line 1, column 1: \"nan\" is not a finite number"),
        ("10 no label", b"1:1 2:1\n".to_vec(), "\"1:1\" is not one label"),
        (
            "several labels",
            b"1,2 1:1\n".to_vec(),
            "line 1: \"1,2\" is several labels, but one is needed | --task multi_label takes them all",
        ),
        ("16 NUL", b"1 1:1\0\n".to_vec(), "line 1: a NUL byte"),
        ("15 long line", vec![b'1'; 17 << 20], "line 1: a record of more than 16777216 bytes"),
        ("17 dense size", far, "bytes once zeros are written out; beside"),
        (
            "17 dense size below the limit",
            [b"1 1:1\n".repeat(1_000), b"1 1048576:1\n".to_vec()].concat(),
            "bytes once zeros are written out; beside 1001 values that are stored, at most 536870912 are taken | `--hash 1024` hashes",
        ),
    ];
    for (case, bytes, expected) in cases {
        let found = refusal(&folder.file("s.svm", &bytes), &ReadOptions::default());
        assert!(found.contains(expected), "{case}: {found}");
    }
}
