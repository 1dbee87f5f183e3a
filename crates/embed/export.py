"""Exports an encoder of texts of the `transformers` or `sentence-transformers` library for `querist embed`.

    pip install torch transformers onnx
    python crates/embed/export.py MODEL FOLDER [--pooling mean|cls] [--torchscript]

MODEL is a name on the Hugging Face hub or a folder. FOLDER gets `model.onnx` (or `model.pt`), whose one output is a vector
per text, and `tokenizer.json`. How tokens become one vector, and after how many of them texts are cut, is what the files of
`sentence-transformers` say, where the model has them; else it is the mean, and what the tokenizer says.
"""

import argparse
import json
import pathlib

import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import cached_file

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--pooling", choices=["mean", "cls"])
parser.add_argument("--torchscript", action="store_true")
args = parser.parse_args()


def settings(name):
    path = cached_file(args.model, name, _raise_exceptions_for_missing_entries=False)
    return json.loads(pathlib.Path(path).read_text()) if path else {}


def pooling():
    own = settings("1_Pooling/config.json")
    # Older files have a key for each rule instead of the rule's name.
    rules = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    modes = [rules.get(key, key) for key, on in own.items() if key.startswith("pooling_mode_") and on is True]
    mode = own.get("pooling_mode", modes[0] if len(modes) == 1 else modes or "mean")
    if mode not in ("mean", "cls"):
        raise SystemExit(f"{args.model} was trained with the pooling {mode}, which is not exported here")
    return mode


class Encoder(torch.nn.Module):
    def __init__(self, pooling):
        super().__init__()
        # Fused attention cannot be exported.
        self.model = AutoModel.from_pretrained(args.model, attn_implementation="eager", return_dict=False)
        self.pooling = pooling

    def forward(self, input_ids, attention_mask):
        tokens = self.model(input_ids=input_ids, attention_mask=attention_mask)[0]
        if self.pooling == "cls":
            return tokens[:, 0]
        mask = attention_mask[:, :, None].to(tokens.dtype)
        return (tokens * mask).sum(1) / mask.sum(1)


args.folder.mkdir(parents=True, exist_ok=True)
tokenizer = AutoTokenizer.from_pretrained(args.model)
example = tokenizer(["a text", "another text, and a longer one"], padding=True, return_tensors="pt")
inputs = (example["input_ids"], example["attention_mask"])
longest = settings("sentence_bert_config.json").get("max_seq_length")
if longest:
    tokenizer.backend_tokenizer.enable_truncation(longest)
tokenizer.backend_tokenizer.save(str(args.folder / "tokenizer.json"))
encoder = Encoder(args.pooling or pooling()).eval()
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
