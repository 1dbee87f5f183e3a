//! What this crate and the library that runs TorchScript modules (`crates/torchscript`) say to each other: a table of C
//! functions, which the library exports as the static `QUERIST_TORCHSCRIPT_INTERFACE`. Both compile this file.
//!
//! No function unwinds. One that can fail gives [`DONE`] or something else, and then [`Interface::fault`] says why.

use std::ffi::c_void;

/// Raised with every change of this file. A library of another version is refused before a function of it is called.
pub const VERSION: u32 = 1;
/// What functions give that did what was asked.
pub const DONE: u32 = 0;

/// UTF-8 of someone else's.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    pub bytes: *const u8,
    pub length: usize,
}

/// A module, and how many arrays its method `forward` takes.
#[repr(C)]
pub struct Opened {
    pub module: *mut c_void,
    pub least: usize,
    pub most: usize,
}

/// What the numbers of an input are.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Float32,
    Int64,
}

/// An array that a module is fed with, in row-major order: as many numbers as the product of its lengths. Read during the
/// call, and not kept.
#[repr(C)]
pub struct Input {
    pub element: Element,
    pub numbers: *const c_void,
    pub shape: *const usize,
    pub dimensions: usize,
}

/// What a module gives, in row-major order. It is the module's until that runs again or is closed.
#[repr(C)]
pub struct Output {
    pub values: *const f32,
    pub count: usize,
    pub shape: *const usize,
    pub dimensions: usize,
}

/// The table. Its first field is the version in every version.
#[repr(C)]
pub struct Interface {
    pub version: u32,
    /// What runs modules, with its version. The text lives as long as the library.
    pub library: extern "C" fn() -> Text,
    /// Why the last call of this thread that failed did. The text is good until this thread's next call.
    pub fault: extern "C" fn() -> Text,
    /// Loads the module of the file at a path, to be run on so many threads.
    pub open: unsafe extern "C" fn(path: Text, threads: usize, opened: *mut Opened) -> u32,
    /// Runs `forward` on `count` arrays. Of a tuple or list the first element is the output, whose numbers are converted to
    /// floats.
    pub run: unsafe extern "C" fn(
        module: *mut c_void,
        inputs: *const Input,
        count: usize,
        output: *mut Output,
    ) -> u32,
    /// Ends a module.
    pub close: unsafe extern "C" fn(module: *mut c_void),
}
