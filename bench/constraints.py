#!/usr/bin/env python3
"""Constrained decoding against its peers and against a validator.

    constraints.py peers           maskbench's schemas and instances: coverage, false accepts and rejects, compile and mask
                                   times of hone, llguidance and xgrammar, taking turns with the same vocabulary
    constraints.py random          random schemas and instances: hone's decisions beside jsonschema's
    constraints.py answers         answers of the default model on ten schemas, with and without the constraint: how many
                                   jsonschema calls valid
    constraints.py speed           the time of a token that the model is asked for, with and without the constraint, and of
                                   a token where many are forced

Instances are compact json.dumps, keys in schema order (llguidance and xgrammar take no other; hone is asked with --keys any).
Masks are timed at every token of every instance: cold, where nothing is known of the schema but its compiled form, and
remembering, where earlier instances of the schema were read. Progress goes to stderr, results to stdout. Needs
build/release/hone with the default model in its cache and, from PyPI, jsonschema[format] (and gguf, numpy, llguidance,
xgrammar and torch for `peers`): bench/peers.sh. Shared data: HONE_SHARED_DATA or ../shared/data.
"""
import argparse
import json
import pathlib
import random
import re
import statistics
import sys
import tempfile
import time

from constraint_peers import peers
from hone_constrain import MODEL, compact, hone, hone_constrain


NAMES = ["a", "b", "ab", "c", "x1", "\u00e9"]
PATTERNS = ["^a", "b$", "^[a-c]{1,3}$", "x", "^\\d+$", "^(ab)*$", "[^a]", "\u00e9"]


class Maker:
    """Random schemas and values that have a chance to meet. No line feeds: Python's $ also matches before one at the end, which
    ECMA-262's does not; no whole numbers with a point or an exponent, which are never written."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def number(self):
        return self.rng.choice([0, 1, 2, 3, 5, -1, -4, 10, 2.5, 0.5, -0.25, 100])

    def value(self, depth=0):
        rng = self.rng
        kind = rng.randrange(9 if depth < 3 else 6)
        if kind == 0:
            return None
        if kind == 1:
            return rng.random() < 0.5
        if kind == 2:
            return rng.randrange(-6, 12)
        if kind == 3:
            return rng.choice([0.5, 2.5, -1.25, 3.75, 0.1, 10.25])
        if kind in (4, 5):
            return "".join(rng.choice('abc1x \u00e9"\U0001F600') for _ in range(rng.randrange(5)))
        if kind == 6:
            return [self.value(depth + 1) for _ in range(rng.randrange(4))]
        return {rng.choice([*NAMES, "zz", 'a"b']): self.value(depth + 1) for _ in range(rng.randrange(4))}

    def simple(self):
        rng = self.rng
        kinds = ["string", "integer", "number", "null", "boolean", "array", "object"]
        return rng.choice([{}, {"type": rng.choice(kinds)}, {"const": self.value(2)}, {"enum": [self.value(2) for _ in range(rng.randrange(1, 4))]}, {"$ref": "#/$defs/r"}])

    def schema(self, depth=0):
        rng = self.rng
        if rng.random() < 0.05:
            return rng.random() < 0.5
        if depth > 2 or rng.random() < 0.12:
            return self.simple()
        below, some = lambda: self.schema(depth + 1), lambda most: [self.schema(depth + 1) for _ in range(rng.randrange(1, most))]
        makers = {
            "type": (0.6, lambda: rng.choice(["string", "integer", "number", "object", "array", "object", "array", ["string", "null"], ["integer", "object"], ["array", "number", "boolean"]])),
            "minimum": (0.15, self.number),
            "maximum": (0.15, self.number),
            "exclusiveMinimum": (0.08, self.number),
            "exclusiveMaximum": (0.08, self.number),
            "multipleOf": (0.08, lambda: rng.choice([1, 2, 3, 0.5, 0.25, 7])),
            "minLength": (0.15, lambda: rng.randrange(3)),
            "maxLength": (0.15, lambda: rng.randrange(5)),
            "pattern": (0.15, lambda: rng.choice(PATTERNS)),
            "format": (0.05, lambda: rng.choice(["date", "ipv4", "uuid", "unknown"])),
            "properties": (0.3, lambda: {n: below() for n in rng.sample(NAMES, rng.randrange(1, 4))}),
            "required": (0.2, lambda: rng.sample(NAMES, rng.randrange(1, 3))),
            "additionalProperties": (0.2, lambda: below() if rng.random() < 0.5 else False),
            "patternProperties": (0.12, lambda: {rng.choice(PATTERNS): below() for _ in range(rng.randrange(1, 3))}),
            "propertyNames": (0.06, lambda: rng.choice([{"maxLength": 2}, {"pattern": "^[abc]"}, {"enum": ["a", "b", "\u00e9"]}])),
            "minProperties": (0.08, lambda: rng.randrange(3)),
            "maxProperties": (0.08, lambda: rng.randrange(4)),
            "items": (0.2, below),
            "prefixItems": (0.12, lambda: some(3)),
            "minItems": (0.12, lambda: rng.randrange(3)),
            "maxItems": (0.12, lambda: rng.randrange(4)),
            "contains": (0.08, below),
            "minContains": (0.04, lambda: rng.randrange(3)),
            "maxContains": (0.04, lambda: rng.randrange(1, 3)),
            "allOf": (0.1, lambda: some(3)),
            "anyOf": (0.12, lambda: some(4)),
            "oneOf": (0.12, lambda: some(4)),
            "not": (0.1, below),
            "if": (0.06, below),
            "then": (0.06, below),
            "else": (0.06, below),
            "dependentRequired": (0.05, lambda: {"a": ["b"]}),
            "dependentSchemas": (0.05, lambda: {"b": below()}),
        }
        return {key: make() for key, (share, make) in makers.items() if rng.random() < share}


def random_pairs(options):
    """`-n` schemas of 100 values each; 1000 make 100,000 pairs."""
    from jsonschema import Draft202012Validator as Validator

    maker = Maker(options.seed)
    total = options.n or 1000
    pairs = compiled = wrong = recursed = 0
    errors, slowest = {}, (0, "")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        for i in range(total):
            schema = maker.schema()
            if isinstance(schema, dict):
                schema["$defs"] = {"r": maker.schema(1)}
            values = [maker.value() for _ in range(60)] + [{n: maker.value(2) for n in maker.rng.sample(NAMES, maker.rng.randrange(6))} for _ in range(40)]
            if i < options.skip:
                continue
            started = time.monotonic()
            document = hone_constrain(pathlib.Path(name), schema, map(compact, values))
            slowest = max(slowest, (time.monotonic() - started, json.dumps(schema)))
            validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
            nothing = not document["compiled"] and "no value satisfies" in document["error"]
            if not document["compiled"]:
                kind = re.sub(r" at #\S*|#\S*", "", document["error"])[:60]
                errors[kind] = errors.get(kind, 0) + 1
            if document["compiled"] or nothing:
                compiled += document["compiled"]
                accepted = [False] * len(values) if nothing else [i["accepted"] for i in document["instances"]]
                for value, ours in zip(values, accepted):
                    try:
                        theirs = validator.is_valid(value)
                    except RecursionError:  # a schema that needs itself is not always noticed
                        recursed += 1
                        continue
                    pairs += 1
                    if theirs != ours:
                        wrong += 1
                        if wrong <= 5:
                            print(f"hone {'takes' if ours else 'refuses'} {compact(value)} under {json.dumps(schema)}", flush=True)
            if (i + 1) % 20 == 0 or i + 1 == total:
                seconds = time.monotonic() - begin
                left = seconds / (i + 1 - options.skip) * (total - i - 1)
                print(f"{i + 1} of {total} schemas, {pairs} pairs, {wrong} otherwise, {seconds:.0f} s, {left:.0f} s left, slowest {slowest[0]:.1f} s", file=sys.stderr, flush=True)
    print(f"{pairs} pairs, {wrong} decided otherwise than jsonschema does, {recursed} that it did not end on; {compiled} schemas compiled; {time.monotonic() - begin:.0f} s")
    for kind, count in sorted(errors.items(), key=lambda item: -item[1]):
        print(f"  {count:5} {kind}")
    if slowest[0] > 2:
        print(f"  slowest: {slowest[0]:.1f} s, {slowest[1]}")
    return wrong


ANSWERS = {
    "nested": ({"type": "object", "properties": {"customer": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 40}, "address": {"type": "object", "properties": {"street": {"type": "string", "maxLength": 40}, "city": {"type": "string", "maxLength": 30}}, "required": ["street", "city"]}}, "required": ["name", "address"]}, "total": {"type": "number", "minimum": 0}}, "required": ["customer", "total"], "additionalProperties": False}, "Write an order of {} as JSON."),
    "recursive": ({"$defs": {"node": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}}, "required": ["name", "children"], "additionalProperties": False}}, "$ref": "#/$defs/node"}, "Write the family tree of {} as JSON."),
    "enums": ({"type": "object", "properties": {"mood": {"enum": ["happy", "sad", "angry", "calm", "tired"]}, "level": {"enum": [1, 2, 3, 5, 8]}, "tags": {"type": "array", "items": {"enum": ["work", "home", "travel", "food"]}, "minItems": 1, "maxItems": 3}}, "required": ["mood", "level", "tags"], "additionalProperties": False}, "How does {} feel? Answer in JSON."),
    "ranges": ({"type": "object", "properties": {"age": {"type": "integer", "minimum": 18, "maximum": 65}, "height": {"type": "number", "exclusiveMinimum": 1.2, "maximum": 2.1}, "score": {"type": "integer", "multipleOf": 5, "minimum": 0, "maximum": 100}}, "required": ["age", "height", "score"], "additionalProperties": False}, "Give age, height in metres and score of {} as JSON."),
    "patterns": ({"type": "object", "properties": {"code": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"}, "when": {"type": "string", "format": "date-time"}, "mail": {"type": "string", "format": "email", "maxLength": 40}}, "required": ["code", "when", "mail"], "additionalProperties": False}, "Write a ticket for {} as JSON."),
    "unicode": ({"type": "object", "properties": {"\u540d\u524d": {"type": "string", "maxLength": 12}, "na\u00efve \"key\"": {"enum": ["\u00e9t\u00e9", "\U0001F600", "a\\b\n"]}}, "required": ["\u540d\u524d", "na\u00efve \"key\""], "additionalProperties": False}, "Translate {} into Japanese, as JSON."),
    "either": ({"oneOf": [{"type": "object", "properties": {"kind": {"const": "circle"}, "radius": {"type": "number", "exclusiveMinimum": 0}}, "required": ["kind", "radius"], "additionalProperties": False}, {"type": "object", "properties": {"kind": {"const": "box"}, "width": {"type": "integer", "minimum": 1}, "height": {"type": "integer", "minimum": 1}}, "required": ["kind", "width", "height"], "additionalProperties": False}]}, "Draw a shape for {} as JSON."),
    "open": ({"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"], "additionalProperties": {"type": "integer"}, "maxProperties": 5}, "Count things about {} as JSON."),
    "list": ({"type": "array", "items": {"type": "object", "properties": {"q": {"type": "string", "minLength": 3, "maxLength": 60}, "a": {"type": ["string", "null"], "maxLength": 60}}, "required": ["q", "a"], "additionalProperties": False}, "minItems": 2, "maxItems": 3}, "Write two questions about {} with answers, as JSON."),
    "names": ({"type": "object", "patternProperties": {"^[a-z]{2,8}$": {"type": "integer", "minimum": 0, "maximum": 9}}, "additionalProperties": False, "minProperties": 1, "maxProperties": 4}, "Rate {} from 0 to 9 by category, as JSON."),
}
SUBJECTS = ["a cat", "Ana Lopez", "the moon", "Berlin", "a broken laptop", "two pizzas", "winter", "a violin", "Mr. O'Neil", "chess"]


def answers(options):
    from jsonschema import Draft202012Validator as Validator

    each = max(1, (options.n or 1000) // len(ANSWERS))
    bad = 0
    for held in (True, False):
        valid = total = tokens = 0
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for kind, (schema, question) in ANSWERS.items():
                (folder / "schema.json").write_text(json.dumps(schema))
                subjects = [f"{SUBJECTS[i % len(SUBJECTS)]}{'' if i < len(SUBJECTS) else f' no. {i}'}" for i in range(each)]
                (folder / "rows.jsonl").write_text("".join(json.dumps({"input": question.format(s)}) + "\n" for s in subjects))
                extra = ["--schema", folder / "schema.json"] if held else []
                out, err = hone("ask", MODEL, "--file", folder / "rows.jsonl", "--max-tokens", options.tokens, "--temperature", options.temperature, "--json", *extra)
                validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
                replies = [json.loads(line) for line in out.splitlines()]
                if len(replies) != each:
                    raise RuntimeError(f"{len(replies)} replies of {each}: {err}")
                for reply in replies:
                    total += 1
                    tokens += reply["usage"]["completion_tokens"] if "usage" in reply else 0
                    try:
                        good = validator.is_valid(json.loads(reply["answer"]))
                    except (KeyError, ValueError, TypeError):
                        good = False
                    valid += good
                    bad += held and not good
                    if held and not good:
                        print("not valid:", kind, reply.get("answer"), reply.get("error", ""))
                print(f"{'with' if held else 'without'}: {kind} done, {valid} of {total} valid, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        print(f"{'with' if held else 'without'} the constraint: {valid} of {total} valid; {tokens} tokens, {time.monotonic() - begin:.0f} s", flush=True)
    return bad


# Nothing is forced under the first three: wherever the model is asked, several tokens may follow.
SPEEDS = {
    "text": {"type": "string"},
    "texts": {"type": "array", "items": {"type": "string", "maxLength": 60}, "minItems": 3},
    "numbers": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 100000}, "minItems": 8},
    "forced": {
        "type": "object",
        "properties": {f"{part}_of_the_shipping_address_of_the_customer": {"enum": ["given", "missing"]} for part in ("street", "city", "postal_code", "country", "phone_number")},
        "required": [f"{part}_of_the_shipping_address_of_the_customer" for part in ("street", "city", "postal_code", "country", "phone_number")],
        "additionalProperties": False,
    },
}


def speed(options):
    """Milliseconds a token behind the first, of answers of up to `--tokens` tokens, each in a process of its own, all kinds in
    turn; the prompt and the first token are measured alone and taken off."""
    question = "Write a long list about the history of the sea, the ships and the people who sailed them."

    def ask(tokens, *extra):
        out, err = hone("ask", MODEL, question, "--max-tokens", tokens, "--json", *extra)
        reply = json.loads(out.splitlines()[0]) if out else {"error": err}
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["latency_ms"], reply["usage"]["completion_tokens"]

    times, counts = {kind: [] for kind in ("without", *SPEEDS)}, {}
    with tempfile.TemporaryDirectory() as name:
        file = pathlib.Path(name) / "schema.json"
        for turn in range(options.n or 7):
            prompt, _ = ask(1)
            for kind in times:
                extra = []
                if kind != "without":
                    file.write_text(json.dumps(SPEEDS[kind]))
                    extra = ["--schema", file]
                latency, counts[kind] = ask(max(options.tokens, 160) if kind == "forced" else options.tokens, *extra)
                times[kind].append((latency - prompt) / max(1, counts[kind] - 1))
            print(f"turn {turn + 1}: prompt {prompt:.0f}, " + ", ".join(f"{kind} {values[-1]:.2f}" for kind, values in times.items()), file=sys.stderr, flush=True)
    medians = {kind: statistics.median(values) for kind, values in times.items()}
    result = {kind: {"tokens": counts[kind], "ms_per_token": round(value, 3), "speed": round(medians["without"] / value, 3)} for kind, value in medians.items()}
    print(json.dumps(result, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = {"peers": peers, "random": random_pairs, "answers": answers, "speed": speed}
    parser.add_argument("what", choices=kinds)
    parser.add_argument("-n", type=int, default=0, help="schemas (peers: of the file; random: made), answers, or turns (speed)")
    parser.add_argument("--skip", type=int, default=0, help="peers, random: the first schemas")
    parser.add_argument("--engines", default="hone,llguidance,xgrammar")
    parser.add_argument("--limit", type=float, default=5, help="peers: seconds that xgrammar may take for a schema")
    parser.add_argument("--errors", action="store_true", help="peers: says why schemas did not compile in hone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=80)
    parser.add_argument("--temperature", type=float, default=0.7)
    options = parser.parse_args()
    sys.exit(1 if kinds[options.what](options) else 0)


if __name__ == "__main__":
    main()
