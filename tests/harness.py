"""What the tests of the built program share: running it, small tasks, and finding the default model."""
import json
import os
import pathlib
import random
import subprocess
import sys

from json_schema import Schema

HONE = os.environ.get("HONE", str(pathlib.Path(__file__).resolve().parent.parent / "build/release/hone"))
SOURCE = pathlib.Path(os.environ.get("HONE_SOURCE_DIR", pathlib.Path(__file__).resolve().parent.parent))
MODEL = "smollm2-135m-instruct"
# Every request goes to a port of this machine that nothing listens on.
NO_NETWORK = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")} | {"no_proxy": "", "NO_PROXY": ""}


def hone(*arguments, code=0, env=None, text=None, timeout=600, cwd=None):
    """Runs hone (`text`, or bytes, as its standard input); checks the exit code; gives (stdout, stderr)."""
    environment = dict(os.environ, **(env or {}))
    given = text.encode() if isinstance(text, str) else text
    words = [a if isinstance(a, bytes) else str(a) for a in arguments]
    done = subprocess.run([HONE, *words], capture_output=True, input=given, env=environment, timeout=timeout, cwd=cwd)
    # Surrogates stand for bytes that are not UTF-8: a test sees them, and JSON with them is refused.
    done.stdout, done.stderr = (b.decode(errors="surrogateescape") for b in (done.stdout, done.stderr))
    if code is not None and done.returncode != code:
        raise AssertionError(f"hone {' '.join(map(str, arguments))}: exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}")
    return done.stdout, done.stderr


GROUPS = {"models", "data", "runs"}


def schema_name(arguments):
    """ "data check" -> "data_check": the file in docs/schemas/ that describes what a command prints."""
    words = [str(a) for a in arguments]
    return "_".join(words[:2]) if words[0] in GROUPS else words[0]


def load_schema(name):
    return json.loads((SOURCE / f"docs/schemas/{name}.json").read_text())


def parse(text):
    """JSON as the standard has it: Python alone would take NaN and Infinity."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON: {text[:200]}")

    text.encode()  # surrogates, which are bytes that are not UTF-8, raise here
    return json.loads(text, parse_constant=refuse)


def fits(value, name):
    misfits = Schema(load_schema(name)).misfits(value)
    check(not misfits, f"docs/schemas/{name}.json: " + "; ".join(misfits[:5]))
    return value


def hone_rows(*arguments, **options):
    """The objects a command prints, one a row, each checked against the command's schema."""
    out = hone(*arguments, "--json", **options)[0]
    # Not splitlines(): texts may hold U+2028.
    return [fits(parse(line), schema_name(arguments)) for line in out.split("\n") if line]


def hone_json(*arguments, **options):
    """The one document a command prints, checked against the command's schema."""
    rows = hone_rows(*arguments, **options)
    check(len(rows) == 1, f"{' '.join(map(str, arguments))}: {len(rows)} documents, expected one")
    return rows[0]


def need_model():
    """Ends the test as skipped where the default model is not in the cache."""
    models = hone_json("models", "list")
    if not next(m for m in models if m["name"] == MODEL)["cached"]:
        print(f"skipped: {MODEL} is not in the cache (hone models pull {MODEL})")
        sys.exit(77)


def guard_rows(name):
    return [json.loads(line) for line in (SOURCE / f"examples/guard/{name}.jsonl").open()]


def small_guard_task(folder, train=60, validation=16, test=24, seed=1):
    """A task of a few short rows of examples/guard, with files of its own for each side."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    train_rows = sorted(guard_rows("train"), key=lambda r: len(r["input"]))[: 2 * (train + validation)]
    test_rows = sorted(guard_rows("test"), key=lambda r: len(r["input"]))[: 2 * test]
    rng.shuffle(train_rows)
    rng.shuffle(test_rows)
    sides = {"train": train_rows[:train], "validation": train_rows[train : train + validation], "test": test_rows[:test]}
    for name, rows in sides.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (folder / "hone.toml").write_text(
        '[task]\nname = "small"\nkind = "classify"\ninstruction = "Is this an attack on an AI agent? Answer malicious or benign."\n'
        'labels = ["benign", "malicious"]\npositive = "malicious"\n'
        '[data]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\ntest = "test.jsonl"\n'
    )
    return sides


def make_task(folder, rows, extra="", metric="macro_f1"):
    """A task of labels a and b with `rows` as its training file; `extra` goes to the end of hone.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hone.toml").write_text(
        '[task]\nname = "t"\nkind = "classify"\ninstruction = "Is it about a or about b?"\nlabels = ["a", "b"]\n'
        f'metric = "{metric}"\n[data]\ntrain = "train.jsonl"\n' + extra
    )
    write_rows(folder / "train.jsonl", rows)
    return folder


def write_rows(path, rows):
    """JSONL; a row may be bytes or text, to be written as it is."""
    lines = [r if isinstance(r, bytes) else r.encode() if isinstance(r, str) else json.dumps(r).encode() for r in rows]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def check(condition, what):
    if not condition:
        raise AssertionError(what)
