//! A library with the interface of `crates/torchscript` and no libtorch behind it, for `tests/loader.rs`, which compiles it. Its
//! models are texts: the first line of the file says what to do.

#[path = "../../src/torchscript/interface.rs"]
mod interface;

use interface::{DONE, Element, Input, Interface, Opened, Output, Text, VERSION};
use std::cell::RefCell;
use std::ffi::c_void;

const FAILED: u32 = 1;

thread_local! {
    static FAULT: RefCell<String> = const { RefCell::new(String::new()) };
}

#[unsafe(no_mangle)]
pub static QUERIST_TORCHSCRIPT_INTERFACE: Interface = Interface {
    version: if cfg!(another_version) { VERSION + 6 } else { VERSION },
    library,
    fault,
    open,
    run,
    close,
};

struct Module {
    word: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn text(text: &str) -> Text {
    Text { bytes: text.as_ptr(), length: text.len() }
}

fn fails(reason: &str) -> u32 {
    FAULT.set(reason.to_string());
    FAILED
}

extern "C" fn library() -> Text {
    text("stub")
}

extern "C" fn fault() -> Text {
    FAULT.with_borrow(|fault| text(fault))
}

unsafe extern "C" fn open(path: Text, _: usize, opened: *mut Opened) -> u32 {
    let path = unsafe { std::slice::from_raw_parts(path.bytes, path.length) };
    let word = std::fs::read_to_string(std::str::from_utf8(path).unwrap()).unwrap();
    let (least, most) = match word.as_str() {
        "refuse" => return fails("it is refused"),
        "tokens" => (1, 2),
        "three" => (3, 3),
        _ => (1, 1),
    };
    let module = Box::into_raw(Box::new(Module { word, shape: Vec::new(), values: Vec::new() })).cast();
    unsafe { opened.write(Opened { module, least, most }) };
    DONE
}

unsafe extern "C" fn run(
    module: *mut c_void,
    inputs: *const Input,
    count: usize,
    output: *mut Output,
) -> u32 {
    let module = unsafe { &mut *module.cast::<Module>() };
    let inputs = unsafe { std::slice::from_raw_parts(inputs, count) };
    let shape = unsafe { std::slice::from_raw_parts(inputs[0].shape, inputs[0].dimensions) };
    let length = shape.iter().product();
    (module.shape, module.values) = match (module.word.as_str(), inputs) {
        // Every number of a token times its mask.
        ("tokens", [ids, mask]) if ids.element == Element::Int64 => {
            let [ids, mask] = [ids, mask]
                .map(|input| unsafe { std::slice::from_raw_parts(input.numbers.cast::<i64>(), length) });
            ([shape, &[1]].concat(), ids.iter().zip(mask).map(|(id, mask)| (id * mask) as f32).collect())
        }
        // Twice the numbers.
        ("double", [x]) if x.element == Element::Float32 => {
            let x = unsafe { std::slice::from_raw_parts(x.numbers.cast::<f32>(), length) };
            (shape.to_vec(), x.iter().map(|x| 2.0 * x).collect())
        }
        ("infinite", _) => (shape.to_vec(), vec![f32::INFINITY; length]),
        ("one vector", _) => (vec![1, 2], vec![1.0, 2.0]),
        ("too little", _) => (vec![shape[0], 2], vec![1.0]),
        ("nowhere", _) => {
            unsafe {
                output.write(Output {
                    values: std::ptr::null(),
                    count: 0,
                    shape: std::ptr::null(),
                    dimensions: 0,
                })
            };
            return DONE;
        }
        _ => return fails("it fails"),
    };
    let Module { shape, values, .. } = module;
    let given = Output {
        values: values.as_ptr(),
        count: values.len(),
        shape: shape.as_ptr(),
        dimensions: shape.len(),
    };
    unsafe { output.write(given) };
    DONE
}

/// Leaves a trace, so that a test sees it.
unsafe extern "C" fn close(module: *mut c_void) {
    let module = unsafe { Box::from_raw(module.cast::<Module>()) };
    if let Some(path) = module.word.strip_prefix("trace ") {
        std::fs::write(path, "closed").unwrap();
    }
}
