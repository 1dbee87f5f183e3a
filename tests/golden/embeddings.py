"""Compares the embeddings that `querist embed` has written with those of Python's onnxruntime, and their speeds.

    pip install onnxruntime tokenizers numpy
    python tests/golden/embeddings.py MODEL.onnx TOKENIZER.json TABLE.csv COLUMN EMBEDDINGS.npy [--batch 32] [--threads 1]

Texts go through the model in the batches of `querist embed --pooling mean --normalise`: blocks of 16 batches, sorted by the
length of their texts in bytes. The order matters to int8 models alone, which quantise a batch together.
"""

import argparse
import csv
import gzip
import time

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

parser = argparse.ArgumentParser()
for name in ("model", "tokenizer", "table", "column", "embeddings"):
    parser.add_argument(name)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--max-tokens", type=int)
args = parser.parse_args()

opener = gzip.open if args.table.endswith(".gz") else open
with opener(args.table, "rt", newline="") as file:
    texts = [row[args.column] for row in csv.DictReader(file)]

start, cpu = time.perf_counter(), time.process_time()
tokenizer = Tokenizer.from_file(args.tokenizer)
if args.max_tokens:
    tokenizer.enable_truncation(args.max_tokens)
tokenizer.enable_padding(pad_id=tokenizer.padding["pad_id"] if tokenizer.padding else 0)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = args.threads
session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
inputs = {port.name for port in session.get_inputs()}

found = None
for first in range(0, len(texts), 16 * args.batch):
    block = range(first, min(first + 16 * args.batch, len(texts)))
    order = sorted(block, key=lambda row: len(texts[row].encode()))
    for at in range(0, len(order), args.batch):
        rows = order[at : at + args.batch]
        encoded = tokenizer.encode_batch([texts[row] for row in rows])
        fed = {
            "input_ids": np.array([one.ids for one in encoded], dtype=np.int64),
            "attention_mask": np.array([one.attention_mask for one in encoded], dtype=np.int64),
            "token_type_ids": np.array([one.type_ids for one in encoded], dtype=np.int64),
        }
        output = session.run(None, {name: value for name, value in fed.items() if name in inputs})[0]
        if output.ndim == 3:
            mask = fed["attention_mask"][:, :, None].astype(np.float32)
            output = (output * mask).sum(1) / mask.sum(1)
        output = output / np.linalg.norm(output, axis=1, keepdims=True)
        if found is None:
            found = np.zeros((len(texts), output.shape[1]), dtype=np.float32)
        found[rows] = output
wall, cpu = time.perf_counter() - start, time.process_time() - cpu

written = np.load(args.embeddings).astype(np.float32)
assert written.shape == found.shape, (written.shape, found.shape)
cosine = (written * found).sum(1) / np.linalg.norm(written, axis=1)
print(f"{len(texts)} texts, greatest difference {np.abs(written - found).max():.3g}, least cosine {cosine.min():.7f}")
print(f"Python: {wall:.1f} s, {len(texts) / wall:.0f} texts per second, {len(texts) / cpu:.0f} per processor second")
