"""Measures a bare training step and inference, ours and PyTorch's, in turns and each time in a fresh process.

Run by scripts/bench-train, which builds and installs what it takes. Before anything is measured, each twin must give
the program's own output with the program's own weights.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
MODELS = ("nano", "small")
PASSES = ("step", "inference")


def run(*command, **options):
    command = [str(part) for part in command]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def knows(marionette, model):  # whether the program has this network
    command = [marionette, "bench", "network", "--model", model, "--batch", "1", "--seconds", "0", "--pairs", "1"]
    tried = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if tried.returncode == 2 and "expected one of" in tried.stderr:
        return False
    if tried.returncode:
        sys.exit(tried.stderr)
    return True


def verify(marionette, model, folder):  # fails unless the twin is the same network
    trained, weights, check = (folder / f"{model}{suffix}" for suffix in ("", ".safetensors", ".check.safetensors"))
    settings = [f"--set={setting}" for setting in (f"model={model}", "batch=4", "exam.images=0")]
    run(marionette, "train", "quickstart", "--run", trained, "--steps", 2, *settings, "--quiet")
    run(marionette, "export", trained, "--format", "safetensors", "--out", weights, "--check", check)
    print(run(sys.executable, FOLDER / "check.py", weights, check), end="", flush=True)


def ours(args, model, batch, folder):
    path, threads = folder / "network.json", str(args.threads)
    command = [args.marionette, "bench", "network", "--model", model, "--batch", batch, "--device", "cpu", "--pairs", 1]
    command += ["--seconds", args.seconds, "--threads", threads, "--quiet", "--json", path]
    run(*command, env={**os.environ, "RAYON_NUM_THREADS": threads})
    report = json.loads(path.read_text())
    network = report["network"]
    for name in PASSES:  # one value each
        for key in ("ms", "samples_per_second"):
            network[name][key] = network[name][key]["median"]
    return {"version": report["machine"]["version"], **network}


def theirs(args, model, batch, *more):
    command = [sys.executable, FOLDER / "bench.py", "--model", model, "--batch", batch, "--threads", args.threads]
    return json.loads(run(*command, "--seconds", args.seconds, *more))


def pairs(args, model, batch, folder):  # [(ours, theirs)], and the settings of theirs
    settings = theirs(args, model, batch, "--choose")
    chosen = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    measured = []
    for number in range(args.pairs):
        print(f"{model}, batches of {batch}, pair {number + 1} of {args.pairs}", file=sys.stderr)
        both = {
            "ours": lambda: ours(args, model, batch, folder),
            "theirs": lambda: theirs(args, model, batch, "--json", *chosen),
        }
        # Each goes first every other time.
        order = ("ours", "theirs") if number % 2 == 0 else ("theirs", "ours")
        found = {who: both[who]() for who in order}
        if found["ours"]["keypoints"] != found["theirs"]["keypoints"]:
            sys.exit(f"other networks: {found['ours']['keypoints']} and {found['theirs']['keypoints']} heatmaps")
        measured.append((found["ours"], found["theirs"]))
    return measured, settings


def spread(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "values": values}


def memory(reports, name):  # median bytes of the whole process, and what the network added to it; None where unknown
    whole = [report[name].get("peak_memory_bytes") for report in reports]
    before = [report.get("resident_before_bytes") for report in reports]
    if None in whole or None in before:
        return None
    added = [peak - start for peak, start in zip(whole, before)]
    return {"whole_bytes": statistics.median(whole), "added_bytes": statistics.median(added)}


def summary(measured):
    passes = {}
    for name in PASSES:
        ours, theirs = ([pair[side][name]["samples_per_second"] for pair in measured] for side in (0, 1))
        passes[name] = {
            "marionette": spread(ours),
            "torch": spread(theirs),
            "ratio": spread([a / b for a, b in zip(ours, theirs)]),
            "marionette_ms": statistics.median(pair[0][name]["ms"] for pair in measured),
            "torch_ms": statistics.median(pair[1][name]["ms"] for pair in measured),
            "marionette_memory": memory([pair[0] for pair in measured], name),
            "torch_memory": memory([pair[1] for pair in measured], name),
        }
    return passes


def show_machine(report, pairs):
    print(
        f"{report['processor']}, {report['cores']} cores, load {report['load_before']:.1f} at the start; "
        f"{report['threads']} threads each; marionette {report['marionette']}; "
        f"PyTorch {report['torch']} (eager, CPU, f32); Python {report['python']}\n"
        f"Medians (lowest to highest) of {pairs} alternating pairs. "
        "Memory: the whole process at its peak (what the network added to it)."
    )


def show(model, batch, settings, passes):
    text = lambda s, digits: f"{s['median']:.{digits}f} ({s['low']:.{digits}f} to {s['high']:.{digits}f})"
    mebi = lambda count: f"{count / 2**20:.0f}"
    mebibytes = lambda m: f"{mebi(m['whole_bytes'])} ({mebi(m['added_bytes'])})" if m else "unknown"
    print(
        f"\n{model}, batches of {batch}; PyTorch's step {settings['layout']} with AdamW {settings['optimizer']}, "
        f"its inference {settings['infer_layout']}, its threads' waiting {settings['wait']}"
    )
    print(f"  {'':<23}{'marionette':<27}{'PyTorch':<27}marionette / PyTorch")
    for name, one in passes.items():
        figures = [text(one["marionette"], 1), text(one["torch"], 1), text(one["ratio"], 2)]
        print(f"  {name + ', samples/s':<23}{figures[0]:<27}{figures[1]:<27}{figures[2]}")
    for name, one in passes.items():
        print(f"  {name + ', ms a batch':<23}{one['marionette_ms']:<27.1f}{one['torch_ms']:.1f}")
    for name, one in passes.items():
        print(f"  {name + ', MiB':<23}{mebibytes(one['marionette_memory']):<27}{mebibytes(one['torch_memory'])}")
    sys.stdout.flush()


def processor():
    try:
        names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-train", description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="networks to measure: nano, small; both if left out")
    parser.add_argument("--batch", default="32,64", metavar="LIST", help="samples a batch (32,64)")
    parser.add_argument("--pairs", type=int, default=5, metavar="N", help="how often each is measured (5)")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="seconds a measurement (5)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="threads of either; 0 for one per core")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to this file")
    parser.add_argument("--marionette", default="target/release/marionette", help=argparse.SUPPRESS)
    args = parser.parse_args()
    unknown = set(args.models) - set(MODELS)
    if unknown:
        parser.error(f"no twin of {', '.join(sorted(unknown))}; there are {', '.join(MODELS)}")
    if args.pairs < 1:
        parser.error("--pairs: 1 or more")
    batches = [int(batch) for batch in args.batch.split(",")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    args.threads = args.threads or cores

    report = {
        "processor": processor(),
        "cores": cores,
        "threads": args.threads,
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "seconds": args.seconds,
        "comparisons": [],
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        models = [model for model in args.models or MODELS if knows(args.marionette, model)]
        for model in args.models or MODELS:
            if model in models:
                verify(args.marionette, model, folder)
            else:
                print(f"{model}: skipped, {args.marionette} does not know this network yet")
        for model in models:
            for batch in batches:
                measured, settings = pairs(args, model, batch, folder)
                report.update(marionette=measured[0][0]["version"], torch=measured[0][1]["torch"])
                passes = summary(measured)
                if not report["comparisons"]:
                    show_machine(report, args.pairs)
                show(model, batch, settings, passes)
                report["comparisons"].append(
                    {"model": model, "batch": batch, "settings": settings, "passes": passes, "pairs": measured}
                )
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
