//! Archives of arrays: faults 24 and 25.

use super::make::{Member, floats, member, npy, sound_archive, zip};
use super::{Folder, bounded, refusal};
use querist::data::SplitTag::{Test, Train};
use querist::data::readers::ReadOptions;

#[test]
fn archives_are_read() {
    let folder = Folder::new();
    for deflate in [false, true] {
        let set = bounded(&folder.file("a.npz", &sound_archive(deflate)), &ReadOptions::default()).unwrap();
        assert_eq!(set.inputs().values(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!((set.labels(), set.classes()), (&[0, 1, 0][..], 2));
        assert_eq!(set.split().map(<[_]>::len), Some(3));
    }
}

/// Archives were once read whole before anything was checked: a hole of 40 GB filled the memory.
#[cfg(unix)]
#[test]
fn sparse_archives_are_streamed() {
    use std::os::unix::fs::FileExt;
    const HOLE: u64 = 40 << 30;
    let folder = Folder::new();
    // The directory stands behind the hole: members are where it says.
    let sound = sound_archive(false);
    let at = sound.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let end = sound.len() - 22;
    let path = folder.file("a.npz", &sound[..at]);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&sound[at..end], HOLE).unwrap();
    // A 64-bit end record, since the directory begins beyond 4 GB, and its locator.
    let count = u64::from(u16::from_le_bytes([sound[end + 10], sound[end + 11]]));
    let mut tail = b"PK\x06\x06".to_vec();
    tail.extend(44u64.to_le_bytes());
    tail.extend([0; 12]);
    for number in [count, count, (end - at) as u64, HOLE] {
        tail.extend(number.to_le_bytes());
    }
    let large_at = HOLE + (end - at) as u64;
    tail.extend(b"PK\x06\x07\0\0\0\0");
    tail.extend(large_at.to_le_bytes());
    tail.extend([1, 0, 0, 0]);
    let mut last = sound[end..].to_vec();
    last[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    tail.extend(last);
    file.write_all_at(&tail, large_at).unwrap();
    let set = bounded(&path, &ReadOptions::default()).unwrap();
    assert_eq!(set.inputs().values(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(super::PEAK.get() < super::MEMORY, "{} bytes", super::PEAK.get());
    // Nothing but a hole.
    let path = folder.file("b.npz", b"PK\x03\x04");
    std::fs::File::options().write(true).open(&path).unwrap().set_len(HOLE).unwrap();
    assert!(refusal(&path, &ReadOptions::default()).contains("no whole archive directory"));
}

/// What NumPy writes, with its 64-bit local headers (`tests/golden/arrays.py`).
#[test]
fn archives_of_numpy_are_read() {
    let folder = Folder::new();
    let expected: Vec<f32> = (0..12).map(|eighths| eighths as f32 / 8.0).collect();
    for bytes in [&include_bytes!("../golden/stored.npz")[..], include_bytes!("../golden/deflated.npz")] {
        let set = bounded(&folder.file("a.npz", bytes), &ReadOptions::default()).unwrap();
        assert_eq!((set.inputs().values(), set.labels()), (&expected[..], &[1, 0, 1, 2][..]));
        assert_eq!(set.split(), Some(&[Train, Train, Test, Train][..]));
    }
}

#[test]
fn archives_24_and_25() {
    let folder = Folder::new();
    let x = || npy("<f4", false, "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    let y = |rows: usize| npy("|u1", false, &format!("({rows},)"), &vec![0; rows]);
    let both = |x: Member, y: Member| zip(&[x, y]);
    let bomb = npy("<f4", false, "(4194304, 8)", &vec![0; 128 << 20]);
    let mut damaged = sound_archive(false);
    let at = damaged.windows(4).position(|window| window == 5.0f32.to_le_bytes()).unwrap();
    damaged[at + 2] ^= 1;
    let mut many = Vec::new();
    many.extend(zip(&[member("X.npy", x())]));
    let end = many.len() - 22;
    many[end + 10..end + 12].copy_from_slice(&5_000u16.to_le_bytes());
    let mut encrypted = zip(&[member("X.npy", x()), member("y.npy", y(3))]);
    let directory = encrypted.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    encrypted[directory + 8] |= 1;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "24 bomb",
            both(Member { deflate: true, ..member("X.npy", bomb) }, member("y.npy", y(3))),
            "more than 200 times",
        ),
        (
            "24 announces too little",
            both(
                Member { deflate: true, announced: Some(80), ..member("X.npy", x()) },
                member("y.npy", y(3)),
            ),
            "member X: ends too early: shape [3, 2] announces 24 bytes",
        ),
        (
            "24 announces too much",
            both(Member { announced: Some(1 << 20), ..member("X.npy", x()) }, member("y.npy", y(3))),
            "but its header announces 1048576",
        ),
        (
            "24 parent folder",
            zip(&[member("../X.npy", x())]),
            "member \"../X.npy\" points out of the archive",
        ),
        ("24 absolute path", zip(&[member("/X.npy", x())]), "points out of the archive"),
        (
            "24 two of a name",
            zip(&[member("X.npy", x()), member("X.npy", x())]),
            "two members are called \"X.npy\"",
        ),
        ("24 encrypted", encrypted, "or encrypted"),
        ("24 many members", many, "5000 members, but at most 1024 are read"),
        ("24 damaged", damaged, "member X: the compressed data is damaged: checksum"),
        (
            "25 other length",
            both(member("X.npy", x()), member("y.npy", y(2))),
            "member y: 2 rows, but X has 3",
        ),
        (
            "no labels",
            zip(&[member("X.npy", x())]),
            "no member is called \"y\" | there are: X; `--label` names one",
        ),
        (
            "two that may be features",
            zip(&[member("a.npy", x()), member("b.npy", x()), member("y.npy", y(3))]),
            "no member is called \"x\" | there are: a, b, y; inputs are called x, data, features, ",
        ),
        (
            "parts of different shapes",
            zip(&[
                member("x_train.npy", x()),
                member("y_train.npy", y(3)),
                member("x_test.npy", npy("<f4", false, "(1, 3)", &floats(&[0.0, 1.0, 2.0]))),
                member("y_test.npy", y(1)),
            ]),
            "member x_test: one row has the shape [3], in the first part [2]",
        ),
        (
            "a long text",
            both(member("X.npy", x()), member("y.npy", npy("|S99999", false, "(3,)", &vec![b'a'; 299_997]))),
            "texts of 99999 bytes, but at most 65536 are read",
        ),
        ("no directory", b"PK\x03\x04".to_vec(), "no whole archive directory"),
        (
            "labels of two dimensions",
            both(member("X.npy", x()), member("y.npy", x())),
            "2 labels a row (shape [3, 2]), but one is needed",
        ),
        (
            "labels that are no whole numbers",
            both(member("X.npy", x()), member("y.npy", npy("<f4", false, "(3,)", &floats(&[0.0, 1.5, 0.0])))),
            "member y: row 1, column 0: 1.5 is not a whole number",
        ),
        (
            "split that is none",
            zip(&[
                member("X.npy", x()),
                member("y.npy", y(3)),
                member("split.npy", npy("|u1", false, "(3,)", &[0, 1, 2])),
            ]),
            "row 2, column 0: 2 is no split",
        ),
    ];
    for (case, bytes, expected) in cases {
        let found = refusal(&folder.file("a.npz", &bytes), &ReadOptions::default());
        assert!(found.contains(expected), "{case}: {found}");
    }
}

/// Labels of parts were once refused under a name that nobody had asked for.
#[test]
fn labels_of_parts_are_asked_for_by_their_names() {
    let folder = Folder::new();
    let whole = |numbers: &[i64]| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        npy("<i8", false, &format!("({},)", numbers.len()), &bytes)
    };
    let x = || npy("<f4", false, "(2, 2)", &floats(&[0.0, 1.0, 2.0, 3.0]));
    let bytes = zip(&[
        member("x_train.npy", x()),
        member("x_test.npy", x()),
        member("y_train.npy", whole(&[0, 1])),
        member("y_test.npy", whole(&[1, 0])),
        member("coarse_train.npy", whole(&[5, 7])),
        member("coarse_test.npy", whole(&[7, 5])),
    ]);
    let path = folder.file("parts.npz", &bytes);
    let asked = |label: &str| {
        let mut options = ReadOptions::default();
        options.columns.label = Some(label.into());
        options
    };
    for label in ["coarse", "coarse_train", "coarse_test"] {
        let set = bounded(&path, &asked(label)).unwrap();
        assert_eq!(
            (set.labels(), set.class_names().join(" ")),
            (&[0, 1, 1, 0][..], "5 7".to_string()),
            "{label}"
        );
        assert_eq!(set.split().unwrap(), [Train, Train, Test, Test]);
    }
    let found = refusal(&path, &asked("nothing"));
    assert!(found.contains("no member is called \"nothing\" | there are: x_train, "), "{found}");
}

#[test]
fn what_arrays_cannot_hold_is_explained() {
    let folder = Folder::new();
    let x = |first: f32| npy("<f4", false, "(2, 1)", &floats(&[first, 1.0]));
    let y = |values: [f32; 2]| npy("<f4", false, "(2,)", &floats(&values));
    let refused = |members: &[Member]| refusal(&folder.file("a.npz", &zip(members)), &ReadOptions::default());
    let found = refused(&[member("X.npy", x(f32::NAN)), member("y.npy", y([0.0, 1.0]))]);
    assert!(found.contains("NaN is not a finite number | arrays have no missing values here"), "{found}");
    let found = refused(&[member("X.npy", x(0.0)), member("y.npy", y([0.5, 1.0]))]);
    assert!(found.contains("numbers are predicted from tables alone"), "{found}");
    let path = folder.file(
        "b.npz",
        &zip(&[member("X.npy", x(0.0)), member("Y.npy", y([5.0, 6.0])), member("y.npy", y([0.0, 1.0]))]),
    );
    let set = bounded(&path, &ReadOptions::default()).unwrap();
    let said = &set.preparation().decisions;
    assert!(said.iter().any(|one| one.what == "other labels" && one.choice == "Y left out"), "{said:?}");
}

/// Whole numbers of four bytes.
fn wholes(numbers: &[u32]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    npy("<u4", false, &format!("({},)", numbers.len()), &data)
}

/// A sparse matrix of SciPy's members, for a shape and places of entries that may not fit it.
fn sparse(format: &str, shape: [u32; 2], places: [(&'static str, &[u32]); 2], values: &[f32]) -> Vec<u8> {
    let format = npy(&format!("|S{}", format.len()), false, "()", format.as_bytes());
    let data = npy("<f4", false, &format!("({},)", values.len()), &floats(values));
    let [a, b] = places.map(|(name, numbers)| member(name, wholes(numbers)));
    zip(&[a, b, member("format.npy", format), member("shape.npy", wholes(&shape)), member("data.npy", data)])
}

#[test]
fn sparse_matrices_are_weighed() {
    const FAR: u32 = u32::MAX;
    let folder = Folder::new();
    let narrow = ReadOptions { hash: Some(1), ..ReadOptions::default() };
    type Coordinates<'a> = [(&'static str, &'a [u32]); 2];
    fn csr<'a>(indptr: &'a [u32], indices: &'a [u32]) -> Coordinates<'a> {
        [("indptr.npy", indptr), ("indices.npy", indices)]
    }
    fn coo<'a>(rows: &'a [u32], columns: &'a [u32]) -> Coordinates<'a> {
        [("row.npy", rows), ("col.npy", columns)]
    }
    let cases: [(Vec<u8>, &str, &str); 11] = [
        (
            sparse("csr", [2, 3], csr(&[0, 1, 2], &[0, 3]), &[1.0, 2.0]),
            "member indices",
            ": 3 is beyond the shape",
        ),
        (
            sparse("csr", [2, 3], csr(&[0, 1], &[0]), &[1.0]),
            "indptr has 2 numbers; 3 that ascend from 0 to 1",
            "",
        ),
        (sparse("csr", [2, 3], csr(&[0, 2, 1], &[0]), &[1.0]), "indptr has 3 numbers; 3 that ascend", ""),
        (sparse("csr", [2, 3], csr(&[0, 1, 9], &[0, 1]), &[1.0, 2.0]), "that ascend from 0 to 2", ""),
        (
            sparse("csr", [2, 3], csr(&[0, 1, 2], &[0, 1]), &[1.0]),
            "places of 2 rows and 2 columns, but 1 values",
            "",
        ),
        (sparse("csr", [FAR, 3], csr(&[0, 1], &[0]), &[1.0]), "4294967296 that ascend", ""),
        (
            sparse("csc", [FAR, 1], csr(&[0, 1], &[7]), &[1.0]),
            "are 17179869180 bytes once zeros are written out",
            "",
        ),
        (sparse("coo", [FAR, FAR], coo(&[0], &[7]), &[1.0]), "bytes once zeros are written out", "--svd"),
        (sparse("coo", [0, 3], coo(&[], &[]), &[]), "no rows", ""),
        (sparse("bsr", [2, 3], csr(&[0, 1, 2], &[0, 1]), &[1.0, 2.0]), "of the format \"bsr\"", "tocsr()"),
        (
            sparse("csr", [2, 3], csr(&[0, 1, 2], &[0, 1]), &[1.0, f32::NAN]),
            "member data",
            "not a finite number",
        ),
    ];
    for (bytes, expected, also) in cases {
        let found = refusal(&folder.file("s.npz", &bytes), &ReadOptions::default());
        assert!(found.contains(expected) && found.contains(also), "{expected}: {found}");
    }
    let rows = sparse("coo", [FAR, 9], coo(&[0], &[7]), &[1.0]);
    let found = refusal(&folder.file("s.npz", &rows), &narrow);
    assert!(found.contains("a shape of 4294967295 rows, but only 1 values are stored"), "{found}");
}
