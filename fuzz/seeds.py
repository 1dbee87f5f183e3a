#!/usr/bin/env python3
"""Writes the seeds, one folder per target: `python3 fuzz/seeds.py` (needs numpy and pyarrow).

The seeds of journal, manifest and weights come from a run: `querist run experiments/smoke.toml --out RUN`, then
`python3 fuzz/seeds.py RUN`.
"""
import gzip, io, shutil, struct, sys, zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
ROOT = HERE.parent


def write(target, name, content):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def saved(save, *args, **kwargs):
    out = io.BytesIO()
    save(out, *args, **kwargs)
    return out.getvalue()


table = "id,age,city,when,label\n1,3.5,\"a, b\",2024-01-02,yes\n2,,c,2024-02-03 04:05,no\n3,NA,c,?,yes\n4,7e3,d,,no\n"
write("table", "mixed", table)
write("table", "semicolons", "x;y;label\n1,5;2;a\n2,5;3;b\n")
write("table", "no_header", "1,2,0\n3,4,1\n5,6,0\n")
write("table", "quotes_and_returns", "a,label\r\n\"x \"\"y\"\"\",u\r\n\r\n\"1\n2\",v\r\n")
write("table", "blanks", "a  b\tlabel\n1 2 u\n 3  4 v\n")
write("table", "zipped", gzip.compress(b"x,label\n1,a\n2,b\n", mtime=0))
X, y = np.arange(12, dtype=np.float32).reshape(4, 3), np.array([0, 1, 0, 1])
write("npy", "f4", saved(np.save, X))
write("npy", "f2_fortran", saved(np.save, np.asfortranarray(X.astype(np.float16))))
write("npy", "u1", saved(np.save, y.astype(np.uint8)))
write("npz", "plain", saved(np.savez, X=X, y=y))
write("npz", "deflated", saved(np.savez_compressed, x_train=X, y_train=y, x_test=X, y_test=y))
write("npz", "text_labels", saved(np.savez, x=X, label=np.array(["a", "b", "a", "b"])))
# Sparse matrices of SciPy, with labels and without.
rows, columns = np.nonzero(X)
counts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=4))])
csr = dict(format=b"csr", shape=X.shape, data=X[rows, columns], indices=columns.astype("i4"), indptr=counts.astype("i4"))
coo = dict(format="coo", shape=X.shape, data=X[rows, columns], row=rows, col=columns)
write("npz", "csr", saved(np.savez, y=y, **csr))
write("npz", "coo", saved(np.savez_compressed, y=y, **coo))
write("features", "csr", saved(np.savez, **csr))
write("features", "coo", saved(np.savez, **coo))
write("features", "f4", saved(np.save, X))
images = struct.pack(">BBBBIII", 0, 0, 8, 3, 4, 2, 2) + bytes(range(16))
labels = struct.pack(">BBBBI", 0, 0, 8, 1, 4) + bytes([0, 1, 0, 1])
write("idx", "pair", images + b"\0" * (3 * len(labels) - len(images)) + labels)
write("sparse", "one_based", "1 1:0.5 3:2 # first\n0 2:1\n1 3:-1e-3\n")
write("sparse", "zero_based", "+1 qid:1 0:0.5 2:2\n-1 qid:1 1:1\n")
frame = pa.table({"x": [1.0, None, 3.0], "s": ["a", "b", None], "label": ["u", "v", "u"], "t": pa.array([1, 2, 3], pa.timestamp("s"))})
for codec in ["none", "snappy", "zstd", "gzip", "lz4"]:
    out = io.BytesIO()
    pq.write_table(frame, out, compression=codec)
    write("parquet", codec, out.getvalue())
for name, new in [("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)]:
    out = io.BytesIO()
    with new(out, frame.schema) as writer:
        writer.write_table(frame)
    write("arrow", name, out.getvalue())
out = io.BytesIO()
with pa.ipc.new_stream(out, frame.schema) as writer:
    writer.write_table(frame)
state = '{"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_indices_data_files": null, "_split": "train"}'
info = '{"features": {"x": {"dtype": "float64", "_type": "Value"}, "label": {"names": ["u", "v"], "_type": "ClassLabel"}}}'
write("saved", "stream", f"{state}\n--\n{info}\n--\n".encode() + out.getvalue())
pictures = {
    # One pixel, or two, as simple as the formats allow.
    "bmp": struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 62, 0, 0, 54, 40, 2, 1, 1, 24, 0, 8, 0, 0, 0, 0) + bytes(8),
    "gif": b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
}
chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
pictures["png"] = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(14))) + chunk(b"IEND", b"")
for name, content in pictures.items():
    write("pictures", name, content)
write("json_lines", "columns", '{"x": [1, 2], "label": {"0": "u", "1": "v"}}')
write("json_lines", "split", '{"columns": ["x", "label"], "index": [0, 1], "data": [[1, "u"], [2, "v"]]}')
write("json_lines", "lines", '{"x": 1.5, "s": "a", "label": 1}\n{"x": null, "label": 0, "b": true}\n')
write("json_lines", "list", '[{"x": 1, "label": "u"}, {"x": 2, "label": "v"}]')
write("arff", "dense", "@relation t\n@attribute x numeric\n@attribute s {a,'b c'}\n@attribute class {u,v}\n@data\n1,a,u\n?,'b c',v\n")
write("arff", "sparse", "@relation t\n@attribute x numeric\n@attribute y numeric\n@attribute class {u,v}\n@data\n{0 1, 2 u}\n{1 2, 2 v}\n")
for path in [*ROOT.glob("experiments/*.toml"), *ROOT.glob("experiments/architecture/*.toml")]:
    write("plan", path.stem, path.read_bytes())
write("plan", "set", "[transfer]\ntargets = [\"iris\"]\n\n--set episode.rounds=3")
for number, text in enumerate(["margin", "power(mc(margin), beta=2)", "capped(badge, 200)", "ensemble(bald, members=3)", "switch(random, 10, margin)"]):
    write("specification", str(number), text)
write("card", "universal", (ROOT / "policies/universal/card.toml").read_bytes())
write("weights", "universal", (ROOT / "policies/universal/policy.safetensors").read_bytes())
write("architecture", "dense", '{"inputs": 4, "blocks": [{"dense": {"width": 8}}], "outputs": 3, "dropout": 0.0}')
if len(sys.argv) > 1:
    run = Path(sys.argv[1])
    write("manifest", "smoke", (run / "manifest.json").read_bytes())
    write("architecture", "smoke", (run / "arch.json").read_bytes())
    # A few lines of it: every mutation decodes the whole.
    for name in ["journal", "rows.jsonl"]:
        content = (run / name).read_bytes()
        write("journal", name.replace(".", "_"), content[: content.find(b"\n", 4000) + 1 or 4000])
