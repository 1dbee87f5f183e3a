//! [`Embedder`]: a model with what belongs before and behind it.

use crate::onnx::Onnx;
use crate::pooling::{Pooling, divide_by_norms, expect_finite, pool};
use crate::text::Texts;
use crate::{Batch, EmbedError, Encoder, Feed, Model, Tensor};
use std::path::{Path, PathBuf};

/// What examples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Raw texts.
    Texts,
    /// Pictures of shape `[3, height, width]`.
    Pictures,
    /// Arrays of any one shape.
    Vectors,
}

/// Libraries that run models. The one that a model needs is loaded when that is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Libraries {
    /// `onnxruntime`; `None` for what the system's loader finds.
    pub onnxruntime: Option<PathBuf>,
    /// `crates/torchscript`; `None` for the one beside the program.
    #[cfg(feature = "tch")]
    pub torchscript: Option<PathBuf>,
}

impl Libraries {
    /// Those that [`onnx::LIBRARY_VARIABLE`](crate::onnx::LIBRARY_VARIABLE) and
    /// `torchscript::LIBRARY_VARIABLE` name.
    pub fn named() -> Self {
        let named = |variable| std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        Self {
            onnxruntime: named(crate::onnx::LIBRARY_VARIABLE),
            #[cfg(feature = "tch")]
            torchscript: named(crate::torchscript::LIBRARY_VARIABLE),
        }
    }
}

/// How a model is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The model: `.onnx`, or with the feature `tch` `.pt`, `.pth` or `.ts`.
    pub model: PathBuf,
    /// What it is fed with.
    pub kind: Kind,
    /// What runs it.
    pub libraries: Libraries,
    /// The output that is taken, by name; `None` for the first.
    pub output: Option<String>,
    /// What is made of a vector per token; `None` for the mean where there is something to pool.
    pub pooling: Option<Pooling>,
    /// Whether every vector is divided by its Euclidean norm.
    pub normalise: bool,
    /// Threads of the model's library.
    pub threads: usize,
}

/// A model, its tokenizer if examples are texts, and what is made of its output.
pub struct Embedder {
    model: Box<dyn Model>,
    texts: Option<Texts>,
    pooling: Option<Pooling>,
    normalise: bool,
}

impl Embedder {
    /// Loads the model. `texts` is needed where examples are texts.
    ///
    /// # Errors
    /// [`EmbedError`] where the library is missing, where it refuses the model, or where the model has inputs that
    /// nothing here is for.
    pub fn open(settings: &Settings, texts: Option<Texts>) -> Result<Self, EmbedError> {
        if settings.kind == Kind::Texts && texts.is_none() {
            return Err(EmbedError::NoTokenizer { path: settings.model.with_file_name("tokenizer.json") });
        }
        let model = open(settings)?;
        Ok(Self { model, texts, pooling: settings.pooling, normalise: settings.normalise })
    }

    /// What runs the model, in its own words: the build of onnxruntime, or the version of libtorch.
    pub fn library(&self) -> String {
        self.model.library()
    }

    /// The height and width of the pictures that the model takes, where it takes one size alone.
    pub fn picture_size(&self) -> Option<(usize, usize)> {
        self.model.picture_size()
    }
}

fn open(settings: &Settings) -> Result<Box<dyn Model>, EmbedError> {
    let path: &Path = &settings.model;
    let unknown = |problem, hint| Err(EmbedError::UnknownModel { path: path.to_path_buf(), problem, hint });
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "onnx" => {
            let (output, library) = (settings.output.as_deref(), settings.libraries.onnxruntime.as_deref());
            Ok(Box::new(Onnx::open(path, settings.kind, output, library, settings.threads)?))
        }
        #[cfg(feature = "tch")]
        "pt" | "pth" | "ts" => match settings.output {
            None => {
                let library = settings.libraries.torchscript.as_deref();
                Ok(Box::new(crate::torchscript::TorchScript::open(
                    path,
                    settings.kind,
                    library,
                    settings.threads,
                )?))
            }
            Some(_) => unknown("outputs of TorchScript modules have no names", "leave --output out"),
        },
        #[cfg(not(feature = "tch"))]
        "pt" | "pth" | "ts" => unknown(
            "this program was built without TorchScript",
            "build it with `--features tch` (docs/embeddings.md), or export the model as ONNX",
        ),
        "safetensors" | "bin" => unknown(
            "weights without the network that they belong to",
            "export the model as ONNX; docs/embeddings.md shows how",
        ),
        _ => unknown("of no kind of model that is known here", "models are .onnx, or TorchScript (.pt)"),
    }
}

impl Encoder for Embedder {
    fn encode(&mut self, batch: Batch<'_>) -> Result<Tensor, EmbedError> {
        let n = batch.len();
        let (output, mask) = match batch {
            Batch::Texts(texts) => {
                let tokens = match &self.texts {
                    Some(own) => own.tokenize(texts)?,
                    None => return Err(EmbedError::NoTokenizer { path: PathBuf::from("tokenizer.json") }),
                };
                (self.model.run(&Feed::Tokens(&tokens))?, Some(tokens.mask))
            }
            Batch::Numbers { shape, values } => {
                let expected = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
                if expected != Some(values.len()) {
                    return Err(EmbedError::Batch { shape: shape.to_vec(), found: values.len() });
                }
                (self.model.run(&Feed::Numbers { shape, values })?, None)
            }
        };
        let whole = output.shape.iter().product::<usize>() == output.values.len();
        if output.shape.first() != Some(&n) || !whole {
            let expected = "expected as many vectors as examples";
            return Err(EmbedError::Output { n, found: output.shape, expected });
        }
        let mut vectors = pool(output, mask.as_deref(), self.pooling)?;
        expect_finite(&vectors)?;
        if self.normalise {
            divide_by_norms(&mut vectors);
        }
        Ok(vectors)
    }
}
