#!/usr/bin/env python3
"""Does the fast path of training learn what the plain one does? The losses of the first 20 steps, f32, no dropout, rate 2e-4.

fast   rows of a micro-batch share the computation of what they begin with, as always
plain  each row alone, nothing shared (--micro-batch 1), gradients added up over the same batch of 16

The same rows, batches and seed. Prints the largest relative difference of a loss; exits 1 above 1e-4. Rows: Banking77 of the shared data where it is there,
else examples/guard; with the label list as instruction, too (--labels), where nearly everything is shared.
"""
import argparse
import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from train_speed import HONE, INSTRUCTION, load_rows, write_task

STEPS, BATCH, LAW = 20, 16, 1e-4


def losses(rows, instruction, options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_task(folder, rows, instruction)
        command = [HONE, "train", folder, "--epochs", "1", "--batch", str(BATCH), "--learning-rate", "2e-4", "--precision", "f32", *options, "--json"]
        subprocess.run(command, check=True, capture_output=True)
        with contextlib.closing(sqlite3.connect(folder / ".hone/store.db")) as store:
            return [loss for (loss,) in store.execute("SELECT loss FROM steps ORDER BY step")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", action="store_true", help="the label list as instruction: about 560 tokens before each row")
    arguments = parser.parse_args()
    data, rows = load_rows(STEPS * BATCH)
    instruction = INSTRUCTION
    if arguments.labels:
        instruction += " Answer with one of: " + ", ".join(sorted({row["output"] for row in load_rows(10**6)[1]})) + "."
    fast, plain = (losses(rows, instruction, options) for options in ([], ["--micro-batch", "1"]))
    if not len(fast) == len(plain) == STEPS:
        sys.exit(f"expected {STEPS} losses of each, got {len(fast)} and {len(plain)}")
    apart = [abs(a - b) / b for a, b in zip(fast, plain)]
    print(json.dumps({"data": data, "fast": fast, "plain": plain, "largest_relative_difference": max(apart), "law": LAW}, indent=1))
    sys.exit(max(apart) > LAW)


if __name__ == "__main__":
    main()
