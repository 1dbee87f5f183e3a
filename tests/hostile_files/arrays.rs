//! Arrays and images: faults 17 to 23 and 25.

use super::make::{TABLE, floats, gzip, idx, npy, npy_header};
use super::{Folder, bounded, refusal};
use querist::data::readers::ReadOptions;

/// Arrays as separate features of a table of three rows.
#[test]
fn arrays_17_to_25() {
    let folder = Folder::new();
    let table = folder.file("t.csv", TABLE.as_bytes());
    let six = floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let spoilt = floats(&[0.0, 1.0, 2.0, f32::NAN, 4.0, 5.0]);
    let mut long_header = npy_header("{'descr': '<f4', ");
    long_header[8..10].copy_from_slice(&60_000u16.to_le_bytes());
    let mut version_2 = b"\x93NUMPY\x02\x00".to_vec();
    version_2.extend(u32::MAX.to_le_bytes());
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "17 10^12 elements",
            npy("<f4", false, "(1000000, 1000000)", &six),
            "announces 4000000000000 bytes of elements, 24 there",
        ),
        (
            "18 overflow",
            npy("<f8", false, "(4294967296, 4294967296, 2)", &six),
            "has more elements than can be counted",
        ),
        (
            "18 overflow in one length",
            npy("<f4", false, "(99999999999999999999, 1)", &six),
            "is not made of lengths",
        ),
        ("19 no rows", npy("<f4", false, "(0, 2)", &[]), "no rows"),
        ("19 no columns", npy("<f4", false, "(3, 0)", &[]), "no feature columns"),
        ("19 zero hides overflow", npy("<f4", false, "(0, 4294967296, 4294967296)", &[]), "no rows"),
        ("19 negative", npy("<f4", false, "(-3, 2)", &six), "the shape (-3, 2) is not made of lengths"),
        ("20 header over the file", long_header, "a header of 60000 bytes is announced, 17 there"),
        ("20 header of 4 GiB", version_2, "a header of 4294967295 bytes, but at most 65536 are read"),
        ("21 object", npy("|O", false, "(3, 2)", b"\x80\x04."), "elements of type |O"),
        (
            "21 record",
            npy_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }"),
            "elements of type a record",
        ),
        ("21 text", npy("<U3", false, "(3, 2)", &[0; 72]), "elements of type <U3"),
        ("21 complex", npy("<c8", false, "(3, 2)", &[0; 48]), "elements of type <c8"),
        ("23 cut", npy("<f4", false, "(3, 2)", &six[..23]), "announces 24 bytes of elements, 23 there"),
        (
            "23 trailing",
            npy("<f4", false, "(3, 2)", &[&six[..], b"x"].concat()),
            "25 bytes, but its header announces 24",
        ),
        ("23 magic only", b"\x93NUMPY".to_vec(), "6 bytes are less than the header"),
        ("23 empty", Vec::new(), "the file is empty"),
        ("25 other length", npy("<f4", false, "(2, 3)", &six), "2 rows, but t.csv has 3"),
        ("one dimension", npy("<f4", false, "(6,)", &six), "features need two dimensions"),
        ("version 9", b"\x93NUMPY\x09\x00\0\0\0\0".to_vec(), "version 9, but 1 to 3 are read"),
        ("no array", b"split,label\n".to_vec(), "does not start like a NumPy array"),
        ("09 NaN", npy("<f4", false, "(3, 2)", &spoilt), "row 1, column 1: NaN is not a finite number"),
        (
            "09 NaN, Fortran order",
            npy("<f4", true, "(3, 2)", &spoilt),
            "row 0, column 1: NaN is not a finite number",
        ),
        (
            "09 beyond f32",
            npy("<f8", false, "(3, 1)", &1e300f64.to_le_bytes().repeat(3)),
            "is beyond what `f32` can hold",
        ),
    ];
    for (case, bytes, expected) in cases {
        let features = vec![folder.file("x.npy", &bytes)];
        let found = refusal(&table, &ReadOptions { features, ..ReadOptions::default() });
        assert!(found.contains(expected), "{case}: {found}");
    }
}

/// Fault 22: Fortran order and big-endian numbers are read, and so is every plain element type.
#[test]
fn fault_22_orders_and_types() {
    let folder = Folder::new();
    let table = folder.file("t.csv", TABLE.as_bytes());
    let arrays = [
        npy("<f4", false, "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])),
        npy("<f4", true, "(3, 2)", &floats(&[0.0, 2.0, 4.0, 1.0, 3.0, 5.0])),
        npy(">f4", false, "(3, 2)", &[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0].map(f32::to_be_bytes).concat()),
        npy("<f8", false, "(3, 2)", &[0.0f64, 1.0, 2.0, 3.0, 4.0, 5.0].map(f64::to_le_bytes).concat()),
        npy("<f2", false, "(3, 2)", &[0, 0, 0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44, 0, 0x45]),
        npy("|u1", false, "(3, 2)", &[0, 1, 2, 3, 4, 5]),
        npy(">i2", true, "(3, 2)", &[0i16, 2, 4, 1, 3, 5].map(i16::to_be_bytes).concat()),
        npy("<i8", false, "(3, 1, 2)", &[0i64, 1, 2, 3, 4, 5].map(i64::to_le_bytes).concat()),
    ];
    for bytes in arrays {
        let features = vec![folder.file("x.npy", &bytes)];
        let set = bounded(&table, &ReadOptions { features, ..ReadOptions::default() }).unwrap();
        assert_eq!(set.inputs().values(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(set.labels(), [0, 1, 0]);
    }
}

#[test]
fn images() {
    let folder = Folder::new();
    let labels = |bytes: &[u8]| folder.file("t-labels-idx1-ubyte", bytes);
    let read_images = |name: &str, bytes: &[u8]| folder.file(name, bytes);
    let pixels: Vec<u8> = (0..8).collect();
    let sound = idx(8, &[2, 2, 2], &pixels);
    labels(&idx(8, &[2], &[3, 7]));
    for (name, bytes) in [("t-images-idx3-ubyte", sound.clone()), ("t-images-idx3-ubyte.gz", gzip(&sound))] {
        let set = bounded(&read_images(name, &bytes), &ReadOptions::default()).unwrap();
        assert_eq!(set.shape().to_string(), "1x2x2");
        assert_eq!((set.labels(), set.class_names().join(" ")), (&[0, 1][..], "3 7".to_string()));
        assert_eq!(set.inputs().row(1), [4.0, 5.0, 6.0, 7.0]);
    }
    for (case, bytes, expected) in [
        (
            "17",
            idx(8, &[1_000_000, 1_000, 1_000], &pixels),
            "announces 1000000000000 bytes of elements, 8 there",
        ),
        ("18", idx(8, &[u32::MAX, u32::MAX, u32::MAX], &pixels), "has more elements than can be counted"),
        ("19", idx(8, &[0, 2, 2], &[]), "no rows"),
        ("20", idx(8, &[2, 2, 2], &[])[..14].to_vec(), "announces more dimensions"),
        ("21", idx(7, &[2, 2, 2], &pixels), "element type 0x07 is unknown"),
        ("23 cut", idx(8, &[2, 2, 2], &pixels[..7]), "announces 8 bytes of elements, 7 there"),
        ("23 trailing", idx(8, &[2, 2, 2], &[0; 9]), "9 bytes, but its header announces 8"),
        ("23 too short", vec![0, 0, 8], "an IDX header has at least 8 bytes"),
        ("25", idx(8, &[3, 2, 2], &[0; 12]), "2 rows, but t-images-idx3-ubyte has 3"),
        ("many dimensions", idx(8, &[1; 9], &[0]), "9 dimensions, but 1 to 4 are read"),
        ("labels as images", idx(8, &[2], &[0, 1]), "these are labels, not images"),
        (
            "09",
            idx(13, &[2, 1], &[0x7f, 0xc0, 0, 0, 0, 0, 0, 0]),
            "row 0, column 0: NaN is not a finite number",
        ),
    ] {
        let found = refusal(&read_images("t-images-idx3-ubyte", &bytes), &ReadOptions::default());
        assert!(found.contains(expected), "{case}: {found}");
    }
    let announced = gzip(&idx(8, &[1_000_000, 1_000, 1_000], &pixels));
    let found = refusal(&read_images("t-images-idx3-ubyte.gz", &announced), &ReadOptions::default());
    assert!(found.contains("values (rows times columns), but at most"), "{found}");
    let bomb = gzip(&idx(8, &[100_000, 28, 28], &vec![0; 78_400_000]));
    let found = refusal(&read_images("t-images-idx3-ubyte.gz", &bomb), &ReadOptions::default());
    assert!(found.contains("more than 200 times as many"), "{found}");
    let found = refusal(&read_images("alone-images-idx3-ubyte", &sound), &ReadOptions::default());
    assert!(found.contains("no file of labels beside it"), "{found}");
}
