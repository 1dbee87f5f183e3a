//! Where libraries for formats are called that panic on some damaged files.
//!
//! `parquet` 60.1 indexes beyond a page whose encoding is changed to byte-stream splitting, and `arrow-buffer` 60.1
//! asserts on buffers that are shorter than their column (`tests/hostile_files/damage.rs` flips every bit). Neither
//! leaves anything behind but memory that is given back.

use super::error::ReadError;
use crate::error::Result;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is within such a library, whose panics become errors and need not be printed.
pub fn within_library() -> bool {
    WITHIN.get()
}

/// Does `work`; a panic of the library is an error of the file.
pub(crate) fn caught<T>(file: &str, format: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    WITHIN.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    WITHIN.set(false);
    result.unwrap_or_else(|_| {
        let error = "its parts do not fit together".to_string();
        Err(ReadError::Damaged { file: file.to_string(), format, error }.into())
    })
}
