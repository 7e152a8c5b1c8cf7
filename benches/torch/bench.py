"""What `marionette bench network` measures, of the network's twin in PyTorch, on the CPU in f32.

Eager PyTorch in the layout, with the AdamW and with the waiting of OpenMP's threads that are fastest here: unless they
are named, each is tried first, in another process, so that trying does not count as memory.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

import torch
from torch.nn import functional as F

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "examples", "python"))
from nano import Nano
from small import Small

TWINS = {"nano": Nano, "small": Small}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
ADAMW = {"default": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}
# Threads that spin while they wait lose most of their time once another program wants a core. None: OpenMP's default.
WAITS = {"default": None, "passive": "PASSIVE"}
WARM_UP = 3
SIGMA = 1.0  # deviation of the targets, cells
# As a run's: crates/marionette-train/src/trainer/settings.rs.
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 1e-4


def status(key):  # bytes; None where the system does not say
    try:
        with open("/proc/self/status") as file:
            return int(re.search(rf"^{key}:\s*(\d+) kB", file.read(), re.MULTILINE)[1]) << 10
    except (OSError, TypeError):
        return None


def forget_peak():  # makes Linux count VmHWM anew
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def noise(twin, batch, keypoints, layout):  # images, and unit-sum Gaussians at random places [B, K, h w]
    random = torch.Generator().manual_seed(1)
    images = torch.rand(batch, 3, twin.size, twin.size, generator=random) * 4 - 2
    side = twin.size // twin.stride
    cells = torch.arange(side, dtype=torch.float32)
    places = torch.rand(2, batch, keypoints, 1, generator=random) * side - 0.5
    columns, rows = torch.exp(-((cells - places) ** 2) / (2 * SIGMA**2))
    heatmaps = (rows[..., :, None] * columns[..., None, :]).flatten(2)
    return images.to(memory_format=layout), heatmaps / heatmaps.sum(2, keepdim=True)


def adamw(twin, **options):  # biases and batch norm do not decay
    parameters = list(twin.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8, **options)


def divergence(logits, targets):  # the cross-entropy minus the targets' entropy
    # All keypoints are labelled: the mean of samples is that of all.
    return F.kl_div(F.log_softmax(logits.flatten(2), dim=2), targets, reduction="none").sum(2).mean()


class Learner:
    def __init__(self, args, layout, optimizer):
        torch.manual_seed(1)
        layout = LAYOUTS[layout]
        self.twin = TWINS[args.model](args.keypoints).to(memory_format=layout)
        self.images, self.targets = noise(self.twin, args.batch, args.keypoints, layout)
        self.optimizer = adamw(self.twin, **ADAMW[optimizer])

    def learn(self):
        self.twin.train()
        loss = divergence(self.twin(self.images), self.targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if not torch.isfinite(loss):
            raise RuntimeError(f"the loss is {loss.item()}")

    def infer(self):
        self.twin.eval()
        with torch.inference_mode():
            return self.twin(self.images).flatten().numpy().copy()


def rate(work, batch, seconds):  # samples per second; the time starts after the first batch
    work()
    count, began = 0, time.perf_counter()
    while True:
        work()
        count += batch
        elapsed = time.perf_counter() - began
        if elapsed >= seconds:
            return count / elapsed


def measured(work, batch, seconds):
    forget_peak()
    for _ in range(WARM_UP):
        work()
    samples_per_second = rate(work, batch, seconds)
    return {
        "ms": batch * 1e3 / samples_per_second,
        "samples_per_second": samples_per_second,
        "peak_memory_bytes": status("VmHWM"),
    }


def fastest(candidates, batch, seconds):  # the candidate with the best median of three rounds: its name and that median
    rounds = [{name: rate(work, batch, seconds) for name, work in candidates.items()} for _ in range(3)]
    medians = {name: statistics.median(rates[name] for rates in rounds) for name in candidates}
    best = max(medians, key=medians.get)
    return best, medians[best]


def choose(args):  # the fastest settings in this process, tried for `--seconds` in all, and how fast they were
    seconds = args.seconds / (3 * (2 * len(LAYOUTS) + len(ADAMW)))
    learners = {layout: Learner(args, layout, "default") for layout in LAYOUTS}
    try_out = lambda candidates: fastest(candidates, args.batch, seconds)
    infer_layout, infer_rate = try_out({layout: learner.infer for layout, learner in learners.items()})
    layout, _ = try_out({layout: learner.learn for layout, learner in learners.items()})
    optimizer, step_rate = try_out({name: Learner(args, layout, name).learn for name in ADAMW})
    settings = {"wait": args.wait, "infer_layout": infer_layout, "layout": layout, "optimizer": optimizer}
    return settings, infer_rate * step_rate


def choose_all(argv):  # the fastest settings, each way of waiting tried in a process of its own
    tried = [
        json.loads(subprocess.check_output([sys.executable, *argv, "--choose", "--wait", wait])) for wait in WAITS
    ]
    return max(tried, key=lambda settings_and_rate: settings_and_rate[1])[0]


def measure(args, settings):
    resident_before = status("VmRSS")
    learner = Learner(args, settings["infer_layout"], settings["optimizer"])
    inference = measured(learner.infer, args.batch, args.seconds)
    del learner
    learner = Learner(args, settings["layout"], settings["optimizer"])
    step = measured(learner.learn, args.batch, args.seconds)
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "model": args.model,
        "keypoints": args.keypoints,
        "batch": args.batch,
        **settings,
        "step": step,
        "inference": inference,
        "resident_before_bytes": resident_before,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=TWINS, default="nano", help="network to measure")
    parser.add_argument("--keypoints", type=int, default=17, help="heatmaps that it has")
    parser.add_argument("--batch", type=int, default=32, help="samples a batch")
    parser.add_argument("--threads", type=int, default=0, help="threads to use; 0 for one per core")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds that each measurement takes")
    parser.add_argument("--layout", choices=LAYOUTS, help="memory layout of the training step")
    parser.add_argument("--infer-layout", choices=LAYOUTS, help="memory layout of inference")
    parser.add_argument("--optimizer", choices=ADAMW, help="implementation of AdamW")
    parser.add_argument("--wait", choices=WAITS, help="how OpenMP's threads wait for each other")
    parser.add_argument("--choose", action="store_true", help="only say which settings are fastest, as JSON")
    parser.add_argument("--json", action="store_true", help="print what was measured as JSON")
    args = parser.parse_args()
    if args.wait and os.environ.get("OMP_WAIT_POLICY") != WAITS[args.wait]:
        # OpenMP reads it when it is loaded.
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        if WAITS[args.wait]:
            environment["OMP_WAIT_POLICY"] = WAITS[args.wait]
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(args.threads or cores)
    if args.choose:
        print(json.dumps(choose(args) if args.wait else choose_all(sys.argv)))
        return
    settings = {name: getattr(args, name) for name in ("wait", "infer_layout", "layout", "optimizer")}
    if None in settings.values():
        chosen = choose_all(sys.argv)
        flags = [f"--{name.replace('_', '-')}={settings[name] or chosen[name]}" for name in settings]
        os.execve(sys.executable, [sys.executable, *sys.argv, *flags], os.environ)
    report = measure(args, settings)
    if args.json:
        print(json.dumps(report, indent=2))
        return
    print(f"PyTorch {report['torch']}, {report['threads']} threads, {args.model} on batches of {args.batch}")
    print(f"  {settings}")
    mebibytes = lambda count: "unknown" if count is None else f"{count >> 20} MiB"
    for name in ("step", "inference"):
        one = report[name]
        print(
            f"  {name:<10} {one['ms']:8.1f} ms {one['samples_per_second']:9.1f} samples/s, "
            f"peak memory of the process {mebibytes(one['peak_memory_bytes'])}"
        )
    print(f"Memory of the process before it had a network: {mebibytes(report['resident_before_bytes'])}")


if __name__ == "__main__":
    main()
