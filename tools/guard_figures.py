#!/usr/bin/env python3
"""Figures on examples/guard for its README: sizes, balance, lengths, distinct-n, near-duplicates.

With a path to the default model's GGUF and the `gguf` and `tokenizers` packages it also counts tokens.
"""
import collections
import itertools
import json
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "examples/guard"


def words(text):
    return re.findall(r"\w+", text.lower())


def distinct(rows, n):
    grams = [tuple(w[i : i + n]) for w in (words(r["input"]) for r in rows) for i in range(len(w) - n + 1)]
    return len(set(grams)) / max(1, len(grams))


def shingles(text):
    plain = re.sub(r"\W+", " ", text.lower())
    return {plain[i : i + 5] for i in range(max(1, len(plain) - 4))}


def near_pairs(rows, threshold):
    sets = [shingles(r["input"]) for r in rows]
    found = []
    for i, j in itertools.combinations(range(len(rows)), 2):
        small, large = sorted((len(sets[i]), len(sets[j])))
        if small / max(1, large) < threshold:
            continue
        common = len(sets[i] & sets[j])
        if common / (len(sets[i]) + len(sets[j]) - common) >= threshold:
            found.append((i, j))
    return found


def token_lengths(rows, gguf_path):
    import gguf
    from tokenizers import Tokenizer, models, pre_tokenizers

    reader = gguf.GGUFReader(gguf_path)
    tokens = [bytes(reader.fields["tokenizer.ggml.tokens"].parts[i]).decode() for i in reader.fields["tokenizer.ggml.tokens"].data]
    merges = [tuple(bytes(reader.fields["tokenizer.ggml.merges"].parts[i]).decode().split(" ")) for i in reader.fields["tokenizer.ggml.merges"].data]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    return [len(tokenizer.encode(r["input"]).ids) for r in rows]


def main():
    sides = {name: [json.loads(line) for line in (FOLDER / f"{name}.jsonl").open()] for name in ("train", "test")}
    rows = sides["train"] + sides["test"]
    for name, part in sides.items():
        print(name, len(part), dict(collections.Counter(r["output"] for r in part)))
    unseen = {r["source"] for r in sides["test"]} - {r["source"] for r in sides["train"]}
    print("families", len({r["source"] for r in rows}), "unseen in training:", sorted(unseen))
    for label in ("malicious", "benign"):
        part = [r for r in rows if r["output"] == label]
        print(label, "mean characters %.0f" % (sum(len(r["input"]) for r in part) / len(part)),
              *("distinct-%d %.3f" % (n, distinct(part, n)) for n in (1, 2, 3)))
    print("exact duplicates", len(rows) - len({r["input"] for r in rows}))
    for threshold in (0.5, 0.8):
        print("pairs with 5-gram Jaccard >= %.1f:" % threshold, len(near_pairs(rows, threshold)))
    if len(sys.argv) > 1:
        lengths = token_lengths(rows, sys.argv[1])
        print("tokens a row: mean %.1f, longest %d" % (sum(lengths) / len(lengths), max(lengths)))


if __name__ == "__main__":
    main()
