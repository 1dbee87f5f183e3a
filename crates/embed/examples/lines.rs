//! One vector per line of standard input, as text on standard output: `lines MODEL.onnx < texts.txt > vectors.txt`.
//!
//! `ORT_DYLIB_PATH` names onnxruntime; the tokenizer lies beside the model. Lines go through the model in the batches of
//! `querist embed --normalise`: blocks of 16 batches of 32, sorted by length. The seconds that it took stand on standard error.

use querist_embed::text::Texts;
use querist_embed::{Batch, Embedder, Encoder, Kind, Libraries, Settings};
use std::error::Error;
use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

const BATCH: usize = 32;

fn main() -> Result<(), Box<dyn Error>> {
    let model = PathBuf::from(std::env::args().nth(1).ok_or("name the model")?);
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let lines: Vec<&str> = input.lines().collect();
    let start = Instant::now();
    let tokenizer = model.with_file_name("tokenizer.json");
    let texts = Texts::new(&tokenizer, &std::fs::read(&tokenizer)?, None)?;
    let settings = Settings {
        model,
        kind: Kind::Texts,
        libraries: Libraries::named(),
        output: None,
        pooling: None,
        normalise: true,
        threads: 1,
    };
    let mut embedder = Embedder::open(&settings, Some(texts))?;
    let mut vectors = vec![Vec::new(); lines.len()];
    for first in (0..lines.len()).step_by(16 * BATCH) {
        let mut order: Vec<usize> = (first..lines.len().min(first + 16 * BATCH)).collect();
        order.sort_by_key(|&row| lines[row].len());
        for rows in order.chunks(BATCH) {
            let batch: Vec<&str> = rows.iter().map(|&row| lines[row]).collect();
            let found = embedder.encode(Batch::Texts(&batch))?;
            for (&row, vector) in rows.iter().zip(found.values.chunks(found.shape[1])) {
                vectors[row] = vector.to_vec();
            }
        }
    }
    eprintln!("{} texts in {:.2} s", lines.len(), start.elapsed().as_secs_f64());
    for vector in vectors {
        println!("{}", vector.iter().map(f32::to_string).collect::<Vec<_>>().join(" "));
    }
    Ok(())
}
