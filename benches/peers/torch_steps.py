"""Gradient steps per second of PyTorch on the shapes of benches/engine.rs, on one thread.

    python benches/peers/torch_steps.py

Two ways: one network as nn.Sequential with fused Adam, and 16 networks stacked in batched products.
Mini-batches are gathered from a pool in every step, as the engine does. The last line is JSON.
"""

import json
import statistics
import time

import torch

torch.set_num_threads(1)
SHAPES = [([64, 24, 12, 10], 64), ([256, 100, 10], 64), ([384, 10], 64), ([180, 24, 24, 12, 3], 43)]
BLOCKS, SECONDS = 5, 0.5


def data(widths, batch, nets):
    rows = 4 * batch
    return torch.randn(nets, rows, widths[0]), torch.randint(widths[-1], (nets, rows))


def single(widths, batch):
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    optimiser = torch.optim.Adam(net.parameters(), fused=True)
    inputs, labels = (tensor[0] for tensor in data(widths, batch, 1))

    def step():
        rows = torch.randint(len(labels), (batch,))
        loss = torch.nn.functional.cross_entropy(net(inputs[rows]), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step, 1


def stacked(widths, batch, nets=16):
    weights, biases = [], []
    for fan_in, fan_out in zip(widths, widths[1:]):
        bound = fan_in**-0.5
        weights.append((torch.rand(nets, fan_in, fan_out) * 2 - 1).mul_(bound).requires_grad_())
        biases.append((torch.rand(nets, 1, fan_out) * 2 - 1).mul_(bound).requires_grad_())
    optimiser = torch.optim.Adam(weights + biases, fused=True)
    inputs, labels = data(widths, batch, nets)
    net = torch.arange(nets).unsqueeze(1)

    def step():
        rows = torch.randint(labels.shape[1], (nets, batch))
        x = inputs[net, rows]
        for layer, (weight, bias) in enumerate(zip(weights, biases)):
            x = torch.baddbmm(bias, x, weight)
            if layer + 1 < len(weights):
                x = torch.relu(x)
        loss = torch.nn.functional.cross_entropy(x.flatten(0, 1), labels[net, rows].flatten()) * nets
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step, nets


def rate(step, nets):
    for _ in range(20):
        step()
    rates = []
    for _ in range(BLOCKS):
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS:
            step()
            count += 1
        rates.append(nets * count / (time.perf_counter() - start))
    return statistics.median(rates)


rows = []
for widths, batch in SHAPES:
    for make in (single, stacked):
        step, nets = make(widths, batch)
        found = rate(step, nets)
        shape = "-".join(map(str, widths))
        print(f"{shape:>16}  bank {nets:>2}  {found:>9.0f} net-steps/s")
        rows.append({"shape": shape, "bank": nets, "batch": batch, "steps_per_second": found})
print(json.dumps({"torch": torch.__version__, "rows": rows}))
