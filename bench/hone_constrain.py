"""Asks the program about constraints: what the benchmarks beside peers and beside a validator share."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
HONE = os.environ.get("HONE", ROOT / "build/release/hone")
SHARED = pathlib.Path(os.environ.get("HONE_SHARED_DATA", ROOT.parent / "shared/data"))
MODEL = "smollm2-135m-instruct"


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def hone(*arguments, text=None):
    done = subprocess.run([HONE, *map(str, arguments)], capture_output=True, text=True, input=text)
    return done.stdout, done.stderr


def hone_constrain(folder, schema, texts):
    (folder / "schema.json").write_text(schema if isinstance(schema, str) else json.dumps(schema))
    (folder / "texts.jsonl").write_text("".join(t + "\n" for t in texts))
    out, err = hone("constrain", MODEL, "--schema", folder / "schema.json", "--file", folder / "texts.jsonl", "--times", "--json")
    if not out:
        raise RuntimeError(err)
    return json.loads(out)


def quantile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))] if values else float("nan")
