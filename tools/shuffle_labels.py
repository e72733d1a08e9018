#!/usr/bin/env python3
"""Learns from labels without meaning: copies a task, shuffles the labels of its training file (seeded), runs `hone solve` on each copy
and prints whether a comparison or the verdict says "better". None should: exit code 1 where one does.

    tools/shuffle_labels.py examples/guard --copies 5 --budget 13m --keep shuffled
"""
import argparse
import csv
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

HONE = os.environ.get("HONE", str(pathlib.Path(__file__).resolve().parent.parent / "build/release/hone"))
MADE = (".hone", "bundle", "report.html")  # what solve leaves in a task's folder


def shuffled(values, rng):
    values = list(values)
    rng.shuffle(values)
    return values


def shuffle_jsonl(text, column, rng):
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    for row, label in zip(rows, shuffled([row[column] for row in rows], rng)):
        row[column] = label
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def shuffle_csv(source, target, column, rng):
    delimiter = "\t" if source.suffix == ".tsv" else ","
    with source.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    for row, label in zip(rows, shuffled([row[column] for row in rows], rng)):
        row[column] = label
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def make_copy(task, copy, seed):
    """The task with its training labels shuffled; the other files as they are."""
    shutil.copytree(task, copy, ignore=lambda folder, names: [n for n in names if n in MADE])
    text = (task / "hone.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)["data"]
    train = (task / data["train"]).resolve()
    column = data.get("output", "output")
    rng = random.Random(seed)
    target = copy / ("shuffled" + train.suffix)
    if train.suffix == ".jsonl":
        target.write_text(shuffle_jsonl(train.read_text(encoding="utf-8"), column, rng), encoding="utf-8")
    else:
        shuffle_csv(train, target, column, rng)
    for side in ("train", "validation", "test"):
        if side not in data:
            continue
        path = target.name if side == "train" else str((task / data[side]).resolve())
        text, found = re.subn(rf"(?m)^(\s*{side}\s*=\s*).*$", lambda line: line.group(1) + json.dumps(path), text)
        if found != 1:
            sys.exit(f"{task}/hone.toml: expected one line \"{side} = ...\", found {found}")
    (copy / "hone.toml").write_text(text, encoding="utf-8")


def hone_json(*arguments):
    """0: done; 1: the target was missed."""
    done = subprocess.run([HONE, *arguments, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"hone {' '.join(arguments)} ended with {done.returncode}")
    return json.loads(done.stdout)


def points(interval):
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * interval[key] for key in ("value", "low", "high")))


def said_better(document):
    """What Hone calls better in this copy, a line each."""
    lines = []
    verdict = document["recommendation"]["verdict"]
    if verdict == "fine-tune":
        lines.append(f"the verdict says {verdict}: {document['recommendation']['headline']}")
    for comparison in document["comparisons"]:
        if comparison["verdict"] not in ("a_better", "b_better"):
            continue
        names = (comparison["a_name"], comparison["b_name"])
        better, other = names if comparison["verdict"] == "a_better" else names[::-1]
        lines.append(f"{better} is called better than {other}: {points(comparison['difference'])}, p {comparison['p']:.2g}")
    return lines


def try_copy(task, copy, seed, budget):
    make_copy(task, copy, seed)
    hone_json("solve", str(copy), "--budget", budget)
    document = hone_json("decide", str(copy))
    primary = document["primary"]
    print(f"seed {seed}: {document['recommendation']['verdict']}; {document['recommendation']['headline']}")
    if primary:
        print(f"  {primary['a_name']} - {primary['b_name']}: {points(primary['difference'])}, {primary['verdict']}")
    lines = said_better(document)
    for line in lines or ["nothing is called better"]:
        print(f"  {line}", flush=True)
    return bool(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", type=pathlib.Path, help="folder with hone.toml")
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--budget", default="13m", help="of each copy, as hone solve takes it")
    parser.add_argument("--seed", type=int, default=1, help="of the first copy; the next ones count on")
    parser.add_argument("--keep", type=pathlib.Path, help="keep the copies in this new folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        seeds = range(options.seed, options.seed + options.copies)
        better = [seed for seed in seeds if try_copy(options.task, folder / f"shuffle_{seed}", seed, options.budget)]
    print(f"better was said in {len(better)} of {options.copies} copies")
    return 1 if better else 0


if __name__ == "__main__":
    sys.exit(main())
