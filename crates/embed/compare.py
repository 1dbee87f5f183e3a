"""Compares the embeddings of `querist embed` with those of Python's onnxruntime and of sentence-transformers, and their speeds.

    pip install onnxruntime sentence-transformers
    python crates/embed/export.py MODEL minilm && python crates/embed/export.py MODEL minilm --torchscript
    python crates/embed/compare.py MODEL minilm TABLE.csv COLUMN [--rows 1000] [--querist target/release/querist]

MODEL is a folder of sentence-transformers, `minilm` what `crates/embed/export.py` has made of it; `model.pt` in it may be
missing. Each runs twice, in turns, on one thread and in batches of 32, and the faster run counts. Seconds are those of the
processor, with the model's loading, without Python's imports. Python's onnxruntime gets the batches of `querist embed`: blocks
of 16, sorted by the length of their texts in bytes. Which they are matters to int8 models alone, which quantise a batch together.
"""

import argparse
import csv
import gzip
import pathlib
import resource
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime
import sentence_transformers
import tokenizers
import torch

BATCH = 32

parser = argparse.ArgumentParser()
for name in ("model", "exported", "table", "column"):
    parser.add_argument(name)
parser.add_argument("--rows", type=int, default=1000)
parser.add_argument("--querist", default="target/release/querist")
args = parser.parse_args()
exported = pathlib.Path(args.exported)

opener = gzip.open if args.table.endswith(".gz") else open
with opener(args.table, "rt", newline="") as file:
    texts = [row[args.column] for row, _ in zip(csv.DictReader(file), range(args.rows))]


def of_python():
    tokenizer = tokenizers.Tokenizer.from_file(str(exported / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=tokenizer.padding["pad_id"] if tokenizer.padding else 0)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        exported / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    inputs = {port.name for port in session.get_inputs()}
    found = None
    for first in range(0, len(texts), 16 * BATCH):
        order = range(first, min(first + 16 * BATCH, len(texts)))
        order = sorted(order, key=lambda row: len(texts[row].encode()))
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
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
            if found is None:
                found = np.zeros((len(texts), output.shape[1]), dtype=np.float32)
            found[rows] = output / np.linalg.norm(output, axis=1, keepdims=True)
    return found


def of_sentence_transformers():
    torch.set_num_threads(1)
    model = sentence_transformers.SentenceTransformer(args.model, device="cpu")
    return model.encode(texts, batch_size=BATCH, normalize_embeddings=True)


def of_querist(model):
    with tempfile.TemporaryDirectory() as folder:
        table, out = pathlib.Path(folder, "t.csv"), pathlib.Path(folder, "e.npy")
        with open(table, "w", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])
        command = [args.querist, "embed", "--model", exported / model, "--input", table, "--text", "text"]
        options = ["--normalise", "--threads", "1", "--batch", str(BATCH), "--out", out, "--quiet"]
        subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
        return np.load(out)


def seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


ways = {
    f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}": of_sentence_transformers,
    f"Python, onnxruntime {onnxruntime.__version__}": of_python,
    "`querist embed`, ONNX": lambda: of_querist("model.onnx"),
}
if (exported / "model.pt").exists():
    ways["`querist embed`, TorchScript"] = lambda: of_querist("model.pt")
vectors, spent = {}, {}
for _ in range(2):
    for way, run in ways.items():
        before = seconds()
        vectors[way] = run()
        spent[way] = min(spent.get(way, np.inf), seconds() - before)

reference, python, *_ = ways
print(f"{len(texts)} texts of {pathlib.Path(args.table).name}\n")
print("| | texts per processor second | beside Python's onnxruntime | greatest difference from it | from sentence-transformers |")
print("|---|---|---|---|---|")
for way, found in vectors.items():
    apart = [np.abs(found - vectors[other]).max() for other in (python, reference)]
    print(
        f"| {way} | {len(texts) / spent[way]:.0f} | {spent[python] / spent[way]:.2f} "
        f"| {apart[0]:.1e} | {apart[1]:.1e} |"
    )
