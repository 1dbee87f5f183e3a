//! Vectors by a model, run by the crate `querist-embed`.
//!
//! Texts of a block go through the model sorted by their lengths, so that little is padding; what a batch holds depends on
//! nothing but the block, so that a run that goes on gives the same bytes even of models whose vectors depend on
//! their neighbours (int8 models quantise a batch together).

use super::source::named;
use super::{EmbedError, Make, Recipe, Source};
use crate::data::readers::{ReadError, caught, read_picture};
use crate::durable::input;
use crate::error::{Result, shorten};
use crate::run::ElementType;
use querist_embed::picture::{DEFAULT_SIDE, Pictures, Style};
use querist_embed::pooling::Pooling;
use querist_embed::text::Texts;
use querist_embed::{Batch, EmbedError as ModelError, Embedder, Encoder, Kind, Libraries, Settings};
use rayon::prelude::*;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The longest tokenizer that is read.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
/// Endings, behind the model's own name or in place of its ending, of files with weights that exporters put beside it.
const WEIGHTS: [&str; 3] = ["_data", ".data", ".onnx_data"];
/// What panics of libraries are reported as faults of.
const MODEL: &str = "model";

/// A model and how it is run; `None` for what follows from the model.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The model's file.
    pub model: PathBuf,
    /// Its tokenizer; `None` for `tokenizer.json` beside it.
    pub tokenizer: Option<PathBuf>,
    /// Tokens after which texts are cut.
    pub max_tokens: Option<usize>,
    /// How pixels are prepared; `None` for ImageNet's way.
    pub style: Option<Style>,
    /// The height and width of pictures.
    pub size: Option<usize>,
    /// The output that is taken; `None` for the first.
    pub output: Option<String>,
    /// What is made of a vector per token; `None` for the mean where there is something to pool.
    pub pooling: Option<Pooling>,
    /// Whether vectors are divided by their norms.
    pub normalise: bool,
    /// Rows that the model sees together.
    pub batch: usize,
    /// Threads of the model's library.
    pub threads: usize,
}

/// A loaded model.
pub struct Modelled {
    path: String,
    embedder: Embedder,
    pictures: Option<Pictures>,
    batch: usize,
}

impl Modelled {
    /// Loads the model for the rows of `source`, and says how vectors will be made.
    ///
    /// # Errors
    /// [`EmbedError::Model`] where library, model or tokenizer cannot be used; [`ReadError`] where they cannot be read.
    pub fn open(choice: &Choice, source: &Source, dtype: ElementType) -> Result<(Self, Recipe)> {
        let path = choice.model.display().to_string();
        let mut recipe = Recipe::new(source.kind(), dtype);
        recipe.model = weights(&choice.model)?;
        recipe.output = choice.output.clone();
        recipe.pooling = Some(
            choice.pooling.map_or("mean of what there is to pool".to_string(), |pooling| pooling.to_string()),
        );
        recipe.normalise = choice.normalise;
        recipe.batch = Some(choice.batch);
        let kind = match source {
            Source::Texts { column, .. } => {
                recipe.column = Some(column.clone());
                Kind::Texts
            }
            Source::Pictures { .. } => Kind::Pictures,
            Source::Arrays { .. } => Kind::Vectors,
        };
        let texts = match kind {
            Kind::Texts => {
                let texts = tokenizer(choice)?;
                recipe.tokenizer = Some(named(texts.path())?);
                recipe.max_tokens = Some(texts.most());
                Some(texts)
            }
            Kind::Pictures | Kind::Vectors => None,
        };
        let settings = Settings {
            model: choice.model.clone(),
            kind,
            libraries: Libraries::named(),
            output: choice.output.clone(),
            pooling: choice.pooling,
            normalise: choice.normalise,
            threads: choice.threads,
        };
        let embedder = caught(&path, MODEL, || Ok(Embedder::open(&settings, texts).map_err(of_model)?))?;
        recipe.library = Some(embedder.library());
        let pictures = (kind == Kind::Pictures).then(|| {
            let (height, width) = match (choice.size, embedder.picture_size()) {
                (Some(side), _) => (side, side),
                (None, Some(size)) => size,
                (None, None) => (DEFAULT_SIDE, DEFAULT_SIDE),
            };
            Pictures { style: choice.style.unwrap_or(Style::ImageNet), height, width }
        });
        recipe.pixels = pictures.map(|all| (all.style.to_string(), all.height, all.width));
        Ok((Self { path, embedder, pictures, batch: choice.batch }, recipe))
    }

    /// The vectors of a batch, whose example `i` is the row `rows[i]`.
    fn encode(&mut self, batch: Batch<'_>, source: &Source, rows: &[usize]) -> Result<Vec<f32>> {
        let Self { path, embedder, .. } = self;
        let encoded = caught(path, MODEL, || {
            embedder.encode(batch).map_err(|error| {
                let row = error.row().and_then(|row| rows.get(row)).or(rows.first()).copied().unwrap_or(0);
                let more = match error.row() {
                    None if rows.len() > 1 => format!(" and {} rows more", rows.len() - 1),
                    _ => String::new(),
                };
                let hint =
                    error.hint().unwrap_or("what was done before is kept; the same command goes on from it");
                let (place, hint) = (format!("{}{more}", source.place(row)), hint.to_string());
                EmbedError::Row { place, problem: error.without_row(), hint }.into()
            })
        })?;
        Ok(encoded.values)
    }
}

/// The model's file, and files with its weights beside it.
fn weights(model: &Path) -> Result<Vec<crate::data::provenance::Named>> {
    let mut files = vec![named(model)?];
    let beside = |ending: &str| {
        let whole = model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = model.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        [format!("{whole}{ending}"), format!("{stem}{ending}")].map(|name| model.with_file_name(name))
    };
    let mut others: Vec<PathBuf> = WEIGHTS.iter().flat_map(|ending| beside(ending)).collect();
    others.sort();
    others.dedup();
    for other in others.iter().filter(|other| other.is_file()) {
        files.push(named(other)?);
    }
    Ok(files)
}

fn tokenizer(choice: &Choice) -> Result<Texts> {
    let path = choice.tokenizer.clone().unwrap_or_else(|| choice.model.with_file_name("tokenizer.json"));
    if choice.tokenizer.is_none() && !path.is_file() {
        return Err(of_model(ModelError::NoTokenizer { path }).into());
    }
    let bytes = input::read(&path, MAX_TOKENIZER_BYTES).map_err(ReadError::from)?;
    let file = path.display().to_string();
    caught(&file, "tokenizer", || Ok(Texts::new(&path, &bytes, choice.max_tokens).map_err(of_model)?))
}

fn of_model(source: ModelError) -> EmbedError {
    EmbedError::Model { source }
}

impl Make for Modelled {
    fn vectors(&mut self, source: &Source, rows: Range<usize>) -> Result<Vec<f32>> {
        let mut order: Vec<usize> = rows.clone().collect();
        if let Source::Texts { texts, .. } = source {
            // Stable, so that the order of the file decides between texts of one length.
            order.sort_by_key(|&row| texts[row].len());
        }
        let mut vectors: Vec<f32> = Vec::new();
        for rows_of_batch in order.chunks(self.batch) {
            let found = match source {
                Source::Texts { texts, .. } => {
                    let texts: Vec<&str> = rows_of_batch.iter().map(|&row| texts[row].as_str()).collect();
                    self.encode(Batch::Texts(&texts), source, rows_of_batch)?
                }
                Source::Pictures { .. } => {
                    let pictures = self.pictures.expect("a model of pictures was opened with their size");
                    let prepared: Vec<Result<Vec<f32>>> =
                        rows_of_batch.par_iter().map(|&row| prepare(&pictures, source, row)).collect();
                    let values: Vec<Vec<f32>> = prepared.into_iter().collect::<Result<_>>()?;
                    let shape = [rows_of_batch.len(), 3, pictures.height, pictures.width];
                    self.encode(
                        Batch::Numbers { shape: &shape, values: &values.concat() },
                        source,
                        rows_of_batch,
                    )?
                }
                Source::Arrays { array, .. } => {
                    let range = rows_of_batch[0]..rows_of_batch[0] + rows_of_batch.len();
                    let shape: Vec<usize> =
                        [rows_of_batch.len()].into_iter().chain(array.shape[1..].iter().copied()).collect();
                    let batch = Batch::Numbers { shape: &shape, values: source.values(range) };
                    self.encode(batch, source, rows_of_batch)?
                }
            };
            let width = found.len() / rows_of_batch.len();
            if vectors.is_empty() {
                vectors = vec![0.0; width * rows.len()];
            }
            let expected = vectors.len() / rows.len();
            if width != expected {
                let place = source.place(rows_of_batch[0]);
                let problem = format!("a vector of {width} numbers, but the rows before have {expected}");
                let hint =
                    "the model's output must be of one width: choose another with --output".to_string();
                return Err(EmbedError::Row { place, problem, hint }.into());
            }
            for (&row, vector) in rows_of_batch.iter().zip(found.chunks(width)) {
                vectors[(row - rows.start) * width..][..width].copy_from_slice(vector);
            }
        }
        Ok(vectors)
    }
}

/// The pixels of the picture in a row.
fn prepare(pictures: &Pictures, source: &Source, row: usize) -> Result<Vec<f32>> {
    let Source::Pictures { listed, .. } = source else { return Ok(Vec::new()) };
    let bytes = read_picture(&listed.files[row])?;
    caught(&source.place(row), "pictures", || {
        pictures.prepare(&bytes).map_err(|error| {
            EmbedError::Row {
                place: source.place(row),
                problem: shorten(&error.to_string()).into_owned(),
                hint:
                    "repair or remove the file, then run the same command again: what was done before is kept"
                        .to_string(),
            }
            .into()
        })
    })
}
