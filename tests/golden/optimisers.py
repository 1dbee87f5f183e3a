"""Weights of a 5-4-3 perceptron after 25 steps of PyTorch's optimisers, for tests/engine.rs.

    python tests/golden/optimisers.py > tests/golden/optimisers.json

Weights are sines, inputs cosines, labels a remainder: both sides can make them without a file. Full
batches, learning rate 0.01, weight decay 0.01, float64 so that the reference is the better of the two.
"""

import json
import math

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

SHAPES = [(5, 4), (4, 3)]
ROWS = 12


def parameters():
    """Maps as (weight [in, out], bias [out]), in the order that the bank documents."""
    count, maps = 0, []
    for fan_in, fan_out in SHAPES:
        values = [0.5 * math.sin(1.0 + 0.7 * (count + i)) for i in range(fan_in * fan_out + fan_out)]
        count += len(values)
        weight = torch.tensor(values[: fan_in * fan_out]).reshape(fan_in, fan_out)
        maps.append((weight.requires_grad_(), torch.tensor(values[fan_in * fan_out :]).requires_grad_()))
    return maps


def train(make, loss_of):
    maps = parameters()
    flat = [tensor for pair in maps for tensor in pair]
    optimiser = make(flat)
    inputs = torch.tensor([[math.cos(0.3 * (5 * row + i)) for i in range(5)] for row in range(ROWS)])
    labels = torch.tensor([row % 3 for row in range(ROWS)])
    for _ in range(25):
        x = torch.relu(inputs @ maps[0][0] + maps[0][1])
        loss = loss_of(x @ maps[1][0] + maps[1][1], labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return [value for tensor in flat for value in tensor.detach().flatten().tolist()]


def squared(logits, labels):
    return torch.nn.functional.mse_loss(logits, torch.nn.functional.one_hot(labels, 3).double())


common = {"lr": 0.01, "weight_decay": 0.01}
optimisers = {
    "sgd": lambda p: torch.optim.SGD(p, **common),
    "momentum": lambda p: torch.optim.SGD(p, momentum=0.9, **common),
    "nesterov": lambda p: torch.optim.SGD(p, momentum=0.9, nesterov=True, **common),
    "adam": lambda p: torch.optim.Adam(p, **common),
    "nadam": lambda p: torch.optim.NAdam(p, **common),
}
losses = {"cross_entropy": torch.nn.functional.cross_entropy, "squared": squared}
print(
    json.dumps(
        {
            "torch": torch.__version__,
            "weights": {
                f"{optimiser}/{loss}": train(make, loss_of)
                for optimiser, make in optimisers.items()
                for loss, loss_of in losses.items()
            },
        },
        indent=1,
    )
)
