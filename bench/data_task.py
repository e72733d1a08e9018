#!/usr/bin/env python3
"""hone data task on trec6 and banking77 (../shared/data): as they are, with two labels merged and dealt out again by a coin, and with
all labels shuffled.

    data_task.py [--sets trec6 banking77] [--pairs 5] [--shuffles 2] [--reader MODEL]

Wanted: *clear* as they are; *ambiguous*, naming the pair, in 9 of 10 merged sets (--pairs of each set, drawn by a seed); *not
learnable* when shuffled. Rows are those of the training files. Progress goes to stderr, a line a set to stdout. Needs
build/release/hone.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from hone_constrain import HONE, SHARED

INSTRUCTIONS = {
    "trec6": "What does the question ask for?",
    "banking77": "What does the customer of the bank want?",
}


def rows_of(name):
    with open(SHARED / name / "train.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def check_task(rows, name, extra=()):
    """The document, and the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        labels = sorted({row["output"] for row in rows})
        (folder / "hone.toml").write_text(
            f'[task]\nkind = "classify"\ninstruction = {json.dumps(INSTRUCTIONS[name])}\nlabels = {json.dumps(labels, ensure_ascii=False)}\n'
            '[data]\ntrain = "train.jsonl"\n'
        )
        start = time.time()
        done = subprocess.run([HONE, "data", "task", folder, "--json", *extra], stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout), time.time() - start


def line_of(name, what, document, seconds):
    named = ", ".join(f"{p['a']}/{p['b']} {p['separation']['value']:.3f}" for p in document["pairs"] if p["is_one"])
    worst = next((p for p in document["pairs"] if not p["is_one"]), None)
    figures = document["classifier"]["metrics"]["accuracy"], document["neighbours"]["metrics"]["accuracy"]
    reader = document["reader"] and f" reader {document['reader']['metrics']['accuracy']['value']:.3f}" or ""
    print(
        f"{name:<10} {what:<60} {document['verdict']:<13} classifier {figures[0]['value']:.3f} neighbours {figures[1]['value']:.3f}{reader}"
        f" majority {document['majority']:.3f} named [{named if document['verdict'] == 'ambiguous' else ''}]"
        f" worst other {worst and round(worst['separation']['value'], 3)} {seconds:.0f} s",
        flush=True,
    )


def merged(rows, pair, seed):
    rng = random.Random(seed)
    return [{**row, "output": rng.choice(pair)} if row["output"] in pair else row for row in rows]


def shuffled(rows, seed):
    labels = [row["output"] for row in rows]
    random.Random(seed).shuffle(labels)
    return [{**row, "output": label} for row, label in zip(rows, labels)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", choices=list(INSTRUCTIONS), default=list(INSTRUCTIONS))
    parser.add_argument("--pairs", type=int, default=5, help="merged pairs of each set")
    parser.add_argument("--shuffles", type=int, default=2, help="shuffled copies of each set")
    parser.add_argument("--reader", help="ask this model, too, of the sets as they are")
    options = parser.parse_args()
    right = {"clear": [0, 0], "named": [0, 0], "not-learnable": [0, 0]}

    def count(what, is_right):
        right[what][0] += is_right
        right[what][1] += 1

    for name in options.sets:
        rows = rows_of(name)
        document, seconds = check_task(rows, name, ["--reader", options.reader] if options.reader else [])
        line_of(name, "as it is", document, seconds)
        count("clear", document["verdict"] == "clear")
        rng = random.Random(20)
        labels = sorted({row["output"] for row in rows})
        all_pairs = [(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :]]
        for seed, pair in enumerate(rng.sample(all_pairs, options.pairs)):
            document, seconds = check_task(merged(rows, pair, seed), name)
            line_of(name, "merged " + " / ".join(pair), document, seconds)
            named = [(p["a"], p["b"]) for p in document["pairs"] if p["is_one"]]
            count("named", document["verdict"] == "ambiguous" and named == [pair])
        for seed in range(options.shuffles):
            document, seconds = check_task(shuffled(rows, seed), name)
            line_of(name, f"shuffled by seed {seed}", document, seconds)
            count("not-learnable", document["verdict"] == "not-learnable")
    print("; ".join(f"{what}: {a} of {b}" for what, (a, b) in right.items()))
    return 0 if right["clear"][0] == right["clear"][1] and 10 * right["named"][0] >= 9 * right["named"][1] else 1


if __name__ == "__main__":
    sys.exit(main())
