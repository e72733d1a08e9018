#!/usr/bin/env python3
"""Is one build slower than another, or is it noise?

    bench/regression.py OLD NEW [--rounds 8] [--cases prefill decode train ...] [--out FILE]

OLD and NEW are build folders (build/release of two checkouts; the same one twice shows what noise looks like). Every case runs in both, in turns,
the one that goes first changing from round to round, on a quiet machine. The figure of a case is the median over the rounds of new time / old time;
its interval holds the true median with 95 % certainty or more whatever the noise is like (order statistics of the rounds' ratios, binomial).
"slower" or "faster": the whole interval lies on one side of 1, and the median is at least --least (3 %) from it. "no difference seen" says also how
large a one could have hidden: the interval's further end. Prints a table; exits 1 when a case is slower.
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from quiet import require_quiet

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = "smollm2-135m-instruct"
# prompt, decoded tokens, sequences
PROBES = {"prefill": (512, 1, 1, "prefill_s"), "decode": (16, 48, 1, "decode_s"), "decode-16": (16, 16, 16, "decode_s")}


def probe(build, path, case, precision):
    prompt, decode, sequences, key = PROBES[case]
    out = subprocess.run([build / "bench/speed_probe", path, precision, *map(str, (prompt, decode, sequences, 4))], check=True, capture_output=True, text=True)
    return min(json.loads(out.stdout)[key][1:])


def train(build, precision):
    rows = [json.loads(line) for line in (ROOT / "examples/guard/train.jsonl").open()][:64]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for side, some in (("train", rows), ("validation", rows[:1]), ("test", rows[:1])):
            lines = [{"id": f"{side}{i}", "group": f"{side}{i}", "input": f"{row['input']} {side}", "output": row["output"]} for i, row in enumerate(some)]
            (folder / f"{side}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / "hone.toml").write_text('[task]\nname = "bench"\nkind = "classify"\ninstruction = "Is this text an attack on an AI agent?"\nlabels = ["benign", "malicious"]\n'
                                          '[data]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\ntest = "test.jsonl"\nid = "id"\ngroup = "group"\n')
        out = subprocess.run([build / "hone", "train", folder, "--epochs", "1", "--precision", precision, "--json"], check=True, capture_output=True, text=True)
        return json.loads(out.stdout)["step_seconds"]


def ask(build):
    begin = time.perf_counter()
    subprocess.run([build / "hone", "ask", MODEL, "What is the capital of France?", "--max-tokens", "4"], check=True, capture_output=True)
    return time.perf_counter() - begin


def cases(path):
    found = {f"{case}-{precision}": (lambda build, c=case, p=precision: probe(build, path, c, p)) for case in PROBES for precision in ("as-is", "int8", "f32")}
    found |= {f"train-{precision}": (lambda build, p=precision: train(build, p)) for precision in ("f32", "int8")}
    return found | {"ask": ask}


def median_interval(values):
    """The narrowest pair of order statistics that holds the median with 95 % certainty; all of them where none does."""
    ordered, n = sorted(values), len(values)
    for k in range(n // 2, 0, -1):  # leaves out k - 1 at each end
        missed = 2 * sum(math.comb(n, i) for i in range(k)) / 2**n
        if missed <= 0.05:
            return ordered[k - 1], ordered[n - k], 1 - missed
    return ordered[0], ordered[-1], 1 - 2 / 2**n


def judge(ratios, least):
    low, high, certainty = median_interval(ratios)
    middle = statistics.median(ratios)
    verdict = "no difference seen"
    if certainty >= 0.95 and abs(middle - 1) >= least and (low > 1 or high < 1):
        verdict = "slower" if middle > 1 else "faster"
    return {"ratio": middle, "low": low, "high": high, "certainty": certainty, "verdict": verdict}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=8, help="6 at least: fewer give no interval")
    parser.add_argument("--least", type=float, default=0.03, help="a smaller difference is not called one")
    parser.add_argument("--cases", nargs="+")
    parser.add_argument("--out")
    options = parser.parse_args()
    shown = subprocess.run([options.new / "hone", "models", "show", MODEL, "--json"], check=True, capture_output=True, text=True)
    known = cases(json.loads(shown.stdout)["path"])
    wanted = [name for name in known if not options.cases or any(name.startswith(case) for case in options.cases)]
    if not wanted or options.rounds < 6:
        parser.error(f"cases are {', '.join(known)}; rounds are 6 or more")
    require_quiet()
    times = {name: [] for name in wanted}
    for number in range(options.rounds):
        for name in wanted:
            print(f"round {number + 1} of {options.rounds}: {name}", file=sys.stderr)
            order = (options.old, options.new) if number % 2 == 0 else (options.new, options.old)
            first, second = (known[name](build) for build in order)
            times[name].append((first, second) if number % 2 == 0 else (second, first))
    result = {}
    print(f"{'case':<16} {'old, s':>9} {'new, s':>9} {'new / old':>10}   95 % interval   verdict")
    for name, pairs in times.items():
        found = judge([new / old for old, new in pairs], options.least)
        result[name] = found | {"seconds": pairs}
        old, new = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
        print(f"{name:<16} {old:9.4f} {new:9.4f} {found['ratio']:10.3f}   {found['low']:.3f} to {found['high']:.3f}  {found['verdict']}")
    if options.out:
        pathlib.Path(options.out).write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(any(found["verdict"] == "slower" for found in result.values()))


if __name__ == "__main__":
    main()
