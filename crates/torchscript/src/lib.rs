//! TorchScript modules for `querist-embed`, which loads this library when a model is one. libtorch (some 450 MB) is linked
//! here and not into the program.
//!
//! What is exported is the table of `interface`, which is compiled from the same file by both. A panic ends at the boundary,
//! as a fault like any other.

#[path = "../../embed/src/torchscript/interface.rs"]
mod interface;
mod module;

use interface::{DONE, Input, Interface, Opened, Output, Text, VERSION};
use module::Module;
use std::any::Any;
use std::cell::RefCell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What functions give that failed.
const FAILED: u32 = 1;

thread_local! {
    /// Why this thread's last failing call failed.
    static FAULT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What `querist-embed` looks for.
#[unsafe(no_mangle)]
pub static QUERIST_TORCHSCRIPT_INTERFACE: Interface =
    Interface { version: VERSION, library, fault, open, run, close };

extern "C" fn library() -> Text {
    text(concat!("libtorch ", env!("LIBTORCH_VERSION")))
}

extern "C" fn fault() -> Text {
    FAULT.with_borrow(|fault| text(fault))
}

fn text(text: &str) -> Text {
    Text { bytes: text.as_ptr(), length: text.len() }
}

unsafe extern "C" fn open(path: Text, threads: usize, opened: *mut Opened) -> u32 {
    guarded(|| {
        // SAFETY: the caller's text lives until the call returns.
        let path = unsafe { std::slice::from_raw_parts(path.bytes, path.length) };
        let path = std::str::from_utf8(path).map_err(|error| error.to_string())?;
        let (module, takes) = Module::open(path.as_ref(), threads)?;
        let module = Box::into_raw(Box::new(module)).cast();
        let (least, most) = takes.into_inner();
        // SAFETY: the caller gives a place for the answer.
        unsafe { opened.write(Opened { module, least, most }) };
        Ok(())
    })
}

unsafe extern "C" fn run(
    module: *mut c_void,
    inputs: *const Input,
    count: usize,
    output: *mut Output,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller has the module from `open`, and nobody else uses it during the call.
        let module = unsafe { &mut *module.cast::<Module>() };
        // SAFETY: the caller gives so many inputs.
        let inputs = unsafe { std::slice::from_raw_parts(inputs, count) };
        // SAFETY: arrays are as long as their shapes say, and live until the call returns.
        let given = unsafe { module.run(inputs) }?;
        // SAFETY: the caller gives a place for the answer.
        unsafe { output.write(given) };
        Ok(())
    })
}

unsafe extern "C" fn close(module: *mut c_void) {
    guarded(|| {
        // SAFETY: the caller has the module from `open`, and does not use it again.
        drop(unsafe { Box::from_raw(module.cast::<Module>()) });
        Ok(())
    });
}

/// Runs what may fail or panic, and keeps the reason.
fn guarded(call: impl FnOnce() -> Result<(), String>) -> u32 {
    match catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(reason(&*panic))) {
        Ok(()) => DONE,
        Err(reason) => {
            FAULT.set(reason);
            FAILED
        }
    }
}

fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_string()
}
