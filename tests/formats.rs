//! One table in every format that is read: all are equal once they are data sets. What a file leaves open is said.

// Files are written here, into temporary folders.
#![allow(clippy::disallowed_methods)]

use querist::data::SplitTag::{Test, Train};
use querist::data::columns::ColumnOptions;
use querist::data::readers::{
    Channels, ReadError, ReadOptions, Separator, read, read_examples, read_pool, read_table,
};
use querist::data::{Dataset, load};
use querist::error::Exit;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)
}

fn labelled(label: &str) -> ReadOptions {
    let columns = ColumnOptions { label: Some(label.into()), ..ColumnOptions::default() };
    ReadOptions { columns, ..ReadOptions::default() }
}

fn plain(name: &str) -> Dataset {
    read(&fixture(name), &ReadOptions::default())
        .unwrap_or_else(|error| panic!("{name}: {error} {:?}", error.hint()))
}

/// How something was taken; nothing where it was not open.
fn choice(set: &Dataset, what: &str) -> String {
    let found = set.preparation().decisions.iter().find(|decision| decision.what == what);
    found.map(|decision| decision.choice.clone()).unwrap_or_default()
}

/// A file in a folder of its own.
fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

const VALUES: [f32; 24] = [
    0.25, 7.0, -1.5, 3.5, 2.0, 0.0, 0.0, 11.0, 8.125, 1.75, 2.0, -0.5, 9.5, 30.0, 2.25, 0.5, 4.0, 100.0, 2.0,
    19.0, -7.75, 6.25, 3.0, 0.375,
];

#[test]
fn every_format_holds_the_same() {
    let first = plain("comma.csv");
    assert_eq!(first.inputs().values(), VALUES);
    assert_eq!(first.class_names(), ["eggs", "ham", "spam"]);
    assert_eq!(first.labels(), [1, 2, 1, 0, 2, 2, 0, 1]);
    let names = [
        "mark.csv",
        "gzip.csv.gz",
        "zstandard.csv.zst",
        "tab.tsv",
        "semicolon.csv",
        "pipe.psv",
        "blanks.data",
        "trailing.csv",
        "quoted.txt",
        "plain.parquet",
        "snappy.parquet",
        "category.parquet",
        "file.arrow",
        "stream.arrows",
        "lz4.feather",
        "zstandard.feather",
        "lines.jsonl",
        "records.json",
        "columns.json",
        "lists.json",
        "dense.arff",
        "sparse.arff",
        "usual.npz",
        "texts.npz",
        "bytes.npz",
        "one_hot.npz",
        "zero.svmlight",
        "one.libsvm",
        "csc.npz",
        "coo.npz",
        "saved",
    ];
    for name in names {
        let set = plain(name);
        assert_eq!(set.inputs().values(), VALUES, "{name}");
        assert_eq!(set.content(), first.content(), "{name}: {:?}", set.class_names());
    }
    let headless = read(&fixture("headless.csv"), &labelled("-1")).unwrap();
    assert_eq!(headless.content(), first.content());
    assert_eq!(choice(&headless, "header"), "none");
    assert_eq!(plain("saved").class_names(), first.class_names(), "names stand beside the data");
    // The same in two parts.
    let parts = plain("parts.npz");
    assert_eq!(parts.split().unwrap(), [Train, Train, Train, Train, Train, Test, Test, Test]);
    assert_eq!(plain("saved_parts").content(), parts.content());
    assert_eq!(choice(&parts, "split"), "x_train trained on, x_test tested on");
    assert_eq!(choice(&plain("saved_parts"), "split"), "train trained on, test tested on");
}

/// Each is decided, and said, as the writer meant it.
#[test]
fn decisions_are_said() {
    for (name, what, expected) in [
        ("comma.csv", "separator", ","),
        ("semicolon.csv", "separator", ";"),
        ("semicolon.csv", "decimals", "\",\""),
        ("tab.tsv", "separator", "tab"),
        ("blanks.data", "separator", "blanks"),
        ("comma.csv", "header", "the first line"),
        ("trailing.csv", "column 5", "left out"),
        ("zero.svmlight", "base of the indices", "0"),
        ("one.libsvm", "base of the indices", "1"),
        ("one.libsvm", "qid", "left out"),
        ("texts.npz", "members", "inputs data, labels target"),
        ("one_hot.npz", "labels targets", "the place of the one in every row"),
        ("channels_last.npz", "channels", "last"),
        ("channels_first.npz", "channels", "first"),
        ("pictures", "pictures", "3x5x4"),
        ("medical.npz", "split", "train_images trained on, val_images trained on, test_images tested on"),
        ("hub", "split", "train trained on, test tested on"),
    ] {
        let set = plain(name);
        assert_eq!(choice(&set, what), expected, "{name}: {:?}", set.preparation().decisions);
    }
    assert!(plain("usual.npz").preparation().decisions.is_empty(), "nothing was open");
}

/// Pictures once became as many channels as they have rows.
#[test]
fn pictures_are_the_same_however_they_are_kept() {
    let first = plain("channels_first.npz");
    assert_eq!(first.shape().to_string(), "3x5x4");
    let last = plain("channels_last.npz");
    assert_eq!(last.digest(), first.digest());
    // By class: the rows come in another order.
    let folder = plain("pictures");
    assert_eq!(folder.class_names(), ["cat", "dog"]);
    assert_eq!(folder.labels(), [0, 0, 0, 1, 1, 1]);
    for (row, original) in [0, 2, 5, 1, 3, 4].into_iter().enumerate() {
        assert_eq!(folder.inputs().row(row), first.inputs().row(original));
    }
    let medical = plain("medical.npz");
    assert_eq!(medical.inputs().values(), first.inputs().values());
    assert_eq!(medical.split().unwrap(), [Train, Train, Train, Train, Test, Test]);
    let hub = plain("hub");
    assert_eq!((hub.content(), hub.class_names()), (medical.content(), folder.class_names()));
    let asked = ReadOptions { channels: Some(Channels::Last), ..ReadOptions::default() };
    assert_eq!(read(&fixture("channels_first.npz"), &asked).unwrap().shape().to_string(), "4x3x5");
}

/// Fault: `--label` was not heeded for archives.
#[test]
fn members_are_chosen_by_name() {
    let path = fixture("fine_and_coarse.npz");
    assert_eq!(read(&path, &ReadOptions::default()).unwrap().classes(), 3);
    let coarse = read(&path, &labelled("coarse")).unwrap();
    assert_eq!((coarse.classes(), coarse.labels()), (2, &[1, 1, 1, 0, 1, 1, 0, 1][..]));
    let error = read(&path, &labelled("nothing")).unwrap_err();
    assert_eq!(error.exit(), Exit::BadInput);
    assert!(error.to_string().contains("no member is called \"nothing\""), "{error}");
    assert_eq!(error.hint().unwrap(), "there are: X, y, coarse, names; `--label` names one");
    let inputs = Some("wrong".to_string());
    let error = read(&path, &ReadOptions { inputs, ..ReadOptions::default() }).unwrap_err();
    assert!(error.hint().unwrap().contains("`--inputs` names one"), "{error}");
}

/// Fault: a header of numbers alone was swallowed, and a row lost.
#[test]
fn a_table_without_a_header_keeps_its_first_row() {
    let rows: String =
        (0..120).map(|row| format!("{},{}.5,{}\n", row % 3, row % 7, (row + 3) % 11)).collect();
    let (_folder, path) = written("t.csv", rows.as_bytes());
    assert!(read(&path, &ReadOptions::default()).is_err(), "no column is called label");
    let first = read(&path, &labelled("0")).unwrap();
    assert_eq!((first.rows(), first.classes(), first.width()), (120, 3, 2));
    assert_eq!(choice(&first, "header"), "none");
    let last = read(&path, &labelled("-1")).unwrap();
    assert_eq!((last.rows(), last.classes()), (120, 11));
    // Asked for, the first line is a header all the same.
    let header = ReadOptions { header: Some(true), ..labelled("0") };
    assert_eq!(read(&path, &header).unwrap().rows(), 119);
    let table = read_table(&path, &ReadOptions::default()).unwrap();
    assert_eq!(
        (table.named, table.typed, table.columns.num_rows(), table.lines.of(0)),
        (false, false, 120, Some(1))
    );
}

#[test]
fn separators_can_be_asked_for() {
    let (_folder, path) = written("t.csv", b"label~x\na~1,5\nb~2,5\n");
    assert!(read(&path, &ReadOptions::default()).is_err());
    let asked =
        ReadOptions { separator: Some(Separator::Byte(b'~')), decimal: Some(','), ..ReadOptions::default() };
    assert_eq!(read(&path, &asked).unwrap().inputs().values(), [1.5, 2.5]);
    let refused = read(&fixture("usual.npz"), &asked).unwrap_err();
    assert!(
        refused.to_string().contains("`--separator` named, which this format does not have"),
        "{refused}"
    );
}

/// Options about texts change nothing of pictures, and are refused there.
#[test]
fn options_about_texts_are_refused_for_pictures() {
    let folder = tempfile::tempdir().unwrap();
    for (class, shade) in [("a", 40), ("b", 200)] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        let picture = image::GrayImage::from_pixel(4, 4, image::Luma([shade]));
        picture.save(folder.path().join(class).join("one.png")).unwrap();
    }
    assert_eq!(read(folder.path(), &ReadOptions::default()).unwrap().rows(), 2);
    let separator = ColumnOptions { label_separator: Some(";".into()), ..ColumnOptions::default() };
    for (options, what) in [
        (ReadOptions { hash: Some(64), ..ReadOptions::default() }, "`--hash`"),
        (ReadOptions { columns: separator, ..ReadOptions::default() }, "`--label-separator`"),
    ] {
        let refused = read(folder.path(), &options).unwrap_err().to_string();
        assert!(refused.contains(&format!("{what} named, which this format does not have")), "{refused}");
    }
}

/// Fault: the limit grew with the bytes of the file, so that ordinary bags of words were refused.
#[test]
fn bags_of_words_are_read_or_made_narrow() {
    let mut text = String::new();
    for row in 0..600usize {
        let mut terms: Vec<usize> = (0..15).map(|term| (row * 7_919 + term * 104_729) % 40_000 + 1).collect();
        terms.sort_unstable();
        terms.dedup();
        let terms: Vec<String> = terms.iter().map(|term| format!("{term}:1")).collect();
        text.push_str(&format!("{} {}\n", row % 2, terms.join(" ")));
    }
    let (_folder, path) = written("bag.libsvm", text.as_bytes());
    let set = read(&path, &ReadOptions::default()).unwrap();
    assert_eq!(set.rows(), 600);
    assert!(set.width() > 39_000, "{}", set.width());
    let hashed = read(&path, &ReadOptions { hash: Some(256), ..ReadOptions::default() }).unwrap();
    assert_eq!((hashed.width(), hashed.labels()), (256, set.labels()));
    let projected = read(&path, &ReadOptions { svd: Some(8), ..ReadOptions::default() }).unwrap();
    assert_eq!(projected.width(), 8);
    assert!(choice(&projected, "columns").ends_with("projected on 8 directions"));
    // Columns beyond what can be written out are no obstacle to either.
    let (_folder, wide) = written("wide.libsvm", b"0 1:1 4000000000:2\n1 7:1 3999999999:2\n");
    assert!(read(&wide, &ReadOptions::default()).is_err());
    let hashed = read(&wide, &ReadOptions { hash: Some(16), ..ReadOptions::default() }).unwrap();
    assert_eq!(hashed.width(), 16);
    let both = ReadOptions { hash: Some(16), svd: Some(2), ..ReadOptions::default() };
    assert!(
        read(&path, &both).unwrap_err().to_string().contains("hashing and a singular value decomposition")
    );
}

/// SciPy's sparse matrices have no labels of their own: they are a pool, or features beside a table.
#[test]
fn sparse_matrices_are_pools_and_features() {
    let (alone, beside) = (fixture("csr.npz"), fixture("comma.csv"));
    let pool = read_examples(&alone, &ReadOptions::default()).unwrap();
    assert_eq!((pool.inputs.values(), pool.labels), (&VALUES[..], None));
    let error = read(&alone, &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("inputs without labels"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--features")));
    let with = |features: &Path| ReadOptions { features: vec![features.into()], ..ReadOptions::default() };
    let set = read(&beside, &with(&alone)).unwrap();
    assert_eq!((set.content(), set.inputs().values()), (plain("comma.csv").content(), &VALUES[..]));
    assert!(choice(&set, "sparse matrix").starts_with("8 rows of 3 columns"));
    let narrow = read(&beside, &ReadOptions { svd: Some(2), ..with(&alone) }).unwrap();
    assert_eq!((narrow.width(), narrow.labels()), (2, set.labels()));
    assert_eq!(choice(&narrow, "columns"), "3 projected on 2 directions");
    assert_eq!(read(&beside, &ReadOptions { hash: Some(4), ..with(&alone) }).unwrap().width(), 4);
    // What is asked for is heeded or refused.
    let refused = |path: &Path, options: ReadOptions| read(path, &options).unwrap_err().to_string();
    let dense = fixture("usual.npz");
    for (path, options, expected) in [
        (&dense, ReadOptions { svd: Some(2), ..ReadOptions::default() }, "`--svd` named, which this format"),
        (&alone, ReadOptions { inputs: Some("data".into()), ..ReadOptions::default() }, "`--inputs` named"),
        (&beside, ReadOptions { svd: Some(2), ..ReadOptions::default() }, "`--svd` named, which this format"),
        (&beside, with(&dense), "an archive of arrays, of which none is known to be the features"),
    ] {
        let found = refused(path, options);
        assert!(found.contains(expected), "{found}");
    }
}

/// The column `label` was the labels even where it was to be left out, so that a pool that has one could not be labelled anew.
#[test]
fn a_column_of_labels_can_be_left_out() {
    for left_out in ["label", "lab*", "-1"] {
        let columns = ColumnOptions { ignore: vec![left_out.into()], ..ColumnOptions::default() };
        let options = ReadOptions { columns, ..ReadOptions::default() };
        let (_kept, path) = written("t.csv", b"x,z,label\n1,4,a\n2,3,b\n3,9,a\n");
        let pool = read_pool(&path, &options).unwrap().examples;
        assert_eq!((pool.inputs.cols(), pool.labels), (2, None), "{left_out}");
        let error = read(&path, &options).unwrap_err().to_string();
        assert!(error.contains("label"), "{error}");
    }
}

/// What a network made of pictures stands beside their folders, and beside archives that have labels. Only tables took it.
#[test]
fn separate_features_take_the_place_of_any_inputs() {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 2), }";
    let mut bytes =
        [b"\x93NUMPY\x01\x00", &118u16.to_le_bytes()[..], format!("{header:117}\n").as_bytes()].concat();
    let values: Vec<f32> = (0..12u8).map(f32::from).collect();
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    let (_kept, array) = written("made.npy", &bytes);
    let with = |features: &Path| ReadOptions { features: vec![features.into()], ..ReadOptions::default() };
    let set = read(&fixture("pictures"), &with(&array)).unwrap();
    assert_eq!((set.shape().to_string(), set.inputs().values()), ("2".to_string(), &values[..]));
    assert_eq!(
        (set.labels(), set.class_names()),
        (plain("pictures").labels(), plain("pictures").class_names())
    );
    let pool = read_pool(&fixture("pictures"), &with(&array)).unwrap().examples;
    assert_eq!((pool.inputs.values(), pool.inputs.cols()), (&values[..], 2));
    let archive = read(&fixture("usual.npz"), &with(&fixture("csr.npz"))).unwrap();
    assert_eq!((archive.inputs().values(), archive.labels()), (&VALUES[..], plain("usual.npz").labels()));
    let error = read(&fixture("usual.npz"), &with(&array)).unwrap_err().to_string();
    assert!(error.contains('6') && error.contains('8') && error.contains("usual.npz"), "{error}");
}

#[test]
fn formats_of_other_programs_are_named() {
    for (name, bytes, expected) in [
        ("a.pkl", &b"\x80\x04\x95\0\0"[..], "a pickle, which is not read"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("a.feather", b"FEA1\0\0\0\0", "a Feather file of version 1"),
        ("a.xyz", b"abc", "of no format that is known here"),
        (
            "split.json",
            br#"{"columns":["a","label"],"index":[0,1],"data":[[1.5,"u"],[2.5,"v"]]}"#,
            "a table that pandas has written with `orient=\"split\"`",
        ),
        (
            "table.json",
            br#"{"schema":{"fields":[{"name":"a"}]},"data":[{"a":1,"label":"u"},{"a":2,"label":"v"}]}"#,
            "a table that pandas has written with `orient=\"table\"`",
        ),
        ("a.csv", b"\xff\xfea\0,\0", "starts like UTF-16"),
    ] {
        let (_folder, path) = written(name, bytes);
        let error = read(&path, &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(error.hint().is_some(), "{name}");
        assert!(error.downcast_ref::<ReadError>().is_some());
    }
}

#[test]
fn pictures_of_two_sizes_are_refused_with_both() {
    let folder = tempfile::tempdir().unwrap();
    for (class, width) in [("a", 4), ("b", 5)] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        image::GrayImage::new(width, 3).save(folder.path().join(class).join("1.png")).unwrap();
    }
    let error = read(folder.path(), &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().ends_with("a picture of 5x3, but the first is of 4x3"), "{error}");
}

#[test]
fn names_of_every_format_are_found() {
    let data = fixture("");
    for name in [
        "comma",
        "zstandard",
        "blanks",
        "plain",
        "file",
        "lines",
        "dense",
        "usual",
        "zero",
        "saved",
        "pictures",
    ] {
        // The table of blanks is known by its path alone: `.data` is no ending of a data set's name.
        let found = load(name, Some(&data));
        assert_eq!(found.is_ok(), name != "blanks", "{name}");
    }
    assert_eq!(load("sklearn:iris", None).unwrap().rows(), 150);
    assert_eq!(load("load_wine", None).unwrap().rows(), 178);
}

/// Labels are not needed for a pool.
#[test]
fn pools_without_labels_are_tables() {
    let (_folder, path) = written("pool.csv", b"a,b\n1,x\n2,\n");
    let table = read_table(&path, &ReadOptions::default()).unwrap();
    let columns = &table.columns;
    assert_eq!((columns.num_columns(), columns.num_rows(), table.lines.of(0)), (2, 2, Some(2)));
    assert_eq!(columns.column(1).null_count(), 1, "an empty field is none");
    let table = read_table(&fixture("usual.npz"), &ReadOptions::default()).unwrap();
    let names: Vec<String> =
        table.columns.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["0", "1", "2", "label"]);
}

/// JSON as Python writes it was once refused without a hint, and two objects on a line read as columns.
#[test]
fn json_that_is_none_is_explained() {
    for (text, hint) in [
        ("{\"x\": NaN, \"label\": \"a\"}\n{\"x\": 1, \"label\": \"b\"}\n", "JSON has no NaN"),
        ("{\"x\": 1, \"label\": \"a\"}\n{\"x\": -Infinity, \"label\": \"b\"}\n", "JSON has no NaN"),
        ("[{\"x\": NaN, \"label\": \"a\"}]", "JSON has no NaN"),
        ("{\"x\": 1, \"label\": \"a\"} {\"x\": 2, \"label\": \"b\"}\n", "one object on a line"),
    ] {
        let (_folder, path) = written("t.jsonl", text.as_bytes());
        let error = read(&path, &ReadOptions::default()).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        assert!(error.hint().is_some_and(|found| found.contains(hint)), "{text}: {error} {:?}", error.hint());
    }
}

/// A doubt about the first line reaches whoever uses the data set.
#[test]
fn doubts_about_the_first_line_are_warnings() {
    let rows: String = (0..60).map(|row| format!("{},{}.5,{}\n", row % 7, row, row % 3)).collect();
    let (_folder, path) = written("t.csv", format!("2001,2002,2003\n{rows}").as_bytes());
    let set = read(&path, &labelled("-1")).unwrap();
    let warnings = &set.preparation().warnings;
    assert!(warnings.iter().any(|text| text.contains("`--header true`")), "{warnings:?}");
    let asked = ReadOptions { header: Some(true), ..labelled("-1") };
    let set = read(&path, &asked).unwrap();
    assert!(!set.preparation().warnings.iter().any(|text| text.contains("--header")));
}

/// A folder that is no data set was once an unknown name.
#[test]
fn what_stands_under_a_name_is_said() {
    let error = load("benches", None).unwrap_err();
    assert!(error.to_string().contains("benches: a folder that holds no data set"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let error = read(folder.path(), &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("a folder that holds no data set"), "{error}");
}
