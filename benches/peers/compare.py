"""Measures how many labelled pictures per second marionette, MuJoCo and pybullet draw, in turns, each time in fresh processes.

Run by scripts/bench-render --peers, which builds and installs what it takes. All draw the figure of capsules.toml: picture, part
ids and 17 points (marionette also depth and visibility), with shadows or without. What a machine cannot run is named and left out.
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
PEERS = {
    "mujoco, shadows": ("mujoco_scene.py", "--shadows"),
    "mujoco": ("mujoco_scene.py",),
    "pybullet": ("pybullet_scene.py",),
}
OURS = {"marionette, shadows": "scene.toml", "marionette": "shadowless.toml"}
# What is aimed at: the least ratio of marionette to a peer at a side.
TARGETS = {("mujoco, shadows", 64): 8.0, ("pybullet", 64): 2.0}
TARGETS_AT_256 = 1.0


def together(commands):  # runs them at once; the outputs of all, or what the first to fail complained of
    started = [subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for command in commands]
    ended = [(process, *process.communicate()) for process in started]
    for process, _, complaint in ended:
        if process.returncode:
            raise RuntimeError((complaint.strip().splitlines() or [f"exit status {process.returncode}"])[-1])
    return [output for _, output, _ in ended]


def same_work(peer):  # which of OURS a peer is compared with
    return "marionette, shadows" if "shadows" in peer else "marionette"


def ours(args, name, side, processes, folder):
    # Three measurements of `seconds` each; the processes share the cores' threads.
    paths = [folder / f"{number}.json" for number in range(processes)]
    command = [args.marionette, "bench", "render", "--scene", FOLDER / OURS[name], "--sizes", side, "--pairs", 1]
    command += ["--seconds", args.seconds, "--threads", max(args.threads // processes, 1), "--quiet", "--json"]
    together([[*command, path] for path in paths])
    reports = [json.loads(path.read_text())["render"]["sizes"][0] for path in paths]
    return {key: sum(report[key]["median"] for report in reports) for key in ("labelled", "generator")}


def theirs(args, peer, side, processes):
    script, *more = PEERS[peer]
    command = [sys.executable, FOLDER / script, "--size", side, "--seconds", args.seconds, *more]
    outputs = together([command] * processes)
    # Some libraries greet on standard output; the report is the last line.
    reports = [json.loads(output.strip().splitlines()[-1]) for output in outputs]
    return reports[0]["version"], sum(report["images_per_second"] for report in reports)


def spread(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "values": values}


def compare(args, peers, side, processes, folder):
    rates = {name: [] for ours in OURS for name in (ours, f"{ours}, sampled too")} | {peer: [] for peer in peers}
    for number in range(args.pairs):
        print(f"{side}x{side}, {processes} at once, round {number + 1} of {args.pairs}", file=sys.stderr)
        # Who goes first changes from round to round.
        order = [*OURS, *peers]
        order = order[number % len(order) :] + order[: number % len(order)]
        for name in order:
            if name in OURS:
                found = ours(args, name, side, processes, folder)
                rates[name].append(found["labelled"])
                rates[f"{name}, sampled too"].append(found["generator"])
            else:
                rates[name].append(theirs(args, name, side, processes)[1])
    ratios = {peer: spread([a / b for a, b in zip(rates[same_work(peer)], rates[peer])]) for peer in peers}
    return {"side": side, "processes": processes, "rates": {k: spread(v) for k, v in rates.items()}, "ratios": ratios}


def show(one):
    text = lambda s, digits: f"{s['median']:.{digits}f} ({s['low']:.{digits}f} to {s['high']:.{digits}f})"
    side, processes = one["side"], one["processes"]
    print(f"\n{side}x{side}, {processes} process{'es' if processes > 1 else ''} of each")
    print(f"  {'':<34}{'pictures/s':<30}marionette over it")
    for name, rates in one["rates"].items():
        ratio = one["ratios"].get(name)
        target = TARGETS.get((name, side), TARGETS_AT_256 if side == 256 and ratio else None)
        aim = "" if target is None else f"  wanted {target:g}: {'met' if ratio['median'] >= target else 'missed'}"
        print(f"  {name:<34}{text(rates, 1):<30}{text(ratio, 2) if ratio else ''}{aim}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-render --peers", description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", default="64,128,256", metavar="LIST", help="sides of the pictures (64,128,256)")
    parser.add_argument("--processes", default="1,2", metavar="LIST", help="processes of each at once (1,2)")
    parser.add_argument("--pairs", type=int, default=5, metavar="N", help="rounds, of one turn for each (5)")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S", help="seconds a turn (2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to this file")
    parser.add_argument("--marionette", default="target/release/marionette", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.pairs < 1:
        parser.error("--pairs: 1 or more")
    args.threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    report = {"cores": args.threads, "load_before": os.getloadavg()[0], "python": platform.python_version(),
              "seconds": args.seconds, "versions": {}, "left_out": {}, "comparisons": []}
    for peer in PEERS:
        try:
            report["versions"][peer] = theirs(argparse.Namespace(seconds=0), peer, 64, 1)[0]
        except RuntimeError as error:
            report["left_out"][peer] = str(error)
            print(f"{peer}: left out, {error}")
    print(f"{args.threads} cores, load {report['load_before']:.1f} at the start; " +
          "; ".join(f"{peer} {version}" for peer, version in report["versions"].items()) +
          f"\nMedians (lowest to highest) of {args.pairs} rounds, each peer against the marionette that casts shadows where it does.")
    with tempfile.TemporaryDirectory() as scratch:
        for side in (int(side) for side in args.sizes.split(",")):
            for processes in (int(count) for count in args.processes.split(",")):
                one = compare(args, list(report["versions"]), side, processes, Path(scratch))
                show(one)
                report["comparisons"].append(one)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
