#!/usr/bin/env python3
"""SNIPS slots as JSON (../shared/data/slots_json): the default model prompted and fine-tuned, with and without the constraint.

    slots.py [--train 300] [--validation 60] [--test 100] [--epochs 2]

Rows are the files' first ones. The schema is made from the training rows: the intents, and of each slot name that any of them has
a string. Of each contender: the share of answers that are JSON of the schema, and slot F1 (pairs of slot and value, micro, exact
strings; the intent is no slot) with a 95 % interval from 1,000 resamples of the test rows. Needs build/release/hone with the
default model in its cache. Progress goes to stderr, results to stdout.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from hone_constrain import HONE, MODEL, SHARED, quantile


def rows_of(name, count):
    with open(SHARED / "slots_json" / name, encoding="utf-8") as file:
        return [json.loads(line) for _, line in zip(range(count), file)]


def schema_of(rows):
    outputs = [json.loads(row["output"]) for row in rows]
    slots = sorted({name for output in outputs for name in output["slots"]})
    return {
        "type": "object",
        "properties": {
            "intent": {"enum": sorted({output["intent"] for output in outputs})},
            "slots": {"type": "object", "properties": {name: {"type": "string"} for name in slots}, "additionalProperties": False},
        },
        "required": ["intent", "slots"],
        "additionalProperties": False,
    }


def hone(*arguments):
    """The program's JSON; its progress goes on to stderr."""
    done = subprocess.run([HONE, *map(str, arguments), "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def slots_of(text):
    try:
        slots = json.loads(text)["slots"]
        return {(name, json.dumps(value)) for name, value in slots.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return set()


def f1(counts):
    both = sum(answered + wanted for _, answered, wanted in counts)
    return 2 * sum(right for right, _, _ in counts) / both if both else 0.0


def slot_f1(file, seed=1):
    """F1 and its interval over the scored rows of `file`."""
    counts = []
    for line in open(file, encoding="utf-8"):
        row = json.loads(line)
        answered, wanted = set() if row.get("failed") else slots_of(row["answer"]), slots_of(row["gold"])
        counts.append((len(answered & wanted), len(answered), len(wanted)))
    rng = random.Random(seed)
    drawn = [f1(rng.choices(counts, k=len(counts))) for _ in range(1000)]
    return {"value": f1(counts), "low": quantile(drawn, 0.025), "high": quantile(drawn, 0.975)}


def write_task(task, options):
    parts = {"train": rows_of("train.jsonl", options.train), "validation": rows_of("valid.jsonl", options.validation), "test": rows_of("test.jsonl", options.test)}
    for name, rows in parts.items():
        (task / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    schema = schema_of(parts["train"])
    (task / "schema.json").write_text(json.dumps(schema))
    (task / "hone.toml").write_text(
        '[task]\nname = "slots"\nkind = "json"\ninstruction = "Give the intent and the slots of the request as JSON."\nschema = "schema.json"\n'
        '[data]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\ntest = "test.jsonl"\n'
        f'[model]\nbase = "{MODEL}"\n'
    )
    return schema


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("train", 300), ("validation", 60), ("test", 100), ("epochs", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        task = pathlib.Path(name)
        schema = write_task(task, options)
        print(f"{len(schema['properties']['slots']['properties'])} slots, {len(schema['properties']['intent']['enum'])} intents", file=sys.stderr)
        begin = time.monotonic()
        tuned = hone("train", task, "--epochs", options.epochs)["run"]
        print(f"trained in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        for kind, model in (("prompted", MODEL), ("fine-tuned", tuned)):
            for held in (True, False):
                begin = time.monotonic()
                scored = hone("eval", model, "--task", task, "--data", task / "test.jsonl", *([] if held else ["--no-constraint"]))
                result = {"contender": kind, "constraint": held, "n": scored["n"], "seconds": round(time.monotonic() - begin)}
                result["valid"] = scored["metrics"]["valid"]["value"]
                result["exact"] = scored["metrics"]["exact"]["value"]
                result["slot_f1"] = {key: round(value, 4) for key, value in slot_f1(scored["rows"]).items()}
                print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
