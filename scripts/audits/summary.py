"""What came of scripts/audits/planted: usage: python scripts/audits/summary.py OUT

First, each audit's three first findings with PCK where they hold and elsewhere, and how many points the network is behind the
one that was trained on everything, there and elsewhere. Then, for each finding of an audit, what the samples drawn for
the audit bring over all drawn evenly, in points, there and elsewhere: seed by seed with intervals, and the mean over seeds.
"""

import json
import sys
from pathlib import Path


def report(out, name):
    path = Path(out) / "audits" / name / "report.json"
    return json.loads(path.read_text()) if path.exists() else None


def words(rule):
    return ", ".join(condition["words"] for condition in rule["conditions"])


def interval(estimate):
    return f"{100 * estimate['value']:+.1f} ({100 * estimate['low']:+.1f} to {100 * estimate['high']:+.1f})"


def found(out, name):
    audit, beside = report(out, name), report(out, f"{name}-beside")
    if audit is None:
        return
    print(f"\n{name}: PCK {audit['pck']['value']:.3f}, {len(audit['findings'])} findings")
    behind = {words(known["rule"]): known for known in (beside or {}).get("known", [])}
    for number, explained in enumerate(audit["findings"][:3], 1):
        finding = explained["finding"]
        inside, outside = (1 - finding[key]["value"] for key in ["inside", "outside"])
        text = f"  {number}. {words(finding['rule'])}: {inside:.2f} against {outside:.2f}"
        support, carried = (100 * finding[key]["value"] for key in ["support", "carried"])
        text += f", {support:.0f} % of the keypoints, {carried:.0f} % of what is missed"
        known = behind.get(words(finding["rule"]))
        if known and known.get("beside"):
            text += f"; beside all: {interval(known['beside'][0])} there, {interval(known['beside'][1])} elsewhere"
        print(text)


def mended(out, name):
    seeds = [report(out, f"{name}-mended-{seed}") for seed in [1, 2, 3]]
    seeds = [one for one in seeds if one]
    if not seeds:
        return
    differences = "; ".join(interval(one["beside"]["difference"]) for one in seeds)
    print(f"\n{name}, mended over trained on evenly, {len(seeds)} seeds; all: {differences}")
    for place, known in enumerate(seeds[0]["known"]):
        sides = []
        for side in [0, 1]:
            each = [one["known"][place]["beside"][side] for one in seeds if one["known"][place].get("beside")]
            mean = 100 * sum(estimate["value"] for estimate in each) / max(len(each), 1)
            sides.append(f"{mean:+.1f} ({'; '.join(interval(estimate) for estimate in each)})")
        now = sum(one["known"][place]["now"]["value"] for one in seeds) / len(seeds)
        before = known["before"]["value"]
        print(f"  {words(known['rule'])}: PCK {before:.2f} before, {now:.2f} now; there {sides[0]}; elsewhere {sides[1]}")


for planted in ["all", "back", "crowd", "small", "crouch", "lamp"]:
    found(sys.argv[1], planted)
for planted in ["back", "crowd", "small", "crouch", "lamp"]:
    found(sys.argv[1], f"{planted}-rarer")
for planted in ["back", "crowd", "small"]:
    found(sys.argv[1], f"{planted}-rarest")
for planted in ["back", "crowd", "small", "crouch", "lamp"]:
    mended(sys.argv[1], planted)
for planted in ["back", "crowd", "small"]:
    mended(sys.argv[1], f"{planted}-rarest")
