"""Writes the models and the tokenizer of the tests. Needs `pip install onnx`; run it in this folder."""

import json

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper


def save(name, nodes, inputs, outputs, constants):
    constants = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = h.make_graph(nodes, name, inputs, outputs, constants)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], producer_name="querist", ir_version=8)
    onnx.checker.check_model(model)
    with open(f"{name}.onnx", "wb") as file:
        file.write(model.SerializeToString())


def value(name, kind, *shape):
    return h.make_tensor_value_info(name, kind, shape)


# A vector of three numbers per token: token k has (k, 10 k, -k). `pooled` is their sum over all tokens, padding too.
table = np.outer(np.arange(6), [1, 10, -1]).astype(np.float32)
save(
    "tokens",
    [
        h.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"]),
        h.make_node("ReduceSum", ["last_hidden_state", "axis"], ["pooled"], keepdims=0),
    ],
    [value("input_ids", T.INT64, "n", "t"), value("attention_mask", T.INT64, "n", "t")],
    [value("last_hidden_state", T.FLOAT, "n", "t", 3), value("pooled", T.FLOAT, "n", 3)],
    {"table": table, "axis": np.array([1], dtype=np.int64)},
)

# y = x W + b.
weights = np.array([[1, 0], [0, 1], [1, 1], [2, -1]], dtype=np.float32)
save(
    "linear",
    [h.make_node("Gemm", ["x", "w", "b"], ["y"])],
    [value("x", T.FLOAT, "n", 4)],
    [value("y", T.FLOAT, "n", 2)],
    {"w": weights, "b": np.array([0.5, -0.5], dtype=np.float32)},
)

# The mean of every channel of pictures of 8 by 8.
save(
    "picture",
    [h.make_node("GlobalAveragePool", ["pixel_values"], ["maps"])],
    [value("pixel_values", T.FLOAT, "n", 3, 8, 8)],
    [value("maps", T.FLOAT, "n", 3, 1, 1)],
    {},
)

def numbers(*shape):
    """Weights that tests in Rust make again to the bit."""
    count = np.arange(np.prod(shape))
    return (count * 37 % 101 / 101 - 0.5).astype(np.float32).reshape(shape)


# A classifier of pictures of 6 by 6: a convolution, the mean of its maps, and one layer over these `features`.
save(
    "classifier",
    [
        h.make_node("Conv", ["pixels", "kernel", "shift"], ["maps"]),
        h.make_node("Relu", ["maps"], ["positive"]),
        h.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
        h.make_node("Flatten", ["pooled"], ["features"]),
        h.make_node("Gemm", ["features", "w", "b"], ["logits"]),
    ],
    [value("pixels", T.FLOAT, "n", 3, 6, 6)],
    [value("logits", T.FLOAT, "n", 2), value("features", T.FLOAT, "n", 4)],
    {"kernel": numbers(4, 3, 3, 3), "shift": numbers(4), "w": numbers(4, 2), "b": numbers(2)},
)

# An encoder of texts: vectors of words, each replaced by a mean of all, weighted by attention, which padding has no part in.
save(
    "sentence",
    [
        h.make_node("Gather", ["table", "input_ids"], ["words"]),
        h.make_node("Transpose", ["words"], ["across"], perm=[0, 2, 1]),
        h.make_node("MatMul", ["words", "across"], ["products"]),
        h.make_node("Cast", ["attention_mask"], ["mask"], to=T.FLOAT),
        h.make_node("Sub", ["mask", "one"], ["absent"]),
        h.make_node("Mul", ["absent", "large"], ["penalty"]),
        h.make_node("Unsqueeze", ["penalty", "axis"], ["penalties"]),
        h.make_node("Add", ["products", "penalties"], ["scores"]),
        h.make_node("Softmax", ["scores"], ["weights"], axis=-1),
        h.make_node("MatMul", ["weights", "words"], ["last_hidden_state"]),
    ],
    [value("input_ids", T.INT64, "n", "t"), value("attention_mask", T.INT64, "n", "t")],
    [value("last_hidden_state", T.FLOAT, "n", "t", 5)],
    {
        "table": numbers(6, 5),
        "one": np.array([1], dtype=np.float32),
        "large": np.array([1e4], dtype=np.float32),
        "axis": np.array([1], dtype=np.int64),
    },
)

# An input that nothing in the program is for.
save(
    "speech",
    [h.make_node("Identity", ["input_values"], ["y"])],
    [value("input_values", T.STRING, "n", "t")],
    [value("y", T.STRING, "n", "t")],
    {},
)

words = {"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3, "film": 4, "book": 5}
tokenizer = {
    "version": "1.0",
    "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
    "padding": None,
    "added_tokens": [],
    "normalizer": {"type": "Lowercase"},
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"},
}
with open("tokenizer.json", "w") as file:
    json.dump(tokenizer, file, indent=1)
    file.write("\n")
