"""maskbench's schemas and instances under hone, llguidance and xgrammar: one run, the three taking turns schema by schema."""
import json
import multiprocessing
import pathlib
import statistics
import sys
import tempfile
import time

from hone_constrain import MODEL, SHARED, compact, hone, hone_constrain, quantile


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
        self.compile_ms, self.mask_us, self.warm_us, self.wrong, self.errors = [], [], [], [], []

    def refused(self, row, error):
        self.errors.append((row["name"], error))

    def compiled_in(self, milliseconds):
        self.compiled += 1
        self.compile_ms.append(milliseconds)

    def judge(self, row, test, accepted):
        if accepted == test["valid"]:
            return
        self.false_accepts += accepted
        self.false_rejects += not accepted
        self.wrong.append((row["name"], "accepts" if accepted else "refuses", compact(test["data"])[:100]))

    def result(self):
        def of(values):
            return {"n": len(values), "mean": round(statistics.fmean(values), 2) if values else None, **{f"p{p}": round(quantile(values, p / 100), 2) for p in (50, 99)}}

        return {
            "compiled": self.compiled,
            "false_accepts": self.false_accepts,
            "false_rejects": self.false_rejects,
            "compile_ms": of(self.compile_ms),
            "mask_us": of(self.mask_us),
            "mask_us_remembering": of(self.warm_us),
        }


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


class Hone:
    """Cold: every instance has a process of its own; a further one reads them all and shows what remembering gives."""

    name = "hone"

    def __init__(self, model):
        self.folder = tempfile.TemporaryDirectory()

    def run(self, row, ids, tally):
        folder, texts = pathlib.Path(self.folder.name), [compact(t["data"]) for t in row["tests"]]
        first = hone_constrain(folder, row["schema"], texts)
        if not first["compiled"]:
            return tally.refused(row, first["error"])
        tally.compiled_in(first["compile_ms"])
        tally.warm_us += (first["mask_us"] or {"times": []})["times"]
        for test, text, warm in zip(row["tests"], texts, first["instances"]):
            document = first if len(texts) == 1 else hone_constrain(folder, row["schema"], [text])
            accepted = document["instances"][0]["accepted"]
            if accepted != warm["accepted"]:
                raise RuntimeError(f"{row['name']}: the first and a later reading of {text} differ")
            tally.mask_us += (document["mask_us"] or {"times": []})["times"]
            tally.judge(row, test, accepted)


class Llguidance:
    """Cold: a new matcher for every instance; warm: one that is reset."""

    name = "llguidance"

    def __init__(self, model):
        import llguidance.numpy
        import tokenizers
        from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

        tokens, pairs, spelled, special, eos = model
        # It writes forced text as the tokenizer would, so it needs a whole one.
        writer = tokenizers.Tokenizer(tokenizers.models.BPE({t: i for i, t in enumerate(tokens)}, pairs))
        digits, rest = tokenizers.pre_tokenizers.Digits(individual_digits=True), tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        writer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([digits, rest])

        class Words:
            eos_token_id, bos_token_id, tokens, special_token_ids = eos, None, spelled, special

            def __call__(self, text):
                return writer.encode(text if isinstance(text, str) else text.decode(errors="replace")).ids

        self.tokenizer = LLTokenizer(TokenizerWrapper(Words()))
        self.mask = llguidance.numpy.allocate_token_bitmask(1, self.tokenizer.vocab_size)
        self.matcher, self.fill = LLMatcher, llguidance.numpy.fill_next_token_bitmask

    def read(self, matcher, tokens, times):
        for token in tokens:
            begin = time.perf_counter()
            self.fill(matcher, self.mask)
            times.append((time.perf_counter() - begin) * 1e6)
            if not (self.mask[0, token // 32] >> (token % 32)) & 1 or not matcher.consume_token(token):
                return False
        return matcher.is_accepting()

    def run(self, row, ids, tally):
        schema = json.dumps(row["schema"])
        begin = time.perf_counter()
        grammar = self.matcher.grammar_from_json_schema(schema, overrides={"whitespace_flexible": False})
        warm = self.matcher(self.tokenizer, grammar)
        if warm.is_error():
            return tally.refused(row, warm.get_error())
        tally.compiled_in((time.perf_counter() - begin) * 1000)
        for test in row["tests"]:
            tally.judge(row, test, self.read(self.matcher(self.tokenizer, grammar), ids[compact(test["data"])], tally.mask_us))
            self.read(warm, ids[compact(test["data"])], tally.warm_us)
            warm.reset()


class Xgrammar:
    """Its compiler makes most masks; cold and warm are one. Some schemas take it minutes: each has a process of its own, and one
    that takes more than `--limit` seconds counts as not compiled."""

    name = "xgrammar"

    def __init__(self, model, limit):
        import xgrammar

        tokens, _, _, _, eos = model
        self.limit = limit
        self.info = xgrammar.TokenizerInfo(tokens, vocab_type=xgrammar.VocabType.BYTE_LEVEL, stop_token_ids=[eos])
        self.mask = xgrammar.allocate_token_bitmask(1, self.info.vocab_size)
        self.library = xgrammar

    def run(self, row, ids, tally):
        receive, send = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.get_context("fork").Process(target=self.read_all, args=(row, ids, send))
        child.start()
        found = receive.recv() if receive.poll(self.limit) else f"more than {self.limit} s"
        child.kill()
        child.join()
        if isinstance(found, str):
            return tally.refused(row, found)
        milliseconds, accepted, times = found
        tally.compiled_in(milliseconds)
        tally.mask_us += times
        tally.warm_us = tally.mask_us
        for test, one in zip(row["tests"], accepted):
            tally.judge(row, test, one)

    def read_all(self, row, ids, send):
        compiler = self.library.GrammarCompiler(self.info, max_threads=1, cache_enabled=False)
        begin = time.perf_counter()
        try:
            grammar = compiler.compile_json_schema(json.dumps(row["schema"]), any_whitespace=False, separators=(",", ":"), strict_mode=False)
        except Exception as error:  # whatever it raises, it has not compiled
            return send.send(str(error))
        milliseconds, times = (time.perf_counter() - begin) * 1000, []
        matchers = [self.library.GrammarMatcher(grammar, terminate_without_stop_token=True) for _ in row["tests"]]
        accepted = [self.read(m, ids[compact(t["data"])], times) for m, t in zip(matchers, row["tests"])]
        send.send((milliseconds, accepted, times))

    def read(self, matcher, tokens, times):
        for token in tokens:
            if matcher.is_terminated():
                return False
            begin = time.perf_counter()
            matcher.fill_next_token_bitmask(self.mask)
            times.append((time.perf_counter() - begin) * 1e6)
            if not matcher.accept_token(token):
                return False
        return matcher.is_terminated()


def peers(options):
    rows = [json.loads(line) for line in (SHARED / "maskbench/sample.jsonl").open()]
    rows = rows[options.skip : options.skip + options.n if options.n else None]
    for row in rows:
        for test in row["tests"]:
            test["data"] = in_schema_order(test["data"], row["schema"], row["schema"])
    texts = sorted({compact(t["data"]) for row in rows for t in row["tests"]})
    ids = dict(zip(texts, ids_of(texts)))
    model = vocabulary()
    kinds = {kind.name: kind for kind in (Hone, Llguidance, Xgrammar)}
    engines = [kinds[name](model, *([options.limit] if name == "xgrammar" else [])) for name in options.engines.split(",")]
    tallies = {engine.name: Tally(engine.name) for engine in engines}
    begin = time.monotonic()
    for i, row in enumerate(rows):
        for k in range(len(engines)):  # each goes first as often as the others
            engine = engines[(i + k) % len(engines)]
            engine.run(row, ids, tallies[engine.name])
        if (i + 1) % 20 == 0:
            print(f"{i + 1} of {len(rows)} schemas, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    result = {"schemas": len(rows), "instances": sum(len(row["tests"]) for row in rows), "engines": {name: tally.result() for name, tally in tallies.items()}}
    print(json.dumps(result, indent=1))
    for tally in tallies.values():
        for line in tally.wrong[:10]:
            print("  ", tally.name, *line, file=sys.stderr)
    if options.errors:
        for name, error in tallies["hone"].errors:
            print(f"{name}: {error}", file=sys.stderr)
    return tallies["hone"].wrong if "hone" in tallies else 0
