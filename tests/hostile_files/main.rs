//! Files that are broken or mean harm: each must be refused with a typed error that says where, within
//! two seconds and within 64 MiB plus twice the file's size, and never with a panic.
//!
//! Cases are numbered as in the project's list of faults: 1 to 16 tables, 17 to 25 arrays.

// Hostile files are written here, into temporary folders.
#![allow(clippy::disallowed_methods)]

mod archives;
mod arrays;
mod columns;
mod damage;
mod make;
mod tables;

use querist::Error;
use querist::data::readers::{ReadError, ReadOptions, read};
use querist::data::{DataError, Dataset};
use querist::error::Exit;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
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

// SAFETY: hands every call to the system's allocator as it came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the layout is the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the layout is the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the block came from the system by one of these calls, and the layout is the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the block came from the system by one of these calls; layout and size are the caller's.
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
        // Some file systems flush a file that is truncated and written anew; there are thousands here.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).expect("written");
        path
    }
}

/// Panics of a library that the readers catch are not printed, as in the program: a trace of where they come from takes
/// time and memory of its own.
fn hush() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let printed = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !querist::data::readers::within_library() {
                printed(panic);
            }
        }));
    });
}

/// Reads within the bounds, or says which was broken.
fn bounded(path: &Path, options: &ReadOptions) -> Result<Dataset, Error> {
    hush();
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
