"""One small table in every format, as the libraries of the field write it, for the readers' tests.

    python3 -m venv venv
    venv/bin/pip install numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1 scikit-learn==1.9.1 scipy==1.17.1 pillow==13.0.0 zstandard==0.25.0
    venv/bin/python tests/formats/make.py
"""

import gzip
import json
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import scipy.sparse
import sklearn.datasets
import zstandard
from PIL import Image

HERE = pathlib.Path(__file__).parent

X = np.array(
    [
        [0.25, 7, -1.5],
        [3.5, 2, 0.0],
        [0.0, 11, 8.125],
        [1.75, 2, -0.5],
        [9.5, 30, 2.25],
        [0.5, 4, 100.0],
        [2.0, 19, -7.75],
        [6.25, 3, 0.375],
    ]
)
NAMES = ["eggs", "ham", "spam"]
Y = np.array([1, 2, 1, 0, 2, 2, 0, 1])
table = pd.DataFrame(X, columns=["width", "count", "depth"]).astype({"count": int})
table["label"] = [NAMES[y] for y in Y]


def write(name, text):
    (HERE / name).write_bytes(text if isinstance(text, bytes) else text.encode())


# Delimited text.
csv = table.to_csv(index=False)
write("comma.csv", csv)
write("mark.csv", b"\xef\xbb\xbf" + csv.replace("\n", "\r\n").encode())
write("gzip.csv.gz", gzip.compress(csv.encode(), mtime=0))
write("zstandard.csv.zst", zstandard.ZstdCompressor().compress(csv.encode()))
write("tab.tsv", table.to_csv(index=False, sep="\t"))
write("semicolon.csv", table.to_csv(index=False, sep=";", decimal=","))
write("pipe.psv", table.to_csv(index=False, sep="|"))
write("blanks.data", table.to_string(index=False) + "\n")
write("headless.csv", table.to_csv(index=False, header=False))
write("trailing.csv", csv.replace("\n", ",\n"))
write("quoted.txt", table.to_csv(index=False, quoting=1, sep="\t"))

# Columns.
typed = pa.Table.from_pandas(table, preserve_index=False)
pa.parquet.write_table(typed, HERE / "plain.parquet", compression="none")
pa.parquet.write_table(typed, HERE / "snappy.parquet", row_group_size=3)
category = pa.Table.from_pandas(table.astype({"label": "category"}), preserve_index=False)
pa.parquet.write_table(category, HERE / "category.parquet", compression="zstd", data_page_version="2.0")
with pa.OSFile(str(HERE / "file.arrow"), "wb") as sink, pa.ipc.new_file(sink, category.schema) as writer:
    writer.write_table(category, max_chunksize=3)
with pa.OSFile(str(HERE / "stream.arrows"), "wb") as sink, pa.ipc.new_stream(sink, typed.schema) as writer:
    writer.write_table(typed)
pa.feather.write_feather(table, str(HERE / "lz4.feather"))
pa.feather.write_feather(table, str(HERE / "zstandard.feather"), compression="zstd")

# Records.
write("lines.jsonl", table.to_json(orient="records", lines=True))
write("records.json", table.to_json(orient="records", indent=1))
write("columns.json", table.to_json())
write("lists.json", json.dumps(table.to_dict(orient="list"), indent=1))

# ARFF, dense and sparse.
head = "% a comment\n@RELATION 'a table'\n\n" + "".join(
    f"@ATTRIBUTE {name} {kind}\n" for name, kind in [("width", "REAL"), ("'count'", "integer"), ("depth", "NUMERIC")]
)
head += "@ATTRIBUTE label {" + ", ".join(NAMES) + "}\n\n@DATA\n"
write("dense.arff", head + table.to_csv(index=False, header=False))
rows = []
for values, y in zip(X, Y):
    entries = [f"{column} {value:g}" for column, value in enumerate(values) if value]
    rows.append("{" + ", ".join(entries + ([f"3 {NAMES[y]}"] if y else [])) + "}\n")
write("sparse.arff", head + "".join(rows))

# Arrays.
np.savez(HERE / "usual.npz", X=X, y=Y)
np.savez_compressed(HERE / "texts.npz", data=X.astype("f4"), target=np.array(table["label"], dtype="U"))
np.savez(HERE / "bytes.npz", x=np.asfortranarray(X), labels=np.array(table["label"], dtype="S")[:, None])
np.savez(HERE / "one_hot.npz", features=X, targets=np.eye(3)[Y])
np.savez(HERE / "fine_and_coarse.npz", X=X, y=Y, coarse=(Y > 0), names=np.array(NAMES))
np.savez(HERE / "parts.npz", x_train=X[:5], y_train=Y[:5].astype(float), x_test=X[5:], y_test=Y[5:].astype(float))

# Sparse text.
sklearn.datasets.dump_svmlight_file(X, Y, str(HERE / "zero.svmlight"), zero_based=True)
sklearn.datasets.dump_svmlight_file(X, Y, str(HERE / "one.libsvm"), zero_based=False, query_id=np.arange(8) // 4)

# Sparse matrices of SciPy, alone and with labels in the archive.
sparse = scipy.sparse.csr_matrix(X)
scipy.sparse.save_npz(HERE / "csr.npz", sparse)
for matrix in [sparse.tocsc(), sparse.tocoo()]:
    parts = ["indices", "indptr"] if matrix.format == "csc" else ["row", "col"]
    arrays = {part: getattr(matrix, part) for part in ["data", "shape", *parts]}
    np.savez(HERE / f"{matrix.format}.npz", format=matrix.format, y=np.array(NAMES)[Y], **arrays)

# What the `datasets` library saves, in its layout.
features = {
    "width": {"dtype": "float64", "_type": "Value"},
    "count": {"dtype": "int64", "_type": "Value"},
    "depth": {"dtype": "float64", "_type": "Value"},
    "label": {"names": NAMES, "_type": "ClassLabel"},
}
numbered = pa.Table.from_pandas(table.assign(label=Y), preserve_index=False)


def save(folder, part, shards):
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for shard in range(shards):
        name = f"data-{shard:05}-of-{shards:05}.arrow"
        rows = part.slice(shard * len(part) // shards, (shard + 1) * len(part) // shards - shard * len(part) // shards)
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        files.append({"filename": name})
    info = {"description": "", "features": features}
    (folder / "dataset_info.json").write_text(json.dumps(info, indent=2))
    state = {"_data_files": files, "_fingerprint": "0", "_format_type": None, "_split": None}
    (folder / "state.json").write_text(json.dumps(state, indent=2))


save(HERE / "saved", numbered, 2)
save(HERE / "saved_parts" / "train", numbered.slice(0, 5), 1)
save(HERE / "saved_parts" / "test", numbered.slice(5), 1)
(HERE / "saved_parts" / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))

# Pictures: as arrays of either order, in folders, in the layout of MedMNIST, and in a Parquet file of the hub.
generator = np.random.default_rng(0)
pictures = generator.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
kinds = np.array([0, 1, 0, 1, 1, 0])
np.savez(HERE / "channels_last.npz", X=pictures, y=kinds)
np.savez(HERE / "channels_first.npz", X=pictures.transpose(0, 3, 1, 2), y=kinds)
np.savez(
    HERE / "medical.npz",
    **{
        f"{part}_{what}": array[rows] if what == "images" else array[rows, None]
        for part, rows in [("train", slice(0, 3)), ("val", slice(3, 4)), ("test", slice(4, 6))]
        for what, array in [("images", pictures), ("labels", kinds)]
    },
)
encoded = []
for number, (picture, kind) in enumerate(zip(pictures, kinds)):
    folder = HERE / "pictures" / ["cat", "dog"][kind]
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / f"{number}.png")
    encoded.append({"bytes": (folder / f"{number}.png").read_bytes(), "path": f"{number}.png"})
hub = pa.table({"image": encoded, "label": kinds})
info = {"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
hub = hub.replace_schema_metadata({"huggingface": json.dumps(info)})
(HERE / "hub" / "data").mkdir(parents=True, exist_ok=True)
pa.parquet.write_table(hub.slice(0, 4), HERE / "hub" / "data" / "train-00000-of-00001.parquet")
pa.parquet.write_table(hub.slice(4), HERE / "hub" / "data" / "test-00000-of-00001.parquet")

# Small files that ask for much memory: runs of one value, and one long text in every row.
runs = pa.table({"label": pa.array(np.zeros(1 << 24, dtype="i1")), "x": pa.array(np.zeros(1 << 24))})
pa.parquet.write_table(runs, HERE / "runs.parquet", compression="zstd", row_group_size=1 << 24, data_page_size=1 << 30, max_rows_per_page=1 << 24)
text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, dtype="i4")), pa.array(["a" * (1 << 20)]))
long = pa.table({"label": text, "x": pa.array(np.zeros(100_000))})
pa.parquet.write_table(long, HERE / "texts.parquet", compression="zstd", write_statistics=False)
pa.feather.write_feather(long, str(HERE / "texts.feather"), compression="zstd")
