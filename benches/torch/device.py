"""Milliseconds of a bare training step of a twin in PyTorch on a graphics card (or, to try it, on the CPU), in every
way that may be the fastest: precision, memory layout, and with or without the whole step as one CUDA graph. Prints
JSON.

The step is that of bench.py and of `marionette bench network`: forward pass on the batch's statistics, heatmap
cross-entropy, backward pass, AdamW. Run by scripts/gpu-round.
"""
import argparse
import contextlib
import itertools
import json
import time

import torch

from bench import LAYOUTS, TWINS, WARM_UP, adamw, divergence, noise

PRECISIONS = ("f32", "tf32", "bf16")


class Step:
    def __init__(self, args, precision, layout):
        torch.manual_seed(1)
        layout = LAYOUTS[layout]
        device = torch.device(args.device)
        self.twin = TWINS[args.model](args.keypoints).to(device, memory_format=layout).train()
        self.images, self.targets = (each.to(device) for each in noise(self.twin, args.batch, args.keypoints, layout))
        self.device, self.precision = device, precision
        on_card = device.type == "cuda"
        self.optimizer = adamw(self.twin, fused=on_card, capturable=on_card)

    def learn(self):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.precision == "tf32"
        half = self.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16) if half else contextlib.nullcontext():
            logits = self.twin(self.images)
        loss = divergence(logits.float(), self.targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def captured(self):  # the same as one CUDA graph
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self.learn()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.learn()
        return graph.replay


def milliseconds(work, device, seconds):  # of one call
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for _ in range(WARM_UP):
        work()
    wait()
    count, began = 0, time.perf_counter()
    while True:
        for _ in range(10):
            work()
        wait()
        count += 10
        elapsed = time.perf_counter() - began
        if elapsed >= seconds:
            return 1e3 * elapsed / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=TWINS, default="nano", help="network to measure")
    parser.add_argument("--keypoints", type=int, default=17, help="heatmaps that it has")
    parser.add_argument("--batch", type=int, default=32, help="samples a batch")
    parser.add_argument("--device", default="cuda:0", help="where")
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds that each measurement takes")
    args = parser.parse_args()
    device = torch.device(args.device)
    on_card = device.type == "cuda"
    torch.backends.cudnn.benchmark = True
    ways = []
    for precision, layout, graph in itertools.product(PRECISIONS, LAYOUTS, (False, True)):
        if not on_card and (graph or precision == "tf32"):
            continue
        try:
            step = Step(args, precision, layout)
            work = step.captured() if graph else step.learn
            found = {"ms": milliseconds(work, device, args.seconds)}
        except RuntimeError as error:  # what this card or driver lacks
            found = {"error": str(error).splitlines()[0]}
        ways.append({"precision": precision, "layout": layout, "graph": graph, **found})
    name = torch.cuda.get_device_name(device) if on_card else "cpu"
    report = {"torch": torch.__version__, "device": name, "model": args.model, "batch": args.batch, "ways": ways}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
