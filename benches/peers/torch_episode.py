"""Episodes per second of a plain PyTorch script beside the engine's, by margin, on one thread each.

    python benches/peers/torch_episode.py [path of the episode benchmark's executable]

The protocol is that of benches/episode.rs: pools of 2,000 rows, one label per class, twenty queries of ten
rows, fifty epochs of Adam from fresh weights after each, accuracy on two held-out parts of 600 rows. The
two are timed alternately in one run; the ratio is the median over turns. Data are drawn here with the same
shapes: neither side's time depends on their values. The last line is JSON.
"""

import json
import statistics
import subprocess
import sys
import time

import torch

torch.set_num_threads(1)
CASES = {"digits": ([64, 24, 12, 10], 64), "dna": ([180, 24, 24, 12, 3], 43), "splice": ([60, 24, 24, 12, 2], 64)}
POOL, HELD, ROUNDS, QUERY, EPOCHS, TURNS = 2_000, 600, 20, 10, 50, 3
ENGINE = sys.argv[1:] or ["cargo", "bench", "--bench", "episode", "--"]


def network(widths):
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def train(net, inputs, labels, batch):
    optimiser = torch.optim.Adam(net.parameters(), fused=True)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(labels)).split(batch):
            loss = torch.nn.functional.cross_entropy(net(inputs[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def accuracy(net, part):
    with torch.no_grad():
        return (net(part[0]).argmax(1) == part[1]).float().mean().item()


def episode(widths, batch):
    classes = widths[-1]

    def part(rows):
        return torch.randn(rows, widths[0]), torch.arange(rows) % classes

    (inputs, labels), reward, test = part(POOL), part(HELD), part(HELD)
    start = time.perf_counter()
    known = torch.arange(classes)
    curve = []
    for index in range(ROUNDS + 1):
        net = network(widths)
        train(net, inputs[known], labels[known], batch)
        curve.append((accuracy(net, reward), accuracy(net, test)))
        if index < ROUNDS:
            with torch.no_grad():
                top = net(inputs).softmax(1).topk(2).values
            margin = top[:, 0] - top[:, 1]
            margin[known] = torch.inf
            known = torch.cat([known, margin.topk(QUERY, largest=False).indices])
    return time.perf_counter() - start


def engine(name):
    done = subprocess.run([*ENGINE, name, "margin", "--bench"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])["rows"][0]["episodes_per_second"]


rows = []
for name, (widths, batch) in CASES.items():
    episode(widths, batch)
    turns = [(engine(name), 1.0 / episode(widths, batch)) for _ in range(TURNS)]
    own, torchs = (statistics.median(column) for column in zip(*turns))
    ratio = statistics.median(a / b for a, b in turns)
    print(f"{name:>8} engine {own:8.1f}/s   PyTorch {torchs:6.2f}/s   ratio {ratio:6.0f}", file=sys.stderr)
    rows.append({"task": name, "engine": own, "torch": torchs, "ratio": ratio})
print(json.dumps({"torch": torch.__version__, "rows": rows}))
