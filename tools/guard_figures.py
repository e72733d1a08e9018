#!/usr/bin/env python3
"""Figures on examples/guard for its README: sizes, balance, lengths, distinct-n, near-duplicates, and what single surface
marks give away about the label.

Where scikit-learn is there, it also scores a plain n-gram classifier; with a path to the default model's GGUF and the `gguf`
and `tokenizers` packages it counts tokens. A folder with train.jsonl and test.jsonl may be named by --folder.
"""
import argparse
import collections
import itertools
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "examples/guard"
# What a reader might take for the label without reading the row.
MARKS = {
    "a link or domain": r"(?i)https?://|www\.|\.example\b",
    "a mail address": r"[\w.+-]+@[\w-]+\.\w",
    "\"AI\"": r"\b(AIs?|KI|IA)\b",
    "\"assistant\", \"agent\", \"bot\", \"model\"": r"(?i)\b(assistants?|agents?|(chat)?bots?|models?)\b",
    "\"prompt\", \"instructions\", \"rules\"": r"(?i)\b((system )?prompts?|instructions?|rules?)\b",
    "\"ignore\", \"forget\", \"override\", \"bypass\"": r"(?i)\b(ignor|forg[eo]t|disregard|overrid|bypass)\w*",
    "\"password\", \"key\", \"token\", \"secret\"": r"(?i)\b(passwords?|keys?|tokens?|secrets?|credentials?)\b",
    "\"please\", \"thanks\"": r"(?i)\b(please|thanks?|kindly|pls|thx)\b",
    "a question mark": r"[?？]",
    "an exclamation mark": r"!",
    "a quotation mark": r"[\"“”«»]",
    "a digit": r"\d",
    "a line break": r"\n",
}


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


def label_from(counts, size):
    """Share of rows that are right when the label is read off the mark alone, whichever way round; both sides have `size`."""
    malicious, benign = counts
    return max(malicious + size - benign, benign + size - malicious) / (2 * size)


def surface_marks(rows):
    sides = [[r["input"] for r in rows if r["output"] == label] for label in ("malicious", "benign")]
    size = len(sides[0])
    for name, pattern in MARKS.items():
        counts = [sum(bool(re.search(pattern, text)) for text in side) for side in sides]
        yield name, counts, label_from(counts, size)
    lengths = sorted(len(text) for side in sides for text in side)
    edges = [lengths[len(lengths) * q // 4] for q in (1, 2, 3)]
    for quarter in range(4):
        counts = [sum(sum(len(text) >= e for e in edges) == quarter for text in side) for side in sides]
        yield f"length, quarter {quarter + 1}", counts, label_from(counts, size)


def plain_classifier(sides):
    """Accuracy of a logistic regression on word and character n-grams: 5-fold on train, then on test; None without sklearn."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_val_score
        from sklearn.pipeline import make_pipeline, make_union
    except ImportError:
        return None
    grams = make_union(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True))
    model = make_pipeline(grams, LogisticRegression(C=10, max_iter=2000))
    train = [[r[key] for r in sides["train"]] for key in ("input", "output")]
    known = {r["source"] for r in sides["train"]}
    figures = {"5-fold on train": cross_val_score(model, *train, cv=5).mean()}
    model.fit(*train)
    for name, part in (
        ("test", sides["test"]),
        ("test, known families", [r for r in sides["test"] if r["source"] in known]),
        ("test, unseen families", [r for r in sides["test"] if r["source"] not in known]),
    ):
        figures[name] = model.score([r["input"] for r in part], [r["output"] for r in part])
    return figures


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", nargs="?", help="the default model, to count tokens")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    options = parser.parse_args()
    sides = {name: [json.loads(line) for line in (options.folder / f"{name}.jsonl").open()] for name in ("train", "test")}
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
    print("| surface mark | malicious rows | benign rows | right by it alone |\n|---|---|---|---|")
    for name, (malicious, benign), right in surface_marks(rows):
        print("| %s | %d | %d | %.1f %% |" % (name, malicious, benign, 100 * right))
    for name, accuracy in (plain_classifier(sides) or {}).items():
        print("plain n-gram classifier, %s: %.3f" % (name, accuracy))
    if options.gguf:
        lengths = token_lengths(rows, options.gguf)
        print("tokens a row: mean %.1f, longest %d" % (sum(lengths) / len(lengths), max(lengths)))


if __name__ == "__main__":
    main()
