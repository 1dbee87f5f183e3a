"""Exports an encoder of texts of the `transformers` library for `querist embed`, with its pooling inside.

    pip install torch transformers onnx
    python crates/embed/export.py MODEL FOLDER [--pooling mean|cls] [--torchscript]

MODEL is a name on the Hugging Face hub or a folder. FOLDER gets `model.onnx` (or `model.pt`), whose one output is a vector
per text, and `tokenizer.json`.
"""

import argparse
import pathlib

import torch
from transformers import AutoModel, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--pooling", choices=["mean", "cls"], default="mean")
parser.add_argument("--torchscript", action="store_true")
args = parser.parse_args()


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        # Fused attention cannot be exported.
        self.model = AutoModel.from_pretrained(args.model, attn_implementation="eager", return_dict=False)

    def forward(self, input_ids, attention_mask):
        tokens = self.model(input_ids=input_ids, attention_mask=attention_mask)[0]
        if args.pooling == "cls":
            return tokens[:, 0]
        mask = attention_mask[:, :, None].to(tokens.dtype)
        return (tokens * mask).sum(1) / mask.sum(1)


args.folder.mkdir(parents=True, exist_ok=True)
tokenizer = AutoTokenizer.from_pretrained(args.model)
tokenizer.backend_tokenizer.save(str(args.folder / "tokenizer.json"))
example = tokenizer(["a text", "another text, and a longer one"], padding=True, return_tensors="pt")
inputs = (example["input_ids"], example["attention_mask"])
encoder = Encoder().eval()
with torch.no_grad():
    if args.torchscript:
        torch.jit.trace(encoder, inputs).save(str(args.folder / "model.pt"))
    else:
        axes = {0: "texts", 1: "tokens"}
        torch.onnx.export(
            encoder,
            inputs,
            str(args.folder / "model.onnx"),
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "embedding": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )
