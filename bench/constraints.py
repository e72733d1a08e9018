#!/usr/bin/env python3
"""Constrained decoding against its peers and against a validator.

    constraints.py peers           maskbench's schemas and instances: coverage, false accepts and rejects, compile and mask
                                   times of hone, llguidance and xgrammar, one after the other with the same vocabulary
    constraints.py random          random schemas and instances: hone's decisions beside jsonschema's
    constraints.py answers         answers of the default model on ten schemas, with and without the constraint: how many
                                   jsonschema calls valid

Instances are compact json.dumps, keys in schema order (llguidance and xgrammar take no other; hone is asked with --keys any). Masks are timed at every token of
every instance; each schema starts cold. Needs build/release/hone with the default model in its cache and, from PyPI,
jsonschema[format] (and gguf, numpy, llguidance, xgrammar and torch for `peers`). Shared data: HONE_SHARED_DATA or
../shared/data.
"""
import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

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


def listed(schema, root, depth=0):
    """The property schemas of `schema` in the order in which it and what it combines list them, and one for items."""
    if not isinstance(schema, dict) or depth > 8:
        return {}, {}
    properties, items = dict(schema.get("properties") or {}), schema.get("items") or {}
    parts = [p for key in ("allOf", "anyOf", "oneOf") for p in schema.get(key) or []] + [schema[k] for k in ("then", "else") if k in schema]
    if str(schema.get("$ref", "")).startswith("#"):
        target = root
        for token in schema["$ref"].split("/")[1:]:
            token = token.replace("~1", "/").replace("~0", "~")
            target = target[int(token)] if isinstance(target, list) else (target or {}).get(token)
        parts.append(target)
    for part in parts:
        more, more_items = listed(part, root, depth + 1)
        properties = {**more, **properties} if not properties else {**properties, **{k: v for k, v in more.items() if k not in properties}}
        items = items or more_items
    return properties, items


def in_schema_order(value, schema, root):
    properties, items = listed(schema, root)
    if isinstance(value, dict):
        order = {name: i for i, name in enumerate(properties)}
        rest = schema.get("additionalProperties") if isinstance(schema, dict) else None
        return {k: in_schema_order(value[k], properties.get(k, rest), root) for k in sorted(value, key=lambda k: order.get(k, len(order)))}
    if isinstance(value, list):
        return [in_schema_order(v, items[i] if isinstance(items, list) and i < len(items) else items, root) for i, v in enumerate(value)]
    return value


class Tally:
    def __init__(self, name):
        self.name, self.compiled, self.false_accepts, self.false_rejects = name, 0, 0, 0
        self.compile_ms, self.mask_us, self.wrong = [], [], []

    def judge(self, row, test, accepted):
        if accepted == test["valid"]:
            return
        self.false_accepts += accepted
        self.false_rejects += not accepted
        self.wrong.append((row["name"], "accepts" if accepted else "refuses", compact(test["data"])[:100]))

    def show(self, total):
        masks = self.mask_us
        print(
            f"{self.name}: compiled {self.compiled} of {total}; false accepts {self.false_accepts}, false rejects {self.false_rejects}; "
            f"compile ms p50 {quantile(self.compile_ms, 0.5):.2f} p99 {quantile(self.compile_ms, 0.99):.1f}; "
            f"masks {len(masks)}, us mean {statistics.fmean(masks) if masks else 0:.0f} p50 {quantile(masks, 0.5):.0f} p99 {quantile(masks, 0.99):.0f}",
            flush=True,
        )
        for line in self.wrong[:10]:
            print("   ", *line)


def vocabulary():
    """The default model's tokens, merges, bytes of each token, special ones, and the end of a turn."""
    from gguf import GGUFReader

    shown = json.loads(hone("models", "show", MODEL, "--json")[0])
    reader = GGUFReader(next(v for v in shown.values() if isinstance(v, str) and v.endswith(".gguf")))
    field = reader.fields["tokenizer.ggml.tokens"]
    tokens = [bytes(field.parts[i]).decode() for i in field.data]
    merges = reader.fields["tokenizer.ggml.merges"]
    pairs = [tuple(bytes(merges.parts[i]).decode().split(" ")) for i in merges.data]
    kinds = reader.fields["tokenizer.ggml.token_type"]
    special = [i for i, at in enumerate(kinds.data) if kinds.parts[at][0] == 3]
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(b): b for b in plain}
    for n, byte in enumerate(b for b in range(256) if b not in plain):
        letters[chr(256 + n)] = byte
    spelled = [t.encode() if i in set(special) else bytes(letters[c] for c in t) for i, t in enumerate(tokens)]
    return tokens, pairs, spelled, special, int(reader.fields["tokenizer.ggml.eos_token_id"].parts[-1][0])


def ids_of(texts):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "texts.jsonl"
        file.write_text("".join(json.dumps(t) + "\n" for t in texts))
        return [json.loads(line) for line in hone("tokenize", MODEL, "--file", file, "--json")[0].splitlines()]


def run_hone(rows):
    tally = Tally("hone")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            document = hone_constrain(pathlib.Path(folder), row["schema"], [compact(t["data"]) for t in row["tests"]])
            if not document["compiled"]:
                continue
            tally.compiled += 1
            tally.compile_ms.append(document["compile_ms"])
            tally.mask_us += (document["mask_us"] or {"times": []})["times"]
            for test, instance in zip(row["tests"], document["instances"]):
                tally.judge(row, test, instance["accepted"])
    return tally


def run_llguidance(rows, ids, vocabulary_of_model):
    import llguidance.numpy
    import tokenizers
    from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

    tokens, pairs, spelled, special, eos = vocabulary_of_model
    # It writes forced text as the tokenizer would, so it needs a whole one.
    writer = tokenizers.Tokenizer(tokenizers.models.BPE({t: i for i, t in enumerate(tokens)}, pairs))
    digits, rest = tokenizers.pre_tokenizers.Digits(individual_digits=True), tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    writer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([digits, rest])

    class Words:
        eos_token_id, bos_token_id, tokens, special_token_ids = eos, None, spelled, special

        def __call__(self, text):
            return writer.encode(text if isinstance(text, str) else text.decode(errors="replace")).ids

    tokenizer = LLTokenizer(TokenizerWrapper(Words()))
    mask = llguidance.numpy.allocate_token_bitmask(1, tokenizer.vocab_size)
    tally = Tally("llguidance")
    for row in rows:
        begin = time.perf_counter()
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(row["schema"]), overrides={"whitespace_flexible": False})
        matcher = LLMatcher(tokenizer, grammar)
        if matcher.is_error():
            continue
        tally.compile_ms.append((time.perf_counter() - begin) * 1000)
        tally.compiled += 1
        for test in row["tests"]:
            matcher = LLMatcher(tokenizer, grammar)
            accepted = True
            for token in ids[compact(test["data"])]:
                begin = time.perf_counter()
                llguidance.numpy.fill_next_token_bitmask(matcher, mask)
                tally.mask_us.append((time.perf_counter() - begin) * 1e6)
                if not (mask[0, token // 32] >> (token % 32)) & 1 or not matcher.consume_token(token):
                    accepted = False
                    break
            tally.judge(row, test, accepted and matcher.is_accepting())
    return tally


def run_xgrammar(rows, ids, vocabulary_of_model):
    import xgrammar

    tokens, _, _, _, eos = vocabulary_of_model
    info = xgrammar.TokenizerInfo(tokens, vocab_type=xgrammar.VocabType.BYTE_LEVEL, stop_token_ids=[eos])
    mask = xgrammar.allocate_token_bitmask(1, info.vocab_size)
    tally = Tally("xgrammar")
    for row in rows:
        compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        begin = time.perf_counter()
        try:
            grammar = compiler.compile_json_schema(json.dumps(row["schema"]), any_whitespace=False, separators=(",", ":"), strict_mode=False)
        except Exception:  # whatever it raises, it has not compiled
            continue
        tally.compile_ms.append((time.perf_counter() - begin) * 1000)
        tally.compiled += 1
        for test in row["tests"]:
            matcher = xgrammar.GrammarMatcher(grammar, terminate_without_stop_token=True)
            accepted = True
            for token in ids[compact(test["data"])]:
                if matcher.is_terminated():
                    accepted = False
                    break
                begin = time.perf_counter()
                matcher.fill_next_token_bitmask(mask)
                tally.mask_us.append((time.perf_counter() - begin) * 1e6)
                if not matcher.accept_token(token):
                    accepted = False
                    break
            tally.judge(row, test, accepted and matcher.is_terminated())
    return tally


def peers(options):
    rows = [json.loads(line) for line in (SHARED / "maskbench/sample.jsonl").open()][: options.skip + options.n if options.n else None]
    rows = rows[options.skip :]
    for row in rows:
        for test in row["tests"]:
            test["data"] = in_schema_order(test["data"], row["schema"], row["schema"])
    texts = sorted({compact(t["data"]) for row in rows for t in row["tests"]})
    ids = dict(zip(texts, ids_of(texts)))
    model = vocabulary()
    for engine in options.engines.split(","):
        run = {"hone": lambda rows, ids, model: run_hone(rows), "llguidance": run_llguidance, "xgrammar": run_xgrammar}[engine]
        run(rows, ids, model).show(len(rows))


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
    from jsonschema import Draft202012Validator as Validator

    maker = Maker(options.seed)
    pairs = compiled = wrong = 0
    errors = {}
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        for _ in range(options.n or 1000):
            schema = maker.schema()
            if isinstance(schema, dict):
                schema["$defs"] = {"r": maker.schema(1)}
            values = [maker.value() for _ in range(60)] + [{n: maker.value(2) for n in maker.rng.sample(NAMES, maker.rng.randrange(6))} for _ in range(40)]
            document = hone_constrain(pathlib.Path(name), schema, map(compact, values))
            validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
            nothing = not document["compiled"] and "no value satisfies" in document["error"]
            if not document["compiled"]:
                kind = re.sub(r" at #\S*|#\S*", "", document["error"])[:60]
                errors[kind] = errors.get(kind, 0) + 1
                if not nothing:
                    continue
            compiled += document["compiled"]
            accepted = [False] * len(values) if nothing else [i["accepted"] for i in document["instances"]]
            for value, ours in zip(values, accepted):
                pairs += 1
                if validator.is_valid(value) != ours:
                    wrong += 1
                    if wrong <= 5:
                        print(f"hone {'takes' if ours else 'refuses'} {compact(value)} under {json.dumps(schema)}")
    print(f"{pairs} pairs, {wrong} decided otherwise than jsonschema does; {compiled} schemas compiled; {time.monotonic() - begin:.0f} s")
    for kind, count in sorted(errors.items(), key=lambda item: -item[1]):
        print(f"  {count:5} {kind}")
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
    for held in (True, False):
        valid = total = tokens = 0
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for schema, question in ANSWERS.values():
                (folder / "schema.json").write_text(json.dumps(schema))
                subjects = [f"{SUBJECTS[i % len(SUBJECTS)]}{'' if i < len(SUBJECTS) else f' no. {i}'}" for i in range(each)]
                (folder / "rows.jsonl").write_text("".join(json.dumps({"input": question.format(s)}) + "\n" for s in subjects))
                extra = ["--schema", folder / "schema.json"] if held else []
                out, err = hone("ask", MODEL, "--file", folder / "rows.jsonl", "--max-tokens", options.tokens, "--temperature", options.temperature, "--json", *extra)
                validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
                for line in out.splitlines():
                    reply = json.loads(line)
                    total += 1
                    tokens += reply["usage"]["completion_tokens"]
                    try:
                        good = validator.is_valid(json.loads(reply["answer"]))
                    except (ValueError, TypeError):
                        good = False
                    valid += good
                    if held and not good:
                        print("not valid:", reply["answer"], reply.get("error", ""))
        seconds = time.monotonic() - begin
        print(f"{'with' if held else 'without'} the constraint: {valid} of {total} valid; {tokens} tokens, {seconds:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["peers", "random", "answers"])
    parser.add_argument("-n", type=int, default=0, help="schemas (peers: of the file; random: made) or answers")
    parser.add_argument("--skip", type=int, default=0, help="peers: of the file's first rows")
    parser.add_argument("--engines", default="hone,llguidance,xgrammar")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=80)
    parser.add_argument("--temperature", type=float, default=0.7)
    options = parser.parse_args()
    sys.exit(1 if {"peers": peers, "random": random_pairs, "answers": answers}[options.what](options) else 0)


if __name__ == "__main__":
    main()
