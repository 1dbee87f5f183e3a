//! Files that are broken or mean harm: each must be refused with a typed error that says where, within
//! two seconds and within 64 MiB plus twice the file's size, and never with a panic.
//!
//! Cases are numbered as in the project's list of faults: 1 to 16 tables, 17 to 25 arrays.

use flate2::{Compression, write::DeflateEncoder, write::GzEncoder};
use querist::data::readers::{ReadError, ReadOptions, read};
use querist::data::{DataError, Dataset, SplitPlan, Task, describe};
use querist::error::Exit;
use querist::{Error, Key};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(2);
const MEMORY: usize = 64 << 20;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// Counts what this thread holds. The readers use no other thread.
struct Counting;

fn count(more: usize, less: usize) {
    let _ = NOW.try_with(|now| {
        now.set((now.get() + more).saturating_sub(less));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now.get())));
    });
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A folder of hostile files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }
}

/// Reads within the bounds, or says which was broken.
fn bounded(path: &Path, options: &ReadOptions) -> Result<Dataset, Error> {
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len()) as usize;
    let before = NOW.get();
    PEAK.set(before);
    let start = Instant::now();
    let result = read(path, options);
    let (time, memory) = (start.elapsed(), PEAK.get() - before);
    assert!(time < TIME, "{}: took {time:?}", path.display());
    assert!(memory <= MEMORY + 2 * size, "{}: {memory} bytes for {size}", path.display());
    result
}

/// The refusal of a file, with the file's folder cut off, and its hint after ` | `.
fn refusal(path: &Path, options: &ReadOptions) -> String {
    let error = match bounded(path, options) {
        Ok(set) => panic!("{}: accepted with {} rows", path.display(), set.rows()),
        Err(error) => error,
    };
    assert_eq!(error.exit(), Exit::BadInput);
    let typed = error.downcast_ref::<ReadError>().is_some() || error.downcast_ref::<DataError>().is_some();
    assert!(typed, "{error:?}");
    let folder = path.parent().expect("in a folder").display().to_string() + "/";
    format!("{error} | {}", error.hint().unwrap_or_default()).replace(&folder, "")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn npy_header(text: &str) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut bytes =
        npy_header(&format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n"));
    bytes.extend(data);
    bytes
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// One member of an archive as a hostile writer might make it.
struct Member {
    name: &'static str,
    data: Vec<u8>,
    deflate: bool,
    /// The size that the directory announces instead of the true one.
    announced: Option<u32>,
}

fn member(name: &'static str, data: Vec<u8>) -> Member {
    Member { name, data, deflate: false, announced: None }
}

fn zip(members: &[Member]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let at = bytes.len() as u32;
        let stored = if member.deflate {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&member.data).expect("in memory");
            encoder.finish().expect("in memory")
        } else {
            member.data.clone()
        };
        let mut common = Vec::new();
        for field in [20u16, 0, if member.deflate { 8 } else { 0 }, 0, 0] {
            common.extend(field.to_le_bytes());
        }
        let announced = member.announced.unwrap_or(member.data.len() as u32);
        for field in [crc32fast::hash(&member.data), stored.len() as u32, announced] {
            common.extend(field.to_le_bytes());
        }
        common.extend((member.name.len() as u16).to_le_bytes());
        common.extend(0u16.to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(member.name.as_bytes());
        bytes.extend(stored);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0u8; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(0u16.to_le_bytes());
    bytes
}

/// `X` of shape (3, 2) and `y`, stored or deflated.
fn sound_archive(deflate: bool) -> Vec<u8> {
    let x = npy("<f4", false, "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    let y = npy("<i8", false, "(3,)", &[[0u8; 8], [1, 0, 0, 0, 0, 0, 0, 0], [0; 8]].concat());
    let split = npy("|u1", false, "(3,)", &[0, 0, 1]);
    let pack = |name, data| Member { deflate, ..member(name, data) };
    zip(&[pack("X.npy", x), pack("y.npy", y), pack("split.npy", split)])
}

fn idx(kind: u8, lengths: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, lengths.len() as u8];
    bytes.extend(lengths.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// A table of three rows, also read by faults that only show in a sound file.
const TABLE: &str = "split,label,x0,x1\ntrain,a,1,2\ntrain,b,3,4\ntest,a,5,6\n";

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
        ("04 UTF-16 without a mark", b"l\0a\0b\0e\0l\0\n\0", "line 1: a NUL byte"),
        ("05 short row", b"label,x,y\na,1,2\nb,1\n", "line 3: 2 fields, but the header has 3"),
        ("05 long row", b"label,x\na,1,2\n", "line 2: 3 fields, but the header has 2"),
        ("06 unclosed quote", b"label,x\na,1\n\"b,2\na,3\n", "line 3: a quote is opened and never closed"),
        ("07 twice the same header", b"x,label,x\n1,a,2\n", "columns 1 and 3 are both called \"x\""),
        (
            "08 label column missing",
            b"lable,x\na,1\n",
            "no column is called \"label\" | did you mean \"lable\"?",
        ),
        ("08 nothing like it", b"y,x\na,1\n", "no column is called \"label\" | there are: y, x"),
        (
            "08 semicolons",
            b"label;x\na;1\n",
            "| there is only one column: fields must be separated by commas",
        ),
        ("09 NaN", b"label,x\na,1\nb,NaN\n", "line 3, column x: \"NaN\" is not a finite number"),
        ("09 infinite", b"label,x\na,inf\n", "line 2, column x: \"inf\" is not a finite number"),
        ("09 minus infinity", b"label,x\na,-Infinity\n", "\"-Infinity\" is not a finite number"),
        ("09 1e999", b"label,x\na,1e999\n", "\"1e999\" is not a finite number that `f32` can hold"),
        ("09 1e39", b"label,x\na,-1e39\n", "\"-1e39\" is not a finite number that `f32` can hold"),
        (
            "09 missing",
            b"label,x\na,\n",
            "line 2, column x: \"\" is not a finite number | fill in or leave out missing",
        ),
        (
            "09 text",
            b"label,x\na,red\n",
            "\"red\" is not a finite number | a column that is no feature can be left out",
        ),
        (
            "10 empty label",
            b"label,x\na,1\n,2\n",
            "line 3, column label: the label is \"\" | leave out the rows",
        ),
        ("10 NaN label", b"label,x\nnan,1\n", "line 2, column label: the label is \"nan\""),
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
            "line 3, column split: \"valid\", but a split is",
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
    let options = ReadOptions {
        label: "kind".into(),
        split: Some("fold".into()),
        ignore: vec!["id".into(), "text".into()],
        ..ReadOptions::default()
    };
    let set = bounded(&path, &options).unwrap();
    assert_eq!((set.inputs().values(), set.class_names().join(" ")), (&[1.0, 2.0][..], "u v".to_string()));
    assert!(set.split().is_some());
    let unknown = ReadOptions { ignore: vec!["txt".into()], ..options.clone() };
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
    let zeros = [TABLE.as_bytes(), &b"train,a,0,0\n".repeat(20 << 20)].concat();
    let garbage = [&packed[..], b"garbage, garbage, garbage"].concat();
    for (case, bytes, expected) in [
        ("cut", packed[..packed.len() - 4].to_vec(), "ends too early"),
        ("only the magic", packed[..2].to_vec(), "ends too early"),
        ("checksum", flipped, "the compressed data is damaged"),
        ("trailing bytes", garbage, "the compressed data is damaged"),
        ("24 bomb", gzip(&zeros), "more than 200 times as many | if the file is sound, decompress it first"),
    ] {
        let found = refusal(&folder.file("t.csv.gz", &bytes), &ReadOptions::default());
        assert!(found.contains(expected), "{case}: {found}");
    }
}

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
        let features = Some(folder.file("x.npy", &bytes));
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
        let features = Some(folder.file("x.npy", &bytes));
        let set = bounded(&table, &ReadOptions { features, ..ReadOptions::default() }).unwrap();
        assert_eq!(set.inputs().values(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(set.labels(), [0, 1, 0]);
    }
}

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

/// What NumPy writes, with its 64-bit local headers (`tests/golden/arrays.py`).
#[test]
fn archives_of_numpy_are_read() {
    let folder = Folder::new();
    let expected: Vec<f32> = (0..12).map(|eighths| eighths as f32 / 8.0).collect();
    for bytes in [&include_bytes!("golden/stored.npz")[..], include_bytes!("golden/deflated.npz")] {
        let set = bounded(&folder.file("a.npz", bytes), &ReadOptions::default()).unwrap();
        assert_eq!((set.inputs().values(), set.labels()), (&expected[..], &[1, 0, 1, 2][..]));
        use querist::data::SplitTag::{Test, Train};
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
        ("no labels", zip(&[member("X.npy", x())]), "no member is called \"y\" | there are: X.npy"),
        ("no features", zip(&[member("x.npy", x()), member("y.npy", y(3))]), "no member is called \"X\""),
        ("no directory", b"PK\x03\x04".to_vec(), "no whole archive directory"),
        (
            "labels of two dimensions",
            both(member("X.npy", x()), member("y.npy", x())),
            "labels and splits have one dimension",
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
        ("blank", b"\n\n".to_vec(), "a header, but no rows"),
        ("no entries", b"1\n0\n".to_vec(), "no feature columns"),
        ("zero index", b"1 0:1\n".to_vec(), "line 1: index 0 after 0; indices ascend from 1"),
        ("descending", b"1 2:1\n1 3:1 2:1\n".to_vec(), "line 2: index 2 after 3"),
        ("twice", b"1 2:1 2:1\n".to_vec(), "index 2 after 2"),
        (
            "huge index",
            b"1 99999999:1\n".to_vec(),
            "index 99999999 after 0; indices ascend from 1 to at most 1048576",
        ),
        ("no index", b"1 x:1\n".to_vec(), "\"x\" is not an index"),
        ("no colon", b"1 5\n".to_vec(), "\"5\" is not index:value"),
        ("query", b"1 qid:3 1:1\n".to_vec(), "\"qid\" is not an index"),
        ("09 NaN", b"1 1:nan\n".to_vec(), "line 1, column 1: \"nan\" is not a finite number"),
        ("10 no label", b"1:1 2:1\n".to_vec(), "\"1:1\" is not one label"),
        ("several labels", b"1,2 1:1\n".to_vec(), "\"1,2\" is not one label"),
        ("16 NUL", b"1 1:1\0\n".to_vec(), "line 1: a NUL byte"),
        ("15 long line", vec![b'1'; 17 << 20], "line 1: a record of more than 16777216 bytes"),
        ("17 dense size", far, "values (rows times columns), but at most"),
        (
            "17 dense size below the limit",
            [b"1 1:1\n".repeat(1_000), b"1 1048576:1\n".to_vec()].concat(),
            "values once dense",
        ),
    ];
    for (case, bytes, expected) in cases {
        let found = refusal(&folder.file("s.svm", &bytes), &ReadOptions::default());
        assert!(found.contains(expected), "{case}: {found}");
    }
}

#[test]
fn what_is_no_data_file() {
    let folder = Folder::new();
    let sub = folder.0.path().join("folder.csv");
    std::fs::create_dir(&sub).unwrap();
    let plain = ReadOptions::default();
    assert!(refusal(&sub, &plain).contains("not a regular file"));
    assert!(refusal(&folder.0.path().join("none.csv"), &plain).contains("cannot be opened"));
    assert!(refusal(&folder.file("data.xlsx", b"PK"), &plain).contains("of no format that is known here"));
    assert!(
        refusal(&folder.file("x.npy", &npy("<f4", false, "(1, 1)", &floats(&[1.0]))), &plain)
            .contains("a single array has no labels")
    );
    let archive = folder.file("a.npz", &sound_archive(false));
    let found = refusal(&archive, &ReadOptions { split: Some("fold".into()), ..ReadOptions::default() });
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
    ]
}

/// Fault 23: a file that ends anywhere. Text may end after a row, and a broken last number may still be
/// one; everything else is noticed.
#[test]
fn every_truncation_is_refused_or_harmless() {
    let folder = Folder::new();
    for (name, bytes, options) in specimens(&folder) {
        let is_text = name == "t.csv" || name == "s.svm";
        for length in 0..bytes.len() {
            let path = folder.file(name, &bytes[..length]);
            match bounded(&path, &options) {
                Ok(set) => assert!(is_text && set.rows() <= 3, "{name} cut to {length} of {}", bytes.len()),
                Err(error) => assert_eq!(error.exit(), Exit::BadInput),
            }
        }
    }
    let table = folder.file("t.csv", TABLE.as_bytes());
    let array = npy("<f4", false, "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    for length in 0..array.len() {
        let features = Some(folder.file("x.npy", &array[..length]));
        refusal(&table, &ReadOptions { features, ..ReadOptions::default() });
    }
}

/// Every single bit flipped: refused, or read as what it then says; never a panic, a hang or a flood.
/// What a checksum covers is always noticed.
#[test]
fn every_bit_flip_is_survived() {
    let folder = Folder::new();
    for (name, bytes, options) in specimens(&folder) {
        let sound = bounded(&folder.file(name, &bytes), &options).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let result = bounded(&folder.file(name, &flipped), &options);
            if name.ends_with(".gz") || name.ends_with(".npz") {
                // Header fields that say nothing about the content (times, versions) are free.
                if let Ok(set) = result {
                    assert_eq!(set.inputs().values(), sound.inputs().values(), "{name}, bit {bit}");
                    assert_eq!(set.labels(), sound.labels(), "{name}, bit {bit}");
                }
            }
        }
    }
    let table = folder.file("t.csv", TABLE.as_bytes());
    let array = npy("<f4", false, "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    for bit in 0..8 * array.len() {
        let mut flipped = array.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let features = Some(folder.file("x.npy", &flipped));
        if let Ok(set) = bounded(&table, &ReadOptions { features, ..ReadOptions::default() }) {
            assert_eq!((set.rows(), set.width()), (3, 2), "bit {bit}");
        }
    }
}
