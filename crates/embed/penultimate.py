"""Cuts an ONNX classifier before its last layer: what that layer reads becomes the one output.

    pip install onnx
    python crates/embed/penultimate.py CLASSIFIER.onnx FEATURES.onnx [--tensor NAME]

The last layer is the last product with a matrix of weights. `--tensor` names what to take instead; the names are printed
where there is none of that name.
"""

import argparse

import onnx
from onnx import helper, shape_inference

parser = argparse.ArgumentParser()
parser.add_argument("classifier")
parser.add_argument("features")
parser.add_argument("--tensor")
args = parser.parse_args()

model = onnx.load(args.classifier)
graph = model.graph
constants = {weights.name for weights in graph.initializer}
constants |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
makers = {name: node for node in graph.node for name in node.output}
tensor = args.tensor
if tensor is None:
    layers = [node for node in graph.node if node.op_type in ("Gemm", "MatMul") and constants & set(node.input)]
    if not layers:
        raise SystemExit("no layer that multiplies by a matrix of weights: name what to take with --tensor")
    tensor = next(name for name in layers[-1].input if name not in constants)
if tensor not in makers:
    raise SystemExit(f"{args.classifier} computes no {tensor}; it computes {', '.join(makers)}")

# What the tensor is computed from, and nothing else.
needed, open_names = set(), [tensor]
while open_names:
    node = makers.get(open_names.pop())
    if node is not None and node.output[0] not in needed:
        needed.add(node.output[0])
        open_names.extend(name for name in node.input if name)
nodes = [node for node in graph.node if node.output[0] in needed]
read = {name for node in nodes for name in node.input}
for field, kept in (
    ("node", nodes),
    ("initializer", [weights for weights in graph.initializer if weights.name in read]),
    ("input", [port for port in graph.input if port.name in read]),
    ("output", [helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None)]),
):
    graph.ClearField(field)
    getattr(graph, field).extend(kept)
model = shape_inference.infer_shapes(model)
onnx.checker.check_model(model)
onnx.save(model, args.features)
print(f"{args.features} gives {tensor}")
