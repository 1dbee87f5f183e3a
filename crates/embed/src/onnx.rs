//! ONNX models, run by `onnxruntime`, a library of the user's that is loaded when it is first needed.

use crate::embedder::Kind;
use crate::{EmbedError, Feed, Model, Tensor};
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, TensorElementType, TensorRef, ValueType};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The variable that names the library.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";
/// What the system's loader is asked for where no library is named.
const LIBRARY: &str = "libonnxruntime.so";

/// What inputs are called that take the numbers of tokens, in the models of the usual exporters.
const IDS: [&str; 3] = ["input_ids", "ids", "tokens"];
const MASK: [&str; 2] = ["attention_mask", "mask"];
const TYPES: [&str; 2] = ["token_type_ids", "segment_ids"];

/// One environment serves the process; the library allows no second.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// The environment of the library at `library`, or where `None`, of the one that the system's loader finds. The first one
/// that could be loaded serves the whole process.
fn environment(library: Option<&Path>) -> Result<Environment, EmbedError> {
    let mut held = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*held {
        return Ok(environment.clone());
    }
    let missing = |reason: String| EmbedError::NoLibrary { reason };
    let path = match library {
        None => PathBuf::from(LIBRARY),
        // A relative path would be looked for beside the program.
        Some(path) => match path.canonicalize() {
            Ok(path) if path.is_file() => path,
            _ => {
                return Err(missing(format!(
                    "{LIBRARY_VARIABLE} names {}, which is no file",
                    path.display()
                )));
            }
        },
    };
    let named = || match library {
        None => format!("{LIBRARY_VARIABLE} names none, and the system has none"),
        Some(path) => format!("{LIBRARY_VARIABLE} names {}", path.display()),
    };
    let builder = ort::init_from(&path).map_err(|error| missing(format!("{} ({error})", named())))?;
    let environment = builder.with_telemetry(false).build();
    let environment = environment.map_err(|error| missing(format!("{} ({error})", named())))?;
    Ok(held.insert(environment).clone())
}

/// What an input of the model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Ids,
    Mask,
    Types,
    Numbers,
}

/// An input, by name.
struct Port {
    name: String,
    part: Part,
    /// Whether numbers of tokens have four bytes instead of eight.
    short: bool,
}

/// A model in a session of `onnxruntime`.
pub(crate) struct Onnx {
    session: Session,
    ports: Vec<Port>,
    output: String,
    picture: Option<(usize, usize)>,
}

impl Onnx {
    /// Loads the model at `path` for examples of `kind`. `output` names one of its outputs, the first where `None`.
    pub fn open(
        path: &Path,
        kind: Kind,
        output: Option<&str>,
        library: Option<&Path>,
        threads: usize,
    ) -> Result<Self, EmbedError> {
        let environment = environment(library)?;
        let bad = |reason: String| EmbedError::BadModel { path: path.to_path_buf(), reason };
        let session = Session::builder(&environment)
            .map_err(|error| bad(error.to_string()))?
            .with_intra_threads(threads)
            .map_err(|error| bad(error.to_string()))?
            .with_deterministic_compute(true)
            .map_err(|error| bad(error.to_string()))?
            .commit_from_file(path)
            .map_err(|error| bad(error.to_string()))?;
        let mut picture = None;
        let mut ports = Vec::new();
        let only = session.inputs().len() == 1;
        for input in session.inputs() {
            let port = port(path, input.name(), input.dtype(), kind, only)?;
            if let (Part::Numbers, ValueType::Tensor { shape, .. }) = (port.part, input.dtype())
                && let &[_, _, height, width] = &shape[..]
                && let (Ok(height @ 1..), Ok(width @ 1..)) = (usize::try_from(height), usize::try_from(width))
            {
                picture = Some((height, width));
            }
            ports.push(port);
        }
        let names = || session.outputs().iter().map(|output| output.name().to_string());
        let chosen = match output {
            Some(name) => names().find(|known| known == name),
            None => names().next(),
        };
        let output = chosen.ok_or_else(|| EmbedError::NoOutput {
            path: path.to_path_buf(),
            name: output.unwrap_or_default().to_string(),
            found: names().collect(),
        })?;
        Ok(Self { session, ports, output, picture })
    }
}

/// What the input `name` of the model is for, where examples are of `kind`. An `only` input needs no known name.
fn port(path: &Path, name: &str, kind: &ValueType, examples: Kind, only: bool) -> Result<Port, EmbedError> {
    let refuse = |expected: &str| EmbedError::Input {
        path: path.to_path_buf(),
        name: name.to_string(),
        kind: kind.to_string(),
        expected: expected.to_string(),
    };
    let ValueType::Tensor { ty, .. } = kind else { return Err(refuse("an array of numbers")) };
    match examples {
        Kind::Texts => {
            let known = |names: &[&str]| names.contains(&name);
            let part = match () {
                () if known(&IDS) || only => Part::Ids,
                () if known(&MASK) => Part::Mask,
                () if known(&TYPES) => Part::Types,
                () => return Err(refuse("of texts input_ids, attention_mask or token_type_ids")),
            };
            let short = match ty {
                TensorElementType::Int64 => false,
                TensorElementType::Int32 => true,
                _ => return Err(refuse("whole numbers of four or eight bytes, since tokens are fed")),
            };
            Ok(Port { name: name.to_string(), part, short })
        }
        Kind::Pictures | Kind::Vectors if !only => {
            Err(refuse("a model with one input, since one array is fed"))
        }
        Kind::Pictures | Kind::Vectors => match ty {
            TensorElementType::Float32 => {
                Ok(Port { name: name.to_string(), part: Part::Numbers, short: false })
            }
            _ => Err(refuse("floats of four bytes")),
        },
    }
}

impl Model for Onnx {
    fn library(&self) -> String {
        ort::info().to_string()
    }

    fn run(&mut self, feed: &Feed<'_>) -> Result<Tensor, EmbedError> {
        let shape = match feed {
            Feed::Tokens(tokens) => vec![tokens.rows, tokens.length],
            Feed::Numbers { shape, .. } => shape.to_vec(),
        };
        let n = shape.first().copied().unwrap_or(0);
        let fails =
            |error: ort::Error| EmbedError::Run { n, shape: shape.clone(), reason: error.to_string() };
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = Vec::new();
        for port in &self.ports {
            let value = match (feed, port.part) {
                (Feed::Numbers { values, .. }, _) => {
                    TensorRef::from_array_view((shape.clone(), *values)).map_err(fails)?.into()
                }
                (Feed::Tokens(tokens), part) => {
                    let numbers = match part {
                        Part::Mask => &tokens.mask,
                        Part::Types => &tokens.types,
                        Part::Ids | Part::Numbers => &tokens.ids,
                    };
                    if port.short {
                        // Numbers of tokens come from a list of at most 2^32 words.
                        let short: Vec<i32> = numbers.iter().map(|&number| number as i32).collect();
                        ort::value::Tensor::from_array((shape.clone(), short)).map_err(fails)?.into()
                    } else {
                        TensorRef::from_array_view((shape.clone(), &numbers[..])).map_err(fails)?.into()
                    }
                }
            };
            inputs.push((&port.name, value));
        }
        let outputs = self.session.run(inputs).map_err(fails)?;
        let value: &DynValue = outputs.get(&self.output).ok_or_else(|| EmbedError::Run {
            n,
            shape: shape.clone(),
            reason: format!("the output `{}` is missing", self.output),
        })?;
        let (found, values) = value.try_extract_tensor::<f32>().map_err(fails)?;
        let found = found.iter().map(|&length| usize::try_from(length).unwrap_or(0)).collect();
        Ok(Tensor { shape: found, values: values.to_vec() })
    }

    fn picture_size(&self) -> Option<(usize, usize)> {
        self.picture
    }
}
