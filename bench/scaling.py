#!/usr/bin/env python3
"""How the time grows: curves over prompt length, sequences decoded at once, batch, rows and threads, as JSON and as plots.

    bench/scaling.py [--curves prompt sequences batch rows threads] [--out FOLDER]

prompt     prefill, tokens a second, for prompts of 16 to 2,048 tokens (f32, int8, the file's own blocks)
sequences  decode, tokens a second of all together, for 1 to 32 sequences
batch      training, rows a second, for effective batches of 4 to 64
rows       seconds of `hone data check` and of an import, for 1,000 to 100,000 rows; what grows faster than the rows shows as a bend upwards
threads    prefill and decode on 1 core up to all of them

A point is the best of its repeats, on a quiet machine. Plots are SVG, both axes logarithmic.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from inference import PROBE, ROOT, model_path
from quiet import require_quiet
from train_speed import HONE, INSTRUCTION, load_rows, run_hone

PRECISIONS = ("f32", "int8", "as-is")


def probe(model, precision, prompt, decode, sequences, cores=None):
    command = ["taskset", "-c", ",".join(map(str, cores))] if cores else []
    out = subprocess.run([*command, PROBE, model, precision, *map(str, (prompt, decode, sequences, 3))], check=True, capture_output=True, text=True)
    seconds = json.loads(out.stdout)
    return prompt * sequences / min(seconds["prefill_s"][1:]), decode * sequences / min(seconds["decode_s"][1:])


def prompt(model):
    return {precision: [(n, probe(model, precision, n, 1, 1)[0]) for n in (16, 64, 256, 512, 1024, 2048)] for precision in PRECISIONS}


def sequences(model):
    return {precision: [(n, probe(model, precision, 16, 16, n)[1]) for n in (1, 2, 4, 8, 16, 32)] for precision in PRECISIONS}


def threads(model):
    cores = sorted(os.sched_getaffinity(0))
    curves = {}
    for count in range(1, len(cores) + 1):
        for precision in PRECISIONS:
            prefill, decode = probe(model, precision, 512, 24, 1, cores[:count])
            curves.setdefault(f"prefill {precision}", []).append((count, prefill))
            curves.setdefault(f"decode {precision}", []).append((count, decode))
    return curves


def write_rows(path, count, rng):
    words = [f"{a}{b}" for a in "ba co di fu ge ha ki lo mu ne".split() for b in "rd st ng ll mp ck".split()]
    with path.open("w") as out:
        for i in range(count):
            text = " ".join(rng.choice(words) for _ in range(30))
            out.write(json.dumps({"id": str(i), "input": text, "output": "ab"[i % 2]}) + "\n")


def rows(_):
    curves = {"data check": [], "data import": []}
    for count in (1000, 10_000, 100_000):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_rows(folder / "rows.jsonl", count, random.Random(1))
            (folder / "hone.toml").write_text('[task]\nname = "scaling"\nkind = "classify"\ninstruction = "a or b?"\nlabels = ["a", "b"]\n[data]\ntrain = "rows.jsonl"\nid = "id"\n')
            for curve, command in (("data check", ["data", "check", folder]), ("data import", ["data", "import", folder / "rows.jsonl", "--out", folder / "out.jsonl"])):
                begin = time.perf_counter()
                subprocess.run([HONE, *command, "--json"], check=True, capture_output=True)
                curves[curve].append((count, time.perf_counter() - begin))
    return curves


def batch(_):
    some = load_rows(192)[1]
    return {precision: [(n, run_hone({"rows": some, "instruction": INSTRUCTION, "batch": n}, precision)["rows_per_second"]) for n in (4, 8, 16, 32, 64)] for precision in ("f32", "int8")}


CURVES = {"prompt": (prompt, "tokens of the prompt", "tokens a second"), "sequences": (sequences, "sequences at once", "tokens a second"),
          "batch": (batch, "effective batch", "rows a second"), "rows": (rows, "rows", "seconds"), "threads": (threads, "threads", "tokens a second")}


def plot(name, curves, path):
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    _, below, beside = CURVES[name]
    figure, axes = pyplot.subplots(figsize=(6, 4))
    for label, points in curves.items():
        axes.plot(*zip(*points), marker="o", label=label)
    axes.set(xlabel=below, ylabel=beside, title=f"SmolLM2-135M: {name}", xscale="log", yscale="log")
    ticks = sorted({x for points in curves.values() for x, _ in points})
    axes.set_xticks(ticks, [f"{x:,}" for x in ticks], minor=False)
    axes.minorticks_off()
    axes.grid(True, alpha=0.3)
    axes.legend()
    figure.savefig(path, bbox_inches="tight")
    pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", nargs="+", default=list(CURVES), choices=list(CURVES))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/bench")
    options = parser.parse_args()
    require_quiet()
    options.out.mkdir(parents=True, exist_ok=True)
    model = model_path()
    for name in options.curves:
        print(name, file=sys.stderr)
        curves = CURVES[name][0](model)
        (options.out / f"scaling_{name}.json").write_text(json.dumps(curves, indent=1) + "\n")
        plot(name, curves, options.out / f"scaling_{name}.svg")
        for label, points in curves.items():
            print(f"{name:<10} {label:<14} " + "  ".join(f"{x:,}: {y:,.4g}" for x, y in points))


if __name__ == "__main__":
    main()
