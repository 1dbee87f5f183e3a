"""Files that other tools read, made and read by those tools.

    pip install pandas pyarrow tensorboard
    python tests/golden/exports.py write     # makes events.tfevents with TensorBoard's own writer
    python tests/golden/exports.py rows      # has pyarrow read rows.parquet, and compares
    python tests/golden/exports.py read RUN  # reads the exports of a run's folder, and compares them

`read` is done by hand after a run, such as `querist run experiments/smoke.toml`."""
import json, math, pathlib, sys

HERE = pathlib.Path(__file__).parent
SHARES = ("accuracy", "balanced_accuracy", "macro_f1", "reward_accuracy")


def write():
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    means = {3: (0.75, 0.375, 0.125, 0.25, 2), 300: (0.875, 0.4375, 0.125, 0.25, 1)}
    with (HERE / "events.tfevents").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
        for step, scalars in means.items():
            tags = [f"iris/{share}" for share in SHARES] + ["iris/repetitions"]
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in zip(tags, scalars)]
            writer.write(Event(wall_time=0.0, step=step, summary=Summary(value=values)).SerializeToString())
        writer.flush()
    # A wall time of zero is the default, which the encoder leaves out and which is written here.
    zero = b"\x09" + bytes(8)
    rewritten = b"".join(framed(zero + content) for content in contents(HERE / "events.tfevents"))
    (HERE / "events.tfevents").write_bytes(rewritten)


def framed(content):
    from tensorboard.summary.writer.record_writer import RecordWriter
    import io

    file = io.BytesIO()
    RecordWriter(file).write(content)
    return file.getvalue()


def contents(path):
    data, at = path.read_bytes(), 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        yield data[at + 12 : at + 12 + length]
        at += 16 + length


def rows():
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(HERE / "rows.parquet").to_pylist()
    assert len(table) == 20
    for at, row in enumerate(table):
        assert row == {
            "task": "iris", "strategy": "margin" if at % 2 else "random", "architecture": "4-3",
            "repetition": at, "round": at // 7, "labels": 2**32 - 1 - at, "accuracy": 1 / (at + 1),
            "balanced_accuracy": 1 / (at + 2), "macro_f1": 1 / (at + 3),
            "reward_accuracy": 0.5, "steps": 2**64 - 1 - at, "picks": list(range(at % 4)),
            "pick_ids": [f"id {pick}" for pick in range(at % 4)] if at % 3 == 0 else [],
            "note": f"row {at}" if at % 3 == 1 else None,
            "query_seconds": 0.125 * at if at % 5 != 4 else None,
        }, row
    print("rows.parquet: 20 rows as they were made")


def read(run):
    import pandas, pyarrow.parquet
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    rows = [json.loads(line) for line in (run / "rows.jsonl").open()]
    place = lambda row: tuple(row[key] for key in ("task", "strategy", "architecture", "repetition", "round"))
    times = {place(line): line["seconds"] for line in map(json.loads, (run / "selection.jsonl").open())}
    table = pandas.read_csv(run / "results.csv", dtype={"picks": str, "pick_ids": str})
    parquet = pyarrow.parquet.read_table(run / "rows.parquet").to_pylist()
    assert len(rows) == len(table) == len(parquet)
    for row, line, record in zip(rows, table.to_dict("records"), parquet):
        for key, value in row.items():
            assert record[key] == value, (key, record[key], value)
            if key == "picks":
                assert line[key] == " ".join(map(str, value)) or not value
            elif key == "pick_ids":
                assert json.loads(line[key]) == value
            else:
                assert line[key] == value, (key, line[key], value)
        assert row.get("note") == record["note"]
        seconds = times.get(place(row))
        assert record["query_seconds"] == seconds
        assert line["query_seconds"] == seconds or (seconds is None and math.isnan(line["query_seconds"]))
    means = table.groupby(["strategy", "task", "labels"])[list(SHARES)].mean()
    seen = 0
    for folder in sorted((run / "tensorboard").iterdir()):
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
        events.Reload()
        for tag in events.Tags()["scalars"]:
            task, what = tag.rsplit("/", 1)
            if what not in SHARES:
                continue
            for scalar in events.Scalars(tag):
                close = [
                    name
                    for name in means.index.get_level_values("strategy").unique()
                    if (name, task, scalar.step) in means.index
                    and abs(means[what][(name, task, scalar.step)] - scalar.value) < 1e-6
                ]
                assert close, (folder.name, tag, scalar)
                seen += 1
    assert seen == means.size, (seen, means.size)
    print(f"{run}: {len(rows)} rows the same in JSONL, CSV and Parquet; {seen} means in TensorBoard's files")


if __name__ == "__main__":
    {"write": write, "rows": rows}.get(sys.argv[1], lambda: [read(pathlib.Path(run)) for run in sys.argv[2:]])()
