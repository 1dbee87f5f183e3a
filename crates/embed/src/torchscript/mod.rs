//! TorchScript modules, run by libtorch behind a library of its own (`crates/torchscript`), which is loaded when it is
//! first needed.
//!
//! A module does not say what its inputs are for. Texts are fed as `forward(input_ids, attention_mask)`, pictures and vectors
//! as `forward(x)`; a module that takes another number of arrays is refused. Of a tuple or list the first element is the
//! output.

mod interface;
mod library;

pub use library::LIBRARY_VARIABLE;

use crate::embedder::Kind;
use crate::{EmbedError, Feed, Model, Tensor};
use interface::{DONE, Element, Input, Interface, Opened, Output, Text};
use library::words;
use std::ffi::c_void;
use std::path::Path;
use std::ptr;

/// A traced or scripted module on the processor.
pub(crate) struct TorchScript {
    interface: &'static Interface,
    module: *mut c_void,
}

// SAFETY: a module is not bound to the thread that loaded it, and `run` takes it exclusively.
unsafe impl Send for TorchScript {}

impl TorchScript {
    /// Loads the module at `path` for examples of `kind`.
    pub fn open(path: &Path, kind: Kind, named: Option<&Path>, threads: usize) -> Result<Self, EmbedError> {
        let interface = library::interface(named)?;
        let bad = |reason: String| EmbedError::BadModel { path: path.to_path_buf(), reason };
        let text = path.to_str().ok_or_else(|| bad("its path is not UTF-8".to_string()))?;
        let text = Text { bytes: text.as_ptr(), length: text.len() };
        let mut opened = Opened { module: ptr::null_mut(), least: 0, most: usize::MAX };
        // SAFETY: text and place of the answer live until the call returns.
        if unsafe { (interface.open)(text, threads, &mut opened) } != DONE {
            return Err(bad(fault(interface)));
        }
        let Opened { module, least, most } = opened;
        // From here on the module is closed when it is dropped.
        let module = Self { interface, module };
        let fed = match kind {
            Kind::Texts => 2,
            Kind::Pictures | Kind::Vectors => 1,
        };
        match (least..=most).contains(&fed) {
            true => Ok(module),
            false => Err(EmbedError::Inputs { path: path.to_path_buf(), least, most, fed }),
        }
    }
}

impl Drop for TorchScript {
    fn drop(&mut self) {
        // SAFETY: the module was opened by these functions and is not used again.
        unsafe { (self.interface.close)(self.module) }
    }
}

/// Why this thread's last call failed.
fn fault(interface: &Interface) -> String {
    // SAFETY: the text is good until this thread's next call.
    unsafe { words((interface.fault)()) }
}

impl Model for TorchScript {
    fn library(&self) -> String {
        // SAFETY: the text lives as long as the library, which is never unloaded.
        unsafe { words((self.interface.library)()) }
    }

    fn run(&mut self, feed: &Feed<'_>) -> Result<Tensor, EmbedError> {
        let shape = match feed {
            Feed::Tokens(tokens) => vec![tokens.rows, tokens.length],
            Feed::Numbers { shape, .. } => shape.to_vec(),
        };
        let input = |element: Element, numbers: *const c_void| Input {
            element,
            numbers,
            shape: shape.as_ptr(),
            dimensions: shape.len(),
        };
        let inputs = match feed {
            Feed::Tokens(tokens) => [&tokens.ids, &tokens.mask]
                .map(|numbers| input(Element::Int64, numbers.as_ptr().cast()))
                .into_iter()
                .collect(),
            Feed::Numbers { values, .. } => vec![input(Element::Float32, values.as_ptr().cast())],
        };
        let mut output = Output { values: ptr::null(), count: 0, shape: ptr::null(), dimensions: 0 };
        // SAFETY: inputs hold as many numbers as the product of their lengths, which `Embedder` has checked, and live until
        // the call returns; nobody else uses the module.
        let done = unsafe { (self.interface.run)(self.module, inputs.as_ptr(), inputs.len(), &mut output) };
        if done != DONE {
            let n = shape.first().copied().unwrap_or(0);
            return Err(EmbedError::Run { n, shape, reason: fault(self.interface) });
        }
        // SAFETY: the output is the module's, which is not run or closed before both are copied.
        let (shape, values) =
            unsafe { (copied(output.shape, output.dimensions), copied(output.values, output.count)) };
        Ok(Tensor { shape, values })
    }
}

/// A copy of `count` numbers, or nothing of nowhere.
///
/// # Safety
/// So many numbers must lie there, if it is anywhere.
unsafe fn copied<T: Copy>(numbers: *const T, count: usize) -> Vec<T> {
    match numbers.is_null() {
        true => Vec::new(),
        // SAFETY: the caller's promise.
        false => unsafe { std::slice::from_raw_parts(numbers, count) }.to_vec(),
    }
}
