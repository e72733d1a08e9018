#!/usr/bin/env python3
"""Tokenizers and chat templates against their references; prints one line a comparison and exits 1 if any differs.

    fidelity_text.py vectors     llama.cpp's vectors for the vocabularies of the shared data
    fidelity_text.py families    tokenizers trained small with each family's settings, random Unicode strings: Hugging
                                 Face's tokenizers, SentencePiece itself, and llama.cpp where xllamacpp is installed
    fidelity_text.py smollm2     every line of the shared data, and hostile lines, with the default model's vocabulary
    fidelity_text.py templates   the shared data's chat templates over conversations with and without system turn, tools,
                                 calls, reasoning and odd orders: jinja2 set up as transformers does, and transformers
                                 itself where it is installed
    fidelity_text.py             all of them

Needs build/release/hone, build/release/bench/text_probe (`ninja -C build/release text_probe`) and, for references,
tokenizers, sentencepiece, gguf and xllamacpp from PyPI. Shared data: HONE_SHARED_DATA or ../shared/data.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
HONE = ROOT / "build/release/hone"
PROBE = ROOT / "build/release/bench/text_probe"
SHARED = pathlib.Path(os.environ.get("HONE_SHARED_DATA", ROOT.parent / "shared/data"))
MARK = "\u2581"

failed = False


def report(what, ours, theirs, texts):
    """One line: how many of the pairs differ; the first that does is shown."""
    global failed
    different = [i for i in range(len(theirs)) if ours[i] != theirs[i]] if len(ours) == len(theirs) else [-1]
    print(f"{what}: {len(different)} of {len(theirs)} differ", flush=True)
    if different:
        failed = True
        i = different[0]
        print(f"  {len(ours)} answers for {len(theirs)}" if i < 0 else f"  {texts[i]!r}\n  ours   {ours[i]}\n  theirs {theirs[i]}")


def run_lines(command):
    out = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return [json.loads(line) for line in out.split("\n") if line]


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def hone_ids(model, texts, folder):
    return run_lines([HONE, "tokenize", model, "--file", write_jsonl(folder / "texts.jsonl", texts), "--json"])


def template_ids(model, texts, folder):
    """Ids of the texts as bytes that a chat template wrote."""
    return run_lines([PROBE, "encode", model, write_jsonl(folder / "texts.jsonl", texts)])


class LlamaCpp:
    """llama.cpp's server out of the xllamacpp wheel; only its tokenizer is asked."""

    def __init__(self, path):
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = 64
        params.n_parallel = 1
        params.warmup = False
        params.verbosity = 0
        self.server = xllamacpp.Server(params)

    def ids(self, text):
        body = json.dumps({"content": text, "add_special": False, "parse_special": False}).encode()
        request = urllib.request.Request(self.server.listening_address + "/tokenize", data=body, headers={"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))["tokens"]


def has_llama_cpp():
    try:
        import xllamacpp  # noqa: F401
    except ImportError:
        print("xllamacpp is not installed: llama.cpp is left out")
        return False
    return True


# Texts.

SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 0x1C, 0x1F, 32, 32, 32, 0x85, 0xA0, 0x1680, 0x180E, 0x2003, 0x200B, 0x2028, 0x202F, 0x3000, 0xFEFF)]
PARTS = ["the", " cat", "Hello", "'s", "'S", "'ſ", "'ll", "don't", "12", "1234567", " 9", "٣", "Ⅷ", "½", "é", "e\u0301", "\u0301", "\u0345\u0301",
         "가", "\u1100\u1161", "ß", "ǅ", "字", "日本語", "😀", "👩‍🚀", "!", "?!", "...", "--", "_", "/", "\\", "\"", "{", "}", "<", ">", "|", "\x00",
         "\x07", "\x7f", "a" * 70, "ab" * 40, "x\n\n", "\r\n", "  ", "    ", "\t\t", MARK, MARK + MARK, " " + MARK, "\U0001F1E9\U0001F1EA", "\uFFFD",
         "<0x0A>", "<0x41>", "naïve", "Ünïcödé", "ﬁ", "Å", "ℵ", "\u0915\u094D\u0937", "\u0E01\u0E33"]
RANGES = [(0x20, 0x7E, 12), (0x80, 0x24F, 5), (0x250, 0x36F, 3), (0x370, 0x52F, 3), (0x530, 0x11FF, 4), (0x1200, 0x2FFF, 4), (0x3000, 0x9FFF, 4),
          (0xA000, 0xD7FF, 3), (0xE000, 0xFFFF, 2), (0x10000, 0x1FFFF, 3), (0x20000, 0x3FFFF, 1), (0xE0000, 0x10FFFF, 1)]


def random_texts(count, seed, words=()):
    """Code points of every plane, words, spaces of all kinds, and `words` of the caller's."""
    rng = random.Random(seed)
    ranges = [r for r in RANGES for _ in range(r[2])]

    def part():
        kind = rng.random()
        if kind < 0.25:
            return rng.choice(SPACES) * rng.choice((1, 1, 1, 2, 3))
        if kind < 0.55:
            return rng.choice(PARTS)
        if words and kind < 0.70:
            return rng.choice(words)
        low, high, _ = rng.choice(ranges)
        return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 3)))

    return ["".join(part() for _ in range(rng.randint(0, 14))) for _ in range(count)]


def shared_lines():
    for path in sorted(SHARED.rglob("*")):
        if path.suffix in (".jsonl", ".csv", ".txt"):
            yield from path.read_bytes().decode("utf-8").split("\n")


# Comparisons.


def vectors():
    with tempfile.TemporaryDirectory() as name:
        for path in sorted((SHARED / "vocab").glob("*.gguf")):
            inputs = pathlib.Path(f"{path}.inp").read_bytes().decode("utf-8").split("\n__ggml_vocab_test__\n")
            expected = [[int(i) for i in line.split()] for line in pathlib.Path(f"{path}.out").read_text().split("\n")][: len(inputs)]
            report(f"{path.name}, llama.cpp's vectors", hone_ids(path, inputs, pathlib.Path(name)), expected, inputs)


def default_model():
    return json.loads(subprocess.run([HONE, "models", "pull", "smollm2-135m-instruct", "--json"], check=True, capture_output=True, text=True).stdout)["path"]


def smollm2():
    from gguf import GGUFReader
    from tokenizers import Tokenizer, models, pre_tokenizers

    path = default_model()
    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ", 1)) for m in fields["tokenizer.ggml.merges"].contents()]
    reference = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    reference.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    lines = list(shared_lines())
    hostile = [t for t in random_texts(5000, 11) if "<0x" not in t]
    for what, texts in (("lines of the shared data", lines), ("hostile lines", hostile)):
        with tempfile.TemporaryDirectory() as name:
            ours = hone_ids(path, texts, pathlib.Path(name))
        report(f"SmolLM2, {len(texts)} {what}, tokenizers", ours, [e.ids for e in reference.encode_batch(texts)], texts)
        if has_llama_cpp():
            llama = LlamaCpp(path)
            report(f"SmolLM2, {len(texts)} {what}, llama.cpp", ours, [llama.ids(t) for t in texts], texts)


# Tokenizers trained small.

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")


def training_texts():
    rng = random.Random(7)
    lines = list(shared_lines())
    return rng.sample(lines, min(len(lines), 6000)) + random_texts(1500, 8)


def byte_level_family(name):
    """A tokenizer with the family's normaliser, pre-tokenizers, merging and kinds of added tokens."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(ignore_merges=name == "llama3"))
    if name == "smollm2":
        steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    else:
        pattern = QWEN if name == "qwen" else LLAMA3
        steps = [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    if name == "qwen":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    special = {"qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], "smollm2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
               "llama3": ["<|begin_of_text|>", "<|eot_id|>"]}[name]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(training_texts(), trainers.BpeTrainer(vocab_size=6000, initial_alphabet=alphabet, show_progress=False))
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in special])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False), AddedToken("<left>", lstrip=True),
                          AddedToken("<right>", rstrip=True), AddedToken("word", single_word=True), AddedToken("e\u0301clair", normalized=True)])
    if name == "llama3":
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))])])
    return tokenizer


def sentence_piece(folder, gemma):
    """A SentencePiece BPE model with Gemma's or Llama 2's settings."""
    import sentencepiece

    # Lines for training hold no line ends, and SentencePiece takes none of its own mark.
    texts = [part for t in training_texts() for part in t.split("\n") if part.strip() and "\0" not in part and MARK not in part]
    user = ["\n" * n for n in range(2, 8)] + [MARK * n for n in range(2, 8)] + ["<table>", "</table>"] if gemma else []
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(folder / "sp"), vocab_size=4000, model_type="bpe", byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=not gemma, split_digits=True,
        allow_whitespace_only_pieces=True, character_coverage=0.98, user_defined_symbols=user,
        unk_id=3 if gemma else 0, bos_id=2 if gemma else 1, eos_id=1 if gemma else 2, pad_id=0 if gemma else -1,
        pad_piece="<pad>", unk_piece="<unk>", bos_piece="<bos>" if gemma else "<s>", eos_piece="<eos>" if gemma else "</s>",
        control_symbols=["<start_of_turn>", "<end_of_turn>"] if gemma else [], minloglevel=2)
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "sp.model"))


def merges_from_scores(vocab, scores):
    """As transformers' converter makes them: every split of a piece into two pieces, by score, then by the parts' ids."""
    merges = []
    for piece, score in scores.items():
        local = [(piece[:i], piece[i:], score) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
        merges += sorted(local, key=lambda m: (vocab[m[0]], vocab[m[1]]))
    return [m[:2] for m in sorted(merges, key=lambda m: m[2], reverse=True)]


def letters_family(sp, name):
    """The tokenizer.json that transformers makes of the model."""
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

    vocab = {sp.id_to_piece(i): i for i in range(sp.get_piece_size())}
    scores = {p: sp.get_score(i) for p, i in vocab.items()}
    gemma = name == "gemma"
    if gemma:
        vocab["\t"] = vocab["<0x09>"]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges_from_scores(vocab, scores), unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if gemma:
        tokenizer.normalizer = normalizers.Replace(" ", MARK)
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    elif name == "llama2":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="first", split=False)
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"] if gemma else ["<unk>", "<s>", "</s>"]
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in special])
    if gemma:
        user = ["\n" * n for n in range(2, 8)] + [MARK * n for n in range(2, 8)] + ["<table>", "</table>"]
        tokenizer.add_tokens([AddedToken(t, normalized=False) for t in user])
    tokenizer.add_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
                          AddedToken("word", single_word=True), AddedToken("two words")])
    return tokenizer


def write_gguf(path, sp, gemma):
    """A one-layer llama of random weights with the model's vocabulary, so that llama.cpp loads it."""
    import gguf
    import numpy

    size = sp.get_piece_size()
    writer = gguf.GGUFWriter(str(path), "llama")
    width, heads = 32, 2
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    types, tokens = [], []
    for i in range(size):
        piece = sp.id_to_piece(i)
        kind = gguf.TokenType.NORMAL
        if sp.is_unknown(i):
            kind = gguf.TokenType.UNKNOWN
        elif sp.is_control(i):
            kind = gguf.TokenType.CONTROL
        elif sp.is_byte(i):
            kind = gguf.TokenType.BYTE
        elif gemma and (set(piece) <= {"\n"} or set(piece) <= {MARK}) and len(piece) > 1 or piece in ("<table>", "</table>"):
            kind = gguf.TokenType.USER_DEFINED
            piece = piece.replace(MARK, " ")
        tokens.append(piece.encode())
        types.append(kind)
    writer.add_token_list(tokens)
    writer.add_token_scores([sp.get_score(i) for i in range(size)])
    writer.add_token_types(types)
    writer.add_add_space_prefix(not gemma)
    writer.add_bos_token_id(2 if gemma else 1)
    writer.add_eos_token_id(1 if gemma else 2)
    writer.add_unk_token_id(3 if gemma else 0)
    rng = numpy.random.default_rng(1)
    shapes = {"token_embd.weight": (size, width), "output_norm.weight": (width,), "output.weight": (size, width)}
    for part, shape in {"attn_norm": (width,), "attn_q": (width, width), "attn_k": (width, width), "attn_v": (width, width), "attn_output": (width, width),
                        "ffn_norm": (width,), "ffn_gate": (32, width), "ffn_up": (32, width), "ffn_down": (width, 32)}.items():
        shapes[f"blk.0.{part}.weight"] = shape
    for tensor, shape in shapes.items():
        writer.add_tensor(tensor, rng.standard_normal(shape).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


ADDED = ["<|im_start|>", "<|im_end|>", "<|eot_id|>", "<think>", "</think>", "<left>", "<right>", "word", "words", "two words", " word ", "\u00e9clair",
         "e\u0301clair", "<s>", "</s>", "<bos>", "<start_of_turn>", "<end_of_turn>", "<table>", "\n\n", "  <left>  ", "<right>\n\n\n", "<|im_", "end|>"]


def against_tokenizers(name, tokenizer, folder, count):
    model = folder / name
    model.mkdir()
    tokenizer.save(str(model / "tokenizer.json"))
    # In plain text only added tokens of white space match; these texts hold no others.
    texts = [t for t in random_texts(count, 21) if "word" not in t and "<table>" not in t]
    expected = [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    report(f"{name}, random Unicode strings, tokenizers", hone_ids(model, texts, folder), expected, texts)
    texts = random_texts(count // 5, 22, ADDED)
    expected = [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    report(f"{name}, the same with added tokens, as template text", template_ids(model, texts, folder), expected, texts)


def families(count):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name in ("qwen", "llama3", "smollm2"):
            against_tokenizers(name, byte_level_family(name), folder, count)
        for name, settings in (("gemma", ["gemma"]), ("llama2", ["llama2", "llama2-metaspace"])):
            (folder / f"sp-{name}").mkdir()
            sp = sentence_piece(folder / f"sp-{name}", name == "gemma")
            for setting in settings:
                against_tokenizers(setting, letters_family(sp, setting), folder, count)
            file = folder / f"{name}.gguf"
            write_gguf(file, sp, name == "gemma")
            texts = [t for t in random_texts(count // 5, 23) if "<table>" not in t and "\0" not in t and "<0x" not in t]
            ours = hone_ids(file, texts, folder)
            if has_llama_cpp():
                llama = LlamaCpp(file)
                report(f"{name} as GGUF, llama.cpp", ours, [llama.ids(t) for t in texts], texts)
            # SentencePiece looks for Gemma's runs of spaces after marking them, llama.cpp before: they differ where a text
            # holds a mark itself.
            ours, texts = zip(*[(o, t) for o, t in zip(ours, texts) if MARK not in t])
            report(f"{name} as GGUF, SentencePiece", ours, [sp.encode(t) for t in texts], texts)


# Chat templates.


def with_transformers(case):
    """What transformers' own renderer makes of a case, or None where it raises."""
    from transformers.utils import chat_template_utils as hf

    import make_golden_text

    extra = dict(case["extra"] or {})
    messages = [make_golden_text.plain(message) for message in hf._normalize_chat_messages(case["messages"])]
    try:
        texts, _ = hf.render_jinja_template(
            [messages], tools=extra.pop("tools", None), documents=extra.pop("documents", None), chat_template=case["template"],
            add_generation_prompt=case["add_generation_prompt"], bos_token=case["bos_token"], eos_token=case["eos_token"], **extra)
    except Exception:  # any: a template refuses in many ways
        return None
    return texts[0]


def fixed_today():
    """Makes transformers' strftime_now print the day of the cases; False where transformers is not installed."""
    import datetime

    import make_golden_text

    try:
        from transformers.utils import chat_template_utils as hf
    except ImportError:
        print("transformers is not installed: it is left out")
        return False

    class Day(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromisoformat(make_golden_text.TODAY)

    hf.datetime = Day
    return True


def templates(folder):
    import make_golden_text

    cases = list(make_golden_text.whole_cases(sorted(folder.glob("*.jinja"))))
    with tempfile.TemporaryDirectory() as name:
        ours = [one["text"] for one in run_lines([PROBE, "render", write_jsonl(pathlib.Path(name) / "cases.jsonl", cases)])]
    has_transformers = fixed_today()
    for source in dict.fromkeys(case["source"] for case in cases):
        at = [i for i, case in enumerate(cases) if case["source"] == source]
        made = [ours[i] for i in at]
        refused = sum(cases[i]["text"] is None for i in at)
        what = f"{source}, {len(at)} renderings of {len(make_golden_text.talks())} conversations, {refused} refused"
        report(f"{what}, jinja2", made, [cases[i]["text"] for i in at], [cases[i] for i in at])
        if has_transformers:
            report(f"{what}, transformers", made, [with_transformers(cases[i]) for i in at], [cases[i] for i in at])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", choices=["vectors", "families", "smollm2", "templates"])
    parser.add_argument("--strings", type=int, default=100_000, help="random strings a family")
    parser.add_argument("--templates", type=pathlib.Path, default=SHARED / "templates", help="folder of *.jinja")
    arguments = parser.parse_args()
    what = arguments.what or ["vectors", "smollm2", "families", "templates"]
    if "vectors" in what:
        vectors()
    if "smollm2" in what:
        smollm2()
    if "families" in what:
        families(arguments.strings)
    if "templates" in what:
        templates(arguments.templates)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
